"""The options that mean the same in every command."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    mps = "mps"


class Format(StrEnum):
    wav = "wav"
    flac = "flac"
    ogg = "ogg"
    mp3 = "mp3"


Output = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, and nothing else on stdout.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No progress, no notes; warnings and errors stay.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an earlier result.")]
DeviceOption = Annotated[
    Device, typer.Option("--device", help="Where to compute; auto is cuda where there is one, else cpu.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="Audio format of the stems.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same result.")]
PitchModelOption = Annotated[
    Optional[str],  # noqa: UP045 (typer reads it at run time)
    typer.Option(
        "--pitch-model",
        metavar="NAME|PATH|hf://USER/MODEL",
        help="A trained model that listens for the pitch.",
    ),
]
