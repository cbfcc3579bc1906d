"""Bands: where they lie, what they keep, and that masks come back as convex combinations."""

import pytest
import torch

from stemless.query.bands import Bands, band_centres, band_matrix


@pytest.mark.parametrize(("bins", "bands"), [(512, 128), (512, 160), (512, 512), (512, 2), (16, 8)])
def test_matrix_shares_every_bin_out(bins: int, bands: int) -> None:
    matrix = band_matrix(bins, bands)
    assert matrix.shape == (bands, bins) and matrix.min() >= 0
    assert torch.allclose(matrix.sum(0), torch.ones(bins, dtype=torch.float64))
    assert (matrix.sum(1) > 0).all(), "no band is empty"
    assert ((matrix > 0).sum(0) <= 2).all()
    # A hat: the centre of mass of what a bin is given to is the bin.
    assert torch.allclose(band_centres(bins, bands) @ matrix, torch.arange(bins, dtype=torch.float64))


def test_as_many_bands_as_bins_change_nothing() -> None:
    magnitude = torch.rand(2, 16, 5)
    bands = Bands(16, 16)
    assert torch.allclose(bands(magnitude), magnitude) and torch.equal(bands.spread(magnitude), magnitude)


def test_fine_at_the_bottom_and_logarithmic_at_the_top() -> None:
    centres = band_centres(512, 128)
    steps = centres.diff()
    assert centres[0] == 0 and centres[-1] == 511
    assert (steps >= 1 - 1e-6).all() and (steps.diff() > 0).all()
    # At 150 Hz two partials three bins apart stay apart; from 3 kHz on the steps are a fixed ratio.
    assert steps[:10].max() < 1.05
    ratios = steps[centres[:-1] > 200] / centres[:-1][centres[:-1] > 200]
    assert ratios.max() / ratios.min() < 1.02


def test_a_flat_spectrum_stays_flat_both_ways() -> None:
    bands = Bands(512, 128)
    assert torch.allclose(bands(torch.full((512, 3), 0.7)), torch.full((128, 3), 0.7), atol=1e-6)
    assert torch.allclose(bands.spread(torch.full((128, 3), 0.7)), torch.full((512, 3), 0.7), atol=1e-6)


def test_masks_come_back_by_the_transpose() -> None:
    masks = torch.rand(2, 3, 128, 4)
    expected = band_matrix(512, 128).T.float() @ masks
    assert torch.allclose(Bands(512, 128).spread(masks), expected, atol=1e-6)


def test_sums_within_one_stay_within_one() -> None:
    masks = torch.softmax(4 * torch.randn(1, 5, 128, 50, generator=torch.Generator().manual_seed(0)), dim=1)
    spread = Bands(512, 128).spread(masks)
    assert spread.min() >= 0 and spread.sum(1).max() <= 1 + 1e-6


def test_mixed_precision_stops_at_the_bands() -> None:
    magnitude, masks, bands = torch.rand(512, 9) * 100, torch.rand(128, 9), Bands(512, 128)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = bands(magnitude), bands.spread(masks)
    assert torch.equal(mixed[0], bands(magnitude)) and torch.equal(mixed[1], bands.spread(masks))


def test_nothing_of_it_is_stored() -> None:
    assert not Bands(512, 128).state_dict()


@pytest.mark.parametrize("bands", [0, 1, 513])
def test_impossible_numbers(bands: int) -> None:
    with pytest.raises(ValueError, match="512"):
        band_centres(512, bands)
