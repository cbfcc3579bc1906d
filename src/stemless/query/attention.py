"""Transformer blocks of the query network: positions of the spectrogram hear each other, then the text.

Pre-norm blocks after Mahmud et al., "Weakly-supervised Audio Separation via Bi-modal Semantic Similarity"
(ICLR 2024): attention of eight heads and a perceptron of ratio two, each on a residual path. There is no
positional part: the convolutions before know where they are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from stemless.query.precision import at_least_single, full_precision


def split_heads(states: Tensor, heads: int) -> Tensor:
    """[batch, positions, width] -> [batch, heads, positions, width / heads].

    >>> split_heads(torch.zeros(2, 5, 12), 3).shape
    torch.Size([2, 3, 5, 4])
    """
    apart: Tensor = states.unflatten(-1, (heads, -1))
    return apart.transpose(1, 2)


def join_heads(states: Tensor) -> Tensor:
    """Inverse of `split_heads`."""
    return states.transpose(1, 2).flatten(2)


def attend(query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Attention of heads apart, in single precision at least, and the heads joined again.

    On a processor the backward pass in bfloat16 takes seven times as long as in single precision.

    Args:
        query: [batch, heads, positions, width]. key, value: [batch, heads, others, width].
        allowed: bool, what each position may hear, broadcast over [batch, heads, positions, others].

    Returns:
        [batch, positions, heads * width].
    """
    with full_precision(query.device):
        query, key, value = at_least_single(query), at_least_single(key), at_least_single(value)
        return join_heads(scaled_dot_product_attention(query, key, value, attn_mask=allowed))


class SelfAttention(nn.Module):
    """Every position hears every other: [batch, positions, width] -> the same shape."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = _checked_heads(width, heads)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        query, key, value = (
            split_heads(part, self.heads) for part in self.query_key_value(states).chunk(3, dim=-1)
        )
        attended: Tensor = self.output(attend(query, key, value))
        return attended


class CrossAttention(nn.Module):
    """Every position hears the tokens of the text, never its padding."""

    def __init__(self, width: int, text_width: int, heads: int) -> None:
        super().__init__()
        self.heads = _checked_heads(width, heads)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(text_width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(self, states: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """What the positions take from the text.

        Args:
            states: [batch, positions, width].
            tokens: [batch, tokens, text_width]; where padded their values do not matter.
            mask: [batch, tokens] bool, True where there is a token. A text without any says nothing: the
                attended value is zero, rather than the softmax over nothing.

        Returns:
            [batch, positions, width].
        """
        tokens = tokens.masked_fill(~mask[..., None], 0.0)
        spoken = mask.any(-1)[:, None, None]
        allowed = (mask[:, None, :] | ~spoken)[:, None]
        query = split_heads(self.query(states), self.heads)
        key, value = (split_heads(part, self.heads) for part in self.key_value(tokens).chunk(2, dim=-1))
        heard: Tensor = self.output(attend(query, key, value, allowed) * spoken)
        return heard


class Perceptron(nn.Sequential):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, ratio: float) -> None:
        hidden = round(width * ratio)
        super().__init__(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class SelfAttentionBlock(nn.Module):
    """Self-attention and a perceptron, each after a layer norm and on a residual path."""

    def __init__(self, width: int, heads: int = 8, ratio: float = 2.0) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads)
        self.before_perceptron = nn.LayerNorm(width)
        self.perceptron = Perceptron(width, ratio)

    def forward(self, states: Tensor) -> Tensor:
        """[batch, positions, width] -> the same shape."""
        states = states + self.attention(self.before_attention(states))
        heard: Tensor = states + self.perceptron(self.before_perceptron(states))
        return heard


class CrossAttentionBlock(nn.Module):
    """Cross-attention on the text and a perceptron, each after a layer norm and on a residual path."""

    def __init__(self, width: int, text_width: int, heads: int = 8, ratio: float = 2.0) -> None:
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.attention = CrossAttention(width, text_width, heads)
        self.before_perceptron = nn.LayerNorm(width)
        self.perceptron = Perceptron(width, ratio)

    def forward(self, states: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Arguments and result as in `CrossAttention.forward`."""
        states = states + self.attention(self.before_attention(states), tokens, mask)
        heard: Tensor = states + self.perceptron(self.before_perceptron(states))
        return heard


def to_positions(maps: Tensor) -> Tensor:
    """Maps [batch, channels, height, width] -> one state a position, [batch, height * width, channels].

    >>> to_positions(torch.zeros(2, 8, 3, 5)).shape
    torch.Size([2, 15, 8])
    """
    return maps.flatten(2).transpose(1, 2)


def to_maps(states: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Inverse of `to_positions` for maps of that height and width."""
    maps: Tensor = states.transpose(1, 2).unflatten(2, (size[-2], size[-1]))
    return maps


def _checked_heads(width: int, heads: int) -> int:
    if heads < 1 or width % heads:
        raise ValueError(f"a width of {width} cannot be shared by {heads} heads")
    return heads
