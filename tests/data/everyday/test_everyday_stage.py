"""Dice and curves."""

from __future__ import annotations

import numpy as np
import pytest

from stemless.data.everyday.stage import Stage, decibels


def test_the_same_seed_throws_the_same_dice() -> None:
    one, two = (Stage(np.random.default_rng(5), 2.0) for _ in range(2))
    assert one.around(1, 9) == two.around(1, 9)
    assert one.one_of("abcdef") == two.one_of("abcdef")
    assert np.array_equal(one.wander(0.3), two.wander(0.3))


def test_around_is_even_over_ratios() -> None:
    stage = Stage(np.random.default_rng(0), 1.0)
    drawn = np.array([stage.around(10, 1000) for _ in range(4000)])
    assert drawn.min() >= 10 and drawn.max() <= 1000
    assert np.mean(drawn < 100) == pytest.approx(0.5, abs=0.03)


def test_wander_turns_slowly_at_unit_deviation() -> None:
    slow = Stage(np.random.default_rng(1), 60.0, 1000).wander(0.5)
    assert slow.std() == pytest.approx(1.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(slow)) ** 2
    above = np.fft.rfftfreq(len(slow), 1e-3) > 6
    assert spectrum[above].sum() < 0.01 * spectrum.sum()


def test_phase_turns_at_the_rate() -> None:
    stage = Stage(np.random.default_rng(2), 1.0)
    phase = stage.phase(np.full(stage.samples, 440.0))
    assert phase[-1] - phase[0] == pytest.approx(440 * (stage.samples - 1) / stage.samples)


def test_decibels() -> None:
    assert decibels(np.array([0.0, -20.0, 6.0206])) == pytest.approx([1, 0.1, 2], rel=1e-4)
