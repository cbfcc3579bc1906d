"""`stemless data`: make and list the recordings that training learns from."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

from stemless.cli.console import Printer
from stemless.cli.options import (
    Device,
    DeviceOption,
    Json,
    Output,
    Overwrite,
    PitchModelOption,
    Quiet,
    Seed,
)

app = typer.Typer(help="Prepare recordings to learn from.", rich_markup_mode=None)


Count = Annotated[int, typer.Option("--count", metavar="N", help="Number of recordings.")]
Seconds = Annotated[float, typer.Option("--seconds", metavar="S", help="Length of each.")]
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes to use.")]
SampleRate = Annotated[
    int, typer.Option("--sample-rate", metavar="HZ", min=8000, max=96000, help="Of the recordings.")
]


class Voices(StrEnum):
    all = "all"
    first = "first"
    second = "second"


class Layout(StrEnum):
    auto = "auto"
    captions = "captions"
    esc50 = "esc50"
    music = "music"
    vggsound = "vggsound"
    audiocaps = "audiocaps"


@app.callback()
def _data() -> None:
    """Prepare recordings to learn from."""


@app.command("scan")
def scan(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with the recordings.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The manifest, .csv or .jsonl.")
    ],
    layout: Annotated[
        Layout,
        typer.Option("--layout", help="Data set the folder holds; captions is any folder; auto finds out."),
    ] = Layout.auto,
    test_fold: Annotated[
        Optional[int],  # noqa: UP045 (typer reads it at run time)
        typer.Option("--test-fold", help="Fold of ESC-50 that is held back for test."),
    ] = None,
    validation_fold: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--validation-fold", help="Fold of ESC-50 that is held back for validation."),
    ] = None,
    validation: Annotated[
        float, typer.Option("--validation", help="Share of the training recordings to validate with.")
    ] = 0.0,
    test: Annotated[
        float, typer.Option("--test", help="Share of the training recordings to hold back for test.")
    ] = 0.0,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List a folder of recordings, with what is heard in each, in a manifest.

    Any folder will do: the captions are text files beside the audio (rain.wav, rain.txt), or the names of
    files and folders. MUSIC, VGGSound, AudioCaps and ESC-50 are known as their authors lay them out.
    """
    from stemless.data.adapters.layouts import hold_back, scan_folder
    from stemless.errors import StemlessError
    from stemless.query.manifest import write_manifest

    if output.exists() and not overwrite:
        raise StemlessError(f"{output}: exists already; choose another name or add --overwrite")
    say = Printer(as_json, quiet)
    with say.working("looking for recordings"):
        found, layout_found = scan_folder(
            folder, layout.value, test_fold=test_fold, validation_fold=validation_fold, report=say.warn
        )
    recordings = hold_back(found.recordings, validation=validation, test=test, seed=seed)
    write_manifest(recordings, output, overwrite=overwrite)
    if found.missing:
        say.note(f"{found.missing} of {found.listed} listed clips are not in {folder}")
    splits = Counter(recording.split for recording in recordings)
    counts = ", ".join(
        f"{splits[split]} {split}" for split in ("train", "validation", "test") if splits[split]
    )
    say.done(
        f"{output}: {len(recordings)} recordings, laid out as {layout_found} ({counts})",
        {
            "manifest": str(output),
            "layout": layout_found,
            "recordings": len(recordings),
            "splits": dict(splits),
            "listed": found.listed,
            "missing": found.missing,
        },
    )


