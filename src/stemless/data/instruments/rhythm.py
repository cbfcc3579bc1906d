"""Random music without pitch: a drum kit, one drum, and sounds that come and go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stemless.data.instruments.instrument import Instrument
from stemless.data.instruments.music import LEAD_SECONDS, Music, Note, Traits
from stemless.data.instruments.styles import STYLES, Pace

_KICK, _SNARE, _STICK, _CLOSED, _PEDAL, _OPEN, _RIDE, _CRASH = 36, 38, 37, 42, 44, 46, 51, 49
_TOMS = (50, 48, 47, 45, 43, 41)
_HIT_SECONDS = 0.1
# Chances of a hit on each of the sixteen steps of a bar.
_KICKS = {
    "rock": {0: 1.0, 8: 0.9, 10: 0.4, 6: 0.2, 14: 0.15},
    "four on the floor": {0: 1.0, 4: 1.0, 8: 1.0, 12: 1.0, 14: 0.1},
    "funk": {0: 1.0, 3: 0.4, 6: 0.5, 10: 0.7, 13: 0.4},
    "half time": {0: 1.0, 7: 0.3, 10: 0.5},
    "swing": {0: 0.6, 8: 0.5, 6: 0.1},
}
_SNARES = {
    "rock": {4: 1.0, 12: 1.0, 15: 0.15},
    "four on the floor": {4: 0.9, 12: 0.9},
    "funk": {4: 1.0, 12: 1.0, 7: 0.4, 9: 0.4, 15: 0.3},
    "half time": {8: 1.0, 14: 0.2},
    "swing": {4: 0.4, 11: 0.3, 12: 0.4, 14: 0.2},
}


def random_beat(seconds: float, generator: np.random.Generator) -> Music:
    """A drum kit: grooves of several kinds with fills, or a solo on the drums."""
    groove = list(_KICKS)[int(generator.integers(len(_KICKS)))]
    beats_a_minute = float(generator.uniform(70, 175))
    step = 15.0 / beats_a_minute
    now = -float(generator.uniform(-0.4, LEAD_SECONDS))
    swing = step * float(generator.uniform(0.3, 0.6)) if groove == "swing" else 0.0
    cymbal = _RIDE if groove == "swing" or generator.random() < 0.25 else _CLOSED
    every = int(generator.choice([1, 2, 2, 4])) if groove != "swing" else 2
    level = float(generator.uniform(60, 115))
    solo = bool(generator.random() < 0.12)
    hits: list[tuple[float, int, float]] = []
    bar = 0
    while now < seconds:
        fill_from = 16 if generator.random() < 0.65 else int(generator.choice([8, 12, 12]))
        if solo:
            fill_from = 0
        if bar and generator.random() < 0.35:
            hits.append((now, _CRASH, 1.05))
        for place in range(16):
            at = now + place * step + (swing if place % 4 == 2 else 0.0)
            if place >= fill_from:
                hits += _fill(at, step, (place - fill_from) / (16 - fill_from), generator)
                continue
            if generator.random() < _KICKS[groove].get(place, 0.0):
                hits.append((at, _KICK, 1.0))
            if generator.random() < _SNARES[groove].get(place, 0.0):
                hits.append((at, _SNARE if groove != "swing" or generator.random() < 0.7 else _STICK, 0.95))
            if place % every == 0 and generator.random() < 0.95:
                key = _OPEN if cymbal == _CLOSED and generator.random() < 0.06 else cymbal
                hits.append((at, key, 0.8 if place % 4 == 0 else 0.6))
        now += 16 * step
        bar += 1
    pace: Pace = "slow" if beats_a_minute < 95 else "fast" if beats_a_minute > 140 else "medium"
    return Music(_struck(hits, level, seconds, generator), Traits(pace=pace))


def _fill(
    at: float, step: float, through: float, generator: np.random.Generator
) -> list[tuple[float, int, float]]:
    """A step of a fill: down the toms, the snare between, sometimes twice as fast."""
    if generator.random() < 0.15:
        return []
    tom = _TOMS[min(int(through * len(_TOMS)), len(_TOMS) - 1)]
    key = _SNARE if generator.random() < 0.4 else tom
    more = [(at + step / 2, key, 0.75)] if generator.random() < 0.2 else []
    kick = [(at, _KICK, 0.8)] if generator.random() < 0.15 else []
    return [(at, key, 0.95), *more, *kick]


def random_pattern(instrument: Instrument, seconds: float, generator: np.random.Generator) -> Music:
    """One drum or small percussion: a pattern that repeats, single hits, or a roll."""
    keys, steps = instrument.keys, STYLES[instrument.style].gap_seconds
    now = -float(generator.uniform(-0.4, LEAD_SECONDS))
    level = float(generator.uniform(55, 120))
    kind = str(generator.choice(["pattern", "steady", "single", "rolls"], p=[0.5, 0.25, 0.15, 0.1]))
    step = float(np.exp(generator.uniform(*np.log(steps))))
    roll = min(0.85 * steps[0], step)
    length = int(generator.choice([6, 8, 8, 12, 16]))
    pattern = generator.random(length) < generator.uniform(0.3, 0.8)
    pattern[0] = True
    choice = generator.integers(len(keys), size=length)
    hits: list[tuple[float, int, float]] = []
    place = 0
    while now < seconds:
        key = keys[int(choice[place % length])]
        if kind == "pattern":
            if pattern[place % length]:
                hits.append((now, key, 1.0 if place % 4 == 0 else 0.8))
            now += step
        elif kind == "steady":
            hits.append((now, key, 1.0 if place % 4 == 0 else 0.75))
            now += step * (1 if length != 16 else 2)
        elif kind == "single":
            hits.append((now, key, 1.0))
            now += step + float(generator.uniform(0.2, 1.4))
        else:
            for index in range(int(generator.integers(4, 24))):
                hits.append((now, key, 0.7 + 0.015 * index))
                now += roll
            now += float(generator.uniform(0.2, 0.8))
        place += 1
    pace: Pace = "slow" if kind == "single" else "fast" if step < 0.14 else "medium"
    return Music(_struck(hits, level, seconds, generator), Traits(pace=pace))


def random_sounds(instrument: Instrument, seconds: float, generator: np.random.Generator) -> Music:
    """Sounds that come one after the other, at about the height at which they were recorded."""
    style = STYLES[instrument.style]
    notes: list[Note] = []
    now = -float(generator.uniform(-0.6, LEAD_SECONDS))
    key = int(generator.integers(instrument.range_midi[0], instrument.range_midi[1] + 1))
    level = float(generator.uniform(60, 120))
    while now < seconds:
        held = float(np.exp(generator.uniform(*np.log(style.hold_seconds))))
        times = 1
        if generator.random() < style.bursts:
            times = int(np.clip(generator.uniform(0.8, 3.0) / held, 1, 12))
        if generator.random() < 0.3:
            key = int(np.clip(key + generator.integers(-3, 4), *instrument.range_midi))
        for _ in range(times):
            velocity = int(np.clip(level + generator.normal(0, 8), 20, 127))
            notes.append(Note(now, 0.9 * held if times > 1 else held, key, velocity))
            now += held
        now += float(generator.uniform(*style.gap_seconds))
    return Music(tuple(note for note in notes if note.start_seconds < seconds), Traits())


def _struck(
    hits: Sequence[tuple[float, int, float]], level: float, seconds: float, generator: np.random.Generator
) -> tuple[Note, ...]:
    """Hits as notes: a few milliseconds off, no two alike."""
    late = generator.normal(0, 0.005, len(hits))
    loud = generator.normal(0, 6, len(hits))
    notes = [
        Note(
            max(at + float(shift), -LEAD_SECONDS),
            _HIT_SECONDS,
            key,
            int(np.clip(level * share + more, 10, 127)),
        )
        for (at, key, share), shift, more in zip(hits, late, loud, strict=True)
    ]
    return tuple(
        sorted((n for n in notes if n.start_seconds < seconds), key=lambda n: (n.start_seconds, n.key))
    )
