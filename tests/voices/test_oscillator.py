import math

import pytest
import torch
from plain import sum_of_sines as plain_sum

from stemless.voices.oscillator import (
    harmonic_excitation,
    held_f0,
    interpolate_frames,
    phases_at_frames,
    roll_off_response,
    sum_of_sines,
)


@pytest.mark.parametrize("partials", [1, 2, 7, 101])
def test_closed_form_equals_the_sum(partials: int) -> None:
    phase = torch.linspace(-20.0, 400.0, 5001, dtype=torch.float64)
    k = torch.arange(1, partials + 1, dtype=torch.float64)
    wanted = torch.sin(phase.unsqueeze(-1) * k).sum(-1)
    made = sum_of_sines(phase, torch.tensor(float(partials), dtype=torch.float64))
    assert (made - wanted).abs().max() < 1e-7 * partials**2


def test_closed_form_holds_at_and_around_whole_turns() -> None:
    offsets = torch.tensor([0.0, 1e-12, -1e-9, 1e-6, 1.9e-5, 2.1e-5, -1e-4], dtype=torch.float64)
    phase = 2 * math.pi * torch.tensor([0.0, 1.0, 37.0], dtype=torch.float64)[:, None] + offsets
    k = torch.arange(1, 102, dtype=torch.float64)
    wanted = torch.sin(phase.unsqueeze(-1) * k).sum(-1)
    made = sum_of_sines(phase, torch.tensor(101.0, dtype=torch.float64))
    assert torch.allclose(made, wanted, atol=1e-4)
    assert torch.isfinite(made).all()


def test_excitation_equals_the_plain_form_on_a_gliding_f0() -> None:
    torch.manual_seed(0)
    f0 = 90.0 + 600.0 * torch.rand(3, 33, dtype=torch.float64)
    f0[0, 5:9] = 0.0
    f0[1, :2] = 0.0
    made = harmonic_excitation(f0, 256, 8192, 16000)
    assert (made - plain_sum(f0, 256, 8192, 16000)).abs().max() < 1e-8


def test_one_partial_is_a_sine() -> None:
    made = harmonic_excitation(torch.full((1, 9), 7000.0, dtype=torch.float64), 256, 2048, 16000)
    n = torch.arange(1, 2049, dtype=torch.float64)
    assert torch.allclose(made[0], torch.sin(2 * math.pi * 7000.0 / 16000 * n), atol=1e-9)


def test_a_resting_voice_is_silent() -> None:
    f0 = torch.full((1, 41), 220.0)
    f0[:, 10:30] = 0.0
    made = harmonic_excitation(f0, 256, 10240, 16000)
    assert made[0, 10 * 256 : 29 * 256].abs().max() == 0
    assert harmonic_excitation(torch.zeros(2, 41), 256, 10240, 16000).abs().max() == 0


def test_no_partial_above_half_the_rate() -> None:
    made = harmonic_excitation(torch.full((1, 126), 410.0), 256, 32000, 16000)[0]
    spectrum = torch.fft.rfft(made * torch.hann_window(32000)).abs()
    assert spectrum[int(2 * 410 * 19.5) :].max() < 1e-3 * spectrum.max()


def test_f0_holds_through_rests() -> None:
    f0 = torch.tensor([[0.0, 0.0, 200.0, 0.0, 0.0, 0.0, 300.0, 0.0], [0.0] * 8])
    assert held_f0(f0).tolist() == [[200.0, 200.0, 200.0, 200.0, 200.0, 300.0, 300.0, 300.0], [0.0] * 8]


@pytest.mark.parametrize("samples", [1, 255, 256, 257, 1000])
def test_interpolation_of_any_length(samples: int) -> None:
    values = torch.tensor([0.0, 1.0, 2.0])
    made = interpolate_frames(values, 256, samples)
    position = (torch.arange(samples) / 256).clamp(max=2.0)
    assert torch.allclose(made, position)


def test_slope_is_six_decibels_an_octave() -> None:
    level = 20 * torch.log10(roll_off_response(torch.tensor([50.0, 1000.0, 2000.0, 4000.0])))
    assert level[0] == 0
    assert torch.allclose(level[1:-1] - level[2:], torch.tensor(6.0206), atol=1e-3)


def test_excitation_goes_on_from_any_frame() -> None:
    f0 = 150.0 + 100.0 * torch.rand(2, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    f0[0, 10:14] = 0.0
    whole = harmonic_excitation(f0, 256, 39 * 256, 16000)
    phases = phases_at_frames(f0, 256, 16000)
    for frame in (0, 1, 20, 35):
        rest = harmonic_excitation(
            f0[:, frame:], 256, (39 - frame) * 256, 16000, initial_phase=phases[:, frame]
        )
        assert (rest - whole[:, frame * 256 :]).abs().max() < 1e-8
