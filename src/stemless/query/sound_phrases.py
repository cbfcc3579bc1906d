"""Phrases about sounds, made of words: what the text tower is taught beside plain English.

Half of what is said of a source belongs to its kind ("dog barking"), the rest is anything ("dog ringing"):
the teacher has a vector for both, and a prompt may be odd.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from stemless.query.inflection import gerund, third_person
from stemless.query.sound_words import KINDS, MANNERS, PLACES, REGISTERS, SURFACES, Kind

COMMON_SHARE = 0.7
OWN_VERB_SHARE = 0.85
PARTNER_SHARE = 0.25
LABEL_SHARE = 0.2
JOINTS = (" and ", " and ", " with ", " while ", ", then ", " followed by ", ", ")


class SoundPhrases:
    """Draws phrases; the same seed, the same phrases.

    Args:
        rare: for each kind, names beside its common ones (from WordNet, say).
        labels: phrases that are dressed in the same sentences, such as the labels of data sets.
        seed: of the draws.
    """

    def __init__(self, rare: Mapping[str, Sequence[str]], labels: Sequence[str] = (), seed: int = 0) -> None:
        self._draw = random.Random(seed)
        self._rare = {kind: list(names) for kind, names in rare.items()}
        self._labels = list(labels)
        self._kinds = list(KINDS)
        self._weights = [len(kind.nouns) ** 0.5 for kind in KINDS.values()]
        self._verbs = sorted({verb for kind in KINDS.values() for verb in kind.verbs})
        self._simple: list[Callable[[], str]] = [
            self._event, self._event, self._event, self._handled, self._source, self._played
        ]  # fmt: skip

    def many(self, count: int) -> list[str]:
        """So many different phrases, in the order of the draws."""
        return self._different(self.one, count)

    def plain(self, count: int) -> list[str]:
        """So many different phrases of one source, without a sentence around them."""
        return self._different(self._any_simple, count)

    @staticmethod
    def _different(draw: Callable[[], str], count: int) -> list[str]:
        found: dict[str, None] = {}
        for _ in range(20 * count):  # few words make few phrases
            if len(found) >= count:
                break
            found[draw()] = None
        return list(found)

    def one(self) -> str:
        """A phrase with one source, or with two."""
        phrase = self._dressed(self._any_simple())
        if self._draw.random() < PARTNER_SHARE:
            joint = self._draw.choice(
                (" and ", " and ", " with ", " while ", ", then ", " followed by ", ", ")
            )
            phrase += joint + self._any_simple()
        return phrase

    def _any_simple(self) -> str:
        if self._labels and self._draw.random() < LABEL_SHARE:
            return self._draw.choice(self._labels)
        return self._draw.choice(self._simple)()

    def _kind(self) -> tuple[Kind, str]:
        name = self._draw.choices(self._kinds, self._weights)[0]
        kind, rare = KINDS[name], self._rare.get(name)
        common = self._draw.random() < COMMON_SHARE or not rare
        return kind, self._draw.choice(kind.nouns if common else rare or kind.nouns)

    def _verb(self, kind: Kind) -> str:
        own = self._draw.random() < OWN_VERB_SHARE
        return self._draw.choice(kind.verbs if own else self._verbs)

    def _source(self) -> str:
        kind, noun = self._kind()
        return self._described(kind, noun)

    def _described(self, kind: Kind, noun: str) -> str:
        return f"{self._draw.choice(kind.adjectives)} {noun}" if self._draw.random() < 0.3 else noun

    def _event(self) -> str:
        kind, noun = self._kind()
        noun, verb = self._described(kind, noun), self._verb(kind)
        form = self._draw.random()
        if form < 0.55:
            text = f"{noun} {gerund(verb)}"
        elif form < 0.7:
            text = f"{noun} {third_person(verb)}"
        elif form < 0.8:
            text = f"{gerund(verb)} {noun}"
        elif form < 0.9:
            text = f"{noun} {verb}"
        else:
            text = f"{noun} is {gerund(verb)}"
        end = self._draw.random()
        if end < 0.1:
            return f"{text} {self._draw.choice(PLACES)}"
        if end < 0.17:
            return f"{text} {self._draw.choice(('on', 'against', 'into'))} {self._draw.choice(SURFACES)}"
        return f"{text} {self._draw.choice(MANNERS)}" if end < 0.22 else text

    def _handled(self) -> str:
        kind, noun = self._kind()
        verb, _, particle = self._draw.choice(kind.handled).partition(" ")
        action = f"{gerund(verb)} {particle}".strip()
        form = self._draw.random()
        if form < 0.5:
            return f"{action} {self._with_article(noun)}"
        if form < 0.75:
            return f"{self._draw.choice(('someone', 'a man', 'a woman', 'a person'))} {action} {noun}"
        return f"{action} {noun} on {self._draw.choice(SURFACES)}"

    def _played(self) -> str:
        kind = KINDS[self._draw.choice(("instrument", "percussion"))]
        noun = self._draw.choice(kind.nouns)
        form = self._draw.random()
        if form < 0.4:
            return f"{noun} {self._draw.choice(REGISTERS)}"
        return (
            f"playing {self._with_article(noun)}" if form < 0.6 else f"{self._described(kind, noun)} playing"
        )

    def _with_article(self, noun: str) -> str:
        article = self._draw.choice(("a", "the", ""))
        return f"{indefinite(noun) if article == 'a' else article} {noun}".strip()

    def _dressed(self, phrase: str) -> str:
        """The phrase as it is, or as people ask for it."""
        form = self._draw.random()
        if form < 0.6:
            return phrase
        if form < 0.75:
            return f"{indefinite(phrase)} {phrase}"
        if form < 0.85:
            return f"the sound of {phrase}"
        if form < 0.9:
            return f"the sound of {indefinite(phrase)} {phrase}"
        ends = ("{} sound", "sound of {}", "recording of {}", "a recording of {}", "{} noise", "this is {}",
                "I can hear {}", "{} sounds", "the noise of {}", "{} sound effect")  # fmt: skip
        return self._draw.choice(ends).format(phrase)


def indefinite(phrase: str) -> str:
    """The article that goes before a phrase.

    >>> indefinite("owl hooting"), indefinite("dog")
    ('an', 'a')
    """
    return "an" if phrase[:1] in "aeio" else "a"


WAYS_TO_ASK = (
    "{}", "{article} {}", "the sound of {}", "the sound of {article} {}", "{} sound", "sound of {}",
    "a recording of {}", "{} noise", "I can hear {}",
)  # fmt: skip


def asked(phrase: str) -> list[str]:
    """One phrase in the ways people ask for it, itself first."""
    return [way.format(phrase, article=indefinite(phrase)) for way in WAYS_TO_ASK]
