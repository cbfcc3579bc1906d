"""Ensembles beyond choirs: which estimate counts for which part."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import ensembles
from stemless.data.everyday.speech import available


def test_an_estimate_counts_for_the_part_that_it_is_nearest_to() -> None:
    generator = torch.Generator().manual_seed(0)
    stems = torch.randn(4, 1000, generator=generator)
    way = [2, 0, 3, 1]
    noisy = stems[way] + 0.5 * torch.randn(4, 1000, generator=generator)
    assert torch.equal(ensembles.nearest(stems, noisy)[way], noisy)


@pytest.mark.skipif(not available(), reason="espeak-ng is not installed")
def test_two_speakers_are_the_same_from_the_same_seed() -> None:
    first, second = (ensembles.speakers(np.random.default_rng(3)) for _ in range(2))
    assert first.shape == (2, 128000)
    assert torch.equal(first, second)
    assert first.square().mean(-1).min() > 1e-6
