"""The ideal mask: shares of the true sources, and near the truth where they do not overlap."""

import pytest
import torch

from stemless.spectrum import stft
from stemless.voices.baselines.ideal import GRID, ideal_masks, ideal_stems


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_masks_are_the_share_of_each_bin(power: float) -> None:
    stems = torch.randn(3, 4000, generator=torch.Generator().manual_seed(0))
    masks = ideal_masks(stems, power=power)
    magnitude = stft(stems, GRID).abs() ** power
    assert torch.allclose(masks, magnitude / magnitude.sum(0), atol=1e-5)
    assert torch.allclose(masks.sum(0), torch.ones_like(masks[0]), atol=1e-6)


def test_sources_that_do_not_overlap_are_given_back() -> None:
    stems = torch.zeros(2, 16000)
    generator = torch.Generator().manual_seed(0)
    stems[0, :6000] = torch.randn(6000, generator=generator)
    stems[1, 9000:] = torch.randn(7000, generator=generator)
    assert torch.allclose(ideal_stems(stems), stems, atol=1e-4)


def test_a_silent_source_gets_nothing_and_silence_is_nobodys() -> None:
    stems = torch.zeros(2, 8000)
    stems[0, :3000] = torch.randn(3000, generator=torch.Generator().manual_seed(0))
    masks = ideal_masks(stems)
    assert masks[1].max() == 0
    assert masks[:, :, -1].max() == 0


@pytest.mark.parametrize("shape", [(2, 1), (5, 2, 777)])
def test_any_length_and_batch(shape: tuple[int, ...]) -> None:
    stems = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    assert ideal_stems(stems).shape == shape
    assert torch.allclose(ideal_stems(stems).sum(-2), stems.sum(-2), atol=1e-5)
