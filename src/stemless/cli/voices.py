"""`stemless voices`: one recording and the pitch of its voices in, one stem a voice out."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

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
    PitchModelOption,
    Quiet,
    Seed,
)
from stemless.cli.outputs import PICTURE, PICTURE_SECONDS, beginning, refuse_early, refuse_picture
from stemless.errors import UsageError

if TYPE_CHECKING:
    from stemless.voices.tracks import PitchTracks


class MethodName(StrEnum):
    """The names of `voices.methods.METHODS`, which would bring torch along."""

    comb = "comb"
    nmf = "nmf"
    source_filter_nmf = "source-filter-nmf"
    unet = "unet"
    network = "network"
    blend = "blend"


def voices(
    recording: Annotated[Path, typer.Argument(metavar="IN", help="The recording, of any length.")],
    output: Output,
    f0: Annotated[
        Optional[list[Path]],  # noqa: UP045 (typer reads it at run time)
        typer.Option(
            "--f0",
            metavar="CSV",
            help="Pitch: one file  time,<voice>,<voice>...  or one file a voice (repeat the option). "
            "Seconds and Hz, 0 where a voice rests.",
        ),
    ] = None,
    score: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--score",
            metavar="MIDI|MUSICXML",
            help="In place of --f0: the score; it is aligned with the recording, "
            "which may have another tempo and pitch.",
        ),
    ] = None,
    number: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--voices",
            metavar="N",
            min=2,
            max=6,
            help="In place of --f0: how many voices there are; their pitch is found in the recording.",
        ),
    ] = None,
    refine: Annotated[
        bool, typer.Option("--refine", help="First move the pitch of --f0 to where the recording has it.")
    ] = False,
    method: Annotated[
        Optional[MethodName],  # noqa: UP045
        typer.Option(
            "--method",
            help="How to separate; by default the network if there is a model, else comb. blend is the most "
            "exact and takes about as long as the recording lasts.",
        ),
    ] = None,
    model: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--model", metavar="NAME|PATH|hf://USER/MODEL", help="A trained model."),
    ] = None,
    pitch_model: PitchModelOption = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="First let the network learn from this recording; needs no stems.")
    ] = False,
    fit_steps: Annotated[
        int, typer.Option("--fit-steps", min=1, help="How long to fit; a step takes about a second.")
    ] = 300,
    fit_run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--fit-run", metavar="DIR", help="Keep the state of the fit here; a stopped fit goes on."
        ),
    ] = None,
    save_model: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--save-model", metavar="DIR", help="Keep the fitted model, for --model."),
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
    picture: Annotated[
        bool,
        typer.Option("--picture", help="Also draw picture.png: mixture, pitch and stems, up to two minutes."),
    ] = False,
    audio_format: FormatOption = Format.wav,
    device: DeviceOption = Device.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Separate a recording into its voices, given the pitch of each, the score, or how many there are.

    Writes DIR/<name of IN>/<voice>.wav, residual.wav and report.json.
    """
    say = Printer(as_json, quiet)
    from stemless.verbs import fit as fit_separator
    from stemless.voices.estimation import MOST_VOICES
    from stemless.voices.methods import choose, make_separator
    from stemless.voices.separation import VoiceSeparator
    from stemless.voices.tracks import PitchTracks, voice_names

    if [bool(f0), score is not None, number is not None].count(True) != 1:
        raise UsageError(
            "give the pitch of the voices, --f0 CSV, or the score, --score FILE, or the number, --voices N"
        )
    if refine and not f0:
        raise UsageError("--refine belongs to --f0: leave it out, other pitch is found by listening anyway")
    if pitch_model and f0 and not refine:
        raise UsageError("--pitch-model listens, and --f0 is taken as it is: add --refine, or leave it out")
    found: dict[str, object] | None = None
    several = method is MethodName.blend
    if score is not None:
        tracks, found = _follow(recording, score, only, output, audio_format, overwrite, say)
        if tracks.voices <= MOST_VOICES:
            tracks, heard = _listen(recording, tracks, pitch_model, device, say, several)
            found |= heard
    elif number is not None:
        _refuse_early(recording, None, voice_names(number), output, audio_format, overwrite)
        tracks, found = _listen(recording, number, pitch_model, device, say, several)
    else:
        tracks = PitchTracks.from_files(f0 or [])
        if refine:
            _refuse_early(recording, tracks, tuple(only or tracks.names), output, audio_format, overwrite)
            tracks, found = _listen(recording, tracks, pitch_model, device, say, several)
    names = tracks.check_choice(only) if only else None
    # A mistake is told before a model is loaded or fitted, which may take its time.
    _refuse_early(recording, tracks, names or tracks.names, output, audio_format, overwrite)
    if picture:
        refuse_picture(output / recording.stem / PICTURE, overwrite)
    if not fit and (fit_run or save_model):
        raise UsageError("--fit-run and --save-model belong to --fit: add it, or leave them out")
    if save_model and save_model.exists() and not overwrite:
        raise UsageError(f"{save_model}: exists already: choose another folder or add --overwrite")
    chosen, reference = choose(method.value if method else None, model, fit=fit)
    if fit:
        with say.progress("fitting") as on_progress:
            separator = fit_separator(
                recording,
                f0=tracks,
                model=reference,
                steps=fit_steps,
                method=chosen,
                power=power,
                device=device.value,
                seed=seed,
                run=fit_run,
                on_progress=on_progress,
            )
        if save_model:
            pitch = f"--voices {number}" if number else f"--score {score.name}" if score else "--f0 CSV"
            separator.save_model(save_model, _card(recording, pitch, fit_steps, seed, reference))
    else:
        made = make_separator(chosen, reference, power=power, device=device.value, seed=seed)
        separator = VoiceSeparator(made, seed=seed)
    with say.progress(f"separating ({chosen})") as on_progress:
        report = separator.separate_from_file_to_files(
            recording,
            output,
            f0=tracks,
            voices=names,
            audio_format=audio_format.value,
            overwrite=overwrite,
            on_progress=on_progress,
            besides=found,
        )
    folder = output / recording.stem
    if picture:
        _draw(recording, tracks, report, folder, overwrite)
    for warning in report.get("warnings", []):
        say.warn(warning)
    if not any(stem["activity"] for stem in report["stems"]):
        say.warn(f"{recording}: nothing is heard in it, the stems are silent")
    say.done(_summary(report, folder), report)


