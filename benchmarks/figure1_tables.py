"""From the scores of figure1.py to their section in docs/results.md.

Values are paired: the same sources of the same mixtures, and the same seeds. Intervals draw whole mixtures,
with all their sources and seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from figure1_plan import ABLATIONS, REFERENCE, REFERENCE_TOGETHER, ROWS, TOGETHER, VARIANTS, unit_of
from stemless.evaluation.bootstrap import Interval, bootstrap_interval
from stemless.evaluation.tables import format_interval, markdown_table, update_section

SECTION: Final = "figure-1"
SECTION_TOGETHER: Final = "figure-1-together"
LEAST_DB: Final = 1.0
"""A ratio to a mean below it says nothing."""
COMMAND: Final = "python benchmarks/figure1.py all"
MEASURES: Final = (("alone", 0), ("alone", 1), ("together", 0), ("together", 1))
"""Kind of estimate, and place of the score: SDR, SI-SDR. The first is the measure of the paper."""
HEADER: Final = ("SDR [95 %]", "SI-SDR", "SDR, two prompts [95 %]", "SI-SDR, two prompts")

Value = tuple[str, int, int]
"""Mixture, source, seed."""
Result = Mapping[str, Any]

PUBLISHED: Final[Mapping[tuple[str, str], Mapping[int, float]]] = {
    ("weak", "mix-and-separate"): {2: 7.9 / 4.6, 3: 7.1 / 3.5, 4: 6.2 / 2.7},
    ("weak", "supervised"): {2: 7.9 / 8.1, 3: 7.1 / 8.1, 4: 6.2 / 8.1},
    ("semi-supervised 5 %", "supervised"): {2: 8.8 / 8.1, 3: 8.4 / 8.1, 4: 7.3 / 8.1},
    ("semi-supervised 75 %", "supervised"): {2: 9.5 / 8.1, 3: 8.8 / 8.1, 4: 8.6 / 8.1},
}
"""Ratios of mean SDR, read off figure 1 of Mahmud et al. for MUSIC."""
COMPARED: Final = (
    *PUBLISHED,
    ("semi-supervised 5 %", "5 % alone"),
    ("semi-supervised 75 %", "75 % alone"),
    ("random teacher", "mix-and-separate"),
    ("weak", "random teacher"),
    *(("weak", name) for name in ABLATIONS),
)


def values_of(results: Sequence[Result], kind: str, place: int) -> dict[Value, float]:
    """Scores in dB of all seeds of one variant."""
    found: dict[Value, float] = {}
    for result in results:
        sources: dict[str, int] = {}
        for row in result["rows"]:
            number = sources[row["mixture"]] = sources.get(row["mixture"], -1) + 1
            found[row["mixture"], number, int(result.get("seed", 0))] = float(row["scores"][kind][place])
    return found


def interval_of(values: Mapping[Value, float]) -> Interval:
    """Of the mean; whole mixtures are drawn."""
    mixtures = [mixture for mixture, _, _ in values]
    return bootstrap_interval(list(values.values()), np.random.default_rng(0), groups=mixtures)


def difference(first: Mapping[Value, float], second: Mapping[Value, float]) -> tuple[Interval, float, int]:
    """First minus second where both are there: its interval, the ratio of the means, and how many seeds.

    The ratio is NaN where the second mean is not above `LEAST_DB`.

    Raises:
        ValueError: they have nothing in common.
    """
    common = sorted(first.keys() & second.keys())
    if not common:
        raise ValueError("no mixture and seed in common: nothing can be compared")
    interval = interval_of({key: first[key] - second[key] for key in common})
    one, other = (float(np.mean([values[key] for key in common])) for values in (first, second))
    ratio = one / other if other > LEAST_DB else float("nan")
    return interval, ratio, len({key[2] for key in common})


def section(reference: Result, results: Sequence[Result]) -> str:
    """A table for each row of the figure, then the differences, then what it took."""
    held = grouped(results)
    texts = []
    for row in ROWS:
        if any(key[0] == row for key in held):
            texts += [f"Training mixtures of {row} sources:", _row_table(reference, held, row)]
    texts += ["Differences on the same sources, dB, and ratios of the means:", _differences(held, ROWS)]
    apart = [result for result in results if int(result["row"]) != TOGETHER]
    effort = f"{_effort(apart, reference)} The published ratios are those of MUSIC. Command: `{COMMAND}`."
    return "\n\n".join([*texts, effort])


def together_section(reference: Result, results: Sequence[Result]) -> str:
    """The same of sounds that are never heard apart."""
    together = [result for result in results if int(result["row"]) == TOGETHER]
    held = grouped(together)
    texts = [_row_table(reference, held, TOGETHER), _differences(held, (TOGETHER,))]
    effort = f"{_effort(together, reference)} Command: `{COMMAND} --rows {TOGETHER}`."
    return "\n\n".join([*texts, effort])


def grouped(results: Sequence[Result]) -> dict[tuple[int, str], list[Result]]:
    """Results of all seeds by row and variant."""
    held: dict[tuple[int, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: int(result["seed"])):
        held.setdefault((int(result["row"]), str(result["variant"])), []).append(result)
    return held


def found_for(held: Mapping[tuple[int, str], Sequence[Result]], row: int, variant: str) -> Sequence[Result]:
    """Results of a variant beside a row: what learns from single sources is beside all with the same test."""
    if row == TOGETHER and VARIANTS[variant].share < 1:
        return ()
    return held.get((unit_of(row, variant, 0).row, variant), ())


def _row_table(reference: Result, held: Mapping[tuple[int, str], Sequence[Result]], row: int) -> str:
    cells = [["mixture", "", *_means([reference], "mixture")]]
    for variant in VARIANTS:
        results = found_for(held, row, variant)
        if results:
            cells.append([variant, _seeds(results), *_all_means(results)])
    cells.append(["ideal ratio mask", "", *_means([reference], "ideal ratio mask")])
    return markdown_table(["training", "SDR by seed", *HEADER], cells)


def _seeds(results: Sequence[Result]) -> str:
    means = [np.mean(list(values_of([result], *MEASURES[0]).values())) for result in results]
    return ", ".join(f"{mean:.2f}" for mean in means)


def _all_means(results: Sequence[Result]) -> list[str]:
    return [_mean(results, kind, place) for kind, place in MEASURES]


def _means(results: Sequence[Result], kind: str) -> list[str]:
    return [_mean(results, kind, place) for place in (0, 1)] + ["", ""]


def _mean(results: Sequence[Result], kind: str, place: int) -> str:
    interval = interval_of(values_of(results, kind, place))
    return f"{interval.estimate:.2f}" if place else format_interval(interval)


def _differences(held: Mapping[tuple[int, str], Sequence[Result]], rows: Sequence[int]) -> str:
    cells = []
    for first, second in COMPARED:
        for row in rows:
            pair = [found_for(held, row, variant) for variant in (first, second)]
            if not all(pair):
                continue
            cell = [f"{first} - {second}", str(row) if row != TOGETHER else "2, together"]
            for kind in ("alone", "together"):
                found, ratio, seeds = difference(*(values_of(each, kind, 0) for each in pair))
                cell += [format_interval(found), "" if np.isnan(ratio) else f"{ratio:.2f}"]
            published = PUBLISHED.get((first, second), {}).get(row)
            cells.append([*cell, f"{published:.2f}" if published else "", str(seeds)])
    header = ["SDR", "sources", "difference [95 %]", "ratio", "two prompts [95 %]", "ratio", "paper", "seeds"]
    return markdown_table(header, cells)


def _effort(results: Sequence[Result], reference: Result) -> str:
    minutes = [sum(result["seconds"].values()) / 60 for result in results]
    steps = ", ".join(sorted({f"{result['steps']}" for result in results}))
    mixtures = len({row["mixture"] for row in reference["rows"]})
    return (
        f"{mixtures} test mixtures of two sources at 0 dB. Each training is a start and an end of {steps} "
        f"steps each, {min(minutes):.0f} to {max(minutes):.0f} minutes of one CPU core."
    )


def write_tables(results: Path, page: Path) -> None:
    """The section of the page, from what results there are.

    Raises:
        SystemExit: there are none.
    """
    paths = sorted(results.glob("row*.json"))
    if not paths:
        raise SystemExit(f"{results}: no results; run `python benchmarks/figure1.py all` first")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for name, make, reference in (
        (SECTION, section, REFERENCE),
        (SECTION_TOGETHER, together_section, REFERENCE_TOGETHER),
    ):
        path = results / f"{reference}.json"
        if path.exists():
            update_section(page, name, make(json.loads(path.read_text(encoding="utf-8")), found))
