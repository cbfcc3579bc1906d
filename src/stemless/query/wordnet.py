"""Short texts of WordNet: names of things, what they mean, and examples of use.

Miller, "WordNet: a lexical database for English", 1995; the files `data.*` and `index.*` as Princeton lays
them out (wndb(5WN)), in Debian the package wordnet-base. Its licence allows any use with its notice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from stemless.errors import StemlessError

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
HYPONYMS = ("~", "~i")


@dataclass(frozen=True)
class Synset:
    """Words of one meaning: their names, what narrows it (offsets in the same file), and its gloss."""

    names: tuple[str, ...]
    narrower: tuple[int, ...]
    gloss: str

    @property
    def texts(self) -> list[str]:
        """The definition and the examples, each a text by itself.

        >>> Synset((), (), 'a dull pain; "her head had an ache"').texts
        ['a dull pain', 'her head had an ache']
        """
        examples = re.findall(r'"([^"]+)"', self.gloss)
        definition = self.gloss.split(';  "')[0].split('; "')[0].strip(" ;")
        return [text for text in (definition, *examples) if text and not text.startswith('"')]


class WordNet:
    """One part of speech of WordNet in a folder.

    Raises:
        StemlessError: the folder holds no WordNet.
    """

    def __init__(self, folder: str | Path, part_of_speech: str) -> None:
        data, index = (Path(folder) / f"{kind}.{part_of_speech}" for kind in ("data", "index"))
        try:
            self.synsets = dict(_read_synset(line) for line in _lines(data))
            self._senses = dict(_read_senses(line) for line in _lines(index))
        except FileNotFoundError as error:
            raise StemlessError(
                f"{error.filename}: no such file; install WordNet (Debian: wordnet-base) and give its folder"
            ) from None
        except (OSError, UnicodeDecodeError, ValueError, IndexError):
            raise StemlessError(f"{folder}: cannot be read as WordNet; install it again") from None

    def kinds_of(self, *roots: str) -> list[str]:
        """Names of all kinds of the roots, each root a name and the number of its sense: "bird.1"."""
        found: dict[int, None] = {}
        for root in roots:
            name, _, sense = root.rpartition(".")
            waiting = [self._senses[name.replace(" ", "_")][int(sense) - 1]]
            while waiting:
                offset = waiting.pop()
                if offset not in found:
                    found[offset] = None
                    waiting.extend(self.synsets[offset].narrower)
        return sorted({name for offset in found for name in self.synsets[offset].names if _plain(name)})


def _plain(name: str) -> bool:
    """Whether a name is made of at most three words in small letters: no people, places or genera."""
    return re.fullmatch(r"[a-z'-]{2,}( [a-z'-]{2,}){0,2}", name) is not None


def _lines(path: Path) -> list[str]:
    # The licence stands before the data, indented by two blanks.
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("  ")]


def _read_synset(line: str) -> tuple[int, Synset]:
    """A line of data.*: offset, file, type, words (counted in hex), pointers, frames | gloss."""
    head, _, gloss = line.partition(" | ")
    fields = head.split()
    words = int(fields[3], 16)
    names = tuple(re.sub(r"\(.*\)$", "", word).replace("_", " ") for word in fields[4 : 4 + 2 * words : 2])
    first = 5 + 2 * words
    pointers = [fields[place : place + 4] for place in range(first, first + 4 * int(fields[first - 1]), 4)]
    narrower = tuple(int(pointer[1]) for pointer in pointers if pointer[0] in HYPONYMS)
    return int(fields[0]), Synset(names, narrower, gloss.strip())


def _read_senses(line: str) -> tuple[str, list[int]]:
    """A line of index.*: the name, and last the offsets of its senses, the most frequent first."""
    fields = line.split()
    return fields[0], [int(offset) for offset in fields[-int(fields[2]) :]]
