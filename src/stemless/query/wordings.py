"""How people ask for a sound: other wordings of labels, written for training.

Recordings come with one label each, but a prompt may be "a hound baying" as well as "dog barking". The text
side of the joint embedding learns from these wordings, and so do the prompts that the separator is trained
with, that one sound has many names. They stand in `wordings.csv` beside this file: a label, and its wordings
divided by ";".
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

from stemless.query.recordings import normalised_phrase


@functools.cache
def all_wordings() -> Mapping[str, tuple[str, ...]]:
    """The wordings of every label that has some, by label as `normalised_phrase` writes it."""
    text = resources.files("stemless.query").joinpath("wordings.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {
            normalised_phrase(row["label"]): tuple(row["wordings"].split(";"))
            for row in csv.DictReader(text.splitlines())
        }
    )


def wordings_of(phrase: str) -> tuple[str, ...]:
    """A phrase and what else it is called; itself alone where nothing else is known.

    >>> wordings_of("Dog barking")[:3]
    ('Dog barking', 'a dog barking', 'barking dog')
    >>> wordings_of("two kazoos in a lift")
    ('two kazoos in a lift',)
    """
    return (phrase, *all_wordings().get(normalised_phrase(phrase), ()))
