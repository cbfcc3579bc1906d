"""File names from what people call things."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# The longest name of most file systems is 255 bytes; the rest is for suffixes.
MAX_BYTES = 120
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def slug(name: str) -> str:
    """A file name without suffix: letters and digits of any script in lower case, the rest as dashes.

    Never empty, never with a path in it, never a device name of Windows.

    >>> slug("A dog, barking"), slug("Ténor 1"), slug("../../etc"), slug("?!"), slug("con")
    ('a-dog-barking', 'ténor-1', 'etc', 'source', 'con-source')
    """
    plain = unicodedata.normalize("NFC", name).lower()
    words = "".join(letter if letter.isalnum() or letter == "_" else _keep_mark(letter) for letter in plain)
    result = "-".join(word for word in words.split(" ") if word)
    while len(result.encode()) > MAX_BYTES:
        result = result[:-1]
    result = result.strip("-") or "source"
    return f"{result}-source" if result in _DEVICES else result


def _keep_mark(letter: str) -> str:
    """Vowel signs and accents that have no composed form belong to their letter."""
    return letter if unicodedata.category(letter).startswith("M") else " "


def unique_slugs(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """One slug a name, numbered where they would meet, also where only letter case tells them apart.

    Args:
        names: in order; the first of equals keeps its slug.
        taken: slugs that are not to be used.

    >>> unique_slugs(["Alto", "alto", "residual"], taken=["residual"])
    ['alto', 'alto-2', 'residual-2']
    """
    used = {word.casefold() for word in taken}
    result = []
    for name in names:
        base = candidate = slug(name)
        number = 2
        while candidate.casefold() in used:
            candidate = f"{base}-{number}"
            number += 1
        used.add(candidate.casefold())
        result.append(candidate)
    return result
