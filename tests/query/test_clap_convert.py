from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import transformers
from tiny_clap import PHRASES, make_config, make_model, make_tokenizer

from stemless.errors import CheckpointError, MissingExtraError
from stemless.query import clap
from stemless.query.clap_convert import build_model, convert, infer_config, read_state
from stemless.query.log_mel import mel_filterbank

# By hand, from LAION's modules: transformers' name -> LAION's.
BLOCK = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.output.dense": "attn.proj",
    "intermediate.dense": "mlp.fc1",
    "output.dense": "mlp.fc2",
    "attention.self.relative_position_bias_table": "attn.relative_position_bias_table",
    "attention.self.relative_position_index": "attn.relative_position_index",
}
SHARED = {
    "audio_model.audio_encoder.batch_norm": "audio_branch.bn0",
    "audio_model.audio_encoder": "audio_branch",
    "text_model": "text_branch",
    "audio_projection.linear1": "audio_projection.0",
    "audio_projection.linear2": "audio_projection.2",
    "text_projection.linear1": "text_projection.0",
    "text_projection.linear2": "text_projection.2",
}


def laion_name(name: str) -> str:
    for ours, theirs in SHARED.items():
        if name.startswith(f"{ours}."):
            name = theirs + name.removeprefix(ours)
            break
    if ".blocks." in name:
        head, block = name.split(".blocks.")
        number, rest = block.split(".", 1)
        part, suffix = (rest, "") if rest in BLOCK else rest.rsplit(".", 1)
        name = f"{head}.blocks.{number}.{BLOCK[part]}" + (f".{suffix}" if suffix else "")
    return name


def laion_state(model: Any, *, sample_rate: int = 48000) -> dict[str, torch.Tensor]:
    """What LAION's training would have saved of the same network, with all that it has besides."""
    config = model.config.audio_config
    state: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        if name.endswith("token_type_ids"):
            continue
        if ".attention.self.query." in name and name.startswith("audio"):
            parts = [model.state_dict()[name.replace("query", part)] for part in ("query", "key", "value")]
            joined = laion_name(name.replace(".self.query.", ".output.dense.")).replace(".proj.", ".qkv.")
            state[joined] = torch.cat(parts)
        elif name.startswith("audio") and (".self.key." in name or ".self.value." in name):
            continue
        else:
            state[laion_name(name)] = tensor
    grid = config.spec_size // config.patch_stride[0]
    windows, area = (grid // config.window_size) ** 2, config.window_size**2
    bands, features = config.num_mel_bins, config.hidden_size
    filters = mel_filterbank(sample_rate, 1024, bands, 50.0, min(14000.0, sample_rate / 2), "slaney").float()
    extras = {
        "audio_branch.spectrogram_extractor.stft.conv_real.weight": torch.zeros(513, 1, 4),
        "audio_branch.logmel_extractor.melW": filters,
        "audio_branch.layers.0.blocks.1.attn_mask": torch.zeros(windows, area, area),
        "audio_branch.tscam_conv.weight": torch.zeros(5, features, 2, 3),
        "audio_branch.head.weight": torch.zeros(5, 5),
        "audio_transform.sequential.0.weight": torch.zeros(24, 24),
        "text_transform.sequential.3.bias": torch.zeros(24),
    }
    return {f"module.{name}": tensor for name, tensor in (state | extras).items()}


def save_laion(path: Path, state: dict[str, torch.Tensor], **options: Any) -> Path:
    """As LAION's training saves: beside the weights an epoch, an optimiser and a numpy score."""
    optimizer = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-4}]}
    score = {"epoch": 15, "name": "music", "optimizer": optimizer, "best": np.float64(90.14)}
    torch.save(score | {"state_dict": state}, path, **options)
    return path


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    make_tokenizer().save_pretrained(folder)
    return folder


