"""Events in time, and bodies that ring."""

from __future__ import annotations

import numpy as np
import pytest

from stemless.data.everyday import events
from stemless.data.everyday.events import (
    Body,
    decay,
    gathered_times,
    lay,
    random_times,
    regular_times,
    scatter,
)
from stemless.data.everyday.stage import Stage


def _stage(seconds: float = 4.0, seed: int = 0) -> Stage:
    return Stage(np.random.default_rng(seed), seconds)


def test_independent_events_are_as_many_as_their_rate_says() -> None:
    times = random_times(_stage(1000.0), 5.0)
    assert len(times) == pytest.approx(5000, abs=250)
    # Poisson: gaps are exponential, their deviation is their mean.
    assert np.diff(times).std() == pytest.approx(np.diff(times).mean(), rel=0.05)


def test_a_beat_keeps_its_rate() -> None:
    times = regular_times(_stage(100.0), 2.5, 0.02, start=0.1)
    assert times[0] == pytest.approx(0.1)
    assert np.diff(times).mean() == pytest.approx(0.4, rel=0.01)
    assert np.diff(times).std() == pytest.approx(0.02 * 0.4, rel=0.25)
    assert times[-1] < 100


def test_events_gather_where_the_weight_is() -> None:
    stage = _stage(10.0)
    weight = np.where(stage.times < 2, 1.0, 0.0)
    times = gathered_times(stage, weight, 500)
    assert len(times) == 500 and times.max() <= 2.001
    assert np.mean(times) == pytest.approx(1.0, abs=0.1)


def test_scatter_is_the_sum_of_its_grains() -> None:
    generator = np.random.default_rng(1)
    grains = generator.standard_normal((40, 30))
    starts = generator.integers(-20, 210, 40)
    expected = np.zeros(200)
    for start, grain in zip(starts, grains, strict=True):
        lay(expected, start, grain)
    assert scatter(200, starts, grains) == pytest.approx(expected)
    assert scatter(5, np.zeros(0), np.zeros((0, 3))).tolist() == [0.0] * 5


def test_lay_cuts_what_lies_outside() -> None:
    target = np.zeros(4)
    lay(target, -1, np.ones(3))
    lay(target, 3, np.full(9, 2.0))
    lay(target, 9, np.ones(2))
    lay(target, -5, np.ones(2))
    assert target.tolist() == [1, 1, 0, 2]


def test_decay_falls_by_sixty_decibels() -> None:
    fall = decay(16001, 1.0, 16000)
    assert 20 * np.log10(fall[16000]) == pytest.approx(-60, abs=0.05)


def test_a_struck_body_rings_at_its_modes_and_dies_as_they_do() -> None:
    frequencies = np.array([420.0, 1370.0, 2900.0])
    body = Body(frequencies, np.array([2.0, 1.0, 0.5]), np.ones(3))
    sound = body.struck(_stage(), 1, 1.0, spot=0.0, click=0.0)[0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    bins = np.fft.rfftfreq(len(sound), 1 / 16000)
    for frequency in frequencies:
        near = np.abs(bins - frequency) < 60
        assert bins[near][np.argmax(spectrum[near])] == pytest.approx(frequency, abs=2)
    one = Body(np.array([800.0]), np.array([0.6]), np.ones(1)).struck(_stage(), 1, 0.6, 0.0, 0.0)[0]
    early, late = np.abs(one[:1600]).max(), np.abs(one[4800:6400]).max()
    assert 20 * np.log10(late / early) == pytest.approx(-60 * 0.3 / 0.6, abs=0.5)


def test_modes_above_half_the_rate_are_left_out() -> None:
    body = Body(np.array([9000.0]), np.array([1.0]), np.ones(1))
    assert np.abs(body.basis(0.1, 16000)).max() == 0


def test_a_blow_brings_noise_only_while_it_lasts() -> None:
    body = Body(np.array([500.0]), np.array([0.2]), np.ones(1))
    with_click = body.struck(_stage(), 3, 0.2, 0.0, click=1.0)
    without = body.struck(_stage(), 3, 0.2, 0.0, click=0.0)
    apart = np.abs(np.abs(with_click) - np.abs(without))
    assert apart[:, :200].max() > 0.3
    assert apart[:, 400:].max() < 1e-9


@pytest.mark.parametrize("name", ["GLASS", "CERAMIC", "METAL", "THIN_METAL", "WOOD", "PLASTIC"])
def test_every_random_body_can_be_heard(name: str) -> None:
    for seed in range(20):
        stage = _stage(1.0, seed)
        body = getattr(events, name).body(stage, stage.around(0.25, 4))
        assert np.all(np.diff(body.frequencies_hz) > 0)
        assert np.abs(body.struck(stage, 2, 0.05)).max(1).min() > 0


def test_metal_rings_longer_than_wood() -> None:
    def ring(material: events.Material) -> float:
        bodies = [material.body(_stage(1.0, seed)) for seed in range(30)]
        return float(np.median(np.concatenate([body.t60_seconds for body in bodies])))

    assert ring(events.METAL) > 5 * ring(events.WOOD)
