"""From the scores of embedding.py, foreign.py and sharpness.py to their sections in docs/results.md.

What the separator that ships measured while it learned (its curve.json, beside the scores as
query_training.json) becomes a picture.

python benchmarks/query_tables.py
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stemless.evaluation.bootstrap import Interval, bootstrap_interval
from stemless.evaluation.tables import format_interval, markdown_table, update_section
from stemless.pictures import learning_curve_picture

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
QUIET_DB = -15.0
CURVES = {
    "SDR, two prompts": "validation_sdr_db",
    "SDR, single prompts": "validation_single_prompt_sdr_db",
    "SI-SDR above the mixture": "validation_si_sdr_gain_db",
}

Row = Mapping[str, Any]


def share_of_hits(rows: Sequence[Row], place: str, within: int = 1) -> Interval:
    """Per cent of the rows whose right answer comes within the first places; whole groups are drawn."""
    hits = [100.0 * (row[place] <= within) for row in rows]
    groups = [row.get("group", number) for number, row in enumerate(rows)]
    return bootstrap_interval(hits, np.random.default_rng(0), groups=groups)


def mean_share_of_hits(rows: Sequence[Row], place: str, within: int = 1) -> Interval:
    """The same where every label counts alike, however many recordings there are of it; labels are drawn."""
    shares = [100.0 * float(np.mean(np.array(each) <= within)) for each in places_by_label(rows, place)]
    return bootstrap_interval(shares, np.random.default_rng(0))


def places_by_label(rows: Sequence[Row], place: str) -> list[list[int]]:
    """The places of each label's rows, the labels in the order they come."""
    places: dict[str, list[int]] = {}
    for row in rows:
        places.setdefault(row["label"], []).append(row[place])
    return list(places.values())


def embedding_section(result: Mapping[str, Any]) -> str:
    """Zero-shot, labels held back and paraphrases, a random embedding and chance beside them."""
    ours, blind = (result["rows"][name] for name in ("embedding", "random"))
    cells = []

    def line(task: str, part: str, place: str, within: int, chance: float, free: bool = False) -> None:
        found = []
        for rows in (ours[part], blind[part]):
            rows = [row for row in rows if row[place] is not None and (row["free"] if free else True)]
            count = mean_share_of_hits if part == "held back" else share_of_hits
            found.append((format_interval(count(rows, place, within)), len(rows)))
        (mine, items), (random, _) = found
        cells.append([task, str(items), mine, random, f"{100 * chance:.1f}"])

    for classes in (10, 50):
        line(f"ESC-{classes}, fold 3", "zero-shot", f"place of {classes}", 1, 1 / classes)
        line("the same, clips under free licences", "zero-shot", f"place of {classes}", 1, 1 / classes, True)
    for within in (1, 5, 10):
        line(f"60 labels held back, in the first {within}", "held back", "place of 60", within, within / 60)
    count = ours["held back"][0]["all"]
    for within in (1, 5, 10):
        line(
            f"the same among {count} labels, in the first {within}",
            "held back",
            "place of all",
            within,
            within / count,
        )
    labels = result["paraphrase labels"]
    line(f"paraphrases, nearest of {labels} labels", "paraphrases", "place", 1, 1 / labels)
    line("paraphrases, nearest of 50 sounds", "paraphrases", "place by sound", 1, 1 / 50)
    header = ["unseen recordings, by name alone", "items", "right, % [95 %]", "random embedding", "chance"]
    wrong = [row for row in ours["paraphrases"] if row["place"] > 1]
    text = f"{markdown_table(header, cells)}\n\nCommand: `{result['command']}`."
    if wrong:
        named = "; ".join(f'"{row["paraphrase"]}" is taken for {row["nearest"]}' for row in wrong)
        text += f"\n\nParaphrases that went wrong: {named}."
    return text


