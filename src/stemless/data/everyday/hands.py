"""Feet and hands: footsteps, clapping, brushing, sawing."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import (
    PLASTIC,
    WOOD,
    decay,
    gathered_times,
    lay,
    regular_times,
    scatter,
)
from stemless.data.everyday.impacts import thud
from stemless.data.everyday.spectra import band_noise, noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave


def _footsteps(stage: Stage) -> Wave:
    """Heel and toe on a floor; what lies on the floor gives way."""
    pace_hz = stage.around(1.2, 3.2)
    floor = stage.one_of(("hard", "wood", "gravel", "snow", "leaves", "soft"))
    times = regular_times(stage, pace_hz, stage.between(0.01, 0.12))
    gap = stage.between(0.04, 0.13) * min(1.0, 2 / pace_hz)
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    heel_body = {"hard": PLASTIC, "wood": WOOD}.get(floor)
    size = stage.around(0.6, 2.0)
    feet = [
        heel_body.body(stage, size * stage.around(0.9, 1.1), 3e-4) if heel_body else None for _ in range(2)
    ]
    heel_hz, toe_hz = stage.around(100, 900), stage.around(300, 2500)
    crunch_hz = {"gravel": 3000.0, "snow": 1500.0, "leaves": 5000.0}.get(floor, 0) * stage.around(0.7, 1.4)
    for index, at in enumerate(times):
        gain = stage.around(0.7, 1.3)
        body = feet[index % 2]
        heel = thud(stage, stage.around(0.03, 0.09), heel_hz)
        lay(out, at * rate, gain * heel * (0.5 if body else 1.0))
        lay(
            out,
            (at + gap) * rate,
            gain * stage.between(0.1, 0.6) * thud(stage, stage.around(0.02, 0.08), toe_hz),
        )
        if body:
            ring = body.struck(stage, 1, 0.15, 0.2)[0]
            lay(out, at * rate, gain * stage.between(0.8, 2) * ring / np.abs(ring).max())
        if crunch_hz:
            step = stage.lasting(stage.between(0.15, 0.35))
            shape = step.curve([(0, 0.2), (0.15, 1), (0.4, 0.4), (0.6, 0.8), (1, 0)])
            grit = gathered_times(step, shape, int(stage.around(40, 250)))
            length = int(0.006 * rate)
            grains = step.generator.standard_normal((len(grit), length)) * decay(length, 0.005, rate)
            texture = scatter(step.samples, grit * rate, grains * step.spread(len(grit), 0.8)[:, None])
            texture = shaped(texture, [(100, -30), (crunch_hz, 0), (8000, -8)], rate)
            lay(out, at * rate, gain * stage.between(1, 3) * steady(texture) * shape)
        elif stage.chance(0.4):
            scuff = stage.lasting(stage.between(0.05, 0.2))
            drag = band_noise(scuff, stage.around(800, 4000), 0.8) * scuff.curve([(0, 0), (0.5, 1), (1, 0)])
            lay(out, (at + gap) * rate, 0.15 * gain * drag)
    return out


def clap_bank(stage: Stage, count: int) -> Wave:
    """Single claps of hands: a short burst about a cavity's resonance: [count, samples]."""
    length = int(0.05 * stage.sample_rate)
    bank = np.zeros((count, length))
    for index in range(count):
        clap = stage.lasting(0.05)
        burst = clap.noise()[:length] * decay(length, stage.around(0.006, 0.045), stage.sample_rate)
        centre = stage.around(500, 2200)
        points = [
            (60, -30),
            (centre * 0.4, -10),
            (centre, 4),
            (centre * 2, -4),
            (8000, stage.between(-16, -4)),
        ]
        bank[index] = shaped(burst, points, stage.sample_rate)
    claps: Wave = bank / np.abs(bank).max(1, keepdims=True)
    return claps


