"""What callers hand over: audio in memory or a path, one file or several, and who wants to see progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.errors import AudioError, UsageError

PathLike: TypeAlias = str | Path
Audio: TypeAlias = Tensor | NDArray[Any] | PathLike
OnProgress: TypeAlias = Callable[[float, float], None]


def known_rate(sample_rate: int | None) -> int:
    """The sample rate of audio in memory; UsageError if none was given."""
    if sample_rate is None or sample_rate <= 0:
        raise UsageError("audio in memory needs its sample rate: separate(..., sample_rate=...)")
    return sample_rate


def as_samples(audio: Tensor | NDArray[Any]) -> Tensor:
    """[channels, time] float32 on the CPU, from that or [time].

    Raises:
        AudioError: the samples are whole numbers, or not all of them are finite.
    """
    samples = torch.as_tensor(audio)
    if not samples.is_floating_point():
        raise AudioError(f"audio of type {samples.dtype} cannot be separated: give floats, full scale at 1")
    if not bool(torch.isfinite(samples).all()):
        raise AudioError("audio holds samples that are not finite numbers: repair it or cut that part out")
    samples = samples.detach().to("cpu", torch.float32)
    return samples[None] if samples.ndim == 1 else samples


def refuse_equal_names(paths: Sequence[PathLike]) -> None:
    """Raise UsageError if two recordings would write to one folder."""
    folders = [Path(path).stem.casefold() for path in paths]
    for path, folder in zip(paths, folders, strict=True):
        if folders.count(folder) > 1:
            raise UsageError(f"{path}: another recording has the same name; rename one of them")


def share_progress(on_progress: OnProgress | None, number: int, files: int) -> OnProgress | None:
    """Progress over several files, each counted alike: that of one of them."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(number + done / total, files)
