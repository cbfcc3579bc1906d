"""Means of the masks that several models of the same voices give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

FLOOR: Final = 1e-3
"""Masks below it are all the same to the geometric mean."""


def blended(masks: Sequence[Tensor], shares: Sequence[float], floor: float = FLOOR) -> Tensor:
    """Geometric mean of masks, brought to the sum that they have on average.

    Args:
        masks: [..., voices, bins, frames] each, in [0, 1], their sum over the voices at most 1.
        shares: weights that sum to 1.
        floor: added below and taken off again, so that a single zero does not decide.

    >>> sure, unsure = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5])
    >>> [round(float(m), 3) for m in blended([each[:, None, None] for each in (sure, unsure)], [0.5, 0.5])]
    [0.971, 0.029]
    """
    mean = sum(share * (mask + floor).log() for mask, share in zip(masks, shares, strict=True))
    joined = (torch.as_tensor(mean).exp() - floor).clamp_min(0.0)
    total = torch.as_tensor(
        sum(share * mask.sum(-3, keepdim=True) for mask, share in zip(masks, shares, strict=True))
    )
    return joined * (total.clamp_max(1.0) / joined.sum(-3, keepdim=True).clamp_min(1e-12))
