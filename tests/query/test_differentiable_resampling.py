from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal
import soxr
import torch
from torch import Tensor

from stemless.query.differentiable_resampling import Resampler, resample, sinc_filters
from stemless.resampling import resample as resample_recording
from stemless.resampling import resampled_length
from toy_separators import error_db, noise

RATES = [(16000, 48000), (48000, 16000), (44100, 16000), (16000, 44100), (16000, 22050), (8000, 16000)]


def sine(f_hz: float, rate: int, seconds: float = 1.0) -> Tensor:
    return torch.sin(
        2 * math.pi * f_hz * torch.arange(round(seconds * rate), dtype=torch.float64) / rate + 0.3
    )


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_sine_is_the_sine_at_the_other_rate(from_rate: int, to_rate: int, share: float) -> None:
    f_hz = share * min(from_rate, to_rate) / 2
    found = resample(sine(f_hz, from_rate), from_rate, to_rate)
    assert found.shape == (to_rate,)
    inside = slice(to_rate // 20, -to_rate // 20)
    assert error_db(found[inside], sine(f_hz, to_rate)[inside]) < -85


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_what_the_lower_rate_cannot_hold_is_gone(from_rate: int, to_rate: int) -> None:
    if from_rate < to_rate:
        # Upwards nothing may mirror: at the new rate there is nothing above the old band.
        found = resample(noise(1, from_rate)[0].double(), from_rate, to_rate)
        power = torch.fft.rfft(found * torch.hann_window(to_rate, dtype=torch.float64)).abs().square()
        above = power[from_rate // 2 + 4 :].sum() / power.sum()
    else:
        found = resample(sine(0.51 * to_rate, from_rate), from_rate, to_rate)
        above = found[to_rate // 20 : -to_rate // 20].square().mean() / 0.5
    assert 10 * math.log10(above) < -80


@pytest.mark.parametrize(("from_rate", "to_rate"), [(16000, 48000), (48000, 16000), (44100, 16000)])
def test_agrees_with_other_resamplers_inside_the_band(from_rate: int, to_rate: int) -> None:
    low = scipy.signal.butter(16, 0.5 * min(from_rate, to_rate) / from_rate, output="sos")
    audio = scipy.signal.sosfilt(low, np.random.default_rng(0).standard_normal(from_rate // 2))
    ours = resample(torch.from_numpy(audio), from_rate, to_rate)
    inside = slice(to_rate // 50, -to_rate // 50)
    for oracle in (
        soxr.resample(audio, from_rate, to_rate, "VHQ"),
        scipy.signal.resample_poly(audio, to_rate // 100, from_rate // 100, window=("kaiser", 10.0)),
    ):
        assert error_db(ours[inside], torch.from_numpy(oracle)[inside]) < -95
    theirs = resample_recording(torch.from_numpy(audio).float()[None], from_rate, to_rate)[0]
    assert error_db(ours[inside], theirs[inside]) < -95


def test_there_and_back_is_the_signal() -> None:
    low = scipy.signal.butter(12, 0.75, output="sos")
    audio = torch.from_numpy(scipy.signal.sosfilt(low, np.random.default_rng(1).standard_normal(8000)))
    back = resample(resample(audio, 16000, 48000), 48000, 16000)
    assert error_db(back[400:-400], audio[400:-400]) < -60


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
@pytest.mark.parametrize("samples", [1, 2, 7, 100, 1001])
def test_lengths_are_those_of_recordings(from_rate: int, to_rate: int, samples: int) -> None:
    found = resample(torch.ones(2, 3, samples), from_rate, to_rate)
    assert found.shape == (2, 3, resampled_length(samples, from_rate, to_rate))
    assert bool(torch.isfinite(found).all())


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_every_filter_passes_a_constant_and_gradients_sum_to_the_ratio(from_rate: int, to_rate: int) -> None:
    filters, _, _ = sinc_filters(from_rate, to_rate)
    assert torch.allclose(filters.sum(1), torch.ones(len(filters), dtype=torch.float64))
    audio = torch.zeros(4000, dtype=torch.float64, requires_grad=True)
    resample(audio, from_rate, to_rate).sum().backward()  # type: ignore[no-untyped-call]
    assert audio.grad is not None
    middle = audio.grad[1500:2500]
    assert torch.allclose(middle, torch.full_like(middle, to_rate / from_rate), atol=2e-4)


@pytest.mark.parametrize(("from_rate", "to_rate"), [(2, 3), (3, 1), (147, 160), (1, 3)])
def test_gradients(from_rate: int, to_rate: int) -> None:
    audio = torch.randn(2, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    audio.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: resample(x, from_rate, to_rate, zeros=4), (audio,))


def test_the_module_does_what_the_function_does() -> None:
    audio = noise(3, 500)
    module = Resampler(16000, 48000)
    assert torch.equal(module(audio), resample(audio, 16000, 48000))
    assert module.state_dict() == {}
    exact = Resampler(16000, 48000, dtype=torch.float64)
    assert torch.equal(exact(audio.double()), resample(audio.double(), 16000, 48000))
    assert Resampler(16000, 16000)(audio) is audio and resample(audio, 48000, 48000) is audio


def test_mixed_precision_stops_here() -> None:
    audio = noise(1, 500)
    expected = resample(audio, 16000, 48000)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resample(audio, 16000, 48000), expected)
    half = resample(audio.bfloat16(), 16000, 48000)
    assert half.dtype == torch.float32 and error_db(half, expected) < -40


def test_impossible_rates() -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        resample(torch.ones(3), 0, 16000)
    with pytest.raises(ValueError, match="only 1 Hz in common"):
        resample(torch.ones(3), 44100, 44101)
    with pytest.raises(ValueError, match="at least one sample"):
        resample(torch.ones(2, 0), 16000, 48000)
