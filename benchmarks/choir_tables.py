"""From the scores of the choir benchmark to its sections in docs/results.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stemless.evaluation.tables import (
    benchmark_section,
    compare,
    format_interval,
    markdown_table,
    summarise,
    update_section,
)

ORDER = (
    "mixture",
    "comb",
    "nmf",
    "source-filter nmf",
    "u-net, supervised",
    "network, supervised",
    "network, as it ships",
    "network, fitted for 10 minutes",
    "network, unsupervised",
    "network, fitted for an hour",
    "network, fitted for an hour by its own pitch",
    "blend, as it ships",
    "blend, fitted for 10 minutes",
    "blend, fitted for an hour",
    "blend, fitted for an hour by its own pitch",
    "ideal ratio mask",
)
OURS = (
    ("blend, fitted for an hour by its own pitch", 2.0),
    ("blend, fitted for an hour", 2.0),
    ("blend, fitted for 10 minutes", 2.0),
    ("blend, as it ships", 2.0),
    ("network, fitted for an hour by its own pitch", 2.0),
    ("network, fitted for an hour", 2.0),
    ("network, unsupervised", 2.0),
    ("network, fitted for 10 minutes", 2.0),
    ("network, as it ships", 2.0),
)
"""The first of these that has scores is compared with the others."""
TRACKS = (
    "given",
    "stems",
    "heard",
    "refined",
    "both",
    "twice",
    "tuned-own",
    "alone-own",
    "given_room",
)
RIVALS: tuple[tuple[str, float | None], ...] = (
    ("comb", 2.0),
    ("nmf", 2.0),
    ("source-filter nmf", 2.0),
    ("u-net, supervised", 2.0),
    ("network, supervised", 2.0),
)


def write_tables(results: Path, page: Path, readme: Path) -> None:
    """Every table whose scores are there, and the training times; the short one into the readme."""
    for voices in (2, 4):
        for tracks in TRACKS:
            held = [
                json.loads(path.read_text())
                for path in (results / f"{voices}_voices_{tracks}").glob("*.json")
            ]
            if held:
                update_section(page, f"choir-{voices}-{tracks}", section(held, voices, tracks))
    update_section(page, "choir-training", trainings(results))
    update_section(readme, "choir-summary", short_table(results))


def short_table(results: Path) -> str:
    """Means with given tracks, one line a method, p = 2 where it has meaning; blends hear beside them."""
    cells = []
    for method in ORDER:
        tracks = "both" if method.startswith("blend") else "given"
        means = []
        for voices in (2, 4):
            held = [
                json.loads(path.read_text())
                for path in (results / f"{voices}_voices_{tracks}").glob("*.json")
            ]
            rows = [row for one in held for row in one["rows"] if row["method"] == method and row["p"] != 1.0]
            means.append(f"{summarise(rows)[0].mean.estimate:.1f}" if rows else "")
        if any(means):
            cells.append([method, *means])
    return markdown_table(["method", "2 voices", "4 voices"], cells)


def section(held: list[dict[str, Any]], voices: int, tracks: str) -> str:
    """The table over all methods and, under it, ours against each rival on the same stems."""
    held = sorted(held, key=lambda one: (ORDER.index(one["rows"][0]["method"]), one["rows"][0]["p"] or 0.0))
    rows = [row for one in held for row in one["rows"]]
    text = benchmark_section(
        {"command": held[0]["command"], "seed": held[0]["seed"], "split": held[0]["split"], "rows": rows}
    )
    there = {(row["method"], row["p"]) for row in rows}
    ours = next((one for one in OURS if one in there), None)
    if ours is None:
        return text
    lines = []
    for method, p in (*RIVALS, *OURS[1:]):
        if (method, p) in there and (method, p) != ours:
            rival = method if p is None else f"{method}, p {p:g}"
            lines.append(f"- against {rival}: {format_interval(compare(rows, ours, (method, p)))} dB")
    heading = f"{ours[0].capitalize()}, p 2, on the same stems (mean difference and its 95 % interval):"
    return "\n\n".join([text, heading, "\n".join(lines)])


def trainings(results: Path) -> str:
    """What each training took."""
    cells = []
    for path in sorted(results.glob("training_*.json")):
        record = json.loads(path.read_text())
        learner, voices = path.stem.removeprefix("training_").removesuffix("_voices").rsplit("_", 1)
        cells.append(
            [learner, voices, str(record["steps"]), f"{record['seconds'] / 60:.1f}", str(record["threads"])]
        )
    return markdown_table(["training", "voices", "steps", "minutes", "threads"], cells)
