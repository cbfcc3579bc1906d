"""Where mixed precision must stop: frequency bands and the last sum before the mask."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Autocast off on that device, for the block; tensors without storage have none to switch off.

    >>> with torch.autocast("cpu", torch.bfloat16), full_precision(torch.device("cpu")):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def at_least_single(tensor: Tensor) -> Tensor:
    """Half precision to single; the rest as it is.

    >>> at_least_single(torch.zeros(1, dtype=torch.bfloat16)).dtype
    torch.float32
    >>> at_least_single(torch.zeros(1, dtype=torch.float64)).dtype
    torch.float64
    """
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
