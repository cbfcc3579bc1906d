from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
import torch

from stemless.query.embedding import PhraseCache, PhraseEmbedding, TextEmbedding, pad_phrases


class CountingEncoder:
    """A state for each letter, drawn from the letter; counts what it is asked."""

    def __init__(self, identity: str = "letters") -> None:
        self.identity = identity
        self.asked: list[list[str]] = []

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        self.asked.append(list(phrases))
        return pad_phrases([letters(phrase, self.identity) for phrase in phrases])


def letters(phrase: str, identity: str = "letters") -> PhraseEmbedding:
    seed = int(hashlib.sha256(identity.encode()).hexdigest()[:8], 16)
    rows = [torch.randn(5, generator=torch.Generator().manual_seed(seed + ord(letter))) for letter in phrase]
    tokens = torch.stack(rows)
    return PhraseEmbedding(tokens, torch.nn.functional.normalize(tokens.sum(0)[:3], dim=0))


def test_padding_and_back() -> None:
    phrases = [letters(phrase) for phrase in ("dog", "a", "rain")]
    batch = pad_phrases(phrases)
    assert batch.tokens.shape == (3, 4, 5) and batch.vector.shape == (3, 3) and len(batch) == 3
    assert batch.mask.tolist() == [[True] * 3 + [False], [True] + [False] * 3, [True] * 4]
    assert not batch.tokens[~batch.mask].any()
    for back, phrase in zip(batch.phrases(), phrases, strict=True):
        assert torch.equal(back.tokens, phrase.tokens) and torch.equal(back.vector, phrase.vector)


def test_each_phrase_is_embedded_once() -> None:
    encoder = CountingEncoder()
    cache = PhraseCache(encoder, batch_size=2)
    first = cache.embed_text(["dog", "rain", "dog", "bell"])
    assert encoder.asked == [["dog", "rain"], ["bell"]]
    second = cache.embed_text(["bell", "crow", "dog"])
    assert encoder.asked[2:] == [["crow"]]
    direct = CountingEncoder().embed_text(["dog", "rain", "dog", "bell"])
    for made, wanted in ((first.tokens, direct.tokens), (first.vector, direct.vector)):
        assert torch.equal(made, wanted)
    assert torch.equal(first.mask, direct.mask)
    assert torch.equal(second.vector[2], first.vector[0])
    assert cache.identity == "letters"


def test_nobody_writes_into_the_cache_by_accident() -> None:
    cache = PhraseCache(CountingEncoder())
    given = cache.embed_text(["dog"])
    given.tokens.zero_()
    given.vector.zero_()
    assert torch.equal(cache.embed_text(["dog"]).tokens[0], letters("dog").tokens)


def test_prepare_embeds_ahead() -> None:
    encoder = CountingEncoder()
    cache = PhraseCache(encoder)
    cache.prepare(phrase for phrase in ("dog", "rain", "dog"))
    cache.embed_text(["rain", "dog"])
    assert encoder.asked == [["dog", "rain"]]


@pytest.mark.parametrize("phrases", [[], "dog"])
def test_empty_calls_are_refused(phrases: Sequence[str]) -> None:
    with pytest.raises(ValueError, match="list of phrases"):
        PhraseCache(CountingEncoder()).embed_text(phrases)
