"""What the joint embedding learns from: recordings and mixtures of them, and the labels heard in each.

Recordings are drawn so that labels with many do not drown those with few. Each is changed at random
(`augmentation`), some are summed with another of the batch: a mixture belongs to all that is in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from stemless.errors import StemlessError
from stemless.query.augmentation import AugmentationConfig, augmented, samples_before
from stemless.query.manifest import Recording, read_manifest
from stemless.query.recordings import RecordingPool, normalised_phrase
from stemless.query.wordings import wordings_of

TEMPLATES = ("{}", "the sound of {}", "a recording of {}", "{} in the background", "I can hear {}")
QUIETEST_RMS = 1e-4


@dataclass(frozen=True)
class Source:
    """A manifest to learn from.

    Attributes:
        manifest: its path.
        weight: how often its recordings are drawn, beside those of the other manifests with as many labels.
    """

    manifest: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError("weight is above 0")


@dataclass(frozen=True)
class SoundConfig:
    """How recordings become a batch.

    Attributes:
        clip_seconds: of each.
        label_power: a label with n recordings is drawn in proportion to n to this power; 0 draws all labels
            alike, 1 all recordings.
        mixed: share of the clips that another one is added to.
        mixed_again: share of those that get a third.
        level_spread_db: level of what is added, at most so much above or below.
        noise: share of the clips with noise, 5 to 40 dB below.
    """

    clip_seconds: float = 4.0
    label_power: float = 0.5
    mixed: float = 0.5
    mixed_again: float = 0.2
    level_spread_db: float = 10.0
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not 0.2 <= self.clip_seconds <= 60:
            raise ValueError("clip_seconds is 0.2 to 60")
        for name in ("label_power", "mixed", "mixed_again", "noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is 0 to 1")
        if self.level_spread_db < 0:
            raise ValueError("level_spread_db is at least 0")


class SoundBatch(NamedTuple):
    """Clips and what is in them.

    Attributes:
        audio: [clips, time].
        shares: [clips, labels], how much of each label is in a clip, by amplitude; each row adds up to 1.
    """

    audio: Tensor
    shares: Tensor


class LabelledRecordings:
    """Recordings of several manifests, the labels of all, and how often each is drawn.

    Args:
        parts: recordings and the weight of each part.
        sample_rate: Hz.
        labels: to name, where those of a training are wanted; else all that the recordings name, sorted.
            Recordings of which no label is among them are passed over.
        report: told of files that cannot be read.
    """

    def __init__(
        self,
        parts: Sequence[tuple[Sequence[Recording], float]],
        sample_rate: int,
        label_power: float,
        *,
        labels: Sequence[str] | None = None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        recordings = [recording for part, _ in parts for recording in part]
        weights = [weight for part, weight in parts for _ in part]
        pool = RecordingPool(recordings, sample_rate)
        named = [tuple(map(normalised_phrase, phrases)) for phrases in pool.phrases]
        self.labels = tuple(labels or sorted({label for names in named for label in names}))
        self.number_of = {label: number for number, label in enumerate(self.labels)}
        kept = [i for i, names in enumerate(named) if any(name in self.number_of for name in names)]
        if not kept:
            raise StemlessError("no recording of the manifests names a sound: give captions or phrases")
        self.recordings = [recordings[i] for i in kept]
        self.named = [
            tuple(self.number_of[name] for name in named[i] if name in self.number_of) for i in kept
        ]
        self.pool = RecordingPool(self.recordings, sample_rate, hold=True, report=report)
        part_of = [number for number, (part, _) in enumerate(parts) for _ in part]
        self.shares = draw_shares(
            self.named, [part_of[i] for i in kept], [weights[i] for i in kept], label_power
        )

    def wordings(self) -> list[tuple[str, ...]]:
        """Of each label, all the words that training knows for it.

        Its own, others from the table, captions of recordings of it alone, and its own in a few sentences.
        """
        captions: list[dict[str, None]] = [{} for _ in self.labels]
        for recording, numbers in zip(self.recordings, self.named, strict=True):
            if len(numbers) == 1:
                captions[numbers[0]][recording.caption] = None
        return [
            tuple(
                dict.fromkeys(
                    (*wordings_of(label), *list(known)[:CAPTIONS_KEPT], *(t.format(label) for t in TEMPLATES))
                )
            )
            for label, known in zip(self.labels, captions, strict=True)
        ]


CAPTIONS_KEPT = 8


def draw_shares(
    named: Sequence[Sequence[int]],
    part_of: Sequence[int],
    weights: Sequence[float],
    label_power: float,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How often each recording is drawn: its label's count to `label_power`, shared by the recordings.

    Args:
        named: the labels of each recording by number, at least one each; the rarest of them counts.
        part_of: the manifest of each recording by number. Labels are counted in each by itself, so that
            many recordings of a label in one do not take the place of its few in another.
        weights: of each recording, before it is shared.

    Returns:
        [recordings], adding up to 1.

    >>> draw_shares([(0,), (0,), (1,), (0,)], [0, 0, 0, 1], [1, 1, 1, 2], 0.0).tolist()
    [0.125, 0.125, 0.25, 0.5]
    """
    counts = Counter(
        (part, number) for part, numbers in zip(part_of, named, strict=True) for number in numbers
    )
    rarest = np.array(
        [
            min(counts[part, number] for number in numbers)
            for part, numbers in zip(part_of, named, strict=True)
        ]
    )
    shares = np.asarray(weights, dtype=np.float64) * rarest ** (label_power - 1.0)
    return np.asarray(shares / shares.sum())


