"""Listening again to each voice alone, and beside given tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_estimation import RATE, SECONDS, near, sung

from stemless.errors import TrackError, UsageError
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.estimation import PitchEstimator
from stemless.voices.second_hearing import in_tune, listen_again, with_heard
from stemless.voices.tracks import PitchTracks


@pytest.fixture(scope="module")
def estimator() -> PitchEstimator:
    return PitchEstimator(device="cpu")


@pytest.fixture(scope="module")
def lines() -> np.ndarray:
    time = np.arange(round(RATE * SECONDS)) / RATE
    vibrato = 2 ** (0.25 * np.sin(2 * np.pi * 5.5 * time) / 12)
    return np.stack([440 * vibrato, 277 * 2 ** (time / 36)])


@pytest.fixture(scope="module")
def duet(lines: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(sum(sung(row) for row in lines)).float()


def tracks_of(lines: np.ndarray, names: tuple[str, str] = ("alto", "tenor")) -> PitchTracks:
    return PitchTracks.regular(lines[:, :: RATE // 100], 0.01, names)


def test_missed_notes_are_found(estimator: PitchEstimator, duet: torch.Tensor, lines: np.ndarray) -> None:
    spoiled = lines.copy()
    spoiled[0, RATE : RATE + RATE // 4] = 0
    told: list[tuple[float, float]] = []
    found = listen_again(
        duet,
        tracks_of(spoiled),
        RATE,
        estimator=estimator,
        separator=CombSeparator(),
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert found.tracks.names == ("alto", "tenor")
    assert near(found.tracks.f0_hz, lines).min() > 0.93
    assert found.confidence.shape == found.tracks.f0_hz.shape
    shares = [done / total for done, total in told]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1.0)


def test_what_is_heard_stands_beside_what_was_given(
    estimator: PitchEstimator, duet: torch.Tensor, lines: np.ndarray
) -> None:
    given = tracks_of(1.2 * lines[::-1], ("low", "high"))
    given.f0_hz[:, 150:] = lines[::-1, :: RATE // 100][:, 150:]
    both = with_heard(duet, given, RATE, estimator=estimator)
    assert np.array_equal(both.f0_hz, given.f0_hz)
    (heard,) = both.others
    assert heard.names == ("low", "high")
    assert near(heard.f0_hz[::-1], lines).min() > 0.9
    cut = both.cut(1.0, 2.0)
    assert [len(version.versions) for version in cut.versions] == [1, 1]
    assert np.allclose(cut.others[0].at([0.5]), heard.at([1.5]))
    assert both.select(["high"]).others[0].names == ("high",)


def test_every_version_is_brought_in_tune(duet: torch.Tensor, lines: np.ndarray) -> None:
    flat = tracks_of(lines * 2 ** (-30 / 1200))
    told: list[float] = []
    tuned = in_tune(
        duet,
        replace(flat, others=(tracks_of(lines * 2 ** (20 / 1200)),)),
        RATE,
        on_progress=lambda done, total: told.append(done / total),
    )
    assert len(tuned.versions) == 2 and told[-1] == pytest.approx(1.0)
    for version in tuned.versions:
        assert version.names == flat.names
        true = lines[:, :: round(RATE * version.step_seconds)][:, : version.times.size]
        cents = 1200 * np.abs(np.log2(version.f0_hz[:, : true.shape[1]] / true))
        assert np.median(cents[:, 10:-10], axis=1).max() < 5.0


def test_versions_need_the_same_voices(lines: np.ndarray) -> None:
    given = tracks_of(lines)
    with pytest.raises(TrackError, match="same voices"):
        replace(given, others=(tracks_of(lines, ("tenor", "alto")),))


def test_more_voices_than_can_be_followed(duet: torch.Tensor) -> None:
    many = PitchTracks.regular(np.full((7, 300), 200.0), 0.01)
    for listen in (listen_again, with_heard):
        with pytest.raises(UsageError, match="7 voices cannot be tracked"):
            listen(duet, many, RATE)


def test_a_model_with_frames_of_its_own_keeps_them(duet: torch.Tensor, lines: np.ndarray) -> None:
    finer = PitchEstimator(device="cpu")
    finer.network.config = replace(finer.network.config, hop_length=128)
    finer.network.spectrum.config = finer.network.config
    found = listen_again(duet, tracks_of(lines), RATE, estimator=finer, separator=CombSeparator())
    assert found.tracks.step_seconds == 128 / RATE
    assert found.confidence.shape == found.tracks.f0_hz.shape
