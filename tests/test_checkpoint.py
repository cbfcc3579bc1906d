from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from stemless import checkpoint
from stemless.errors import CheckpointError

CONFIG = {"kind": "voices", "model": {"hidden": 4, "name": "Niño"}}
CARD = "---\nlicense: apache-2.0\n---\n# Small\n\nTwo numbers.\n"


def tensors() -> dict[str, torch.Tensor]:
    weight = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    return {"weight": weight, "tied": weight, "view": weight.T, "steps": torch.tensor(7)}


def hub_error(name: str) -> type[Exception]:
    import huggingface_hub.errors

    error: type[Exception] = getattr(huggingface_hub.errors, name)
    return error


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return checkpoint.save(tmp_path / "model", CONFIG, tensors(), CARD)


def test_what_is_saved_loads_again(stored: Path) -> None:
    loaded = checkpoint.load(stored)
    assert loaded.config == CONFIG
    assert loaded.card == CARD
    assert loaded.source == str(stored)
    for name, tensor in tensors().items():
        assert torch.equal(loaded.tensors[name], tensor)
    assert {entry.name for entry in stored.iterdir()} == {"config.json", "model.safetensors", "README.md"}
    assert all(entry.stat().st_mode & 0o444 == 0o444 for entry in stored.iterdir())


def test_the_config_file_itself_is_a_reference_too(stored: Path) -> None:
    assert checkpoint.load(stored / "config.json").config == CONFIG


def test_saving_again_replaces_the_whole_folder(stored: Path) -> None:
    checkpoint.save(stored, {"kind": "new"}, {"a": torch.zeros(1)}, "# New")
    assert checkpoint.load(stored).config == {"kind": "new"}
    assert set(checkpoint.load(stored).tensors) == {"a"}
    assert [entry.name for entry in stored.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("broken", [{"f": lambda: None}, {"f": float("nan")}])
def test_a_failed_save_leaves_the_old_one(stored: Path, broken: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="does not fit into JSON"):
        checkpoint.save(stored, broken, tensors(), CARD)
    assert checkpoint.load(stored).config == CONFIG
    assert [entry.name for entry in stored.parent.iterdir()] == ["model"]


def test_an_interrupted_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("safetensors.torch.save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(tmp_path / "model", CONFIG, tensors(), CARD)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match=r"holds other files \(thesis\.txt\)"):
        checkpoint.save(tmp_path, CONFIG, tensors(), CARD)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(CheckpointError, match="a file is in the way"):
        checkpoint.save(tmp_path / "model", CONFIG, tensors(), CARD)
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save(tmp_path / "model" / "below", CONFIG, tensors(), CARD)


def test_damage_is_told_in_one_line(stored: Path) -> None:
    cases: list[tuple[str, bytes | None, str]] = [
        ("config.json", b"{", r"config\.json: is damaged \(not JSON\)"),
        ("config.json", b"[1]", r"config\.json: is damaged \(no keys\)"),
        ("config.json", None, r"config\.json is missing"),
        ("model.safetensors", b"", "is damaged or no safetensors file"),
        ("model.safetensors", pickle.dumps({"a": 1}), "is damaged or no safetensors file"),
        ("model.safetensors", None, r"model\.safetensors: is missing"),
    ]
    whole = (stored / "model.safetensors").read_bytes()
    cases.append(("model.safetensors", whole[:-5], "is damaged or no safetensors file"))
    for name, content, message in cases:
        checkpoint.save(stored, CONFIG, tensors(), CARD)
        (stored / name).unlink() if content is None else (stored / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=message) as caught:
            checkpoint.load(stored)
        assert "\n" not in str(caught.value)
        assert "model" in str(caught.value)
        checkpoint.save(stored, CONFIG, tensors(), CARD)


def test_tensors_that_are_not_finite(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "m", CONFIG, {"bias": torch.tensor([1.0, float("nan")])}, CARD)
    with pytest.raises(CheckpointError, match="the tensor bias holds values that are not finite"):
        checkpoint.load(tmp_path / "m")


def test_unknown_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "weights"
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", weights)
    assert checkpoint.shipped() == []
    with pytest.raises(CheckpointError, match="none ship with this version"):
        checkpoint.load("choir-large")
    checkpoint.save(weights / "choir-small", CONFIG, tensors(), CARD)
    with pytest.raises(CheckpointError, match="did you mean 'choir-small'"):
        checkpoint.load("choir-smal")
    pickled = tmp_path / "model.pt"
    pickled.write_bytes(pickle.dumps(1))
    with pytest.raises(CheckpointError, match="is a file; a model is a folder"):
        checkpoint.load(pickled)


def test_shipped_models_load_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path)
    checkpoint.save(tmp_path / "choir-small", CONFIG, tensors(), CARD)
    (model,) = checkpoint.shipped()
    assert (model.name, model.summary, model.config) == ("choir-small", "Two numbers.", CONFIG)
    assert model.size_bytes == sum(entry.stat().st_size for entry in model.path.iterdir())
    assert torch.equal(checkpoint.load("choir-small").tensors["steps"], torch.tensor(7))


def test_every_shipped_model_is_whole() -> None:
    for model in checkpoint.shipped():
        assert checkpoint.load(model.name).tensors
        assert model.summary
        assert json.dumps(model.config)


def test_a_hub_reference_is_downloaded(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def snapshot_download(repo_id: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repo_id, revision, sorted(allow_patterns)))
        return str(stored)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert checkpoint.load("hf://someone/choir").config == CONFIG
    assert checkpoint.load("hf://someone/choir@v2").source == "hf://someone/choir@v2"
    files = ["README.md", "config.json", "model.safetensors"]
    assert asked == [("someone/choir", None, files), ("someone/choir", "v2", files)]


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        ("LocalEntryNotFoundError", "the hub cannot be reached and the model is not in the local cache"),
        ("RevisionNotFoundError", "the hub has no revision 'v9'"),
        ("RepositoryNotFoundError", "no such model, or it is private"),
        ("HFValidationError", "is not a name the hub allows"),
    ],
)
def test_hub_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, raised: str, message: str) -> None:
    def snapshot_download(*_: object, **__: object) -> str:
        error = hub_error(raised)
        raise error.__new__(error)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(CheckpointError, match=message) as caught:
        checkpoint.load("hf://someone/choir@v9")
    assert str(caught.value).startswith("hf://someone/choir@v9: ")


def test_offline_without_the_model_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(CheckpointError, match="cannot be reached") as caught:
        checkpoint.load("hf://stemless-tests/none")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reference", ["hf://", "hf://choir", "hf://a/b/c", "hf:///b"])
def test_malformed_hub_references(reference: str) -> None:
    with pytest.raises(CheckpointError, match="write it as hf://USER/MODEL"):
        checkpoint.load(reference)
