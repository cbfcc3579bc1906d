"""Figure 1 as tables, from scores that are known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from figure1_plan import TOGETHER
from figure1_tables import difference, section, together_section, values_of, write_tables


def result(row: int, variant: str, seed: int, sdr: float) -> dict[str, object]:
    return {
        "row": row,
        "variant": variant,
        "seed": seed,
        "steps": 10,
        "seconds": {"start": 60.0, "end": 120.0},
        "rows": [
            {"mixture": mixture, "label": "x", "scores": {"alone": [value, 0], "together": [value + 1, 0]}}
            for mixture, value in (("a", sdr), ("a", sdr + 2), ("b", sdr + 1), ("b", sdr + 1))
        ],
    }


REFERENCE = {
    "rows": [
        {"mixture": mixture, "label": "x", "scores": {"mixture": [0.0, 0.0], "ideal ratio mask": [9.0, 9.0]}}
        for mixture in ("a", "a", "b", "b")
    ]
}


def test_differences_are_paired_by_source_and_seed() -> None:
    weak = values_of([result(2, "weak", seed, 4.0 + seed) for seed in (0, 1)], "alone", 0)
    other = values_of([result(2, "mix-and-separate", seed, 1.0 + seed) for seed in (0, 1, 2)], "alone", 0)
    found, ratio, seeds = difference(weak, other)
    assert (found.estimate, found.low, found.high, seeds) == (3.0, 3.0, 3.0, 2)
    assert ratio == pytest.approx(5.5 / 2.5)
    near_nothing = values_of([result(2, "random teacher", 0, -0.9)], "alone", 0)
    assert np.isnan(difference(weak, near_nothing)[1])
    with pytest.raises(ValueError, match="nothing can be compared"):
        difference(weak, values_of([result(2, "weak", 7, 0.0)], "alone", 0))


def test_single_sources_stand_beside_every_row_and_the_claims_beside_the_paper() -> None:
    results = [result(2, "weak", seed, 3.0) for seed in (0, 1)]
    results += [result(2, "mix-and-separate", seed, 1.0) for seed in (0, 1)]
    results += [result(3, "weak", 0, 2.0), result(1, "supervised", 0, 4.0)]
    text = section(REFERENCE, results)
    two, three = text.index("mixtures of 2 sources"), text.index("mixtures of 3 sources")
    assert two < text.index("| supervised | 5.00") < three < text.rindex("| supervised | 5.00")
    assert "| weak | 4.00, 4.00 | 4.00 [4.00, 4.00] | 0.00 | 5.00 [5.00, 5.00] | 0.00 |" in text
    assert "| weak - mix-and-separate | 2 | 2.00 [2.00, 2.00] | 2.00 |" in text
    assert "| 1.72 | 2 |" in text
    assert "| weak - supervised | 3 | -2.00 [-2.00, -2.00] | 0.60 |" in text
    assert "weak - mix-and-separate | 3" not in text and "mixtures of 4" not in text
    assert "2 test mixtures" in text and "3 to 3 minutes" in text


def test_sounds_that_are_never_heard_apart_have_a_table_of_their_own() -> None:
    results = [result(TOGETHER, "weak", 0, 3.0), result(TOGETHER, "random teacher", 0, 1.0)]
    results += [result(1, "supervised", 0, 7.0), result(2, "weak", 0, 2.0)]
    text = together_section(REFERENCE, results)
    assert "| weak | 4.00 | 4.00 [4.00, 4.00]" in text and "supervised" not in text
    assert "| weak - random teacher | 2, together | 2.00 [2.00, 2.00] | 2.00 |" in text
    assert "2, together" not in section(REFERENCE, results)


def test_the_section_is_written_from_what_is_there(tmp_path: Path) -> None:
    page, results = tmp_path / "results.md", tmp_path / "figure1"
    page.write_text("<!-- figure-1:start -->\n<!-- figure-1:end -->\n")
    results.mkdir()
    with pytest.raises(SystemExit, match="no results"):
        write_tables(results, page)
    (results / "reference.json").write_text(json.dumps(REFERENCE))
    (results / "row2_weak_0.json").write_text(json.dumps(result(2, "weak", 0, 3.0)))
    write_tables(results, page)
    assert "| weak | 4.00 |" in page.read_text()
