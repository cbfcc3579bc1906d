from __future__ import annotations

import pytest

from stemless.query.inflection import gerund, is_gerund, third_person, verb_of
from stemless.query.lexicon import VERBS

FORMS = [
    ("strengthen", "strengthens", "strengthening"),
    ("idle", "idles", "idling"),
    ("run", "runs", "running"),
    ("buzz", "buzzes", "buzzing"),
    ("quack", "quacks", "quacking"),
    ("squeal", "squeals", "squealing"),
    ("quiver", "quivers", "quivering"),
    ("hum", "hums", "humming"),
    ("chew", "chews", "chewing"),
    ("mix", "mixes", "mixing"),
    ("play", "plays", "playing"),
    ("cry", "cries", "crying"),
    ("die", "dies", "dying"),
    ("echo", "echoes", "echoing"),
    ("crunch", "crunches", "crunching"),
    ("rattle", "rattles", "rattling"),
    ("whir", "whirs", "whirring"),
    ("rev", "revs", "revving"),
    ("clatter", "clatters", "clattering"),
    ("hit", "hits", "hitting"),
    ("argue", "argues", "arguing"),
    ("unzip", "unzips", "unzipping"),
]


@pytest.mark.parametrize(("base", "third", "ing"), FORMS)
def test_forms(base: str, third: str, ing: str) -> None:
    assert third_person(base) == third
    assert gerund(base) == ing


def test_every_known_verb_is_found_by_its_forms() -> None:
    for base in VERBS:
        assert verb_of(third_person(base), "s") == base
        assert verb_of(gerund(base), "ing") == base
        assert is_gerund(gerund(base))
