"""The conditioned U-Net: the mask of one voice from the mixture and its pitch, learned from stems.

After Petermann, Chandna, Cuesta, Bonada, Gómez, "Deep learning based source separation applied to choir
ensembles" (ISMIR 2020): the pitch, as blurred bins, goes through a control network to a scale and a shift of
every bin and frame of the mixture's magnitude (FiLM, at the input), and a U-Net of six and six strided
convolutions turns what comes out into a mask. One pass a voice; the voices know nothing of each other.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from stemless.spectrum import Grid, stft

PITCH_BINS = 361
BINS_PER_OCTAVE = 60
LOWEST_PITCH_HZ = 32.7
BLUR_BINS = 1.0


@dataclass(frozen=True)
class UNetConfig:
    """Size of the network; the defaults are the paper's (10.3 million parameters)."""

    sample_rate: int = 16000
    n_fft: int = 1024
    hop_length: int = 256
    channels: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    control_channels: tuple[int, ...] = (16, 64, 256)
    control_frames: int = 10
    slope: float = 0.2
    dropout: float = 0.5
    dropout_layers: int = 3

    def __post_init__(self) -> None:
        if not self.channels or not self.control_channels:
            raise ValueError("channels and control_channels need at least one layer")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout lies between 0 and 1, not at {self.dropout:g}")
        if not 0 <= self.slope < 1:
            raise ValueError(f"slope lies between 0 and 1, not at {self.slope:g}: 1 makes the encoder linear")

    @property
    def grid(self) -> Grid:
        return Grid(self.n_fft, self.hop_length)


def pitch_bins(f0_hz: Tensor) -> Tensor:
    """f0 as a Gaussian bump over 361 bins, 60 an octave from 32.7 Hz; no bump where the voice rests.

    The bump has a deviation of one bin and its top at the exact pitch, so that it tells finer than a bin. A
    pitch outside the six octaves is put at their end.

    Args:
        f0_hz: [..., frames], 0 where unvoiced.

    Returns:
        [..., 361, frames] in [0, 1].

    >>> bins = pitch_bins(torch.tensor([32.7, 65.4, 0.0]))
    >>> bins.argmax(0).tolist(), float(bins[60, 1]), float(bins[:, 2].sum())
    ([0, 60, 0], 1.0, 0.0)
    """
    voiced = f0_hz > 0
    position = BINS_PER_OCTAVE * torch.log2(torch.where(voiced, f0_hz, LOWEST_PITCH_HZ) / LOWEST_PITCH_HZ)
    position = position.clamp(0, PITCH_BINS - 1)
    bins = torch.arange(PITCH_BINS, device=f0_hz.device, dtype=f0_hz.dtype)[:, None]
    bump = torch.exp(-0.5 * ((bins - position[..., None, :]) / BLUR_BINS) ** 2)
    return bump * voiced[..., None, :]


class PitchControl(nn.Module):
    """Pitch bins -> scale and shift of every bin of the mixture, frame by frame.

    Convolutions along time, each followed by a leaky rectifier: a linear chain could make no more different
    combs than its narrowest layer has channels.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        widths = (PITCH_BINS, *config.control_channels)
        self.frames = config.control_frames
        self.convolutions = nn.ModuleList(
            nn.Conv1d(narrow, wide, config.control_frames) for narrow, wide in itertools.pairwise(widths)
        )
        self.rectifier = nn.LeakyReLU(config.slope)
        self.scale = nn.Linear(widths[-1], config.grid.bins)
        self.shift = nn.Linear(widths[-1], config.grid.bins)

    def forward(self, bins: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, 361, frames] -> scale and shift, [batch, bins, frames] each."""
        hidden = bins
        for convolution in self.convolutions:
            before = (self.frames - 1) // 2
            hidden = self.rectifier(convolution(pad(hidden, (before, self.frames - 1 - before))))
        hidden = hidden.transpose(1, 2)
        return self.scale(hidden).transpose(1, 2), self.shift(hidden).transpose(1, 2)


class UNet(nn.Module):
    """Magnitude of the mixture and pitch of one voice -> mask of that voice.

    >>> network = UNet()
    >>> sum(parameter.numel() for parameter in network.parameters())
    10317667
    """

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or UNetConfig()
        self.control = PitchControl(self.config)
        widths = (1, *self.config.channels)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(shallow, deep, 5, stride=2, padding=2, bias=False),
                nn.BatchNorm2d(deep),
                nn.LeakyReLU(self.config.slope),
            )
            for shallow, deep in itertools.pairwise(widths)
        )
        self.rise = nn.ModuleList()
        self.finish = nn.ModuleList()
        depth = len(self.config.channels)
        for layer in range(depth, 0, -1):
            # All but the deepest hear the layer of their own size beside the one below.
            heard = widths[layer] if layer == depth else 2 * widths[layer]
            last = layer == 1
            self.rise.append(nn.ConvTranspose2d(heard, widths[layer - 1], 5, stride=2, padding=2, bias=last))
            if not last:
                share = self.config.dropout if depth - layer < self.config.dropout_layers else 0.0
                self.finish.append(
                    nn.Sequential(nn.BatchNorm2d(widths[layer - 1]), nn.ReLU(), nn.Dropout2d(share))
                )

    def forward(self, magnitude: Tensor, bins: Tensor, level: Tensor | None = None) -> Tensor:
        """Masks.

        Args:
            magnitude: [batch, bins, frames] of the mixture, on the grid of the configuration.
            bins: [batch, 361, frames] from `pitch_bins`.
            level: [batch], what the magnitude is divided by; by default its largest value in each example.

        Returns:
            [batch, bins, frames] in (0, 1).
        """
        if level is None:
            level = magnitude.amax((1, 2))
        scale, shift = self.control(bins)
        normal = magnitude / torch.where(level > 0, level, torch.ones_like(level))[:, None, None]
        hidden = (scale * normal + shift).unsqueeze(1)
        levels = [hidden]
        for down in self.encoder:
            levels.append(down(levels[-1]))
        hidden = levels.pop()
        for layer, up in enumerate(self.rise):
            beside = levels.pop()
            hidden = up(hidden, output_size=beside.shape[-2:])
            if levels:
                hidden = torch.cat((self.finish[layer](hidden), beside), dim=1)
        return torch.sigmoid(hidden).squeeze(1)


def unet_loss(mask: Tensor, mixture: Tensor, voice: Tensor) -> Tensor:
    """Mean absolute difference between the masked magnitude of the mixture and that of the voice.

    Args:
        mask, mixture, voice: [batch, bins, frames]; magnitudes for the latter two.

    >>> float(unet_loss(torch.full((1, 2, 2), 0.5), torch.ones(1, 2, 2), torch.zeros(1, 2, 2)))
    0.5
    """
    return (mask * mixture - voice).abs().mean()


def unet_examples(
    audio: Tensor, f0_hz: Tensor, stems: Tensor, voices: Tensor, config: UNetConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """What one step learns from: one voice of each mixture.

    Args:
        audio: [batch, time] mixtures.
        f0_hz: [batch, voices, frames], on the grid of the configuration.
        stems: [batch, voices, time].
        voices: [batch], which voice to take of each.

    Returns:
        magnitude [batch, bins, frames], pitch bins [batch, 361, frames], magnitude of the voice.
    """
    rows = torch.arange(len(voices), device=voices.device)
    both = stft(torch.stack((audio, stems[rows, voices])), config.grid).abs()
    frames = config.grid.frames(audio.shape[-1])
    return both[0], pitch_bins(f0_hz[rows, voices][..., :frames]), both[1]
