"""The benchmark of sharpness: a separator of tones with several powers, and the table."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from tone_mixture import HIGH, LOW, tones
from tone_network import separator

import sharpness
from query_tables import sharpness_section
from stemless.query.model import StoredSeparator


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[sharpness.Row]:
    """Of a mixture of two tones, one of which the separator does not know."""
    good = separator()
    known = good.embedding.embed_text([LOW]).vector
    stored = StoredSeparator(good.network, good.embedding, good.settings, "toy", known=known)
    monkeypatch.setattr(sharpness, "load_separator", lambda model: stored)
    sharpness.loaded.cache_clear()
    return [row | {"seen": row["label"] == LOW} for row in sharpness.score("toy", tones(tmp_path))]


def test_less_sharp_is_less_apart_and_more_so_for_what_is_not_known(rows: list[sharpness.Row]) -> None:
    found = {(row["power"], row["sharpness"], row["label"]): row["scores"][1] for row in rows}
    assert len(found) == len(rows) == 16
    alike, familiar = ("all alike", "by familiarity")
    for label in (LOW, HIGH):
        assert found[alike, 1.0, label] > found[alike, 0.65, label] > found[alike, 0.35, label]
    assert found[familiar, 0.65, HIGH] < found[alike, 0.65, HIGH] - 5
    absent = {(row["power"], row["sharpness"]): row["absent_db"] for row in rows}
    assert max(absent.values()) < -15


def test_the_table_has_a_line_for_each_power(rows: list[sharpness.Row]) -> None:
    both = [row | {"kind": "held back" if not row["seen"] else row["kind"]} for row in rows]
    text = sharpness_section({"command": "python x", "half": "validation", "rows": both})
    lines = [line for line in text.splitlines() if line.startswith("| all") or line.startswith("| by")]
    assert len(lines) == 8 and lines[1].startswith("| all alike | 0.65 |")
    assert "1 and 1 sources" in text
