"""Tables from benchmark rows, and the page they are written into."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stemless.errors import StemlessError
from stemless.evaluation import FLOOR_DB
from stemless.evaluation.bootstrap import Interval
from stemless.evaluation.tables import (
    benchmark_section,
    compare,
    markdown_table,
    summarise,
    summary_table,
    update_section,
)


def rows_of(method: str, p: float | None, offset: float) -> list[dict[str, Any]]:
    """Ten mixtures of two parts; the bass is 4 dB worse."""
    difficulty = np.random.default_rng(0).normal(0, 3, 10)
    return [
        {
            "method": method,
            "p": p,
            "mixture": f"quartet {i}",
            "part": part,
            "status": "ok",
            "si_sdr_db": float(level + offset + worse),
        }
        for i, level in enumerate(difficulty)
        for part, worse in (("soprano", 0.0), ("bass", -4.0))
    ]


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    return [*rows_of("mixture", None, -5.0), *rows_of("comb", 1, 5.0), *rows_of("comb", 2, 5.5)]


def test_lines_are_grouped_and_averaged(rows: list[dict[str, Any]]) -> None:
    summaries = summarise(rows, resamples=500)
    assert [(s.method, s.p) for s in summaries] == [("mixture", None), ("comb", 1.0), ("comb", 2.0)]
    values = [row["si_sdr_db"] for row in rows if row["p"] == 2]
    comb = summaries[2]
    assert (comb.mixtures, comb.values, comb.failures, comb.silent_references) == (10, 20, 0, 0)
    assert comb.mean.estimate == pytest.approx(np.mean(values))
    assert comb.median.estimate == pytest.approx(np.median(values))
    assert comb.mean.low < comb.mean.estimate < comb.mean.high
    assert comb.part_means["soprano"] - comb.part_means["bass"] == pytest.approx(4.0)


def test_failures_count_and_silent_references_do_not(rows: list[dict[str, Any]]) -> None:
    rows[0].update(status="unreadable estimate", si_sdr_db=None)
    rows[1].update(status="silent estimate", si_sdr_db=FLOOR_DB)
    rows[2].update(status="silent reference", si_sdr_db=None)
    del rows[3]["si_sdr_db"]
    first = summarise(rows, resamples=200)[0]
    assert (first.values, first.failures, first.silent_references, first.mixtures) == (19, 3, 1, 10)
    expected = np.mean([FLOOR_DB, FLOOR_DB, FLOOR_DB, *(row["si_sdr_db"] for row in rows[4:20])])
    assert first.mean.estimate == pytest.approx(expected)
    table = summary_table(summarise(rows, resamples=200)).splitlines()
    assert table[0].endswith("| failed | silent references |")
    assert table[2].endswith("| 3 of 19 | 1 |")
    assert table[3].endswith("| 0 of 20 | 0 |")


def test_line_does_not_depend_on_the_lines_above(rows: list[dict[str, Any]]) -> None:
    alone = summarise([row for row in rows if row["p"] == 2], resamples=300)
    assert summarise(rows, resamples=300)[2] == alone[0]


def test_interval_is_drawn_over_mixtures(rows: list[dict[str, Any]]) -> None:
    """The same rows as twice as many mixtures of one part claim more than they know."""
    split = [
        {**row, "mixture": f"{row['mixture']} {row['part']}", "part": "any"} for row in rows_of("m", 1, 0.0)
    ]
    whole = rows_of("m", 1, 0.0)
    for row in [*split, *whole]:
        row["si_sdr_db"] += 4.0 if "bass" in f"{row['mixture']} {row['part']}" else 0.0
    widths = [s.mean.high - s.mean.low for s in (summarise(split)[0], summarise(whole)[0])]
    assert widths[1] == pytest.approx(widths[0] * np.sqrt(2), rel=0.1)


def test_comparison_is_paired(rows: list[dict[str, Any]]) -> None:
    found = compare(rows, ("comb", 2), ("comb", 1))
    assert found == Interval(pytest.approx(0.5), pytest.approx(0.5), pytest.approx(0.5))
    with pytest.raises(ValueError, match="no rows of"):
        compare(rows, ("comb", 2), ("nmf", 1))
    with pytest.raises(ValueError, match="differ in 1 stems"):
        compare(rows[:-1], ("comb", 2), ("comb", 1))


def test_stem_counts_once(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="twice"):
        summarise([*rows, rows[0]])
    silent = [{**row, "status": "silent reference"} for row in rows_of("mixture", None, 0.0)]
    with pytest.raises(ValueError, match="every reference is silent"):
        summarise(silent)


def test_section_survives_json_and_names_its_making(rows: list[dict[str, Any]]) -> None:
    result = {"command": "python benchmarks/choir.py --seed 3", "seed": 3, "split": "68-100 s", "rows": rows}
    section = benchmark_section(json.loads(json.dumps(result)))
    assert section == benchmark_section(result)
    lines = section.splitlines()
    assert lines[0] == "| method | p | mixtures | mean [95 %] | median [95 %] | soprano | bass | failed |"
    assert lines[1] == "|---|---:|---:|---:|---:|---:|---:|---:|"
    assert lines[2].startswith("| mixture |  | 10 | ") and lines[4].startswith("| comb | 2 | 10 | ")
    assert "`python benchmarks/choir.py --seed 3`, seed 3" in lines[-1] and "68-100 s" in lines[-1]
    with pytest.raises(ValueError, match="needs command, split"):
        benchmark_section({"seed": 1, "rows": rows})


def test_markdown_cells() -> None:
    assert markdown_table(["a", "b"], [["x|y", "1"]]).splitlines()[-1] == "| x\\|y | 1 |"
    with pytest.raises(ValueError, match="2 columns, but a row of 1"):
        markdown_table(["a", "b"], [["x"]])


PAGE = "# Results\n\n<!-- choir:start -->\nold\n<!-- choir:end -->\n\ntail, é\n"


def test_section_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_bytes(PAGE.encode())
    page.chmod(0o640)
    assert update_section(page, "choir", "| new |\n|---|\n")
    assert page.read_bytes().decode() == PAGE.replace("old", "| new |\n|---|")
    assert page.stat().st_mode & 0o777 == 0o640
    before = page.stat().st_mtime_ns
    assert not update_section(page, "choir", "| new |\n|---|")
    assert page.stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_line_ends_of_the_page_are_kept(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    page.write_bytes(PAGE.replace("\n", "\r\n").encode())
    update_section(page, "choir", "one\ntwo")
    assert page.read_bytes().decode() == PAGE.replace("old", "one\ntwo").replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# Results\n", "<!-- choir:start --> is there 0 times"),
        (PAGE + PAGE, "is there 2 times"),
        ("<!-- choir:end -->\n<!-- choir:start -->\n", "comes before"),
    ],
)
def test_page_without_its_marks_is_left_alone(tmp_path: Path, text: str, said: str) -> None:
    page = tmp_path / "results.md"
    page.write_text(text)
    with pytest.raises(StemlessError, match=said):
        update_section(page, "choir", "new")
    assert page.read_text() == text


def test_failed_write_leaves_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "results.md"
    page.write_text(PAGE)

    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        update_section(page, "choir", "new")
    assert page.read_text() == PAGE
    assert [path.name for path in tmp_path.iterdir()] == ["results.md"]


def test_missing_page_is_named(tmp_path: Path) -> None:
    with pytest.raises(StemlessError, match=r"absent\.md"):
        update_section(tmp_path / "absent.md", "choir", "new")
