"""Scores are found in recordings: at another tempo, another pitch, with rests around them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from score_files import Note, tones
from stemless.data.quartets import random_parts
from stemless.errors import ScoreError
from stemless.voices.alignment import ScoreAlignment, align
from stemless.voices.score_tracks import follow_score, score_tracks
from stemless.voices.scores import ScoreVoices, VoiceNotes
from stemless.voices.time_warping import Penalties, band_around, warp, whole
from stemless.voices.tracks import TrackWarning

RATE = 8000
RANGES = ((60, 79), (53, 70), (41, 60))


def music(seed: int, seconds: float) -> list[list[Note]]:
    """Three voices that move together and apart, from a fixed seed."""
    parts = random_parts(np.random.default_rng(seed), seconds, RANGES)
    return [[(n.start_seconds, n.duration_seconds, round(n.midi)) for n in notes] for notes in parts]


def as_score(parts: list[list[Note]]) -> ScoreVoices:
    notes = tuple(VoiceNotes(*np.array(part, dtype=float).T) for part in parts)
    return ScoreVoices(tuple(f"voice {i + 1}" for i in range(len(parts))), notes, "a.mid")


def warped(seconds: NDArray[np.float64], tempo: float, sway: float) -> NDArray[np.float64]:
    """From time in the score to time in the recording."""
    turn = 2 * np.pi / 11
    moved: NDArray[np.float64] = (seconds + sway / turn * np.sin(turn * seconds)) / tempo
    return moved


def played(
    parts: list[list[Note]], tempo: float, sway: float, semitones: int, lead: float
) -> list[list[Note]]:
    return [
        [
            (lead + float(on), float(off - on), pitch + semitones)
            for (_, _, pitch), on, off in zip(
                part,
                warped(np.array([note[0] for note in part]), tempo, sway),
                warped(np.array([note[0] + note[1] for note in part]), tempo, sway),
                strict=True,
            )
        ]
        for part in parts
    ]


def onset_errors(
    alignment: ScoreAlignment, score: ScoreVoices, true: list[list[Note]]
) -> NDArray[np.float64]:
    return np.concatenate(
        [
            alignment.to_recording(voice.onset_seconds) - [note[0] for note in part]
            for voice, part in zip(score.notes, true, strict=True)
        ]
    )


def test_onsets_tempo_and_transposition() -> None:
    errors = []
    for seed, tempo, sway, semitones, lead in (
        (1, 1.0, 0.15, 2, 0.0),
        (2, 1.3, 0.1, -2, 1.0),
        (3, 0.7, 0.1, 0, 2.0),
        (4, 1.0, 0.0, 6, 0.5),
    ):
        parts = music(seed, 25.0)
        true = played(parts, tempo, sway, semitones, lead)
        end = max(on + length for part in true for on, length, _ in part) + lead
        score = as_score(parts)
        alignment = align(score, tones(true, end))
        assert alignment.transposition_semitones == semitones
        assert abs(alignment.tuning_cents) < 10
        assert alignment.tempo == pytest.approx(tempo, rel=0.07)
        assert alignment.confidence > 0.5
        assert (np.diff(alignment.score_seconds) > 0).all()
        assert (np.diff(alignment.recording_seconds) > 0).all()
        errors.append(onset_errors(alignment, score, true))
    assert (abs(np.concatenate(errors)) <= 0.05).mean() >= 0.92


def test_another_tuning() -> None:
    parts = music(5, 15.0)
    # A tape that runs 2 % fast sounds 34 cents high.
    audio = tones(parts, 15.0)
    at = np.arange(0, audio.numel() - 1, 2 ** (34 / 1200))
    fast = torch.from_numpy(np.interp(at, np.arange(audio.numel()), audio.numpy())).float()
    alignment = align(as_score(parts), fast)
    assert alignment.transposition_semitones == 0
    assert alignment.tuning_cents == pytest.approx(34, abs=8)


def test_tracks_hold_the_notes_as_they_sound() -> None:
    parts = music(6, 12.0)
    true = played(parts, 1.1, 0.0, -2, 0.5)
    tracks, alignment = follow_score(tones(true, 12.0), RATE, score=as_score(parts))
    assert tracks.step_seconds == pytest.approx(0.016)
    assert tracks.duration_seconds >= 12.0
    middles = [(row, on + length / 2, pitch) for row, part in enumerate(true) for on, length, pitch in part]
    cents = [
        1200 * np.log2(max(float(tracks.at([at])[row, 0]), 1.0) / (440 * 2 ** ((pitch - 69) / 12)))
        for row, at, pitch in middles
    ]
    assert (abs(np.array(cents)) < 20).mean() > 0.95
    assert alignment.tempo == pytest.approx(1.1, rel=0.05)


def test_a_part_of_the_score_is_found_and_told() -> None:
    parts = music(7, 40.0)
    audio = tones(parts, 40.0)[: 22 * RATE]
    score = as_score(parts)
    with pytest.warns(TrackWarning, match=r"a\.mid: the recording holds only"):
        tracks, alignment = follow_score(audio, RATE, score=score)
    inside = score.notes[0].onset_seconds < 20
    errors = alignment.to_recording(score.notes[0].onset_seconds) - score.notes[0].onset_seconds
    assert (abs(errors[inside]) < 0.05).mean() > 0.9
    assert tracks.duration_seconds == pytest.approx(22.0, abs=0.05)


def test_notes_outside_the_recording_are_left_out() -> None:
    alignment = ScoreAlignment(np.array([1.0, 3.0]), np.array([0.0, 2.0]), 0, 0.0, 1.0, 1.0)
    notes = VoiceNotes(np.array([0.0, 1.5, 4.0]), np.array([0.5, 1.0, 1.0]), np.array([57.0, 69.0, 57.0]))
    score = ScoreVoices(("a", "b"), (notes, notes))
    tracks = score_tracks(score, alignment, 2.0)
    assert tracks.at([0.25, 0.75, 1.25, 1.75]).tolist() == [[0.0, 440.0, 440.0, 0.0]] * 2


def test_the_wrong_score_is_doubted() -> None:
    with pytest.warns(TrackWarning, match="fits the recording poorly"):
        follow_score(
            torch.randn(15 * RATE, generator=torch.Generator().manual_seed(0)),
            RATE,
            score=as_score(music(8, 15.0)),
        )


def test_the_right_score_is_not() -> None:
    parts = music(9, 12.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        follow_score(tones(parts, 12.0), RATE, score=as_score(parts))


def test_lengths_that_cannot_be() -> None:
    score = as_score(music(10, 30.0))
    with pytest.raises(ScoreError, match=r"a\.mid: the score lasts .* far shorter"):
        align(score, tones(music(10, 5.0), 5.0))
    with pytest.raises(ScoreError, match="far longer"):
        align(as_score(music(10, 3.0)), tones(music(10, 30.0), 30.0))
    with pytest.raises(ScoreError, match="nothing is heard"):
        align(score, torch.zeros(RATE))


def test_a_band_gives_what_the_whole_gives() -> None:
    generator = np.random.default_rng(0)
    frames = generator.standard_normal((60, 8)).astype(np.float32)
    frames /= np.linalg.norm(frames, axis=1, keepdims=True)
    path = np.sort(generator.integers(0, 60, 70))
    # At most three columns from row to row, as the warping allows.
    path = np.minimum.accumulate(path - 3 * np.arange(70)) + 3 * np.arange(70)
    recording = frames[path] + 0.05 * generator.standard_normal((70, 8)).astype(np.float32)
    found, cost = warp(recording, frames, whole(70), 60, Penalties())
    first, width = band_around(path.astype(float), 60, 6)
    banded, banded_cost = warp(recording, frames, first, width, Penalties())
    assert (found == banded).mean() > 0.95
    assert banded_cost == pytest.approx(cost, rel=1e-3)
    assert (abs(found - path) <= 1).mean() > 0.95
