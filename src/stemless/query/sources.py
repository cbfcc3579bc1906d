"""From chunks to sources: who shares a verb, and who goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from stemless.query.chunks import Chunk
from stemless.query.finding import find_verb, is_auxiliary, noun_end, starts_with_modifier
from stemless.query.inflection import is_gerund, verb_of
from stemless.query.lexicon import (
    ADJECTIVES,
    AUXILIARIES,
    BODILY,
    BODY_PARTS,
    DETERMINERS,
    GENERIC,
    HANDLING,
    HANDS_ALONE,
    JOINING_PREPOSITIONS,
    MAKING,
    NEVER_NOUNS,
    NONE,
    OBJECT_PRONOUNS,
    PASSING_ADJECTIVES,
    PLACES,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVES,
    SEEING,
    SILENT,
    SOUNDING,
)
from stemless.query.nouns import NounPhrase, is_adverb, noun_phrase
from stemless.query.verbs import VerbPhrase, is_source, verb_phrase

INTRODUCTIONS = tuple(
    tuple(introduction.split())
    for introduction in (
        *("there is", "there are", "there was", "there were", "there's", "there", "this is", "these are"),
        *("it is", "it's", "here is", "it sounds like", "sounds like"),
    )
)


@dataclass
class Source:
    """One source with all that it does."""

    noun: NounPhrase | None
    actions: list[str] = field(default_factory=list)
    gerunds: bool = False
    tail: bool = False
    handled: bool = False  # the object of a verb: what stands beside it does the same

    def text(self) -> str:
        """The phrase: the noun, then its actions in -ing form."""
        noun = self.noun
        if noun is None or not self.actions:
            return " and ".join(self.actions) if noun is None else f"{noun.text} {noun.where}".strip()
        return f"{noun.text} {' and '.join(self.actions)}"


def sources_of(chunks: Sequence[Chunk]) -> list[str]:
    """The phrases of a caption's chunks, in the order of the caption."""
    reader = Reader()
    for chunk in chunks:
        reader.read(chunk)
    reader.settle()
    return [text for source in reader.sources if (text := source.text())] or _remainder(chunks)


def _remainder(chunks: Sequence[Chunk]) -> list[str]:
    """What a caption without a source says after all: "inside a train" is a train, silence is nothing."""
    words = [word for chunk in chunks for word in chunk.words]
    if (SILENT | NONE) & set(words):
        return []
    while words and words[0] in PREPOSITIONS:
        words = words[1:]
    noun = noun_phrase(words, with_place=False)
    if noun:
        return [noun.text]
    empty = DETERMINERS | PREPOSITIONS | AUXILIARIES | PRONOUNS | PASSING_ADJECTIVES
    rest = [word for word in words if word.isdigit() or not (word in empty or is_adverb(word))]
    return [" ".join(rest)] if rest else []


