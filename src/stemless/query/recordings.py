"""Stretches of captioned recordings, as training hears them: mono, at one rate, and never silent.

A file that cannot be read is reported once and has no stretches; training goes on with the others.
Recordings that fit into memory may be held there, decoded once, with 16 bits a sample.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemless.audio import AudioInfo, probe, read, resample
from stemless.errors import AudioError
from stemless.query.manifest import Recording
from stemless.query.phrases import phrases as phrases_of_caption

# Below this nothing can be heard in a stretch, and bringing it to a level would raise noise.
SILENCE_DB = -70.0
PLACES_TRIED = 4
QUICK_TRIES = 16
# Of 16 bits, with room for the peaks that resampling makes.
HELD_SCALE = 2.0**14


def normalised_phrase(phrase: str) -> str:
    """A phrase as it is compared: without letter case, extra space and a full stop.

    >>> normalised_phrase(" A  dog barking.")
    'a dog barking'
    """
    return " ".join(phrase.casefold().split()).rstrip(".")


class RecordingPool:
    """Recordings to draw from, with the phrases of each, and what of it can be read.

    Args:
        recordings: of a manifest, all to be used.
        sample_rate: Hz, of the stretches.
        repeat_short: fill a stretch with repetitions of a recording that is shorter; else it lies somewhere
            in silence.
        phrases_of: the phrases of a caption, for recordings whose manifest names none.
        shares: how often each recording is drawn, among each other; all alike when None.
        hold: keep what was read in memory, as a whole.
        report: told, in one line, of each file that cannot be read, once; warnings when None.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        sample_rate: int,
        *,
        repeat_short: bool = False,
        phrases_of: Callable[[str], Sequence[str]] = phrases_of_caption,
        shares: Sequence[float] | None = None,
        hold: bool = False,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.recordings = list(recordings)
        self.sample_rate = sample_rate
        self.repeat_short = repeat_short
        self.phrases = [_phrases(recording, phrases_of) for recording in self.recordings]
        self.hold = hold
        self._held: dict[Path, Tensor] = {}
        self._shares = None if shares is None else np.cumsum(np.asarray(shares, dtype=np.float64))
        if self._shares is not None and (len(self._shares) != len(self) or not self._shares[-1] > 0):
            raise ValueError("shares are one number a recording, at least 0, not all of them 0")
        self._report = report or _warn
        self._reported: set[Path] = set()
        self._probed: dict[Path, AudioInfo | None] = {}

    def __len__(self) -> int:
        return len(self.recordings)

    @functools.cached_property
    def named(self) -> list[frozenset[str]]:
        """What each recording names: its phrases, or its caption where it has none."""
        return [
            frozenset(map(normalised_phrase, phrases or (recording.caption,)))
            for recording, phrases in zip(self.recordings, self.phrases, strict=True)
        ]

    @functools.cached_property
    def can_be_mixed(self) -> bool:
        """Whether there are two recordings that name nothing in common."""
        return any_apart(self.named)

    def candidates(self, random: np.random.Generator) -> Iterator[int]:
        """A few at random, which nearly always suffices, then each once: it ends, whatever they are."""
        for _ in range(QUICK_TRIES if len(self) else 0):
            if self._shares is None:
                yield int(random.integers(len(self)))
            else:
                drawn = random.uniform(0, self._shares[-1])
                yield min(int(np.searchsorted(self._shares, drawn, side="right")), len(self) - 1)
        yield from random.permutation(len(self)).tolist()

    def stretch(self, index: int, samples: int, random: np.random.Generator) -> Tensor | None:
        """`samples` of a recording from anywhere in it: [time].

        What it is depends on the file and the state of `random` alone, not on what was drawn before.

        Returns:
            None where the file cannot be read, or is silent at all the places tried.
        """
        path = self.recordings[index].audio
        try:
            info = self._probe(path)
            if info is None:
                return None
            for _ in range(PLACES_TRIED):
                audio = self._read(info, samples, random)
                if not bool(torch.isfinite(audio).all()):
                    raise AudioError(f"{path}: holds samples that are not finite numbers")
                if level_db(audio) > SILENCE_DB:
                    return audio
        except AudioError as error:
            self._tell(path, str(error))
        except (OSError, soundfile.SoundFileError):
            self._tell(path, f"{path}: is damaged or cut short")
        return None

    def _probe(self, path: Path) -> AudioInfo | None:
        if path not in self._probed:
            try:
                self._probed[path] = probe(path)
            except AudioError as error:
                self._probed[path] = None
                self._tell(path, str(error))
        return self._probed[path]

    def _tell(self, path: Path, problem: str) -> None:
        if path not in self._reported:
            self._reported.add(path)
            self._report(f"{problem}; passed over in training")

    def _read(self, info: AudioInfo, samples: int, random: np.random.Generator) -> Tensor:
        if self.hold:
            whole = self._whole(info)
            first = int(random.integers(max(0, len(whole) - samples) + 1))
            return self._filled(whole[first : first + samples].float() / HELD_SCALE, samples, random)
        wanted = math.ceil(samples / self.sample_rate * info.sample_rate)
        first = int(random.integers(max(0, info.frames - wanted) + 1))
        if info.subtype == "DECODED":  # only ffmpeg can read it, and as a whole
            audio = read(info.path)[0][:, first : first + wanted]
        else:
            data, _ = soundfile.read(str(info.path), wanted, first, dtype="float32", always_2d=True)
            audio = torch.from_numpy(np.ascontiguousarray(data.T))
        if not audio.shape[1]:
            raise AudioError(f"{info.path}: is damaged or cut short")
        mono = resample(audio.mean(0, keepdim=True), info.sample_rate, self.sample_rate)[0, :samples]
        return self._filled(mono, samples, random)

    def _whole(self, info: AudioInfo) -> Tensor:
        """All of a recording [time], int16."""
        if info.path not in self._held:
            audio, sample_rate = read(info.path)
            if not audio.shape[1]:
                raise AudioError(f"{info.path}: is damaged or cut short")
            if not bool(torch.isfinite(audio).all()):
                raise AudioError(f"{info.path}: holds samples that are not finite numbers")
            mono = resample(audio.mean(0, keepdim=True), sample_rate, self.sample_rate)[0]
            scaled = (mono * HELD_SCALE).round().clamp(-(2**15), 2**15 - 1)
            self._held[info.path] = scaled.to(torch.int16)
        return self._held[info.path]

    def _filled(self, audio: Tensor, samples: int, random: np.random.Generator) -> Tensor:
        missing = samples - len(audio)
        place = int(random.integers(samples if self.repeat_short else missing + 1))
        if missing <= 0:
            return audio
        if self.repeat_short:
            return audio.repeat(samples // len(audio) + 1)[:samples].roll(place)
        return torch.nn.functional.pad(audio, (place, missing - place))


def any_apart(named: Sequence[frozenset[str]]) -> bool:
    """Whether any two of what recordings name have nothing in common.

    >>> any_apart([frozenset({"rain"}), frozenset({"rain", "wind"})])
    False
    """
    # Looked at are the recordings that name least: if any two are apart, those almost surely are.
    shortest = sorted(named, key=len)[:64]
    return any(one.isdisjoint(other) for one in shortest for other in named)


def level_db(audio: Tensor) -> float:
    """Root mean square over all samples, in dB re full scale; -inf for silence."""
    power = float(audio.double().square().mean())
    return 10.0 * math.log10(power) if power > 0 else -math.inf


def _phrases(recording: Recording, phrases_of: Callable[[str], Sequence[str]]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for phrase in recording.phrases or phrases_of(recording.caption):
        found.setdefault(normalised_phrase(phrase), phrase)
    return tuple(found.values())


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)
