"""What the voices are trained on: mixtures with the f0 of each voice, and stretches drawn from them.

A corpus is a manifest, a CSV with the columns

    audio,f0[,stems][,split][,start][,end]

one mixture a line: the recording; its tracks as `PitchTracks.from_csv` reads them; for supervised
training the stems, separated by ";" in the order of the tracks; "train" (if empty) or "validation";
and the part to use, in seconds. Paths are relative to the manifest. Recordings are read stretch by
stretch, so that a corpus may be larger than memory.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.audio import AudioInfo, probe, resample
from stemless.errors import StemlessError
from stemless.spectrum import frame_times
from stemless.voices.tracks import PitchTracks

Split = Literal["train", "validation"]


@dataclass(frozen=True)
class Example:
    """A stretch of a mixture, divided by its peak.

    audio: [time]. f0_hz: [voices, frames]. stems: [voices, time].
    """

    audio: Tensor
    f0_hz: Tensor
    stems: Tensor | None


class Mixture(Protocol):
    """A recording to draw stretches from."""

    @property
    def voices(self) -> int: ...

    @property
    def span_seconds(self) -> tuple[float, float]:
        """The part of the recording that may be used."""
        ...

    def stretch(self, start_seconds: float, samples: int) -> Example:
        """`samples` of it from there on, at the corpus' rate, padded with silence past the end."""
        ...


def peak_normalised(audio: Tensor, f0_hz: Tensor, stems: Tensor | None) -> Example:
    """Mixture and stems divided by the peak of the mixture; silence stays silence."""
    peak = audio.abs().max().clamp_min(1e-6)
    return Example(audio / peak, f0_hz, None if stems is None else stems / peak)


