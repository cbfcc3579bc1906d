"""From a caption that spaCy has parsed to sources: the parse finds the clauses, the rules name them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from stemless.errors import MissingExtraError, StemlessError
from stemless.query.nouns import NounPhrase, noun_phrase
from stemless.query.sources import Reader
from stemless.query.verbs import verb_phrase

MODEL = "en_core_web_sm"
BRINGING = {"follow", "accompany", "precede", "intersperse", "interrupt", "punctuate"}  # "followed by"
# Clauses of their own: not part of what their head says.
CLAUSES = {"acl", "advcl", "appos", "cc", "ccomp", "conj", "csubj", "mark", "parataxis", "punct", "relcl"}
SUBJECTS = {"nsubj", "nsubjpass", "nsubj:pass"}
NOUNS = {"NOUN", "PROPN"}
COMPANY = {"with", "over", "amid", "amidst"}


@cache
def load_parser() -> Any:
    """spaCy's small English model.

    Raises:
        MissingExtraError: spaCy is not installed.
        StemlessError: spaCy is there, and its model is not.
    """
    try:
        import spacy
    except ImportError:
        raise MissingExtraError("spacy", "phrases") from None
    try:
        return spacy.load(MODEL, exclude=["ner"])
    except OSError:
        raise StemlessError(
            f"spaCy has no model {MODEL}: run  python -m spacy download {MODEL}  or use the parser 'rules'"
        ) from None


def sources_of_parse(doc: Any) -> list[str]:
    """The phrases of a parsed caption, in its order.

    Args:
        doc: a `spacy.tokens.Doc` with heads, dependencies (ClearNLP labels, as spaCy's English models give
            them), parts of speech and lemmas.
    """
    reader = Reader()
    verbs = {token.i for token in doc if _is_clause(token)}
    used = {subject.i for index in verbs for subject in _subjects(doc[index])}
    speaking = -1  # the verb whose subject the reader holds
    for token in doc:
        if token.i in verbs:
            speaking = _read_verb(reader, token, speaking)
        elif token.i not in used and _is_source(token):
            _read_noun(reader, token)
            speaking = -1
    reader.settle()
    return [text for source in reader.sources if (text := source.text())]


def _read_verb(reader: Reader, verb: Any, speaking: int) -> int:
    words = [token.lower_ for token in _own_words(verb, without=SUBJECTS | CLAUSES | {"expl"})]
    phrase = verb_phrase(words)
    subjects = _subjects(verb)
    goes_on = subjects and speaking == subjects[-1].i
    if goes_on and len(subjects) == 1:
        reader.go_on(phrase, "and")
        return speaking
    for subject in subjects:
        reader.read_clause(_named(subject), phrase, ">")
    if not subjects:
        reader.forget()
        reader.go_on(phrase, ">")
    return subjects[-1].i if subjects else -1


def _read_noun(reader: Reader, token: Any) -> None:
    reader.settle()
    noun = _named(token)
    if noun:
        reader.waiting.append(noun)
        reader.settle()
    reader.forget()


def _is_clause(token: Any) -> bool:
    """Whether a token is the verb of a clause that names a source."""
    if token.pos_ not in {"VERB", "AUX"} or token.dep_ in {"aux", "auxpass", "aux:pass", "amod", "compound"}:
        return False
    if token.dep_ == "xcomp" or token.lemma_ in BRINGING:
        return False
    # "there is": what is there is a noun, and speaks for itself.
    return not any(child.dep_ == "expl" for child in token.children)


def _subjects(verb: Any) -> list[Any]:
    """Who does it: its own subjects, those of the verb it is joined to, or the noun it describes."""
    seen = set()
    while verb.i not in seen:
        seen.add(verb.i)
        named = [child for child in verb.children if child.dep_ in SUBJECTS]
        own = [child for child in named if child.pos_ != "PRON" or child.lower_.startswith("some")]
        if own:
            return [member for subject in own for member in _with_conjuncts(subject)]
        if verb.dep_ in {"acl", "relcl"} and verb.head.pos_ in NOUNS | {"PRON"}:
            return _with_conjuncts(verb.head) if verb.dep_ == "relcl" else [verb.head]
        if verb.dep_ not in {"conj", "advcl", "dep", "xcomp", "parataxis"}:
            return []
        verb = verb.head
    return []


def _with_conjuncts(noun: Any) -> list[Any]:
    members = [noun]
    for child in noun.children:
        if child.dep_ == "conj" and child.pos_ in NOUNS | {"PRON"}:
            members += _with_conjuncts(child)
    return members


def _is_source(token: Any) -> bool:
    """Whether a noun that no verb speaks of is a source: it stands alone, is there, or comes with another."""
    if token.pos_ not in NOUNS:
        return False
    if token.dep_ in {"ROOT", "attr", "appos"}:
        return True
    if token.dep_ == "conj":
        return _is_source(token.head) or token.head.pos_ == "VERB"
    if token.dep_ == "pobj":
        brought = token.head.dep_ == "agent" or token.head.lower_ in {"by", "with"}
        if brought and token.head.head.lemma_ in BRINGING:
            return True
        noun = _named(token)
        return token.head.lower_ in COMPANY and noun is not None and noun.sounds
    return False


def _named(token: Any) -> NounPhrase | None:
    words = [part.lower_ for part in _own_words(token, without=CLAUSES | SUBJECTS)]
    return noun_phrase(words, with_place=token.dep_ not in SUBJECTS)


def _own_words(token: Any, without: set[str]) -> Iterator[Any]:
    """The words below a token and itself, in order, leaving out branches of these dependencies."""
    for child in token.lefts:
        if child.dep_ not in without:
            yield from _own_words(child, without)
    yield token
    for child in token.rights:
        company = child.dep_ == "prep" and (child.lower_ in COMPANY or child.lemma_ in BRINGING)
        if child.dep_ not in without | {"agent"} and not company:
            yield from _own_words(child, without)
