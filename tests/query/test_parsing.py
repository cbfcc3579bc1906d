"""The reading of parses, on parses written by hand; no model is needed."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from stemless.errors import MissingExtraError, StemlessError
from stemless.query import parsing
from stemless.query.phrases import phrases

# One parse: word, lemma, part of speech, dependency, index of the head. Labels are those of spaCy's models.
Parse = list[tuple[str, str, str, str, int]]

A_MAN_AND_WOMAN_TALK: Parse = [
    ("A", "a", "DET", "det", 1),
    ("man", "man", "NOUN", "nsubj", 4),
    ("and", "and", "CCONJ", "cc", 1),
    ("woman", "woman", "NOUN", "conj", 1),
    ("talk", "talk", "VERB", "ROOT", 4),
    ("and", "and", "CCONJ", "cc", 4),
    ("two", "two", "NUM", "nummod", 7),
    ("dogs", "dog", "NOUN", "nsubj", 8),
    ("bark", "bark", "VERB", "conj", 4),
    ("loudly", "loudly", "ADV", "advmod", 8),
]
AN_ENGINE_STRENGTHENS: Parse = [
    ("An", "an", "DET", "det", 1),
    ("engine", "engine", "NOUN", "nsubj", 2),
    ("strengthens", "strengthen", "VERB", "ROOT", 2),
    ("then", "then", "ADV", "advmod", 4),
    ("idles", "idle", "VERB", "conj", 2),
    (",", ",", "PUNCT", "punct", 2),
    ("followed", "follow", "VERB", "prep", 2),
    ("by", "by", "ADP", "agent", 6),
    ("silence", "silence", "NOUN", "pobj", 7),
]
A_DOG_FOLLOWED_BY_A_BELL: Parse = [
    ("A", "a", "DET", "det", 1),
    ("dog", "dog", "NOUN", "nsubj", 2),
    ("barks", "bark", "VERB", "ROOT", 2),
    (",", ",", "PUNCT", "punct", 2),
    ("followed", "follow", "VERB", "advcl", 2),
    ("by", "by", "ADP", "agent", 4),
    ("a", "a", "DET", "det", 7),
    ("bell", "bell", "NOUN", "pobj", 5),
    ("ringing", "ring", "VERB", "acl", 7),
]
THERE_IS_A_SIREN: Parse = [
    ("There", "there", "PRON", "expl", 1),
    ("is", "be", "VERB", "ROOT", 1),
    ("a", "a", "DET", "det", 3),
    ("siren", "siren", "NOUN", "attr", 1),
    ("in", "in", "ADP", "prep", 3),
    ("the", "the", "DET", "det", 6),
    ("distance", "distance", "NOUN", "pobj", 4),
]
WATER_IS_POURED_INTO_A_GLASS: Parse = [
    ("Water", "water", "NOUN", "nsubjpass", 2),
    ("is", "be", "AUX", "auxpass", 2),
    ("poured", "pour", "VERB", "ROOT", 2),
    ("into", "into", "ADP", "prep", 2),
    ("a", "a", "DET", "det", 5),
    ("glass", "glass", "NOUN", "pobj", 3),
    ("while", "while", "SCONJ", "mark", 9),
    ("someone", "someone", "PRON", "nsubj", 9),
    ("is", "be", "AUX", "aux", 9),
    ("typing", "type", "VERB", "advcl", 2),
    ("on", "on", "ADP", "prep", 9),
    ("a", "a", "DET", "det", 12),
    ("keyboard", "keyboard", "NOUN", "pobj", 10),
]
RAIN_AND_THUNDER: Parse = [
    ("Rain", "rain", "NOUN", "ROOT", 0),
    ("and", "and", "CCONJ", "cc", 0),
    ("distant", "distant", "ADJ", "amod", 3),
    ("thunder", "thunder", "NOUN", "conj", 0),
    ("with", "with", "ADP", "prep", 0),
    ("birds", "bird", "NOUN", "pobj", 4),
    ("singing", "sing", "VERB", "acl", 5),
]
A_MAN_BEGINS_TO_SPEAK: Parse = [
    ("A", "a", "DET", "det", 1),
    ("man", "man", "NOUN", "nsubj", 2),
    ("begins", "begin", "VERB", "ROOT", 2),
    ("to", "to", "PART", "aux", 4),
    ("speak", "speak", "VERB", "xcomp", 2),
    ("into", "into", "ADP", "prep", 4),
    ("a", "a", "DET", "det", 7),
    ("microphone", "microphone", "NOUN", "pobj", 5),
    ("and", "and", "CCONJ", "cc", 2),
    ("laughs", "laugh", "VERB", "conj", 2),
]
SOUND_OF_BARKING_DOGS: Parse = [
    ("Typing", "type", "VERB", "ROOT", 0),
    ("and", "and", "CCONJ", "cc", 0),
    ("barking", "bark", "VERB", "amod", 3),
    ("dogs", "dog", "NOUN", "conj", 0),
]

PARSES = [
    (A_MAN_AND_WOMAN_TALK, ["man talking", "woman talking", "dogs barking"]),
    (AN_ENGINE_STRENGTHENS, ["engine strengthening and idling"]),
    (A_DOG_FOLLOWED_BY_A_BELL, ["dog barking", "bell ringing"]),
    (THERE_IS_A_SIREN, ["siren"]),
    (WATER_IS_POURED_INTO_A_GLASS, ["water being poured into glass", "typing on keyboard"]),
    (RAIN_AND_THUNDER, ["rain", "thunder", "birds singing"]),
    (A_MAN_BEGINS_TO_SPEAK, ["man speaking and laughing"]),
    (SOUND_OF_BARKING_DOGS, ["typing", "dogs barking"]),
]

IDS = [" ".join(row[0] for row in parse) for parse, _ in PARSES]


def document(parse: Parse) -> Any:
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed: pip install 'stemless[phrases]'")
    words, lemmas, parts, dependencies, heads = (list(column) for column in zip(*parse, strict=True))
    vocabulary = spacy.blank("en").vocab
    return spacy.tokens.Doc(vocabulary, words=words, lemmas=lemmas, pos=parts, deps=dependencies, heads=heads)


@pytest.mark.parametrize(("parse", "expected"), PARSES, ids=IDS)
def test_parses_with_their_right_answers(parse: Parse, expected: list[str]) -> None:
    assert parsing.sources_of_parse(document(parse)) == expected


@pytest.mark.parametrize(("parse", "expected"), PARSES, ids=IDS)
def test_phrases_reads_what_the_model_gives(
    parse: Parse, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = document(parse)
    monkeypatch.setattr(parsing, "load_parser", lambda: lambda text: parsed)
    caption = " ".join(row[0] for row in parse)
    assert phrases(caption, parser="spacy") == expected
    assert phrases(caption) == expected  # the rules agree


def test_the_model_itself_where_it_is_installed() -> None:
    spacy = pytest.importorskip("spacy")
    if not spacy.util.is_package(parsing.MODEL):
        pytest.skip(f"spaCy's model {parsing.MODEL} is not installed")
    caption = "A man and a woman talk while a dog barks"
    assert phrases(caption, parser="spacy") == ["man talking", "woman talking", "dog barking"]


def test_without_spacy_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def without_spacy(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "spacy":
            raise ImportError(name)
        return true_import(name, *arguments, **options)

    parsing.load_parser.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_spacy)
    with pytest.raises(MissingExtraError, match=r"stemless\[phrases\]"):
        phrases("a dog barks", parser="spacy")


def test_a_missing_model_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    spacy = pytest.importorskip("spacy")

    def nothing(name: str, **_: object) -> None:
        raise OSError(f"[E050] Can't find model {name!r}.\nIt doesn't seem to be a package.")

    parsing.load_parser.cache_clear()
    monkeypatch.setattr(spacy, "load", nothing)
    with pytest.raises(StemlessError, match="spacy download en_core_web_sm") as raised:
        phrases("a dog barks", parser="spacy")
    assert len(str(raised.value).splitlines()) == 1
