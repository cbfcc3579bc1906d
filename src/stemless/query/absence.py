"""Prompts for what is not in a mixture, so that training can ask for silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from torch import Tensor

from stemless.query.recordings import normalised_phrase


class AbsentNames:
    """Names to draw from, none of which means what an item holds.

    Args:
        names: all that may be asked for.
        vectors: [names, dimension], of length 1, of the text side of a joint embedding.
        nearest: names whose cosine with one of those of the item is above this may mean the same.
    """

    def __init__(self, names: Sequence[str], vectors: Tensor, *, nearest: float = 0.6) -> None:
        self.names = list(names)
        self.nearest = nearest
        self._places = {normalised_phrase(name): place for place, name in enumerate(self.names)}
        self._vectors = vectors

    def draw(self, named: Iterable[str], count: int, random: np.random.Generator) -> tuple[str, ...]:
        """At most so many names, each once; fewer where all others may mean what is there.

        Args:
            named: what the item names, all of it among the names.
        """
        present = [self._places[normalised_phrase(name)] for name in named]
        nearness = (self._vectors @ self._vectors[present].T).amax(1)
        nearness[present] = 1.0
        apart = np.flatnonzero(nearness.numpy() <= self.nearest)
        return tuple(self.names[place] for place in random.permutation(apart)[:count].tolist())
