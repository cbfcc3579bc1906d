"""The cheapest monotone path of a recording through a score, in a band of bounded width.

One row a frame of the recording; in each the score goes on by 0 to 3 frames. All columns of a row are
computed at once, and of a row only one byte a column is kept, so that memory grows with the length of the
recording times the width of the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemless.voices.score_features import Features

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Penalties:
    """What a path pays besides the distance of the frames it matches (0 to about 1 each)."""

    stay: float = 0.05
    """For resting on a sounding frame of the score; silence may last as long as it likes."""
    skip_one: float = 0.05
    skip_two: float = 0.15
    leave_out: float = 0.1
    """For each frame of the score that is left out before the path begins or after it ends."""


def warp(
    recording: Features,
    score: Features,
    first_column: Indices,
    width: int,
    penalties: Penalties,
) -> tuple[Indices, float]:
    """The path and its cost.

    Args:
        recording: [rows, features].
        score: [columns, features].
        first_column: [rows], not falling; row i may lie in first_column[i] and the width - 1 after it.
        width: of the band, at most the number of columns.
        penalties: see there.

    Returns:
        The column of each row [rows], not falling; and the mean cost of a row.

    >>> frames = np.eye(4, dtype=np.float32)
    >>> warp(frames[[0, 1, 1, 2, 3]], frames, np.zeros(5, dtype=np.int64), 4, Penalties())[0].tolist()
    [0, 1, 1, 2, 3]
    """
    rows = len(recording)
    came_from = np.zeros((rows, width), dtype=np.int8)
    row_power = 0.5 * np.einsum("ij,ij->i", recording, recording)
    column_power = 0.5 * np.einsum("ij,ij->i", score, score)
    sounding = column_power > 0.1
    stay = np.where(sounding, penalties.stay, 0.0).astype(np.float32)
    # Silence before the first and after the last note may be left out for nothing.
    heard = np.concatenate([[0], np.cumsum(sounding)])
    before, after = heard[:-1] * penalties.leave_out, (heard[-1] - heard[1:]) * penalties.leave_out

    total = np.full(width + 3, np.inf, dtype=np.float64)
    ways = np.empty((4, width), dtype=np.float64)
    paid = np.array([0.0, 0.0, penalties.skip_one, penalties.skip_two])
    index = np.arange(width)
    for row in range(rows):
        first = int(first_column[row])
        cost = (
            row_power[row]
            + column_power[first : first + width]
            - score[first : first + width] @ recording[row]
        )
        if row == 0:
            total[3:] = before[first : first + width] + cost
            continue
        moved = first - int(first_column[row - 1])
        # total[3 + k] belongs to column k of the row before; three infinite ones stand in front of it.
        if moved:
            total = np.concatenate([total[moved:], np.full(min(moved, width + 3), np.inf)])[: width + 3]
        for advance in range(4):
            np.add(total[3 - advance : 3 - advance + width], paid[advance], out=ways[advance])
        ways[0] += stay[first : first + width]
        best = ways.argmin(axis=0)
        came_from[row] = best
        total = np.concatenate([np.full(3, np.inf), ways[best, index] + cost])

    last = int(first_column[-1])
    total[3:] += after[last : last + width]
    column = int(total[3:].argmin())
    mean_cost = float(total[3 + column]) / rows
    path = np.empty(rows, dtype=np.int64)
    path[-1] = last + column
    for row in range(rows - 1, 0, -1):
        path[row - 1] = path[row] - came_from[row, path[row] - first_column[row]]
    return path, mean_cost


def whole(rows: int) -> Indices:
    """The band that holds all columns."""
    return np.zeros(rows, dtype=np.int64)


def band_around(path: NDArray[np.floating], columns: int, radius: int) -> tuple[Indices, int]:
    """First columns and width of a band that follows a path [rows] at this distance to each side."""
    width = min(2 * radius + 1, columns)
    first = np.clip(np.round(path).astype(np.int64) - radius, 0, columns - width)
    return np.maximum.accumulate(first), width
