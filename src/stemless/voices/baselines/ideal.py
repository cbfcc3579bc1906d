"""The ideal ratio mask, made from the stems: the ceiling of every separator that masks the mixture."""

from __future__ import annotations

from torch import Tensor

from stemless.spectrum import Grid, istft, stft
from stemless.voices.baselines.masking import power_masks

GRID = Grid(2048, 256)


def ideal_masks(stems: Tensor, *, power: float = 2.0, grid: Grid = GRID) -> Tensor:
    """Ideal ratio masks |S_j|^p / sum_k |S_k|^p.

    Args:
        stems: [..., sources, time] the true sources.
        power: p above 0; 2 gives the better SI-SDR.

    Returns:
        [..., sources, bins, frames] in [0, 1], summing to 1 where any source sounds, else to 0.

    >>> import torch
    >>> ideal_masks(torch.zeros(2, 1)).shape
    torch.Size([2, 1025, 1])
    """
    return power_masks(stft(stems, grid).abs(), power, dim=-3)


def ideal_stems(stems: Tensor, *, power: float = 2.0, grid: Grid = GRID) -> Tensor:
    """What the ideal masks make of the sum of the stems: [..., sources, time] -> the same shape."""
    mixture = stft(stems.sum(-2), grid)
    masked = ideal_masks(stems, power=power, grid=grid) * mixture.unsqueeze(-3)
    return istft(masked, grid, stems.shape[-1])
