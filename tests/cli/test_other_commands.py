from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import stemless
from command_line import RATE, Run
from stemless import checkpoint
from stemless.cli import doctor


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"stemless {stemless.__version__}\n"
    everything = run()
    assert everything.code == 0
    for command in ("separate", "voices", "evaluate", "train", "models", "doctor"):
        assert command in everything.stdout
        details = run(command, "--help")
        assert details.code == 0
        assert f"stemless {command}" in details.stdout
        assert details.stderr == ""


def test_models_lists_what_ships(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path)
    assert "no models ship" in run("models").stdout
    assert json.loads(run("models", "--json").stdout) == []
    checkpoint.save(
        tmp_path / "choir", {"kind": "voices/network"}, {"a": torch.ones(5)}, "# C\n\nFour parts."
    )
    assert run("models").stdout.splitlines() == ["choir  (voices/network, 0.0 MB)", "  Four parts."]
    (model,) = json.loads(run("models", "--json").stdout)
    assert (model["name"], model["kind"], model["summary"]) == ("choir", "voices/network", "Four parts.")


def test_doctor_tells_what_is_there(run: Run) -> None:
    found = json.loads(run("doctor", "--json").stdout)
    assert found["stemless"] == stemless.__version__
    assert found["packages"]["torch"] == torch.__version__
    assert found["devices"][0] == "cpu"
    text = run("doctor").stdout
    for label in ("torch", "ffmpeg", "extra train", "models", "libsndfile"):
        assert label in text


def test_doctor_tells_how_to_get_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "EXTRAS", {"train": ("numpy", "no_such_package")})
    monkeypatch.setenv("PATH", "")
    text = doctor.as_text(doctor.examine())
    assert "no_such_package missing: pip install 'stemless[train]'" in text
    assert "ffmpeg" in text
    assert "not found: install it" in text


def test_evaluate_prints_a_table_or_json(run: Run, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for folder in ("true", "estimated"):
        (tmp_path / folder).mkdir()
    for name in ("alto", "bass"):
        source = generator.normal(0, 0.1, RATE)
        soundfile.write(tmp_path / "true" / f"{name}.wav", source, RATE, subtype="FLOAT")
        noise = generator.normal(0, 0.01, RATE)
        soundfile.write(tmp_path / "estimated" / f"{name}.wav", source + noise, RATE, subtype="FLOAT")
    table = run("evaluate", tmp_path / "true", tmp_path / "estimated")
    assert table.code == 0
    assert "alto" in table.stdout and "SI-SDR" in table.stdout
    scores = json.loads(run("evaluate", tmp_path / "true", tmp_path / "estimated", "--json").stdout)
    assert [stem["name"] for stem in scores["stems"]] == ["alto", "bass"]
    assert scores["mean"]["si_sdr_db"] == pytest.approx(20, abs=1)


def test_train_writes_a_model_that_separates(run: Run, place: Path) -> None:
    pytest.importorskip("lightning")
    (place / "corpus.csv").write_text("audio,f0\nsong.wav,f0.csv\n")
    (place / "choir.yaml").write_text(
        f"corpus: '{place / 'corpus.csv'}'\noutput: nowhere\nstretch_seconds: 0.5\nbatch_size: 1\n"
        "network: {encoder_size: 8, embedding_size: 4, decoder_size: 8}\nsteps: 2\nsteps_per_epoch: 2\n"
    )
    run_folder = place / "run"
    outcome = run("train", "voices", place / "choir.yaml", f"output={run_folder}", "steps=1", "--json")
    assert outcome.code == 0, outcome.stderr
    model = json.loads(outcome.stdout)["model"]
    assert checkpoint.load_config(model)["kind"] == "voices/network"
    outcome = run(
        "voices",
        place / "song.wav",
        "--f0",
        place / "f0.csv",
        "-o",
        place / "out",
        "--model",
        model,
        "--quiet",
    )
    assert (outcome.code, outcome.stderr) == (0, "")