def _follow(
    recording: Path,
    path: Path,
    only: list[str] | None,
    output: Path,
    audio_format: Format,
    overwrite: bool,
    say: Printer,
) -> tuple[PitchTracks, dict[str, object]]:
    """The tracks of a score as it is played in the recording; and what was found, for the report."""
    from stemless.voices.score_tracks import follow_score
    from stemless.voices.scores import read_score

    written = read_score(path)
    _refuse_early(recording, None, tuple(only or written.names), output, audio_format, overwrite)
    with say.working("aligning the score"):
        tracks, alignment = follow_score(recording, score=written)
    shift, tempo = alignment.transposition_semitones, alignment.tempo
    way = f"{abs(shift)} semitones {'above' if shift > 0 else 'below'} it" if shift else "at its pitch"
    say.note(
        f"{path}: the recording is {way}, {alignment.tuning_cents:+.0f} cents off, "
        f"and plays at {tempo:.2f} times its tempo"
    )
    return tracks, {"score": {"input": str(path), **alignment.summary()}}


def _listen(
    recording: Path,
    asked: int | PitchTracks,
    pitch_model: str | None,
    device: Device,
    say: Printer,
    several: bool,
) -> tuple[PitchTracks, dict[str, object]]:
    """Tracks by ear, of so many voices or from tracks to refine; and what the report is to say of them.

    several: in two versions, for a method that weighs them: heard in the mixture, and for those that nothing
        is known of, heard again in each voice alone.
    """
    from stemless.voices.estimation import PitchEstimator
    from stemless.voices.second_hearing import listen_again, with_heard

    estimator = PitchEstimator(pitch_model, device=device.value)
    if isinstance(asked, int):
        with say.progress("listening for the pitch") as on_progress:
            heard = estimator.estimate(recording, asked, on_progress=on_progress)
    else:
        with say.progress("refining the pitch") as on_progress:
            heard = estimator.refine(recording, asked, on_progress=on_progress)
    tracks = heard.tracks
    if several and isinstance(asked, int):
        with say.progress("listening to each voice") as on_progress:
            again = listen_again(recording, tracks, estimator=estimator, on_progress=on_progress).tracks
        tracks = replace(tracks, others=(again,))
    elif several:
        with say.progress("listening beside the tracks") as on_progress:
            tracks = with_heard(recording, tracks, estimator=estimator, on_progress=on_progress)
    for warning in heard.warnings:
        say.warn(warning)
    sure = [round(float(row[row > 0].mean()), 4) if (row > 0).any() else 0.0 for row in heard.confidence]
    confidence = dict(zip(tracks.names, sure, strict=True))
    return tracks, {"pitch": {"confidence": confidence, "warnings": list(heard.warnings)}}


def _refuse_early(
    recording: Path,
    tracks: PitchTracks | None,
    names: tuple[str, ...],
    output: Path,
    audio_format: Format,
    overwrite: bool,
) -> None:
    """Raise what the engine would raise later: for the recording, the tracks and the files to be written."""
    check = None if tracks is None else tracks.check
    refuse_early(recording, names, output, audio_format.value, overwrite, check_duration=check)


def _draw(
    recording: Path, tracks: PitchTracks, report: dict[str, Any], folder: Path, overwrite: bool
) -> None:
    """The picture of the first two minutes, from the files as they were written."""
    from stemless.pictures import voices_picture

    mixture, sample_rate = beginning(recording, PICTURE_SECONDS)
    stems = {stem["name"]: beginning(folder / stem["file"], PICTURE_SECONDS)[0] for stem in report["stems"]}
    voices_picture(mixture, sample_rate, tracks, stems, folder / PICTURE, overwrite=overwrite)


def _card(recording: Path, pitch: str, steps: int, seed: int, start: str | None) -> str:
    """The model card of a fitted network."""
    return (
        f"# Voices network fitted to {recording.name}\n\n"
        f"Learned from this recording alone in {steps} steps, seed {seed}, "
        f"from {start or 'a fresh network'}; other recordings may need a fit of their own.\n\n"
        "Licence of the code: Apache-2.0. Licence of the data: that of the recording.\n\n"
        f"Command: `stemless voices {recording.name} {pitch} --fit --fit-steps {steps} --seed {seed}`\n"
    )


def _summary(report: dict[str, Any], folder: Path) -> str:
    lines = [f"{report['separator']}: {report['input']}"]
    lines += [
        f"  {folder / stem['file']}  (heard {100 * stem['presence']:.0f} %)" for stem in report["stems"]
    ]
    lines.append(f"  {folder / report['residual']}")
    return "\n".join(lines)
