"""Query training end to end at toy size: regimes, resuming, going on from a model, bad files and settings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_training
import torch
from clips import RATE
from tiny_training import COMPACT, WORDS, config, load_tones, write_corpus
from toy_embedding import ToneEmbedding

from stemless.configuration import from_mapping, load_configuration
from stemless.errors import StemlessError, UsageError
from stemless.query import training
from stemless.query.model import load_network
from stemless.query.training import TrainingConfig, prepare, samples_of, train

CONFIGS = Path(__file__).parents[2] / "configs" / "query"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(autouse=True)
def tones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "load_teacher", load_tones)


def curve_of(run: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((run / "curve.json").read_text())
    return rows


@pytest.mark.parametrize(
    ("regime", "noted"),
    [
        ("unsupervised", {"unsupervised", "absent"}),
        ("weak", {"unsupervised", "absent", "consistency", "contrastive"}),
        ("supervised", {"supervised", "absent"}),
        ("semi-supervised", {"unsupervised", "supervised", "absent", "consistency", "contrastive"}),
    ],
)
def test_a_regime_leaves_a_model_that_loads(
    manifest: Path, tmp_path: Path, regime: str, noted: set[str]
) -> None:
    settings = {"single_share": 0.3, "sharpness": 0.7, "learner": {"error": "squared", "sharing": "odds"}}
    folder = train(config(manifest, tmp_path / "run", regime=regime, **settings))
    trained = load_network(folder)
    network, stored = trained.network, trained.settings
    assert network.config.channels == tuple(COMPACT["channels"]) and network.config.text_width == 6
    assert stored.identity == "tones:6" and stored.embedding == "embedding" and stored.sharing == "odds"
    expected = ToneEmbedding().embed_text(sorted(WORDS)).vector.half().unique(dim=0)
    assert stored.sharpness == 0.7 and trained.known is not None
    torch.testing.assert_close(trained.known.unique(dim=0), expected.float())
    curve = curve_of(tmp_path / "run")
    assert [row["step"] for row in curve] == [2, 4, 5]
    assert all(np.isfinite(list(row.values())).all() for row in curve)
    assert {key.removeprefix("train_") for key in curve[-1] if key.startswith("train_")} == noted | {"loss"}
    assert curve[-1]["validation_loss"] == -curve[-1]["validation_si_sdr_gain_db"]
    # Warm-up asks for no phrase.
    assert "train_consistency" not in curve[0]
    card = (folder / "README.md").read_text()
    assert "Licence of the data: not stated" in card and "regime: " + regime in card
    assert any(file.stat().st_size > 50_000 for file in (tmp_path / "run" / "tensorboard").glob("events*"))


def test_a_killed_run_goes_on_to_the_same_losses(manifest: Path, tmp_path: Path) -> None:
    whole = train(config(manifest, tmp_path / "whole"))
    ran = subprocess.run(
        [sys.executable, tiny_training.__file__, str(manifest), str(tmp_path / "killed"), "3"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL and [row["step"] for row in curve_of(tmp_path / "killed")] == [2]
    resumed = train(config(manifest, tmp_path / "killed"))
    assert curve_of(tmp_path / "whole") == curve_of(tmp_path / "killed")
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_two_processes_train_together(manifest: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, tiny_training.__file__, str(manifest), str(tmp_path / "two"), "0"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0
    two = curve_of(tmp_path / "two")
    assert [row["step"] for row in two] == [2, 4, 5]
    assert load_network(tmp_path / "two" / "model")
    # The first process draws what one alone draws, and has the pairs of the other to tell apart as well.
    train(config(manifest, tmp_path / "one"))
    assert two[-1]["train_contrastive"] > curve_of(tmp_path / "one")[-1]["train_contrastive"] + 0.1


def test_going_on_with_other_settings_is_refused(manifest: Path, tmp_path: Path) -> None:
    train(config(manifest, tmp_path / "run", steps=2))
    with pytest.raises(StemlessError, match="other settings"):
        train(config(manifest, tmp_path / "run", steps=4))


def test_a_run_starts_from_a_model(manifest: Path, tmp_path: Path) -> None:
    first = train(config(manifest, tmp_path / "first", steps=2, warm_up_steps=0))
    before = load_network(first).network
    again = prepare(config(manifest, tmp_path / "second", start=str(first)))
    states = zip(before.state_dict().values(), again.learner.network.state_dict().values(), strict=True)
    assert all(torch.equal(one, two) for one, two in states)
    assert torch.equal(again.known, load_network(first).known.half().unique(dim=0))  # the same names
    wide = {"text_width": 6, "text_dimension": 32, **COMPACT}
    assert again.learner.network.config == from_mapping(type(before.config), wide)


def test_a_start_that_knows_other_words_is_refused(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(config(manifest, tmp_path / "first", steps=1, warm_up_steps=0, validation_items=0))
    for embedding, says in ((ToneEmbedding(token_width=7), "widths"), (ToneEmbedding(), "other words")):
        embedding.identity = "other tones"
        monkeypatch.setattr(training, "load_teacher", lambda *_, found=embedding: (found, found))
        with pytest.raises(UsageError, match=says):
            prepare(config(manifest, tmp_path / "second", start=str(first)))


def test_text_alone_suffices_where_nothing_is_contrasted(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hears nothing"):
        prepare(config(manifest, tmp_path / "run", embedding="text"))
    silent = {"learner": {"scales": {"contrastive": 0}}}
    assert prepare(config(manifest, tmp_path / "run", embedding="text", **silent)).learner.teacher is None
    assert prepare(config(manifest, tmp_path / "run", embedding="text", regime="unsupervised"))


def test_an_unreadable_file_is_reported_and_passed_over(tmp_path: Path) -> None:
    manifest = write_corpus(tmp_path)
    (tmp_path / "dog0.wav").write_text("no audio")
    soundfile.write(tmp_path / "rain1.wav", np.zeros(RATE), RATE)
    said: list[str] = []
    train(config(manifest, tmp_path / "run", steps=8, batch_size=4), report=said.append)
    assert len(said) == 1 and "dog0.wav" in said[0] and "passed over" in said[0]


def test_a_network_learns_tones(manifest: Path, tmp_path: Path) -> None:
    settings = {
        "regime": "supervised",
        "steps": 60,
        "steps_per_epoch": 20,
        "batch_size": 4,
        "mixing": {},
        "asking": {},
        "optimiser": {"rate": 1e-2, "warm_up_steps": 2},
        "learner": {"average_decay": 0, "bf16": False, "error": "squared"},
    }
    train(config(manifest, tmp_path / "run", **settings))
    losses = [row["train_supervised"] for row in curve_of(tmp_path / "run")]
    assert losses[-1] < 0.9 * losses[0]


def test_semi_supervised_recordings_are_on_one_side(manifest: Path, tmp_path: Path) -> None:
    setting = prepare(config(manifest, tmp_path / "run", regime="semi-supervised", single_share=0.25))
    mixed, single = setting.corpus.pools.mixed, setting.corpus.pools.single
    assert mixed is not None and single is not None and len(single) == 4 and len(mixed) == 12
    assert not {row.audio for row in mixed.recordings} & {row.audio for row in single.recordings}
    assert setting.corpus.validation is not None and len(setting.corpus.validation) == len(WORDS)


def test_a_stretch_fills_the_network_without_padding(manifest: Path, tmp_path: Path) -> None:
    wanted = config(manifest, tmp_path / "run")
    network = prepare(wanted).learner.network
    samples = samples_of(wanted, network)
    assert network.config.grid.frames(samples) % network.config.stride == 0
    assert samples / RATE == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize("name", ["compact.yaml", "own.yaml"])
def test_the_recipes_can_be_read(name: str) -> None:
    settings = load_configuration(TrainingConfig, CONFIGS / name, ["data=a.csv,b.csv", "steps=7"])
    assert settings.data == ("a.csv", "b.csv") and settings.steps == 7 and settings.regime == "weak"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps": 0}, "steps is at least 1"),
        ({"regime": "strong"}, "one of unsupervised, weak, supervised, semi-supervised"),
        ({"regime": "semi-supervised", "single_share": 0.0}, "single_share between 0 and 1"),
        ({"data": []}, "names no manifest"),
        ({"balance": 2.0}, "shares of 0 to 1"),
        ({"warm_up_batch_size": 0}, "warm_up_batch_size of at least 1"),
        ({"learner": {"averagedecay": 0.5}}, "did you mean 'learner.average_decay'"),
        ({"data": [{"manifest": "a.csv", "wieght": 2}]}, "wieght"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        config(tmp_path / "manifest.csv", tmp_path / "run", **wrong)
    assert says in str(caught.value) and "\n" not in str(caught.value)
