"""The compact network: what prompts share is computed once, what is left for each prompt is narrow.

The ideas are those of the published network (`unet.py`): a head without text, inner levels that attend to
themselves and then to the tokens, output channels that the pooled vector weighs. What differs is for the sake
of two CPU cores and of many prompts:

- It works on bands, fine at the bottom and logarithmic at the top (`bands.py`).
- The whole encoder, its self-attention and a pyramid back up to full resolution know nothing of the text.
- A prompt owns only cross-attention at the inner levels and a narrow decoder up to half resolution. Its last
  channels are upsampled and multiplied with those of the pyramid, position by position, and summed: the
  weighted sum of the published network, with weights that vary over time and frequency.
- The pooled vector weighs the channels of every level of the decoder.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from stemless.query.attention import CrossAttentionBlock, SelfAttentionBlock, to_maps, to_positions
from stemless.query.bands import Bands
from stemless.query.precision import at_least_single, full_precision
from stemless.query.unet import Down, add_shared, pad_frames, repeat_items, twice
from stemless.spectrum import Grid


@dataclass(frozen=True)
class CompactConfig:
    """Sizes of the compact network.

    bands: rows it works on. channels: of the encoder, outermost level first. shared_channels: of the pyramid,
    prompt_channels: of what each prompt owns; both for every level but the innermost, outermost first.
    output_channels: of the pyramid at full resolution, which the prompt weighs. modulated_levels: how many
    inner levels hear themselves and the text.
    text_width, text_dimension: of the token states and of the pooled vector of the joint embedding.
    """

    sample_rate: int = 16000
    n_fft: int = 1022
    hop_length: int = 256
    bands: int = 128
    channels: tuple[int, ...] = (32, 64, 128, 192, 256)
    shared_channels: tuple[int, ...] = (32, 48, 64, 96)
    prompt_channels: tuple[int, ...] = (16, 24, 48, 96)
    output_channels: int = 16
    modulated_levels: int = 2
    heads: int = 8
    perceptron_ratio: float = 2.0
    text_width: int = 256
    text_dimension: int = 256
    slope: float = 0.2

    def __post_init__(self) -> None:
        inner = len(self.channels) - 1
        if len(self.shared_channels) != inner or len(self.prompt_channels) != inner:
            raise ValueError(
                f"shared_channels and prompt_channels need {inner} widths, one less than channels"
            )
        if not 1 <= self.modulated_levels <= inner:
            raise ValueError(f"modulated_levels must be 1 to {inner}, not {self.modulated_levels}")
        if self.bands % self.stride:
            raise ValueError(f"bands must be a multiple of {self.stride}, not {self.bands}")

    @property
    def grid(self) -> Grid:
        return Grid(self.n_fft, self.hop_length)

    @property
    def stride(self) -> int:
        """Frames are padded to a multiple of this."""
        return 1 << len(self.channels)


@dataclass(frozen=True)
class Heard:
    """What the prompts of a mixture share.

    innermost: [batch, channels, height, width]. pyramid: maps of the levels further out, as the prompts' own
    steps take them, and last those at full resolution.
    """

    innermost: Tensor
    pyramid: Sequence[Tensor]


class PyramidStep(nn.Module):
    """One level outwards on the shared side: the encoder's maps and what comes from further in, added."""

    def __init__(self, beside: int, below: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.from_beside = nn.Conv2d(beside, outputs, 1, bias=False)
        self.from_below = nn.Conv2d(below, outputs, 1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.rectifier = nn.LeakyReLU(slope)
        self.convolution = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.last_norm = nn.BatchNorm2d(outputs)

    def forward(self, beside: Tensor, below: Tensor) -> Tensor:
        """[batch, beside, height, width], [batch, below, height / 2, width / 2] -> [batch, outputs, ...]."""
        hidden = self.rectifier(self.norm(self.from_beside(beside) + twice(self.from_below(below))))
        maps: Tensor = self.rectifier(self.last_norm(self.convolution(hidden)))
        return maps


class PromptStep(nn.Module):
    """One level outwards on the side of the prompt: the pyramid's maps and its own, weighed by its vector."""

    def __init__(self, shared: int, below: int, outputs: int, text_dimension: int, slope: float) -> None:
        super().__init__()
        self.from_below = nn.Conv2d(below, outputs, 1, bias=False)
        self.convolution = nn.Conv2d(shared + outputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.rectifier = nn.LeakyReLU(slope)
        self.weighing = nn.Linear(text_dimension, outputs)

    def once(self, shared: Tensor) -> Tensor:
        """What the convolution makes of the pyramid, for all prompts alike.

        Args:
            shared: [batch, channels, height, width] of the pyramid.

        Returns:
            [batch, outputs, height, width].
        """
        return conv2d(shared, self.convolution.weight[:, : shared.shape[1]], padding=1)

    def forward(self, once: Tensor, below: Tensor, vector: Tensor) -> Tensor:
        """What the prompt owns, one level further out.

        Args:
            once: what `once` made of this level, [batch, outputs, height, width].
            below: [batch * prompts, channels, height / 2, width / 2].
            vector: [batch * prompts, text_dimension].

        Returns:
            [batch * prompts, outputs, height, width].
        """
        own = twice(self.from_below(below))
        each = conv2d(own, self.convolution.weight[:, -own.shape[1] :], padding=1)
        # Twice the sigmoid: a vector that says nothing changes nothing.
        weights = 2 * torch.sigmoid(self.weighing(vector))[..., None, None]
        maps: Tensor = self.rectifier(self.norm(add_shared(each, once))) * weights
        return maps


class CompactUNet(nn.Module):
    """Magnitude of the mixture and prompts -> masks, cheaply."""

    def __init__(self, config: CompactConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CompactConfig()
        channels, shared, slope = config.channels, config.shared_channels, config.slope
        self.bands = Bands(config.grid.bins, config.bands)
        self.norm = nn.BatchNorm1d(config.bands)
        self.encoder = nn.ModuleList(
            Down(outer, inner, slope) for outer, inner in itertools.pairwise((2, *channels))
        )
        self.head_levels = len(channels) - config.modulated_levels
        self.hear_itself = nn.ModuleList(
            SelfAttentionBlock(width, config.heads, config.perceptron_ratio)
            for width in channels[self.head_levels :]
        )
        self.pyramid = nn.ModuleList(
            PyramidStep(beside, below, outputs, slope)
            for beside, below, outputs in reversed(
                list(zip(channels[:-1], (*shared[1:], channels[-1]), shared, strict=True))
            )
        )
        self.surface = PyramidStep(2, shared[0], config.output_channels, slope)
        owned = (*config.prompt_channels, channels[-1])
        self.hear_text = nn.ModuleList(
            CrossAttentionBlock(width, config.text_width, config.heads, config.perceptron_ratio)
            for width in reversed(owned[self.head_levels :])
        )
        self.decoder = nn.ModuleList(
            PromptStep(shared[level], owned[level + 1], owned[level], config.text_dimension, slope)
            for level in reversed(range(len(shared)))
        )
        self.output = nn.Conv2d(owned[0], config.output_channels + 1, 1)

    def forward(self, magnitude: Tensor, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Masks of all prompts.

        Args:
            magnitude: [batch, bins, frames] of the mixture, on the grid of the configuration.
            tokens: [batch, prompts, tokens, text_width].
            mask: [batch, prompts, tokens] bool, True where there is a token.
            vector: [batch, prompts, text_dimension].

        Returns:
            [batch, prompts, bins, frames] in (0, 1).
        """
        masks = torch.sigmoid(self.logits(magnitude, tokens, mask, vector))
        return self.bands.spread(masks)

    def logits(self, magnitude: Tensor, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Logits of the masks of the bands [batch, prompts, bands, frames], in single precision at least."""
        decoded = self.decode(self.encode(magnitude), tokens, mask, vector)
        return decoded[..., : magnitude.shape[-1]]

    def encode(self, magnitude: Tensor) -> Heard:
        """What all prompts share, from [batch, bins, frames]."""
        bands = torch.log1p(self.bands(pad_frames(magnitude, self.config.stride)))
        # A convolution cannot tell a low band from a high one: it is told where it is.
        place = torch.linspace(-1, 1, self.config.bands, dtype=bands.dtype, device=bands.device)
        surface = torch.stack((self.norm(bands), place[:, None].expand_as(bands)), dim=1)
        maps, levels = surface, []
        for level, down in enumerate(self.encoder):
            maps = down(maps)
            if level >= self.head_levels:
                states = self.hear_itself[level - self.head_levels](to_positions(maps))
                maps = to_maps(states, maps.shape)
            levels.append(maps)
        innermost = maps = levels.pop()
        pyramid = []
        prompt_steps = cast("Sequence[PromptStep]", self.decoder)
        for step, prompt_step, beside in zip(self.pyramid, prompt_steps, reversed(levels), strict=True):
            maps = step(beside, maps)
            pyramid.append(prompt_step.once(maps))
        pyramid.append(self.surface(surface, maps))
        return Heard(innermost, pyramid)

    def decode(self, heard: Heard, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Logits [batch, prompts, bands, padded frames] of the prompts, from the output of `encode`."""
        batch, prompts = mask.shape[:2]
        # A vector of length 1 has numbers so small that the network would long not hear which prompt it is.
        vector = vector * math.sqrt(self.config.text_dimension)
        tokens, mask, vector = tokens.flatten(0, 1), mask.flatten(0, 1), vector.flatten(0, 1)
        maps = repeat_items(heard.innermost, prompts)
        for level, step in enumerate((None, *self.decoder)):
            if step is not None:
                maps = step(heard.pyramid[level - 1], maps, vector)
            if level < len(self.hear_text):
                states = self.hear_text[level](to_positions(maps), tokens, mask)
                maps = to_maps(states, maps.shape)
        weights: Tensor = twice(self.output(maps)).unflatten(0, (batch, prompts))
        with full_precision(weights.device):
            weights, surface = at_least_single(weights), at_least_single(heard.pyramid[-1])
            # The first weight is a logit by itself. A plain product: einsum makes a matrix of every position.
            return weights[:, :, 0] + (weights[:, :, 1:] * surface[:, None]).sum(2)
