"""From a score and a recording to the pitch of each voice over time."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stemless.resampling import resample
from stemless.voices import note_tuning, score_features
from stemless.voices.alignment import LOWEST_CONFIDENCE, ScoreAlignment, align
from stemless.voices.note_tuning import STEP_SECONDS, tuned
from stemless.voices.scores import ScoreVoices, read_score
from stemless.voices.tracks import HIGHEST_F0_HZ, LOWEST_F0_HZ, PitchTracks, TrackWarning

if TYPE_CHECKING:
    from stemless.inputs import Audio

SHORTEST_NOTE_SECONDS = 0.03  # what is shorter in the recording was left out by it
MOST_LEFT_OUT = 0.1  # of the score's duration, before a warning


def follow_score(
    audio: Audio, sample_rate: int | None = None, *, score: ScoreVoices | str | Path
) -> tuple[PitchTracks, ScoreAlignment]:
    """Tracks of the voices of a score as they sound in a recording, and how the two were aligned.

    Args:
        audio: [channels, time] or [time] in floats; or a path.
        sample_rate: Hz; not needed for a path.
        score: MIDI or MusicXML, see `scores.read_score`; or what it gave.

    Raises:
        ScoreError: the score cannot be read, or cannot be that of the recording.
        AudioError: the audio cannot be used.
        MissingExtraError: the extra `score` is not installed.

    A poor fit, and a recording that holds only a part of the score, give a `TrackWarning`.

    Example:
        tracks, alignment = follow_score("choir.wav", score="choir.mid")
        stems = stemless.separate("choir.wav", f0=tracks)
    """
    from stemless.voices.separation import heard_mono

    voices = score if isinstance(score, ScoreVoices) else read_score(score)
    mono, duration_seconds = heard_mono(audio, sample_rate, note_tuning.RATE)
    alignment = align(voices, resample(mono[None], note_tuning.RATE, score_features.RATE)[0])
    _warn(voices, alignment)
    return tuned(score_tracks(voices, alignment, duration_seconds), mono), alignment


def score_tracks(score: ScoreVoices, alignment: ScoreAlignment, duration_seconds: float) -> PitchTracks:
    """The notes as tracks over the recording: a frame every 16 ms, steady pitch in each note."""
    times = STEP_SECONDS * np.arange(int(np.ceil(duration_seconds / STEP_SECONDS)) + 1, dtype=np.float64)
    f0_hz = np.zeros((len(score.names), len(times)), dtype=np.float32)
    for row, voice in zip(f0_hz, score.notes, strict=True):
        onset, end = (alignment.to_recording(at) for at in (voice.onset_seconds, voice.end_seconds))
        pitch_hz = 440 * 2 ** ((voice.pitch_midi + alignment.semitones - 69) / 12)
        played = (
            (end - onset > SHORTEST_NOTE_SECONDS) & (pitch_hz >= LOWEST_F0_HZ) & (pitch_hz <= HIGHEST_F0_HZ)
        )
        note = np.searchsorted(onset[played], times, side="right") - 1
        sounds = (note >= 0) & (times < np.append(end[played], -np.inf)[note])
        row[sounds] = pitch_hz[played][note[sounds]]
    return PitchTracks(score.names, times, f0_hz, STEP_SECONDS, score.source)


def _warn(score: ScoreVoices, alignment: ScoreAlignment) -> None:
    """Say what looks unintended."""
    if alignment.confidence < LOWEST_CONFIDENCE:
        warnings.warn(
            f"{score.source}: fits the recording poorly (confidence {alignment.confidence:.2f} of 1): "
            "is it the score of this recording?",
            TrackWarning,
            stacklevel=3,
        )
        return
    length = score.end_seconds - score.start_seconds
    first = max(float(alignment.score_seconds[0]), score.start_seconds)
    last = min(float(alignment.score_seconds[-1]), score.end_seconds)
    if last - first < (1 - MOST_LEFT_OUT) * length:
        warnings.warn(
            f"{score.source}: the recording holds only {first:.1f} to {last:.1f} s of its "
            f"{score.end_seconds:.1f} s; the rest is left out",
            TrackWarning,
            stacklevel=3,
        )
