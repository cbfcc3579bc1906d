"""The pitch of each voice over time: what the voices separators are conditioned on.

Conventions: seconds and Hz; 0 is unvoiced; a frame speaks for the time halfway to its neighbours, or for
half a step where it has none. Steps may be unsteady; where a step is much longer than usual, nothing was
tracked and the time between is unvoiced.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stemless.configuration import near_name
from stemless.errors import TrackError, UsageError

LOWEST_F0_HZ = 20.0
HIGHEST_F0_HZ = 5000.0
GAP_STEPS = 3.0  # a step longer than this many usual steps is a gap ...
SHORTEST_GAP_SECONDS = 0.05  # ... unless it is shorter than this
# Ties (a time exactly between two frames) must fall the same way whether or not the track was cut before.
TIE_SECONDS = 1e-7


class TrackWarning(UserWarning):
    """Something in the tracks looks unintended, but the work can go on."""


@dataclass(frozen=True, eq=False)
class PitchTracks:
    """f0 of every voice on one common, strictly rising time axis.

    Args:
        names: one name a voice, distinct and not empty.
        times: [frames] seconds, strictly rising.
        f0_hz: [voices, frames], 0 where the voice rests, else 20 to 5000 Hz.
        step_seconds: the usual step; 0 takes the median step of `times`.
        origin_seconds: where time 0 of these tracks lies in the tracks that they were cut from.
        others: other versions of the same voices, such as what was heard beside what was given. Methods that
            can weigh versions use them; the others go by these tracks alone.
        source: where they came from; opens the messages of errors.

    Raises:
        TrackError: shapes that do not fit, times that do not rise, f0 or names that cannot be.

    >>> tracks = PitchTracks.regular([[220, 220, 0], [330, 0, 0]], 0.01, ["alto", "bass"])
    >>> tracks.at([0.0, 0.004, 0.006, 0.02]).tolist()
    [[220.0, 220.0, 220.0, 0.0], [330.0, 330.0, 0.0, 0.0]]
    """

    names: tuple[str, ...]
    times: NDArray[np.float64]
    f0_hz: NDArray[np.float32]
    step_seconds: float = 0.0
    source: str = "f0 tracks"
    origin_seconds: float = 0.0
    others: tuple[PitchTracks, ...] = ()

    def __post_init__(self) -> None:
        names = tuple(self.names)
        times = np.asarray(self.times, dtype=np.float64)
        f0_hz = np.asarray(self.f0_hz, dtype=np.float32)
        check_names(names)
        if any(version.names != names for version in self.others):
            raise TrackError("other versions of the tracks need the same voices in the same order")
        if times.ndim != 1 or times.size == 0 or f0_hz.shape != (len(names), times.size):
            raise TrackError(
                f"f0 of shape {list(f0_hz.shape)} does not fit {len(names)} voices and times of shape "
                f"{list(times.shape)}: give [voices, frames] and [frames]"
            )
        steps = np.diff(times)
        if not np.isfinite(times).all() or (steps <= 0).any():
            raise TrackError("the times of the tracks must be finite and rise from frame to frame")
        if not np.isfinite(f0_hz).all():
            raise TrackError("f0 must be finite: write 0 where a voice rests")
        voiced = f0_hz[f0_hz != 0]
        if voiced.size and (voiced.min() < LOWEST_F0_HZ or voiced.max() > HIGHEST_F0_HZ):
            worst = voiced.min() if voiced.min() < LOWEST_F0_HZ else voiced.max()
            raise TrackError(
                f"f0 of {worst:g} is outside {LOWEST_F0_HZ:g} to {HIGHEST_F0_HZ:g} Hz: "
                "give Hz, and 0 where a voice rests"
            )
        step_seconds = self.step_seconds or (float(np.median(steps)) if steps.size else 0.01)
        for field, value in (
            ("names", names),
            ("times", times),
            ("f0_hz", f0_hz),
            ("step_seconds", step_seconds),
        ):
            object.__setattr__(self, field, value)

    @classmethod
    def regular(cls, f0_hz: ArrayLike, step_seconds: float, names: Sequence[str] | None = None) -> Self:
        """Tracks from an array [voices, frames] whose frame t lies at t * step_seconds.

        Without names the voices are called "voice 1", "voice 2", ...; NaN is taken as unvoiced.
        """
        values = np.nan_to_num(np.atleast_2d(np.asarray(f0_hz, dtype=np.float32)), nan=0.0)
        if not step_seconds > 0:
            raise TrackError(f"a step of {step_seconds} s is not possible: give seconds above 0")
        if names is None:
            names = voice_names(values.shape[0])
        times = np.arange(values.shape[1], dtype=np.float64) * step_seconds
        return cls(tuple(names), times, values, step_seconds)

    @classmethod
    def from_csv(cls, path: str | Path) -> PitchTracks:
        """Tracks from one file with the header `time,<voice>,<voice>...`; see `track_files` for the forms."""
        return cls.from_files([path])

    @classmethod
    def from_files(cls, paths: Sequence[str | Path]) -> PitchTracks:
        """Tracks from one file of several voices, or from several files (one a voice, named by its file)."""
        from stemless.voices.track_files import read_tracks

        return read_tracks(paths)

    def to_csv(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write `time,<voice>...`, microseconds and millihertz kept; whole or not at all."""
        from stemless.voices.track_files import write_tracks

        write_tracks(self, path, overwrite=overwrite)

    @property
    def voices(self) -> int:
        return len(self.names)

    @property
    def versions(self) -> tuple[PitchTracks, ...]:
        """These tracks alone, and each other version of them."""
        return (replace(self, others=()), *self.others)

    @property
    def duration_seconds(self) -> float:
        """End of the stretch that the last frame speaks for."""
        return float(self.times[-1]) + self.step_seconds / 2

    def at(self, times: ArrayLike) -> NDArray[np.float32]:
        """f0 of every voice at the given seconds [n] -> [voices, n] Hz.

        Between two voiced frames log-f0 is linear; beside an unvoiced frame, a gap or an end the nearest
        frame holds, so that no value lies between a pitch and zero. Unvoiced before the first and after the
        last frame.
        """
        wanted = np.asarray(times, dtype=np.float64)
        left = np.clip(np.searchsorted(self.times, wanted, side="right") - 1, 0, self.times.size - 1)
        right = np.minimum(left + 1, self.times.size - 1)
        from_left = wanted - self.times[left]
        from_right = self.times[right] - wanted
        gap = self.times[right] - self.times[left]

        take_right = from_left > from_right + TIE_SECONDS
        take_right &= right > left
        nearest = np.where(take_right, right, left)
        held = self.f0_hz[:, nearest]
        far = np.abs(wanted - self.times[nearest]) > self.step_seconds / 2 + TIE_SECONDS
        outside = (wanted < self.times[0]) | (wanted > self.times[-1])
        held = np.where(far & (outside | (gap > self._longest_step)), np.float32(0), held)

        low, high = self.f0_hz[:, left], self.f0_hz[:, right]
        glide = (low > 0) & (high > 0) & ~outside & (right > left) & (gap <= self._longest_step)
        weight = np.where(gap > 0, from_left / np.where(gap > 0, gap, 1.0), 0.0)
        low, high = np.where(glide, low, 1.0), np.where(glide, high, 1.0)
        return np.where(glide, low * (high / low) ** weight, held).astype(np.float32)

    def cut(self, start_seconds: float, end_seconds: float) -> PitchTracks:
        """The tracks from start to end, with times relative to the start.

        One frame on each side is kept (its time may be negative), so that `at` gives inside the stretch
        what it gives on the whole.
        """
        first = max(int(np.searchsorted(self.times, start_seconds, side="right")) - 1, 0)
        last = min(int(np.searchsorted(self.times, end_seconds, side="left")), self.times.size - 1)
        kept = slice(min(first, last), last + 1)
        return replace(
            self,
            times=self.times[kept] - start_seconds,
            f0_hz=self.f0_hz[:, kept],
            origin_seconds=self.origin_seconds + start_seconds,
            others=tuple(version.cut(start_seconds, end_seconds) for version in self.others),
        )

    def select(self, names: Sequence[str]) -> PitchTracks:
        """Only the named voices, in the order given; errors as of `check_choice`."""
        rows = [self.names.index(name) for name in self.check_choice(names)]
        others = tuple(version.select(names) for version in self.others)
        return replace(self, names=tuple(names), f0_hz=self.f0_hz[rows], others=others)

    def index(self, voice: str | int) -> int:
        """Row of a voice in `f0_hz`, from its name or the row itself."""
        return voice if isinstance(voice, int) else self.names.index(self.check_choice([voice])[0])

    def check_choice(self, names: Sequence[str]) -> tuple[str, ...]:
        """The names as a tuple; a UsageError if one is unknown or there twice, or if there is none."""
        for position, name in enumerate(names):
            if name not in self.names:
                raise UsageError(f"{self.source}: no voice is called {name!r}, {near_name(name, self.names)}")
            if name in names[:position]:
                raise UsageError(f"the voice {name!r} is asked for twice: name each voice once")
        if not names:
            raise UsageError(f"no voice is asked for: name some of {', '.join(self.names)}")
        return tuple(names)

    def activity(self, voice: str | int, *, shortest_rest_seconds: float = 0.2) -> list[list[float]]:
        """Stretches [start, end] in seconds where the voice sounds; shorter rests are bridged."""
        starts, ends = self._voiced_spans(self.index(voice))
        if starts.size == 0:
            return []
        breaks = np.flatnonzero(starts[1:] - ends[:-1] >= shortest_rest_seconds)
        first = np.concatenate([[0], breaks + 1])
        last = np.concatenate([breaks, [starts.size - 1]])
        return [[float(s), float(e)] for s, e in zip(starts[first], ends[last], strict=True)]

    def presence(self, voice: str | int, duration_seconds: float | None = None) -> float:
        """Fraction of the time in which the voice sounds, of the tracks' own duration or of the given one."""
        total = self.duration_seconds if duration_seconds is None else duration_seconds
        if total <= 0:
            return 0.0
        starts, ends = self._voiced_spans(self.index(voice))
        inside = np.clip(np.minimum(ends, total) - np.maximum(starts, 0.0), 0.0, None)
        return float(min(inside.sum() / total, 1.0))

    def check(self, duration_seconds: float) -> None:
        """Whether these tracks can separate a recording of this length.

        Raises:
            TrackError: fewer than two voices, no pitch at all, or tracks much shorter than the recording.

        Smaller doubts are given as `TrackWarning`.
        """
        if self.voices < 2:
            raise TrackError(
                f"{self.source}: only one voice ({self.names[0]}); separation needs two or more: "
                "add a column, or give one file a voice"
            )
        step = float(np.median(np.diff(self.times))) if self.times.size > 1 else 0.0
        if step >= 1.0 and self.times[-1] > 10 * duration_seconds:
            raise TrackError(
                f"{self.source}: the tracks end at {self.times[-1]:g}, audio at {duration_seconds:.1f} s; "
                "the times look like milliseconds or frame numbers; give seconds"
            )
        missing = duration_seconds - self.duration_seconds
        if missing > min(max(0.5, 0.1 * duration_seconds), 30.0):
            raise TrackError(
                f"{self.source}: the tracks end at {self.duration_seconds:.2f} s, {missing:.2f} s before "
                f"the audio ({duration_seconds:.2f} s): track the whole file, or add a last row "
                f"at {duration_seconds:.2f} with zeros if all voices rest there"
            )
        presences = [self.presence(index, duration_seconds) for index in range(self.voices)]
        if max(presences) == 0:
            raise TrackError(
                f"{self.source}: no voice has a pitch anywhere in the audio; all values are 0 or empty"
            )
        if missing > 0.25:
            warnings.warn(
                f"{self.source}: the tracks end {missing:.2f} s before the audio; all voices rest there",
                TrackWarning,
                stacklevel=2,
            )
        for name, presence in zip(self.names, presences, strict=True):
            if presence == 0:
                warnings.warn(
                    f"{self.source}: {name} has no pitch: its stem will be silent", TrackWarning, stacklevel=2
                )

    @property
    def _longest_step(self) -> float:
        return max(GAP_STEPS * self.step_seconds, SHORTEST_GAP_SECONDS) + TIE_SECONDS

    def _voiced_spans(self, row: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Starts and ends in seconds of the runs of voiced frames of one voice."""
        steps = np.diff(self.times)
        half = np.where(steps > self._longest_step, self.step_seconds / 2, steps / 2)
        edge = np.array([self.step_seconds / 2])
        begins = self.times - np.concatenate([edge, half])
        finishes = self.times + np.concatenate([half, edge])
        voiced = self.f0_hz[row] > 0
        joined = voiced[1:] & voiced[:-1] & (steps <= self._longest_step)
        starts = voiced & ~np.concatenate([[False], joined])
        ends = voiced & ~np.concatenate([joined, [False]])
        return begins[starts], finishes[ends]


def voice_names(number: int) -> tuple[str, ...]:
    """Of voices that have no other name.

    >>> voice_names(2)
    ('voice 1', 'voice 2')
    """
    return tuple(f"voice {index + 1}" for index in range(number))


def check_names(names: Sequence[str]) -> None:
    """Raise a TrackError unless there is at least one name and all are distinct and not blank."""
    if not names:
        raise TrackError("no voice: give a column for each, under the header  time,<voice>,<voice>...")
    for position, name in enumerate(names):
        if not name.strip():
            raise TrackError(f"voice {position + 1} has an empty name: give each voice a name of its own")
        if name in names[:position]:
            raise TrackError(f"two voices are called {name!r}: give each voice a name of its own")
