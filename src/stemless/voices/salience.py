"""How salient every pitch is in every frame of a mixture: a small network on a harmonic spectrum.

    mixture -> two STFTs -> log-frequency spectra -> a channel for each harmonic -> convolutions -> logits

On a logarithmic axis the partials of all pitches lie at the same distances, so a copy of the spectrum shifted
by harmonic h has the h-th partial of each pitch where the pitch is (the harmonic CQT of Bittner et al.,
"Deep salience representations for f0 estimation in polyphonic music", ISMIR 2017). A long window tells the
pitches of basses apart, a short one follows vibrato.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from stemless.inputs import OnProgress
from stemless.spectrum import Grid, stft
from stemless.voices.stored import load_network

KIND = "voices/pitch"

CHUNK_SECONDS = 20.0
CONTEXT_SECONDS = 1.0
FLOOR = 1e-4
"""Of magnitudes, where a sine of full scale has about 1: quieter is as good as silent."""


@dataclass(frozen=True)
class SalienceConfig:
    """The pitches that are told apart, and the network that does it.

    Attributes:
        sample_rate: Hz. hop_length: samples from frame to frame.
        windows: samples of the windows, a spectrum each.
        lowest_hz: pitch of the first bin. bins: pitches. bins_per_octave: how fine.
        harmonics: channels; below 1, what would sound if the pitch were an octave error.
        channels: of the convolutions.
    """

    sample_rate: int = 16000
    hop_length: int = 256
    windows: tuple[int, ...] = (4096, 1024)
    lowest_hz: float = 55.0
    bins: int = 264
    bins_per_octave: int = 60
    harmonics: tuple[float, ...] = (0.5, 1, 2, 3, 4, 5, 6, 7, 8)
    channels: int = 24

    def __post_init__(self) -> None:
        if min(self.windows, default=0) < 4 * self.hop_length:
            raise ValueError("windows are at least four hops long")
        if self.bins < 1 or self.bins_per_octave < 12 or self.channels < 1 or not self.harmonics:
            raise ValueError("bins, harmonics and channels are at least 1, bins_per_octave 12")
        if not 20 <= self.lowest_hz < self.sample_rate / 4:
            raise ValueError("lowest_hz is at least 20 and below a quarter of the sample rate")

    @property
    def step_seconds(self) -> float:
        return self.hop_length / self.sample_rate

    @property
    def pitches_hz(self) -> Tensor:
        """[bins]"""
        return self.lowest_hz * 2 ** (torch.arange(self.bins, dtype=torch.float64) / self.bins_per_octave)

    @property
    def shifts(self) -> tuple[int, ...]:
        """Of each harmonic, in bins from the pitch."""
        return tuple(round(self.bins_per_octave * math.log2(each)) for each in self.harmonics)

    def bin_of(self, f0_hz: Tensor) -> Tensor:
        """Fractional bins of pitches above 0.

        >>> SalienceConfig().bin_of(torch.tensor([55.0, 110.0])).tolist()
        [0.0, 60.0]
        """
        return self.bins_per_octave * torch.log2(f0_hz / self.lowest_hz)

    def hz_of(self, bins: Tensor) -> Tensor:
        """Pitches of fractional bins."""
        return self.lowest_hz * 2 ** (bins / self.bins_per_octave)


def log_frequency_filters(config: SalienceConfig, window: int) -> Tensor:
    """Triangles on the bins of an STFT, [filters, bins of the STFT], each with a sum of 1.

    From the lowest pitch's lowest channel to the highest pitch's highest one; as wide as a step of the
    logarithmic axis, and no narrower than the STFT's own step, so that narrow ones interpolate. Zero above
    Nyquist.
    """
    first, last = min(config.shifts), config.bins - 1 + max(config.shifts)
    steps = torch.arange(first - 1, last + 2, dtype=torch.float64)
    spacing = config.sample_rate / window
    edges = config.lowest_hz * 2 ** (steps / config.bins_per_octave) / spacing
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    at = torch.arange(window // 2 + 1, dtype=torch.float64)
    rising = (at - centre) / (centre - low).clamp_min(1.0)
    falling = (centre - at) / (high - centre).clamp_min(1.0)
    triangles = (1 + torch.minimum(rising, falling)).clamp_min(0.0)
    triangles = triangles * (centre <= window / 2)
    return (triangles / triangles.sum(1, keepdim=True).clamp_min(1e-9)).float()


class HarmonicSpectrum(nn.Module):
    """[batch, time] -> [batch, windows * harmonics, bins, frames], log magnitudes around 0 to 1."""

    def __init__(self, config: SalienceConfig) -> None:
        super().__init__()
        self.config = config
        for window in config.windows:
            self.register_buffer(f"filters_{window}", log_frequency_filters(config, window), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        first = min(self.config.shifts)
        channels = []
        for window in self.config.windows:
            grid = Grid(window, self.config.hop_length)
            magnitude = stft(audio, grid).abs() * (4 / window)
            spectrum = self.get_buffer(f"filters_{window}") @ magnitude
            level = 1 + (spectrum + FLOOR).log10() / -math.log10(FLOOR)
            channels += [level[:, shift - first :][:, : self.config.bins] for shift in self.config.shifts]
        return torch.stack(channels, dim=1)


class SalienceNetwork(nn.Module):
    """Logits of a voice at every pitch: audio [batch, time] -> [batch, bins, frames]."""

    def __init__(self, config: SalienceConfig) -> None:
        super().__init__()
        self.config = config
        self.spectrum = HarmonicSpectrum(config)
        inputs, channels = len(config.windows) * len(config.harmonics), config.channels
        self.normalise = nn.BatchNorm2d(inputs)
        self.blocks = nn.ModuleList(
            [
                _block(inputs, channels, (5, 5)),
                _block(channels, channels, (5, 5)),
                _block(channels, channels, (3, 5), (1, 3)),
                # Along frequency: a pitch and what lies a few semitones around it.
                _block(channels, channels, (15, 1)),
                _block(channels, channels, (3, 3)),
            ]
        )
        # What sounds an octave or a twelfth below and above decides what a partial belongs to.
        octave = config.bins_per_octave
        self.apart = tuple(round(octave * math.log2(ratio)) for ratio in (1 / 3, 1 / 2, 2 / 3, 1.5, 2, 3))
        self.gather = nn.Conv2d(channels * (1 + len(self.apart)), channels, 1)
        self.after = _block(channels, channels, (3, 3))
        self.out = nn.Conv2d(channels, 1, 1)
        nn.init.constant_(self.out.bias, -4.0)  # type: ignore[arg-type]

    def forward(self, audio: Tensor) -> Tensor:
        x = self.normalise(self.spectrum(audio)).contiguous(memory_format=torch.channels_last)
        x = self.blocks[0](x)
        for block in self.blocks[1:]:
            x = x + block(x)
        x = torch.cat([x, *(shifted(x, step) for step in self.apart)], dim=1)
        x = functional.leaky_relu(self.gather(x), 0.1)
        x = x + self.after(x)
        logits: Tensor = self.out(x)
        return logits[:, 0].float()


def _block(
    inputs: int, outputs: int, kernel: tuple[int, int], dilation: tuple[int, int] = (1, 1)
) -> nn.Sequential:
    padding = (kernel[0] // 2 * dilation[0], kernel[1] // 2 * dilation[1])
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.1),
    )


def shifted(x: Tensor, step: int) -> Tensor:
    """[batch, channels, bins, frames] whose bin b is the bin b + step of x; 0 outside.

    >>> shifted(torch.arange(3.0).view(1, 1, 3, 1), 1).flatten().tolist()
    [1.0, 2.0, 0.0]
    """
    if step >= 0:
        return functional.pad(x[:, :, step:], (0, 0, 0, min(step, x.shape[2])))
    return functional.pad(x[:, :, :step], (0, 0, min(-step, x.shape[2]), 0))


def targets_of(f0_hz: Tensor, config: SalienceConfig, spread_bins: float = 1.0) -> Tensor:
    """What the logits should say: [batch, voices, frames] -> [batch, bins, frames] in 0 to 1.

    A bell of a standard deviation of `spread_bins` around each voice's pitch; the highest counts.
    """
    position = config.bin_of(f0_hz.clamp_min(1.0))[:, :, None]
    at = torch.arange(config.bins, device=f0_hz.device)[:, None]
    bells = torch.exp(-0.5 * ((at - position) / spread_bins) ** 2) * (f0_hz > 0)[:, :, None]
    return bells.amax(1)


@torch.inference_mode()
def salience_of(
    mono: Tensor, network: SalienceNetwork, *, on_progress: OnProgress | None = None
) -> NDArray[np.float32]:
    """Log odds of a voice at every pitch: [time] at the network's rate -> [bins, frames].

    A long recording goes through in pieces that overlap by more than the network hears around a frame.

    Args:
        on_progress: called with the seconds done and the seconds there are.
    """
    config = network.config
    device = next(network.parameters()).device
    mono = functional.pad(mono, (0, max(0, 1 - mono.numel())))
    peak = mono.abs().max().clamp_min(1e-6)
    hop = config.hop_length
    frames = 1 + mono.numel() // hop
    chunk, context = (round(s * config.sample_rate / hop) for s in (CHUNK_SECONDS, CONTEXT_SECONDS))
    pieces = []
    for first in range(0, frames, chunk):
        start, last = max(0, first - context), min(frames, first + chunk)
        end = min(frames, last + context)
        audio = mono[start * hop : min(mono.numel(), (end - 1) * hop + 1)] / peak
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type != "mps"):
            logits = network(audio[None].to(device))[0]
        pieces.append(logits[:, first - start : last - start].float().cpu())
        if on_progress:
            on_progress(last * config.step_seconds, frames * config.step_seconds)
    joined: NDArray[np.float32] = torch.cat(pieces, dim=1).numpy()
    return joined


def load_salience(reference: str | Path) -> SalienceNetwork:
    """The network behind a shipped name, a folder or hf://USER/MODEL; errors of `load_network`."""
    network = load_network(
        reference, kind=KIND, what="one that tells pitches", config=SalienceConfig, build=SalienceNetwork
    )
    return network.eval()
