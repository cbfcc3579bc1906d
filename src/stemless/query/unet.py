"""The U-Net of the query system: mixture and prompts in, one mask a prompt out.

After Mahmud et al., "Weakly-supervised Audio Separation via Bi-modal Semantic Similarity" (ICLR 2024). The
outer levels of the encoder, the head, know nothing of the text; the inner ones, the modulator, attend to
themselves and then to the tokens of the prompt. The decoder ends in a few channels, which the pooled vector
of the prompt weighs and sums.

The published size, 87,681,250 parameters, is that of: 4 x 4 and decoder convolutions without bias (but the
last), one 3 x 3 convolution with bias and norm a residual block, attention with all biases, keys and values
from 768-wide tokens, no positional part, a norm over the single input channel, and one layer norm more than
two pre-norm blocks have at each inner level. The released code owns those three norms and never applies
them; here they close the residual path, as pre-norm stacks do. The weighing of the channels (16,416 more)
is not counted, and has no scale and bias of its own: the last convolution has both.

Upsampling does not align corners, so that what a frame becomes does not depend on the length of the clip.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad

from stemless.query.attention import CrossAttentionBlock, SelfAttentionBlock, to_maps, to_positions
from stemless.query.precision import at_least_single, full_precision
from stemless.spectrum import Grid


@dataclass(frozen=True)
class UNetConfig:
    """Sizes of the network; the defaults are the paper's.

    width: channels of the outermost level; `multiples` of it are those of every level, outermost first.
    modulated_levels: how many inner levels hear the text. output_channels: what the prompt weighs.
    text_width, text_dimension: of the token states and of the pooled vector of the joint embedding.
    """

    sample_rate: int = 16000
    n_fft: int = 1022
    hop_length: int = 256
    width: int = 64
    multiples: tuple[int, ...] = (1, 2, 4, 8, 8, 8, 8)
    modulated_levels: int = 3
    output_channels: int = 32
    heads: int = 8
    perceptron_ratio: float = 2.0
    text_width: int = 768
    text_dimension: int = 512
    slope: float = 0.2

    def __post_init__(self) -> None:
        if not 1 <= self.modulated_levels < len(self.multiples):
            raise ValueError("modulated_levels must leave a level without text, and take one at least")
        if self.grid.bins % self.stride:
            raise ValueError(
                f"{self.grid.bins} bins cannot be halved {len(self.multiples)} times: choose another n_fft"
            )

    @property
    def grid(self) -> Grid:
        return Grid(self.n_fft, self.hop_length)

    @property
    def channels(self) -> tuple[int, ...]:
        """Of every level, outermost first."""
        return tuple(self.width * multiple for multiple in self.multiples)

    @property
    def stride(self) -> int:
        """Frames are padded to a multiple of this."""
        return 1 << len(self.multiples)


class Residual(nn.Module):
    """A convolution and its norm beside the identity, then a leaky rectifier."""

    def __init__(self, width: int, slope: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.rectifier = nn.LeakyReLU(slope)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, channels, height, width] -> the same shape."""
        rectified: Tensor = self.rectifier(maps + self.norm(self.convolution(maps)))
        return rectified

    def forward_joined(self, shared: Tensor, own: Tensor) -> Tensor:
        """`forward` of both joined, where `shared` belongs to several of `own`, and is convolved once.

        Args:
            shared: [batch, some channels, height, width].
            own: [batch * prompts, other channels, height, width], the prompts of one item together.

        Returns:
            [batch * prompts, channels, height, width].
        """
        weight, some = self.convolution.weight, shared.shape[1]
        once = conv2d(shared, weight[:, :some], padding=1)
        each = conv2d(own, weight[:, some:], self.convolution.bias, padding=1)
        convolved = add_shared(each, once)
        rectified: Tensor = self.rectifier(join_shared(shared, own) + self.norm(convolved))
        return rectified


class Down(nn.Module):
    """Half the height and width: strided convolution, norm, leaky rectifier, residual block."""

    def __init__(self, inputs: int, outputs: int, slope: float) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.rectifier = nn.LeakyReLU(slope)
        self.residual = Residual(outputs, slope)

    def forward(self, maps: Tensor) -> Tensor:
        smaller: Tensor = self.residual(self.rectifier(self.norm(self.convolution(maps))))
        return smaller


class Modulator(nn.Module):
    """What happens to an inner level: its positions hear each other, then the text."""

    def __init__(self, config: UNetConfig, width: int) -> None:
        super().__init__()
        ratio = config.perceptron_ratio
        self.hear_itself = SelfAttentionBlock(width, config.heads, ratio)
        self.hear_text = CrossAttentionBlock(width, config.text_width, config.heads, ratio)
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """The prompts' own maps.

        Args:
            maps: [batch or batch * prompts, channels, height, width]; what all prompts of an item share hears
                itself once.
            tokens, mask: [batch * prompts, ...].

        Returns:
            [batch * prompts, channels, height, width].
        """
        states = self.hear_itself(to_positions(maps))
        states = repeat_items(states, len(tokens) // len(states))
        return to_maps(self.norm(self.hear_text(states, tokens, mask)), maps.shape)


class Up(nn.Module):
    """Twice the height and width: bilinear, residual block at the joined width, convolution, norm, rectifier.

    The last of all is a bare convolution with bias.
    """

    def __init__(self, inputs: int, outputs: int, slope: float, *, last: bool = False) -> None:
        super().__init__()
        self.residual = Residual(inputs, slope)
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=last)
        self.finish = nn.Identity() if last else nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, below: Tensor, beside: Tensor | None = None) -> Tensor:
        """Maps of the next level outwards.

        Args:
            below: [batch * prompts, channels, height, width] from further in.
            beside: [batch or batch * prompts, channels, height, width] of the encoder.
        """
        if beside is None:
            joined = self.residual(twice(below))
        else:
            joined = self.residual.forward_joined(twice(beside), twice(below))
        larger: Tensor = self.finish(self.convolution(joined))
        return larger


