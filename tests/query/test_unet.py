"""The U-Net at the paper's size: how large, how costly, and what a mask may depend on."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from stemless.query.unet import ConditionalUNet, Residual, UNetConfig

TINY = UNetConfig(
    n_fft=30, hop_length=8, width=4, multiples=(1, 1, 2, 2), modulated_levels=2, output_channels=3,
    heads=2, text_width=6, text_dimension=5,
)  # fmt: skip


def tiny(seed: int = 0, **changes: object) -> ConditionalUNet:
    """A tiny network in evaluation, whose norms have seen some data."""
    torch.manual_seed(seed)
    network = ConditionalUNet(dataclasses.replace(TINY, **changes))  # type: ignore[arg-type]
    for _ in range(3):
        network(*inputs(batch=4, seed=seed + 1))
    return network.eval()


def inputs(
    batch: int = 2, prompts: int = 3, tokens: int = 4, frames: int = 32, seed: int = 5
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Magnitude, tokens, mask and vector; the prompts of an item have different lengths."""
    generator = torch.Generator().manual_seed(seed)
    bins, config = TINY.grid.bins, TINY
    mask = torch.arange(tokens) < 1 + torch.arange(prompts)[:, None] % tokens
    mask = mask.expand(batch, prompts, tokens)
    states = torch.randn(batch, prompts, tokens, config.text_width, generator=generator) * mask[..., None]
    vector = torch.randn(batch, prompts, config.text_dimension, generator=generator)
    magnitude = torch.rand(batch, bins, frames, generator=generator) * 4
    return magnitude, states, mask, vector / vector.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize(
    ("width", "parameters", "gigaflops"),
    [(64, 87_681_250, 463), (32, 22_536_322, 121), (16, 5_942_098, 32.7)],
)
def test_size_and_cost_are_the_papers(width: int, parameters: int, gigaflops: float) -> None:
    with torch.device("meta"):
        network = ConditionalUNet(UNetConfig(width=width)).eval()
        assert count(network) == parameters
        assert sum(value.numel() for value in network.weighing.parameters()) == 512 * 32 + 32
        for frames in (512, 500):
            arguments = (
                torch.empty(1, 512, frames),
                torch.empty(1, 1, 8, 768),
                torch.ones(1, 1, 8, dtype=torch.bool),
                torch.empty(1, 1, 512),
            )
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                assert network(*arguments).shape == (1, 1, 512, frames)
            assert counter.get_total_flops() / 1e9 == pytest.approx(gigaflops, rel=0.01)


def count(network: ConditionalUNet) -> int:
    """Parameters of the U-Net, which is all but the weighing of its output channels."""
    return sum(
        value.numel() for name, value in network.named_parameters() if not name.startswith("weighing.")
    )


def test_every_parameter_is_used() -> None:
    network = tiny().train()
    network(*inputs()).square().sum().backward()
    for name, value in network.named_parameters():
        assert value.grad is not None, name


@pytest.mark.parametrize("frames", [1, 15, 16, 17, 40])
@pytest.mark.parametrize(("batch", "prompts"), [(1, 1), (2, 3), (3, 1)])
def test_any_length_batch_and_number_of_prompts(frames: int, batch: int, prompts: int) -> None:
    masks = tiny()(*inputs(batch, prompts, frames=frames))
    assert masks.shape == (batch, prompts, TINY.grid.bins, frames)
    assert masks.min() > 0 and masks.max() < 1


def test_frames_are_padded_with_silence() -> None:
    network, (magnitude, *text) = tiny(), inputs(frames=19)
    padded = torch.cat((magnitude, torch.zeros(2, TINY.grid.bins, 13)), dim=-1)
    assert torch.allclose(network(magnitude, *text), network(padded, *text)[..., :19], atol=1e-6)


def test_prompts_as_a_batch_are_prompts_in_a_loop() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    together = network(magnitude, tokens, mask, vector)
    for item in range(2):
        for prompt in range(3):
            place = (slice(item, item + 1), slice(prompt, prompt + 1))
            alone = network(magnitude[item : item + 1], tokens[place], mask[place], vector[place])
            assert torch.allclose(together[place], alone, atol=1e-5)


def test_training_as_a_batch_is_training_with_the_mixture_repeated() -> None:
    network, (magnitude, tokens, mask, vector) = tiny().train(), inputs()
    together = network(magnitude, tokens, mask, vector)
    apart = network(
        magnitude.repeat_interleave(3, dim=0),
        *(part.flatten(0, 1).unsqueeze(1) for part in (tokens, mask, vector)),
    )
    assert torch.allclose(together.flatten(0, 1).unsqueeze(1), apart, atol=1e-5)


