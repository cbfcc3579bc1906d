"""Notes of one part, and how a singer places them in time."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stemless.data.singer import Singer

# Two notes closer than this are one line; a longer gap is a rest.
LEGATO_SECONDS = 0.03


@dataclass(frozen=True)
class Note:
    """One note of a part. An empty syllable carries the vowel of the note before on (a melisma)."""

    start_seconds: float
    duration_seconds: float
    midi: float
    syllable: str = ""
    level_db: float = 0.0

    @property
    def end_seconds(self) -> float:
        return self.start_seconds + self.duration_seconds


def check_order(notes: Sequence[Note]) -> None:
    """Refuse notes that overlap or go back in time with a ValueError."""
    for before, after in itertools.pairwise(notes):
        if after.start_seconds < before.end_seconds - 1e-6:
            raise ValueError(f"notes overlap at {after.start_seconds:.3f} s")


def placed(notes: Sequence[Note], singer: Singer, generator: np.random.Generator) -> list[Note]:
    """Move each onset by a few milliseconds; notes that were joined stay joined."""
    late = np.clip(generator.normal(0, singer.timing_seconds, len(notes)), -0.06, 0.06)
    starts = [
        max(0.0, note.start_seconds + float(shift * min(1.0, 3 * note.duration_seconds)))
        for note, shift in zip(notes, late, strict=True)
    ]
    moved = []
    for index, note in enumerate(notes):
        end = note.end_seconds
        if index + 1 < len(notes) and notes[index + 1].start_seconds - end < LEGATO_SECONDS:
            end = starts[index + 1]
        moved.append(replace(note, start_seconds=starts[index], duration_seconds=end - starts[index]))
    return moved


def breath_groups(notes: Sequence[Note]) -> list[tuple[float, float]]:
    """Stretches sung on one breath."""
    groups: list[tuple[float, float]] = []
    for note in notes:
        if groups and note.start_seconds - groups[-1][1] < LEGATO_SECONDS:
            groups[-1] = (groups[-1][0], note.end_seconds)
        else:
            groups.append((note.start_seconds, note.end_seconds))
    return groups
