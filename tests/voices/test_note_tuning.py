"""Notes move to the pitch that is heard."""

from __future__ import annotations

import numpy as np
import torch

from stemless.voices.note_tuning import RATE, STEP_SECONDS, tuned
from stemless.voices.tracks import PitchTracks

SECONDS = 3.0


def sung(f0_hz: np.ndarray) -> np.ndarray:
    """Ten partials of an f0 given at every sample."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    return np.asarray(sum(0.1 / k * np.sin(k * phase + k) for k in range(1, 11)))


def test_vibrato_and_intonation_are_followed() -> None:
    at = np.arange(round(SECONDS * RATE)) / RATE
    upper_cents = 20 + 40 * np.sin(2 * np.pi * 5 * at)
    lower_cents = np.full(at.size, -30.0)
    mixture = sung(440 * 2 ** (upper_cents / 1200)) + sung(165 * 2 ** (lower_cents / 1200))
    frames = int(SECONDS / STEP_SECONDS)
    written = np.array([[440.0], [165.0]]) * np.ones((1, frames))
    written[1, :20] = 0
    tracks = tuned(PitchTracks.regular(written, STEP_SECONDS), torch.from_numpy(mixture).float())
    assert ((tracks.f0_hz > 0) == (written > 0)).all()
    middle = np.arange(30, frames - 30)
    moments = np.round(middle * STEP_SECONDS * RATE).astype(int)
    for row, (pitch_hz, cents) in enumerate(((440, upper_cents), (165, lower_cents))):
        error = 1200 * np.log2(tracks.f0_hz[row, middle] / pitch_hz) - cents[moments]
        assert np.median(abs(error)) < 8
        assert np.quantile(abs(error), 0.95) < 25


def test_nothing_heard_leaves_the_notes_as_written() -> None:
    written = PitchTracks.regular(np.full((2, 50), 220.0), STEP_SECONDS)
    silent = tuned(written, torch.zeros(RATE))
    np.testing.assert_array_equal(silent.f0_hz, written.f0_hz)
    assert silent.names == written.names
