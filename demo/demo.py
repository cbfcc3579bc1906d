"""A choir taken apart: `make demo`.

Renders a chorale with our own singers, separates it with the command line that anyone would use, and scores
the stems against the parts that went in. All of it ends up in demo/out.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from stemless import checkpoint
from stemless.data.chorale import sing_chorale
from stemless.encoding import write
from stemless.evaluation.scores import ScoreTable, evaluate_folders
from stemless.voices.tracks import PitchTracks

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
PARTS = OUT / "parts"
NETWORK_KIND = "voices/network"


def main() -> int:
    parser = argparse.ArgumentParser(description="Render a chorale, separate it, score the stems.")
    parser.add_argument(
        "--fit-steps",
        type=int,
        default=0,
        metavar="N",
        help="also fit the network to the recording, N steps of about two seconds",
    )
    options = parser.parse_args()
    console = Console()
    start = time.perf_counter()
    names = render()
    console.print("J. S. Bach, O Haupt voll Blut und Wunden (BWV 244/54)")
    console.print(f"sung by {', '.join(names)} in {time.perf_counter() - start:.0f} s\n")

    ships_network = any(model.config.get("kind") == NETWORK_KIND for model in checkpoint.shipped())
    runs: dict[str, ScoreTable] = {}
    main_method = "network" if ships_network else "comb"
    runs[main_method] = separate(OUT, "--picture")
    if ships_network:
        runs["comb"] = separate(OUT / "comb", "--method", "comb")
    if options.fit_steps:
        runs["fitted network"] = separate(OUT / "fit", "--fit", "--fit-steps", str(options.fit_steps))

    console.print()
    console.print(score_table(names, runs))
    console.print(f"\nListen and look: {shown(OUT / 'mixture')}: stems, residual, report.json, picture.png")
    console.print("With a recording and pitch tracks of your own:\n")
    command = f"{shown(Path(sys.executable).with_name('stemless'))} voices choir.wav --f0 f0.csv -o stems"
    console.print(f"    [bold]{command}[/bold]\n", highlight=False, soft_wrap=True)
    return 0


def render() -> tuple[str, ...]:
    """Write mixture, pitch and true parts; return the names of the parts."""
    PARTS.mkdir(parents=True, exist_ok=True)
    chorale = sing_chorale()
    rate = chorale.sample_rate
    for name, part in zip(chorale.names, chorale.stems, strict=True):
        write(PARTS / f"{name}.wav", part, rate, subtype="PCM_16", overwrite=True)
    write(OUT / "mixture.wav", chorale.mixture, rate, subtype="PCM_16", overwrite=True)
    tracks = PitchTracks.regular(chorale.f0_hz, chorale.step_seconds, chorale.names)
    tracks.to_csv(OUT / "f0.csv", overwrite=True)
    return chorale.names


def separate(output: Path, *options: str) -> ScoreTable:
    """Run the command line, as it would be typed, and score what it made."""
    stemless = Path(sys.executable).with_name("stemless")
    mixture, f0 = shown(OUT / "mixture.wav"), shown(OUT / "f0.csv")
    arguments = ["voices", mixture, "--f0", f0, "-o", shown(output), *options]
    print(f"$ stemless {shlex.join(arguments)}", flush=True)
    # Its summary goes unseen, its progress (on stderr) does not.
    subprocess.run([str(stemless), *arguments, "--overwrite"], check=True, stdout=subprocess.DEVNULL)
    return evaluate_folders(PARTS, output / "mixture")


def score_table(parts: tuple[str, ...], runs: dict[str, ScoreTable]) -> Table:
    """SI-SDR of each part: as it lies in the mixture, and as each way of separating gives it."""
    columns: dict[str, list[float]] = {}
    for method, scores in runs.items():
        found = {stem.name: stem for stem in scores.stems}
        values = [found[part].si_sdr_db or 0.0 for part in parts]
        gains = [found[part].si_sdr_improvement_db or 0.0 for part in parts]
        columns.setdefault("mixture", [value - gain for value, gain in zip(values, gains, strict=True)])
        columns[method] = values
    table = Table(title="SI-SDR in dB", title_justify="left", box=None, pad_edge=False)
    table.add_column("part")
    for method in columns:
        table.add_column(method, justify="right")
    for row, part in enumerate(parts):
        table.add_row(part, *(f"{values[row]:.1f}" for values in columns.values()))
    means = (sum(values) / len(values) for values in columns.values())
    table.add_row("mean", *(f"{mean:.1f}" for mean in means), style="bold")
    return table


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # The command line has already said why.
        sys.exit(error.returncode)
