"""The comb mask: its shape against a direct formula, its sums, rests, and what it separates."""

import math
import time

import pytest
import torch
from torch import Tensor

from stemless.spectrum import istft, stft
from stemless.voices.baselines.comb import CombSeparator, comb_magnitudes, comb_masks
from stemless.voices.tracks import PitchTracks

RATE = 16000


def tone(f0_hz: float, samples: int, partials: int = 12, phase: float = 0.0) -> Tensor:
    seconds = torch.arange(samples, dtype=torch.float64) / RATE
    waves = [
        torch.sin(2 * math.pi * f0_hz * h * seconds + phase * h) / h
        for h in range(1, partials + 1)
        if f0_hz * h < RATE / 2
    ]
    return torch.stack(waves).sum(0).float()


def level_db(error: Tensor, reference: Tensor) -> float:
    return 10 * math.log10(float((error**2).sum() / (reference**2).sum()))


def direct_magnitude(f0_hz: float, bin_index: int, n_fft: int, width: float) -> float:
    """The comb by its definition, one bin at a time: the partial nearest to the bin, and nothing else."""
    bin_hz = RATE / n_fft
    partials = range(1, int(RATE / f0_hz) + 2)
    nearest = min(partials, key=lambda h: abs(h * f0_hz - bin_index * bin_hz))
    distance = abs(nearest * f0_hz - bin_index * bin_hz) / bin_hz
    return 0.5 * (1 + math.cos(math.pi * distance / width)) / nearest if distance < width else 0.0


@pytest.mark.parametrize("f0_hz", [61.7, 220.0, 1318.5, 4900.0])
def test_magnitudes_are_the_direct_formula(f0_hz: float) -> None:
    n_fft = 2048
    expected = [direct_magnitude(f0_hz, k, n_fft, 3.0) for k in range(n_fft // 2 + 1)]
    exact = comb_magnitudes(torch.tensor([f0_hz], dtype=torch.float64), n_fft=n_fft)[:, 0]
    single = comb_magnitudes(torch.tensor([f0_hz]), n_fft=n_fft)[:, 0]
    oracle = torch.tensor(expected, dtype=torch.float64)
    # A bin midway between two partials may go to either: they differ by 1/h, not by the lobe.
    midway = (torch.arange(n_fft // 2 + 1) * RATE / n_fft / f0_hz % 1 - 0.5).abs() < 1e-4
    assert torch.allclose(exact[~midway], oracle[~midway], atol=1e-12)
    assert torch.allclose(single[~midway].double(), oracle[~midway], atol=2e-4)


def test_lobe_peaks_at_the_partials_and_ends_three_bins_away() -> None:
    magnitude = comb_magnitudes(torch.tensor([50 * RATE / 2048], dtype=torch.float64))[:, 0]
    for partial in (1, 2, 7):
        assert magnitude[50 * partial] == pytest.approx(1 / partial)
        assert magnitude[50 * partial + 1] == pytest.approx(0.75 / partial)
        assert magnitude[50 * partial - 3] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 6.0])
def test_masks_are_shares(power: float) -> None:
    generator = torch.Generator().manual_seed(3)
    f0_hz = 80 + 700 * torch.rand(4, 150, generator=generator)
    f0_hz = f0_hz * (torch.rand(4, 150, generator=generator) > 0.3)
    masks = comb_masks(f0_hz, power=power)
    assert masks.shape == (4, 1025, 150)
    assert masks.min() >= 0 and masks.max() <= 1 and torch.isfinite(masks).all()
    assert torch.allclose(masks.sum(0), torch.ones(1025, 150), atol=1e-6)


@pytest.mark.parametrize("interval", [3, 4, 6])
def test_two_tones_come_apart(interval: int) -> None:
    samples = 2 * RATE
    f0_hz = [220.0, 220.0 * 2 ** (interval / 12)]
    sources = torch.stack([tone(f0, samples, phase=0.3 * i) for i, f0 in enumerate(f0_hz)])
    separator = CombSeparator()
    tracks = PitchTracks.regular([[f0] * 126 for f0 in f0_hz], 0.016)
    mixture = sources.sum(0)
    masks = separator.masks(mixture[None], tracks)
    stems = istft(masks[0] * stft(mixture, separator.grid), separator.grid, samples)
    inner = slice(2000, samples - 2000)
    for stem, source in zip(stems, sources, strict=True):
        assert level_db(stem[inner] - source[inner], source[inner]) < -17
    assert level_db(stems.sum(0) - mixture, mixture) < -100


def test_a_voice_fades_where_it_rests_and_long_silence_is_nobodys() -> None:
    f0_hz = torch.full((2, 200), 220.0)
    f0_hz[1, 50:] = 0  # rests from 0.8 s on
    f0_hz[0, 120:] = 0
    masks = comb_masks(f0_hz)
    between = 42  # half way between two partials of 220 Hz: only the floors are left
    assert masks[1, between, 50] == pytest.approx(masks[0, between, 50], rel=0.5)
    assert masks[1, between, 70] < 0.01
    assert masks[1, :, 50 + 32 : 120].max() == 0
    assert torch.equal(masks[0, :, 90:120], torch.ones(1025, 30))
    assert masks[:, :, 120 + 32 :].abs().max() == 0


def test_masks_of_a_cut_are_a_cut_of_the_masks() -> None:
    generator = torch.Generator().manual_seed(1)
    f0_hz = (100 + 300 * torch.rand(3, 400, generator=generator)) * (
        torch.rand(3, 400, generator=generator) > 0.9
    )
    separator = CombSeparator()
    tracks = PitchTracks.regular(f0_hz.numpy(), 0.016)
    whole = separator.masks(torch.zeros(1, 400 * 256 - 1), tracks)
    context = math.ceil(separator.context_seconds / 0.016)
    start, end = 150, 260
    part = separator.masks(
        torch.zeros(1, (end - start + 2 * context) * 256 - 1),
        tracks.cut((start - context) * 0.016, (end + context) * 0.016),
    )
    assert torch.allclose(part[..., context : context + end - start], whole[..., start:end], atol=1e-6)


def test_transposed_with_the_grid() -> None:
    """Twice the pitch on bins twice as wide is the same picture."""
    f0_hz = torch.tensor([[110.0, 0.0, 150.0], [175.0, 180.0, 0.0]], dtype=torch.float64)
    low = comb_masks(f0_hz, sample_rate=8000, n_fft=1024, hop_length=128)
    high = comb_masks(2 * f0_hz, sample_rate=16000, n_fft=1024, hop_length=256)
    assert torch.allclose(low, high, atol=1e-12)


@pytest.mark.parametrize("samples", [1, 255, 256, 5001])
def test_any_length_and_batch(samples: int) -> None:
    separator = CombSeparator(power=1)
    tracks = PitchTracks.regular([[200.0, 201.0], [300.0, 0.0]], 0.016)
    masks = separator.masks(torch.zeros(3, samples), tracks)
    assert masks.shape == (3, 2, 1025, 1 + samples // 256)
    assert torch.equal(masks[0], masks[2])


def test_power_must_be_positive() -> None:
    with pytest.raises(ValueError, match="power"):
        CombSeparator(power=0)


def test_a_minute_of_four_voices_takes_little_time() -> None:
    f0_hz = 100 + 300 * torch.rand(4, 3751, generator=torch.Generator().manual_seed(0))
    started = time.process_time()
    comb_masks(f0_hz)
    assert time.process_time() - started < 1.0