def area_under_curve(present: NDArray[np.float64], absent: NDArray[np.float64]) -> float:
    """The chance that one that is there scores above one that is not; equals count half.

    >>> area_under_curve(np.array([0.9, 0.5]), np.array([0.1, 0.5]))
    0.875
    """
    difference = present[:, None] - absent[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def presence_interval(rows: Sequence[Row]) -> Interval:
    """Area under the curve of presence over present and absent prompts; whole mixtures are drawn."""
    names = sorted({row["mixture"] for row in rows})
    there = [[row["presence"] for row in rows if row["mixture"] == name] for name in names]
    gone = [[r["absent"]["presence"] for r in rows if r["mixture"] == n and "absent" in r] for n in names]

    def area(chosen: Sequence[int]) -> float:
        present = np.array([value for place in chosen for value in there[place]])
        absent = np.array([value for place in chosen for value in gone[place]])
        return area_under_curve(present, absent)

    random = np.random.default_rng(0)
    draws = [area(random.integers(len(names), size=len(names)).tolist()) for _ in range(500)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(area(range(len(names))), float(low), float(high))


def foreign_section(result: Mapping[str, Any]) -> str:
    """SDR by kind and method, then what was asked for in vain."""
    parts = _parts(result["rows"])
    methods = list(result["rows"][0]["scores"])
    tables = []
    for column, name in enumerate(("SDR", "SI-SDR")):
        cells = [
            [
                part,
                str(len(rows)),
                *(_mean(rows, [row["scores"][m][column] for row in rows]) for m in methods),
            ]
            for part, rows in parts.items()
        ]
        tables.append(markdown_table([f"mean {name}, dB [95 %]", "sources", *methods], cells))
    silent = {
        method: sum(method in row["silent"] for row in result["rows"])
        for method in methods
        if any(method in row["silent"] for row in result["rows"])
    }
    said = ", ".join(f"{method} {count}" for method, count in silent.items()) or "none"
    absent = _absent_table(parts)
    return (
        "\n\n".join(tables)
        + f"\n\nOutputs of digital silence, counted with -80 dB: {said} of {len(result['rows'])} sources."
        + f"\n\n{absent}\n\nCommand: `{result['command']}`, the {result['half']} half."
    )


def sharpness_section(result: Mapping[str, Any]) -> str:
    """SDR and SI-SDR of each sharpness, and what was asked for in vain."""
    settings = dict.fromkeys((row["power"], row["sharpness"]) for row in result["rows"])
    cells = []
    for power, sharpness in settings:
        chosen = [row for row in result["rows"] if (row["power"], row["sharpness"]) == (power, sharpness)]
        parts = _parts(chosen)
        cells.append([power, f"{sharpness:g}"])
        for part in ("labels seen", "labels unseen"):
            scores = [[row["scores"][place] for row in parts[part]] for place in (0, 1)]
            cells[-1] += [_mean(parts[part], scores[0]), f"{np.mean(scores[1]):.2f}"]
        cells[-1].append(_mean(parts["labels seen"], [row["absent_db"] for row in parts["labels seen"]]))
    header = ["power of the odds", "of names known", "labels seen, SDR, dB [95 %]", "SI-SDR"]
    header += ["labels unseen, SDR, dB [95 %]", "SI-SDR", "absent, re mixture, dB [95 %]"]
    counts = " and ".join(str(len(parts[part])) for part in ("labels seen", "labels unseen"))
    return (
        f"{markdown_table(header, cells)}\n\n{counts} sources, two prompts in a call. "
        f"Command: `{result['command']}`, the {result['half']} half."
    )


SUMMARY = {
    "mixture": "mixture",
    "random words": "the same network, words that mean nothing",
    "single prompts": "each sound asked for by itself",
    "two prompts": "both sounds in one call",
    "ideal ratio mask": "ideal ratio mask",
}


def summary_section(result: Mapping[str, Any]) -> str:
    """Mean SDR of the sources with labels seen and unseen, one line a method."""
    parts = {
        name: rows
        for name, rows in _parts(result["rows"]).items()
        if name in ("labels seen", "labels unseen")
    }
    cells = [
        [said, *(f"{np.mean([row['scores'][method][0] for row in rows]):.1f}" for rows in parts.values())]
        for method, said in SUMMARY.items()
    ]
    return markdown_table(["", *(f"{name} in training" for name in parts)], cells)


def _parts(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Labels seen, by kind and together, then sources of labels unseen."""
    unseen_kinds = {row["kind"] for row in rows if not row["seen"]}
    parts: dict[str, list[Row]] = {}
    seen = [row for row in rows if row["kind"] not in unseen_kinds]
    if seen:
        parts["labels seen"] = seen
        for kind in dict.fromkeys(row["kind"] for row in seen):
            parts[f"- {kind}"] = [row for row in seen if row["kind"] == kind]
    unseen = [row for row in rows if not row["seen"]]
    if unseen:
        parts["labels unseen"] = unseen
        for kind in dict.fromkeys(row["kind"] for row in unseen):
            parts[f"- {kind}"] = [row for row in unseen if row["kind"] == kind]
        beside = [row for row in rows if row["kind"] in unseen_kinds and row["seen"]]
        if beside:
            parts["labels seen, beside one unseen"] = beside
    return parts


def _mean(rows: Sequence[Row], values: Sequence[float]) -> str:
    groups = [row["mixture"] for row in rows]
    return format_interval(bootstrap_interval(values, np.random.default_rng(0), groups=groups))


def _absent_table(parts: Mapping[str, Sequence[Row]]) -> str:
    cells = []
    for part, rows in parts.items():
        asked = [row for row in rows if "absent" in row]
        if not asked:
            continue
        levels = [float(row["absent"]["level_db"]) for row in asked]
        cells.append(
            [
                part,
                str(len(asked)),
                _mean(asked, levels),
                f"{100 * np.mean([level <= QUIET_DB for level in levels]):.0f}",
                _mean(rows, [float(row["level_db"]) for row in rows]),
                format_interval(presence_interval(rows)),
            ]
        )
    header = ["a prompt that is not there", "prompts", "output re mixture, dB [95 %]"]
    header += [f"at most {QUIET_DB:g} dB, %", "a prompt that is there, dB", "presence, area under curve"]
    return markdown_table(header, cells)


def draw_training(rows: Sequence[Row], path: Path) -> None:
    """The validation scores of a training by step."""
    steps = [row["step"] for row in rows]
    curves = {name: (steps, [row[score] for row in rows]) for name, score in CURVES.items()}
    panels = {"dB on foreign recordings (validation)": curves}
    learning_curve_picture(panels, path, overwrite=True)


def main() -> None:
    page = ROOT / "docs" / "results.md"
    makers: dict[str, Callable[[Mapping[str, Any]], str]] = {
        "embedding": embedding_section,
        "foreign_test": foreign_section,
        "foreign_validation": foreign_section,
        "sharpness": sharpness_section,
    }
    for name, make in makers.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            result = json.loads(path.read_text(encoding="utf-8"))
            update_section(page, name.replace("_", "-"), make(result))
            if name == "foreign_test":
                update_section(ROOT / "README.md", "query-summary", summary_section(result))
    training = RESULTS / "query_training.json"
    if training.exists():
        rows = json.loads(training.read_text(encoding="utf-8"))
        draw_training(rows, ROOT / "docs" / "images" / "query-training.png")


if __name__ == "__main__":
    main()