@torch.no_grad()
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("fusion", [False, True], ids=["unfused", "fused"])
def test_there_and_back(
    tmp_path: Path, tokenizer: Path, fusion: bool, zipped: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    original = make_model(make_config(fusion=fusion, depths=(2, 1, 2), spec_size=64), seed=4)
    file = save_laion(tmp_path / "clap.pt", laion_state(original), _use_new_zipfile_serialization=zipped)
    if not zipped:  # as numpy 1 wrote it
        file.write_bytes(file.read_bytes().replace(b"numpy._core.", b"numpy.core."))
    folder = convert(file, tmp_path / "made", tokenizer=tokenizer)
    embedding = clap.load(folder)
    assert capfd.readouterr() == ("", "")
    state = embedding.model.state_dict()
    for name, tensor in original.state_dict().items():
        assert torch.equal(state[name], tensor), name
    inputs = make_tokenizer()(PHRASES, padding=True, return_tensors="pt")
    wanted = original.text_model(inputs["input_ids"], inputs["attention_mask"])
    made = embedding.embed_text(PHRASES)
    assert (made.tokens - wanted.last_hidden_state)[made.mask].abs().max() < 1e-5
    features = torch.randn(2, 4 if fusion else 1, 51, 16, generator=torch.Generator().manual_seed(0))
    longer = torch.tensor([[True], [False]])
    heard = [
        model.audio_model(input_features=features, is_longer=longer).pooler_output
        for model in (original, embedding.model)
    ]
    assert torch.equal(*heard)
    assert embedding.temperature == pytest.approx(np.exp(-3.0))
    assert embedding.sample_rate == 48000
    assert {path.name for path in tmp_path.iterdir()} == {"clap.pt", "made"}
    assert {"config.json", "model.safetensors", "preprocessor_config.json", "README.md"} <= {
        path.name for path in folder.iterdir()
    }


@pytest.mark.skipif(
    int(transformers.__version__.split(".")[0]) < 5, reason="transformers 4 cannot build it without memory"
)
@pytest.mark.parametrize(
    ("width", "depths"), [(96, [2, 2, 6, 2]), (128, [2, 2, 12, 2])], ids=["HTSAT-tiny", "HTSAT-base"]
)
@pytest.mark.parametrize("fusion", [False, True], ids=["unfused", "fused"])
def test_the_sizes_of_the_real_ones(width: int, depths: list[int], fusion: bool) -> None:
    audio = {
        "patch_embeds_hidden_size": width,
        "hidden_size": 8 * width,
        "depths": depths,
        "num_attention_heads": [4, 8, 16, 32],
        "enable_fusion": fusion,
        "fusion_type": "aff_2d" if fusion else None,
    }
    text = {"vocab_size": 50265, "layer_norm_eps": 1e-5, "max_position_embeddings": 514}
    config = transformers.ClapConfig(audio_config=audio, text_config=text)
    with torch.device("meta"):
        model = transformers.ClapModel(config)
    state = {name.removeprefix("module."): tensor for name, tensor in laion_state(model).items()}
    inferred = transformers.ClapConfig(**infer_config(state))
    for tower in ("audio_config", "text_config"):
        made, wanted = getattr(inferred, tower).to_dict(), getattr(config, tower).to_dict()
        assert {key: made[key] for key in wanted} == {
            key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()
        }
    assert inferred.projection_dim == 512
    with torch.device("meta"):
        assert sum(p.numel() for p in build_model(state, Path("x")).parameters()) == sum(
            p.numel() for p in model.parameters()
        )


@pytest.mark.parametrize("sample_rate", [48000, 32000])
def test_the_front_end_follows_the_stored_filters(tmp_path: Path, sample_rate: int) -> None:
    model = make_model(make_config(fusion=False))
    file = save_laion(tmp_path / "clap.pt", laion_state(model, sample_rate=sample_rate))
    folder = convert(file, tmp_path / "made")
    extractor = transformers.ClapFeatureExtractor.from_pretrained(folder)
    made = clap.front_end_of(extractor)
    assert (made.sample_rate, made.hop_length, made.clip_samples) == (
        sample_rate,
        sample_rate // 100,
        10 * sample_rate,
    )
    assert (made.low_hz, made.high_hz, made.mel_bands, made.truncation) == (50, 14000, 16, "rand_trunc")
    assert "put in the files of `roberta-base`" in (folder / "README.md").read_text()
    with pytest.raises(CheckpointError, match="tokenizer"):
        clap.load(folder)


def test_weights_without_a_frame_around_them(tmp_path: Path) -> None:
    state = {
        n.removeprefix("module."): t for n, t in laion_state(make_model(make_config(fusion=False))).items()
    }
    torch.save(state, tmp_path / "bare.pt")
    assert set(read_state(tmp_path / "bare.pt")) == set(state)


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("harm",)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no file", "no such file"),
        ("empty", "damaged"),
        ("cut", "damaged"),
        ("code", r"it holds builtins\.print|it holds print"),
        ("list", "holds no weights"),
        ("no audio tower", "no HTSAT audio tower"),
        ("no text tower", "no RoBERTa text tower"),
        ("bert", "no RoBERTa text tower"),
        ("filters", "mel filters that no LAION CLAP has"),
        ("missing weight", "no weights for audio_model.audio_encoder.norm.bias"),
        ("missing size", "no weights for audio_branch.bn0.weight"),
        ("more weights", r"no place for \(audio_model.audio_encoder.mel_conv1d.0.weight\)"),
        ("other shape", "sizes do not fit"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    tmp_path: Path, what: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    state = laion_state(make_model(make_config(fusion=False)))
    file = tmp_path / "clap.pt"
    if what == "no audio tower":
        state = {name: tensor for name, tensor in state.items() if "audio_branch" not in name}
    elif what == "no text tower":
        state = {name: tensor for name, tensor in state.items() if "text_branch" not in name}
    elif what == "bert":
        state["module.text_branch.embeddings.token_type_embeddings.weight"] = torch.zeros(2, 128)
    elif what == "filters":
        state["module.audio_branch.logmel_extractor.melW"] *= 2
    elif what == "missing weight":
        del state["module.audio_branch.norm.bias"]
    elif what == "missing size":
        del state["module.audio_branch.bn0.weight"]
    elif what == "more weights":
        state["module.audio_branch.mel_conv1d.0.weight"] = torch.zeros(3)
    elif what == "other shape":
        state["module.audio_branch.norm.bias"] = torch.zeros(3)
    if what != "no file":
        save_laion(file, state)
    if what == "empty":
        file.write_bytes(b"")
    elif what == "cut":
        file.write_bytes(file.read_bytes()[:-1000])
    elif what == "code":
        torch.save({"state_dict": Harmful()}, file)
    elif what == "list":
        torch.save([1, 2], file)
    with pytest.raises(CheckpointError, match=message) as caught:
        convert(file, tmp_path / "made")
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)
    assert not (tmp_path / "made").exists()
    assert "harm\n" not in capfd.readouterr().out


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_other_pickles_are_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(CheckpointError):
        read_state(tmp_path / "plain.pt")
    assert "harm" not in capfd.readouterr().out


def test_where_it_cannot_go(tmp_path: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_laion(tmp_path / "clap.pt", laion_state(make_model(make_config(fusion=False))))
    with pytest.raises(CheckpointError, match="is there already"):
        convert(file, tokenizer)
    with pytest.raises(CheckpointError, match="no tokenizer can be loaded"):
        convert(file, tmp_path / "made", tokenizer=tmp_path / "none" / "there" / "is")
    with pytest.raises(CheckpointError, match="cannot be written"):
        convert(file, file / "made")
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"stemless\[clap\]"):
        convert(file, tmp_path / "made")
    assert [path.name for path in tmp_path.iterdir()] == ["clap.pt"]