def read_sources(sources: Sequence[Source], split: str = "train") -> list[tuple[list[Recording], float]]:
    """The recordings of one split of each manifest, with the manifest's weight; errors of `read_manifest`."""
    parts = [(read_manifest(source.manifest), source.weight) for source in sources]
    return [([r for r in recordings if r.split == split], weight) for recordings, weight in parts]


class SoundBatches(Dataset[SoundBatch]):
    """Batches of one epoch; each depends on the seed and its number in the whole run alone.

    Args:
        first: number of the epoch's first batch.
        batches: in the epoch.
    """

    def __init__(
        self,
        recordings: LabelledRecordings,
        config: SoundConfig,
        augmentation: AugmentationConfig,
        *,
        batch_size: int,
        first: int,
        batches: int,
        seed: int,
    ) -> None:
        self.recordings = recordings
        self.config = config
        self.augmentation = augmentation
        self.batch_size = batch_size
        self.first, self.batches, self.seed = first, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> SoundBatch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, self.first + index))
        numbers, clips = self._clips(random)
        shares = torch.zeros(len(clips), len(self.recordings.labels))
        for row, number in enumerate(numbers):
            named = list(self.recordings.named[number])
            shares[row, named] = 1.0 / len(named)
        audio = at_one_level(torch.stack(clips))
        audio, shares = mix_within(audio, shares, self.config, random)
        return SoundBatch(add_noise(audio, self.config.noise, random), shares)

    def _clips(self, random: np.random.Generator) -> tuple[list[int], list[Tensor]]:
        sample_rate = self.recordings.pool.sample_rate
        samples = round(self.config.clip_seconds * sample_rate)
        numbers: list[int] = []
        clips: list[Tensor] = []
        tries = 0
        while len(clips) < self.batch_size:
            tries += 1
            if tries > 20 * self.batch_size + len(self.recordings.recordings):
                raise StemlessError("hardly a recording can be read, or holds sound: look at the manifests")
            number = int(random.choice(len(self.recordings.shares), p=self.recordings.shares))
            before = samples_before(samples, self.augmentation, random)
            clip = self.recordings.pool.stretch(number, before, random)
            if clip is not None:
                numbers.append(number)
                if self.augmentation.changes:
                    clip = augmented(clip, samples, sample_rate, self.augmentation, random)
                clips.append(clip)
        return numbers, clips


def at_one_level(audio: Tensor) -> Tensor:
    """Clips [clips, time] with a root mean square of 1 each; silence stays silent."""
    return audio / audio.square().mean(-1, keepdim=True).sqrt().clamp_min(QUIETEST_RMS)


def mix_within(
    audio: Tensor, shares: Tensor, config: SoundConfig, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Add other clips of the batch to some of its clips.

    Args:
        audio: [clips, time], all of one level.
        shares: [clips, labels].

    Returns:
        both as before; labels share a mixture by the amplitude of what was added (as in Tokozume et al.,
        "Learning from between-class examples for deep sound recognition", ICLR 2018).
    """
    clips, rest = len(audio), np.ones(len(audio), dtype=bool)
    whole, parts, total = audio, shares, torch.ones(clips, 1)
    for share in (config.mixed, config.mixed_again):
        rest &= random.random(clips) < share
        order = torch.from_numpy(random.permutation(clips))
        level_db = random.uniform(-config.level_spread_db, config.level_spread_db, clips)
        gain = torch.from_numpy(rest * 10 ** (level_db / 20)).float()[:, None]
        whole = whole + gain * audio[order]
        parts = parts + gain * shares[order]
        total = total + gain
    return whole, parts / total


def add_noise(audio: Tensor, share: float, random: np.random.Generator) -> Tensor:
    """White noise 5 to 40 dB below some of the clips [clips, time]."""
    chosen = np.flatnonzero(random.random(len(audio)) < share)
    noise = torch.from_numpy(random.standard_normal((len(chosen), audio.shape[1]), dtype=np.float32))
    gain = torch.from_numpy(10 ** (-random.uniform(5, 40, len(chosen)) / 20)).float()[:, None]
    rms = audio[chosen].square().mean(-1, keepdim=True).sqrt()
    return audio.index_add(0, torch.from_numpy(chosen), noise * gain * rms)
