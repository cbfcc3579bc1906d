"""The loss of TASLP 2023, equation (9): spectra at six resolutions, linear and logarithmic."""

from __future__ import annotations

import torch
from torch import Tensor

from stemless.spectrum import Grid, stft

SCALES = (2048, 1024, 512, 256, 128, 64)
EPSILON = 1e-10


def smooth_magnitude(audio: Tensor, n_fft: int) -> Tensor:
    """sqrt(|STFT|^2 + 1e-10) with hop n_fft / 4: [..., time] -> [..., bins, frames]."""
    spectrum = stft(audio, Grid(n_fft, n_fft // 4))
    return (spectrum.real.square() + spectrum.imag.square() + EPSILON).sqrt()


def multi_scale_loss(estimate: Tensor, target: Tensor, scales: tuple[int, ...] = SCALES) -> Tensor:
    """Sum over n of mean |M - M'| + mean |log M - log M'|.

    Args:
        estimate, target: [..., time], same shape.

    Returns:
        a scalar; 0 only where all magnitudes agree.
    """
    total = estimate.new_zeros(())
    for n_fft in scales:
        with torch.no_grad():
            wanted = smooth_magnitude(target, n_fft)
        made = smooth_magnitude(estimate, n_fft)
        total = total + (made - wanted).abs().mean() + (made / wanted).log().abs().mean()
    return total
