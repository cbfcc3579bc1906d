"""Warnings about tracks that are known."""

from __future__ import annotations

import numpy as np

from stemless.voices.cautions import cautions
from stemless.voices.tracks import PitchTracks


def said(*rows: np.ndarray) -> list[str]:
    return list(cautions(PitchTracks.regular(np.stack(rows), 0.01)))


def test_voices_apart_need_no_warning() -> None:
    assert said(np.full(1000, 300.0), np.full(1000, 200.0)) == []


def test_unison_octave_and_crossing_are_told_with_their_times() -> None:
    time = np.arange(1000) / 100
    low = np.full(1000, 200.0)
    high = np.select([time < 2, time < 4, time < 6, time < 8], [300.0, 201.0, 400.0, 150.0], 300.0)
    first, second, third = said(high, low)
    assert first.startswith("voice 1 and voice 2 sing in unison at 2.0 to 4.0 s")
    assert second.startswith("voice 1 and voice 2 sing an octave apart at 4.0 to 6.0 s")
    assert third.startswith("voice 1 and voice 2 cross at 6.0 to 8.0 s")


def test_what_passes_quickly_is_not_told() -> None:
    high = np.full(1000, 300.0)
    high[500:520] = 200.0
    assert said(high, np.full(1000, 200.0)) == []


def test_a_missing_voice_is_told() -> None:
    rests = np.full(2000, 200.0)
    rests[600:1600] = 0
    assert said(np.full(2000, 300.0), rests)[0].startswith("voice 2 was not found at 6.0 to 16.0 s")
    assert said(np.full(100, 300.0), np.zeros(100))[0].startswith("voice 2 was not found at all")


def test_many_places_are_counted() -> None:
    time = np.arange(4000) / 100
    high = np.where((time % 4) < 1, 200.0, 300.0)
    (sentence,) = said(high, np.full(4000, 200.0))
    assert "and 7 more places" in sentence
