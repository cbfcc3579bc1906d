"""What commands that separate check before they begin, and read back when they are done.

A mistake is told before a model is loaded, which may take its time.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stemless.errors import MissingExtraError, StemlessError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

PICTURE = "picture.png"
PICTURE_SECONDS = 120.0


def refuse_early(
    recording: Path,
    names: Sequence[str],
    output: Path,
    audio_format: str,
    overwrite: bool,
    *,
    check_duration: Callable[[float], None] | None = None,
) -> None:
    """Raise what the engine would raise later, for the recording and the files to be written.

    Args:
        names: of the stems.
        check_duration: of what else has to fit the recording; told how long it is in seconds.
    """
    from stemless.audio import probe
    from stemless.encoding import subtype_like
    from stemless.stem_folder import StemFolder

    if any("\udc80" <= letter <= "\udcff" for letter in f"{recording}{output}"):
        raise UsageError(f"{recording}: the name holds bytes that are no text: rename the file or its folder")
    folder = output / recording.stem
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir():
        raise UsageError(f"{there}: is a file, not a folder: choose another output folder")
    if not os.access(there, os.W_OK):
        raise StemlessError(f"{there}: no permission to write: choose another output folder")
    info = probe(recording)
    if check_duration is not None:
        check_duration(info.duration_seconds)
    files = StemFolder(
        folder,
        names,
        info.sample_rate,
        info.channels,
        info.frames,
        audio_format=audio_format,
        subtype=subtype_like(info.subtype, audio_format),
        overwrite=overwrite,
    )
    files.refuse_to_replace(recording)


def refuse_picture(path: Path, overwrite: bool) -> None:
    """Raise what drawing a picture would raise later."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("matplotlib", "picture")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already: choose another output folder or add --overwrite")


def beginning(path: Path, seconds: float) -> tuple[Tensor, int]:
    """The beginning of a file, [channels, time], and its rate: all of a long one would not fit."""
    import torch

    from stemless.audio import BlockReader

    with BlockReader(path) as reader:
        wanted = round(seconds * reader.info.sample_rate)
        blocks: list[Tensor] = []
        for block in reader.blocks():
            blocks.append(block)
            if sum(each.shape[1] for each in blocks) >= wanted:
                break
        return torch.cat(blocks, dim=1)[:, :wanted], reader.info.sample_rate
