"""The training step of the U-Net."""

import pytest
import torch

pytest.importorskip("lightning")

from stemless.optimiser import OptimiserConfig
from stemless.voices.baselines.unet import UNetConfig
from stemless.voices.baselines.unet_learner import UNetLearner
from stemless.voices.corpus import Batch


def learner(bf16: bool = False) -> UNetLearner:
    torch.manual_seed(0)
    config = UNetConfig(channels=(2, 3), control_channels=(2, 3), dropout=0.0)
    return UNetLearner(OptimiserConfig(), steps=10, bf16=bf16, config=config)


def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    stems = torch.randn(4, 2, 3000, generator=generator)
    stems[:, 1] *= 3
    return Batch(stems.sum(1), 100 + 200 * torch.rand(4, 2, 12, generator=generator), stems)


def test_the_seed_draws_the_voices() -> None:
    losses = [learner().loss(batch(), seed).item() for seed in (0, 0, 1, 2, 3)]
    assert losses[0] == losses[1]
    assert len(set(losses)) > 1


def test_bf16_gives_nearly_the_same_loss() -> None:
    assert learner(bf16=True).loss(batch(), 0).item() == pytest.approx(
        learner().loss(batch(), 0).item(), rel=0.02
    )


def test_it_learns_from_stems_only() -> None:
    with pytest.raises(ValueError, match="stems"):
        learner().loss(batch()._replace(stems=None), 0)


def test_every_parameter_hears_of_the_loss() -> None:
    module = learner()
    module.loss(batch(), 0).backward()
    silent = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []
