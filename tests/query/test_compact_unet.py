"""The compact network: small, cheap for many prompts, and honest about what a mask may depend on."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from stemless.query.compact_unet import CompactConfig, CompactUNet

TINY = CompactConfig(
    n_fft=62, hop_length=16, bands=16, channels=(4, 4, 8), shared_channels=(4, 4), prompt_channels=(2, 4),
    output_channels=3, heads=2, text_width=6, text_dimension=5,
)  # fmt: skip


def tiny(seed: int = 0, **changes: object) -> CompactUNet:
    """A tiny network in evaluation, whose norms have seen some data."""
    torch.manual_seed(seed)
    network = CompactUNet(dataclasses.replace(TINY, **changes))  # type: ignore[arg-type]
    for _ in range(3):
        network(*inputs(batch=4, seed=seed + 1))
    return network.eval()


def inputs(
    batch: int = 2, prompts: int = 3, tokens: int = 4, frames: int = 24, seed: int = 5
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Magnitude, tokens, mask and vector; the prompts of an item have different lengths."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(tokens) < 1 + torch.arange(prompts)[:, None] % tokens
    mask = mask.expand(batch, prompts, tokens)
    states = torch.randn(batch, prompts, tokens, TINY.text_width, generator=generator) * mask[..., None]
    vector = torch.randn(batch, prompts, TINY.text_dimension, generator=generator)
    magnitude = torch.rand(batch, TINY.grid.bins, frames, generator=generator) * 4
    return magnitude, states, mask, vector / vector.norm(dim=-1, keepdim=True)


def cost(network: CompactUNet, prompts: int) -> int:
    config = network.config
    arguments = (
        torch.empty(1, config.grid.bins, 512),
        torch.empty(1, prompts, 8, config.text_width),
        torch.ones(1, prompts, 8, dtype=torch.bool),
        torch.empty(1, prompts, config.text_dimension),
    )
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        assert network(*arguments).shape == (1, prompts, config.grid.bins, 512)
    total: int = counter.get_total_flops()
    return total


def test_small_and_cheap_and_cheaper_still_for_many_prompts() -> None:
    with torch.device("meta"):
        network = CompactUNet().eval()
        one, eight = cost(network, 1), cost(network, 8)
    assert sum(value.numel() for value in network.parameters()) < 5e6
    assert one < 463e9 / 100
    assert eight < 2 * one


def test_every_parameter_is_used() -> None:
    network = tiny().train()
    network(*inputs()).square().sum().backward()
    for name, value in network.named_parameters():
        assert value.grad is not None, name


@pytest.mark.parametrize("frames", [1, 7, 8, 9, 30])
@pytest.mark.parametrize(("batch", "prompts"), [(1, 1), (2, 3), (3, 1)])
def test_any_length_batch_and_number_of_prompts(frames: int, batch: int, prompts: int) -> None:
    masks = tiny()(*inputs(batch, prompts, frames=frames))
    assert masks.shape == (batch, prompts, TINY.grid.bins, frames)
    assert masks.min() > 0 and masks.max() < 1


def test_prompts_as_a_batch_are_prompts_in_a_loop() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    together = network(magnitude, tokens, mask, vector)
    for item in range(2):
        for prompt in range(3):
            place = (slice(item, item + 1), slice(prompt, prompt + 1))
            alone = network(magnitude[item : item + 1], tokens[place], mask[place], vector[place])
            assert torch.allclose(together[place], alone, atol=1e-5)


def test_prompts_do_not_hear_each_other_but_are_heard() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    before = network(magnitude, tokens, mask, vector)
    for part in (tokens, vector):
        changed = part.clone()
        changed[:, 1] = changed[:, 1].flip(-1)
        others = (changed, mask, vector) if part is tokens else (tokens, mask, changed)
        after = network(magnitude, *others)
        assert torch.equal(before[:, [0, 2]], after[:, [0, 2]])
        assert (before[:, 1] - after[:, 1]).abs().max() > 1e-4


def test_padded_tokens_do_not_matter() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    before = network(magnitude, tokens, mask, vector)
    rubbish = torch.where(mask[..., None], tokens, float("nan"))
    assert torch.equal(network(magnitude, rubbish, mask, vector), before)
    more = (torch.cat((part, torch.zeros_like(part)), dim=2) for part in (tokens, mask))
    assert torch.allclose(network(magnitude, *more, vector), before, atol=1e-5)
    assert torch.isfinite(network(magnitude, tokens, torch.zeros_like(mask), vector)).all()


def test_encoder_runs_once_for_all_prompts() -> None:
    network, arguments = tiny(), inputs()
    seen: list[int] = []
    for module in (*network.encoder, *network.hear_itself, *network.pyramid, network.surface):
        module.register_forward_hook(lambda _module, _input, output: seen.append(len(output)))
    network(*arguments)
    assert set(seen) == {2}


def test_encoded_mixtures_can_be_asked_again() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    heard = network.encode(magnitude)
    apart = [
        network.decode(heard, tokens[:, [prompt]], mask[:, [prompt]], vector[:, [prompt]])
        for prompt in range(3)
    ]
    together = network.logits(magnitude, tokens, mask, vector)
    assert torch.allclose(torch.cat(apart, dim=1), together, atol=1e-5)


def test_logits_are_weights_times_the_surface_and_an_offset() -> None:
    network, (magnitude, *text) = tiny(), inputs()
    before = network.logits(magnitude, *text)
    with torch.no_grad():
        network.output.bias[0] += 0.5
        network.output.bias[2] += 0.25
    surface = network.encode(magnitude).pyramid[-1]
    expected = before + 0.5 + 0.25 * surface[:, None, 1]
    assert torch.allclose(network.logits(magnitude, *text), expected, atol=1e-5)


def test_memory_layout_and_mixed_precision_are_options() -> None:
    network, arguments = tiny(), inputs()
    with torch.no_grad():
        masks = network(*arguments)
        assert torch.allclose(network.to(memory_format=torch.channels_last)(*arguments), masks, atol=1e-5)
        with torch.autocast("cpu", torch.bfloat16):
            mixed = network(*arguments)
    assert mixed.dtype == torch.float32
    assert torch.allclose(mixed, masks, atol=0.05)


def test_same_seed_same_masks() -> None:
    assert torch.equal(tiny()(*inputs()), tiny()(*inputs()))
    assert not torch.equal(tiny(1)(*inputs()), tiny(2)(*inputs()))


def test_gradients() -> None:
    network = tiny(bands=8, channels=(2, 2, 4)).double()
    _, tokens, mask, vector = inputs(batch=1, prompts=2, tokens=2)
    tokens, vector = tokens.double().requires_grad_(), vector.double().requires_grad_()
    magnitude = torch.rand(1, 32, 8, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *given: network(given[0], given[1], mask, given[2]),
        (magnitude, tokens, vector),
        fast_mode=True,
    )


def test_learns_to_follow_the_prompt() -> None:
    """Two prompts, two halves of the spectrum: a few steps tell them apart."""
    torch.manual_seed(0)
    network = CompactUNet(TINY)
    magnitude, tokens, mask, vector = inputs(batch=4, prompts=2)
    tokens, vector = tokens[:1].expand_as(tokens), vector[:1].expand_as(vector)
    wanted = torch.zeros(4, 2, TINY.grid.bins, 24)
    wanted[:, 0, :8], wanted[:, 1, 8:] = 1, 1
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(80):
        loss = (network(magnitude, tokens, mask, vector) - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.15


@pytest.mark.parametrize(
    "changes",
    [{"bands": 100}, {"modulated_levels": 0}, {"prompt_channels": (8, 8)}, {"heads": 7}, {"bands": 1024}],
)
def test_sizes_that_do_not_fit(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError), torch.device("meta"):
        CompactUNet(dataclasses.replace(CompactConfig(), **changes))  # type: ignore[arg-type]
