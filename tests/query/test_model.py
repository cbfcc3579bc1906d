from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from toy_embedding import BANDS, ToneEmbedding

from stemless import checkpoint
from stemless.errors import CheckpointError
from stemless.query import model
from stemless.query.compact_unet import CompactConfig
from stemless.query.embedding import JointEmbedding
from stemless.query.model import SeparatorSettings, load_network, load_separator, make_network, save_separator
from stemless.query.presence import PresenceConfig
from stemless.query.unet import UNetConfig

COMPACT = CompactConfig(
    n_fft=62, hop_length=16, bands=16, channels=(4, 4, 8), shared_channels=(4, 4), prompt_channels=(2, 4),
    output_channels=3, heads=2, text_width=6, text_dimension=BANDS,
)  # fmt: skip
UNET = UNetConfig(
    n_fft=62, hop_length=16, width=2, multiples=(1, 2, 2), modulated_levels=1, heads=2, output_channels=3,
    text_width=6, text_dimension=BANDS,
)  # fmt: skip
SETTINGS = SeparatorSettings(
    identity="tones:6",
    sharing="odds",
    level_db=-17.5,
    presence=PresenceConfig(bias=0.25, background=("a", "b", "c")),
)


@pytest.mark.parametrize("config", [COMPACT, UNET])
def test_there_and_back(tmp_path: Path, config: CompactConfig | UNetConfig) -> None:
    torch.manual_seed(0)
    network = make_network(config)
    save_separator(tmp_path / "model", network, SETTINGS, card="# Tiny\n")
    loaded = load_separator(tmp_path / "model", embedding=ToneEmbedding())
    assert loaded.settings == SETTINGS
    assert loaded.network.config == config and not loaded.network.training
    assert loaded.network.state_dict().keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor)


def test_half_precision_takes_half_the_room_and_keeps_the_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = make_network(COMPACT)
    for name, statistic in network.named_buffers():
        if name.endswith("running_mean"):
            statistic.fill_(1 / 3)
    folder = save_separator(tmp_path / "model", network, SETTINGS, card="# Tiny\n", half=True)
    stored = checkpoint.load(folder)
    weights = dict(network.named_parameters())
    assert {name for name, each in stored.tensors.items() if each.dtype == torch.float16} == weights.keys()
    loaded = load_network(folder).network
    for name, tensor in loaded.state_dict().items():
        expected = weights[name].half().float() if name in weights else network.state_dict()[name]
        assert torch.equal(tensor, expected), name


def a_model(folder: Path, **changes: object) -> Path:
    settings = dataclasses.replace(SETTINGS, **changes)  # type: ignore[arg-type]
    return save_separator(folder, make_network(COMPACT), settings, card="# Tiny\n")


def test_the_embedding_is_found_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = checkpoint.save(tmp_path / "runs" / "embedding", {"kind": "query/embedding"}, {}, "")
    seen: list[Path] = []

    class Compact:
        @staticmethod
        def load(folder: Path, device: object) -> JointEmbedding:
            seen.append(Path(folder).resolve())
            return ToneEmbedding()

    monkeypatch.setattr(model, "load_compact", Compact.load)
    monkeypatch.chdir(tmp_path)
    # As a sibling by name, by a path that was there when it was stored, and by an absolute one.
    for number, reference in enumerate(("embedding", "runs/embedding", str(embedding))):
        folder = a_model(tmp_path / "runs" / f"model {number}", embedding=reference)
        assert not Path(json.loads((folder / "config.json").read_text())["embedding"]).is_absolute()
        load_separator(folder)
    (tmp_path / "runs").rename(tmp_path / "moved")
    load_separator(tmp_path / "moved" / "model 2")
    assert seen == [embedding] * 3 + [tmp_path / "moved" / "embedding"]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "model", embedding="nowhere")
    with pytest.raises(CheckpointError, match="nowhere: no model of this name"):
        load_separator(folder)
    with pytest.raises(CheckpointError, match="widths 6 and 32, its embedding nowhere gives 7 and 32"):
        load_separator(folder, embedding=ToneEmbedding(token_width=7))
    other = a_model(tmp_path / "other", identity="clap:1")
    with pytest.raises(CheckpointError, match="another version of the embedding"):
        load_separator(other, embedding=ToneEmbedding())
    checkpoint.save(tmp_path / "nowhere", {"kind": "query/text"}, {}, "")
    with pytest.raises(CheckpointError, match="'query/text', which is no joint embedding"):
        load_separator(folder)
    with pytest.raises(CheckpointError, match="'query/text', which takes no prompts"):
        load_network(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "compct"}, "did you mean 'compact'"),
        ({"sharing": "greedy"}, "must be one of limit, odds"),
        ({"levle_db": 3}, "did you mean 'level_db'"),
        ({"model": {"bands": 17}}, "multiple of"),
        ({"presence": {"weights": [1.0]}}, "weights must be 5"),
        ({"model": {"heads": 4}}, "do not fit"),
    ],
)
def test_a_damaged_configuration_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    folder = a_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    if message == "do not fit":
        change = {"model": config["model"] | {"output_channels": 5}}
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=message) as error:
        load_network(folder)
    assert "model" in str(error.value) and "\n" not in str(error.value)
