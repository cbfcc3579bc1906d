"""Filters by their gain."""

from __future__ import annotations

import numpy as np
import pytest

from stemless.data.everyday.spectra import (
    HOP,
    band_noise,
    bell,
    fast_length,
    frame_count,
    frame_frequencies,
    frames_of,
    low_pass,
    moving,
    noise,
    shaped,
    steady,
)
from stemless.data.everyday.stage import Stage, Wave


def _stage(seconds: float = 8.0) -> Stage:
    return Stage(np.random.default_rng(3), seconds)


def _level_db(signal: Wave, low_hz: float, high_hz: float) -> float:
    """Density of power in a band."""
    frequencies = np.fft.rfftfreq(len(signal), 1 / 16000)
    power = np.abs(np.fft.rfft(signal)) ** 2
    return float(10 * np.log10(power[(frequencies >= low_hz) & (frequencies < high_hz)].mean()))


def test_noise_has_the_slope_that_was_asked_for() -> None:
    pink_ish = noise(_stage(), [(50, 0), (6400, -42)])  # 6 dB an octave over 7 octaves
    levels = [_level_db(pink_ish, 0.95 * hz, 1.05 * hz) for hz in (100, 200, 400, 800, 1600, 3200)]
    assert np.diff(levels) == pytest.approx([-6] * 5, abs=1.5)
    assert np.sqrt(np.mean(pink_ish**2)) == pytest.approx(1)


def test_shaping_does_not_delay_or_wrap() -> None:
    click = np.zeros(4000)
    click[3990] = 1.0
    out = shaped(click, [(50, -20), (1000, 0), (8000, -20)], 16000)
    assert np.argmax(np.abs(out)) == 3990
    assert np.abs(out[:1000]).max() < 1e-3 * np.abs(out).max()


def test_band_noise_sits_about_its_centre() -> None:
    sound = band_noise(_stage(), 1000, 0.2)
    frequencies = np.fft.rfftfreq(len(sound), 1 / 16000)
    power = np.abs(np.fft.rfft(sound)) ** 2
    octaves = np.log2(np.maximum(frequencies, 1) / 1000)
    middle = float((octaves * power).sum() / power.sum())
    assert middle == pytest.approx(0, abs=0.05)
    # The gain is a Gaussian of 0.2 octaves, the power one of 0.2 / sqrt(2); wider at the top on a line of Hz.
    assert float(np.sqrt(((octaves - middle) ** 2 * power).sum() / power.sum())) == pytest.approx(
        0.141, abs=0.02
    )


def test_a_moving_filter_that_lets_all_through_changes_nothing() -> None:
    sound = _stage(0.7).noise()
    gains = np.ones((frame_count(len(sound)), len(frame_frequencies(16000))))
    assert moving(sound, gains) == pytest.approx(sound, abs=1e-9)


def test_a_moving_low_pass_moves() -> None:
    stage = _stage(2.0)
    cutoff = np.where(stage.times < 1, 500.0, 6000.0)
    sound = moving(stage.noise(), low_pass(frame_frequencies(16000), frames_of(cutoff), 4))
    first, second = sound[:15000], sound[17000:]
    assert _level_db(first, 2000, 3000) < _level_db(second, 2000, 3000) - 25
    assert _level_db(first, 100, 300) == pytest.approx(_level_db(second, 100, 300), abs=2)


def test_frames_of_reads_the_curve_at_the_centres() -> None:
    curve = np.arange(1000.0)
    assert frames_of(curve)[:3, 0].tolist() == [0, HOP, 2 * HOP]


def test_bell_is_one_at_its_centre_and_even_in_octaves() -> None:
    gains = bell(np.array([500.0, 1000.0, 2000.0]), 1000, 1.0)
    assert gains[1] == 1
    assert gains[0] == pytest.approx(gains[2]) and gains[0] == pytest.approx(np.exp(-0.5))


def test_fast_length_is_enough_and_not_much_more() -> None:
    for samples in (1, 17, 999, 128_001):
        assert samples <= fast_length(samples) <= 1.07 * samples + 1


def test_silence_stays_silence() -> None:
    assert steady(np.zeros(5)).tolist() == [0.0] * 5
