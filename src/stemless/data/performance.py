"""From notes to what a singer does: curves of pitch, loudness, mouth and breath.

Levels are in dB against a plain sung vowel; frame t is at t * STEP_SECONDS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemless.data.curves import STEP_SECONDS, Floats, decibels, frame_times, smooth, span, wander
from stemless.data.mouth import NASAL_POLE_HZ, SILENT_DB, paint, segments_of
from stemless.data.notes import Note, breath_groups, check_order, placed
from stemless.data.phonemes import BANDWIDTHS_HZ
from stemless.data.singer import RANGES_MIDI, Singer


@dataclass(frozen=True)
class Performance:
    """The curves, [frames] each; formants [frames, 5]."""

    pitch_midi: Floats
    voicing: Floats
    """Gain of the pulses, 0 to 1: breath groups and voiceless consonants."""
    level_db: Floats
    aspiration: Floats
    """Gain of the breath at the glottis."""
    frication: Floats
    """Gain of the noise at the constriction."""
    formants_hz: Floats
    nasal_zero_hz: Floats
    frication_hz: Floats
    frication_width_hz: Floats

    @property
    def f0_hz(self) -> Floats:
        """The pitch, also where nothing is voiced."""
        return hertz(self.pitch_midi)

    @property
    def voiced(self) -> NDArray[np.bool_]:
        """Where pulses are to be heard (above -30 dB)."""
        heard: NDArray[np.bool_] = self.voicing > 0.03
        return heard


def perform(
    notes: Sequence[Note], singer: Singer, duration_seconds: float, generator: np.random.Generator
) -> Performance:
    """Sing the notes.

    Args:
        notes: in order of time, without overlap.
        singer: whose habits.
        duration_seconds: length of the curves; notes beyond it are cut.
        generator: what is left to chance.

    Raises:
        ValueError: notes overlap or go back in time.
    """
    check_order(notes)
    times = frame_times(duration_seconds)
    notes = placed(notes, singer, generator)
    segments = segments_of(notes, singer, generator)
    groups = breath_groups(notes)
    pitch = _pitch(notes, groups, singer, times, generator)

    sounding = np.zeros(len(times))
    for start, end in groups:
        sounding[span(times, start - 0.02, end)] = 1.0
    folds = smooth(paint(segments, times, lambda s: (s.voicing,))[:, 0], 0.035)
    voicing = smooth(sounding, 0.09) * folds
    breath_db = smooth(paint(segments, times, lambda s: (s.aspiration_db,), SILENT_DB)[:, 0], 0.02)
    hiss_db = smooth(paint(segments, times, lambda s: (s.frication_db,), SILENT_DB)[:, 0], 0.02)
    bands = smooth(paint(segments, times, lambda s: s.band_hz, hold=True), 0.03)
    nose = smooth(paint(segments, times, lambda s: (s.nasal_zero_hz,), NASAL_POLE_HZ)[:, 0], 0.04)

    mouth = smooth(paint(segments, times, lambda s: s.mouth, hold=True), 0.07)
    # At high notes the jaw opens so that the first formant does not fall below the tone (J. Sundberg,
    # "Formant technique in a professional female singer", Acustica 32, 1975).
    mouth[:, 0] = np.maximum(mouth[:, 0], 1.02 * hertz(pitch))
    mouth[:, 1] = np.maximum(mouth[:, 1], mouth[:, 0] + 150)
    return Performance(
        pitch_midi=pitch,
        voicing=voicing,
        level_db=_level(notes, groups, singer, times, generator),
        aspiration=decibels(breath_db) + voicing * decibels(singer.breath_db),
        frication=decibels(hiss_db),
        formants_hz=mouth,
        nasal_zero_hz=nose,
        frication_hz=bands[:, 0],
        frication_width_hz=bands[:, 1],
    )


def hertz(pitch_midi: Floats) -> Floats:
    """Frequencies of MIDI numbers.

    >>> hertz(np.array([57.0, 69.0])).tolist()
    [220.0, 440.0]
    """
    frequency: Floats = 440.0 * 2 ** ((pitch_midi - 69) / 12)
    return frequency


def bandwidths_hz(formants_hz: Floats, singer: Singer) -> Floats:
    """Widths of the resonances: a raised formant is a wider one."""
    plain = np.asarray(BANDWIDTHS_HZ) * singer.bandwidth_scale
    widths: Floats = plain + 0.03 * np.maximum(formants_hz - np.array([500, 1200, 2500, 3500, 4500]), 0)
    return widths


def _pitch(
    notes: Sequence[Note],
    groups: Sequence[tuple[float, float]],
    singer: Singer,
    times: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Score, glides, scoops, vibrato and the unsteadiness of a living voice, in MIDI numbers."""
    if not notes:
        return np.full(len(times), 60.0)
    aims = np.array([note.midi for note in notes])
    aims = aims + generator.normal(0, singer.intonation_cents, len(notes)) / 100
    pitch = np.full(len(times), aims[0])
    cents = np.zeros(len(times))
    for index, note in enumerate(notes):
        if index:
            leap = aims[index] - aims[index - 1]
            glide = singer.portamento_seconds * float(generator.uniform(0.6, 1.4)) * (1 + 0.04 * abs(leap))
            glide = min(glide, 0.5 * notes[index - 1].duration_seconds)
            way = np.clip((times - note.start_seconds) / max(glide, 1e-3) + 0.6, 0, 1)
            pitch += leap * way * way * (3 - 2 * way)
        part = span(times, note.start_seconds, note.end_seconds)
        ramp = (times[part] - note.start_seconds - singer.vibrato_delay_seconds) / 0.4
        cents[part] = singer.vibrato_depth_cents * np.clip(ramp, 0, 1) * float(generator.uniform(0.7, 1.2))
    depth = smooth(cents, 0.12)
    rate = singer.vibrato_rate_hz * (1 + 0.05 * wander(len(times), 0.5, generator))
    phase = 2 * np.pi * (np.cumsum(rate) * STEP_SECONDS + generator.random())
    loose = singer.detune_cents + singer.drift_cents * wander(len(times), 0.4, generator)
    loose += 0.25 * singer.drift_cents * wander(len(times), 0.06, generator)
    for start, _ in groups:
        since = times - start
        depth_cents = singer.scoop_cents * float(generator.random() ** 2)
        loose -= np.where(since >= 0, depth_cents * np.exp(-np.maximum(since, 0) / 0.05), 0)
    result: Floats = pitch + (depth * np.sin(phase) + loose) / 100
    return result


def _level(
    notes: Sequence[Note],
    groups: Sequence[tuple[float, float]],
    singer: Singer,
    times: Floats,
    generator: np.random.Generator,
) -> Floats:
    """Loudness: what the score asks, an arch over each phrase, a swell on each note, and a slow walk."""
    level = np.zeros(len(times))
    middle = sum(RANGES_MIDI[singer.voice]) / 2
    for start, end in groups:
        part = span(times, start, end)
        way = (times[part] - start) / max(end - start, 1e-3)
        level[part] += 3.0 * np.sin(np.pi * way) - 2.0
    for note in notes:
        part = span(times, note.start_seconds, note.end_seconds)
        way = (times[part] - note.start_seconds) / max(note.duration_seconds, 1e-3)
        # Singers grow with the pitch, within their range.
        height_db = float(np.clip(0.25 * (note.midi - middle), -3, 3))
        level[part] += note.level_db + height_db + 1.5 * np.sin(np.pi * way) - 1.0
    walk = singer.loudness_walk_db * wander(len(times), 0.8, generator)
    return smooth(level, 0.10) + walk
