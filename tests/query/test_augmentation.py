from __future__ import annotations

import numpy as np
import pytest
import torch

from stemless.query.augmentation import AugmentationConfig, augmented, quick_size, samples_before
from stemless.query.recordings import level_db

RATE = 16000
SAMPLES = 16384


def sine(f_hz: float, samples: int = SAMPLES) -> torch.Tensor:
    return torch.sin(2 * torch.pi * f_hz * torch.arange(samples, dtype=torch.float64) / RATE).float()


def peak_hz(audio: torch.Tensor) -> float:
    return float(torch.fft.rfft(audio * torch.hann_window(len(audio))).abs().argmax()) * RATE / len(audio)


def test_nothing_asked_for_changes_nothing() -> None:
    noise = torch.randn(SAMPLES)
    config, random = AugmentationConfig(), np.random.default_rng(0)
    assert not config.changes and samples_before(1001, config, random) == 1001
    assert torch.allclose(augmented(noise, SAMPLES, RATE, config, random), noise, atol=1e-5)


def test_another_speed_is_another_pitch_at_the_same_level() -> None:
    config = AugmentationConfig(speed=0.25)
    factors = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        taken = samples_before(SAMPLES, config, random)
        heard = augmented(sine(1000, taken), SAMPLES, RATE, config, random)
        factors.append(taken / SAMPLES)
        assert heard.shape == (SAMPLES,)
        assert peak_hz(heard) == pytest.approx(1000 * taken / SAMPLES, rel=2e-3)
        assert level_db(heard) == pytest.approx(-3.01, abs=0.1)
    assert 0.79 < min(factors) < 0.95 and 1.05 < max(factors) < 1.3


def test_a_low_pass_takes_the_top_alone() -> None:
    config = AugmentationConfig(low_pass=1.0, lowest_pass_hz=2000)
    for seed in range(4):
        low, high = (
            augmented(sine(f_hz), SAMPLES, RATE, config, np.random.default_rng(seed)) for f_hz in (200, 7900)
        )
        assert level_db(low) == pytest.approx(-3.01, abs=0.1) and level_db(high) < -5.5


def test_an_equaliser_is_smooth_and_differs() -> None:
    config = AugmentationConfig(equaliser_db=4)
    impulse = torch.zeros(SAMPLES)
    impulse[0] = 1
    gains = []
    for seed in range(20):
        response = torch.fft.rfft(augmented(impulse, SAMPLES, RATE, config, np.random.default_rng(seed)))
        gains.append(20 * response.abs().log10())
    curves = torch.stack(gains)
    assert 1.5 < float(curves.std(0).mean()) < 5
    # Points are an octave and more apart: no step from bin to bin, but at the lowest where bins are far.
    assert float(curves[:, 100:].diff(dim=1).abs().max()) < 0.2


def test_a_room_rings_after_the_sound() -> None:
    click = torch.zeros(SAMPLES)
    click[1000] = 1
    heard = augmented(click, SAMPLES, RATE, AugmentationConfig(room=1.0), np.random.default_rng(1))
    assert float(heard[1000]) == pytest.approx(1, abs=1e-3)
    tail_db = [level_db(heard[start : start + 400]) for start in (1001, 2000, 4000)]
    assert tail_db[0] > tail_db[1] > tail_db[2] and level_db(heard[:999]) < -100
    assert -19 < 10 * np.log10(float(heard[1001:].square().sum())) < -3


def test_sizes_are_quick() -> None:
    for target in (1, 65, 65280, 71000.5):
        size = quick_size(target)
        assert target <= size < 1.1 * target + 64
        assert all(factor in (2, 3, 5) for factor in factors(size))


def factors(number: int) -> set[int]:
    found = set()
    for prime in range(2, number + 1):
        while number % prime == 0:
            found.add(prime)
            number //= prime
        if number == 1:
            break
    return found


@pytest.mark.parametrize(
    "settings", [{"speed": 0.5}, {"equaliser_db": -1}, {"low_pass": 2}, {"room": -1}, {"lowest_pass_hz": 0}]
)
def test_impossible_settings(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        AugmentationConfig(**settings)