class Reader:
    """Reads chunk after chunk; nouns wait until it is clear whether they share the next verb."""

    def __init__(self) -> None:
        self.sources: list[Source] = []
        self.waiting: list[NounPhrase] = []
        self.agent: NounPhrase | None = None  # who may go on: "then laughs"
        self.last: Source | None = None

    def read(self, chunk: Chunk) -> None:
        """One chunk, and the sources that its verbs bring with them."""
        queue = [chunk]
        while queue:
            further = self._read_one(queue.pop(0))
            queue[:0] = [Chunk(">", words) for words in further]

    def settle(self) -> None:
        """What waits for a verb stands alone."""
        for noun in self.waiting:
            self._add(noun, [noun.action] if noun.action else [])
        self.waiting = []

    def forget(self) -> None:
        """Nobody goes on from here."""
        self.agent = self.last = None

    def _read_one(self, chunk: Chunk) -> tuple[tuple[str, ...], ...]:
        words = _without_introduction(chunk.words)
        while len(words) > 1 and is_adverb(words[0]):
            words = words[1:]
        if chunk.mark in {">", "~"}:
            self.settle()
        if not words:
            return ()
        if words[0] in PRONOUNS and len(words) > 1:
            return self.go_on(verb_phrase(words[1:]), chunk.mark)
        if words[0] in PREPOSITIONS:
            return self._read_place(words)
        verb = find_verb(words, coordinated=chunk.mark == "and" and self._coordinates(words))
        if (
            _begins_with_action(words, self.agent)
            and (verb is None or is_gerund(words[0]) or _has_object(words))
            and not starts_with_modifier(words)
            and not _names_a_sound(words, verb)
        ):
            return self._read_action(words, chunk.mark)
        if verb is None:
            return self._read_noun(words, chunk.mark)
        subject = noun_phrase([word for word in words[:verb] if word not in RELATIVES], with_place=False)
        return self.read_clause(subject, verb_phrase(words[verb:]), chunk.mark)

    def _coordinates(self, words: Sequence[str]) -> bool:
        """Whether a waiting noun may share the verb: "a drum roll and a cymbal crash" are two nouns."""
        if not self.waiting:
            return False
        things = self.waiting[-1].kind == "thing" and words[0] in {"a", "an"}
        return not things or bool(NEVER_NOUNS & set(words[1:]))

    def read_clause(
        self, subject: NounPhrase | None, phrase: VerbPhrase, mark: str
    ) -> tuple[tuple[str, ...], ...]:
        """A subject with what it does; returns the words of further sources."""
        if subject is None or phrase.verb == "have" or (subject.head in GENERIC and not phrase.actions):
            self.settle()
            self.forget()
            return phrase.sources
        sharing = [noun for noun in self.waiting if mark == "and" and _share(noun, subject, phrase)]
        alone = [noun for noun in self.waiting if noun not in sharing]
        self.waiting = alone
        self.settle()
        for noun in (*sharing, subject):
            self._do(noun, phrase)
        self.agent = subject
        return phrase.sources

    def _do(self, subject: NounPhrase, phrase: VerbPhrase) -> None:
        """Add what a subject does as one source, and what it makes sound as others."""
        own = [subject.action] if subject.action else []
        own += [action for action in phrase.actions if not _is_by_hand(subject, action, phrase)]
        handled = [action for action in phrase.actions if _is_by_hand(subject, action, phrase)]
        if own or not (handled or phrase.swapped):
            self._add(subject, own)
            if self.last:
                self.last.gerunds, self.last.tail = phrase.gerunds, phrase.tail
        self._add_handled(subject, handled, phrase)

    def _add_handled(self, subject: NounPhrase | None, handled: Sequence[str], phrase: VerbPhrase) -> None:
        for action in handled:
            self._add(None, [action])
            if self.last:
                self.last.gerunds, self.last.tail = phrase.gerunds, phrase.tail
        for thing, action in phrase.swapped:
            owner = (
                "" if subject is None or subject.human or subject.head.startswith("wind") else subject.text
            )
            self._add(replace(thing, text=f"{owner} {thing.text}".strip()), [action])
            if self.last:
                self.last.handled = True

    def go_on(self, phrase: VerbPhrase, mark: str) -> tuple[tuple[str, ...], ...]:
        """Further actions of the subject before."""
        self.settle()
        subject = self.agent
        if subject is None:
            self._add_handled(None, phrase.actions, phrase)
            return phrase.sources
        own = [action for action in phrase.actions if not _is_by_hand(subject, action, phrase)]
        if own and self.last and self.last.noun == subject:
            self.last.actions += [action for action in own if action not in self.last.actions]
            self.last.tail = phrase.tail
        elif own:
            self._add(subject, own)
        keep = self.last
        self._add_handled(subject, [action for action in phrase.actions if action not in own], phrase)
        if own:
            self.last = keep
        return phrase.sources

    def _read_action(self, words: Sequence[str], mark: str) -> tuple[tuple[str, ...], ...]:
        if SILENT & set(words[1:]):  # "and goes quiet"
            return ()
        passive = (
            self.last is not None and self.last.actions[-1:] and self.last.actions[-1].startswith("being ")
        )
        if passive and verb_of(words[0], "participle"):
            words = ("being", *words)  # "is cocked and fired"
        phrase = verb_phrase(words)
        gerunds = phrase.gerunds
        if len(words) == 1 and gerunds and not (self.agent and self.last and self.last.gerunds):
            return self._read_noun(words, mark)
        same_form = passive or (self.last is not None and self.last.gerunds == gerunds)
        owned = bool(POSSESSIVES & set(words))  # "blowing its horn"
        leans = (mark == "~" and gerunds) or owned or (mark == "," and len(words) > 1 and not phrase.swapped)
        if self.agent and (mark != ">" or owned) and not self.waiting and (not gerunds or same_form or leans):
            return self.go_on(phrase, mark)
        self.settle()
        self.forget()
        self._add_handled(None, phrase.actions, phrase)
        return phrase.sources

    def _read_noun(self, words: Sequence[str], mark: str) -> tuple[tuple[str, ...], ...]:
        words, further = _without_company(tuple(words))
        noun = noun_phrase(words, with_place=True)
        if noun is None or (further and noun.head in PLACES):
            return further
        if noun.action and mark == "and" and self.waiting and is_gerund(self.waiting[-1].text):
            # "humming and rattling of an engine"
            shared = self.waiting.pop().text
            owned = bool({"of", "from", "by"} & set(words))
            noun = replace(noun, action=f"{shared} and {noun.action}") if owned else noun
            self.waiting += [] if owned else [NounPhrase(shared, shared)]
        elif mark == "and" and self.last and self.last.tail and not self.waiting and not noun.sounds:
            self.last.actions[-1] += f" and {noun.text}"  # "hitting pots and pans"
            return further
        if mark == "and" and self.last and self.last.handled and not (self.waiting or noun.sounds):
            self._add(noun, self.last.actions)  # "plays drums and trumpets"
            return further
        if mark not in {"", "and", ","}:
            self.settle()
        self.waiting.append(noun)
        self.forget()
        return further

    def _read_place(self, words: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """A chunk that begins with a preposition: a place, unless it brings a source or is all there is."""
        end = noun_end(words, 1)
        if is_source(words[1:], words[1:end]) and words[0] in {"with", "over", "amid", "amidst", "like"}:
            return (tuple(words[1:]),)
        return ()

    def _add(self, noun: NounPhrase | None, actions: Sequence[str]) -> None:
        self.last = Source(replace(noun, action="") if noun else None, list(actions))
        self.last.actions = list(dict.fromkeys(self.last.actions))
        self.sources.append(self.last)


def _without_introduction(words: tuple[str, ...]) -> tuple[str, ...]:
    for introduction in INTRODUCTIONS:
        if words[: len(introduction)] == introduction and len(words) > len(introduction):
            return words[len(introduction) :]
    for position, word in enumerate(words[:4]):
        if word in SEEING and words[0] in {"i", "we", "you", "one", "can", *SEEING}:
            return words[position + 1 :]
    return words


def _without_company(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Split "heavy rain with thunder" into the noun and what comes with it, where that sounds too."""
    for position, word in enumerate(words[1:], 1):
        if word in JOINING_PREPOSITIONS and is_source(words[position + 1 :], words[position + 1 :]):
            return words[:position], (words[position + 1 :],)
    return words, ()


def _begins_with_action(words: Sequence[str], agent: NounPhrase | None) -> bool:
    """Whether a chunk starts with a verb, adverbs aside: its subject stands elsewhere.

    A form without -ing must agree with who went before, else it is a noun ("a beep and a click").
    """
    first = next((word for word in words if not is_adverb(word)), "")
    if first in DETERMINERS | ADJECTIVES | PASSING_ADJECTIVES:
        return False
    if is_auxiliary(first, words[1] if agent and len(words) > 1 else "") or is_gerund(first):
        return True
    if agent is None:
        return False
    if verb_of(first, "s"):
        return not agent.plural
    return verb_of(first, "past") is not None or (agent.plural and verb_of(first, "base") is not None)


def _has_object(words: Sequence[str]) -> bool:
    """Whether a finite verb at the start is followed by what only follows verbs: "blows its whistle"."""
    return len(words) > 1 and (
        words[1] in DETERMINERS | PREPOSITIONS | OBJECT_PRONOUNS or is_adverb(words[1])
    )


def _names_a_sound(words: Sequence[str], verb: int | None) -> bool:
    """Whether a first word in -ing is a noun: "rustling occurs", "the humming of an engine", "barking"."""
    if not is_gerund(words[0]):
        return False
    if len(words) > 1 and words[1] in {"from", "by"}:
        noun = noun_phrase(words, with_place=False)
        return noun is not None and bool(noun.action)
    return (len(words) > 1 and words[1] == "of") or verb == 1


def _share(noun: NounPhrase, subject: NounPhrase, phrase: VerbPhrase) -> bool:
    """Whether a noun before "and" shares the verb behind it: not in "rain and a dog barks"."""
    if noun.action or phrase.number == "singular":
        return False
    if phrase.number == "plural" and not subject.plural:
        return True
    if noun.kind != subject.kind:
        return False
    return noun.kind != "thing" or not noun.sounds


def _is_by_hand(subject: NounPhrase, action: str, phrase: VerbPhrase) -> bool:
    """Whether a person only handles what is heard: "typing on keyboard"."""
    if not subject.human or action.startswith("being ") or BODY_PARTS & set(action.split()):
        return False
    first, _, rest = action.partition(" ")
    base = verb_of(first, "ing") or ""
    if base in HANDS_ALONE:
        return True
    if base in HANDLING:
        return bool(rest) and rest not in {"away", "by", "off", "up", "down"}
    return base not in BODILY | SOUNDING | MAKING and phrase.tail and bool(rest)
