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
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stemless.voices.filters import (
    MAX_GAIN,
    allpole_response,
    guarded_inverse,
    inverse_filter_response,
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


def filter_responses(parameters: SynthesisParameters, frames: int, grid: SynthesisGrid) -> Tensor:
    """1 / A of each voice and frame: [batch, voices, frames, bins] complex64."""
    lpc = lsf_to_lpc(parameters.lsf.double())
    return cover_frames(allpole_response(lpc, grid.n_fft).to(torch.complex64), frames, 2)


def voice_spectra(parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid) -> Tensor:
    """Spectra of the frames of each voice: [batch, voices, frames, bins] complex."""
    frames = excitation.harmonic.shape[2]
    amplitude = cover_frames(parameters.amplitude, frames, 2).unsqueeze(-1)
    noise_gain = cover_frames(parameters.noise_gain, frames, 2).unsqueeze(-1)
    basis = colour_basis(parameters.noise_colour.shape[-1], grid.n_fft, amplitude.device)
    colour = (parameters.noise_colour @ basis).unsqueeze(2)
    source = amplitude * excitation.harmonic + (noise_gain * colour) * excitation.noise
    return source * filter_responses(parameters, frames, grid)


class _SumOfVoices(torch.autograd.Function):
    """sum_j (a_j E_j + g_j C_j U_j) / A_j and its adjoint in closed form, an example at a time.

    The spectra of all voices and frames are by far the largest tensors of a training step. Here they
    live for one example only, and A is all that is kept of them.
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
        inverse = torch.stack([inverse_filter_response(one, n_fft).to(harmonic.dtype) for one in lpc])
        total = torch.stack(
            [
                (_source(a, g, c, e, u) * guarded_inverse(response)).sum(0)
                for a, g, c, e, u, response in zip(
                    amplitude, noise_gain, colour, harmonic, noise, inverse, strict=True
                )
            ]
        )
        ctx.save_for_backward(amplitude, noise_gain, colour, harmonic, noise, inverse)
        ctx.taps, ctx.n_fft, ctx.lpc_dtype = lpc.shape[-1], n_fft, lpc.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows = []
        for gradient, a, g, c, e, u, inverse in zip(gradients[0], *ctx.saved_tensors, strict=True):
            response = guarded_inverse(inverse)
            to_source = gradient * response.conj()
            d_amplitude = _real_product(to_source, e).sum(-1)
            with_noise = _real_product(to_source, u)
            d_gain = (with_noise @ c.unsqueeze(-1)).squeeze(-1)
            d_colour = (g.unsqueeze(-2) @ with_noise).squeeze(-2)
            # H = conj(A) / (|A|^2 + e^2) moves by -H^2 dA + e^2 / (|A|^2 + e^2)^2 conj(dA).
            to_response = gradient * _source(a, g, c, e, u).conj()
            bend = (0.5 / MAX_GAIN) ** 2 / (inverse.abs().square() + (0.5 / MAX_GAIN) ** 2).square()
            to_inverse = bend * to_response.conj() - response.square().conj() * to_response
            rows.append((d_amplitude, d_gain, d_colour, _from_response(to_inverse, ctx.taps, ctx.n_fft)))
        d_amplitude, d_gain, d_colour, d_lpc = (torch.stack(column) for column in zip(*rows, strict=True))
        return d_amplitude, d_gain, d_colour, d_lpc.to(ctx.lpc_dtype), None, None, None


def _source(amplitude: Tensor, gain: Tensor, colour: Tensor, harmonic: Tensor, noise: Tensor) -> Tensor:
    """a E + g C U of one example: [voices, frames, bins]."""
    return amplitude.unsqueeze(-1) * harmonic + (gain.unsqueeze(-1) * colour.unsqueeze(-2)) * noise


def _real_product(x: Tensor, y: Tensor) -> Tensor:
    """Re(x conj(y))."""
    return x.real * y.real + x.imag * y.imag


def _from_response(gradient: Tensor, taps: int, n_fft: int) -> Tensor:
    """Adjoint of `inverse_filter_response`: [..., bins] -> [..., taps]."""
    delays = torch.arange(taps, device=gradient.device, dtype=torch.float64)
    omega = 2.0 * math.pi / n_fft * torch.arange(n_fft // 2 + 1, device=gradient.device, dtype=torch.float64)
    angles = (omega[:, None] * delays).to(gradient.real.dtype)
    return gradient.real @ torch.cos(angles) - gradient.imag @ torch.sin(angles)


def mixture_spectra(parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid) -> Tensor:
    """`voice_spectra` summed over the voices, [batch, frames, bins], for training: fast and small."""
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
