"""`stemless voices`: one recording and the pitch of its voices in, one stem a voice out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from stemless.cli.console import Voice
from stemless.cli.options import (
    Device,
    DeviceOption,
    Format,
    FormatOption,
    Json,
    Output,
    Overwrite,
    Quiet,
    Seed,
)


class MethodName(StrEnum):
    """The names of `voices.methods.METHODS`, which would bring torch along."""

    comb = "comb"
    network = "network"


def voices(
    recording: Annotated[Path, typer.Argument(metavar="IN", help="The recording, of any length.")],
    f0: Annotated[
        list[Path],
        typer.Option(
            "--f0",
            metavar="CSV",
            help="Pitch: one file  time,<voice>,<voice>...  or one file a voice (repeat the option). "
            "Seconds and Hz, 0 where a voice rests.",
        ),
    ],
    output: Output,
    method: Annotated[
        Optional[MethodName],  # noqa: UP045 (typer reads it at run time)
        typer.Option(
            "--method", help="How to separate; by default the network if there is a model, else comb."
        ),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="NAME|PATH|hf://USER/MODEL", help="A trained model."),
    ] = None,
    power: Annotated[
        float, typer.Option("--power", help="Exponent of the masks: 2 separates more, 1 sounds softer.")
    ] = 2.0,
    only: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--voice",
            metavar="NAME",
            help="Write only this voice (repeatable); the rest stays in the residual.",
        ),
    ] = None,
    audio_format: FormatOption = Format.wav,
    device: DeviceOption = Device.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Separate a recording into its voices, given the pitch of each.

    Writes DIR/<name of IN>/<voice>.wav, residual.wav and report.json.
    """
    say = Voice(as_json, quiet)
    from stemless import audio
    from stemless.verbs import VoiceSeparator
    from stemless.voices.methods import choose, make_separator, pick_device
    from stemless.voices.tracks import PitchTracks

    audio.probe(recording)  # the most likely mistake is told before a model is loaded
    tracks = PitchTracks.from_files(f0)
    chosen, reference = choose(method.value if method else None, model)
    separator = VoiceSeparator(
        make_separator(chosen, reference, power=power, device=pick_device(device.value)), seed=seed
    )
    with say.progress(f"separating ({chosen})") as on_progress:
        report = separator.separate_from_file_to_files(
            recording,
            output,
            f0=tracks,
            voices=only or None,
            audio_format=audio_format.value,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    folder = output / recording.stem
    if method is None and chosen == "comb":
        say.note("no model was given: separated with the comb, a mask made from the pitch alone")
    for warning in report.get("warnings", []):
        say.warn(warning)
    if not any(stem["activity"] for stem in report["stems"]):
        say.warn(f"{recording}: nothing is heard in it, the stems are silent")
    say.result(_summary(report, folder), report)


def _summary(report: dict[str, Any], folder: Path) -> str:
    lines = [f"{report['separator']}: {report['input']}"]
    lines += [
        f"  {folder / stem['file']}  (heard {100 * stem['presence']:.0f} %)" for stem in report["stems"]
    ]
    lines.append(f"  {folder / report['residual']}")
    return "\n".join(lines)
