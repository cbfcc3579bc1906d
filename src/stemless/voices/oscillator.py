"""Excitation of a voiced source: partials of equal weight on the multiples of f0.

The phases depend on f0 alone and f0 is given, so nothing here needs a gradient and nothing here is
learned. The K partials are never drawn one by one. With theta the phase of the fundamental,

    sum_{k=1..K} sin(k theta) = (cos(theta / 2) - cos((K + 1/2) theta)) / (2 sin(theta / 2)),

the conjugate Dirichlet kernel: two cosines and a sine a sample, whatever K is.

Conventions: f0 in Hz on frames whose centres lie `hop_length` samples apart, the first on sample 0;
0 means unvoiced.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MAX_PARTIALS = 101


def held_f0(f0_hz: Tensor) -> Tensor:
    """Fill unvoiced frames with the f0 of the nearest voiced frame, so that nothing glides through 0.

    Args:
        f0_hz: [..., frames], 0 where unvoiced.

    Returns:
        [..., frames]; rows that are unvoiced throughout stay 0.

    >>> held_f0(torch.tensor([0.0, 100.0, 0.0, 0.0, 0.0, 200.0]))
    tensor([100., 100., 100., 100., 200., 200.])
    """
    frames = f0_hz.shape[-1]
    index = torch.arange(frames, device=f0_hz.device).expand(f0_hz.shape)
    voiced = f0_hz > 0
    before = torch.where(voiced, index, -1).cummax(-1).values
    after = torch.where(voiced, index, 2 * frames).flip(-1).cummin(-1).values.flip(-1)
    distance_before = torch.where(before < 0, 4 * frames, index - before)
    distance_after = torch.where(after >= frames, 4 * frames, after - index)
    nearest = torch.where(distance_before <= distance_after, before, after).clamp(0, frames - 1)
    return f0_hz.gather(-1, nearest)


def interpolate_frames(values: Tensor, hop_length: int, samples: int) -> Tensor:
    """Linear interpolation of frame values [..., frames] to samples [..., samples].

    The last value holds beyond the last frame.
    """
    frames = values.shape[-1]
    needed = -(-samples // hop_length) + 1
    if needed > frames:
        values = torch.cat([values, values[..., -1:].expand(*values.shape[:-1], needed - frames)], -1)
    left = values[..., : needed - 1].unsqueeze(-1)
    right = values[..., 1:needed].unsqueeze(-1)
    ramp = torch.arange(hop_length, device=values.device, dtype=values.dtype) / hop_length
    return (left + (right - left) * ramp).flatten(-2)[..., :samples]


def sum_of_sines(phase: Tensor, partials: Tensor) -> Tensor:
    """sum_{k=1..K} sin(k phase), in closed form.

    Args:
        phase: phase of the fundamental in radians, [...], float64 (the cosine of a hundred times a
            phase needs its digits).
        partials: K, same shape or broadcastable, whole numbers.
    """
    half = 0.5 * phase
    sine = torch.sin(half)
    # Towards multiples of 2 pi numerator and denominator vanish together; the limit there is
    # K (K + 1) / 2 times the distance in phase.
    near = sine.abs() < 1e-5
    kernel = (torch.cos(half) - torch.cos((2.0 * partials + 1.0) * half)) / torch.where(near, 1.0, 2.0 * sine)
    distance = torch.remainder(phase + math.pi, 2.0 * math.pi) - math.pi
    return torch.where(near, 0.5 * partials * (partials + 1.0) * distance, kernel)


def harmonic_excitation(
    f0_hz: Tensor,
    hop_length: int,
    samples: int,
    sample_rate: int,
    *,
    max_partials: int = MAX_PARTIALS,
    initial_phase: Tensor | None = None,
) -> Tensor:
    """Equal partials below half the sample rate, summing to amplitude 1 (TASLP 2023, section III-B).

    Args:
        f0_hz: [..., frames], 0 where unvoiced.
        initial_phase: [...] in radians; 0 if not given.

    Returns:
        [..., samples] in the dtype of f0_hz, silent where f0 is 0, with ramps of one hop at the
        edges of voicing, over which f0 holds.
    """
    f0 = f0_hz.to(torch.float64)
    held = interpolate_frames(held_f0(f0), hop_length, samples)
    envelope = interpolate_frames((f0 > 0).to(torch.float64), hop_length, samples)
    # In a rest the phase stands still: it must not depend on how much of the recording is known.
    moving = torch.where(envelope > 0, held, 0.0)
    phase = torch.cumsum(moving * (2.0 * math.pi / sample_rate), -1)
    if initial_phase is not None:
        phase = phase + initial_phase.to(torch.float64).unsqueeze(-1)
    partials = torch.floor(0.5 * sample_rate / held.clamp_min(1e-3)).clamp(1, max_partials)
    return (envelope * sum_of_sines(phase, partials) / partials).to(f0_hz.dtype)


def phases_at_frames(f0_hz: Tensor, hop_length: int, sample_rate: int) -> Tensor:
    """Phase that `harmonic_excitation` has reached before each frame, to go on from there.

    Args:
        f0_hz: [..., frames], 0 where unvoiced.

    Returns:
        [..., frames] float64 radians in [0, 2 pi): as `initial_phase`, the k-th makes an excitation
        that begins at frame k equal to the rest of the one that begins at frame 0.
    """
    held = held_f0(f0_hz.to(torch.float64))
    left, right = held[..., :-1], held[..., 1:]
    # A hop's samples lie on a line from one frame to the next, the next one's not included; the first
    # sample after a rest is still silent, and between two resting frames all are.
    turns = hop_length * left + (right - left) * (hop_length - 1) / 2.0
    sounds_left, sounds_right = f0_hz[..., :-1] > 0, f0_hz[..., 1:] > 0
    turns = turns - torch.where(sounds_left, 0.0, left)
    turns = torch.where(sounds_left | sounds_right, turns, 0.0)
    phase = torch.cumsum(turns * (2.0 * math.pi / sample_rate), -1)
    return torch.remainder(torch.nn.functional.pad(phase, (1, 0)), 2.0 * math.pi)


def roll_off_response(frequencies_hz: Tensor, corner_hz: float = 200.0) -> Tensor:
    """Fixed slope of a voiced source: flat to the corner, then -6 dB an octave.

    >>> roll_off_response(torch.tensor([100.0, 200.0, 400.0, 800.0]))
    tensor([1.0000, 1.0000, 0.5000, 0.2500])
    """
    return corner_hz / frequencies_hz.clamp_min(corner_hz)
