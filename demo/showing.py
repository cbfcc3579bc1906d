"""What both halves of the demo do: run the command line that anyone would use, and show scores."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from stemless.evaluation.scores import ScoreTable

STEMLESS = Path(sys.executable).with_name("stemless")


def run(*arguments: str) -> None:
    """Run `stemless` as it would be typed."""
    print(f"$ stemless {shlex.join(arguments)}", flush=True)
    # Its summary goes unseen, its progress (on stderr) does not.
    subprocess.run([str(STEMLESS), *arguments, "--overwrite"], check=True, stdout=subprocess.DEVNULL)


def score_table(
    parts: Mapping[str, str],
    runs: Mapping[str, ScoreTable],
    besides: Mapping[str, Sequence[str]] | None = None,
) -> Table:
    """SI-SDR of each part: as it lies in the mixture, and as each way of separating gives it.

    Args:
        parts: what each part is called here, by the name of its file.
        runs: the scores of each way of separating.
        besides: more columns, one cell a part.
    """
    columns: dict[str, list[float]] = {}
    for method, scores in runs.items():
        found = {stem.name: stem for stem in scores.stems}
        values = [found[part].si_sdr_db or 0.0 for part in parts]
        gains = [found[part].si_sdr_improvement_db or 0.0 for part in parts]
        columns.setdefault("mixture", [value - gain for value, gain in zip(values, gains, strict=True)])
        columns[method] = values
    besides = besides or {}
    table = Table(title="SI-SDR in dB", title_justify="left", box=None, pad_edge=False)
    table.add_column("part")
    for heading in (*columns, *besides):
        table.add_column(heading, justify="right")
    for row, name in enumerate(parts.values()):
        cells = [f"{values[row]:.1f}" for values in columns.values()]
        table.add_row(name, *cells, *(column[row] for column in besides.values()))
    means = (sum(values) / len(values) for values in columns.values())
    table.add_row("mean", *(f"{mean:.1f}" for mean in means), style="bold")
    return table


def shown(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
