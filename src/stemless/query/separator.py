"""A trained network as a separator: prompts in, masks that share the mixture out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from stemless.query.compact_unet import CompactUNet
from stemless.query.embedding import TextEmbedding
from stemless.query.model import Network, StoredSeparator
from stemless.query.presence import Judge, Judged, Yardstick, spread
from stemless.query.presence_log import PresenceLog
from stemless.query.prompts import Prompts
from stemless.query.sharing import shared_masks
from stemless.query.sharpness import familiarity, sharpened_
from stemless.separator import Stretch
from stemless.spectrum import Grid, istft, quick_grid, stft

# Context on each side of a chunk, in clips of training. The reach of the network is longer, but thin at its
# ends: trained, it leaves seams 45 dB under the stems.
CONTEXT_CLIPS = 1 / 4
# Trained on clips of four seconds, the compact network separates as well when it hears 24 at once, and the
# fewer chunks, the less context is heard twice. The published one takes a gigabyte for eight seconds.
COMPACT_CHUNK_SECONDS = 12.0
# Prompts that are worked on at once: more of them leave the cache of a CPU, and take twice the time each.
PROMPTS_AT_ONCE = {"cpu": 2}
MOST_PROMPTS_AT_ONCE = 16
# Stretches quieter than the loud ones by more than this do not count for the level.
LEVEL_RANGE_DB = 20.0
LARGEST_GAIN_DB = 60.0
# Frames from one to the next at which the contrast of a mask is measured.
CONTRAST_FRAMES = 4
# And at which the embedding hears what a mask takes.
LISTENED_FRAMES = 2


@dataclass(frozen=True)
class QuerySurvey:
    """What stays the same over a whole recording.

    gain: brings it to the level of training. samples: its length at the rate of the network. text: of all
    phrases. sharpness: of their masks, [phrases]. yardstick: of their presence. log: gathers that presence,
    chunk by chunk.
    """

    gain: float
    samples: int
    text: TextEmbedding
    sharpness: Tensor
    yardstick: Yardstick
    log: PresenceLog


class QuerySeparator:
    """Masks for prompts.

    Args:
        stored: network, embedding and settings, as `model.load_separator` gives them.
        gated: close the masks of what is not there; else they are as the network gives them.
    """

    def __init__(self, stored: StoredSeparator, *, gated: bool = True) -> None:
        self.settings, self.embedding, self.known = stored.settings, stored.embedding, stored.known
        self.network: Network = stored.network.eval()
        for part in (self.network, self.embedding):
            if isinstance(part, torch.nn.Module):
                part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.gated = gated
        config = self.network.config
        self.judge = Judge(
            stored.embedding,
            stored.settings.presence,
            config.sample_rate,
            config.hop_length * CONTRAST_FRAMES,
            stored.settings.level_db,
            stored.cohort,
        )

    @property
    def name(self) -> str:
        return "query/compact" if isinstance(self.network, CompactUNet) else "query/unet"

    @property
    def sample_rate(self) -> int:
        return self.network.config.sample_rate

    @property
    def grid(self) -> Grid:
        return self.network.config.grid

    @property
    def context_seconds(self) -> float:
        return self.settings.clip_seconds * CONTEXT_CLIPS

    @property
    def chunk_seconds(self) -> float:
        """As long as the clips of training, or what the compact network does well with."""
        compact = isinstance(self.network, CompactUNet)
        return max(self.settings.clip_seconds, COMPACT_CHUNK_SECONDS if compact else 0.0)

    @property
    def device(self) -> torch.device:
        return next(self.network.parameters()).device

    @cached_property
    def background(self) -> Tensor:
        """Vectors of the sounds that prompts are compared with, [sounds, dimension]."""
        return self.embedding.embed_text(self.settings.presence.background).vector.to(self.device)

    def survey(
        self, stretches: Iterable[Stretch[Prompts]], condition: Prompts, duration_seconds: float
    ) -> QuerySurvey:
        """The level of the whole recording, and all that depends on the words alone."""
        powers: list[tuple[float, int]] = []
        for stretch in stretches:
            samples = stretch.audio.shape[-1]
            powers.append((float(stretch.audio.square().mean()), samples))
        text = self.embedding.embed_text(condition.phrases).to(self.device)
        return QuerySurvey(
            gain_to(self.settings.level_db, powers),
            round(duration_seconds * self.sample_rate),
            text,
            self.settings.sharpness * familiarity(text.vector, self.known),
            self.judge.yardstick(text.vector, self.background),
            PresenceLog(len(condition.phrases)),
        )

    @torch.inference_mode()
    def masks(self, audio: Tensor, condition: Prompts, survey: object) -> Tensor:
        """Masks of a chunk: [batch, time] -> [batch, names of the condition, bins, frames]."""
        if not isinstance(survey, QuerySurvey):
            raise TypeError("masks() needs what survey() returned")
        start = round(condition.start_seconds * self.sample_rate)
        heard = audio.to(self.device) * survey.gain
        spectrum = stft(heard, self.grid)
        asked = self.network_masks(spectrum.abs(), survey.text, start // self.grid.hop_length)
        first, last = self._kept(start, audio.shape[-1], survey.samples)
        samples = slice(first * self.grid.hop_length, (last - 1) * self.grid.hop_length + 1)
        presence = []
        for mono, bins, masks in zip(heard[:, samples], spectrum, asked, strict=True):
            judged = self.judged(mono, bins[:, first:last], masks[..., first:last], survey.yardstick)
            present = judged.presence(self.settings.presence)
            middles = judged.middles_seconds + samples.start / self.sample_rate
            survey.log.hear(condition.start_seconds, middles, present)
            presence.append(self._at_frames(present, middles, asked.shape[-1]))
        sharpened_(asked, survey.sharpness)
        if self.gated:
            # Before the masks share the mixture: what is not there must not take from what is.
            asked.mul_(self.settings.presence.gate(torch.stack(presence))[:, :, None])
        shares = shared_masks(asked, rule=self.settings.sharing)
        if condition.wanted:
            return shares[:, : len(condition.wanted)].to(audio.device)
        return (1 - shares.sum(1, keepdim=True)).clamp_min(0.0).to(audio.device)

    @torch.inference_mode()
    def examine(
        self, audio: Tensor, prompts: Sequence[str], calls: Sequence[Sequence[int]]
    ) -> Iterator[Judged]:
        """The measures of presence of a short recording, for several calls at once.

        Args:
            audio: [time], mono, at `sample_rate`.
            prompts: of all calls.
            calls: positions of the prompts that are asked together.

        Yields:
            for each call the measures of its prompts, in its order.
        """
        heard = audio.to(self.device) * gain_to(
            self.settings.level_db, [(float(audio.square().mean()), len(audio))]
        )
        spectrum = stft(heard, self.grid)
        text = self.embedding.embed_text(list(prompts)).to(self.device)
        masks = self.network_masks(spectrum.abs()[None], text)[0]
        for call in calls:
            yardstick = self.judge.yardstick(text.vector[list(call)], self.background)
            yield self.judged(heard, spectrum, masks[list(call)], yardstick)

    def network_masks(self, magnitude: Tensor, text: TextEmbedding, first_frame: int = 0) -> Tensor:
        """What the network answers to each prompt by itself.

        Args:
            magnitude: [batch, bins, frames], at the level of training.
            text: of the prompts.
            first_frame: which frame of the recording is the first. The network halves the frames again and
                again; silence is put before them, so that it does so at the same places in every chunk.

        Returns:
            [batch, prompts, bins, frames] in (0, 1).
        """
        frames = magnitude.shape[-1]
        before = first_frame % self.network.config.stride
        heard = self.network.encode(torch.nn.functional.pad(magnitude, (before, 0)))
        pieces = []
        for some in self._few(len(text)):
            tokens, mask, vector = (
                part[some].expand(len(magnitude), *part[some].shape)
                for part in (text.tokens, text.mask, text.vector)
            )
            logits = self.network.decode(heard, tokens, mask, vector)  # type: ignore[arg-type]
            masks = torch.sigmoid(logits[..., before : before + frames])
            if isinstance(self.network, CompactUNet):
                masks = self.network.bands.spread(masks)
            pieces.append(masks)
        return torch.cat(pieces, dim=1)

    def judged(self, heard: Tensor, spectrum: Tensor, masks: Tensor, yardstick: Yardstick) -> Judged:
        """The measures of presence of a part of the recording.

        Args:
            heard: [time], the mixture at the level of training; spectrum: [bins, frames] of it.
            masks: [prompts, bins, frames] as `network_masks` gives them.
            yardstick: of the prompts.
        """
        # The published transform of 1022 has a prime factor of 73, and half the frames are enough to listen.
        grid = quick_grid(self.grid, LISTENED_FRAMES)
        mixture = stft(heard, grid)
        shares = shared_masks(masks[None, ..., ::LISTENED_FRAMES], rule=self.settings.sharing)[0]
        power = spectrum[:, ::CONTRAST_FRAMES].abs().square()
        sounds, contrast = [], []
        for some in self._few(len(masks)):
            # How sure the network is of a prompt is in its own mask, not in what others leave of it.
            own = masks[some, :, ::CONTRAST_FRAMES]
            taken = own * power
            contrast.append(torch.stack(((own * taken).sum(-2), taken.sum(-2))))
            sounds.append(istft(_at_bins(shares[some], grid.bins) * mixture, grid, len(heard)))
        return self.judge.measure(heard, torch.cat(sounds), torch.cat(contrast, dim=1), yardstick)

    def _few(self, prompts: int) -> Iterator[slice]:
        """So many prompts, a few at a time."""
        at_once = PROMPTS_AT_ONCE.get(self.device.type, MOST_PROMPTS_AT_ONCE)
        return (slice(first, first + at_once) for first in range(0, prompts, at_once))

    def _kept(self, start: int, samples: int, whole: int) -> tuple[int, int]:
        """First frame, and the one after the last, of a chunk that are no context.

        Args:
            start, samples: of the chunk.
            whole: samples of the recording.
        """
        frames = self.grid.frames(samples)
        context = min(round(self.context_seconds * self.sample_rate / self.grid.hop_length), frames // 3)
        return context if start else 0, frames - (context if start + samples < whole else 0)

    def _at_frames(self, presence: Tensor, middles_seconds: Tensor, frames: int) -> Tensor:
        """[prompts, windows] -> [prompts, frames]."""
        times = torch.arange(frames, dtype=torch.float64) * (self.grid.hop_length / self.sample_rate)
        return spread(presence, middles_seconds, times)


def _at_bins(masks: Tensor, bins: int) -> Tensor:
    """Masks [prompts, bins, frames] with so many bins: cut, or the highest one repeated."""
    missing = bins - masks.shape[-2]
    if missing <= 0:
        return masks[..., :bins, :]
    return torch.cat((masks, masks[..., -1:, :].expand(*masks.shape[:-2], missing, masks.shape[-1])), dim=-2)


def gain_to(level_db: float, powers: list[tuple[float, int]]) -> float:
    """The gain that brings the loud stretches of a recording to a level.

    Args:
        level_db: root mean square re full scale.
        powers: mean power and length of each stretch.

    >>> round(gain_to(-20.0, [(1.0, 5), (1e-9, 95)]), 3)
    0.1
    """
    loudest = max((power for power, _ in powers), default=0.0)
    if loudest <= 0:
        return 1.0
    counted = [each for each in powers if each[0] > loudest * 10 ** (-LEVEL_RANGE_DB / 10)]
    mean = sum(power * samples for power, samples in counted) / sum(samples for _, samples in counted)
    return float(10 ** (min(level_db - 10 * math.log10(mean), LARGEST_GAIN_DB) / 20))