def test_prompts_do_not_hear_each_other() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    before = network(magnitude, tokens, mask, vector)
    tokens, vector = tokens.clone(), vector.clone()
    tokens[:, 1] = torch.randn(tokens[:, 1].shape) * mask[:, 1, :, None]
    vector[:, 1] = torch.randn(vector[:, 1].shape)
    after = network(magnitude, tokens, mask, vector)
    assert torch.equal(before[:, [0, 2]], after[:, [0, 2]])
    assert (before[:, 1] - after[:, 1]).abs().max() > 1e-3


@pytest.mark.parametrize("part", ["tokens", "vector"])
def test_both_readings_of_the_text_matter(part: str) -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs(prompts=1)
    before = network(magnitude, tokens, mask, vector)
    if part == "tokens":
        tokens = tokens.flip(-1)
    else:
        vector = -vector
    assert (network(magnitude, tokens, mask, vector) - before).abs().max() > 1e-4


def test_padded_tokens_do_not_matter() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    before = network(magnitude, tokens, mask, vector)
    rubbish = torch.where(mask[..., None], tokens, 1e3)
    assert torch.equal(network(magnitude, rubbish, mask, vector), before)
    more = (torch.cat((part, torch.zeros_like(part)), dim=2) for part in (tokens, mask))
    assert torch.allclose(network(magnitude, *more, vector), before, atol=1e-5)


def test_text_without_a_token_gives_a_mask() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    masks = network(magnitude, tokens, torch.zeros_like(mask), vector)
    assert torch.isfinite(masks).all()


def test_the_head_is_computed_once() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    seen: list[int] = []
    for down in network.encoder:
        down.register_forward_hook(lambda _module, _input, output: seen.append(len(output)))
    network(magnitude, tokens, mask, vector)
    # Text enters after the first inner level has heard itself; what follows is the prompts' own.
    assert seen == [2, 2, 2, 6]


def test_encoded_mixtures_can_be_asked_again() -> None:
    network, (magnitude, tokens, mask, vector) = tiny(), inputs()
    encoded = network.encode(magnitude)
    apart = [
        network.decode(encoded, tokens[:, [prompt]], mask[:, [prompt]], vector[:, [prompt]])
        for prompt in range(3)
    ]
    together = network.logits(magnitude, tokens, mask, vector)
    assert torch.allclose(torch.cat(apart, dim=1), together, atol=1e-5)


def test_joined_residual_is_the_residual_of_the_joined() -> None:
    torch.manual_seed(0)
    residual = Residual(5, 0.2).eval()
    shared, own = torch.randn(2, 2, 4, 6), torch.randn(6, 3, 4, 6)
    joined = torch.cat((shared.repeat_interleave(3, dim=0), own), dim=1)
    assert torch.allclose(residual.forward_joined(shared, own), residual(joined), atol=1e-6)
    convolved = conv2d(joined, residual.convolution.weight, residual.convolution.bias, padding=1)
    expected = torch.nn.functional.leaky_relu(joined + convolved / (1 + 1e-5) ** 0.5, 0.2)
    assert torch.allclose(residual(joined), expected, atol=1e-5)


def test_same_seed_same_masks() -> None:
    assert torch.equal(tiny()(*inputs()), tiny()(*inputs()))
    assert not torch.equal(tiny(1)(*inputs()), tiny(2)(*inputs()))


def test_gradients() -> None:
    network = tiny(multiples=(1, 1, 1), modulated_levels=1, n_fft=14, hop_length=4).double()
    _, tokens, mask, vector = inputs(batch=1, prompts=2, tokens=2)
    tokens, vector = tokens.double().requires_grad_(), vector.double().requires_grad_()
    magnitude = torch.rand(1, 8, 8, dtype=torch.float64).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda *given: network(given[0], given[1], mask, given[2]),
        (magnitude, tokens, vector),
        fast_mode=True,
    )


def test_learns_to_follow_the_prompt() -> None:
    """Two prompts, two halves of the spectrum: a few steps tell them apart."""
    torch.manual_seed(0)
    network = ConditionalUNet(TINY)
    magnitude, tokens, mask, vector = inputs(batch=4, prompts=2)
    tokens, vector = tokens[:1].expand_as(tokens), vector[:1].expand_as(vector)
    wanted = torch.zeros(4, 2, TINY.grid.bins, 32)
    wanted[:, 0, :8], wanted[:, 1, 8:] = 1, 1
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(60):
        loss = (network(magnitude, tokens, mask, vector) - wanted).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.15


@pytest.mark.parametrize(
    "changes", [{"n_fft": 1024}, {"modulated_levels": 7}, {"modulated_levels": 0}, {"heads": 7}]
)
def test_sizes_that_do_not_fit(changes: dict[str, int]) -> None:
    with pytest.raises(ValueError), torch.device("meta"):
        ConditionalUNet(dataclasses.replace(UNetConfig(), **changes))  # type: ignore[arg-type]
