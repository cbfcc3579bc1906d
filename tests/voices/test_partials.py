"""Partials that go on: what a frame hides is told by its neighbours, and nothing else is changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from stemless.spectrum import Grid
from stemless.voices.baselines.comb import comb_magnitudes
from stemless.voices.baselines.masking import power_masks
from stemless.voices.partials import (
    PARTIALS,
    REACH_SECONDS,
    SMOOTHING_SECONDS,
    Partials,
    loudest,
    smoothed,
    steadied,
)

GRID, RATE, FRAMES = Grid(2048, 256), 16000, 125
STEP = GRID.hop_length / RATE
BIN_HZ = RATE / GRID.n_fft


def crossing() -> tuple[Tensor, Tensor]:
    """f0 and magnitudes of a voice that stays and of one that glides through its partials."""
    f0_hz = torch.stack([torch.full((FRAMES,), 220.0), torch.linspace(240.0, 400.0, FRAMES)])
    return f0_hz, comb_magnitudes(f0_hz, sample_rate=RATE, n_fft=GRID.n_fft)


def steady(masks: Tensor, magnitude: Tensor, f0_hz: Tensor, power: float = 2.0) -> tuple[Tensor, Tensor]:
    """Masks that are moved, and those of steady partials alone."""
    moved, alone = (
        steadied(masks[None], [magnitude], f0_hz, share=share, power=power, grid=GRID, sample_rate=RATE)[0]
        for share in (0.0, 1.0)
    )
    return moved, alone


def test_the_mean_over_time_is_a_bell() -> None:
    values = np.random.default_rng(0).random((2, 3, 80))
    wanted = gaussian_filter1d(values, SMOOTHING_SECONDS / STEP, mode="constant", truncate=3.0)
    assert np.allclose(smoothed(torch.from_numpy(values), STEP).numpy(), wanted, atol=1e-12)


def test_what_crosses_is_told_apart_by_what_is_around_it() -> None:
    f0_hz, voices = crossing()
    magnitude = voices.sum(0)
    ideal = power_masks(voices, 2)
    # A separator that knows nothing where partials meet.
    unsure = torch.where((ideal.amin(0) > 0.02) & (ideal.amax(0) < 0.98), 0.5, ideal)
    error = ((unsure - ideal) * magnitude).square().sum()
    for masks, left in zip(steady(unsure, magnitude, f0_hz[None]), (0.9, 0.6), strict=True):
        assert ((masks - ideal) * magnitude).square().sum() < left * error


def test_sums_stay_and_rests_stay_silent() -> None:
    f0_hz, voices = crossing()
    f0_hz[1, 40:80] = 0.0
    masks = power_masks(voices + 1e-3, 2) * torch.linspace(0.2, 1.0, FRAMES)
    masks[1, :, 40:80] = 0.0
    for made in steady(masks, voices.sum(0), f0_hz[None]):
        assert torch.allclose(made.sum(0), masks.sum(0), atol=1e-5)
        assert made.min() >= 0
        assert made[1, :, 40:80].max() == 0


def test_silence_and_a_mixture_without_pitch_are_left_alone() -> None:
    f0_hz, voices = crossing()
    masks = power_masks(voices + 1e-3, 2)
    for made in steady(masks, torch.zeros(GRID.bins, FRAMES), f0_hz[None]):
        assert torch.isfinite(made).all()
    moved, _ = steady(masks, voices.sum(0), torch.zeros(1, 2, FRAMES))
    assert torch.allclose(moved, masks, atol=1e-6)


def test_the_level_of_the_recording_does_not_matter() -> None:
    f0_hz, voices = crossing()
    masks, magnitude = power_masks(voices + 1e-2, 1), voices.sum(0) + 1e-3
    soft, loud = (steady(masks, level * magnitude, f0_hz[None]) for level in (0.01, 1.0))
    for first, second in zip(soft, loud, strict=True):
        assert torch.allclose(first, second, atol=1e-4)


def test_a_frame_hears_no_further_than_it_says() -> None:
    f0_hz, voices = crossing()
    masks = power_masks(voices + 1e-2, 1)
    other = masks.clone()
    other[..., :20] = 0.5
    last = 20 + round(REACH_SECONDS / STEP)
    assert last < FRAMES - 10
    for first, second in zip(
        steady(masks, voices.sum(0), f0_hz[None]), steady(other, voices.sum(0), f0_hz[None]), strict=True
    ):
        assert torch.equal(first[..., last:], second[..., last:])
        assert not torch.equal(first[..., : last - 10], second[..., : last - 10])


@pytest.mark.parametrize("wrong", [0.5, 2.0, 1.3])
def test_the_version_that_a_voice_is_loudest_by_is_taken(wrong: float) -> None:
    f0_hz, voices = crossing()
    versions = [Partials(each / BIN_HZ, GRID.bins) for each in (wrong * f0_hz, f0_hz)]
    assert torch.equal(
        loudest(versions, power_masks(voices, 1), voices.sum(0), 3000 / BIN_HZ).f0_bins, f0_hz / BIN_HZ
    )


def test_bins_know_their_nearest_partial() -> None:
    partials = Partials(torch.tensor([[10.0, 0.0]]), 1025)
    number, distance = partials.nearest()
    assert number[0, [3, 10, 24, 26], 0].tolist() == [0, 0, 1, 2]
    assert distance[0, [3, 10, 24, 26], 0].tolist() == [7.0, 0.0, 4.0, 4.0]
    assert number.max() == PARTIALS - 1
    assert not partials.audible[..., 1].any()


@pytest.mark.parametrize("power", [1.0, 10.0])
def test_the_exponent_is_that_of_the_masks(power: float) -> None:
    voices = comb_magnitudes(torch.tensor([200.0, 290.0])[:, None].expand(2, FRAMES), n_fft=GRID.n_fft)
    voices = voices + 1e-3
    f0_hz = torch.tensor([200.0, 290.0])[None, :, None].expand(1, 2, FRAMES)
    masks = power_masks(voices, power)
    partials = (torch.tensor([200.0, 290.0, 400.0, 580.0]) / BIN_HZ).round().long()
    for made in steady(masks, voices.sum(0), f0_hz, power):
        assert (made - masks)[:, partials].abs().max() < 0.05