class ConditionalUNet(nn.Module):
    """Magnitude of the mixture and prompts -> masks, at the size of the paper or any other."""

    def __init__(self, config: UNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or UNetConfig()
        channels, slope = self.config.channels, self.config.slope
        self.norm = nn.BatchNorm2d(1)
        self.encoder = nn.ModuleList(
            Down(outer, inner, slope) for outer, inner in itertools.pairwise((1, *channels))
        )
        self.head_levels = len(channels) - self.config.modulated_levels
        self.modulator = nn.ModuleList(
            Modulator(self.config, width) for width in channels[self.head_levels :]
        )
        self.decoder = nn.ModuleList()
        for level in reversed(range(len(channels))):
            innermost, last = level == len(channels) - 1, level == 0
            outputs = self.config.output_channels if last else channels[level - 1]
            inputs = channels[level] if innermost else 2 * channels[level]
            self.decoder.append(Up(inputs, outputs, slope, last=last))
        self.weighing = nn.Linear(self.config.text_dimension, self.config.output_channels)

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
        return torch.sigmoid(self.logits(magnitude, tokens, mask, vector))

    def logits(self, magnitude: Tensor, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """What `forward` takes the sigmoid of, in single precision at least."""
        decoded = self.decode(self.encode(magnitude), tokens, mask, vector)
        return decoded[..., : magnitude.shape[-1]]

    def encode(self, magnitude: Tensor) -> list[Tensor]:
        """What all prompts share: [batch, bins, frames] -> maps of the head and of the first inner level."""
        maps = self.norm(torch.log1p(pad_frames(magnitude, self.config.stride)).unsqueeze(1))
        levels = []
        for down in itertools.islice(self.encoder, self.head_levels + 1):
            maps = down(maps)
            levels.append(maps)
        return levels

    def decode(self, encoded: Sequence[Tensor], tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        """Logits [batch, prompts, bins, padded frames] of the prompts, from the output of `encode`."""
        batch, prompts = mask.shape[:2]
        tokens, mask, vector = tokens.flatten(0, 1), mask.flatten(0, 1), vector.flatten(0, 1)
        levels, maps = list(encoded[: self.head_levels]), encoded[self.head_levels]
        for inner, modulate in enumerate(self.modulator):
            if inner:
                maps = self.encoder[self.head_levels + inner](maps)
            maps = modulate(maps, tokens, mask)
            levels.append(maps)
        innermost, *outwards = self.decoder
        maps = innermost(levels.pop())
        for up in outwards:
            maps = up(maps, levels.pop())
        weights = torch.sigmoid(self.weighing(vector))
        logits: Tensor = weighted_sum(maps, weights).unflatten(0, (batch, prompts))
        return logits


def weighted_sum(maps: Tensor, weights: Tensor) -> Tensor:
    """Sum of the channels [batch, channels, height, width], weighted by [batch, channels].

    In single precision at least, whatever runs around it.

    >>> weighted_sum(torch.ones(1, 2, 1, 1), torch.tensor([[0.25, 0.5]])).flatten().tolist()
    [0.75]
    """
    with full_precision(maps.device):
        return torch.einsum("bchw,bc->bhw", at_least_single(maps), at_least_single(weights))


def pad_frames(magnitude: Tensor, multiple: int) -> Tensor:
    """Silence at the end, up to a multiple of so many frames.

    >>> pad_frames(torch.ones(1, 2, 5), 4).shape
    torch.Size([1, 2, 8])
    """
    return pad(magnitude, (0, -magnitude.shape[-1] % multiple))


def twice(maps: Tensor) -> Tensor:
    """Bilinear to twice the height and width."""
    return interpolate(maps, scale_factor=2.0, mode="bilinear", align_corners=False)


def repeat_items(items: Tensor, times: int) -> Tensor:
    """Each item so many times in a row, along the first dimension.

    >>> repeat_items(torch.tensor([1, 2]), 2).tolist()
    [1, 1, 2, 2]
    """
    return items if times == 1 else items.repeat_interleave(times, dim=0)


def join_shared(shared: Tensor, own: Tensor) -> Tensor:
    """Put before the channels of each of [batch * prompts, ...] those that its item [batch, ...] shares.

    >>> join_shared(torch.zeros(1, 1), torch.ones(2, 1)).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """
    each: Tensor = own.unflatten(0, (len(shared), -1))
    return torch.cat((shared[:, None].expand(-1, each.shape[1], *shared.shape[1:]), each), 2).flatten(0, 1)


def add_shared(own: Tensor, shared: Tensor) -> Tensor:
    """Add to each of [batch * prompts, ...] what its item [batch, ...] shares.

    >>> add_shared(torch.zeros(4), torch.tensor([1.0, 2.0])).tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    each: Tensor = own.unflatten(0, (len(shared), -1))
    return (each + shared[:, None]).flatten(0, 1)
