from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import transformers
from tiny_clap import PHRASES, make_tokenizer, save_clap

from stemless.errors import CheckpointError, MissingExtraError
from stemless.query import clap
from stemless.query.clap import ClapEmbedding


@pytest.fixture(scope="module", params=[False, True], ids=["unfused", "fused"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clap") / "tiny"
    save_clap(path, fusion=request.param)
    return path


@pytest.fixture(scope="module")
def embedding(folder: Path) -> ClapEmbedding:
    return clap.load(folder)


def library_vectors(output: Any) -> torch.Tensor:
    """transformers 4 returned the vectors themselves, 5 returns them in an output."""
    return output if isinstance(output, torch.Tensor) else output.pooler_output


@torch.no_grad()
def test_text_equals_the_library_s(embedding: ClapEmbedding, folder: Path) -> None:
    model = transformers.ClapModel.from_pretrained(folder).eval()
    encoded = make_tokenizer()(PHRASES, padding=True, return_tensors="pt")
    inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    made = embedding.embed_text(PHRASES)
    wanted = library_vectors(model.get_text_features(**inputs))
    states = model.text_model(**inputs).last_hidden_state
    assert (made.vector - wanted).abs().max() < 1e-5
    assert torch.equal(made.mask, inputs["attention_mask"].bool())
    assert made.tokens.shape == (4, made.mask.shape[1], embedding.token_width) == states.shape
    assert (made.tokens - states)[made.mask].abs().max() < 1e-5
    assert not made.tokens[~made.mask].any() and not made.mask.all()
    assert torch.allclose(made.vector.norm(dim=-1), torch.ones(4))
    assert not made.tokens.requires_grad


@torch.no_grad()
@pytest.mark.parametrize("samples", [500, 1600, 1615])
def test_audio_equals_the_library_s(embedding: ClapEmbedding, folder: Path, samples: int) -> None:
    model = transformers.ClapModel.from_pretrained(folder).eval()
    audio = torch.randn(3, samples, generator=torch.Generator().manual_seed(samples))
    if samples > 1600 and not model.config.audio_config.enable_fusion:
        audio = audio[:, :1600]  # there the library would draw what it hears
    extractor = transformers.ClapFeatureExtractor.from_pretrained(folder)
    inputs = extractor(list(audio.numpy()), sampling_rate=1600, return_tensors="pt")
    # The library marks one clip of a batch of short ones as longer, at random.
    inputs["is_longer"] = torch.zeros_like(torch.as_tensor(np.asarray(inputs["is_longer"])))
    wanted = library_vectors(model.get_audio_features(**inputs))
    made = embedding.embed_audio(audio)
    assert made.shape == (3, embedding.dimension) == (3, 24)
    assert (made - wanted).abs().max() < 1e-5
    assert (made[0] - made[1]).abs().max() > 1e-3


def test_what_it_says_of_itself(embedding: ClapEmbedding) -> None:
    assert (embedding.sample_rate, embedding.token_width, embedding.dimension) == (1600, 128, 24)
    assert embedding.temperature == pytest.approx(math.exp(-3.0))


def test_long_sounds_are_heard_the_same_each_time(embedding: ClapEmbedding) -> None:
    audio = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0))
    middle = embedding.embed_audio(audio)
    assert torch.equal(middle, embedding.embed_audio(audio))
    drawn = embedding.embed_audio(audio, torch.Generator().manual_seed(1))
    assert torch.equal(drawn, embedding.embed_audio(audio, torch.Generator().manual_seed(1)))
    assert not torch.allclose(drawn, middle)


@pytest.mark.parametrize("samples", [700, 1600, 4000])
def test_gradients_reach_the_samples(embedding: ClapEmbedding, samples: int) -> None:
    generator = torch.Generator().manual_seed(samples)
    audio = (0.1 * torch.randn(2, samples, generator=generator)).requires_grad_()
    target = embedding.embed_text(PHRASES[:2]).vector
    (embedding.embed_audio(audio) * target).sum().backward()
    assert audio.grad is not None and torch.isfinite(audio.grad).all()
    assert (audio.grad.abs().amax(-1) > 1e-6).all()
    assert all(parameter.grad is None for parameter in embedding.model.parameters())


def test_the_gradient_is_that_of_the_output(folder: Path) -> None:
    embedding = clap.load(folder)
    embedding.model.double()
    generator = torch.Generator().manual_seed(2)
    audio = (0.1 * torch.randn(1, 900, dtype=torch.float64, generator=generator)).requires_grad_()
    direction = torch.randn(1, 900, dtype=torch.float64, generator=generator)
    weights = torch.randn(24, dtype=torch.float64, generator=generator)

    def score(sound: torch.Tensor) -> torch.Tensor:
        # in float64 to the end: the vectors that users get are float32
        features, is_longer = embedding._log_mel(sound)
        output = embedding.model.audio_model(input_features=features, is_longer=is_longer)
        projected = embedding.model.audio_projection(output.pooler_output)
        return (torch.nn.functional.normalize(projected, dim=-1) * weights).sum()

    score(audio).backward()
    assert audio.grad is not None
    with torch.no_grad():
        slope = (score(audio + 1e-6 * direction) - score(audio - 1e-6 * direction)) / 2e-6
    assert float((audio.grad * direction).sum()) == pytest.approx(float(slope), rel=1e-5)