def _clapping(stage: Stage) -> Wave:
    """One pair of hands, or a few that fall in with each other."""
    out = np.zeros(stage.samples)
    tempo = stage.around(1.5, 5)
    together = stage.chance(0.5)
    start = stage.between(0, 0.4)
    for _ in range(stage.one_of((1, 1, 1, 2, 4, 8))):
        bank = clap_bank(stage, 4)
        own = tempo * (1.0 if together else stage.around(0.75, 1.3))
        times = regular_times(stage, own, stage.between(0.02, 0.1), start + stage.between(0, 0.03))
        gains = stage.spread(len(times), 0.25)[:, None] * stage.around(0.4, 1)
        out += scatter(
            stage.samples,
            times * stage.sample_rate,
            bank[stage.generator.integers(4, size=len(times))] * gains,
        )
    return out


def _applause(stage: Stage) -> Wave:
    people = stage.whole(15, 150)
    bank = clap_bank(stage, 60)
    swell = stage.curve(
        [(0, stage.between(0.1, 1)), (stage.between(0.1, 0.4), 1), (0.7, 1), (1, stage.between(0.1, 1))]
    )
    times = np.concatenate(
        [regular_times(stage, stage.around(2.2, 5.5), stage.between(0.03, 0.15)) for _ in range(people)]
    )
    distance = np.repeat(stage.spread(people, 0.7), -(-len(times) // people))[: len(times)]
    kept = stage.generator.random(len(times)) < np.interp(times, stage.times, swell)
    kinds = stage.generator.integers(60, size=len(times))
    at = times * stage.sample_rate
    sound = scatter(stage.samples, at[kept], bank[kinds[kept]] * distance[kept, None])
    far = noise(stage, [(200, -30), (stage.around(900, 2000), 0), (8000, -18)])
    return steady(sound) + stage.between(0.05, 0.8) * far * swell


def _brushing(stage: Stage) -> Wave:
    strokes_hz = stage.around(3, 7)
    turns = stage.phase(strokes_hz * (1 + 0.08 * stage.wander(0.5)))
    # Two strokes a turn, one way brighter than the other.
    there = np.maximum(np.sin(2 * np.pi * turns), 0) ** 0.7
    back = np.maximum(-np.sin(2 * np.pi * turns), 0) ** 0.7
    centre = stage.around(1200, 3500)
    effort = np.exp(0.35 * stage.wander(0.8))
    sound = there * band_noise(stage, centre, 0.7) + 0.8 * back * band_noise(
        stage, centre * stage.around(1.1, 1.7), 0.7
    )
    # The head that is brushed hums along.
    skull = noise(stage, [(40, 0), (stage.around(150, 500), 0), (2000, -30)]) * (there + back)
    return (sound + stage.between(0, 0.8) * skull) * effort + stage.between(0, 0.1) * stage.noise() * there


def _sawing(stage: Stage) -> Wave:
    """Teeth over wood, forth and back."""
    turns = stage.phase(stage.around(0.9, 2.5) * (1 + 0.1 * stage.wander(0.6)))
    speed = np.sin(2 * np.pi * turns)
    teeth = np.sin(2 * np.pi * stage.phase(stage.around(150, 600) * np.abs(speed)))
    stroke = np.where(speed > 0, speed, stage.between(0.2, 0.9) * -speed) ** stage.between(0.5, 1.2)
    centre = stage.around(900, 3500)
    rasp = band_noise(stage, centre, 0.8) * (1 + stage.between(0.2, 0.9) * teeth)
    blade = band_noise(stage, centre * stage.around(1.3, 2.2), 0.1)
    board = noise(stage, [(60, -6), (stage.around(150, 500), 0), (2000, -30)])
    return (rasp + stage.between(0, 0.6) * blade * (speed > 0) + stage.between(0, 1) * board) * stroke


SOUNDS = (
    Sound("footsteps", _footsteps, ("footsteps", "someone walking", "a person walks across a floor",
          "footsteps on gravel", "steps approaching", "someone running")),
    Sound("clapping", _clapping, ("hands clapping", "someone claps their hands",
          "people clapping in rhythm", "clapping of hands", "a person clapping")),
    Sound("applause", _applause, ("an audience applauding", "applause", "a crowd claps",
          "people applaud after a concert", "a round of applause")),
    Sound("brushing teeth", _brushing, ("someone brushing their teeth", "brushing teeth",
          "a toothbrush scrubbing", "scrubbing with a brush"), "near"),
    Sound("hand saw", _sawing, ("a hand saw cutting wood", "someone sawing wood", "sawing a board",
          "a saw going back and forth")),
)  # fmt: skip