def _times(start_seconds: float, samples: int, sample_rate: int, hop_length: int) -> NDArray[np.float64]:
    """Centres of the frames of a stretch in seconds: [1 + samples // hop_length]."""
    return start_seconds + frame_times(1 + samples // hop_length, hop_length, sample_rate)


@dataclass(frozen=True)
class HeldMixture:
    """A mixture in memory: audio [time] and stems [voices, time] at `sample_rate`."""

    audio: Tensor
    tracks: PitchTracks
    sample_rate: int
    hop_length: int
    span_seconds: tuple[float, float]
    stems: Tensor | None = None

    @property
    def voices(self) -> int:
        return len(self.tracks.names)

    def stretch(self, start_seconds: float, samples: int) -> Example:
        start = round(start_seconds * self.sample_rate)
        audio = _padded(self.audio[start : start + samples], samples)
        stems = None if self.stems is None else _padded(self.stems[:, start : start + samples], samples)
        times = _times(start / self.sample_rate, samples, self.sample_rate, self.hop_length)
        return peak_normalised(audio, torch.from_numpy(self.tracks.at(times)), stems)


@dataclass(frozen=True)
class FiledMixture:
    """A mixture on disk, of any rate and number of channels."""

    audio: AudioInfo
    tracks: PitchTracks
    sample_rate: int
    hop_length: int
    span_seconds: tuple[float, float]
    stems: tuple[AudioInfo, ...] = ()

    @property
    def voices(self) -> int:
        return len(self.tracks.names)

    def stretch(self, start_seconds: float, samples: int) -> Example:
        audio = self._read(self.audio, start_seconds, samples)
        stems = [self._read(stem, start_seconds, samples) for stem in self.stems]
        times = _times(start_seconds, samples, self.sample_rate, self.hop_length)
        f0_hz = torch.from_numpy(self.tracks.at(times))
        return peak_normalised(audio, f0_hz, torch.stack(stems) if stems else None)

    def _read(self, info: AudioInfo, start_seconds: float, samples: int) -> Tensor:
        first = min(round(start_seconds * info.sample_rate), info.frames)
        count = round(samples / self.sample_rate * info.sample_rate)
        data, _ = soundfile.read(info.path, count, first, dtype="float32", always_2d=True)
        if not len(data):
            return torch.zeros(samples)
        audio = torch.from_numpy(data).mean(1, keepdim=True).T
        return _padded(resample(audio, info.sample_rate, self.sample_rate)[0, :samples], samples)


def _padded(audio: Tensor, samples: int) -> Tensor:
    return torch.nn.functional.pad(audio, (0, samples - audio.shape[-1]))


def read_manifest(
    path: str | Path, sample_rate: int, hop_length: int, *, with_stems: bool = False
) -> dict[Split, list[Mixture]]:
    """The mixtures of a manifest, by split.

    Raises:
        StemlessError: a line that cannot be used, by number, and why.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            rows = list(reader)
    except FileNotFoundError:
        raise StemlessError(f"{path}: no such corpus manifest") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StemlessError(f"{path}: not a CSV manifest ({error})") from None
    missing = {"audio", "f0"} - columns
    if missing:
        raise StemlessError(f"{path}: column '{sorted(missing)[0]}' is missing; a manifest has audio,f0")
    corpus: dict[Split, list[Mixture]] = {"train": [], "validation": []}
    tracks: dict[Path, PitchTracks] = {}
    for number, row in enumerate(rows, start=2):
        try:
            split, mixture = _read_row(row, path.parent, tracks, sample_rate, hop_length, with_stems)
        except StemlessError as error:
            raise StemlessError(f"{path}, line {number}: {error}") from None
        corpus[split].append(mixture)
    if not corpus["train"]:
        raise StemlessError(f"{path}: no mixture to train on")
    return corpus


def _read_row(
    row: dict[str, str],
    folder: Path,
    tracks: dict[Path, PitchTracks],
    sample_rate: int,
    hop_length: int,
    with_stems: bool,
) -> tuple[Split, Mixture]:
    split = (row.get("split") or "train").strip()
    if split not in ("train", "validation"):
        raise StemlessError(f"split is '{split}'; it is train or validation")
    info = probe(folder / row["audio"])
    f0_path = folder / row["f0"]
    if f0_path not in tracks:
        tracks[f0_path] = PitchTracks.from_csv(f0_path)
    names = [name for name in (row.get("stems") or "").split(";") if name]
    if with_stems and len(names) != tracks[f0_path].voices:
        raise StemlessError(
            f"{len(names)} stems for {tracks[f0_path].voices} tracks; supervised training needs one a track"
        )
    try:
        start = float(row.get("start") or 0.0)
        end = min(float(row.get("end") or info.duration_seconds), info.duration_seconds)
    except ValueError:
        raise StemlessError("start and end are seconds") from None
    if not 0.0 <= start < end:
        raise StemlessError(f"nothing lies between {start:g} s and {end:g} s")
    mixture = FiledMixture(
        info,
        tracks[f0_path],
        sample_rate,
        hop_length,
        (start, end),
        tuple(probe(folder / name) for name in names) if with_stems else (),
    )
    return ("validation" if split == "validation" else "train"), mixture


class Batch(NamedTuple):
    """audio [batch, time], f0_hz [batch, voices, frames], stems [batch, voices, time] or None."""

    audio: Tensor
    f0_hz: Tensor
    stems: Tensor | None


class StretchSampler(torch.utils.data.Dataset[Batch]):
    """Batches of stretches; the k-th depends on the seed and k alone, so a resumed run goes on alike.

    All mixtures of a batch have the same number of voices.
    """

    def __init__(
        self,
        mixtures: list[Mixture],
        *,
        batch_size: int,
        samples: int,
        sample_rate: int,
        first: int,
        batches: int,
        seed: int,
    ) -> None:
        self.by_voices: dict[int, list[Mixture]] = {}
        for mixture in mixtures:
            self.by_voices.setdefault(mixture.voices, []).append(mixture)
        self.weights = [len(group) / len(mixtures) for group in self.by_voices.values()]
        self.batch_size, self.samples, self.sample_rate = batch_size, samples, sample_rate
        self.first, self.batches, self.seed = first, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        random = np.random.default_rng((self.seed, self.first + index))
        groups = list(self.by_voices.values())
        group = groups[random.choice(len(groups), p=self.weights)]
        examples = [self._draw(group, random) for _ in range(self.batch_size)]
        stems = [example.stems for example in examples if example.stems is not None]
        return Batch(
            torch.stack([example.audio for example in examples]),
            torch.stack([example.f0_hz for example in examples]),
            torch.stack(stems) if len(stems) == len(examples) else None,
        )

    def _draw(self, group: list[Mixture], random: np.random.Generator) -> Example:
        # A stretch without any voice teaches nothing; ten tries find one that has some, if any does.
        for _ in range(10):
            mixture = group[random.integers(len(group))]
            start, end = mixture.span_seconds
            latest = max(start, end - self.samples / self.sample_rate)
            example = mixture.stretch(float(random.uniform(start, latest)), self.samples)
            if bool((example.f0_hz > 0).any()) and bool((example.audio != 0).any()):
                break
        return example
