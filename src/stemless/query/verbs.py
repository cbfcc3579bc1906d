"""Verbs in a chunk of words: where the verb stands, and what it and the words behind it say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stemless.query.finding import find_verb, noun_end
from stemless.query.inflection import base_of_unknown, gerund, is_gerund, is_plural, verb_of
from stemless.query.lexicon import (
    AUXILIARIES,
    BEGINNING,
    BODILY,
    CHOOSY,
    COGNATES,
    DETERMINERS,
    ERGATIVE,
    ERGATIVE_OBJECTS,
    JOINING_PREPOSITIONS,
    MAKING,
    OBJECT_PRONOUNS,
    OCCURRING,
    OCCURRING_STATES,
    PARTICLES,
    PATHS,
    PLACES,
    PREPOSITIONS,
    RELATIVES,
    SOUNDING,
    SPEAKING,
    STATES,
)
from stemless.query.nouns import NounPhrase, is_adverb, noun_phrase, place

PLURAL_AUXILIARIES = frozenset({"are", "were", "have", "do", "aren't"})
SINGULAR_AUXILIARIES = frozenset({"is", "was", "has", "does", "isn't"})


@dataclass(frozen=True)
class VerbPhrase:
    """What a subject does.

    actions: each from its -ing form on, without an object that is itself the source.
    swapped: (object, action) where the object sounds: "blowing its horn".
    verb: base of the first action; number: "plural", "singular" or "open", as the form tells.
    gerunds: its verb ends in -ing; tail: an object or place ends it.
    sources: words of further sources ("with music playing").
    """

    actions: tuple[str, ...] = ()
    swapped: tuple[tuple[NounPhrase, str], ...] = ()
    verb: str = ""
    number: str = "open"
    gerunds: bool = False
    tail: bool = False
    sources: tuple[tuple[str, ...], ...] = ()


def verb_phrase(words: Sequence[str]) -> VerbPhrase:
    """What the words from the verb on say.

    >>> verb_phrase("is pouring water into a glass".split()).swapped[0][1]
    'pouring into glass'
    >>> verb_phrase("can be seen running with music playing".split()).sources
    (('music', 'playing'),)
    """
    number, passive, position = "open", False, 0
    while position < len(words):
        word = words[position]
        rest = words[position + 1 :]
        if word in AUXILIARIES:
            number = "plural" if word in PLURAL_AUXILIARIES else number
            number = "singular" if word in SINGULAR_AUXILIARIES else number
            passive = word in {"is", "are", "was", "were", "be", "being", "been", "gets", "get"}
            if word in {"has", "have", "had"} and rest and rest[0] in DETERMINERS:
                return VerbPhrase(verb="have", number=number, sources=(tuple(rest),))
        elif (
            word == "to"
            or (is_adverb(word) and not (position == 0 and verb_of(word, "base")))
            or word in {"seen", "able"}
        ):
            pass
        else:
            base = _base(word)
            inner = [other for other in rest if not is_adverb(other)][:2]
            begins = base in BEGINNING and inner and (inner[0] == "to" or is_gerund(inner[0]))
            if not begins:
                break
            number = _number(word) if number == "open" else number
        position += 1
    else:
        return VerbPhrase(number=number)
    word, rest = words[position], list(words[position + 1 :])
    participle = passive and not is_gerund(word)
    known = verb_of(word, "participle")
    if participle and not known and not (word.endswith("ed") and len(word) > 4):
        # "is loud", "is in idle", "is a dog": nothing is done.
        return _behind(VerbPhrase(number=number), [], rest, "", participle=False)
    if (
        word in OCCURRING_STATES | STATES
        or (known or _base(word)) in OCCURRING
        or (known or _base(word)) == "hear"
    ):
        number = _number(word) if number == "open" else number
        return _behind(VerbPhrase(number=number), [], rest, "", participle=False)
    base = known or word if participle else _base(word)
    if number == "open" and not participle:
        number = _number(word)
    gerunds = is_gerund(word) or words[0] == "being"
    if not participle and base in MAKING and (made := _made(rest)):
        phrase = VerbPhrase((made[0],), verb=base, number=number, gerunds=gerunds)
        return _behind(phrase, [], made[1], base, participle=True)
    phrase = VerbPhrase(verb=base, number=number, gerunds=gerunds)
    first = (
        f"being {word}" if participle and base != "play" else gerund(base) if not is_gerund(word) else word
    )
    return _behind(phrase, [first], rest, base, participle=participle)


def _base(word: str) -> str:
    """The verb of a word in any form; of an unknown one its likely base."""
    for form in ("ing", "s", "base", "past", "participle"):
        if base := verb_of(word, form):
            return base
    if is_gerund(word):
        return word[:-3]
    return base_of_unknown(word) if is_plural(word, frozenset()) else word


def _number(word: str) -> str:
    if is_gerund(word) or (verb_of(word, "past") and not verb_of(word, "base")):
        return "open"
    return "singular" if is_plural(word, frozenset()) else "plural"


def _made(words: list[str]) -> tuple[str, list[str]] | None:
    """The action in "makes a humming noise", with the words behind it."""
    end = next((index for index, word in enumerate(words) if word in PREPOSITIONS), len(words))
    noun = noun_phrase(words[:end], with_place=False)
    for word in reversed(noun.text.split() if noun and words[:end] else []):
        if is_gerund(word) and verb_of(word, "ing") in SOUNDING:
            return word, words[end:]
        base = word if word in SOUNDING else verb_of(word, "s")
        if base in SOUNDING:
            return gerund(base), words[end:]
    return None


def _behind(
    phrase: VerbPhrase,
    first: list[str],
    words: list[str],
    base: str,
    *,
    participle: bool,
) -> VerbPhrase:
    """Read what stands behind the verb: a particle, an object, places, further sources, a second verb."""
    action = " ".join(first)
    position, thing, where = 0, None, ""
    actions, swapped, sources = list(phrase.actions), list(phrase.swapped), list(phrase.sources)
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else ""
        ends = not following or following in PREPOSITIONS or is_adverb(following)
        if position == 0 and word in PARTICLES and ends and action and not where:
            action = f"{action} {word}"
            position += 1
        elif word in RELATIVES and position:
            break
        elif is_adverb(word) and word not in PREPOSITIONS and not (word in PATHS and not ends):
            position += 1
        elif word in PREPOSITIONS or (word in PATHS and not ends and not thing):
            end = noun_end(words, position + 1)
            behind = words[position + 1 : end]
            if word in JOINING_PREPOSITIONS and is_source(words[position + 1 :], behind):
                together = base in SPEAKING and end == len(words) and _is_human(behind)
                sources.append((*words[position + 1 :], *([gerund(base)] if together else [])))
                break
            company = noun_phrase(behind, with_place=False)
            if company and company.action and company.kind != "thing":  # "to a crying baby"
                sources.append(tuple(behind))
                position = end
                continue
            where = where or ("" if base in SPEAKING or not action else place(word, behind))
            position = max(end, position + 1)
        elif is_gerund(word) and not thing:
            follow = verb_phrase(words[position:])
            actions = [*([action] if action else []), *actions, *follow.actions]
            return replace(
                phrase,
                actions=tuple(actions),
                swapped=(*swapped, *follow.swapped),
                tail=follow.tail,
                sources=(*sources, *follow.sources),
                verb=phrase.verb or follow.verb,
            )
        elif thing or participle or not action:
            if find_verb(words[position:]) is not None:
                sources.append(tuple(words[position:]))
                break
            position += 1
        else:
            verb = find_verb(words[position:])
            if verb is not None and not is_gerund(words[position + verb]):
                sources.append(tuple(words[position:]))
                break
            end = noun_end(words, position)
            if end == position:
                position += 1
                continue
            thing = noun_phrase(words[position:end], with_place=False)
            position = end
    if thing and (thing.text in OBJECT_PRONOUNS or thing.head in PLACES):
        thing = None
    tail = bool(thing or where)
    if thing and base in ERGATIVE | SOUNDING and can_be_swapped(base, thing):
        swapped.append((replace(thing, action=""), " ".join(filter(None, (action, where)))))
    elif action:
        actions.insert(0, " ".join(filter(None, (action, thing.text if thing else "", where))))
    return replace(
        phrase,
        actions=tuple(actions),
        swapped=tuple(swapped),
        sources=tuple(sources),
        tail=tail or phrase.tail,
    )


def can_be_swapped(base: str, thing: NounPhrase) -> bool:
    """Whether the object of this verb is what sounds: the bell in "ringing a bell", not "singing a song"."""
    if thing.head in COGNATES:
        return False
    if base in CHOOSY or base in BODILY - {"play", "smack", "flap"}:
        return thing.head in ERGATIVE_OBJECTS
    return thing.kind in {"thing", "vehicle"}


def _is_human(words: Sequence[str]) -> bool:
    noun = noun_phrase(words, with_place=False)
    return noun is not None and noun.human


def is_source(words: Sequence[str], noun_words: Sequence[str]) -> bool:
    """Whether what "with" or "over" brings sounds by itself."""
    if find_verb(words) is not None:
        return True
    noun = noun_phrase(noun_words, with_place=False)
    if noun is None:
        return False
    return noun.sounds and (noun.kind != "vehicle" or bool(noun.action))
