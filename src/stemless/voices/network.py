"""The network of TASLP 2023: a mixture and the f0 of each voice in, synthesis parameters out.

One encoder hears the mixture; one decoder, shared by the voices, is told the f0 of the voice it
speaks for. At the size of the paper it has 5,573,961 parameters, for any number of voices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stemless.spectrum import Grid, stft
from stemless.voices.filters import spacing_to_lsf
from stemless.voices.products import Linear, Stack
from stemless.voices.recurrence import GRU

LOG_FLOOR = 1e-5


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network; the defaults are the paper's."""

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 256
    encoder_size: int = 256
    embedding_size: int = 128
    decoder_size: int = 512
    filter_order: int = 20
    noise_bands: int = 40

    @property
    def grid(self) -> Grid:
        return Grid(self.n_fft, self.hop_length)


@dataclass(frozen=True)
class SynthesisParameters:
    """What the synthesiser needs of each voice; `frames` lie `hop_length` samples apart.

    amplitude: [batch, voices, frames], of the harmonics. noise_gain: [batch, voices, frames].
    lsf: [batch, voices, frames, order] radians. noise_colour: [batch, voices, bands], constant in time.
    """

    amplitude: Tensor
    noise_gain: Tensor
    lsf: Tensor
    noise_colour: Tensor


@dataclass(frozen=True)
class Level:
    """What a mixture is normalised by, measured once over the whole of it.

    peak: largest absolute sample. mean, deviation: of the natural log magnitude after division by the peak.
    """

    peak: float
    mean: float
    deviation: float


def exponential_sigmoid(x: Tensor, maximum: float = 2.0) -> Tensor:
    """maximum * sigmoid(x)^ln 10 + 1e-7: a positive gain, steep on the way down.

    >>> exponential_sigmoid(torch.tensor([0.0]))
    tensor([0.4054])
    """
    return maximum * torch.exp(math.log(10.0) * nn.functional.logsigmoid(x)) + 1e-7


def scaled_midi(f0_hz: Tensor, low_hz: float = 20.0, high_hz: float = 8000.0) -> Tensor:
    """f0 as a note number scaled to [0, 1] between 20 Hz and 8 kHz; 0 where unvoiced.

    >>> scaled_midi(torch.tensor([0.0, 20.0, 400.0, 8000.0]))
    tensor([0.0000, 0.0000, 0.5000, 1.0000])
    """
    position = torch.log2(f0_hz.clamp_min(low_hz) / low_hz) / math.log2(high_hz / low_hz)
    return torch.where(f0_hz > 0, position.clamp(0.0, 1.0), 0.0)


def log_magnitude(audio: Tensor, grid: Grid) -> Tensor:
    """Natural log magnitude with a floor: [batch, time] -> [batch, frames, bins]."""
    return stft(audio, grid).abs().clamp_min(LOG_FLOOR).log().transpose(-1, -2)


def three_layers(inputs: int, size: int) -> Stack:
    """Three times linear, layer norm, leaky ReLU."""
    layers: list[nn.Module] = []
    for width in (inputs, size, size):
        layers += [Linear(width, size), nn.LayerNorm(size), nn.LeakyReLU()]
    return Stack(*layers)


class Encoder(nn.Module):
    """Log magnitude of the mixture [batch, frames, bins] -> embedding [batch, frames, size]."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        bins = config.grid.bins
        self.scale = nn.Parameter(torch.ones(bins))
        self.shift = nn.Parameter(torch.zeros(bins))
        self.first = GRU(bins, config.encoder_size)
        self.second = GRU(config.encoder_size, config.encoder_size)
        self.third = GRU(config.encoder_size, config.encoder_size)
        self.output = Linear(config.encoder_size, config.embedding_size)

    def forward(self, normalised: Tensor) -> Tensor:
        second = self.second(self.first(normalised * self.scale + self.shift))
        output: Tensor = self.output(second + self.third(second))
        return output


class Decoder(nn.Module):
    """Embedding of the mixture and f0 of each voice -> synthesis parameters of each voice."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        size = config.decoder_size
        self.from_f0 = three_layers(1, size)
        self.from_embedding = three_layers(config.embedding_size, size)
        self.recurrent = GRU(2 * size, size)
        self.layers = three_layers(size, size)
        self.amplitude = Linear(size, 1)
        self.noise_gain = Linear(size, 1)
        self.spacing = Linear(size, config.filter_order + 1)
        self.noise_colour = GRU(size, config.noise_bands)

    def forward(
        self, embedding: Tensor, f0_hz: Tensor, noise_colour: Tensor | None = None
    ) -> SynthesisParameters:
        batch, voices, frames = f0_hz.shape
        of_f0 = self.from_f0(scaled_midi(f0_hz).reshape(batch * voices, frames, 1))
        # The decoder reads both side by side; the half that all voices share is multiplied once.
        hidden = self.layers(self.recurrent.forward_joined(of_f0, self.from_embedding(embedding)))
        if noise_colour is None:
            last = self.noise_colour(hidden)[:, -1]
            noise_colour = exponential_sigmoid(2.5 * last.float()).unflatten(0, (batch, voices))
        hidden = hidden.unflatten(0, (batch, voices))
        return SynthesisParameters(
            amplitude=exponential_sigmoid(self.amplitude(hidden).squeeze(-1).float()),
            noise_gain=exponential_sigmoid(self.noise_gain(hidden).squeeze(-1).float(), maximum=1.0),
            lsf=spacing_to_lsf(exponential_sigmoid(self.spacing(hidden).double())),
            noise_colour=noise_colour,
        )


class SourceFilterNetwork(nn.Module):
    """Mixture and f0 -> synthesis parameters (TASLP 2023, section III-A, Figure 2)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def forward(
        self,
        mixture: Tensor,
        f0_hz: Tensor,
        level: Level | None = None,
        noise_colour: Tensor | None = None,
    ) -> SynthesisParameters:
        """Synthesis parameters of each voice.

        Args:
            mixture: [batch, time] at `config.sample_rate`.
            f0_hz: [batch, voices, frames] with frames = 1 + time // hop_length, 0 where unvoiced.
            level: of the whole recording, where `mixture` is a stretch of one; without it each
                example is normalised by its own mean and deviation.
            noise_colour: [batch, voices, bands], where it is known already.
        """
        return self.from_spectrum(self.normalised(mixture, level), f0_hz, noise_colour)

    def normalised(self, mixture: Tensor, level: Level | None = None) -> Tensor:
        """What the encoder hears of a mixture [batch, time]: [batch, frames, bins]."""
        if level is not None:
            magnitude = log_magnitude(mixture / level.peak, self.config.grid)
            return (magnitude - level.mean) / (level.deviation + 1e-5)
        magnitude = log_magnitude(mixture, self.config.grid)
        mean = magnitude.mean((-1, -2), keepdim=True)
        deviation = magnitude.std((-1, -2), keepdim=True, correction=0)
        return (magnitude - mean) / (deviation + 1e-5)

    def from_spectrum(
        self, normalised: Tensor, f0_hz: Tensor, noise_colour: Tensor | None = None
    ) -> SynthesisParameters:
        """`forward` from the output of `normalised`."""
        parameters: SynthesisParameters = self.decoder(self.encoder(normalised), f0_hz, noise_colour)
        return parameters
