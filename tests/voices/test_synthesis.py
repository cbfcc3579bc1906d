import math

import pytest
import torch
from plain import synthesise as plain_synthesise
from plain import voice_spectra

from stemless.voices.filters import lsf_to_lpc, spacing_to_lsf
from stemless.voices.network import SynthesisParameters
from stemless.voices.oscillator import harmonic_excitation
from stemless.voices.synthesis import (
    Excitation,
    SynthesisGrid,
    colour_basis,
    excite,
    frame_spectra,
    mixture_spectra,
    overlap_add,
    roll_off_response,
    synthesise_mixture,
    synthesise_voices,
)

GRID = SynthesisGrid()


def random_parameters(
    batch: int, voices: int, frames: int, seed: int = 0, steady: bool = False
) -> SynthesisParameters:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        values = torch.rand(shape, generator=generator)
        return values[:, :, :1].expand(shape) if steady and len(shape) > 2 else values

    spacing = 0.7 + 0.6 * draw(batch, voices, frames, 21).double()
    return SynthesisParameters(
        0.1 + draw(batch, voices, frames),
        0.1 * draw(batch, voices, frames),
        spacing_to_lsf(spacing),
        draw(batch, voices, 40),
    )


@pytest.mark.parametrize("samples", [1, 2, 255, 256, 257, 5000])
def test_frames_overlap_to_the_signal(samples: int) -> None:
    signal = torch.randn(2, samples, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(overlap_add(frame_spectra(signal, GRID), GRID, samples), signal, atol=1e-12)


def test_fast_form_equals_the_plain_form() -> None:
    samples, f0 = 6144, torch.tensor([[[110.0] * 25, [233.0] * 25]])
    parameters = random_parameters(1, 2, 25, steady=True)
    noise = torch.rand(1, 2, samples, generator=torch.Generator().manual_seed(2)) * 2 - 1
    harmonic = harmonic_excitation(f0, 256, samples, 16000)
    excitation = Excitation(
        frame_spectra(harmonic, GRID) * roll_off_response(GRID.frequencies_hz()), frame_spectra(noise, GRID)
    )
    made = synthesise_voices(parameters, excitation, GRID, samples)
    wanted = plain_synthesise(parameters, f0, noise)
    inside = slice(1024, 5120)
    error = (made - wanted)[..., inside].norm() / wanted[..., inside].norm()
    assert 20 * math.log10(error) < -40


def test_amplitude_of_a_sine_through_no_filter() -> None:
    # One partial, evenly spaced LSF (A = 1), corner of the slope far below: a gain known in advance.
    samples, f0 = 8192, torch.full((1, 1, 33), 5000.0)
    even = math.pi * torch.arange(1, 21, dtype=torch.float64) / 21
    parameters = SynthesisParameters(
        torch.full((1, 1, 33), 0.5), torch.zeros(1, 1, 33), even.expand(1, 1, 33, 20), torch.zeros(1, 1, 40)
    )
    made = synthesise_voices(parameters, excite(f0, samples, GRID), GRID, samples)[0, 0, 1000:7000]
    assert abs(float(made.square().mean().sqrt()) - 0.5 * 200 / 5000 / math.sqrt(2)) < 1e-4


def test_colour_is_the_response_asked_for() -> None:
    basis = colour_basis(40, 2048)
    assert torch.allclose(torch.ones(40) @ basis, torch.ones(1025), atol=1e-6)
    ramp = torch.linspace(0, 1, 40)
    assert ((ramp @ basis) - torch.linspace(0, 1, 1025)).abs()[40:-40].max() < 0.01


def test_sum_of_voices() -> None:
    f0 = torch.full((2, 3, 17), 200.0)
    parameters = random_parameters(2, 3, 17)
    excitation = excite(f0, 4000, GRID, torch.Generator().manual_seed(0))
    mixture = synthesise_mixture(parameters, excitation, GRID, 4000)
    assert torch.allclose(mixture, synthesise_voices(parameters, excitation, GRID, 4000).sum(1), atol=1e-5)


def test_adjoint_in_closed_form_equals_autograd() -> None:
    grid = SynthesisGrid(16000, 16, 128)
    generator = torch.Generator().manual_seed(3)
    spacing = (0.5 + torch.rand(2, 2, 5, 5, dtype=torch.float64, generator=generator)).requires_grad_()
    spacing.data[0, 0, :, 2] = 1e-7
    amplitude, gain = (
        torch.rand(2, 2, 5, dtype=torch.float64, generator=generator).requires_grad_() for _ in "ab"
    )
    colour = torch.rand(2, 2, 6, dtype=torch.float64, generator=generator).requires_grad_()
    leaves = (amplitude, gain, spacing, colour)
    harmonic, noise = (torch.randn(2, 2, 5, 65, dtype=torch.complex128, generator=generator) for _ in "ab")
    weight = torch.randn(2, 5, 65, dtype=torch.complex128, generator=generator)
    from stemless.voices.filters import allpole_response
    from stemless.voices.synthesis import _SumOfVoices

    basis = colour_basis(6, 128).double()

    def fast() -> torch.Tensor:
        lpc = lsf_to_lpc(spacing_to_lsf(spacing))
        return _SumOfVoices.apply(amplitude, gain, colour @ basis, lpc, harmonic, noise, grid.n_fft)

    def plain() -> torch.Tensor:
        response = allpole_response(lsf_to_lpc(spacing_to_lsf(spacing)), grid.n_fft)
        source = amplitude[..., None] * harmonic + gain[..., None] * (colour @ basis)[:, :, None] * noise
        return (source * response).sum(1)

    wanted = torch.autograd.grad((plain() * weight.conj()).real.sum(), leaves)
    made = torch.autograd.grad((fast() * weight.conj()).real.sum(), leaves)
    assert torch.allclose(fast(), plain(), atol=1e-12)
    for a, b in zip(wanted, made, strict=True):
        assert (a - b).norm() <= 1e-9 * a.norm()


def test_gradients_in_float64() -> None:
    from stemless.voices.synthesis import _SumOfVoices

    generator = torch.Generator().manual_seed(4)
    spacing = (0.5 + torch.rand(1, 2, 3, 5, dtype=torch.float64, generator=generator)).requires_grad_()
    amplitude, gain = (
        torch.rand(1, 2, 3, dtype=torch.float64, generator=generator).requires_grad_() for _ in "ab"
    )
    colour = torch.rand(1, 2, 9, dtype=torch.float64, generator=generator).requires_grad_()
    harmonic, noise = (torch.randn(1, 2, 3, 9, dtype=torch.complex128, generator=generator) for _ in "ab")
    assert torch.autograd.gradcheck(
        lambda a, g, c, e: _SumOfVoices.apply(a, g, c, lsf_to_lpc(spacing_to_lsf(e)), harmonic, noise, 16),
        (amplitude, gain, colour, spacing),
    )


def test_training_and_plain_spectra_agree() -> None:
    f0 = torch.full((1, 2, 9), 150.0)
    parameters = random_parameters(1, 2, 9)
    excitation = excite(f0, 2000, GRID, torch.Generator().manual_seed(5))
    fast, plain = (
        mixture_spectra(parameters, excitation, GRID),
        voice_spectra(parameters, excitation, GRID).sum(1),
    )
    assert (fast - plain).abs().max() < 1e-4 * plain.abs().max()


def test_same_generator_same_noise() -> None:
    f0 = torch.full((1, 1, 5), 150.0)
    one, two, other = (excite(f0, 1000, GRID, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.noise, two.noise) and not torch.equal(one.noise, other.noise)
