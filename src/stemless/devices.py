"""Where to compute."""

from __future__ import annotations

import torch

from stemless.errors import UsageError


def pick_device(wanted: str) -> str:
    """The torch device for auto, cpu, cuda or mps; "auto" is cuda where there is one, else cpu.

    Raises:
        UsageError: the device is not there.
    """
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted not in there:
        raise UsageError(f"no device is called {wanted!r}, choose from: auto, {', '.join(there)}")
    if not there[wanted]:
        raise UsageError(f"this machine has no {wanted} device that torch can use; choose auto or cpu")
    return wanted
