"""How often each recording is drawn, so that a label with thirty recordings does not drown one with three."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence


def balanced_shares(labels: Sequence[Hashable], balance: float) -> list[float]:
    """Shares of recordings, by how many there are of each label.

    Args:
        labels: of each recording.
        balance: 0 draws every recording as often, 1 every label; between them a label with n recordings
            counts n ** (1 - balance).

    Returns:
        one share a recording; they sum to 1.

    >>> balanced_shares(["dog", "dog", "dog", "rain"], 1.0)
    [0.16666666666666666, 0.16666666666666666, 0.16666666666666666, 0.5]
    >>> balanced_shares(["dog", "dog", "dog", "rain"], 0.0)
    [0.25, 0.25, 0.25, 0.25]
    """
    counts = Counter(labels)
    raw = [counts[label] ** -balance for label in labels]
    total = sum(raw)
    return [share / total for share in raw]
