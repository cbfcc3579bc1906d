"""Noun phrases: who or what sounds, without what is only true of the recording."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stemless.query.idioms import FIXED_NOUNS
from stemless.query.inflection import gerund, is_gerund, is_plural, verb_of
from stemless.query.lexicon import (
    ADVERBS,
    ANIMALS,
    DETERMINERS,
    ERGATIVE,
    GATHERINGS,
    HUMANS,
    KEPT_PREPOSITIONS,
    NONE,
    NOUNS_AFTER_NOUNS,
    PARTS,
    PASSING_ADJECTIVES,
    PEOPLE_PRONOUNS,
    PLACES,
    PLURALS,
    PREPOSITIONS,
    QUANTITIES,
    SILENT,
    SOUND_NOUNS,
    SOUND_OF,
    SOUNDING,
    VEHICLES,
)

NOUNS_IN_LY = frozenset({"belly", "family", "jelly", "assembly", "butterfly", "dragonfly"})
WEAK_QUANTITIES = frozenset({"few", "dozen", "various"})  # also without "of"


@dataclass(frozen=True)
class NounPhrase:
    """Who or what sounds.

    text: as it goes into a phrase; head: the noun that decides; action: what it does ("barking dog");
    where: what it stands on or lies in, told only where it does nothing.
    """

    text: str
    head: str
    action: str = ""
    where: str = ""

    @property
    def plural(self) -> bool:
        return is_plural(self.head, PLURALS)

    @property
    def human(self) -> bool:
        return self.head in HUMANS

    @property
    def kind(self) -> str:
        """Human, animal, vehicle or thing."""
        if self.human:
            return "human"
        return "animal" if self.head in ANIMALS else "vehicle" if self.head in VEHICLES else "thing"

    @property
    def sounds(self) -> bool:
        """Whether the noun alone names a sound or who makes it."""
        return (
            self.kind != "thing"
            or self.head in SOUND_NOUNS | SOUNDING
            or bool(self.action)
            or is_gerund(self.head)
            or verb_of(self.head, "s") in SOUNDING
        )


def noun_phrase(words: Sequence[str], *, with_place: bool) -> NounPhrase | None:
    """The noun phrase of these words; None when nothing is left of them, or silence.

    Args:
        words: a noun phrase with determiners and adjectives, and prepositional phrases behind it.
        with_place: keep what it stands on or lies in ("footsteps on gravel"), unless a mere place.

    >>> noun_phrase("several loud dogs in the park".split(), with_place=True).text
    'dogs'
    >>> noun_phrase("the chirping of birds".split(), with_place=False).action
    'chirping'
    """
    if NONE & set(words):
        return None
    core, behind = _split(list(words))
    core = _bare(core)
    while behind and behind[0][0] == "of":
        of = _bare(behind[0][1])
        if not of:
            behind = behind[1:]
        elif not core or core[-1] in QUANTITIES or core[-1] in SOUND_OF:
            core, behind = of, behind[1:]
        elif core[-1] in GATHERINGS:
            behind = behind[1:]
        elif core[-1] in PARTS:
            core, behind = of + core, behind[1:]
        elif (action := _sound_of(core[-1])) and core[-1] not in ("cry", "ring"):
            inner = noun_phrase(of, with_place=False)
            return NounPhrase(inner.text, inner.head, action) if inner else None
        else:
            core, behind = [*core, "of", *of], behind[1:]
    if core and behind and behind[0][0] in {"from", "by"} and (action := _sound_of(core[-1])):
        inner = noun_phrase(behind[0][1], with_place=False)
        if inner and inner.kind in {"human", "animal"}:  # "cheering from an audience"
            return NounPhrase(inner.text, inner.head, action)
    if not core:
        return None
    core = [PEOPLE_PRONOUNS.get(word, word) for word in core]
    if core[-1] in SILENT:
        return None
    core, action = _with_action(core)
    text = " ".join(core)
    for preposition, behind_words in behind if with_place else ():
        tail = place(preposition, behind_words)
        if tail:
            return NounPhrase(text, core[-1], action, tail)
    return NounPhrase(text, core[-1], action)


def place(preposition: str, words: Iterable[str]) -> str:
    """A prepositional phrase where it colours the sound, as text; else an empty string.

    >>> place("on", ["a", "tin", "roof"]), place("in", ["a", "park"]), place("near", ["a", "mouse"])
    ('on tin roof', '', '')
    """
    words = list(words)
    if "of" in words and PLACES & set(_bare(words[: words.index("of")])):  # "in the middle of a square"
        return ""
    kept = _bare(words)
    if preposition not in KEPT_PREPOSITIONS or not kept or kept[-1] in PLACES or kept[-1] in SILENT:
        return ""
    return f"{preposition} {' '.join(kept)}"


def is_adverb(word: str) -> bool:
    """Whether a word tells how, when or where, and goes."""
    return word in ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in NOUNS_IN_LY)


def _bare(words: Iterable[str]) -> list[str]:
    """Without determiners, numbers, adverbs and adjectives of level, time and distance."""
    dropped = DETERMINERS | PASSING_ADJECTIVES | WEAK_QUANTITIES
    return [word for word in words if not (word in dropped or word.isdigit() or is_adverb(word))]


def _split(words: list[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The words before the first preposition, and each preposition with its words."""
    core: list[str] = []
    behind: list[tuple[str, list[str]]] = []
    for word in words:
        if word in PREPOSITIONS:
            behind.append((word, []))
        elif behind:
            behind[-1][1].append(word)
        else:
            core.append(word)
    return core, behind


def _sound_of(noun: str) -> str:
    """The action that the name of a sound stands for ("bark", "barks", "barking": barking), if any."""
    if is_gerund(noun):
        return noun
    base = noun if noun in SOUNDING else verb_of(noun, "s")
    return gerund(base) if base in SOUNDING else ""


def _with_action(core: list[str]) -> tuple[list[str], str]:
    """Take the action out of "barking dog", "dog bark", "dog's bark" and "humming noise"."""
    if len(core) > 1 and core[-1] in SOUND_OF and (action := _sound_of(core[-2])):
        core = [*core[:-2], core[-2] if core[-2] in SOUNDING else action]
    if len(core) < 2:
        return core, ""
    first = verb_of(core[0], "ing")
    if f"{core[0]} {core[1]}" not in FIXED_NOUNS and first in SOUNDING | ERGATIVE:
        return core[1:], core[0]
    possessive = core[-2].endswith("'s")
    is_name = core[-1] in NOUNS_AFTER_NOUNS and not possessive
    if (core[-1] in SOUNDING or possessive) and not is_name and (action := _sound_of(core[-1])):
        return [*core[:-2], core[-2].removesuffix("'s")], action
    return core, ""
