"""The mixtures of the foreign benchmark, its scores on a separator of tones, and its tables."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "query"))
from tone_mixture import ABSENT, HIGH, LOW, tones
from tone_network import separator
from toy_embedding import tone

import foreign
import foreign_data
from foreign_data import (
    SAMPLE_RATE,
    Stock,
    draw_mixtures,
    half_of,
    laid_out,
    manifest_stock,
    names_of,
    seen_by,
    sources_of,
    trained_phrases,
)
from query_tables import SUMMARY, area_under_curve, foreign_section, presence_interval, summary_section
from stemless.query.manifest import Recording, write_manifest
from stemless.query.model import StoredSeparator
from stemless.query.separation import PromptSeparator
from stemless.query.separator import QuerySeparator


def stock(*labels: str, family: str = "", groups: int = 4) -> Stock:
    made = Stock()
    for label in labels:
        for group in range(groups):
            for take in range(3):
                made.add(label, f"{label} {group}", Path(f"{label}_{group}_{take}.wav"), family or label)
    return made


def test_halves_share_no_group_and_have_about_as_much_of_every_label() -> None:
    groups = stock("rain", groups=6).groups["rain"]
    halves = [half_of(group, groups) for group in groups]
    assert halves.count("validation") == halves.count("test") == 3


def test_one_sound_has_many_names() -> None:
    trained = {phrase: names_of(phrase) for phrase in ("applause", "keyboard typing", "bowed double bass")}
    assert seen_by("hands clapping", trained) == "applause"
    assert seen_by("typing on a keyboard", trained) == "keyboard typing"
    assert seen_by("double bass (bowed)", trained) == "bowed double bass"
    assert seen_by("yawning", trained) == ""
    assert seen_by("woman crying", {"baby crying": names_of("baby crying")}) == ""


def test_phrases_of_training_come_from_its_manifests(tmp_path: Path) -> None:
    rows = [
        Recording(tmp_path / "a.wav", "a dog", ("Dog barking", "rain")),
        Recording(tmp_path / "b.wav", "Wind."),
    ]
    write_manifest(rows, tmp_path / "m.csv")
    assert set(trained_phrases([tmp_path / "m.csv"])) == {"dog barking", "rain", "wind"}
    halves = [manifest_stock(tmp_path / "m.csv", half) for half in foreign_data.HALVES]
    assert sorted(label for half in halves for label in half.groups) == ["Dog barking", "Wind."]
    assert not manifest_stock(tmp_path / "none.csv", "test").groups


def test_mixtures_are_fixed_by_the_seed_and_hold_two_different_sounds() -> None:
    known = stock("rain", "hands clapping", "applause", "wind", "violin")
    drawn = draw_mixtures("foreign", known, known, known, 40, 3)
    assert drawn == draw_mixtures("foreign", known, known, known, 40, 3)
    assert drawn != draw_mixtures("foreign", known, known, known, 40, 4)
    for mixture in drawn:
        first, second = (source.label for source in mixture.sources)
        assert not names_of(first) & names_of(second)
        assert mixture.absent not in (first, second)
        assert not names_of(mixture.absent) & (names_of(first) | names_of(second))
        assert 4 <= mixture.seconds <= 8
        assert all(len({path.name.rsplit("_", 1)[0] for path in s.paths}) == 1 for s in mixture.sources)
    firsts = [mixture.sources[0].label for mixture in drawn]
    assert {firsts.count(label) for label in known.groups} == {8}


def test_what_cannot_be_mixed_is_said() -> None:
    with pytest.raises(ValueError, match="nothing to mix with rain"):
        draw_mixtures("foreign", stock("rain"), stock("rain"), stock("wind"), 1, 0)
    with pytest.raises(ValueError, match="no sound is absent"):
        draw_mixtures("foreign", stock("rain"), stock("wind"), stock("violin", family="rain"), 1, 0)


def test_short_recordings_follow_each_other_and_long_ones_are_cut() -> None:
    random = np.random.default_rng(0)
    short = [np.full(8000, value, np.float32) for value in (1.0, 2.0)]
    laid = laid_out(short, 6 * SAMPLE_RATE, random)
    assert len(laid) == 6 * SAMPLE_RATE
    heard = laid > 0.5
    starts = np.flatnonzero(np.diff(heard.astype(int)) == 1)
    assert [round(float(laid[start + 4000])) for start in starts[:4]] == [1, 2, 1, 2]
    pauses = np.diff(starts) - 8000
    assert (pauses >= 0.19 * SAMPLE_RATE).all() and (pauses <= 0.81 * SAMPLE_RATE).all()
    ramp = np.arange(10 * SAMPLE_RATE, dtype=np.float32)
    cut = laid_out([ramp], SAMPLE_RATE, random)
    assert cut[500] + 100 == cut[600] and cut[0] == cut[-1] == 0


def test_sources_are_at_equal_level(tmp_path: Path) -> None:
    sources = sources_of(tones(tmp_path))
    assert sources.shape == (2, 72000)
    level = 10 * torch.log10(sources.square().mean(-1))
    assert torch.allclose(level, torch.tensor(foreign_data.LEVEL_DB), atol=1e-3)


def test_scores_of_a_separator_of_tones(tmp_path: Path) -> None:
    mixture = tones(tmp_path)
    good = separator()
    swapped = dataclasses.replace(
        StoredSeparator(good.network, good.embedding, good.settings, "toy"),  # type: ignore[arg-type]
        embedding=SwappedTones(good.embedding),  # type: ignore[arg-type]
    )
    contenders = foreign.Contenders(PromptSeparator(good), PromptSeparator(QuerySeparator(swapped)))
    rows = foreign.score(contenders, mixture, sources_of(mixture))
    assert [row["label"] for row in rows] == [LOW, HIGH]
    for row in rows:
        assert row["scores"]["two prompts"][0] > 25 and row["scores"]["single prompts"][1] > 25
        assert row["scores"]["ideal ratio mask"][1] > 25
        assert abs(row["scores"]["mixture"][1]) < 0.5
        assert row["scores"]["random words"][1] < -10
        assert row["presence"] > 0.9 and -4 < row["level_db"] < -2
        assert row["silent"] == []
    assert rows[0]["absent"]["label"] == ABSENT and "absent" not in rows[1]
    assert rows[0]["absent"]["level_db"] < -20 and rows[0]["absent"]["presence"] < 0.1


class SwappedTones:
    """Takes every tone for the other."""

    def __init__(self, embedding) -> None:  # type: ignore[no-untyped-def]
        self._embedding = embedding
        for name in ("sample_rate", "token_width", "dimension", "temperature", "identity", "embed_audio"):
            setattr(self, name, getattr(embedding, name))

    def embed_text(self, phrases):  # type: ignore[no-untyped-def]
        return self._embedding.embed_text([{LOW: HIGH, HIGH: LOW}.get(phrase, phrase) for phrase in phrases])


def row(mixture: str, kind: str, seen: bool, sdr: float, absent: float | None = None) -> dict[str, object]:
    made: dict[str, object] = {
        "mixture": mixture,
        "kind": kind,
        "label": "x",
        "scores": {"two prompts": [sdr, sdr - 1], "mixture": [0.0, 0.0]},
        "silent": ["two prompts"] if sdr == -80 else [],
        "level_db": -3.0,
        "presence": 0.8,
        "seen": seen,
    }
    if absent is not None:
        made["absent"] = {"label": "y", "level_db": absent, "presence": 0.1}
    return made


def test_tables_part_labels_seen_from_unseen_and_count_what_failed() -> None:
    rows = [row("a", "foreign", True, 6.0, -20.0), row("a", "foreign", True, 4.0)]
    rows += [row("b", "held back", False, 1.0, -10.0), row("b", "held back", True, -80.0)]
    text = foreign_section({"command": "python x", "half": "test", "rows": rows})
    assert "| labels seen | 2 | 5.00 [5.00, 5.00] |" in text
    assert "| labels unseen | 1 | 1.00 [1.00, 1.00] |" in text
    assert "| labels seen, beside one unseen | 1 | -80.00" in text
    assert "two prompts 1 of 4 sources" in text
    assert (
        "| labels seen | 1 | -20.00 [-20.00, -20.00] | 100 | -3.00 [-3.00, -3.00] | 1.00 [1.00, 1.00] |"
        in text
    )


def test_the_summary_has_a_line_a_method() -> None:
    rows = [row("a", "foreign", True, 6.0, -20.0), row("b", "held back", False, 1.0, -20.0)]
    for each in rows:
        each["scores"] = {
            method: [each["scores"]["two prompts"][0] + n, 0.0] for n, method in enumerate(SUMMARY)
        }
    lines = summary_section({"rows": rows}).splitlines()
    assert lines[0] == "|  | labels seen in training | labels unseen in training |"
    assert lines[2] == "| mixture | 6.0 | 1.0 |" and lines[-1] == "| ideal ratio mask | 10.0 | 5.0 |"


def test_area_under_the_curve_of_presence() -> None:
    random = np.random.default_rng(0)
    present, absent = random.normal(1, 1, 4000), random.normal(0, 1, 4000)
    assert area_under_curve(present, absent) == pytest.approx(0.760, abs=0.01)  # normal(1 / sqrt(2))
    assert area_under_curve(absent, absent) == pytest.approx(0.5)
    assert presence_interval([row("a", "foreign", True, 1.0, -20.0)]).estimate == 1.0


def test_the_ideal_ratio_mask_gives_the_sources_back_where_they_do_not_overlap() -> None:
    sources = torch.stack([tone(LOW, 2.0), tone(HIGH, 2.0)])
    given = foreign.oracle(sources, separator().grid)
    assert float((given - sources).square().mean() / sources.square().mean()) < 1e-3
