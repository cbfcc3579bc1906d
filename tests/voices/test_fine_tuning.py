"""Pitch to a few cents, from separated voices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stemless.voices.fine_tuning import LARGEST_CENTS, RATE, fine_tuned
from stemless.voices.tracks import PitchTracks

SECONDS = 2.0


def sung(f0_hz: np.ndarray, partials: int = 20) -> torch.Tensor:
    """A voice at a pitch for every sample: partials falling as 1/h below Nyquist."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    wave = sum(np.sin(h * phase) / h * (h * f0_hz < RATE / 2) for h in range(1, partials + 1))
    return torch.from_numpy(0.1 * wave).float()


def lines() -> np.ndarray:
    time = np.arange(round(RATE * SECONDS)) / RATE
    vibrato = 2 ** (0.3 * np.sin(2 * np.pi * 5.5 * time) / 12)
    return np.stack([700 * vibrato, 262 * vibrato, 98 * 2 ** (time / 24)])


def cents(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    inside = slice(4, -4)
    return 1200 * np.log2(found[:, inside] / true[:, inside])


def test_a_track_that_is_a_little_off_lands_on_the_voice() -> None:
    true = lines()
    stems = torch.stack([sung(row) for row in true])
    at_frames = true[:, ::256]
    for off in (-25.0, 0.0, 25.0):
        tracks = PitchTracks.regular(at_frames * 2 ** (off / 1200), 256 / RATE)
        error = np.abs(cents(fine_tuned(tracks, stems).f0_hz[:, : at_frames.shape[1]], at_frames))
        assert np.median(error, axis=1).max() < 3.0
        assert np.quantile(error, 0.95) < 10.0


def test_rests_stay_and_silence_moves_nothing() -> None:
    tracks = PitchTracks.regular(np.array([[0, 220, 220, 0, 0], [330, 330, 0, 0, 330]]), 0.1, ("a", "b"))
    found = fine_tuned(tracks, torch.zeros(2, round(0.5 * RATE)))
    assert found.names == ("a", "b") and torch.isfinite(torch.from_numpy(found.f0_hz)).all()
    np.testing.assert_allclose(found.f0_hz, tracks.at(found.times), rtol=1e-6)


def test_no_frame_moves_farther_than_it_may_and_none_to_the_end_of_the_range() -> None:
    true = lines()
    stems = torch.stack([sung(row) for row in true])
    far = true[:, ::256] * 2 ** (70 / 1200)
    found = fine_tuned(PitchTracks.regular(far, 256 / RATE), stems).f0_hz[:, : far.shape[1]]
    assert np.abs(1200 * np.log2(found / far)).max() < LARGEST_CENTS


@pytest.mark.parametrize("samples", [1, 255, 257, 5000])
def test_any_length_will_do(samples: int) -> None:
    tracks = PitchTracks.regular([[220.0] * 40], 0.01)
    found = fine_tuned(tracks, 0.1 * torch.randn(1, samples, generator=torch.Generator().manual_seed(0)))
    assert found.f0_hz.shape == (1, 1 + samples // 256)


def test_pitch_near_nyquist_is_left_in_peace() -> None:
    tracks = PitchTracks.regular([[4000.0] * 40], 0.01)
    assert np.isfinite(fine_tuned(tracks, torch.zeros(1, 4000)).f0_hz).all()
