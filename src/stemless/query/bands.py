"""Bands for the compact network: as fine as the bins at the bottom, logarithmic at the top.

A few bands stand for many bins, and a mask on bands is carried back to the bins. The centres follow an
inverse hyperbolic sine, which is linear below and logarithmic above without a seam; each bin lies between two
centres and belongs to both, the more to the nearer one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stemless.query.precision import full_precision


def band_centres(bins: int, bands: int) -> Tensor:
    """Where the bands lie, in bins: one bin apart at the bottom, ever wider to the last bin.

    Args:
        bins: linear bins, from 0 Hz on.
        bands: from 2 to `bins`.

    Returns:
        [bands] float64, rising from 0 to bins - 1.

    >>> band_centres(512, 128)[[0, 1, 2, 40, 80, 127]].round(decimals=1).tolist()
    [0.0, 1.0, 2.0, 47.5, 150.0, 511.0]
    """
    if not 2 <= bands <= bins:
        raise ValueError(f"bands must be 2 to {bins}, the number of bins, not {bands}")
    if bands == bins:
        return torch.arange(bins, dtype=torch.float64)
    top = bins - 1
    # The warp is knee * asinh(bin / knee): its slope is 1 at the bottom, so that the bands are a bin apart
    # there where it reaches bands - 1 at the top. It grows with the knee; halve the interval.
    low, high = 1e-6, 1e6
    for _ in range(100):
        knee = math.sqrt(low * high)
        if knee * math.asinh(top / knee) < bands - 1:
            low = knee
        else:
            high = knee
    knee = high
    steps = torch.linspace(0, math.asinh(top / knee), bands, dtype=torch.float64)
    centres = knee * torch.sinh(steps)
    centres[-1] = top
    return centres


def band_matrix(bins: int, bands: int) -> Tensor:
    """How much of each bin belongs to each band: hats around the centres, that sum to 1 over the bands.

    Returns:
        [bands, bins] float64, nothing negative.

    >>> band_matrix(512, 160).sum(0).allclose(torch.ones(512, dtype=torch.float64))
    True
    """
    below, share = neighbours(bins, bands)
    matrix = torch.zeros(bands, bins, dtype=torch.float64)
    matrix[below, torch.arange(bins)] = 1 - share
    matrix[below + 1, torch.arange(bins)] = share
    return matrix


def neighbours(bins: int, bands: int) -> tuple[Tensor, Tensor]:
    """The band below each bin, and how much of the bin belongs to the band above instead.

    Returns:
        [bins] int64, from 0 to bands - 2, and [bins] float64 in [0, 1].
    """
    centres = band_centres(bins, bands)
    place = torch.arange(bins, dtype=torch.float64)
    above = torch.searchsorted(centres, place).clamp(1, bands - 1)
    share = (place - centres[above - 1]) / (centres[above] - centres[above - 1])
    return above - 1, share.clamp(0.0, 1.0)


class Bands(nn.Module):
    """Magnitudes from bins to bands, masks from bands to bins; nothing in it is learned."""

    to_bands: Tensor
    below: Tensor
    share: Tensor

    def __init__(self, bins: int, bands: int) -> None:
        super().__init__()
        # The tables need values to be made, also where the network itself is only measured (device meta).
        device = torch.get_default_device()
        with torch.device("cpu"):
            matrix = band_matrix(bins, bands)
            below, share = neighbours(bins, bands)
        tables = {
            "to_bands": (matrix / matrix.sum(1, keepdim=True)).float(),
            "below": below,
            "share": share[:, None].float(),
        }
        for name, table in tables.items():
            # Follows from the sizes, and so has no place in a checkpoint.
            self.register_buffer(name, table.to(device), persistent=False)

    def forward(self, magnitude: Tensor) -> Tensor:
        """Mean magnitude of each band: [..., bins, frames] -> [..., bands, frames]."""
        with full_precision(magnitude.device):
            return self.to_bands.to(magnitude.dtype) @ magnitude

    def spread(self, masks: Tensor) -> Tensor:
        """Masks of bands as masks of bins: [..., bands, frames] -> [..., bins, frames].

        Each bin takes the mean of its two bands, as much of either as it belongs to: the transposed matrix,
        whose columns sum to 1.
        """
        below, above = masks.index_select(-2, self.below), masks.index_select(-2, self.below + 1)
        return torch.lerp(below, above, self.share.to(masks.dtype))
