"""Percentile bootstrap intervals of means, medians and paired differences (Efron and Tibshirani, "An
Introduction to the Bootstrap", 1993, chapters 8 and 13).

The voices of one mixture are not independent: they share its reverberation, its chords and each other's
errors. Where values come in such groups, whole groups are drawn, or the interval would be too narrow.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Literal["mean", "median"]
_BLOCK_ELEMENTS: Final = 4_000_000


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its confidence interval, in the unit of the values."""

    estimate: float
    low: float
    high: float


def bootstrap_interval(
    values: ArrayLike,
    generator: np.random.Generator,
    *,
    statistic: Statistic = "mean",
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """Percentile bootstrap interval of the mean or median.

    Args:
        values: [n] finite numbers.
        generator: source of the draws; the same seed gives the same interval.
        groups: [n] the unit each value belongs to, such as its mixture; whole units are drawn. Without it
            every value is a unit of its own.
        confidence: the share of resamples inside the interval.
        resamples: how many draws.

    Raises:
        ValueError: no values, a value that is not finite, or groups of another length.

    >>> bootstrap_interval([4.0, 4.0, 4.0], np.random.default_rng(0))
    Interval(estimate=4.0, low=4.0, high=4.0)
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or data.size == 0:
        raise ValueError(f"an interval needs a list of at least one value, got shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError("values must be finite: count a failure with its floor instead")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
    unit = _unit_indices(groups, data.size)
    order = np.argsort(data, kind="stable")
    data, unit = data[order], unit[order]
    estimate = _statistic(data, np.ones((1, data.size)), statistic)[0]
    blocks = _draws(unit, resamples, data.size, generator)
    draws = np.concatenate([_statistic(data, weights[:, unit], statistic) for weights in blocks])
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return Interval(float(estimate), float(low), float(high))


def paired_difference(
    first: ArrayLike,
    second: ArrayLike,
    generator: np.random.Generator,
    *,
    statistic: Statistic = "mean",
    groups: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """Interval of `first - second`, value by value on the same items: far narrower than two intervals apart,
    because what is hard for one method is mostly hard for the other.

    Arguments and errors as in `bootstrap_interval`; `first` and `second` are both [n].

    >>> paired_difference([5.0, 9.0], [3.0, 7.0], np.random.default_rng(0))
    Interval(estimate=2.0, low=2.0, high=2.0)
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"paired values must be as many on both sides, got {a.shape} and {b.shape}")
    return bootstrap_interval(
        a - b, generator, statistic=statistic, groups=groups, confidence=confidence, resamples=resamples
    )


def _unit_indices(groups: Sequence[Hashable] | None, count: int) -> NDArray[np.int64]:
    if groups is None:
        return np.arange(count)
    if len(groups) != count:
        raise ValueError(f"{count} values but {len(groups)} groups")
    index: dict[Hashable, int] = {}
    return np.array([index.setdefault(group, len(index)) for group in groups])


def _draws(
    unit: NDArray[np.int64], resamples: int, columns: int, generator: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """How often each unit was drawn: blocks of [resamples, units], small enough for memory."""
    units = int(unit.max()) + 1
    block = max(1, _BLOCK_ELEMENTS // columns)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        yield generator.multinomial(units, np.full(units, 1.0 / units), size=size).astype(np.float64)


def _statistic(
    ordered: NDArray[np.float64], weights: NDArray[np.float64], statistic: Statistic
) -> NDArray[np.float64]:
    """Weighted mean or median of rising values [n] for each row of weights [resamples, n]."""
    total = weights.sum(1)
    if statistic == "mean":
        # Centred first: equal values then give exactly their value.
        centre = ordered[0]
        return np.asarray(centre + weights @ (ordered - centre) / total)
    if statistic != "median":
        raise ValueError(f"statistic must be 'mean' or 'median', got {statistic!r}")
    twice = 2.0 * weights.cumsum(1)
    lower = ordered[(twice >= total[:, None]).argmax(1)]
    upper = ordered[(twice > total[:, None]).argmax(1)]
    return np.asarray((lower + upper) / 2.0)
