"""The small audio tower that ships: sound to one vector of the joint space, differentiable to the samples.

Log-mel spectra of sound brought to one level, a residual network of plain convolutions (He et al., "Deep
residual learning for image recognition", CVPR 2016; plain, because depthwise ones are slow on a CPU), the
mean and the maximum over time, a linear layer. Mean and maximum together hear what goes on and what happens
once, in clips of any length.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad, relu

from stemless.query.log_mel import mel_filterbank
from stemless.query.precision import at_least_single, full_precision

QUIETEST_RMS = 1e-4
"""Sound below -80 dB re full scale is not brought to the common level: silence stays silent."""
POWER_FLOOR = 1e-5
"""Of mel power, for sound at the common level: what lies 50 dB under it is not heard."""


@dataclass(frozen=True)
class AudioConfig:
    """Shape of an audio tower.

    Attributes:
        sample_rate: Hz.
        mel_bands: a multiple of 2 for each halving is best.
        channels: of the stages; each after the first halves time and frequency.
        blocks: residual blocks of each stage.
        dimension: of the joint space.
        dropout: of the pooled features, in training.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 320
    mel_bands: int = 64
    low_hz: float = 40.0
    high_hz: float = 7800.0
    channels: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 1, 1, 1)
    dimension: int = 256
    dropout: float = 0.2

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "mel_bands", "dimension"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if not self.channels or len(self.channels) != len(self.blocks):
            raise ValueError("channels and blocks are as many numbers each, one a stage")
        if min(*self.channels, *self.blocks) < 1:
            raise ValueError("channels and blocks are at least 1")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise ValueError("low_hz and high_hz lie between 0 and half the sample rate, in this order")
        if not 0 <= self.dropout < 1:
            raise ValueError("dropout is a share of 0 to 1")

    @property
    def shortest(self) -> int:
        """Samples up to which clips are filled with silence: four frames."""
        return max(self.n_fft, 4 * self.hop_length)


class LogMelSpectra(nn.Module):
    """Sound at one level -> log mel power: [batch, time] -> [batch, bands, frames]."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: AudioConfig) -> None:
        super().__init__()
        self.config = config
        filters = mel_filterbank(
            config.sample_rate, config.n_fft, config.mel_bands, config.low_hz, config.high_hz, "htk"
        )
        # Made again from the configuration, so not stored.
        window = torch.hann_window(config.n_fft, dtype=torch.float64)
        self.register_buffer("window", window.float(), persistent=False)
        self.register_buffer("filters", filters.T.contiguous().float(), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        with full_precision(audio.device):
            audio = at_least_single(audio)
            loudness = audio.square().mean(-1, keepdim=True)
            # Under the root, so that silence has a gradient of zero and not of infinity.
            audio = audio / loudness.clamp_min(QUIETEST_RMS**2).sqrt()
            missing = self.config.shortest - audio.shape[-1]
            if missing > 0:
                audio = pad(audio, (0, missing))
            spectrum = torch.stft(
                audio,
                self.config.n_fft,
                self.config.hop_length,
                window=self.window,
                pad_mode="constant",
                return_complex=True,
            )
            power = spectrum.real.square() + spectrum.imag.square()
            return torch.log(self.filters @ power / self.config.n_fft + POWER_FLOOR)


class ResidualBlock(nn.Module):
    """Two convolutions and the way around them; with stride 2 it halves time and frequency."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        around: list[nn.Module] = []
        if stride != 1:
            around.append(nn.AvgPool2d(stride, ceil_mode=True))
        if inputs != outputs:
            around += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.around = nn.Sequential(*around)

    def forward(self, x: Tensor) -> Tensor:
        h = relu(self.first_norm(self.first(x)))
        return relu(self.second_norm(self.second(h)) + self.around(x))


class AudioTower(nn.Module):
    """Sound [batch, time] -> vectors [batch, dimension] of length 1.

    Only relations of level within a clip count, not its level. Any length is heard as a whole.
    """

    def __init__(self, config: AudioConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AudioConfig()
        first = config.channels[0]
        self.spectra = LogMelSpectra(config)
        self.band_norm = nn.BatchNorm1d(config.mel_bands)
        self.stem = nn.Conv2d(1, first, 5, 2, 2, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        stages: list[nn.Module] = []
        inputs = first
        for stage, (outputs, blocks) in enumerate(zip(config.channels, config.blocks, strict=True)):
            for block in range(blocks):
                stages.append(ResidualBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(2 * inputs, config.dimension)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, audio: Tensor) -> Tensor:
        """Sound [batch, time] -> log-mel spectra [batch, bands, frames], each band normalised."""
        features: Tensor = self.band_norm(self.spectra(audio))
        return features

    def pooled(self, features: Tensor) -> Tensor:
        """Normalised spectra [batch, bands, frames] -> what the head sees, [batch, inputs]."""
        x = features.transpose(1, 2)[:, None].contiguous(memory_format=torch.channels_last)
        x = relu(self.stem_norm(self.stem(x)))
        x = at_least_single(self.stages(x)).mean(3)
        with full_precision(x.device):
            return torch.cat([x.mean(2), x.amax(2)], 1)

    def embed(self, features: Tensor) -> Tensor:
        """Normalised spectra [batch, bands, frames] -> vectors [batch, dimension] of length 1."""
        pooled = self.pooled(features)
        with full_precision(pooled.device):
            return normalize(self.head(self.dropout(pooled)), dim=-1)

    def forward(self, audio: Tensor) -> Tensor:
        """Sound [batch, time] at the configuration's rate -> vectors [batch, dimension] of length 1.

        Raises:
            ValueError: the audio is not [batch, time] with at least one sample.
        """
        if audio.ndim != 2 or audio.shape[-1] == 0:
            raise ValueError(f"audio must be [batch, time] with at least one sample, not {list(audio.shape)}")
        return self.embed(self.features(audio))
