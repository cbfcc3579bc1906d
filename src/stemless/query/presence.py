"""Whether what a prompt names is there at all, as a number from 0 to 1; and what follows for its mask.

A network that is asked for a sound gives one, whether it is there or not. Five measures of a stretch tell:

- mixture: how much nearer the prompt is to the mixture than to other recordings, in their deviations (or,
  where none were heard, than other names of sounds are);
- separated: the same of what the mask takes;
- margin: log odds of the prompt against names of common sounds, for what the mask takes: a single source, so
  that they exclude each other;
- share: of the energy that the mask takes, in tens of dB;
- contrast: how near the mask is to one where it takes something.

A logistic regression makes one number of them, a probability once `calibration` has fitted it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from stemless.query.background import BACKGROUND
from stemless.query.embedding import JointEmbedding
from stemless.resampling import resample

MEASURES = ("mixture", "separated", "margin", "share", "contrast")
# Where a mask takes less than this of the energy nothing is heard of it, and what it sounds like is chance.
LOWEST_SHARE_DB = -30.0
SILENCE_DB = -70.0
LARGEST_MARGIN = 20.0
# Clips that are embedded at once: more of them leave the cache of a CPU, and take half as long again each.
CLIPS_AT_ONCE = {"cpu": 8}
MOST_CLIPS_AT_ONCE = 128
LARGEST_DEVIATIONS = 8.0


@dataclass(frozen=True)
class PresenceConfig:
    """How presence is told; stored beside the model that it is told of.

    weights, bias: of the logistic regression, one weight a measure, in the order of `MEASURES`.
    gate_threshold: the presence that halves a mask. gate_slope: how sharply, in powers of the odds.
    window_seconds: of the stretches that are judged.
    background: what a prompt is compared with. alike: sounds among it whose vectors are nearer than this to
    that of the prompt are not held against it.
    """

    weights: tuple[float, ...] = (0.6, 0.6, 0.2, 0.5, 2.0)
    bias: float = -1.0
    gate_threshold: float = 0.2
    gate_slope: float = 3.0
    window_seconds: float = 4.0
    background: tuple[str, ...] = BACKGROUND
    alike: float = 0.7

    def __post_init__(self) -> None:
        if len(self.weights) != len(MEASURES):
            raise ValueError(f"weights must be {len(MEASURES)}, one for each of {', '.join(MEASURES)}")
        if not 0 < self.gate_threshold < 1 or self.gate_slope <= 0:
            raise ValueError("gate_threshold must be between 0 and 1, and gate_slope above 0")
        if self.window_seconds < 0.5:
            raise ValueError("window_seconds must be at least 0.5")
        if len(self.background) < 3:
            raise ValueError("background needs three phrases at least")

    def presence(self, measures: Tensor) -> Tensor:
        """[..., measures] -> [...] in (0, 1)."""
        return torch.sigmoid(measures @ measures.new_tensor(self.weights) + self.bias)

    def gate(self, presence: Tensor) -> Tensor:
        """What a mask is multiplied with: near 1 well above the threshold, near 0 well below it.

        >>> PresenceConfig().gate(torch.tensor([0.02, 0.2, 0.8])).mul(1000).round().tolist()
        [1.0, 500.0, 1000.0]
        """
        open_at = math.log(self.gate_threshold / (1 - self.gate_threshold))
        return torch.sigmoid(self.gate_slope * (torch.logit(presence, eps=1e-6) - open_at))


@dataclass(frozen=True)
class Cohort:
    """What other recordings sound like: mean [dimension] and covariance [dimension, dimension] of vectors.

    Some prompts are near to every recording, and some to none, not even to their own.
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> Cohort:
        """From those of recordings, [recordings, dimension]."""
        return cls(vectors.mean(0), torch.cov(vectors.T, correction=0))

    def to(self, device: torch.device | str) -> Cohort:
        return Cohort(self.mean.to(device), self.covariance.to(device))


