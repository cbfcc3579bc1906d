"""Random music for an instrument: what it can play, in its range, as varied as practice and concert are.

No piece that anybody wrote: scales, chords and rhythms are drawn, and what the family plays at all is in
`styles`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from stemless.data.instruments.instrument import Instrument
from stemless.data.instruments.styles import STYLES, Pace, Style, Texture

Register = Literal["low", "middle", "high"]
Name = TypeVar("Name", bound=str)

_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
    "chromatic": tuple(range(12)),
}
_SCALE_WEIGHTS = (0.35, 0.25, 0.1, 0.15, 0.08, 0.07)
# Seconds of the shortest and longest beat of each pace; a note lasts a half to four of them.
_BEAT_SECONDS: Mapping[Pace, tuple[float, float]] = {
    "slow": (0.7, 1.4),
    "medium": (0.3, 0.6),
    "fast": (0.12, 0.24),
}
_RHYTHMS = ((1,), (1, 1, 2), (2, 1, 1), (1, 1, 1, 1), (0.5, 0.5, 1), (1.5, 0.5), (3, 1), (2, 2), (4,))
SHORTEST_NOTE_SECONDS = 0.06
LEAD_SECONDS = 1.0
"""How long before the recording begins the music may have begun."""


@dataclass(frozen=True)
class Note:
    """A key pressed and let go.

    Attributes:
        start_seconds: from the beginning of the recording; may lie before it.
        key: MIDI number.
        velocity: 1 to 127.
    """

    start_seconds: float
    duration_seconds: float
    key: int
    velocity: int

    @property
    def end_seconds(self) -> float:
        return self.start_seconds + self.duration_seconds


@dataclass(frozen=True)
class Traits:
    """What can be told of the music by ear."""

    texture: Texture | None = None
    pace: Pace | None = None
    register: Register = "middle"
    short: bool = False
    loudness: Literal["soft", "middle", "loud"] = "middle"


@dataclass(frozen=True)
class Music:
    """Notes in the order of their beginning, and what they are like."""

    notes: tuple[Note, ...]
    traits: Traits
    bars_seconds: tuple[float, ...] = ()
    """Where the harmony changes: a pedal is lifted there."""


def draw(weights: Mapping[Name, float], generator: np.random.Generator) -> Name:
    """One of the names, by weight."""
    names = list(weights)
    chances = np.array([weights[name] for name in names])
    return names[int(generator.choice(len(names), p=chances / chances.sum()))]


def random_music(instrument: Instrument, seconds: float, generator: np.random.Generator) -> Music:
    """Music of one pitched instrument.

    Args:
        instrument: of a style that plays pitches.
        seconds: of the recording; the music may begin up to `LEAD_SECONDS` before it, and all notes begin
            before its end.
        generator: what it is drawn from; the same state gives the same music.
    """
    style = STYLES[instrument.style]
    texture, pace = draw(style.textures, generator), draw(style.paces, generator)
    low, high, register = _window(instrument.range_midi, texture, generator)
    key = int(generator.integers(12))
    scale = _SCALES[list(_SCALES)[generator.choice(len(_SCALES), p=_SCALE_WEIGHTS)]]
    pitches = np.array([p for p in range(low, high + 1) if (p - key) % 12 in scale])
    beat = float(np.exp(generator.uniform(*np.log(_BEAT_SECONDS[pace]))))
    short = bool(generator.random() < style.staccato)
    joined = float(generator.uniform(0.2, 0.5) if short else generator.uniform(0.75, 1.03))
    mean_velocity = float(generator.uniform(42, 116))
    start = -float(generator.uniform(-0.5, LEAD_SECONDS))
    steps = _steps(texture, style, pitches, beat, seconds - start, generator)
    notes = _played(steps, start, joined, mean_velocity, style, generator)
    bar = 4 * beat if pace != "fast" else 8 * beat
    loudness: Literal["soft", "middle", "loud"] = (
        "soft" if mean_velocity < 62 else "loud" if mean_velocity > 98 else "middle"
    )
    return Music(
        tuple(note for note in notes if note.start_seconds < seconds - SHORTEST_NOTE_SECONDS),
        Traits(texture, pace, register, short, loudness),
        tuple(np.arange(start, seconds, bar).tolist()),
    )


@dataclass(frozen=True)
class _Step:
    """Pitches that begin together; empty: a rest."""

    at_seconds: float
    length_seconds: float
    pitches: tuple[int, ...]
    accent: float = 0.0


def _window(
    limits: tuple[int, int], texture: Texture, generator: np.random.Generator
) -> tuple[int, int, Register]:
    """The part of the range that is used, and whether it lies low or high in it."""
    low, high = limits
    least = 19 if texture in ("chords", "accompanied", "arpeggio") else 9
    width = int(generator.integers(min(least, high - low), min(31, high - low) + 1))
    bottom = int(generator.integers(low, high - width + 1))
    centre = (bottom + width / 2 - low) / (high - low)
    return bottom, bottom + width, "low" if centre < 0.36 else "high" if centre > 0.64 else "middle"


def _steps(
    texture: Texture,
    style: Style,
    pitches: np.ndarray,
    beat: float,
    seconds: float,
    generator: np.random.Generator,
) -> list[_Step]:
    """What is played when, from 0 to `seconds`."""
    melody = _melody if texture in ("melody", "doubled", "accompanied") else None
    if texture == "trill":
        return _trill(pitches, seconds, generator)
    if texture == "repeated":
        return _repeated(pitches, beat, seconds, generator)
    if texture == "chords":
        return _chords(pitches, style, beat, seconds, generator)
    if texture == "arpeggio":
        return _arpeggio(pitches, beat, seconds, generator)
    assert melody is not None
    if texture == "accompanied":
        split = max(2, len(pitches) // 2)
        upper, lower = pitches[split:], pitches[:split]
        below = _chords(lower, style, max(beat, 0.4), seconds, generator)
        return sorted(melody(upper, beat, seconds, generator) + below, key=lambda step: step.at_seconds)
    line = melody(pitches, beat, seconds, generator)
    if texture == "doubled":
        apart = int(generator.choice([2, 2, 5, 7]))
        index = {int(pitch): place for place, pitch in enumerate(pitches)}
        return [
            _Step(s.at_seconds, s.length_seconds, _with_lower(s.pitches, pitches, index, apart), s.accent)
            for s in line
        ]
    return line


def _with_lower(
    pitches: tuple[int, ...], scale: np.ndarray, index: Mapping[int, int], apart: int
) -> tuple[int, ...]:
    if not pitches:
        return ()
    lower = max(0, index[pitches[0]] - apart)
    return tuple(dict.fromkeys((pitches[0], int(scale[lower]))))


def _melody(pitches: np.ndarray, beat: float, seconds: float, generator: np.random.Generator) -> list[_Step]:
    """A walk on the scale in phrases: mostly steps, some leaps and repetitions, a breath between phrases."""
    place = int(generator.integers(len(pitches)))
    motifs = [_RHYTHMS[i] for i in generator.integers(len(_RHYTHMS), size=3)]
    restless = float(generator.uniform(0.05, 0.35))
    steps: list[_Step] = []
    now, left, direction = 0.0, int(generator.integers(3, 12)), 1
    while now < seconds:
        for length in motifs[int(generator.integers(len(motifs)))]:
            lasting = max(beat * length, SHORTEST_NOTE_SECONDS)
            if generator.random() < 0.3:
                direction = -direction
            move = direction * int(generator.choice([0, 1, 2, 3, 4], p=_moves(restless)))
            if not 0 <= place + move < len(pitches):
                move, direction = -move, -direction
            place = int(np.clip(place + move, 0, len(pitches) - 1))
            steps.append(_Step(now, lasting, (int(pitches[place]),), 1.0 if length > 1 else 0.0))
            now += lasting
        left -= 1
        if left <= 0:
            now += float(generator.uniform(0.5, 2.0)) * min(beat, 0.5)
            left = int(generator.integers(3, 12))
    return steps


def _moves(restless: float) -> list[float]:
    return [0.1, 0.9 - restless - 0.15, 0.15, 0.6 * restless, 0.4 * restless]


def _triad(pitches: np.ndarray, size: int, generator: np.random.Generator) -> list[int]:
    """Notes two steps of the scale apart, from low to high; some an octave away, as hands lie."""
    root = int(generator.integers(max(1, len(pitches) - 2 * (size - 1))))
    chosen = [int(pitches[min(root + 2 * index, len(pitches) - 1)]) for index in range(size)]
    if generator.random() < 0.4 and chosen[0] - 12 >= pitches[0]:
        chosen[0] -= 12
    return sorted(set(chosen))


def _chords(
    pitches: np.ndarray, style: Style, beat: float, seconds: float, generator: np.random.Generator
) -> list[_Step]:
    """Chords in a rhythm, each for two or four beats."""
    motif = _RHYTHMS[int(generator.integers(len(_RHYTHMS)))]
    size = int(generator.integers(style.chord_notes[0], style.chord_notes[1] + 1))
    once = bool(generator.random() < 0.4)  # held, not struck again
    steps: list[_Step] = []
    now = 0.0
    while now < seconds:
        chord = tuple(_triad(pitches, size, generator))
        span = beat * (2 if beat > 0.7 else 4)
        if once:
            steps.append(_Step(now, span, chord, 1.0))
            now += span
            continue
        end = now + span
        while now < end - 1e-6:
            for index, length in enumerate(motif):
                lasting = max(min(beat * length, end - now), 2 * SHORTEST_NOTE_SECONDS)
                steps.append(_Step(now, lasting, chord, 1.0 if index == 0 else 0.0))
                now += lasting
                if now >= end - 1e-6:
                    break
    return steps


def _arpeggio(
    pitches: np.ndarray, beat: float, seconds: float, generator: np.random.Generator
) -> list[_Step]:
    """The notes of a chord one after the other, up, down, or both, over and over."""
    note = max(SHORTEST_NOTE_SECONDS, beat / int(generator.choice([1, 2, 2, 3])))
    shape = str(generator.choice(["up", "down", "both", "mixed"]))
    steps: list[_Step] = []
    now = 0.0
    while now < seconds:
        chord = _triad(pitches, int(generator.integers(3, 6)), generator)
        order = {"up": chord, "down": chord[::-1], "both": chord + chord[-2:0:-1]}.get(shape)
        if order is None:
            order = [chord[i] for i in generator.permutation(len(chord))]
        for turn in range(int(generator.integers(2, 4))):
            for index, pitch in enumerate(order):
                steps.append(_Step(now, note, (pitch,), 1.0 if turn == index == 0 else 0.0))
                now += note
    return steps


def _repeated(
    pitches: np.ndarray, beat: float, seconds: float, generator: np.random.Generator
) -> list[_Step]:
    """The same note again and again, then another; now and then faster, as a roll."""
    steps: list[_Step] = []
    now = 0.0
    while now < seconds:
        pitch = int(generator.choice(pitches))
        note = max(1.2 * SHORTEST_NOTE_SECONDS, beat * float(generator.choice([0.25, 0.5, 1, 1, 2])))
        for index in range(int(generator.integers(2, 9))):
            steps.append(_Step(now, note, (pitch,), 1.0 if index == 0 else 0.0))
            now += note
        if generator.random() < 0.3:
            now += beat
    return steps


def _trill(pitches: np.ndarray, seconds: float, generator: np.random.Generator) -> list[_Step]:
    """Long notes in quick change with the one above, and a held note between."""
    steps: list[_Step] = []
    now = 0.0
    while now < seconds:
        place = int(generator.integers(len(pitches) - 1))
        below, above = int(pitches[place]), int(pitches[place + 1])
        note = float(generator.uniform(0.07, 0.11))
        for index in range(2 * int(generator.integers(5, 14))):
            steps.append(_Step(now, note, (below if index % 2 == 0 else above,)))
            now += note
        held = float(generator.uniform(0.4, 1.6))
        steps.append(_Step(now, held, (below,), 1.0))
        now += held + float(generator.uniform(0.0, 0.4))
    return steps


def _played(
    steps: list[_Step],
    start: float,
    joined: float,
    mean_velocity: float,
    style: Style,
    generator: np.random.Generator,
) -> list[Note]:
    """Steps as a hand plays them: not quite in time, louder on accents, in waves of a few seconds."""
    late = generator.normal(0, float(generator.uniform(0.002, 0.014)), len(steps))
    wave, phase = float(generator.uniform(1.5, 6.0)), float(generator.uniform(0, 2 * np.pi))
    depth = float(generator.uniform(0, 14))
    spread = float(generator.uniform(0, style.spread_seconds))
    notes = []
    for step, shift in zip(steps, late, strict=True):
        at = start + step.at_seconds + float(shift)
        loud = mean_velocity + depth * np.sin(2 * np.pi * step.at_seconds / wave + phase) + 7 * step.accent
        lasting = max(SHORTEST_NOTE_SECONDS, joined * step.length_seconds)
        order = step.pitches if generator.random() < 0.7 else step.pitches[::-1]
        for index, pitch in enumerate(order):
            velocity = int(np.clip(round(loud + generator.normal(0, 5)), 8, 127))
            begin = max(at + index * spread, -LEAD_SECONDS)
            notes.append(Note(begin, lasting, pitch, velocity))
    return sorted(notes, key=lambda note: (note.start_seconds, note.key))
