"""The texts that the text tower is taught with: plain English, and phrases about sounds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from stemless.query.sound_phrases import SoundPhrases, asked
from stemless.query.sound_words import KINDS
from stemless.query.wording_division import unlike_wordings
from stemless.query.wordings import all_wordings
from stemless.query.wordnet import PARTS_OF_SPEECH, WordNet


@dataclass(frozen=True)
class CorpusConfig:
    """What the texts are made of.

    Attributes:
        wordnet: folder of WordNet's files.
        wordings: use what `wordings` knows sounds are called: in the made phrases, and to bring the names of
            one sound together.
        phrases: about sounds, made.
        glosses: definitions and examples of WordNet.
        names: of things and actions in WordNet, each a text by itself.
        held_out: texts of each kind for validation.
        held_wordings: wordings that no training sees, for validation.
        held_overlap: largest share of a held-out wording's words that others of its label have, too; below 1
            it also shares none with the label (see `wording_division`).
        held_after: the first so many wordings of a label are never held out, because the tower that a
            training starts from has learned them.
    """

    wordnet: Path = Path("/usr/share/wordnet")
    wordings: bool = True
    phrases: int = 70000
    glosses: int = 35000
    names: int = 15000
    held_out: int = 500
    held_wordings: int = 300
    held_overlap: float = 1.0
    held_after: int = 0

    def __post_init__(self) -> None:
        if self.phrases < 1 or self.held_out < 1 or min(self.glosses, self.names, self.held_wordings) < 0:
            raise ValueError("phrases and held_out are at least 1, the others at least 0")
        if not 0 <= self.held_overlap <= 1 or self.held_after < 0:
            raise ValueError("held_overlap is between 0 and 1, held_after at least 0")


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from and texts held out (phrases about sounds, glosses), and what the head is fitted to.

    asked: things by ways to ask for them. called: what each sound is called, its label first.
    held_wordings: what it is called too, with the number of the sound.
    """

    train: list[str]
    held_phrases: list[str]
    held_glosses: list[str]
    bank: list[str]
    asked: list[list[str]]
    called: list[list[str]]
    held_wordings: list[tuple[str, int]]


def make_corpus(config: CorpusConfig, bank: int, asked_phrases: int, seed: int) -> Corpus:
    """The texts of a configuration; the same seed, the same texts.

    Args:
        config: what of each there is.
        bank: phrases for the head.
        asked_phrases: of these, how many are asked for in several ways.
        seed: of every draw.

    Raises:
        StemlessError: WordNet cannot be read.
    """
    nouns = WordNet(config.wordnet, "noun")
    rare = {name: nouns.kinds_of(*kind.roots) for name, kind in KINDS.items()}
    plain = [nouns, *(WordNet(config.wordnet, part) for part in PARTS_OF_SPEECH[1:])]
    draw = random.Random(seed)
    called, held_wordings = _called(config, draw) if config.wordings else ([], [])
    labels = [name for names in called for name in names]

    phrases = SoundPhrases(rare, labels, seed).many(config.phrases + config.held_out)
    everything = {text for part in plain for synset in part.synsets.values() for text in synset.texts}
    glosses = draw.sample(sorted(everything), min(config.glosses + config.held_out, len(everything)))
    words = {name for part in plain[:2] for synset in part.synsets.values() for name in synset.names}
    names = draw.sample(sorted(words), min(config.names, len(words)))
    held_phrases, held_glosses = phrases[: config.held_out], glosses[: config.held_out]
    held = {*held_phrases, *held_glosses, *(wording for wording, _ in held_wordings)}
    train = [*labels, *phrases[config.held_out :], *glosses[config.held_out :], *names]
    simple = SoundPhrases(rare, labels, seed + 1).many(bank)
    return Corpus(
        [text for text in dict.fromkeys(train) if text not in held],
        held_phrases,
        held_glosses,
        simple,
        [asked(phrase) for phrase in SoundPhrases(rare, labels, seed + 2).plain(asked_phrases)],
        called,
        held_wordings,
    )


def _called(config: CorpusConfig, draw: random.Random) -> tuple[list[list[str]], list[tuple[str, int]]]:
    """What each sound is called, and the wordings that are held out of it."""
    called = [[label, *wordings] for label, wordings in all_wordings().items()]
    if config.held_overlap < 1:
        places = unlike_wordings(called, config.held_overlap, config.held_after)
    else:
        after = 1 + config.held_after
        places = [(sound, wording) for sound, names in enumerate(called) for wording in names[after:]]
    held = {
        (sound, wording) for sound, wording in draw.sample(places, min(config.held_wordings, len(places)))
    }
    kept = [
        [name for place, name in enumerate(names) if not place or (sound, name) not in held]
        for sound, names in enumerate(called)
    ]
    return kept, sorted((wording, sound) for sound, wording in held)
