"""From the pitch of a voice to a few cents: moved to where the partials of the separated voice lie.

A network of pitches hears in steps of twenty cents, under long windows. Under a short window, the sum of the
magnitudes on all partials has its peak where the voice is (the harmonic sum: Noll, "Pitch determination of
human speech by the harmonic product spectrum, the harmonic sum spectrum, and a maximum likelihood estimate",
1969). In a mixture the partials of the others draw that peak away; in the voice's own stem they are faint.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from stemless.spectrum import Grid
from stemless.voices.tracks import HIGHEST_F0_HZ, LOWEST_F0_HZ, PitchTracks

RATE: Final = 16000
WINDOW: Final = 1024
TRANSFORM: Final = 8192
HOP_LENGTH: Final = 256
PARTIALS: Final = 12
LARGEST_CENTS, STEP_CENTS = 40, 4
_FRAMES_AT_ONCE = 512


def fine_tuned(tracks: PitchTracks, stems: Tensor) -> PitchTracks:
    """Tracks moved by up to 40 cents; rests stay rests.

    Args:
        tracks: of the voices.
        stems: each voice separated, [voices, time] at `RATE`.

    Returns:
        the tracks, with a frame every `HOP_LENGTH` samples from 0 on.
    """
    times = np.arange(1 + stems.shape[1] // HOP_LENGTH, dtype=np.float64) * (HOP_LENGTH / RATE)
    f0_hz = torch.from_numpy(tracks.at(times))
    moved = torch.stack([_moved(f0, stem) for f0, stem in zip(f0_hz, stems.cpu(), strict=True)])
    return replace(tracks, times=times, f0_hz=moved.numpy(), step_seconds=HOP_LENGTH / RATE)


def _moved(f0_hz: Tensor, stem: Tensor) -> Tensor:
    """f0 [frames] of a stem [time], at the peak of the sum over its partials."""
    needed = (len(f0_hz) - 1) * HOP_LENGTH + WINDOW
    before = WINDOW // 2
    frames = pad(stem, (before, max(0, needed - before - len(stem)))).unfold(0, WINDOW, HOP_LENGTH)
    window = Grid(WINDOW, HOP_LENGTH).window()
    cents = [
        _cents_to_peak(f0, torch.fft.rfft(heard * window, TRANSFORM).abs())
        for f0, heard in zip(
            f0_hz.split(_FRAMES_AT_ONCE), frames[: len(f0_hz)].split(_FRAMES_AT_ONCE), strict=True
        )
    ]
    moved = f0_hz * 2 ** (torch.cat(cents) / 1200)
    return torch.where(f0_hz > 0, moved.clamp(LOWEST_F0_HZ, HIGHEST_F0_HZ), f0_hz)


def _cents_to_peak(f0_hz: Tensor, spectrum: Tensor) -> Tensor:
    """How far the highest sum lies from f0 [frames]; 0 where it is at the end of the range, or none is.

    Args:
        spectrum: magnitudes [frames, bins].
    """
    last = spectrum.shape[1] - 1
    steps = torch.arange(-LARGEST_CENTS, LARGEST_CENTS + 1, STEP_CENTS)
    partials = torch.arange(1.0, PARTIALS + 1)[:, None]
    bins = f0_hz[:, None, None] * partials * 2 ** (steps / 1200) * (TRANSFORM / RATE)
    below = bins.long().clamp_max(last - 1)
    share = bins - below

    def at(index: Tensor) -> Tensor:
        return spectrum.gather(1, index.flatten(1)).view_as(bins)

    heard = torch.lerp(at(below), at(below + 1), share.clamp_max(1.0))
    sums = (heard * (bins < last)).sum(1)
    best = sums.argmax(1)
    inside = (best > 0) & (best < len(steps) - 1) & (f0_hz > 0)
    best = best.clamp(1, len(steps) - 2)
    left, top, right = (sums.gather(1, (best + side)[:, None])[:, 0] for side in (-1, 0, 1))
    # The vertex of the parabola through three sums.
    bend = (2 * top - left - right).clamp_min(torch.finfo(sums.dtype).tiny)
    vertex = (0.5 * (right - left) / bend).clamp(-1.0, 1.0)
    return inside * (steps[best] + vertex * STEP_CENTS)
