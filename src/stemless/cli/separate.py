"""`stemless separate`: recordings and sounds in words in, one stem a sound out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from stemless.cli.console import Printer
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
from stemless.cli.outputs import PICTURE, PICTURE_SECONDS, beginning, refuse_early, refuse_picture
from stemless.errors import UsageError


def separate(
    recordings: Annotated[list[Path], typer.Argument(metavar="IN...", help="Recordings, of any length.")],
    output: Output,
    prompts: Annotated[
        Optional[list[str]],  # noqa: UP045 (typer reads it at run time)
        typer.Option("--prompt", "-p", metavar="TEXT", help="A sound in words; a stem each (repeatable)."),
    ] = None,
    without: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--without",
            metavar="TEXT",
            help="A sound that is to be in no stem (repeatable). Alone: one stem, all but these sounds.",
        ),
    ] = None,
    caption: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--caption", metavar="TEXT", help="A sentence; each sound that it names is asked for as well."
        ),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="NAME|PATH|hf://USER/MODEL", help="A model for prompts."),
    ] = None,
    picture: Annotated[
        bool, typer.Option("--picture", help="Also draw picture.png: mixture and stems, up to two minutes.")
    ] = False,
    audio_format: FormatOption = Format.wav,
    device: DeviceOption = Device.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Separate recordings into the sounds that are named.

    Writes DIR/<name of IN>/<prompt>.wav, residual.wav and report.json for each. With --json the report is
    printed, of several recordings a list of them.
    """
    say = Printer(as_json, quiet)
    from stemless.inputs import refuse_equal_names
    from stemless.query.prompts import Prompts
    from stemless.query.separation import default_model, load_prompt_separator

    wanted = list(prompts or [])
    if caption is not None:
        wanted += [phrase for phrase in _named_in(caption, say) if phrase not in wanted]
    if not wanted and not without:
        raise UsageError("name a sound: --prompt 'a dog barking', or --without rain, or both")
    asked = Prompts.of(wanted, without or ())
    refuse_equal_names(recordings)
    for recording in recordings:
        refuse_early(recording, asked.names, output, audio_format.value, overwrite)
        if picture:
            refuse_picture(output / recording.stem / PICTURE, overwrite)
    with say.working("loading the model"):
        separator = load_prompt_separator(model or default_model(), device=device.value, seed=seed)
    with say.progress(f"separating ({separator.name})") as on_progress:
        reports = separator.separate_from_files_to_files(
            recordings,
            output,
            asked.wanted,
            without=asked.unwanted,
            audio_format=audio_format.value,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    for recording, report in zip(recordings, reports, strict=True):
        if picture:
            _draw(recording, report, output / recording.stem, overwrite)
        for warning in report.get("warnings", []):
            say.warn(warning)
        for stem in report["stems"]:
            if not stem["activity"]:
                say.note(
                    f"{recording}: '{stem['name']}' is not heard in it (presence {stem['presence']:.2f})"
                )
    text = "\n".join(
        _summary(report, output / recording.stem)
        for recording, report in zip(recordings, reports, strict=True)
    )
    say.done(text, reports[0] if len(reports) == 1 else reports)


def _named_in(caption: str, say: Printer) -> list[str]:
    """The phrases of a caption, told to the user."""
    from stemless.query.phrases import phrases

    found = phrases(caption)
    if not found:
        raise UsageError(f"the caption '{caption[:60]}' names no source of sound: use --prompt")
    say.note(f"the caption names: {', '.join(found)}")
    return found


def _draw(recording: Path, report: dict[str, Any], folder: Path, overwrite: bool) -> None:
    """The picture of the first two minutes, from the files as they were written."""
    from stemless.pictures import prompts_picture

    mixture, sample_rate = beginning(recording, PICTURE_SECONDS)
    stems = {stem["name"]: beginning(folder / stem["file"], PICTURE_SECONDS)[0] for stem in report["stems"]}
    stems["the rest"] = beginning(folder / report["residual"], PICTURE_SECONDS)[0]
    activity = {stem["name"]: stem["activity"] for stem in report["stems"]}
    prompts_picture(mixture, sample_rate, stems, activity, folder / PICTURE, overwrite=overwrite)


def _summary(report: dict[str, Any], folder: Path) -> str:
    lines = [f"{report['separator']}: {report['input']}"]
    for stem in report["stems"]:
        sure = f"  (presence {stem['presence']:.2f})" if "prompt" in stem else ""
        lines.append(f"  {folder / stem['file']}{sure}")
    for away in report.get("without", []):
        lines.append(f"  without '{away['prompt']}'  (presence {away['presence']:.2f})")
    lines.append(f"  {folder / report['residual']}")
    return "\n".join(lines)
