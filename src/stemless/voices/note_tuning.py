"""From the written pitch of notes to the sung one: intonation, drift and vibrato, heard in the mixture.

For every frame, how much of the mixture lies on the partials of a pitch, for pitches up to a semitone beside
the written one; the best way through a note takes small steps. On a real choir the median distance from the
pitch of the isolated singers falls from 24 to 8 cents, and the comb gains 2 dB.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.spectrum import Grid
from stemless.voices.tracks import HIGHEST_F0_HZ, LOWEST_F0_HZ, PitchTracks

RATE = 16000
GRID = Grid(2048, 256)
STEP_SECONDS = GRID.hop_length / RATE
CENTS = np.arange(-100, 101, 10)
PARTIALS = 12
COMPRESSION = 0.3
STEP_COST = 0.1  # of ten cents between two frames
DISTANCE_COST = 0.5  # of a semitone from the written pitch, growing with its square
_BLOCK_FRAMES = 1024

Scores = NDArray[np.float32]


def tuned(tracks: PitchTracks, mono: Tensor) -> PitchTracks:
    """The tracks moved to where the mixture has their partials, by a semitone at most.

    Args:
        tracks: a frame every STEP_SECONDS from 0 on; steady within each note. Rests stay rests.
        mono: [time] the mixture at `RATE`.
    """
    frames = tracks.times.size
    scores = _scores(tracks.f0_hz, mono)
    same = (tracks.f0_hz[:, 1:] == tracks.f0_hz[:, :-1]) & (tracks.f0_hz[:, 1:] > 0)
    steps = STEP_COST * np.abs(CENTS[:, None] - CENTS[None, :]) / 10
    voices = np.arange(tracks.voices)
    came_from = np.zeros((frames, tracks.voices, len(CENTS)), dtype=np.int8)
    total = scores[0]
    for frame in range(1, frames):
        # Within a note in small steps, from note to note wherever it likes.
        ways = total[:, None, :] - np.where(same[:, frame - 1, None, None], steps, 0.0)
        best = ways.argmax(axis=2)
        came_from[frame] = best
        total = np.take_along_axis(ways, best[:, :, None], axis=2)[:, :, 0] + scores[frame]
    chosen = np.empty((tracks.voices, frames), dtype=np.int64)
    chosen[:, -1] = total.argmax(axis=1)
    for frame in range(frames - 1, 0, -1):
        chosen[:, frame - 1] = came_from[frame, voices, chosen[:, frame]]
    moved = np.clip(tracks.f0_hz * 2 ** (CENTS[chosen] / 1200), LOWEST_F0_HZ, HIGHEST_F0_HZ)
    return replace(tracks, f0_hz=np.where(tracks.f0_hz > 0, moved, 0).astype(np.float32))


def _scores(f0_hz: Scores, mono: Tensor) -> Scores:
    """How well each pitch around f0 [voices, frames] fits the mixture: [frames, voices, CENTS]."""
    frames = f0_hz.shape[1]
    hop, half = GRID.hop_length, GRID.n_fft // 2
    padded = torch.nn.functional.pad(mono, (half, max(0, half + frames * hop - mono.numel())))
    window = GRID.window(torch.float32, mono.device)
    level = float(mono.square().mean().sqrt() * window.square().sum().sqrt())
    cents = CENTS.astype(np.float32)
    prior = -DISTANCE_COST * (cents / 100) ** 2
    scores = np.empty((frames, len(f0_hz), len(cents)), dtype=np.float32)
    for first in range(0, frames, _BLOCK_FRAMES):
        count = min(_BLOCK_FRAMES, frames - first)
        part = padded[first * hop : (first + count - 1) * hop + GRID.n_fft]
        heard = torch.fft.rfft(part.unfold(0, GRID.n_fft, hop) * window).abs() / max(level, 1e-9)
        heard_power = (heard**COMPRESSION).numpy()
        row = np.arange(count)[:, None]
        for voice, pitch_hz in enumerate(f0_hz[:, first : first + count]):
            found = np.zeros((count, len(cents)), dtype=np.float32)
            for partial in range(1, PARTIALS + 1):
                bins = partial * pitch_hz[:, None] * GRID.n_fft / RATE * 2 ** (cents / 1200)
                inside = (pitch_hz > 0) & (bins[:, -1] < half - 1)
                below = np.minimum(bins, half - 1).astype(np.int64)
                share = np.minimum(bins, half - 1) - below
                value = (1 - share) * heard_power[row, below] + share * heard_power[row, below + 1]
                found += partial**-0.3 * np.where(inside[:, None], value, 0.0)
            scores[first : first + count, voice] = found + prior
    return scores
