"""Sharpness: odds to a power, and how near prompts are to the names of training."""

import pytest
import torch

from stemless.query.sharpness import LEAST_FAMILIARITY, familiarity, sharpened_


def test_odds_are_taken_to_a_power() -> None:
    masks = torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    powers = torch.tensor([0.3, 0.65, 1.0], dtype=torch.float64)[:, None, None]
    expected = masks**powers / (masks**powers + (1 - masks) ** powers)
    sharp = sharpened_(masks.clone(), powers.flatten())
    torch.testing.assert_close(sharp, expected)
    torch.testing.assert_close(sharp[:, 2], masks[:, 2])
    assert ((sharp[:, :2] - 0.5).abs() < (masks[:, :2] - 0.5).abs()).all()


def test_complements_stay_complements() -> None:
    masks = torch.rand(1, 1, 6, 7, generator=torch.Generator().manual_seed(1))
    powers = torch.tensor([0.4])
    torch.testing.assert_close(sharpened_(1 - masks, powers), 1 - sharpened_(masks.clone(), powers))


def test_familiarity_is_the_nearest_name_within_bounds() -> None:
    vectors = torch.nn.functional.normalize(
        torch.randn(7, 5, generator=torch.Generator().manual_seed(2)), dim=-1
    )
    prompts, known = vectors[:4], vectors[2:]
    found = familiarity(prompts, known)
    expected = [max(float(prompt @ name) for name in known) for prompt in prompts]
    assert found.tolist() == pytest.approx([min(max(each, LEAST_FAMILIARITY), 1) for each in expected])
    assert found[2:].tolist() == pytest.approx([1, 1])
    assert familiarity(prompts, None).tolist() == familiarity(prompts, known[:0]).tolist() == [1] * 4
