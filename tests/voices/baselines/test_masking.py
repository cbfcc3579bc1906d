"""Shares, rest levels and frame times."""

import math

import pytest
import torch

from stemless.voices.baselines.masking import power_masks, rest_levels


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 3.0])
def test_shares_follow_the_definition(power: float) -> None:
    magnitudes = torch.rand(3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = magnitudes**power / (magnitudes**power).sum(0)
    assert torch.allclose(power_masks(magnitudes, power), expected, atol=1e-12)
    assert torch.allclose(power_masks(magnitudes.transpose(0, 1), power, dim=1), expected.transpose(0, 1))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_shares_do_not_depend_on_scale(scale: float) -> None:
    magnitudes = torch.tensor([3.0, 1.0, 0.0])
    assert torch.allclose(power_masks(scale * magnitudes, 4), power_masks(magnitudes, 4))


def test_rest_levels_against_a_plain_loop() -> None:
    voiced = torch.rand(4, 120, generator=torch.Generator().manual_seed(2)) > 0.95
    voiced[3] = False
    levels = rest_levels(voiced, 0.016, decay_seconds=0.1, limit_seconds=0.3)
    for voice in range(4):
        pitched = [t for t in range(120) if voiced[voice, t]]
        for frame in range(120):
            seconds = min((abs(frame - t) for t in pitched), default=math.inf) * 0.016
            expected = math.exp(-seconds / 0.1) if seconds < 0.3 else 0.0
            assert float(levels[voice, frame]) == pytest.approx(expected, abs=1e-6)
