"""The trainings of figure 1: their order and settings, and one of them from start to score at toy size."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "query"))
from tiny_training import COMPACT, load_tones
from tone_network import ToneNetwork
from toy_embedding import ToneEmbedding, tone

import figure1
from figure1_plan import (
    END_STEPS,
    ROWS,
    START_STEPS,
    TOGETHER,
    VARIANTS,
    Places,
    Unit,
    configuration,
    order,
    unit_of,
)
from stemless.query import training
from stemless.query.manifest import Recording, read_manifest, write_manifest
from stemless.query.model import SeparatorSettings

WHERE = Places(Path("runs"), Path("data"), Path("embedding"), Path("text"))
TINY = (
    f"compact={json.dumps(COMPACT)}",
    "device=cpu",
    "steps=3",
    "steps_per_epoch=2",
    "stretch_seconds=0.6",
)


def test_starts_are_made_only_for_ends_that_are_missing() -> None:
    units = order()
    assert figure1.missing(units, lambda unit: not unit.start) == []
    wanted = unit_of(2, "one-way contrast", 0)
    assert figure1.missing(units, lambda unit: unit not in (wanted, wanted.before)) == [wanted.before, wanted]
    assert figure1.missing(units, lambda unit: unit != wanted) == [wanted]
    everything = figure1.missing(units, lambda unit: False)
    assert sorted(unit.name for unit in everything) == sorted(unit.name for unit in units)


def test_a_start_comes_before_its_ends_and_what_matters_most_comes_first() -> None:
    units = order()
    assert len(set(units)) == len(units) and len({unit.name for unit in units}) == len(units)
    for place, unit in enumerate(units):
        assert unit.before is None or unit.before in units[:place]
    ends = [unit for unit in units if not unit.start]
    assert [unit.variant for unit in ends[:3]] == ["mix-and-separate", "weak", "supervised"]
    # Four of them in three seeds before anything else.
    assert {unit.row for unit in ends[:12]} == {1, 2} and {unit.seed for unit in ends[:12]} == {0, 1, 2}
    assert len({unit.variant for unit in ends[:12]}) == 4
    assert {unit.variant for unit in ends} == set(VARIANTS)
    for row in ROWS:
        assert {"mix-and-separate", "weak"} <= {unit.variant for unit in ends if unit.row == row}
    assert unit_of(4, "supervised", 0) == unit_of(2, "supervised", 0)


def test_all_variants_of_a_row_go_on_from_the_same_start() -> None:
    starts = {unit_of(3, name, 1).before for name, variant in VARIANTS.items() if not variant.single}
    assert starts == {Unit(3, "mix-and-separate", 1, start=True)}
    own = {unit_of(3, name, 1).before for name, variant in VARIANTS.items() if variant.single}
    assert len(own) == 3 and all(start and start.row == 1 for start in own)


@pytest.mark.parametrize("variant", VARIANTS)
def test_trainings_differ_in_what_they_are_about_alone(variant: str) -> None:
    unit = unit_of(3, variant, 0)
    assert unit.before is not None
    end, start = configuration(unit, WHERE), configuration(unit.before, WHERE)
    base = configuration(unit_of(3, "mix-and-separate", 0), WHERE)
    for name in ("steps", "compact", "asking", "optimiser", "stretch_seconds", "gradient_clip"):
        assert getattr(end, name) == getattr(base, name)
    assert (start.steps, end.steps) == (START_STEPS, END_STEPS)
    assert end.start == str(WHERE.run(unit.before) / "model") and not start.start
    assert end.learner.error == start.learner.error and end.learner.sharing == start.learner.sharing
    single = VARIANTS[variant].single
    assert end.mixing.sources == start.mixing.sources == ((1,) if single else (3,))
    assert start.regime == ("supervised" if single else "unsupervised")
    # K: every phrase is contrasted; and the contrast alone needs ears.
    contrasts = end.asks_phrases and end.learner.scales.contrastive > 0
    assert end.embedding == ("embedding" if contrasts else "text")
    assert end.mixing.contrasted == (3 if end.asks_phrases else 0)
    assert start.data == end.data and (end.data != base.data) == ("alone" in variant)
    prompts = end.batch_size * 2 * (1 + end.mixing.contrasted)
    assert end.regime == "semi-supervised" or prompts <= 20


def test_sounds_that_are_never_heard_apart_are_learned_from_their_mixtures() -> None:
    weak = unit_of(TOGETHER, "weak", 0)
    assert weak.before is not None
    for unit in (weak, weak.before):
        config = configuration(unit, WHERE)
        assert config.data == (str(WHERE.together),)
        assert config.mixing.sources == (1,)
    assert configuration(weak, WHERE).mixing.contrasted == 2
    single = configuration(unit_of(TOGETHER, "supervised", 0), WHERE)
    assert single.data == configuration(unit_of(2, "supervised", 0), WHERE).data
    with pytest.raises(ValueError, match="no sound is ever given apart"):
        unit_of(TOGETHER, "75 % alone", 0)


def write_data(folder: Path) -> None:
    """Two takes of tones for each of the manifests that the table chooses from."""
    names = ("440 Hz", "2000 Hz", "940 Hz", "violin")
    for where, split in (
        ("pool_separator", "train"),
        ("renders_separator/manifest", "train"),
        ("pool_test", "test"),
        ("renders_test/manifest", "test"),
    ):
        rows = []
        for name in names:
            for take in range(3):
                path = folder / f"{where.replace('/', '_')}_{name}_{take}.wav"
                soundfile.write(path, tone(name, 4.2, level=0.1 + 0.1 * take).numpy(), 16000)
                rows.append(Recording(path, name, (name,), f"{where} {name} {take}", split))  # type: ignore[arg-type]
        (folder / where).parent.mkdir(parents=True, exist_ok=True)
        write_manifest(rows, folder / f"{where}.csv")


def test_a_unit_is_trained_from_start_to_score_and_then_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_data(tmp_path)
    for module in (training, figure1):
        monkeypatch.setattr(module, "load_teacher", load_tones)
    monkeypatch.setattr("figure1_data.COUNTS", {"test": 3})
    where = Places(tmp_path / "runs", tmp_path, Path("embedding"), Path("text"))
    unit, results = unit_of(2, "semi-supervised 75 %", 0), tmp_path / "results"
    figure1.run(unit, where, "test", results, TINY)
    assert unit.before is not None and (where.run(unit.before) / "model").is_dir()
    assert not (where.run(unit) / "checkpoints").exists()
    path = results / f"{unit.name}.json"
    result = json.loads(path.read_text())
    assert (result["row"], result["variant"], result["seed"]) == (2, "semi-supervised 75 %", 0)
    assert set(result["seconds"]) == {"start", "end"} and min(result["seconds"].values()) > 0
    reference = json.loads((results / "reference.json").read_text())
    places = [[(row["mixture"], row["label"]) for row in each["rows"]] for each in (result, reference)]
    assert places[0] == places[1] and len(places[0]) == 6
    assert f"{unit.name} alone" in capsys.readouterr().out
    # Training and test share no recording.
    heard = {row.audio for row in read_manifest(where.manifest())}
    assert heard and not any("test" in path.name for path in heard)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was done")

    monkeypatch.setattr(figure1, "train", refuse)
    before = path.stat().st_mtime_ns
    figure1.run(unit, where, "test", results, TINY)
    assert path.stat().st_mtime_ns == before
    # Only the score is lost: nothing is trained again.
    path.unlink()
    figure1.run(unit, where, "test", results, TINY)
    assert json.loads(path.read_text()) == result


def test_scores_of_a_network_of_tones() -> None:
    sources = torch.stack([tone("440 Hz", 2.0), tone("2000 Hz", 2.0)])
    settings = SeparatorSettings(sharing="odds", level_db=-20.0)

    class Network(ToneNetwork):
        def forward(self, magnitude, tokens, mask, vector):  # type: ignore[no-untyped-def]
            return torch.sigmoid(self.decode(magnitude, tokens, mask, vector))

    estimates = figure1.separated(
        Network().eval(),  # type: ignore[arg-type]
        settings,
        ToneEmbedding(),
        sources,
        ["440 Hz", "2000 Hz"],
    )
    for found in figure1.scores(sources, estimates):
        assert min(found["alone"]) > 25 and min(found["together"]) > 25


def test_units_run_as_soon_as_their_start_is_done() -> None:
    units = order((2,), (0,))
    start, first = units[0], units[1]
    assert figure1.next_of(units, []) == start
    # A start of another kind is the only one that does not have to wait.
    other = figure1.next_of(units[1:], [start])
    assert other is not None and other.start and other != start
    assert figure1.next_of(units[1:], []) == first
