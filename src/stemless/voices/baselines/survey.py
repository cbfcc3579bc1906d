"""Frames picked from a whole recording, few enough to learn from whatever its length."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times
from stemless.voices.tracks import PitchTracks

KEEP_SECONDS = 30.0


def kept_frames(
    stretches: Iterable[Stretch[PitchTracks]],
    grid: Grid,
    sample_rate: int,
    duration_seconds: float,
    keep_seconds: float = KEEP_SECONDS,
) -> tuple[Tensor, NDArray[np.float64]]:
    """Magnitudes of evenly spaced frames of a recording that comes in stretches.

    Every n-th frame of the short-time spectrum that the whole recording has, n the smallest that leaves at
    most `keep_seconds` worth of frames: all of a short recording, and of a long one a sample in which every
    part of it has its share. How the stretches are cut makes no difference.

    Args:
        stretches: in order, without gaps.

    Returns:
        [bins, kept] magnitudes and the [kept] times of their centres in seconds.
    """
    total = grid.frames(round(duration_seconds * sample_rate))
    every = max(1, math.ceil(total * grid.hop_length / sample_rate / keep_seconds))
    picker = _Picker(grid, every * grid.hop_length)
    silence = torch.zeros(grid.n_fft // 2)
    pieces = [picker.hear(silence)]
    pieces += [picker.hear(stretch.audio[0].cpu()) for stretch in stretches]
    pieces.append(picker.hear(silence))
    magnitude = torch.cat(pieces, dim=1)
    return magnitude, frame_times(magnitude.shape[1], every * grid.hop_length, sample_rate)


class _Picker:
    """The windows that begin at every `step`-th sample of a signal that comes in blocks."""

    def __init__(self, grid: Grid, step: int) -> None:
        self.grid, self.step = grid, step
        self.pending = torch.zeros(0)
        self.ahead = 0  # samples from the start of `pending` to the next window

    def hear(self, audio: Tensor) -> Tensor:
        """Magnitudes [bins, windows] of the windows that this block completes."""
        self.pending = torch.cat((self.pending, audio))
        count = max(0, (len(self.pending) - self.ahead - self.grid.n_fft) // self.step + 1)
        magnitude = torch.zeros(self.grid.bins, 0)
        if count:
            windows = self.pending[self.ahead :].unfold(0, self.grid.n_fft, self.step)
            magnitude = torch.fft.rfft(windows * self.grid.window()).abs().T
        self.ahead += count * self.step
        done = min(self.ahead, len(self.pending))
        self.pending, self.ahead = self.pending[done:].clone(), self.ahead - done
        return magnitude
