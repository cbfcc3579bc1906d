"""Curves over time, every five milliseconds: lay values out, smooth them, let them wander.

Frame t is at t * STEP_SECONDS.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

STEP_SECONDS = 0.005


def frame_times(duration_seconds: float) -> Floats:
    """Times of all frames of a stretch: [frames]."""
    return np.arange(1 + int(duration_seconds / STEP_SECONDS + 1e-6)) * STEP_SECONDS


def span(times: Floats, start_seconds: float, end_seconds: float) -> slice:
    """The frames from start to before end."""
    first, last = np.searchsorted(times, (start_seconds, end_seconds))
    return slice(int(first), int(last))


def smooth(values: Floats, seconds: float) -> Floats:
    """Glide over so many seconds: a Hann average along the first axis; the ends hold their value.

    Args:
        values: [frames] or [frames, curves].

    >>> smooth(np.array([0.0, 0, 0, 1, 1, 1]), 0.01).round(2).tolist()
    [0.0, 0.0, 0.25, 0.75, 1.0, 1.0]
    """
    kernel = _hann(seconds)
    kernel /= kernel.sum()
    columns = values.reshape(len(values), -1).T
    half = len(kernel) // 2
    padded = np.pad(columns, ((0, 0), (half, half)), mode="edge")
    glided = [np.convolve(column, kernel, "valid") for column in padded]
    return np.stack(glided, axis=-1).reshape(values.shape)


def wander(frames: int, seconds: float, generator: np.random.Generator) -> Floats:
    """Noise of unit deviation that needs so many seconds to turn: [frames]."""
    kernel = _hann(seconds)
    kernel /= np.sqrt((kernel**2).sum())
    return np.convolve(generator.standard_normal(frames + len(kernel) - 1), kernel, "valid")


def read(curve: Floats, frames: Floats) -> Floats:
    """A curve at fractional frames, linear between them."""
    return np.interp(frames, np.arange(len(curve)), curve)


def decibels(level_db: Floats | float) -> Floats:
    """Gains of levels."""
    gain: Floats = 10 ** (np.asarray(level_db) / 20)
    return gain


def _hann(seconds: float) -> Floats:
    size = max(3, 2 * round(seconds / STEP_SECONDS / 2) + 1)
    return np.hanning(size + 2)[1:-1]
