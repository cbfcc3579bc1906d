"""By prompts in the four forms, through the package's own verbs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from shipped_model import lend_embedding, write_model
from tone_network import separator
from torch import Tensor
from toy_embedding import tone

import stemless
from stemless import checkpoint
from stemless.errors import CheckpointError, UsageError
from stemless.query.separation import PromptSeparator

RATE = 44100
LOW, HIGH = "440 Hz", "2000 Hz"


@pytest.fixture
def street() -> Tensor:
    """Two tones in stereo, each louder on its own side."""
    low, high = tone(LOW, 2.0, RATE), tone(HIGH, 2.0, RATE)
    return torch.stack((low + 0.2 * high, 0.3 * low + high))


@pytest.fixture
def path(tmp_path: Path, street: Tensor) -> Path:
    soundfile.write(tmp_path / "street.wav", street.numpy().T, RATE, subtype="FLOAT")
    return tmp_path / "street.wav"


def read(path: Path) -> tuple[np.ndarray, int]:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.T, rate


def test_the_four_forms_agree(tmp_path: Path, street: Tensor, path: Path) -> None:
    by = PromptSeparator(separator(), seed=3)
    stems = by.separate(street, [HIGH, LOW], RATE)
    assert (stems.names, stems.sample_rate) == ((HIGH, LOW), RATE)
    torch.testing.assert_close(stems.audio.sum(0) + stems.residual, street, atol=1e-6, rtol=0)
    # Both channels get one mask: sides stay what they are.
    assert stems[LOW][0].std() / stems[LOW][1].std() == pytest.approx(1 / 0.3, rel=0.05)
    torch.testing.assert_close(by.separate_from_file(path, [HIGH, LOW]).audio, stems.audio)
    torch.testing.assert_close(by.separate(str(path), [HIGH, LOW]).audio, stems.audio)
    report = by.separate_from_file_to_files(path, tmp_path / "one", [HIGH, LOW], without=["900 Hz"])
    folder = tmp_path / "one" / "street"
    assert report == json.loads((folder / "report.json").read_text())
    assert (report["separator"], report["seed"], report["residual"]) == ("query/unet", 3, "residual.wav")
    assert [(stem["name"], stem["prompt"], stem["file"]) for stem in report["stems"]] == [
        (HIGH, HIGH, "2000-hz.wav"),
        (LOW, LOW, "440-hz.wav"),
    ]
    for stem in report["stems"]:
        assert stem["presence"] > 0.9 and stem["activity"] == [[0.0, 2.0]]
        assert stem["presence"] == pytest.approx(stems.details[stem["name"]]["presence"], abs=0.05)
    assert [each["prompt"] for each in report["without"]] == ["900 Hz"]
    assert report["without"][0]["presence"] < 0.2
    parts = [read(folder / name) for name in ("2000-hz.wav", "440-hz.wav", "residual.wav")]
    assert {rate for _, rate in parts} == {RATE}
    np.testing.assert_allclose(sum(samples for samples, _ in parts), street.numpy(), atol=1e-6)

    soundfile.write(tmp_path / "again.wav", street.numpy().T, RATE, subtype="FLOAT")
    seen: list[float] = []
    reports = by.separate_from_files_to_files(
        [path, tmp_path / "again.wav"],
        tmp_path / "two",
        [HIGH, LOW],
        on_progress=lambda done, total: seen.append(done / total),
    )
    assert [Path(each["input"]).stem for each in reports] == ["street", "again"]
    assert seen == sorted(seen) and seen[-1] == 1
    first, second = (
        {file.name: file.read_bytes() for file in (tmp_path / "two" / name).glob("*.wav")}
        for name in ("street", "again")
    )
    assert first == second and len(first) == 3


def test_without_alone_has_a_stem_of_its_own(tmp_path: Path, path: Path) -> None:
    by = PromptSeparator(separator())
    report = by.separate_from_file_to_files(path, tmp_path, without=LOW)
    (stem,) = report["stems"]
    assert (stem["name"], stem["file"]) == (f"without {LOW}", "without-440-hz.wav")
    assert stem["without"] == [LOW] and "prompt" not in stem
    assert report["without"][0]["prompt"] == LOW


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lend_embedding(monkeypatch)
    return write_model(tmp_path / "models" / "street-sounds")


def test_the_verbs_take_words(
    tmp_path: Path, street: Tensor, path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = stemless.load(model)
    assert isinstance(by, stemless.PromptSeparator)
    wanted = by.separate(path, ["rain", "wind"])
    for stems in (
        stemless.separate(path, ["rain", "wind"], model=model),
        stemless.separate(street, ["rain", "wind"], RATE, model=model),
        stemless.separate(street, prompts=["rain", "wind"], sample_rate=RATE, model=model),
        stemless.separate_from_file(path, ["rain", "wind"], model=model),
    ):
        torch.testing.assert_close(stems.audio, wanted.audio)
    assert stemless.separate(path, "rain", model=model).names == ("rain",)
    assert stemless.separate(path, without="rain", model=model).names == ("without rain",)
    report = stemless.separate_from_file_to_files(path, tmp_path / "one", ["rain", "wind"], model=model)
    assert [stem["prompt"] for stem in report["stems"]] == ["rain", "wind"]
    reports = stemless.separate_from_files_to_files(
        [path], tmp_path / "two", ["rain"], without=["wind"], model=model
    )
    assert [stem["prompt"] for stem in reports[0]["stems"]] == ["rain"]
    # The first that ships is what runs where none is given.
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", model.parent)
    torch.testing.assert_close(stemless.separate(path, ["rain", "wind"]).audio, wanted.audio)
    assert stemless.load("query").name == stemless.load("street-sounds").name == "query/compact"


def test_mistakes_are_told(path: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path / "none")
    with pytest.raises(UsageError, match="no model for prompts ships"):
        stemless.separate(path, ["rain"])
    with pytest.raises(UsageError, match="say what to separate"):
        stemless.separate(path, model=model)
    with pytest.raises(UsageError, match="not both"):
        stemless.separate(path, ["rain"], f0="f0.csv")
    with pytest.raises(UsageError, match="power belongs to f0"):
        stemless.separate(path, ["rain"], power=2.0)
    with pytest.raises(UsageError, match="leave out the power"):
        stemless.load(model, power=1.0)
    with pytest.raises(UsageError, match="'rain' is asked for twice"):
        stemless.separate(path, ["rain", "rain"], model=model)
    with pytest.raises(UsageError, match="needs its sample rate"):
        stemless.separate(torch.zeros(1, 99), ["rain"], model=model)
    with pytest.raises(CheckpointError, match="'query/separator', which cannot separate voices"):
        stemless.separate(path, f0="f0.csv", model=model)
    with pytest.raises(UsageError, match="another recording has the same name"):
        stemless.separate_from_files_to_files([path, path], tmp_path / "out", ["rain"], model=model)
    assert not (tmp_path / "out").exists()
