"""A choir taken apart by the pitch of its voices: a chorale of Bach, sung by our own singers."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from showing import STEMLESS, run, score_table, shown
from stemless import checkpoint
from stemless.data.chorale import sing_chorale
from stemless.encoding import write
from stemless.evaluation.scores import ScoreTable, evaluate_folders
from stemless.voices.tracks import PitchTracks

NETWORK_KIND = "voices/network"


def show(out: Path, console: Console, *, fit_steps: int = 0, sample_rate: int = 44100) -> None:
    """Render the chorale into `out`, separate it, print the scores."""
    start = time.perf_counter()
    names = render(out, sample_rate)
    console.print("[bold]By pitch[/bold]: J. S. Bach, O Haupt voll Blut und Wunden (BWV 244/54)")
    console.print(f"sung by {', '.join(names)} in {time.perf_counter() - start:.0f} s\n")

    ships_network = any(model.config.get("kind") == NETWORK_KIND for model in checkpoint.shipped())
    runs: dict[str, ScoreTable] = {}
    main_method = "network" if ships_network else "comb"
    runs[main_method] = separate(out, out, "--picture")
    listen(out, names)
    runs["recording alone"] = separate(out, out / "alone", "--picture", f0="heard.csv")
    if ships_network:
        runs["comb"] = separate(out, out / "comb", "--method", "comb")
    if fit_steps:
        runs["fitted network"] = separate(out, out / "fit", "--fit", "--fit-steps", str(fit_steps))

    console.print()
    console.print(score_table({name: name for name in names}, runs))
    separated = shown(out / "mixture")
    console.print(
        f"\nListen and look: {separated}: stems, residual, report.json, picture.png", soft_wrap=True
    )
    console.print(
        f"From the recording alone: {shown(out / 'heard.png')}, and {shown(out / 'alone/mixture')}",
        soft_wrap=True,
    )
    console.print("With a recording of your own, with or without pitch tracks:\n")
    for asked in ("--f0 f0.csv", "--voices 4"):
        command = f"{shown(STEMLESS)} voices choir.wav {asked} -o stems"
        console.print(f"    [bold]{command}[/bold]", highlight=False, soft_wrap=True)
    console.print()


def render(out: Path, sample_rate: int) -> tuple[str, ...]:
    """Write mixture, pitch and true parts; return the names of the parts."""
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    chorale = sing_chorale(sample_rate=sample_rate)
    for name, part in zip(chorale.names, chorale.stems, strict=True):
        write(parts / f"{name}.wav", part, sample_rate, subtype="PCM_16", overwrite=True)
    write(out / "mixture.wav", chorale.mixture, sample_rate, subtype="PCM_16", overwrite=True)
    tracks = PitchTracks.regular(chorale.f0_hz, chorale.step_seconds, chorale.names)
    tracks.to_csv(out / "f0.csv", overwrite=True)
    return chorale.names


def listen(out: Path, names: tuple[str, ...]) -> None:
    """Find the pitch of the voices in the mixture: heard.csv, and a picture."""
    named = [part for name in names for part in ("--name", name)]
    files = ["-o", shown(out / "heard.csv"), "--picture", shown(out / "heard.png")]
    run("pitch", shown(out / "mixture.wav"), "--voices", str(len(names)), *named, *files)


def separate(out: Path, output: Path, *options: str, f0: str = "f0.csv") -> ScoreTable:
    """Separate the mixture into `output/mixture` with the pitch of a file, and score what came out."""
    mixture = shown(out / "mixture.wav")
    run("voices", mixture, "--f0", shown(out / f0), "-o", shown(output), *options)
    return evaluate_folders(out / "parts", output / "mixture")
