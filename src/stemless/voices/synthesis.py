"""Source-filter synthesis of voices, frame by frame in the frequency domain (TASLP 2023, section III).

A frame of voice j is

    Y_j = (a_j E_j + g_j C_j U_j) / A_j

with E the windowed harmonic excitation under its fixed slope, U windowed noise, a and g the two
gains, C the colour of the noise and 1 / A the all-pole filter. E depends on f0 alone and U on
nothing, so the gradient runs through two gains, a colour and a filter, all of them per frame, and
no oscillator is ever differentiated. Frames are Hann windows of `2 hop_length` that overlap by half
and sum to one; each may ring on for `n_fft - 3 hop_length` samples after its end.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stemless.voices.filters import (
    MAX_GAIN,
    delay_basis,
    inverse_power,
    lsf_to_lpc,
)
from stemless.voices.network import SynthesisParameters
from stemless.voices.oscillator import harmonic_excitation, roll_off_response

NOISE_VARIANCE = 1.0 / 3.0
"""Of uniform noise in (-1, 1)."""


@dataclass(frozen=True)
class SynthesisGrid:
    """Frames of the synthesis: windows of `2 hop_length`, zero-padded to n_fft.

    The window starts one hop after the start of the n_fft samples: zero-phase filters reach back.
    """

    sample_rate: int = 16000
    hop_length: int = 256
    n_fft: int = 2048

    @property
    def bins(self) -> int:
        return self.n_fft // 2 + 1

    def frames(self, samples: int) -> int:
        """Frames that cover `samples` with full overlap: one at each end."""
        return 1 + -(-samples // self.hop_length)

    def frequencies_hz(self, device: torch.device | None = None) -> Tensor:
        return torch.linspace(0.0, 0.5 * self.sample_rate, self.bins, device=device)


def frame_windows(signal: Tensor, grid: SynthesisGrid) -> Tensor:
    """Windowed frames, placed in their n_fft samples: [..., time] -> [..., frames, n_fft]."""
    hop = grid.hop_length
    samples = signal.shape[-1]
    padded = torch.nn.functional.pad(signal, (hop, grid.frames(samples) * hop - samples))
    window = torch.hann_window(2 * hop, device=signal.device, dtype=signal.dtype)
    frames = padded.unfold(-1, 2 * hop, hop) * window
    return torch.nn.functional.pad(frames, (hop, grid.n_fft - 3 * hop))


def frame_spectra(signal: Tensor, grid: SynthesisGrid) -> Tensor:
    """Windowed frames [..., time] -> complex spectra [..., frames, bins]."""
    spectra: Tensor = torch.fft.rfft(frame_windows(signal, grid))
    return spectra


def join_frames(frames: Tensor, grid: SynthesisGrid, samples: int) -> Tensor:
    """Overlap-add: [..., frames, n_fft] -> signal [..., samples]; the inverse of `frame_windows`."""
    hop = grid.hop_length
    blocks = frames.unflatten(-1, (-1, hop))
    count, parts = blocks.shape[-3], blocks.shape[-2]
    summed = blocks.new_zeros(*blocks.shape[:-3], count + parts - 1, hop)
    for part in range(parts):
        summed[..., part : part + count, :] += blocks[..., part, :]
    # Two hops lie before the first sample: the pad of the frames and the lead in the n_fft samples.
    signal: Tensor = summed.flatten(-2)[..., 2 * hop : 2 * hop + samples]
    return signal


def overlap_add(spectra: Tensor, grid: SynthesisGrid, samples: int) -> Tensor:
    """Complex spectra [..., frames, bins] -> signal [..., samples]; the inverse of `frame_spectra`."""
    return join_frames(torch.fft.irfft(spectra, grid.n_fft), grid, samples)


def colour_basis(bands: int, n_fft: int, device: torch.device | None = None) -> Tensor:
    """Matrix [bands, bins] from the magnitudes of a noise filter to the response of its zero-phase FIR.

    The magnitudes are sampled evenly from 0 to half the sample rate; their inverse transform of
    2 (bands - 1) taps is tapered by a Hann window.
    """
    taps = 2 * (bands - 1)
    lags = torch.arange(taps, device=device, dtype=torch.float64) - taps // 2
    angles = math.pi * torch.arange(bands, device=device, dtype=torch.float64) / (bands - 1)
    weight = torch.full((bands,), 2.0, device=device, dtype=torch.float64)
    weight[0] = weight[-1] = 1.0
    impulse = weight[:, None] / taps * torch.cos(angles[:, None] * lags)
    impulse = impulse * torch.hann_window(taps, device=device, dtype=torch.float64)
    omega = math.pi * torch.arange(n_fft // 2 + 1, device=device, dtype=torch.float64) / (n_fft // 2)
    return (impulse @ torch.cos(lags[:, None] * omega)).float()


@dataclass(frozen=True)
class Excitation:
    """Spectra of what the filters are driven by, both [batch, voices, frames, bins], without gradient."""

    harmonic: Tensor
    noise: Tensor


def excite(
    f0_hz: Tensor,
    samples: int,
    grid: SynthesisGrid,
    generator: torch.Generator | None = None,
    initial_phase: Tensor | None = None,
) -> Excitation:
    """Excitation of voices with f0_hz [batch, voices, frames]; the noise is uniform in (-1, 1)."""
    with torch.no_grad():
        harmonic = harmonic_excitation(
            f0_hz, grid.hop_length, samples, grid.sample_rate, initial_phase=initial_phase
        )
        slope = roll_off_response(grid.frequencies_hz(f0_hz.device))
        noise = torch.rand(harmonic.shape, generator=generator, device=harmonic.device) * 2.0 - 1.0
        return Excitation(frame_spectra(harmonic, grid) * slope, frame_spectra(noise, grid))


def cover_frames(values: Tensor, frames: int, dim: int) -> Tensor:
    """Cut or hold the last frame, so that parameters cover the frames of the synthesis."""
    missing = frames - values.shape[dim]
    if missing <= 0:
        return values.narrow(dim, 0, frames)
    last = values.narrow(dim, values.shape[dim] - 1, 1)
    return torch.cat([values, last.expand(*[missing if i == dim else -1 for i in range(values.ndim)])], dim)


class _SumOfVoices(torch.autograd.Function):
    """sum_j (a_j E_j + g_j C_j U_j) / A_j and its adjoint in closed form, a voice at a time.

    The spectra of all voices and frames are by far the largest tensors of a training step. Here they
    live for one voice of one example only, small enough for the cache, and A is all that is kept of them.
    """

    @staticmethod
    def forward(
        ctx: Any,
        amplitude: Tensor,
        noise_gain: Tensor,
        colour: Tensor,
        lpc: Tensor,
        harmonic: Tensor,
        noise: Tensor,
        n_fft: int,
    ) -> Tensor:
        batch, voices, frames, bins = harmonic.shape
        real = amplitude.new_empty(batch, voices, frames, bins)
        imaginary = torch.empty_like(real)
        total = harmonic.new_zeros(batch, frames, bins)
        basis = delay_basis(lpc.shape[-1], n_fft, lpc)
        for example, voice in itertools.product(range(batch), range(voices)):
            at = (example, voice)
            # float64 up to here: the coefficients cancel (see `lsf_to_lpc`).
            real[at], imaginary[at] = lpc[at] @ basis[0], lpc[at] @ basis[1]
            source = _source(amplitude[at], noise_gain[at], colour[at], harmonic[at], noise[at])
            inverse = inverse_power(real[at], imaginary[at])
            total[example] += source * torch.complex(real[at] * inverse, -imaginary[at] * inverse)
        ctx.save_for_backward(amplitude, noise_gain, colour, harmonic, noise, real, imaginary)
        ctx.lpc_shape, ctx.lpc_dtype, ctx.n_fft = lpc.shape, lpc.dtype, n_fft
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        amplitude, noise_gain, colour, harmonic, noise, real, imaginary = ctx.saved_tensors
        batch, voices = amplitude.shape[:2]
        d_amplitude, d_gain = torch.empty_like(amplitude), torch.empty_like(noise_gain)
        d_colour = torch.empty_like(colour)
        d_lpc = amplitude.new_empty(ctx.lpc_shape)
        basis = delay_basis(ctx.lpc_shape[-1], ctx.n_fft, amplitude)
        back = torch.stack(basis, -1).flatten(-2).t().contiguous()
        floor = (0.5 / MAX_GAIN) ** 2
        for example in range(batch):
            gradient = gradients[0][example]
            conjugate = gradient.conj().resolve_conj()
            for voice in range(voices):
                at = (example, voice)
                inverse = inverse_power(real[at], imaginary[at])
                adjoint = torch.complex(real[at] * inverse, imaginary[at] * inverse)
                to_source = _pairs(gradient * adjoint)
                d_amplitude[at] = (to_source * _pairs(harmonic[at])).sum(-1)
                with_noise = to_source * _pairs(noise[at])
                d_gain[at] = with_noise @ colour[at].repeat_interleave(2)
                d_colour[at] = (noise_gain[at] @ with_noise).unflatten(-1, (-1, 2)).sum(-1)
                # H = conj(A) / (|A|^2 + e^2) moves by -H^2 dA + e^2 / (|A|^2 + e^2)^2 conj(dA).
                source = _source(amplitude[at], noise_gain[at], colour[at], harmonic[at], noise[at])
                from_response = conjugate * source
                bend = from_response * (floor * inverse * inverse)
                to_inverse = bend - adjoint * adjoint * from_response.conj()
                d_lpc[at] = _pairs(to_inverse) @ back
        return d_amplitude, d_gain, d_colour, d_lpc.to(ctx.lpc_dtype), None, None, None


def _source(amplitude: Tensor, gain: Tensor, colour: Tensor, harmonic: Tensor, noise: Tensor) -> Tensor:
    """a E + g C U of one voice: [frames, bins]."""
    return amplitude.unsqueeze(-1) * harmonic + torch.outer(gain, colour) * noise


def _pairs(spectrum: Tensor) -> Tensor:
    """Real and imaginary parts side by side: [frames, bins] complex -> [frames, 2 bins]."""
    return torch.view_as_real(spectrum.resolve_conj()).flatten(-2)


def mixture_spectra(parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid) -> Tensor:
    """Spectra of the frames, summed over the voices: [batch, frames, bins] complex."""
    frames = excitation.harmonic.shape[2]
    basis = colour_basis(parameters.noise_colour.shape[-1], grid.n_fft, excitation.noise.device)
    spectra: Tensor = _SumOfVoices.apply(  # type: ignore[no-untyped-call]
        cover_frames(parameters.amplitude, frames, 2),
        cover_frames(parameters.noise_gain, frames, 2),
        parameters.noise_colour @ basis.to(parameters.noise_colour.dtype),
        lsf_to_lpc(cover_frames(parameters.lsf, frames, 2).double()),
        excitation.harmonic,
        excitation.noise,
        grid.n_fft,
    )
    return spectra


def synthesise_mixture(
    parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid, samples: int
) -> Tensor:
    """Sum of the voices [batch, samples]: summed as spectra, transformed once."""
    return overlap_add(mixture_spectra(parameters, excitation, grid), grid, samples)


def synthesise_voices(
    parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid, samples: int
) -> Tensor:
    """Each voice [batch, voices, samples]."""
    batch, voices = parameters.amplitude.shape[:2]
    alone = SynthesisParameters(
        *(
            getattr(parameters, field.name).flatten(0, 1).unsqueeze(1)
            for field in dataclasses.fields(SynthesisParameters)
        )
    )
    driven = Excitation(
        excitation.harmonic.flatten(0, 1).unsqueeze(1), excitation.noise.flatten(0, 1).unsqueeze(1)
    )
    made: Tensor = synthesise_mixture(alone, driven, grid, samples).unflatten(0, (batch, voices))
    return made
