"""The voices model: network and synthesiser together, and the masks they define."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stemless.spectrum import Grid, stft
from stemless.voices.network import Level, NetworkConfig, SourceFilterNetwork, SynthesisParameters
from stemless.voices.oscillator import harmonic_excitation, roll_off_response
from stemless.voices.synthesis import (
    NOISE_VARIANCE,
    Excitation,
    SynthesisGrid,
    colour_basis,
    cover_frames,
    excite,
    filter_responses,
    frame_spectra,
    overlap_add,
    synthesise_mixture,
    synthesise_voices,
)

MASK_GRID = Grid(2048, 256)
"""STFT on which the masks are made (TASLP 2023, section IV-C)."""

POWER_FLOOR = 1e-12
"""Added to the summed powers: where no voice sounds, the mixture goes to the residual."""


class VoicesModel(nn.Module):
    """Mixture and f0 -> synthesised voices, whose sum is compared with the mixture in training."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.network = SourceFilterNetwork(self.config)
        self.grid = SynthesisGrid(self.config.sample_rate, self.config.hop_length, MASK_GRID.n_fft)

    def parameters_of(self, mixture: Tensor, f0_hz: Tensor, level: Level | None = None) -> SynthesisParameters:
        """Synthesis parameters; see `SourceFilterNetwork.forward`."""
        parameters: SynthesisParameters = self.network(mixture, f0_hz, level)
        return parameters

    def forward(self, mixture: Tensor, f0_hz: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The mixture as the synthesiser makes it: [batch, time] and [batch, voices, frames] -> [batch, time]."""
        samples = mixture.shape[-1]
        excitation = excite(f0_hz, samples, self.grid, generator)
        return self.mixture_from(self.parameters_of(mixture, f0_hz), excitation, samples)

    def mixture_from(self, parameters: SynthesisParameters, excitation: Excitation, samples: int) -> Tensor:
        return synthesise_mixture(parameters, excitation, self.grid, samples)

    def voices_from(self, parameters: SynthesisParameters, excitation: Excitation, samples: int) -> Tensor:
        return synthesise_voices(parameters, excitation, self.grid, samples)


def voice_powers(parameters: SynthesisParameters, f0_hz: Tensor, samples: int, grid: SynthesisGrid) -> Tensor:
    """Power of each voice on the grid of the masks, the same in every run and from any starting point.

    The harmonic part is synthesised and transformed, of the noise the power spectrum is known without
    drawing any. Between two partials their sidelobes interfere, and how depends on the phase that the
    oscillator happens to have; the powers of two oscillators half a period apart are averaged, which
    leaves the odd and the even partials, each too far apart to meet.

    Args:
        f0_hz: [batch, voices, frames].

    Returns:
        [batch, voices, bins, mask frames].
    """
    frames = grid.frames(samples)
    responses = filter_responses(parameters, frames, grid)
    slope = roll_off_response(grid.frequencies_hz(f0_hz.device))
    gains = cover_frames(parameters.amplitude, frames, 2).unsqueeze(-1) * responses * slope
    harmonic_power = torch.zeros((), device=f0_hz.device)
    for phase in (0.0, math.pi):
        start = torch.full(f0_hz.shape[:2], phase, device=f0_hz.device)
        excitation = harmonic_excitation(
            f0_hz, grid.hop_length, samples, grid.sample_rate, initial_phase=start
        )
        transformed = stft(overlap_add(frame_spectra(excitation, grid) * gains, grid, samples), MASK_GRID)
        harmonic_power = harmonic_power + 0.5 * (transformed.real.square() + transformed.imag.square())

    basis = colour_basis(parameters.noise_colour.shape[-1], grid.n_fft, f0_hz.device)
    colour = (parameters.noise_colour @ basis).unsqueeze(2)
    noise_gain = cover_frames(parameters.noise_gain, frames, 2).unsqueeze(-1)
    density = (noise_gain * colour).square() * (responses.real.square() + responses.imag.square())
    return harmonic_power + _spread(density.transpose(-1, -2), MASK_GRID.frames(samples))


def _spread(density: Tensor, frames: int) -> Tensor:
    """Expected power of noise in the windows of the masks: [..., bins, synthesis frames] -> [..., bins, frames].

    A mask window hears the density of the frames under it, weighted by its square.
    """
    reach = MASK_GRID.n_fft // (2 * MASK_GRID.hop_length)
    window = torch.hann_window(MASK_GRID.n_fft, device=density.device, dtype=density.dtype).square()
    weights = window[:: MASK_GRID.hop_length]
    weights = weights * (window.sum() / weights.sum()) * NOISE_VARIANCE
    padded = torch.nn.functional.pad(density.flatten(0, -3), (reach, reach - 1), mode="replicate")
    kernel = weights.expand(1, 1, -1)
    flat = torch.nn.functional.conv1d(padded.flatten(0, 1).unsqueeze(1), kernel)
    return flat.reshape(density.shape)[..., :frames]


def masks_from_powers(powers: Tensor, power: float = 2.0) -> Tensor:
    """m_j = |S_j|^p / sum_k |S_k|^p from |S_j|^2 [..., voices, bins, frames].

    Sums to one over the voices where any of them sounds, to zero where none does.
    """
    shares = powers.pow(0.5 * power) if power != 2.0 else powers
    return shares / (shares.sum(-3, keepdim=True) + POWER_FLOOR)
