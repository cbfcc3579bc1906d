"""Bootstrap intervals: known distributions, a plain loop as oracle, seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stemless.evaluation.bootstrap import bootstrap_interval, paired_difference


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_mean_of_normal_values_has_the_textbook_width() -> None:
    values = generator(1).normal(3.0, 2.0, 400)
    found = bootstrap_interval(values, generator())
    assert found.estimate == pytest.approx(values.mean())
    standard_error = values.std() / np.sqrt(values.size)
    assert found.low == pytest.approx(values.mean() - 1.96 * standard_error, abs=0.02)
    assert found.high == pytest.approx(values.mean() + 1.96 * standard_error, abs=0.02)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_matches_scipy(statistic: str) -> None:
    values = generator(2).gamma(2.0, 3.0, 75)
    oracle = stats.bootstrap(
        (values,), getattr(np, statistic), n_resamples=20_000, method="percentile", rng=generator(3)
    ).confidence_interval
    found = bootstrap_interval(values, generator(), statistic=statistic, resamples=20_000)
    assert found.estimate == pytest.approx(getattr(np, statistic)(values))
    assert (found.low, found.high) == pytest.approx(tuple(oracle), abs=0.08)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_groups_are_drawn_whole(statistic: str) -> None:
    """Against a plain loop over drawn groups of unequal size."""
    random = generator(4)
    groups = [f"mixture {i}" for i in range(12) for _ in range(2 + i % 3)]
    centre = {group: random.normal() for group in set(groups)}
    values = np.array([centre[group] + 0.1 * random.normal() for group in groups])
    members = {group: values[[g == group for g in groups]] for group in centre}
    names = list(members)
    plain = [
        getattr(np, statistic)(np.concatenate([members[names[i]] for i in random.integers(12, size=12)]))
        for _ in range(4000)
    ]
    found = bootstrap_interval(values, generator(), statistic=statistic, groups=groups)
    low, high = np.quantile(plain, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1)
    alone = bootstrap_interval(values, generator(), statistic=statistic)
    assert found.high - found.low > 1.2 * (alone.high - alone.low)


def test_paired_difference_is_narrower_than_two_intervals() -> None:
    difficulty = generator(5).normal(0, 5, 60)
    first, second = difficulty + 1.0 + 0.1 * generator(6).normal(size=60), difficulty
    found = paired_difference(first, second, generator())
    assert found.estimate == pytest.approx((first - second).mean())
    assert 0.9 < found.low < found.estimate < found.high < 1.1
    assert bootstrap_interval(first, generator()).low < bootstrap_interval(second, generator()).high


def test_seed_decides() -> None:
    values = generator(7).normal(size=30)
    assert bootstrap_interval(values, generator(1)) == bootstrap_interval(values, generator(1))
    assert bootstrap_interval(values, generator(1)) != bootstrap_interval(values, generator(2))


def test_wider_confidence_is_a_wider_interval() -> None:
    values = generator(8).normal(size=50)
    narrow, wide = (bootstrap_interval(values, generator(), confidence=c) for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-80, 120), min_size=1, max_size=20), st.sampled_from(["mean", "median"]))
def test_interval_lies_within_the_values(values: list[float], statistic: str) -> None:
    found = bootstrap_interval(values, generator(), statistic=statistic, resamples=200)
    assert found.estimate == pytest.approx(getattr(np, statistic)(values))
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval([], generator())
    with pytest.raises(ValueError, match="finite"):
        bootstrap_interval([1.0, float("nan")], generator())
    with pytest.raises(ValueError, match="2 values but 1 groups"):
        bootstrap_interval([1.0, 2.0], generator(), groups=["a"])
    with pytest.raises(ValueError, match="confidence"):
        bootstrap_interval([1.0, 2.0], generator(), confidence=95)
    with pytest.raises(ValueError, match="statistic"):
        bootstrap_interval([1.0, 2.0], generator(), statistic="mode")
    with pytest.raises(ValueError, match="as many"):
        paired_difference([1.0], [1.0, 2.0], generator())
