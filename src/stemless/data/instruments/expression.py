"""What a player does to notes that sound: swells, vibrato, slides into the pitch, the pedal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stemless.data.instruments.music import LEAD_SECONDS, Music, Note
from stemless.data.instruments.styles import STYLES

PEDAL, EXPRESSION = 64, 11
BEND_RANGE_SEMITONES = 2.0
_STEP_SECONDS = 0.02
_PEDAL_LIFT_SECONDS = 0.08
_MELODIC = ("melody", "arpeggio", "repeated", "trill")


@dataclass(frozen=True)
class Expression:
    """Movements of controllers, each in the order of time.

    Attributes:
        controls: (seconds, controller, value 0 to 127).
        bends: (seconds, semitones), within `BEND_RANGE_SEMITONES`.
    """

    controls: tuple[tuple[float, int, int], ...] = ()
    bends: tuple[tuple[float, float], ...] = ()


def random_expression(
    music: Music, style_name: str, seconds: float, generator: np.random.Generator
) -> Expression:
    """How this music is shaped, after the chances of its style.

    Args:
        music: of a recording of `seconds`.
        style_name: in `styles.STYLES`.
        generator: what it is drawn from.
    """
    style = STYLES[style_name]
    controls: list[tuple[float, int, int]] = []
    if generator.random() < style.swells:
        controls += _swells(seconds, generator)
    if generator.random() < style.pedal and not music.traits.short:
        controls += _pedal(music.bars_seconds)
    tuning = float(np.clip(generator.normal(0, 0.08), -0.25, 0.25)) if style.way == "pitched" else 0.0
    vibrato = generator.random() < style.vibrato
    scoops = generator.random() < style.scoops
    if music.traits.texture in _MELODIC and (vibrato or scoops):
        bends = _bends(music.notes, seconds, vibrato, scoops, generator)
    else:
        bends = [(-LEAD_SECONDS, 0.0)]
    limit = BEND_RANGE_SEMITONES
    return Expression(
        tuple(sorted(controls)),
        tuple((at, float(np.clip(bend + tuning, -limit, limit))) for at, bend in bends),
    )


def _swells(seconds: float, generator: np.random.Generator) -> list[tuple[float, int, int]]:
    """Loudness from one level to the next, every one to four seconds."""
    corners = [-LEAD_SECONDS]
    while corners[-1] < seconds:
        corners.append(corners[-1] + float(generator.uniform(1.0, 4.0)))
    levels = generator.uniform(58, 127, len(corners))
    times = np.arange(-LEAD_SECONDS, seconds, 0.05)
    values = np.interp(times, corners, levels).round().astype(int)
    changed = np.flatnonzero(np.diff(values, prepend=-1))
    return [(float(times[index]), EXPRESSION, int(values[index])) for index in changed]


def _pedal(bars_seconds: Sequence[float]) -> list[tuple[float, int, int]]:
    """Down for each bar, lifted just before the next."""
    presses = []
    for at in bars_seconds:
        presses += [(at - _PEDAL_LIFT_SECONDS / 2, PEDAL, 0), (at + _PEDAL_LIFT_SECONDS, PEDAL, 127)]
    return presses


def _bends(
    notes: Sequence[Note], seconds: float, vibrato: bool, scoops: bool, generator: np.random.Generator
) -> list[tuple[float, float]]:
    """Pitch around the written one, every 20 ms: vibrato that sets in after the onset, slides at it."""
    times = np.arange(-LEAD_SECONDS, seconds, _STEP_SECONDS)
    bend = np.zeros(len(times))
    depth, rate_hz = float(generator.uniform(0.08, 0.45)), float(generator.uniform(4.3, 6.8))
    onset_delay = float(generator.uniform(0.05, 0.35))
    often, from_semitones = float(generator.uniform(0.15, 0.7)), float(generator.uniform(0.4, 1.8))
    slide_seconds = float(generator.uniform(0.05, 0.14))
    for note in notes:
        within = (times >= note.start_seconds) & (times < note.end_seconds)
        since = times[within] - note.start_seconds
        if vibrato:
            grown = np.clip((since - onset_delay) / 0.3, 0, 1)
            bend[within] = depth * grown * np.sin(2 * np.pi * rate_hz * since)
        if scoops and note.duration_seconds > 2 * slide_seconds and generator.random() < often:
            bend[within] -= from_semitones * np.clip(1 - since / slide_seconds, 0, 1)
    changed = np.flatnonzero(np.diff(bend.round(3), prepend=np.nan))
    return [(float(times[index]), float(bend[index])) for index in changed]