def test_batches_do_not_matter(folder: Path) -> None:
    whole, pieces = clap.load(folder), clap.load(folder)
    pieces.batch_size = 3
    audio = torch.randn(4, 800, generator=torch.Generator().manual_seed(3))
    assert (whole.embed_audio(audio) - pieces.embed_audio(audio)).abs().max() < 1e-5
    one, other = whole.embed_text(PHRASES), pieces.embed_text(PHRASES)
    assert torch.equal(one.mask, other.mask)
    assert (one.vector - other.vector).abs().max() < 1e-5
    assert (one.tokens - other.tokens).abs().max() < 1e-4


def test_long_phrases_are_cut_to_what_the_tower_has_places_for(embedding: ClapEmbedding) -> None:
    made = embedding.embed_text(["bell " * 2000, "a bell"])
    assert made.mask.sum(-1).tolist()[0] == 40  # 42 positions, of which RoBERTa leaves two unused
    assert torch.isfinite(made.vector).all()


def test_identity_is_of_what_text_depends_on(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        save_clap(tmp_path / name, seed=seed)
    a, b, c = (clap.load(tmp_path / name) for name in "abc")
    b.embed_text(["a bell"])  # leaves its mark on the tokenizer
    assert a.identity == b.identity != c.identity
    shorter = ClapEmbedding(a.model, a.tokenizer, a._log_mel.config, max_tokens=5)
    assert shorter.identity != a.identity


def test_loading_says_nothing(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clap.load(folder)
    assert capfd.readouterr() == ("", "")


def spoil(folder: Path, what: str) -> None:
    weights = folder / "model.safetensors"
    if what == "no config":
        (folder / "config.json").unlink()
    elif what == "other model":
        (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    elif what == "no weights":
        weights.unlink()
    elif what == "pickle":
        torch.save({}, folder / "pytorch_model.bin")
        weights.unlink()
    elif what == "cut weights":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif what == "missing weight":
        from safetensors.torch import load_file, save_file

        tensors = load_file(weights)
        del tensors["audio_projection.linear2.bias"]
        save_file(tensors, weights, metadata={"format": "pt"})
    elif what == "other shapes":
        config = json.loads((folder / "config.json").read_text())
        config["text_config"]["hidden_size"] = 64
        (folder / "config.json").write_text(json.dumps(config))
    elif what == "no extractor":
        (folder / "preprocessor_config.json").unlink()
    elif what == "no tokenizer":
        for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            (folder / name).unlink(missing_ok=True)
    elif what == "truncation":
        config = json.loads((folder / "preprocessor_config.json").read_text())
        config["truncation"] = "fusion"
        (folder / "preprocessor_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no config", "has no config.json|cannot be loaded"),
        ("other model", "is no CLAP but a model of type 'bert'"),
        ("no weights", "cannot be loaded"),
        ("pickle", "cannot be loaded"),
        ("cut weights", "cannot be loaded"),
        ("missing weight", "no weights for audio_projection.linear2.bias"),
        ("other shapes", "is of another shape than config.json says"),
        ("no extractor", "cannot be loaded"),
        ("no tokenizer", "cannot be loaded|tokenizer is missing"),
        ("truncation", "truncation 'fusion', which does not fit"),
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, what: str, message: str) -> None:
    save_clap(tmp_path / "tiny")
    spoil(tmp_path / "tiny", what)
    with pytest.raises(CheckpointError, match=message) as caught:
        clap.load(tmp_path / "tiny")
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_references_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        clap.load(tmp_path / "none")
    (tmp_path / "music.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="clap_convert"):
        clap.load(tmp_path / "music.pt")


def test_a_hub_name_without_a_network_is_one_line(tmp_path: Path) -> None:
    code = (
        "from stemless.query import clap; from stemless.errors import CheckpointError\n"
        "try: clap.load('hf://stemless-tests/none@v1')\n"
        "except CheckpointError as error: print(error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": "", "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert ran.stdout.startswith("stemless-tests/none: cannot be loaded") and ran.stdout.count("\n") == 1, (
        ran.stderr
    )


def test_without_transformers_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"stemless\[clap\]"):
        clap.load("laion/clap-htsat-unfused")


def test_empty_calls_are_refused(embedding: ClapEmbedding) -> None:
    for phrases in ([], "a dog barking"):
        with pytest.raises(ValueError, match="list of phrases"):
            embedding.embed_text(phrases)
    with pytest.raises(ValueError, match="at least one sound"):
        embedding.embed_audio(torch.zeros(0, 100))
