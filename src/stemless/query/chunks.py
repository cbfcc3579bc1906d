"""From a caption to chunks: short stretches of words, each with the mark of what joins it to the one before.

Marks: "" begins, "," and "and" list, ">" brings a new source ("followed by"), "~" may go on with the source
before it ("then", "while").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from stemless.query.idioms import GOING_ON, IDIOMS, NEW_SOURCE, ONOMATOPOEIA

WORD = re.compile(r"[^\W_]+(?:['’‑-][^\W_]+)*|[.,;:!?&+/()\[\]…—–|]")
ASIDE = re.compile(r"\([^()]*\)")
AND = frozenset({"and", "or", "nor", "&", "+", "/"})
STOPS = frozenset(".;:!?…|")
COMMAS = frozenset(",()[]—–")
STRENGTH = {"": 0, ",": 1, "and": 2, "~": 3, ">": 4}
LONGEST_CHUNK = 48  # words
LONGEST_TOKEN = 40  # letters: what is longer is no word


@dataclass(frozen=True)
class Chunk:
    """Words between two joints; mark is the joint before them."""

    mark: str
    words: tuple[str, ...]


def chunks(caption: str) -> list[Chunk]:
    """The chunks of a caption, in lower case.

    >>> [(chunk.mark, " ".join(chunk.words)) for chunk in chunks("A dog barks, then growls as it rains")]
    [('', 'a dog barks'), ('~', 'growls'), ('~', 'it rains')]
    """
    found: list[Chunk] = []
    mark, words = "", []
    for kind, word in _marked(tokens(caption)):
        if kind == "word":
            words.append(word)
            if len(words) < LONGEST_CHUNK:
                continue
            kind = ">"  # no sentence: cut it, so that the time stays in proportion to the length
        if words:
            found.append(Chunk(mark, tuple(words)))
            mark, words = "", []
        if STRENGTH[kind] > STRENGTH[mark]:
            mark = kind
    if words:
        found.append(Chunk(mark, tuple(words)))
    return found


def tokens(caption: str) -> list[str]:
    """Words and punctuation, in lower case; what stands in brackets, and symbols, are left out.

    >>> tokens("A dog’s bark -- LOUD!")
    ['a', "dog's", 'bark', 'loud', '!']
    """
    without_asides = ASIDE.sub(" ", caption)
    spoken = without_asides if WORD.search(without_asides) else caption
    found = WORD.findall(spoken.lower())
    return [token.replace("’", "'").replace("‑", "-")[:LONGEST_TOKEN] for token in found]


@cache
def _fixed() -> dict[str, list[tuple[tuple[str, ...], str, str]]]:
    """Idioms, connectives and onomatopoeia by their first word, longest first: (words, mark, replacement)."""
    entries = [(idiom, "idiom", "") for idiom in IDIOMS]
    entries += [(connective, ">", "") for connective in NEW_SOURCE]
    entries += [(connective, "~", "") for connective in GOING_ON]
    entries += [(sound, "word", word) for sound, word in ONOMATOPOEIA.items()]
    table: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for phrase, kind, word in sorted(entries, key=lambda entry: -len(entry[0].split())):
        words = tuple(phrase.split())
        table.setdefault(words[0], []).append((words, kind, word))
    return table


def _marked(words: list[str]) -> Iterator[tuple[str, str]]:
    """Words as ("word", word), joints as (mark, "")."""
    position = 0
    while position < len(words):
        for phrase, kind, replacement in _fixed().get(words[position], ()):
            end = position + len(phrase)
            if kind == "idiom" and phrase[-1] != "of" and words[end : end + 1] == ["of"]:
                continue  # "at the end of a corridor"
            if tuple(words[position:end]) == phrase:
                if kind == "word":
                    yield "word", replacement
                elif kind != "idiom":
                    yield kind, ""
                position = end
                break
        else:
            word = words[position]
            if word in STOPS:
                yield ">", ""
            elif word in COMMAS:
                yield ",", ""
            elif word in AND:
                yield "and", ""
            else:
                yield "word", word
            position += 1
