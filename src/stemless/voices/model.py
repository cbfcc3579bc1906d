"""The voices model: network and synthesiser together, and the masks they define."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stemless.spectrum import Grid, stft
from stemless.voices.filters import allpole_response, lsf_to_lpc
from stemless.voices.network import Level, NetworkConfig, SourceFilterNetwork, SynthesisParameters
from stemless.voices.oscillator import harmonic_excitation, roll_off_response
from stemless.voices.synthesis import (
    NOISE_VARIANCE,
    Excitation,
    SynthesisGrid,
    colour_basis,
    cover_frames,
    excite,
    frame_windows,
    join_frames,
    synthesise_mixture,
    synthesise_voices,
)

MASK_GRID = Grid(2048, 256)
"""STFT on which the masks are made (TASLP 2023, section IV-C)."""

FRAMES_AT_ONCE = 128
"""Frames whose responses are computed together when masks are made."""

POWER_FLOOR = 1e-12
"""Added to the summed powers: where no voice sounds, the mixture goes to the residual."""


class VoicesModel(nn.Module):
    """Mixture and f0 -> synthesised voices, whose sum is compared with the mixture in training."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.network = SourceFilterNetwork(self.config)
        self.grid = SynthesisGrid(self.config.sample_rate, self.config.hop_length, MASK_GRID.n_fft)

    def parameters_of(
        self,
        mixture: Tensor,
        f0_hz: Tensor,
        level: Level | None = None,
        noise_colour: Tensor | None = None,
    ) -> SynthesisParameters:
        """Synthesis parameters; see `SourceFilterNetwork.forward`."""
        parameters: SynthesisParameters = self.network(mixture, f0_hz, level, noise_colour)
        return parameters

    def forward(self, mixture: Tensor, f0_hz: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The mixture as the synthesiser makes it.

        mixture: [batch, time]. f0_hz: [batch, voices, frames]. Returns [batch, time].
        """
        samples = mixture.shape[-1]
        excitation = excite(f0_hz, samples, self.grid, generator)
        return self.mixture_from(self.parameters_of(mixture, f0_hz), excitation, samples)

    def mixture_from(self, parameters: SynthesisParameters, excitation: Excitation, samples: int) -> Tensor:
        return synthesise_mixture(parameters, excitation, self.grid, samples)

    def voices_from(self, parameters: SynthesisParameters, excitation: Excitation, samples: int) -> Tensor:
        return synthesise_voices(parameters, excitation, self.grid, samples)


def voice_powers(
    parameters: SynthesisParameters, f0_hz: Tensor, phase: Tensor, samples: int, grid: SynthesisGrid
) -> Tensor:
    """Power of each voice on the grid of the masks.

    The harmonic part is synthesised and transformed; of the noise the power spectrum is known without
    drawing any, so that masks are the same in every run.

    Args:
        f0_hz: [batch, voices, frames].
        phase: [batch, voices] of the oscillators before the first sample, from `phases_at_frames`, so
            that a stretch of a recording has the phases of the whole.

    Returns:
        [batch, voices, bins, mask frames].
    """
    frames = grid.frames(samples)
    amplitude = cover_frames(parameters.amplitude, frames, 2)
    noise_gain = cover_frames(parameters.noise_gain, frames, 2)
    lpc = lsf_to_lpc(cover_frames(parameters.lsf, frames, 2).double())
    colour = parameters.noise_colour @ colour_basis(
        parameters.noise_colour.shape[-1], grid.n_fft, f0_hz.device
    )
    f0, start, a, g, coefficients, c = (
        each.flatten(0, 1) for each in (f0_hz, phase, amplitude, noise_gain, lpc, colour)
    )
    rows = [
        _one_voice_power(f0[row], start[row], a[row], g[row], coefficients[row], c[row], samples, grid)
        for row in range(len(f0))
    ]
    powers: Tensor = torch.stack(rows).unflatten(0, f0_hz.shape[:2])
    return powers


def _one_voice_power(
    f0_hz: Tensor,
    phase: Tensor,
    amplitude: Tensor,
    noise_gain: Tensor,
    lpc: Tensor,
    colour: Tensor,
    samples: int,
    grid: SynthesisGrid,
) -> Tensor:
    """`voice_powers` of one voice, [bins, mask frames], in blocks of frames that stay in the cache."""
    excitation = harmonic_excitation(f0_hz, grid.hop_length, samples, grid.sample_rate, initial_phase=phase)
    slope = roll_off_response(grid.frequencies_hz(f0_hz.device))
    frames = frame_windows(excitation, grid)
    waves, density = [], []
    for first in range(0, frames.shape[-2], FRAMES_AT_ONCE):
        block = slice(first, first + FRAMES_AT_ONCE)
        response = allpole_response(lpc[block], grid.n_fft).to(torch.complex64)
        gain = response * (amplitude[block].unsqueeze(-1) * slope)
        waves.append(torch.fft.irfft(torch.fft.rfft(frames[block]) * gain, grid.n_fft))
        noise = noise_gain[block].unsqueeze(-1) * colour
        density.append(noise * noise * power_of(response))
    transformed = stft(join_frames(torch.cat(waves), grid, samples), MASK_GRID)
    return power_of(transformed) + _spread(torch.cat(density), MASK_GRID.frames(samples)).transpose(-1, -2)


def power_of(spectrum: Tensor) -> Tensor:
    """|x|^2 of a complex tensor."""
    return spectrum.real * spectrum.real + spectrum.imag * spectrum.imag


def _spread(density: Tensor, frames: int) -> Tensor:
    """Expected power of noise in the windows of the masks.

    A mask window hears the density of the frames under it, weighted by its square:
    [..., synthesis frames, bins] -> [..., frames, bins].
    """
    reach = MASK_GRID.n_fft // (2 * MASK_GRID.hop_length)
    window = torch.hann_window(MASK_GRID.n_fft, device=density.device, dtype=density.dtype)
    weights = (window * window)[:: MASK_GRID.hop_length]
    weights = weights * ((window * window).sum() / weights.sum()) * NOISE_VARIANCE
    before, after = (density[..., edge, :].expand(*density.shape[:-2], reach, -1) for edge in ([0], [-1]))
    padded = torch.cat([before, density, after], -2)
    total = torch.zeros_like(density[..., :frames, :])
    for shift, weight in enumerate(weights.tolist()):
        total.add_(padded[..., shift : shift + frames, :], alpha=weight)
    return total


def masks_from_powers(powers: Tensor, power: float = 2.0) -> Tensor:
    """m_j = |S_j|^p / sum_k |S_k|^p from |S_j|^2 [..., voices, bins, frames].

    Sums to one over the voices where any of them sounds, to zero where none does.
    """
    shares = powers.pow(0.5 * power) if power != 2.0 else powers
    return shares / (shares.sum(-3, keepdim=True) + POWER_FLOOR)
