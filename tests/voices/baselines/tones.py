"""Harmonic tones with a spectral envelope, for the tests of the baselines."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

RATE = 16000


def tone(f0_hz: float, samples: int, envelope: Callable[[float], float], phase: float = 0.0) -> Tensor:
    """Partials up to 6 kHz, each as loud as the envelope says at its frequency in Hz; [samples]."""
    seconds = torch.arange(samples, dtype=torch.float64) / RATE
    partials = [h * f0_hz for h in range(1, int(6000 / f0_hz))]
    waves = [
        envelope(hz) * torch.sin(2 * math.pi * hz * seconds + phase * number)
        for number, hz in enumerate(partials)
    ]
    return torch.stack(waves).sum(0).float()


def sdr_db(reference: Tensor, estimate: Tensor) -> float:
    """Energy of the reference over that of the error, in dB."""
    return 10 * math.log10(float((reference**2).sum() / ((reference - estimate) ** 2).sum()))