@dataclass(frozen=True)
class Yardstick:
    """What similarities to prompts are measured against.

    prompts: [prompts, dimension], background: [sounds, dimension], of length 1. counted: [prompts, sounds]
    bool, False for sounds that are too much like the prompt. temperature: of the embedding. cohort: other
    recordings.
    """

    prompts: Tensor
    background: Tensor
    counted: Tensor
    temperature: float
    cohort: Cohort | None = None

    @classmethod
    def of(
        cls,
        prompts: Tensor,
        background: Tensor,
        alike: float,
        temperature: float,
        cohort: Cohort | None = None,
    ) -> Yardstick:
        """From vectors; the least alike three sounds are counted always, or there would be no measure."""
        near = prompts @ background.T
        least = near.kthvalue(3, dim=1, keepdim=True).values
        return cls(prompts, background, (near < alike) | (near <= least), temperature, cohort)

    def deviations(self, sounds: Tensor) -> Tensor:
        """How many deviations above what is usual each prompt's similarity lies.

        Args:
            sounds: [prompts or 1, windows, dimension].

        Returns:
            [prompts, windows].
        """
        to_prompt, to_others, counted = self._similarities(sounds)
        if self.cohort is None:
            number = counted.sum(-1)
            mean = (to_others * counted).sum(-1) / number
            variance = ((to_others - mean[..., None]).square() * counted).sum(-1) / number
        else:
            mean = (self.prompts @ self.cohort.mean)[:, None]
            variance = (self.prompts @ self.cohort.covariance * self.prompts).sum(-1, keepdim=True)
        deviations = (to_prompt - mean) / variance.clamp_min(0.0).sqrt().clamp_min(1e-3)
        return deviations.clamp(-LARGEST_DEVIATIONS, LARGEST_DEVIATIONS)

    def margin(self, sounds: Tensor) -> Tensor:
        """Log odds of each prompt against the counted sounds; shapes as of `deviations`."""
        to_prompt, to_others, counted = self._similarities(sounds)
        logits = (to_others / self.temperature).masked_fill(~counted, -torch.inf)
        margin = to_prompt / self.temperature - torch.logsumexp(logits, dim=-1)
        return margin.clamp(-LARGEST_MARGIN, LARGEST_MARGIN)

    def _similarities(self, sounds: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        to_prompt = (sounds * self.prompts[:, None]).sum(-1)
        to_others = (sounds @ self.background.T).expand(len(self.prompts), -1, -1)
        return to_prompt, to_others, self.counted[:, None].expand_as(to_others)


@dataclass(frozen=True)
class Judged:
    """The stretches of a chunk: measures [prompts, windows, measures], audible [prompts, windows] bool, and
    their middles [windows] in seconds from the start of the chunk."""

    measures: Tensor
    audible: Tensor
    middles_seconds: Tensor

    def presence(self, config: PresenceConfig) -> Tensor:
        """[prompts, windows]; 0 where nothing is heard."""
        return config.presence(self.measures) * self.audible


def window_starts(samples: int, window: int) -> list[int]:
    """Where windows begin that divide a signal among them, as evenly as they can.

    Args:
        samples: of the signal.
        window: length in samples, at most that of the signal.

    >>> window_starts(80, 40), window_starts(110, 40), window_starts(50, 40), window_starts(40, 40)
    ([0, 40], [0, 35, 70], [5], [0])
    """
    count = max(1, round(samples / window))
    middles = [samples * (2 * number + 1) / (2 * count) for number in range(count)]
    return [min(max(round(middle - window / 2), 0), samples - window) for middle in middles]


@dataclass(frozen=True)
class Judge:
    """Who measures the stretches of a chunk.

    Attributes:
        embedding: hears them, at its own rate.
        config: how they are cut.
        sample_rate: of what is judged; hop_length: of its contrast.
        level_db: what each stretch is brought to before it is heard, root mean square re full scale.
        cohort: how other recordings sound to the embedding.
    """

    embedding: JointEmbedding
    config: PresenceConfig
    sample_rate: int
    hop_length: int
    level_db: float
    cohort: Cohort | None = None

    def vectors(self, clips: Tensor) -> Tensor:
        """Of sounds [clips, time], none of them silent, at `sample_rate`: [clips, dimension]."""
        level = 10 ** (self.level_db / 20)
        clips = clips * (level / clips.square().mean(-1, keepdim=True).sqrt())
        if self.embedding.sample_rate != self.sample_rate:
            clips = _resampled(clips, self.sample_rate, self.embedding.sample_rate)
        few = clips.split(CLIPS_AT_ONCE.get(clips.device.type, MOST_CLIPS_AT_ONCE))
        return torch.cat([self.embedding.embed_audio(each) for each in few])

    def yardstick(self, prompts: Tensor, background: Tensor) -> Yardstick:
        """For prompts [prompts, dimension] and background [sounds, dimension]."""
        return Yardstick.of(prompts, background, self.config.alike, self.embedding.temperature, self.cohort)

    def measure(self, mixture: Tensor, separated: Tensor, contrast: Tensor, yardstick: Yardstick) -> Judged:
        """Measure the stretches of a chunk.

        Args:
            mixture: [time], as the network hears it.
            separated: [prompts, time], what the masks take of it.
            contrast: [2, prompts, frames], sums over bins of mask^2 * power and of mask * power, with
                `hop_length` samples from frame to frame.
            yardstick: of these prompts.
        """
        window = min(round(self.config.window_seconds * self.sample_rate), len(mixture))
        starts = window_starts(len(mixture), window)
        sounds = torch.cat((mixture[None], separated))
        pieces = torch.stack([sounds[:, first : first + window] for first in starts], dim=1)
        powers = pieces.square().mean(-1)
        share_db = 10 * torch.log10((powers[1:] + 1e-20) / (powers[:1] + 1e-20))
        audible = (share_db > LOWEST_SHARE_DB) & (powers[:1] > 10 ** (SILENCE_DB / 10))
        heard = torch.cat((audible.any(0, keepdim=True), audible))
        vectors = pieces.new_zeros(*heard.shape, self.embedding.dimension)
        if bool(heard.any()):
            vectors[heard] = self.vectors(pieces[heard])
        hop = self.hop_length
        frames = [slice(round(first / hop), round((first + window) / hop) + 1) for first in starts]
        squares, sums = torch.stack([contrast[..., each].sum(-1) for each in frames], dim=-1)
        measures = (
            yardstick.deviations(vectors[:1]),
            yardstick.deviations(vectors[1:]),
            yardstick.margin(vectors[1:]),
            share_db.clamp(LOWEST_SHARE_DB, 0.0) / 10,
            squares / sums.clamp_min(1e-20),
        )
        middles = torch.tensor([first + window / 2 for first in starts], dtype=torch.float64)
        return Judged(torch.stack(measures, dim=-1), audible, middles / self.sample_rate)


def _resampled(clips: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """[clips, time] at another rate; one by one, since the library thinks of channels, and of a few."""
    rows = [resample(clip[None].cpu(), from_rate, to_rate) for clip in clips]
    return torch.cat(rows).to(clips.device)


def spread(values: Tensor, middles_seconds: Tensor, times_seconds: Tensor) -> Tensor:
    """Values [..., windows] at other times: linear between the middles, held at the ends.

    >>> spread(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0, 9.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    if len(middles_seconds) == 1:
        return values.expand(*values.shape[:-1], len(times_seconds))
    above = torch.searchsorted(middles_seconds, times_seconds).clamp(1, len(middles_seconds) - 1)
    low, high = middles_seconds[above - 1], middles_seconds[above]
    weight = ((times_seconds - low) / (high - low)).clamp(0.0, 1.0).to(values)
    above = above.to(values.device)
    return torch.lerp(values[..., above - 1], values[..., above], weight)
