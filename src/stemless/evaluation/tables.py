"""From the rows of a benchmark's JSON to Markdown, and into the page that shows it.

A row is one stem of one mixture, separated by one method:

    {"method": "comb", "p": 2, "mixture": "S4_A4_68s", "part": "soprano", "status": "ok", "si_sdr_db": 11.2}

`p` may be absent (a method without masks). A row without a score counts as a failure with the floor, except
where its status says that the reference was silent.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from stemless.errors import StemlessError
from stemless.evaluation import FLOOR_DB
from stemless.evaluation.bootstrap import Interval, bootstrap_interval, paired_difference

Row = Mapping[str, Any]
Key = tuple[str, float | None]
_SILENT: Final = "silent reference"


@dataclass(frozen=True)
class Summary:
    """One line of a table: a method with its mask exponent `p`, over all its rows.

    `failures` are within `values`; `silent_references` are not, no score exists for them. Intervals are
    drawn over whole mixtures.
    """

    method: str
    p: float | None
    mixtures: int
    values: int
    failures: int
    silent_references: int
    mean: Interval
    median: Interval
    part_means: Mapping[str, float]


def summarise(
    rows: Iterable[Row],
    *,
    score: str = "si_sdr_db",
    seed: int = 0,
    resamples: int = 10_000,
) -> list[Summary]:
    """One summary for each (method, p), in the order in which they first appear.

    Args:
        rows: see the head of this module.
        score: which score to summarise, in dB.
        seed: of the bootstrap; every line starts from it, so a line does not depend on those above.
        resamples: of the bootstrap.

    Raises:
        ValueError: a stem of a mixture is there twice for one method, or a method has no scored row.
    """
    summaries = []
    for (method, p), found in _grouped(rows).items():
        scored = [row for row in found.values() if row.get("status") != _SILENT]
        if not scored:
            raise ValueError(f"{method}: every reference is silent, there is nothing to summarise")
        values = [_value(row, score) for row in scored]
        mixtures = [row["mixture"] for row in scored]
        parts: dict[str, list[float]] = {}
        for row, value in zip(scored, values, strict=True):
            parts.setdefault(row["part"], []).append(value)
        mean, median = (
            bootstrap_interval(
                values, np.random.default_rng(seed), statistic=statistic, groups=mixtures, resamples=resamples
            )
            for statistic in ("mean", "median")
        )
        summaries.append(
            Summary(
                method=method,
                p=p,
                mixtures=len({row["mixture"] for row in found.values()}),
                values=len(values),
                failures=sum(_is_failure(row, score) for row in scored),
                silent_references=len(found) - len(scored),
                mean=mean,
                median=median,
                part_means={part: float(np.mean(of_part)) for part, of_part in parts.items()},
            )
        )
    return summaries


def compare(
    rows: Iterable[Row],
    first: Key,
    second: Key,
    *,
    score: str = "si_sdr_db",
    seed: int = 0,
    resamples: int = 10_000,
) -> Interval:
    """Mean of first minus second over the same stems of the same mixtures, with its 95 % interval in dB.

    Raises:
        ValueError: one of the two is absent, or they were not run on the same stems.
    """
    grouped = _grouped(rows)
    for key in (first, second):
        if key not in grouped:
            raise ValueError(f"no rows of {key}; there are {list(grouped)}")
    if grouped[first].keys() != grouped[second].keys():
        odd = grouped[first].keys() ^ grouped[second].keys()
        raise ValueError(f"{first} and {second} differ in {len(odd)} stems, such as {min(odd)}")
    stems = [stem for stem, row in grouped[first].items() if row.get("status") != _SILENT]
    return paired_difference(
        [_value(grouped[first][stem], score) for stem in stems],
        [_value(grouped[second][stem], score) for stem in stems],
        np.random.default_rng(seed),
        groups=[mixture for mixture, _ in stems],
        resamples=resamples,
    )


def markdown_table(header: Sequence[str], cells: Iterable[Sequence[str]], *, text_columns: int = 1) -> str:
    """A Markdown table; columns after the first `text_columns` hold numbers and are set to the right.

    >>> print(markdown_table(["method", "mean"], [["comb", "5.29"]]))
    | method | mean |
    |---|---:|
    | comb | 5.29 |
    """
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("|" + "".join("---|" if column < text_columns else "---:|" for column in range(len(header))))
    for row in cells:
        if len(row) != len(header):
            raise ValueError(f"{len(header)} columns, but a row of {len(row)}: {list(row)}")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines)


def summary_table(summaries: Sequence[Summary]) -> str:
    """Markdown: method, p, mixtures, mean and median with their 95 % intervals, the mean of each part, and
    failures and silent references where there are any."""
    parts = list(dict.fromkeys(part for summary in summaries for part in summary.part_means))
    header = ["method", "p", "mixtures", "mean [95 %]", "median [95 %]", *parts, "failed"]
    any_silent = any(summary.silent_references for summary in summaries)
    if any_silent:
        header.append("silent references")
    cells = []
    for summary in summaries:
        row = [
            summary.method,
            "" if summary.p is None else f"{summary.p:g}",
            str(summary.mixtures),
            format_interval(summary.mean),
            format_interval(summary.median),
            *(f"{summary.part_means[part]:.2f}" if part in summary.part_means else "" for part in parts),
            f"{summary.failures} of {summary.values}",
        ]
        cells.append([*row, str(summary.silent_references)] if any_silent else row)
    return markdown_table(header, cells)


def benchmark_section(
    result: Mapping[str, Any], *, score: str = "si_sdr_db", score_name: str = "SI-SDR"
) -> str:
    """Markdown of a whole result: the table over `result["rows"]`, and a caption with its command, seed and
    split, without which no figure is worth reading.

    `result` is what a benchmark writes as JSON: `command`, `seed`, `split` and `rows`.

    Raises:
        ValueError: one of them is missing, or the rows are wrong (see `summarise`).
    """
    missing = [key for key in ("command", "seed", "split", "rows") if key not in result]
    if missing:
        raise ValueError(f"a benchmark result needs {', '.join(missing)}")
    summaries = summarise(result["rows"], score=score, seed=int(result["seed"]))
    caption = (
        f"{score_name} in dB. Split: {result['split']}. "
        f"Command: `{result['command']}`, seed {result['seed']}. "
        f"Intervals: percentile bootstrap over mixtures. Failed estimates count as {FLOOR_DB:g} dB."
    )
    return f"{summary_table(summaries)}\n\n{caption}"


def format_interval(interval: Interval) -> str:
    """Two digits: the estimate and the ends of its interval.

    >>> format_interval(Interval(5.289, 4.9, 5.7))
    '5.29 [4.90, 5.70]'
    """
    return f"{interval.estimate:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


def update_section(path: Path, name: str, markdown: str) -> bool:
    """Put `markdown` between `<!-- name:start -->` and `<!-- name:end -->` of a page.

    The page is written beside itself and renamed, so that it is never half a page.

    Returns:
        Whether the page changed.

    Raises:
        StemlessError: the page or one of its marks is missing, or a mark is there twice or out of order.
    """
    if not path.is_file():
        raise StemlessError(f"{path}: the page does not exist; create it with the marks of {name}")
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    with path.open(encoding="utf-8", newline="") as page:
        text = page.read()
    for mark in (start, end):
        if text.count(mark) != 1:
            raise StemlessError(f"{path}: {mark} is there {text.count(mark)} times; write it exactly once")
    if text.index(end) < text.index(start):
        raise StemlessError(f"{path}: {end} comes before {start}; swap them")
    head, tail = text[: text.index(start) + len(start)], text[text.index(end) :]
    newline = "\r\n" if "\r\n" in text else "\n"
    body = newline.join(markdown.strip().splitlines())
    changed = f"{head}{newline}{body}{newline}{tail}"
    if changed == text:
        return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as page:
            page.write(changed)
        shutil.copymode(path, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _grouped(rows: Iterable[Row]) -> dict[Key, dict[tuple[str, str], Row]]:
    """Rows by (method, p), then by (mixture, part)."""
    grouped: dict[Key, dict[tuple[str, str], Row]] = {}
    for row in rows:
        p = row.get("p")
        key: Key = (str(row["method"]), None if p is None else float(p))
        stem = (str(row["mixture"]), str(row["part"]))
        found = grouped.setdefault(key, {})
        if stem in found:
            raise ValueError(f"{key} has {stem} twice: a stem must count once")
        found[stem] = row
    return grouped


def _is_failure(row: Row, score: str) -> bool:
    return row.get(score) is None or row.get("status", "ok") != "ok"


def _value(row: Row, score: str) -> float:
    value = row.get(score)
    return FLOOR_DB if value is None else float(value)
