"""The blocks of the modulator: against attention written out, the padding of the text, gradients."""

import pytest
import torch
from torch import Tensor, nn

from stemless.query.attention import (
    CrossAttention,
    CrossAttentionBlock,
    SelfAttention,
    SelfAttentionBlock,
    join_heads,
    split_heads,
    to_maps,
    to_positions,
)


def text(batch: int = 2, tokens: int = 5, width: int = 6) -> tuple[Tensor, Tensor]:
    """Token states and a mask: two tokens, then three, and so on, the rest padding."""
    mask = torch.arange(tokens) < torch.arange(2, batch + 2)[:, None]
    return torch.randn(batch, tokens, width) * mask[..., None], mask


def written_out(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention of one head of one example, from its definition."""
    weights = torch.softmax(query @ key.T / query.shape[-1] ** 0.5, dim=-1)
    return weights @ value


def test_heads_and_maps_come_back() -> None:
    states, maps = torch.randn(2, 5, 12), torch.randn(2, 4, 3, 5)
    assert torch.equal(join_heads(split_heads(states, 3)), states)
    assert torch.equal(split_heads(states, 3)[1, 2, 4], states[1, 4, 8:])
    assert torch.equal(to_maps(to_positions(maps), (3, 5)), maps)
    assert torch.equal(to_positions(maps)[1, 7], maps[1, :, 1, 2])


def test_self_attention_is_the_definition() -> None:
    torch.manual_seed(0)
    attention, states = SelfAttention(8, 2).double(), torch.randn(1, 7, 8, dtype=torch.float64)
    query, key, value = attention.query_key_value(states)[0].split(8, dim=-1)
    heads = [written_out(query[:, part], key[:, part], value[:, part]) for part in (slice(4), slice(4, 8))]
    expected = attention.output(torch.cat(heads, dim=-1))
    assert torch.allclose(attention(states)[0], expected, atol=1e-12)


def test_self_attention_agrees_with_torch() -> None:
    torch.manual_seed(0)
    attention, states = SelfAttention(16, 8), torch.randn(3, 9, 16)
    oracle = nn.MultiheadAttention(16, 8, batch_first=True)
    oracle.in_proj_weight, oracle.in_proj_bias = (
        attention.query_key_value.weight,
        attention.query_key_value.bias,
    )
    oracle.out_proj = attention.output  # type: ignore[assignment]
    assert torch.allclose(attention(states), oracle(states, states, states)[0], atol=1e-6)


def test_cross_attention_hears_the_tokens_alone() -> None:
    torch.manual_seed(0)
    attention = CrossAttention(8, 6, 2)
    states = torch.randn(2, 4, 8)
    tokens, mask = text()
    heard = attention(states, tokens, mask)
    for item, length in enumerate((2, 3)):
        alone = attention(
            states[item : item + 1], tokens[item : item + 1, :length], mask[item : item + 1, :length]
        )
        assert torch.allclose(heard[item], alone[0], atol=1e-6)
    assert not torch.allclose(heard, attention(states, tokens, torch.ones_like(mask)), atol=1e-3)


@pytest.mark.parametrize("rubbish", [1e4, float("nan"), float("inf")])
def test_padding_does_not_matter_whatever_it_holds(rubbish: float) -> None:
    torch.manual_seed(0)
    block = CrossAttentionBlock(8, 6, 2)
    states = torch.randn(2, 4, 8)
    tokens, mask = text()
    assert torch.equal(
        block(states, tokens, mask),
        block(states, torch.where(mask[..., None], tokens, rubbish), mask),
    )


def test_text_without_a_token_says_nothing() -> None:
    torch.manual_seed(0)
    attention = CrossAttention(8, 6, 2)
    states = torch.randn(2, 4, 8, requires_grad=True)
    tokens, mask = text()
    mask[0] = False
    heard = attention(states, tokens, mask)
    assert torch.allclose(heard[0], attention.output.bias.expand(4, 8), atol=1e-7)
    assert not torch.allclose(heard[1], attention.output.bias.expand(4, 8), atol=1e-3)
    heard.square().sum().backward()
    assert states.grad is not None and torch.isfinite(states.grad).all()
    assert all(torch.isfinite(value.grad).all() for value in attention.parameters())


def test_blocks_are_pre_norm_on_a_residual_path() -> None:
    torch.manual_seed(0)
    tokens, mask = text(width=6)
    states = torch.randn(2, 4, 8)
    for block, arguments in (
        (SelfAttentionBlock(8, 2), ()),
        (CrossAttentionBlock(8, 6, 2), (tokens, mask)),
    ):
        assert block.perceptron[0].out_features == 16
        between = states + block.attention(block.before_attention(states), *arguments)
        expected = between + block.perceptron(block.before_perceptron(between))
        assert torch.allclose(block(states, *arguments), expected, atol=1e-6)
        # What is left of the block with silent outputs is the identity.
        nn.init.zeros_(block.attention.output.weight)
        nn.init.zeros_(block.attention.output.bias)
        nn.init.zeros_(block.perceptron[2].weight)
        nn.init.zeros_(block.perceptron[2].bias)
        assert torch.equal(block(states, *arguments), states)


def test_gradients() -> None:
    torch.manual_seed(0)
    tokens, mask = text(width=3)
    states = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    spoken = tokens.double().requires_grad_()
    hear_text, hear_itself = CrossAttentionBlock(4, 3, 2).double(), SelfAttentionBlock(4, 2).double()
    assert torch.autograd.gradcheck(lambda x, y: hear_text(x, y, mask), (states, spoken))
    assert torch.autograd.gradcheck(hear_itself, (states,))


@pytest.mark.parametrize("heads", [0, 3])
def test_heads_that_do_not_share_the_width(heads: int) -> None:
    with pytest.raises(ValueError, match="heads"):
        SelfAttention(8, heads)
