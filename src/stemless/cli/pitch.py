"""`stemless pitch`: the f0 of every voice of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from stemless.cli.console import Printer
from stemless.cli.options import Device, DeviceOption, Json, Overwrite, Quiet
from stemless.cli.outputs import PICTURE_SECONDS, beginning, refuse_picture
from stemless.errors import StemlessError, UsageError

if TYPE_CHECKING:
    from stemless.voices.estimation import Estimate


def pitch(
    recording: Annotated[Path, typer.Argument(metavar="IN", help="The recording, of any length.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="CSV", help="File for the tracks: time,<voice>,...")
    ],
    voices: Annotated[
        Optional[int],  # noqa: UP045 (typer reads it at run time)
        typer.Option("--voices", min=1, max=6, help="How many voices sing or play."),
    ] = None,
    f0: Annotated[
        Optional[list[Path]],  # noqa: UP045
        typer.Option(
            "--f0", metavar="CSV", help="In place of --voices: tracks that are to be refined by listening."
        ),
    ] = None,
    names: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--name", help="Name of a voice, from the highest down (repeat the option)."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Listen twice: separate with what was found, and hear each voice alone. Slower."
        ),
    ] = False,
    confidence: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--confidence", metavar="CSV", help="Also write how sure each frame is, from 0 to 1."),
    ] = None,
    picture: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--picture", metavar="PNG", help="Also draw the tracks over the mixture, up to two minutes."
        ),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="NAME|PATH|hf://USER/MODEL", help="A trained model."),
    ] = None,
    device: DeviceOption = Device.auto,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the pitch of each voice of a recording, for `stemless voices --f0`."""
    say = Printer(as_json, quiet)
    if (voices is None) == (not f0):
        raise UsageError("say how many voices there are, --voices N, or give tracks to refine, --f0 CSV")
    if f0 and names:
        raise UsageError("the tracks of --f0 have names: leave out --name")
    for path in (output, confidence, picture):
        if path is not None:
            _refuse(path, recording, overwrite)
    if picture is not None:
        refuse_picture(picture, overwrite)
    from stemless.audio import probe
    from stemless.voices.estimation import PitchEstimator, check_voices
    from stemless.voices.track_files import write_confidence, write_tracks
    from stemless.voices.tracks import PitchTracks

    info = probe(recording)
    if voices is not None:
        check_voices(voices, names or ())
    given = PitchTracks.from_files(f0) if f0 else None
    estimator = PitchEstimator(model, device=device.value)
    if given is not None:
        given.check(info.duration_seconds)
    # What is given is heard again as it is: refining it before would be for nothing.
    if given is None or not again:
        with say.progress("listening") as on_progress:
            if given is None:
                assert voices is not None
                found = estimator.estimate(recording, voices, names=names or (), on_progress=on_progress)
            else:
                found = estimator.refine(recording, given, on_progress=on_progress)
    if again:
        from stemless.voices.second_hearing import listen_again

        tracks = given or found.tracks
        with say.progress("listening to each voice") as on_progress:
            found = listen_again(recording, tracks, estimator=estimator, on_progress=on_progress)
    write_tracks(found.tracks, output, overwrite=overwrite)
    if confidence is not None:
        write_confidence(found.tracks, found.confidence, confidence, overwrite=overwrite)
    if picture is not None:
        from stemless.pictures import voices_picture

        mixture, sample_rate = beginning(recording, PICTURE_SECONDS)
        voices_picture(mixture, sample_rate, found.tracks, {}, picture, overwrite=overwrite)
    for warning in found.warnings:
        say.warn(warning)
    say.done(_summary(found, output), _document(found, recording, output, confidence, picture))


def _refuse(path: Path, recording: Path, overwrite: bool) -> None:
    """Raise what writing a file would raise later."""
    if path.resolve() == recording.resolve():
        raise UsageError(f"{path}: is the recording itself: choose another name")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder: give the name of a file")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already: choose another name or add --overwrite")
    if not path.parent.is_dir():
        raise StemlessError(f"{path.parent}: no such folder: make it first")


def _summary(found: Estimate, output: Path) -> str:
    tracks = found.tracks
    lines = [f"{output}: {tracks.voices} voices, {tracks.duration_seconds:.1f} s"]
    for name, row, sure in zip(tracks.names, tracks.f0_hz, found.confidence, strict=True):
        voiced = row > 0
        if not voiced.any():
            lines.append(f"  {name}: not found")
            continue
        low, high = row[voiced].min(), row[voiced].max()
        lines.append(
            f"  {name}: {low:.0f} to {high:.0f} Hz, sounds {100 * voiced.mean():.0f} % of the time, "
            f"confidence {sure[voiced].mean():.2f}"
        )
    return "\n".join(lines)


def _document(
    found: Estimate, recording: Path, output: Path, confidence: Path | None, picture: Path | None
) -> dict[str, Any]:
    voices = []
    for name, row, sure in zip(found.tracks.names, found.tracks.f0_hz, found.confidence, strict=True):
        voiced = row > 0
        there = bool(voiced.any())
        voices.append(
            {
                "name": name,
                "lowest_hz": round(float(row[voiced].min()), 2) if there else None,
                "highest_hz": round(float(row[voiced].max()), 2) if there else None,
                "presence": round(float(voiced.mean()), 4),
                "confidence": round(float(sure[voiced].mean()), 4) if there else 0.0,
                "activity": found.tracks.activity(name),
            }
        )
    files = {"f0": str(output)}
    files |= {"confidence": str(confidence)} if confidence else {}
    files |= {"picture": str(picture)} if picture else {}
    return {"input": str(recording), **files, "voices": voices, "warnings": list(found.warnings)}
