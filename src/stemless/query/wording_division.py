"""Which wordings may be held out: those that nothing but their meaning ties to what a tower has learned.

"a hound baying" beside "dog barking" asks for knowledge; "a dog barking" can be found by its letters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_PLAIN = """
a an and are as at being by down for from her his in into is it its like noise of off on onto one or out over
recording some someone something sound sounds that the their this through to two up with
"""
PLAIN_WORDS = frozenset(_PLAIN.split())
ENDINGS = ("ing", "ers", "er", "ed", "es", "s", "y")
SHORTEST_STEM = 3


def content_stems(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, without their endings.

    >>> sorted(content_stems("The sound of two dogs barking"))
    ['bark', 'dog']
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    return frozenset(_stem(word) for word in words if word not in PLAIN_WORDS)


def _stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    doubled = len(word) > SHORTEST_STEM and word[-1] == word[-2]
    return word[:-1] if doubled else word.rstrip("e")


def unlike_wordings(called: Sequence[Sequence[str]], overlap: float, after: int = 0) -> list[tuple[int, str]]:
    """Wordings that share no stem with their label, and few with the label's other wordings.

    Args:
        called: what each sound is called, its label first.
        overlap: largest share of a wording's stems that other wordings of the label have, too.
        after: the first so many wordings of each label are left out.

    Returns:
        numbers of sounds, and wordings.

    >>> unlike_wordings([["dog barking", "a dog", "hound baying", "barks", "old hound"]], 0.5)
    [(0, 'hound baying'), (0, 'old hound')]
    """
    found = []
    for sound, names in enumerate(called):
        stems = [content_stems(name) for name in names]
        holders = Counter(stem for held in stems for stem in held)
        for place in range(1 + after, len(names)):
            own = stems[place]
            shared = sum(holders[stem] > 1 for stem in own)
            if own and own.isdisjoint(stems[0]) and shared <= overlap * len(own):
                found.append((sound, names[place]))
    return found
