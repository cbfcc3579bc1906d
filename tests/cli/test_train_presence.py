"""`stemless train presence`, from a manifest to a model that tells what is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from clips import recording
from shipped_model import lend_embedding, write_model
from toy_embedding import BANDS, ToneEmbedding

from command_line import Run
from stemless import checkpoint
from stemless.query.model import COHORT, load_separator


def test_the_command_rewrites_the_model(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lend_embedding(monkeypatch)
    model = write_model(tmp_path / "model")
    before = checkpoint.load(model)
    names = ("bell", "drum", "rain", "wind", "whistle")
    rows = [recording(tmp_path, name, f"a {name}", [name], seconds=1.0) for name in names]
    (tmp_path / "sounds.csv").write_text(
        "audio,caption,phrases\n"
        + "".join(f"{row.audio.name},{row.caption},{row.phrases[0]}\n" for row in rows)
    )
    (tmp_path / "presence.yaml").write_text(
        f"model: '{model}'\ndata: ['{tmp_path / 'sounds.csv'}']\nsplit: train\nitems: 4\nseconds: 1.0\n"
    )
    for _ in range(2):
        outcome = run("train", "presence", tmp_path / "presence.yaml", "distinct_cosine=0.99", "--json")
        assert outcome.code == 0, outcome.stderr
    found = json.loads(outcome.stdout)
    assert 0 <= found["auc"] <= 1 and found["model"] == str(model)
    after = checkpoint.load(model)
    assert after.config["presence"]["weights"] != before.config["presence"]["weights"]
    assert after.config | {"presence": 0} == before.config | {"presence": 0}
    assert after.tensors.keys() == before.tensors.keys() | set(COHORT)
    cohort = load_separator(model, embedding=ToneEmbedding(8000)).cohort
    assert cohort is not None and cohort.mean.shape == (BANDS,)
    assert (torch.linalg.eigvalsh(cohort.covariance) > -1e-5).all() and cohort.covariance.trace() > 0.1
    assert after.card.startswith(
        "# Tiny\n\nKnows nothing.\n\n## Presence\n\nCalibrated on 4 mixtures of sounds"
    )
    assert after.card.count("## Presence") == 1
    outcome = run("train", "presence", tmp_path / "presence.yaml", "split=test")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "has no row of the split test" in outcome.stderr
    soundfile.write(tmp_path / "street.wav", np.zeros(100), 8000)
    assert run("separate", tmp_path / "street.wav", "-p", "rain", "--model", model, "-o", tmp_path).code == 0
