import dataclasses
from pathlib import Path

import pytest
from tiny_sentences import write_wordnet

from stemless.errors import StemlessError
from stemless.query.text_corpus import CorpusConfig, make_corpus
from stemless.query.wording_division import content_stems
from stemless.query.wordings import all_wordings

SMALL = CorpusConfig(phrases=300, glosses=20, names=10, held_out=15, held_wordings=40)


@pytest.fixture
def config(tmp_path: Path) -> CorpusConfig:
    write_wordnet(tmp_path)
    return dataclasses.replace(SMALL, wordnet=tmp_path)


def test_same_seed_same_texts(config: CorpusConfig) -> None:
    first, again, other = (make_corpus(config, 50, 10, seed) for seed in (3, 3, 4))
    assert first == again
    assert first.train != other.train and first.held_wordings != other.held_wordings


def test_nothing_that_is_held_out_is_learned(config: CorpusConfig) -> None:
    corpus = make_corpus(config, 50, 10, 0)
    held = {*corpus.held_phrases, *corpus.held_glosses, *(wording for wording, _ in corpus.held_wordings)}
    assert len(corpus.held_phrases) == len(corpus.held_glosses) == 15
    assert held.isdisjoint(corpus.train)
    assert len(set(corpus.train)) == len(corpus.train) > 300


def test_wordings_belong_to_their_sounds(config: CorpusConfig) -> None:
    corpus = make_corpus(config, 50, 10, 0)
    known = all_wordings()
    assert len(corpus.held_wordings) == 40
    for wording, sound in corpus.held_wordings:
        assert wording in known[corpus.called[sound][0]] and wording not in corpus.called[sound][1:]
    kept = sum(len(called) - 1 for called in corpus.called)
    assert kept + 40 == sum(len(wordings) for wordings in known.values())


def test_wordings_that_are_like_others_or_early_are_not_held_out(config: CorpusConfig) -> None:
    known = all_wordings()
    hard = make_corpus(dataclasses.replace(config, held_overlap=0.3, held_after=3), 50, 10, 0)
    late = make_corpus(dataclasses.replace(config, held_after=3), 50, 10, 0)
    for corpus in (hard, late):
        assert len(corpus.held_wordings) == 40
        for wording, sound in corpus.held_wordings:
            assert known[corpus.called[sound][0]].index(wording) >= 3
    for wording, sound in hard.held_wordings:
        assert content_stems(wording).isdisjoint(content_stems(corpus.called[sound][0]))
    assert hard.held_wordings != late.held_wordings


def test_all_kinds_of_texts_are_there(config: CorpusConfig) -> None:
    corpus = make_corpus(dataclasses.replace(config, glosses=10_000, names=10_000), 50, 10, 0)
    text = "\n".join([*corpus.train, *corpus.held_glosses])
    assert "to bark as a" in text and "was heard" in text and "rare " in text
    assert len(corpus.bank) == 50
    assert len(corpus.asked) == 10 and len({len(ways) for ways in corpus.asked}) == 1


def test_without_wordings(config: CorpusConfig) -> None:
    corpus = make_corpus(dataclasses.replace(config, wordings=False), 50, 10, 0)
    assert corpus.called == [] == corpus.held_wordings


def test_wordnet_is_missed(tmp_path: Path) -> None:
    with pytest.raises(StemlessError, match="install WordNet"):
        make_corpus(dataclasses.replace(SMALL, wordnet=tmp_path / "none"), 5, 5, 0)
