import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from stemless.data.tract import (
    band_response,
    filter_frames,
    frame_count,
    resonance_polynomial,
    upper_resonances,
)

RATE = 16000
FORMANTS = torch.tensor([700.0, 1200.0, 2600.0, 3500.0, 4500.0])
WIDTHS = torch.tensor([80.0, 90.0, 120.0, 150.0, 200.0])


def steady(samples: int, tract: torch.Tensor, hiss: torch.Tensor, nose_hz: float = 270.0) -> torch.Tensor:
    frames = frame_count(samples, RATE)
    return filter_frames(
        tract,
        hiss,
        formants_hz=FORMANTS.expand(frames, -1),
        bandwidths_hz=WIDTHS.expand(frames, -1),
        nasal_zero_hz=torch.full((frames,), nose_hz),
        nasal_pole_hz=270.0,
        frication_hz=torch.full((frames,), 4000.0),
        frication_width_hz=torch.full((frames,), 1000.0),
        fixed=upper_resonances(4500.0, 1000.0, RATE),
        sample_rate=RATE,
    )


def test_polynomial_has_its_peaks_at_the_formants() -> None:
    response = 1 / torch.fft.rfft(resonance_polynomial(FORMANTS, WIDTHS, RATE), n=RATE).abs()
    for formant in FORMANTS.tolist():
        near = response[int(formant) - 150 : int(formant) + 150]
        assert abs(int(near.argmax()) - 150) < 40
    assert response[0] == pytest.approx(1.0)


def test_resonances_above_half_the_rate_change_nothing() -> None:
    inside = resonance_polynomial(FORMANTS[:3], WIDTHS[:3], RATE)
    both = resonance_polynomial(
        torch.cat((FORMANTS[:3], torch.tensor([9000.0]))), torch.cat((WIDTHS[:3], torch.tensor([90.0]))), RATE
    )
    torch.testing.assert_close(both[:7], inside)
    assert not both[7:].any()


def test_steady_tract_is_the_recursive_filter() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(RATE)).float()
    out = steady(RATE, noise, torch.zeros(RATE))
    fixed = upper_resonances(4500.0, 1000.0, RATE)
    poles = np.convolve(
        resonance_polynomial(FORMANTS, WIDTHS, RATE).numpy(), resonance_polynomial(*fixed, RATE).numpy()
    )
    expected = lfilter([1.0], poles, noise.double().numpy())
    error = out.double().numpy() - expected
    assert 10 * np.log10(np.mean(error**2) / np.mean(expected**2)) < -50


def test_nose_takes_a_band_out() -> None:
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(RATE)).float()
    mouth = steady(RATE, noise, torch.zeros(RATE))
    nose = steady(RATE, noise, torch.zeros(RATE), nose_hz=1000.0)
    change = torch.fft.rfft(nose).abs().square() / torch.fft.rfft(mouth).abs().square()
    dip, above, low = change[980:1020].mean(), change[1900:2100].mean(), change[180:260].mean()
    assert 10 * torch.log10(dip / above) < -15
    assert 10 * torch.log10(dip / low) < -25


def test_frication_band_lies_where_asked_with_unit_power() -> None:
    band = band_response(torch.tensor([4000.0]), torch.tensor([1000.0]), 1024, RATE)[0].abs().square()
    assert int(band.argmax()) * RATE / 1024 == pytest.approx(4000, abs=100)
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(8 * RATE)).float()
    out = steady(8 * RATE, torch.zeros(8 * RATE), noise)
    assert float(out.square().mean()) == pytest.approx(1.0, abs=0.1)
