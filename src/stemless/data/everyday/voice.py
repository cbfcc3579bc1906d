"""Calls of people and animals: glottal pulses and breath through a tract of any size.

The pulses and the tract are those of the singing synthesiser (`stemless.data.glottis`,
`stemless.data.tract`); here they shout, cough and bark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from stemless.data.everyday.spectra import shaped, steady
from stemless.data.everyday.stage import Points, Stage, Wave, decibels
from stemless.data.glottis import GlottalTables, glottal_tables
from stemless.data.mouth import NASAL_POLE_HZ
from stemless.data.tract import filter_frames, frame_count, hop_length, upper_resonances

Vowel = tuple[float, float, float, float]

# Formants F1 to F4 of a man's spoken vowels in Hz, after Peterson, Barney, "Control methods used in a study
# of the vowels", JASA 24, 1952, with a common F4.
VOWELS: dict[str, Vowel] = {
    "a": (730, 1090, 2440, 3400),
    "ae": (660, 1720, 2410, 3500),
    "e": (530, 1840, 2480, 3500),
    "i": (270, 2290, 3010, 3600),
    "o": (570, 840, 2410, 3300),
    "u": (300, 870, 2240, 3300),
    "er": (490, 1350, 1690, 3300),
    "uh": (640, 1190, 2390, 3400),
    "m": (250, 1100, 2200, 3300),
}
SILENCE: Points = ((0, -120), (1, -120))


@lru_cache(maxsize=8)
def _tables(sample_rate: int) -> GlottalTables:
    return glottal_tables(sample_rate, highest_f0_hz=2400.0)


@dataclass(frozen=True)
class Throat:
    """Who calls.

    Attributes:
        tract: formants against a man's: 1.17 a woman, 1.3 a child, 1.5 a baby or a small dog.
        rd: voice quality of the pulses, 0.35 pressed to 2.6 breathy.
        breath_db: breath under the voice.
        rough: 0 smooth to 1 hoarse: pulses of uneven strength and length.
        width: bandwidths of the formants against a usual voice.
        bright_db: gain at 8 kHz, rising evenly from 800 Hz: loud voices have strong highs.
    """

    tract: float = 1.0
    rd: float = 1.0
    breath_db: float = -26.0
    rough: float = 0.05
    width: float = 1.0
    bright_db: float = 0.0


def call(
    stage: Stage,
    throat: Throat,
    f0_hz: Points | Wave,
    level_db: Points,
    vowels: list[tuple[float, Vowel]],
    *,
    breath_db: Points = SILENCE,
    hiss_db: Points = SILENCE,
    hiss_hz: tuple[float, float] = (4000.0, 3000.0),
) -> Wave:
    """One utterance over the whole stage, at unit deviation where it is voiced loudest: [samples].

    Args:
        stage: as long as the utterance.
        throat: who calls.
        f0_hz: pitch, as breakpoints or [samples].
        level_db: of the voice, as breakpoints.
        vowels: (place 0 to 1, formants F1 to F4 of a man), glided between.
        breath_db: noise at the glottis, on its own.
        hiss_db, hiss_hz: noise at the lips or teeth, its (centre, width).
    """
    samples, rate = stage.samples, stage.sample_rate
    pitch = (
        f0_hz
        if isinstance(f0_hz, np.ndarray)
        else np.exp(stage.curve([(at, np.log(hz)) for at, hz in f0_hz]))
    )
    # A hoarse voice: the pitch shivers, every second pulse is weak, all are uneven.
    shiver = 0.004 + 0.05 * throat.rough
    pitch = pitch * np.exp(shiver * stage.wander(0.02) + 0.01 * stage.wander(0.15))
    phase = stage.phase(pitch)
    number = np.floor(phase).astype(int)
    number -= number[0]
    strength = np.exp((0.03 + 0.5 * throat.rough) * stage.generator.standard_normal(int(number[-1]) + 2))
    strength[::2] *= 1 - 0.4 * throat.rough
    pulses = _tables(rate).lookup(phase, pitch, np.full(samples, throat.rd)) * strength[number]
    loud = decibels(stage.curve(level_db))
    noise = stage.noise()
    place = phase - np.floor(phase)
    breath = decibels(throat.breath_db) * loud * noise * (0.5 + np.sin(np.pi * place))
    tract_input = pulses * loud + breath + noise * decibels(stage.curve(breath_db))
    hiss = stage.noise() * decibels(stage.curve(hiss_db))

    frames = frame_count(samples, rate)
    at = np.clip(np.arange(frames) * hop_length(rate) / max(samples, 1), 0, 1)
    places, shapes = zip(*vowels, strict=True)
    formants = (
        np.stack([np.interp(at, places, column) for column in np.array(shapes, float).T], -1) * throat.tract
    )
    widths = throat.width * (60 + 0.05 * formants)
    still = upper_resonances(3900 * throat.tract, 1000 * throat.tract, rate)
    sound = filter_frames(
        torch.from_numpy(tract_input.astype(np.float32)),
        torch.from_numpy(hiss.astype(np.float32)),
        formants_hz=torch.from_numpy(formants),
        bandwidths_hz=torch.from_numpy(widths),
        nasal_zero_hz=torch.full((frames,), NASAL_POLE_HZ),
        nasal_pole_hz=NASAL_POLE_HZ,
        frication_hz=torch.full((frames,), hiss_hz[0]),
        frication_width_hz=torch.full((frames,), hiss_hz[1]),
        fixed=still,
        sample_rate=rate,
    )
    faded: Wave = sound.double().numpy()
    if throat.bright_db:
        faded = shaped(faded, [(50, 0), (800, 0), (8000, throat.bright_db)], rate)
    # No clicks where the stage ends.
    edge = min(int(0.004 * rate), samples // 4)
    if edge:
        ramp = np.sin(0.5 * np.pi * np.arange(edge) / edge)
        faded[:edge] *= ramp
        faded[-edge:] *= ramp[::-1]
    return steady(faded)


def vowel(stage: Stage, names: tuple[str, ...] = ("a", "ae", "uh", "e")) -> Vowel:
    """One of these vowels, as this mouth makes it."""
    first, second, third, fourth = np.array(VOWELS[stage.one_of(names)]) * stage.spread(4, 0.06)
    return float(first), float(second), float(third), float(fourth)


def anyone(stage: Stage, kind: str | None = None) -> tuple[Throat, float]:
    """A person and the middle of their speaking pitch in Hz; kind: man, woman, child, or None for any."""
    kind = kind or stage.one_of(("man", "woman", "woman", "man", "child"))
    pitch = {"man": (85, 150), "woman": (165, 260), "child": (240, 380)}[kind]
    tract = {"man": (0.92, 1.08), "woman": (1.1, 1.24), "child": (1.25, 1.45)}[kind]
    throat = Throat(
        tract=stage.around(*tract),
        rd=stage.around(0.6, 2.0),
        breath_db=stage.between(-32, -16),
        rough=stage.between(0.0, 0.25),
        width=stage.around(0.8, 1.6),
        bright_db=stage.between(-2, 10),
    )
    return throat, stage.around(*pitch)


def some_throat(
    stage: Stage,
    *,
    tract: tuple[float, float],
    rd: tuple[float, float] = (0.4, 0.9),
    breath_db: tuple[float, float] = (-34, -20),
    rough: tuple[float, float] = (0.0, 0.5),
    width: tuple[float, float] = (0.8, 1.8),
    bright_db: tuple[float, float] = (0, 12),
) -> Throat:
    """A throat drawn from ranges of `Throat`'s attributes."""
    return Throat(
        stage.around(*tract),
        stage.around(*rd),
        stage.between(*breath_db),
        stage.between(*rough),
        stage.around(*width),
        stage.between(*bright_db),
    )
