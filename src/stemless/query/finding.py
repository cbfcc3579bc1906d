"""Where the verb of a chunk of words stands, and where a noun phrase ends."""

from __future__ import annotations

from collections.abc import Sequence

from stemless.query.idioms import FIXED_NOUNS
from stemless.query.inflection import is_gerund, is_plural, verb_of
from stemless.query.lexicon import (
    ADJECTIVES,
    AUXILIARIES,
    BODY_PARTS,
    COGNATES,
    DETERMINERS,
    ERGATIVE,
    MAKING,
    OBJECT_PRONOUNS,
    OCCURRING,
    PASSING_ADJECTIVES,
    PLURALS,
    PREPOSITIONS,
    QUANTITIES,
    RELATIVES,
    SILENT,
    SOUND_OF,
    SOUNDING,
)
from stemless.query.nouns import is_adverb


def find_verb(words: Sequence[str], *, coordinated: bool = False) -> int | None:
    """Where the verb of a chunk stands, behind at least one noun; None when there is none.

    Args:
        words: one chunk.
        coordinated: other nouns share the verb ("a man and | woman talk"), so that it is plural.

    >>> [find_verb(words.split()) for words in ("a train horn blows", "a door slam", "birds chirp")]
    [3, None, 1]
    """
    for known in (True, False):
        noun = plural = definite = company = False
        for position, word in enumerate(words):
            following = words[position + 1] if position + 1 < len(words) else ""
            if word in PREPOSITIONS:
                noun = False
                company = company or word in {"with", "amid", "amidst"}
                continue
            if word in DETERMINERS | RELATIVES:
                definite = definite or word in {"a", "an", "another", "one", "each"}
                continue
            if is_auxiliary(word, following):
                if noun:
                    return position
                continue
            if noun and is_gerund(word) and company:
                return None  # "music with people singing": what is with it does this
            if (
                noun
                and known
                and is_gerund(word)
                and (following not in SOUND_OF or verb_of(word, "ing") in MAKING)
            ):
                return position
            if noun and following not in AUXILIARIES and not _is_finite(word, following):
                if known and _agrees(word, plural or coordinated):
                    return position
                if (
                    not known
                    and not is_adverb(word)
                    and _seems_a_verb(word, following, words[position - 1], definite, plural)
                ):
                    return position
            if (is_adverb(word) and word != "fast") or word in ADJECTIVES | PASSING_ADJECTIVES:
                continue
            noun = True
            plural = plural or is_plural(word, PLURALS) or word in QUANTITIES
    return None


def _is_finite(word: str, following: str) -> bool:
    """Whether the verb is rather the word that follows: "wind chimes | tinkle", "duck calls | ring"."""
    if verb_of(following, "s"):
        return True
    base = verb_of(word, "s")
    if base in SOUNDING and is_gerund(following):
        return True
    return bool(base) and base not in MAKING and verb_of(following, "base") in SOUNDING | OCCURRING


def is_auxiliary(word: str, following: str) -> bool:
    """Whether a word helps a verb: in "can be heard", not in "opening a can".

    >>> is_auxiliary("is", ""), is_auxiliary("can", "be"), is_auxiliary("can", "rolling")
    (True, True, False)
    """
    if word == "can":
        return following in {"be", "hear"} or (bool(following) and verb_of(following, "base") is not None)
    return word in AUXILIARIES


def _agrees(word: str, plural: bool) -> bool:
    """Whether a known verb stands in a form that such a subject takes."""
    if verb_of(word, "s"):
        return True
    return (plural and verb_of(word, "base") is not None) or (
        verb_of(word, "past") is not None and verb_of(word, "base") is None
    )


def _seems_a_verb(word: str, following: str, before: str, definite: bool, plural: bool) -> bool:
    """A verb that no list holds, told by agreement: "a pump glugs loudly", "pumps glug"."""
    if following and not (following in PREPOSITIONS | DETERMINERS or is_adverb(following)):
        return False
    if (
        word in SOUND_OF | SILENT | OBJECT_PRONOUNS
        or before in ADJECTIVES | PASSING_ADJECTIVES
        or not word.isalpha()
    ):
        return False
    if definite and not is_plural(before, PLURALS):
        return is_plural(word, frozenset()) and len(word) > 3
    return plural and before.endswith("s") and is_plural(before, PLURALS) and not is_plural(word, PLURALS)


def noun_end(words: Sequence[str], start: int) -> int:
    """Where the noun phrase that begins at start ends."""
    for position in range(start, len(words)):
        word = words[position]
        inside = position > start and words[position - 1] not in DETERMINERS | ADJECTIVES | PASSING_ADJECTIVES
        if word in PREPOSITIONS and word != "of":
            return position
        following = words[position + 1] if position + 1 < len(words) else ""
        if inside and (is_gerund(word) or is_auxiliary(word, following) or word in RELATIVES):
            return position
        if word in DETERMINERS and inside and words[position - 1] not in {"of", *PREPOSITIONS}:
            return position
    return len(words)


def starts_with_modifier(words: Sequence[str]) -> bool:
    """Whether a chunk that begins with -ing names a thing by what it does ("running water")."""
    if len(words) < 2 or words[1] in PREPOSITIONS | DETERMINERS | AUXILIARIES or is_adverb(words[1]):
        return " ".join(words[:2]) in FIXED_NOUNS
    if " ".join(words[:2]) in FIXED_NOUNS:
        return True
    if words[1] in SOUND_OF or (is_gerund(words[0]) and verb_of(words[0], "ing") is None):  # "annoying tone"
        return True
    return verb_of(words[0], "ing") in SOUNDING | ERGATIVE and not (COGNATES | BODY_PARTS) & set(words)
