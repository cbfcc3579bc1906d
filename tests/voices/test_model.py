import math

import pytest
import torch
from plain import with_library_gru

from stemless.spectrum import stft
from stemless.voices.model import MASK_GRID, VoicesModel, masks_from_powers, power_of, voice_powers
from stemless.voices.network import NetworkConfig, SynthesisParameters
from stemless.voices.oscillator import phases_at_frames
from stemless.voices.synthesis import Excitation, SynthesisGrid, excite, synthesise_voices

GRID = SynthesisGrid()
SMALL = NetworkConfig(encoder_size=12, embedding_size=8, decoder_size=16)


def parameters(frames: int, amplitude: float, noise_gain: float, voices: int = 1) -> SynthesisParameters:
    even = math.pi * torch.arange(1, 21, dtype=torch.float64) / 21
    even = even + 0.05 * torch.sin(7 * even)
    return SynthesisParameters(
        torch.full((1, voices, frames), amplitude),
        torch.full((1, voices, frames), noise_gain),
        even.expand(1, voices, frames, 20),
        torch.linspace(1.0, 0.2, 40).expand(1, voices, 40),
    )


def test_harmonic_power_is_that_of_the_synthesised_voice() -> None:
    samples, f0 = 16000, torch.full((1, 1, 63), 220.0)
    given = parameters(63, 0.7, 1e-6)
    made = voice_powers(given, f0, torch.zeros(1, 1), samples, GRID)[0, 0]
    wanted = power_of(stft(synthesise_voices(given, excite(f0, samples, GRID), GRID, samples), MASK_GRID))[
        0, 0
    ]
    strong = wanted > 1e-4 * wanted.max()
    assert torch.allclose(made[strong], wanted[strong], rtol=1e-2)


def test_noise_power_is_the_mean_over_many_draws() -> None:
    samples, f0 = 12800, torch.zeros(1, 1, 51)
    given = parameters(51, 1e-7, 0.5)
    draws = []
    for seed in range(60):
        excitation = excite(f0, samples, GRID, torch.Generator().manual_seed(seed))
        draws.append(power_of(stft(synthesise_voices(given, excitation, GRID, samples), MASK_GRID)))
    mean = torch.stack(draws).mean(0)[0, 0, 40:-40, 8:-8].mean(-1)
    made = voice_powers(given, f0, torch.zeros(1, 1), samples, GRID)[0, 0, 40:-40, 8:-8].mean(-1)
    assert (10 * torch.log10(made / mean)).abs().mean() < 0.3


def test_a_stretch_has_the_power_that_it_has_in_the_whole() -> None:
    f0 = 180.0 + 20.0 * torch.sin(torch.arange(101) / 8.0)[None, None]
    phases = phases_at_frames(f0, 256, 16000)
    whole = voice_powers(parameters(101, 0.5, 0.01), f0, phases[..., 0], 100 * 256, GRID)[0, 0]
    later = voice_powers(parameters(91, 0.5, 0.01), f0[..., 10:], phases[..., 10], 90 * 256, GRID)[0, 0]
    a, b = whole[:, 20:-10].sqrt(), later[:, 10:-10].sqrt()
    assert 20 * torch.log10((a - b).norm() / a.norm()) < -90


def test_resting_voice_leaves_only_its_noise() -> None:
    f0 = torch.zeros(1, 1, 33)
    assert voice_powers(parameters(33, 2.0, 0.0), f0, torch.zeros(1, 1), 8192, GRID).max() == 0


@pytest.mark.parametrize("samples", [1, 300, 8191, 8192])
def test_powers_of_any_length(samples: int) -> None:
    f0 = torch.full((2, 3, 1 + samples // 256), 200.0)
    model = VoicesModel(SMALL)
    made = voice_powers(
        model.parameters_of(torch.randn(2, samples), f0), f0, torch.zeros(2, 3), samples, model.grid
    )
    assert made.shape == (2, 3, 1025, MASK_GRID.frames(samples)) and torch.isfinite(made).all()


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_masks_share_the_mixture(power: float) -> None:
    powers = torch.rand(1, 4, 5, 6)
    powers[..., 0, :] = 0.0
    masks = masks_from_powers(powers, power)
    assert torch.allclose(masks.sum(1)[:, 1:], torch.ones(1, 4, 6), atol=1e-5)
    assert masks[..., 0, :].max() == 0
    ratio = (powers[0, 0, 2, 3] / powers[0, 1, 2, 3]) ** (power / 2)
    assert torch.allclose(masks[0, 0, 2, 3] / masks[0, 1, 2, 3], ratio, rtol=1e-4)


def test_model_and_parts_agree() -> None:
    model = VoicesModel(SMALL)
    mixture, f0 = torch.randn(1, 4096), torch.full((1, 2, 17), 300.0)
    made = model(mixture, f0, torch.Generator().manual_seed(0))
    given = model.parameters_of(mixture, f0)
    excitation = excite(f0, 4096, model.grid, torch.Generator().manual_seed(0))
    assert torch.allclose(made, model.voices_from(given, excitation, 4096).sum(1), atol=1e-5)
    assert isinstance(excitation, Excitation)


def test_network_with_the_librarys_gru_says_the_same() -> None:
    model = VoicesModel(SMALL)
    mixture, f0 = torch.randn(2, 8192), 100 + 200 * torch.rand(2, 3, 33)
    made, wanted = model.parameters_of(mixture, f0), with_library_gru(model).parameters_of(mixture, f0)
    for name in ("amplitude", "noise_gain", "lsf", "noise_colour"):
        assert torch.allclose(getattr(made, name), getattr(wanted, name), atol=1e-5), name