@app.command("render")
def render(
    output: Output,
    bank: Annotated[
        str,
        typer.Option(
            "--bank",
            metavar="FILE",
            help="Sound bank of General MIDI, .sf2 or .sf3; a bare name is looked for in /usr/share/sounds.",
        ),
    ] = "FluidR3_GM.sf2",
    count: Count = 1000,
    seconds: Seconds = 8.0,
    seed: Seed = 0,
    workers: Workers = 1,
    sample_rate: SampleRate = 16000,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make solo recordings of instruments, with captions and a manifest; run again, it goes on.

    Random music is played by FluidSynth, in random rooms. Every instrument comes equally often.
    """
    from stemless.data.instruments.rendering import render_instruments

    say = Printer(as_json, quiet)
    with say.progress("rendering instruments") as on_progress:
        manifest = render_instruments(
            output,
            bank=bank,
            count=count,
            seconds=seconds,
            seed=seed,
            workers=workers,
            sample_rate=sample_rate,
            on_progress=on_progress,
        )
    _rendered(say, manifest)


@app.command("everyday")
def everyday(
    output: Output,
    count: Count = 1000,
    seconds: Seconds = 8.0,
    seed: Seed = 0,
    workers: Workers = 1,
    sample_rate: SampleRate = 16000,
    voices: Annotated[
        Voices, typer.Option("--voices", help="Half of the speakers, so that two folders share none.")
    ] = Voices.all,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make recordings of everyday sounds by synthesis, with captions and a manifest.

    Rain, bells, engines, animals, and speech where espeak-ng is installed. Every label comes equally often.
    """
    from stemless.data.everyday.rendering import render_everyday

    say = Printer(as_json, quiet)
    with say.progress("rendering everyday sounds") as on_progress:
        manifest = render_everyday(
            output,
            count=count,
            seconds=seconds,
            seed=seed,
            workers=workers,
            sample_rate=sample_rate,
            voices=voices.value,
            on_progress=on_progress,
        )
    _rendered(say, manifest)


@app.command("choir")
def choir(
    output: Output,
    count: Count = 1000,
    seconds: Seconds = 8.0,
    seed: Seed = 0,
    workers: Workers = 1,
    sample_rate: SampleRate = 16000,
    voices: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--voices", min=1, max=8, help="In each ensemble; by default 2 to 5, mostly 4."),
    ] = None,
    stems: Annotated[bool, typer.Option("--stems", help="Write each voice as well.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make recordings of singing ensembles with their exact pitch, to train voices; run again, it goes on."""
    from stemless.data.rendering import render_corpus

    say = Printer(as_json, quiet)
    with say.progress("rendering ensembles") as on_progress:
        manifest = render_corpus(
            output,
            count,
            seconds,
            seed,
            voices=voices,
            sample_rate=sample_rate,
            stems=stems,
            workers=workers,
            on_progress=on_progress,
        )
    say.done(str(manifest), {"manifest": str(manifest), "recordings": count})


@app.command("solos")
def solos(
    manifest: Annotated[
        Path, typer.Argument(metavar="MANIFEST", help="Solo recordings, as `data scan` lists them.")
    ],
    output: Output,
    count: Count = 400,
    seconds: Seconds = 8.0,
    seed: Seed = 0,
    stems: Annotated[bool, typer.Option("--stems", help="Write each voice as well.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Mix solo recordings into ensembles whose pitch is known, to train pitch; run again, it goes on."""
    from stemless.data.solos import render_solos
    from stemless.query.manifest import read_manifest

    say = Printer(as_json, quiet)
    with say.progress("tracking and mixing solos") as on_progress:
        written, remarks = render_solos(
            output, read_manifest(manifest), count, seconds, seed, stems=stems, on_progress=on_progress
        )
    for remark in remarks:
        say.warn(remark)
    say.done(str(written), {"manifest": str(written), "recordings": count, "left_out": remarks})


@app.command("estimates")
def estimates(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="Recordings of as many voices each.")
    ],
    output: Output,
    voices: Annotated[
        int, typer.Option("--voices", metavar="N", min=2, max=6, help="How many voices sing or play in each.")
    ],
    pitch_model: PitchModelOption = None,
    device: DeviceOption = Device.auto,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Separate recordings into voices with their pitch, to train pitch on; run again, it goes on."""
    from stemless.voices.estimates import write_estimates

    say = Printer(as_json, quiet)
    with say.progress("separating recordings") as on_progress:
        written = write_estimates(
            output,
            recordings,
            voices,
            pitch_model=pitch_model,
            device=device.value,
            on_progress=on_progress,
        )
    say.done(str(written), {"manifest": str(written), "recordings": len(recordings)})


def _rendered(say: Printer, manifest: Path) -> None:
    """Tell what was made of a folder with captions."""
    from stemless.query.manifest import read_manifest

    recordings = read_manifest(manifest)
    labels = {phrase for recording in recordings for phrase in recording.phrases}
    say.done(
        f"{manifest}: {len(recordings)} recordings of {len(labels)} kinds of sound",
        {"manifest": str(manifest), "recordings": len(recordings), "labels": len(labels)},
    )
