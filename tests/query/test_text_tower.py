import json

import pytest
import torch
from tiny_sentences import PIECES

from stemless import checkpoint
from stemless.errors import CheckpointError, StemlessError
from stemless.query.embedding import PhraseCache
from stemless.query.text_tower import TextConfig, TextTower, load, mean_state, pack, row_scales, save, unpack


def make_tower(seed: int = 0, **shape: int) -> TextTower:
    torch.manual_seed(seed)
    sizes = {"positions": 8, "width": 16, "inner_width": 24, "layers": 2, "heads": 4, "dimension": 6} | shape
    tower = TextTower(TextConfig(pieces=len(PIECES), **sizes), PIECES, batch_size=3)
    return tower.eval().requires_grad_(False)


def test_a_phrase_comes_out_the_same_alone_and_among_others() -> None:
    tower = make_tower()
    phrases = ["dog", "the sound of rain", "cat barking", "x", "a dog bark", "rain", "dog"]
    together = tower.embed_text(phrases)
    assert together.tokens.shape == (7, int(together.mask.sum(dim=1).max()), 16)
    for place, phrase in enumerate(phrases):
        alone = tower.embed_text([phrase])
        assert torch.allclose(together.vector[place], alone.vector[0], atol=1e-6)
        assert torch.allclose(together.tokens[place][together.mask[place]], alone.tokens[0], atol=1e-6)
    assert not together.tokens[~together.mask].any()


def test_vectors_have_length_one_and_are_the_head_of_the_mean_state() -> None:
    tower = make_tower()
    heard = tower.embed_text(["rain", "dog bark"])
    assert torch.allclose(heard.vector.norm(dim=1), torch.ones(2))
    mean = heard.tokens[0][heard.mask[0]].mean(dim=0)
    expected = tower.head.weight @ mean + tower.head.bias
    assert torch.allclose(heard.vector[0], expected / expected.norm(), atol=1e-6)
    assert torch.allclose(mean_state(heard.tokens, heard.mask)[0], mean, atol=1e-6)


def test_word_order_and_case() -> None:
    vectors = make_tower().embed_text(["dog bark cat", "cat bark dog", "DOG Bark CAT"]).vector
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-3)
    assert torch.equal(vectors[0], vectors[2])


@pytest.mark.parametrize(
    "phrase", ["", " \n\t", "🐶🐶", "dog " * 2500, "x" * 10_000, "\ud800", "../../x", "犬"]
)
def test_no_phrase_is_too_odd(phrase: str) -> None:
    heard = make_tower().embed_text([phrase, "dog"])
    assert heard.tokens.shape[1] <= 8
    assert torch.isfinite(heard.vector).all()


@pytest.mark.parametrize("phrases", ["dog", []])
def test_wants_a_list_with_a_phrase(phrases: object) -> None:
    with pytest.raises(ValueError, match="list of phrases"):
        make_tower().embed_text(phrases)  # type: ignore[arg-type]


def test_row_scales_put_the_largest_value_at_127() -> None:
    matrix = (
        torch.randn(50, 9, generator=torch.Generator().manual_seed(0)) * torch.logspace(-9, 3, 50)[:, None]
    )
    matrix[7] = 0
    scales = row_scales(matrix)
    whole = torch.round(matrix / scales[:, None])
    expected = torch.full((50,), 127.0)
    expected[7] = 0
    assert torch.equal(whole.abs().amax(dim=1), expected)
    assert ((whole * scales[:, None] - matrix).abs() <= 0.5 * scales[:, None] * (1 + 1e-5)).all()


def test_what_is_stored_is_near_and_stays_the_same_when_stored_again() -> None:
    tower = make_tower()
    once = unpack(*pack(tower))
    phrases = ["dog", "the sound of rain", "cat"]
    similar = (once.embed_text(phrases).vector * tower.embed_text(phrases).vector).sum(dim=1)
    assert (similar > 0.995).all() and (similar < 1 - 1e-9).any()
    twice = unpack(*pack(once))
    assert twice.identity == once.identity
    assert torch.equal(twice.embed_text(phrases).vector, once.embed_text(phrases).vector)


def test_identity_follows_weights_pieces_and_shape() -> None:
    tower = make_tower()
    other_pieces = unpack(*pack(tower))
    config, tensors = pack(tower)
    config["pieces"] = config["pieces"].replace(" dog ", " elk ")
    changed = unpack(config, tensors)
    tensors["head.bias"] = tensors["head.bias"] + 1e-6
    nudged = unpack(config, tensors)
    assert len({t.identity for t in (tower, other_pieces, changed, nudged, make_tower(heads=2))}) == 5


def test_saved_and_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    tower = unpack(*pack(make_tower()))
    folder = save(tmp_path / "text", tower, "# Text tower\n\nSmall.\n")
    loaded = load(folder)
    assert loaded.identity == tower.identity
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    cached = PhraseCache(loaded, tmp_path / "cache").embed_text(["rain", "dog"])
    assert torch.equal(cached.vector, tower.embed_text(["rain", "dog"]).vector)


def test_the_default_shape_fits_into_12_megabytes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    pieces = [*PIECES, *(f"piece{number:03d}" for number in range(10_200 - len(PIECES)))]
    folder = save(tmp_path / "text", TextTower(TextConfig(pieces=10_200), pieces), "# Card\n")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 11.9e6


def test_other_kinds_and_damage_are_told(tmp_path) -> None:  # type: ignore[no-untyped-def]
    config, tensors = pack(make_tower())
    checkpoint.save(tmp_path / "a", {"kind": "voices/network"}, tensors, "")
    with pytest.raises(CheckpointError, match=r"voices/network.*text tower"):
        load(tmp_path / "a")
    folder = save(tmp_path / "b", make_tower(), "")
    stored = json.loads((folder / "config.json").read_text())
    stored["text"]["shape"]["layers"] = 3
    (folder / "config.json").write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match="does not fit"):
        load(folder)
    with pytest.raises(StemlessError, match="does not fit"):
        unpack({"shape": config["shape"], "pieces": "a b"}, tensors)
    with pytest.raises(StemlessError, match="does not fit"):
        unpack({}, tensors)


@pytest.mark.parametrize("wrong", [{"heads": 5}, {"layers": 0}, {"positions": 2}])
def test_impossible_shapes(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        make_tower(**wrong)
