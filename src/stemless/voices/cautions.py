"""What to be careful about in the tracks of several voices, in sentences with times."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stemless.voices.tracks import PitchTracks

SHORTEST_SECONDS = 0.3
SAME_SEMITONES = 0.5
MISSING_SECONDS = 8.0
MOST_TIMES = 3


def cautions(tracks: PitchTracks) -> Iterator[str]:
    """A sentence for each pair of voices that cannot be told apart or that cross, and each that is missing.

    Unison and octave: the partials of one are those of the other, so that no mask tells whose they are.
    """
    with np.errstate(divide="ignore"):
        midi = np.where(tracks.f0_hz > 0, 12 * np.log2(tracks.f0_hz), np.nan)
    for upper, lower in itertools.combinations(range(tracks.voices), 2):
        apart = midi[upper] - midi[lower]
        pair = f"{tracks.names[upper]} and {tracks.names[lower]}"
        with np.errstate(invalid="ignore"):
            same = np.abs(apart) < SAME_SEMITONES
            octave = np.abs(np.abs(apart) - 12) < SAME_SEMITONES
            crossed = apart < -SAME_SEMITONES
        if times := spans(same, tracks):
            yield f"{pair} sing in unison {_said(times)}: they cannot be told apart there"
        if times := spans(octave, tracks):
            yield f"{pair} sing an octave apart {_said(times)}: they share partials there"
        if times := spans(crossed, tracks):
            yield f"{pair} cross {_said(times)}: check who is who there"
    for name, row in zip(tracks.names, tracks.f0_hz, strict=True):
        resting = spans(row == 0, tracks, MISSING_SECONDS)
        if not (row > 0).any():
            yield f"{name} was not found at all: are there so many voices?"
        elif resting:
            yield f"{name} was not found {_said(resting)}: does it rest there?"


def spans(
    where: NDArray[np.bool_], tracks: PitchTracks, shortest_seconds: float = SHORTEST_SECONDS
) -> list[tuple[float, float]]:
    """Stretches [start, end] in seconds in which something holds [frames], the longest first."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], where, [False]]).astype(int)))
    half = tracks.step_seconds / 2
    found = [
        (float(tracks.times[first]) - half, float(tracks.times[last - 1]) + half)
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
    kept = [(max(0.0, start), end) for start, end in found if end - start >= shortest_seconds]
    return sorted(kept, key=lambda span: span[0] - span[1])


def _said(times: list[tuple[float, float]]) -> str:
    """The longest few in the order of time.

    >>> _said([(3.0, 4.5), (1.0, 1.5)])
    'at 1.0 to 1.5 s and 3.0 to 4.5 s'
    """
    named = [f"{start:.1f} to {end:.1f} s" for start, end in sorted(times[:MOST_TIMES])]
    more = len(times) - MOST_TIMES
    if more > 0:
        named.append(f"{more} more place{'s' if more > 1 else ''}")
    return "at " + (", ".join(named[:-1]) + " and " + named[-1] if len(named) > 1 else named[0])
