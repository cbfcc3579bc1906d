"""The head in closed form: the ridge against an oracle, and what it does for labels that it has not met."""

from pathlib import Path

import clips
import numpy as np
import pytest
import torch
from tiny_towers import audio_tower

from stemless.errors import StemlessError
from stemless.query.embedding_data import LabelledRecordings
from stemless.query.embedding_head import HeadConfig, refit_head, ridge_head

WORDS = ("dog", "lantern", "lark", "heron")


def drawn(*shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(sum(shape)).standard_normal(shape))


def test_the_ridge_is_the_least_of_its_sum() -> None:
    features, wanted = 3 * drawn(40, 5) + 1, drawn(40, 3)
    weight = torch.rand(40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight = weight / weight.sum()
    layer, bias = ridge_head(features, wanted, weight, 0.7)
    mean = weight @ features
    deviation = (weight @ (features - mean).square()).sqrt()
    aimed = wanted - weight @ wanted

    def loss(layer: torch.Tensor) -> torch.Tensor:
        error = (features - mean) @ layer.T - aimed
        return weight @ error.square().sum(1) + 0.7 * (layer * deviation).square().sum()

    grown = layer.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(grown), grown)
    assert gradient.abs().max() < 1e-10
    assert torch.allclose(
        weight @ (features @ layer.T + bias), torch.zeros(3, dtype=torch.float64), atol=1e-12
    )


def test_without_a_ridge_what_is_linear_is_found() -> None:
    features, truth = drawn(60, 4), drawn(2, 4)
    weight = torch.full((60,), 1 / 60, dtype=torch.float64)
    layer, bias = ridge_head(features, features @ truth.T + 2, weight, 1e-10)
    assert torch.allclose(layer, truth, atol=1e-6)
    assert torch.allclose(bias, -truth @ features.mean(0), atol=1e-6)


def recordings(folder: Path) -> LabelledRecordings:
    rows = [clips.recording(folder, f"{word}{n}", word, [word], 0.4) for word in WORDS for n in range(2)]
    return LabelledRecordings([(rows, 1.0)], audio_tower().config.sample_rate, 0.5)


def test_a_tower_that_knows_nothing_is_given_the_words_of_what_it_hears(tmp_path: Path) -> None:
    tower, learned = audio_tower().eval(), recordings(tmp_path)
    words = torch.eye(4, tower.config.dimension)
    config = HeadConfig(share=50.0, ridge=1e-3)
    told: list[tuple[int, int]] = []

    def on_progress(heard: int, of: int) -> None:
        told.append((heard, of))

    refit_head(tower, learned, words, config, clip_seconds=0.25, seed=0, on_progress=on_progress)
    heard = torch.stack([torch.from_numpy(clips.tone(word, 0.25)).float() for word in learned.labels])
    with torch.no_grad():
        assert (tower(heard) @ words.T).argmax(1).tolist() == [0, 1, 2, 3]
    assert told[-1] == (8, 8)


def test_the_same_seed_gives_the_same_head(tmp_path: Path) -> None:
    learned, heads = recordings(tmp_path), []
    for seed in (0, 0, 1):
        tower = audio_tower().eval()
        words = torch.nn.functional.normalize(drawn(4, tower.config.dimension).float(), dim=-1)
        refit_head(tower, learned, words, HeadConfig(share=1.0), clip_seconds=0.25, seed=seed)
        heads.append(tower.head.weight.detach().clone())
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    assert not torch.equal(heads[0], audio_tower().head.weight)


def test_recordings_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    learned = recordings(tmp_path)
    for path in tmp_path.glob("*.*"):
        path.write_bytes(b"nothing")
    words = torch.zeros(4, audio_tower().config.dimension)
    with (
        pytest.warns(UserWarning, match="passed over in training"),
        pytest.raises(StemlessError, match="no recording can be read"),
    ):
        refit_head(audio_tower().eval(), learned, words, HeadConfig(share=1.0), clip_seconds=0.25, seed=0)


@pytest.mark.parametrize("wrong", [{"share": -1.0}, {"ridge": 0.0}, {"stretches": 0}])
def test_settings_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        HeadConfig(**wrong)  # type: ignore[arg-type]
