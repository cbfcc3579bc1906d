"""Water: rain, taps, streams, waves, drips and boiling, from bubbles that ring and noise that is shaped.

A drop that falls into water closes a bubble, which rings at a pitch that rises while it dies away: K. van den
Doel, "Physically based models for liquid sounds", ACM Transactions on Applied Perception 2(4), 2005.
"""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import (
    PLASTIC,
    THIN_METAL,
    WOOD,
    Material,
    decay,
    gathered_times,
    random_times,
    scatter,
)
from stemless.data.everyday.spectra import (
    band_noise,
    frame_frequencies,
    frames_of,
    low_pass,
    moving,
    noise,
    steady,
)
from stemless.data.everyday.stage import Sound, Stage, Wave, decibels

_BANK = 500
# Minnaert: a bubble of radius r in metres rings at 3 / r Hz.
MINNAERT_HZ_M = 3.0


def bubble_bank(stage: Stage, low_hz: float, high_hz: float, rising: float, count: int = _BANK) -> Wave:
    """Bubbles of random sizes, each falling silent as its size has it: [count, samples].

    Args:
        low_hz, high_hz: range of their pitch; small ones are as many as large ones on a scale of octaves.
        rising: how much of its damping the pitch of a bubble gains (0: it stays).
    """
    pitch = np.exp(stage.generator.uniform(np.log(low_hz), np.log(high_hz), count))
    radius = MINNAERT_HZ_M / pitch
    damping = 0.13 / radius + 0.0072 * radius**-1.5
    rise = rising * stage.generator.random(count) ** 2 * damping
    time = np.arange(int(min(0.07, 5 / damping.min()) * stage.sample_rate)) / stage.sample_rate
    turns = pitch[:, None] * (time + 0.5 * rise[:, None] * time**2)
    instant = pitch[:, None] * (1 + rise[:, None] * time)
    ring: Wave = np.exp(-damping[:, None] * time) * np.sin(2 * np.pi * turns)
    # A rising pitch ends below half the rate.
    return ring * (instant < 0.45 * stage.sample_rate)


def rung(stage: Stage, times: Wave, bank: Wave, unevenness: float) -> Wave:
    """Grains of a bank, drawn anew and unevenly loud, at times in seconds [events]: [samples]."""
    kinds = stage.generator.integers(len(bank), size=len(times))
    gains = stage.spread(len(times), unevenness)
    return scatter(stage.samples, times * stage.sample_rate, bank[kinds] * gains[:, None])


def _rain(stage: Stage) -> Wave:
    heaviness = stage.between(0, 1)
    dark, bright = stage.around(150, 900), stage.around(2000, 6000)
    tilt = stage.between(-14, 4)
    hiss = noise(stage, [(40, -40), (dark, -12), (bright, 0), (8000, tilt)])
    hiss *= 1 + 0.12 * stage.wander(stage.between(0.3, 2))
    drops = random_times(stage, stage.around(30, 500))
    surface = stage.one_of(("leaves", "water", "roof", "window"))
    if surface == "water":
        bank = bubble_bank(stage, 700, 6000, 0.3)
    else:
        materials: dict[str, Material] = {"leaves": PLASTIC, "roof": THIN_METAL, "window": WOOD}
        size = stage.between(0.5, 2.0)
        bodies = [materials[surface].body(stage, size) for _ in range(12)]
        bank = np.concatenate([body.struck(stage, 8, 0.05) for body in bodies])
        bank *= decay(bank.shape[1], stage.around(0.004, 0.03), stage.sample_rate)
    patter = rung(stage, drops, bank, 0.9)
    return steady(hiss) * heaviness + steady(patter) * stage.between(0.15, 0.9)


def _running(stage: Stage) -> Wave:
    """A tap over a basin: a jet of hiss, and bubbles where it falls in."""
    flow = np.exp(0.2 * stage.wander(stage.between(0.1, 0.8)))
    low = stage.around(200, 700)
    bank = bubble_bank(stage, low, low * stage.around(4, 12), 0.15)
    bubbles = rung(stage, random_times(stage, stage.around(100, 600)), bank, 0.7)
    jet = noise(stage, [(60, -30), (400, -12), (stage.around(900, 5000), 0), (8000, stage.between(-16, 0))])
    sink = noise(stage, [(60, -12), (stage.around(120, 400), 0), (1500, -24), (8000, -50)])
    sound = jet * flow + stage.between(0.1, 1.0) * steady(bubbles) + stage.between(0, 0.6) * sink
    if stage.chance(0.4):
        # Turned on, or off.
        turn = stage.between(0.05, 0.4)
        opening = np.clip((stage.times - stage.between(0, 0.2 * stage.seconds)) / turn, 0, 1)
        sound *= opening if stage.chance(0.6) else opening[::-1]
    return sound


def _stream(stage: Stage) -> Wave:
    bank = bubble_bank(stage, stage.around(250, 500), stage.around(1200, 3500), 0.1)
    swell = np.exp(0.4 * stage.wander(0.6))
    times = gathered_times(stage, swell, int(stage.around(60, 400) * stage.seconds))
    bubbles = rung(stage, times, bank, 0.9)
    wash = noise(
        stage, [(50, -14), (stage.around(250, 900), 0), (3000, -12), (8000, stage.between(-40, -18))]
    )
    return steady(bubbles) * stage.between(0.3, 1.2) + wash * swell**0.3


def _pours(stage: Stage) -> Wave:
    """Loudness of a liquid that is poured in one go, or in a few, with silence between: [samples]."""
    if stage.chance(0.3):
        return np.ones(stage.samples)
    at, edges, levels = stage.between(0.1, 0.3 * stage.seconds), [0.0], [0.0]
    while at < stage.seconds:
        length, turn = stage.around(0.8, 6), stage.between(0.03, 0.3)
        edges += [at, at + turn, at + length, at + length + 2 * turn]
        levels += [0.0, stage.around(0.5, 1), stage.around(0.5, 1), 0.0]
        at += length + 2 * turn + stage.around(0.2, 1.5)
    return np.interp(stage.times, edges, levels)


def _pouring(stage: Stage) -> Wave:
    """A vessel being filled: its air resonates higher and higher."""
    start = stage.around(250, 700)
    pitch = stage.curve([(0, start), (1, start * stage.around(1.6, 4))])
    low = stage.around(400, 900)
    glug = np.exp(0.5 * stage.wander(stage.between(0.08, 0.3)))
    times = gathered_times(stage, glug, int(stage.around(80, 400) * stage.seconds))
    bubbles = steady(rung(stage, times, bubble_bank(stage, low, low * 8, 0.25), 0.8))
    jet = noise(stage, [(100, -20), (stage.around(800, 4000), 0), (8000, stage.between(-12, 4))])
    source = bubbles + stage.between(0.2, 1.2) * jet
    frequencies = frame_frequencies(stage.sample_rate)
    width = stage.between(0.08, 0.25)
    resonance = np.zeros((1, 1))
    for harmonic, gain in ((1, 1.0), (3, 0.5), (5, 0.25)):
        away = (frequencies - harmonic * frames_of(pitch)) / (width * harmonic * frames_of(pitch))
        resonance = resonance + gain / (1 + away**2)
    return moving(source, 0.25 + stage.between(1, 4) * resonance) * _pours(stage)


def _waves(stage: Stage) -> Wave:
    """Breakers: each swells dark, breaks bright and draws back hissing."""
    out = np.zeros(stage.samples)
    frequencies = frame_frequencies(stage.sample_rate)
    period = stage.between(3, 9)
    level, cutoff = np.full(stage.samples, stage.between(0.03, 0.2)), np.full(stage.samples, 600.0)
    start = -stage.between(0, period)
    while start < stage.seconds:
        rise, fall = stage.between(0.5, 2.0), stage.between(1.0, 3.5)
        since = stage.times - start
        shape = np.where(since < 0, 0, np.where(since < rise, (since / rise) ** 2, 1.0))
        shape = np.where(since > rise, np.exp(-(since - rise) / fall), shape)
        level = level + stage.between(0.5, 1.0) * shape
        cutoff = cutoff + stage.around(1500, 6000) * np.where(since > 0.6 * rise, shape**0.7, 0.3 * shape)
        start += period * stage.between(0.7, 1.4)
    roar = noise(stage, [(30, -18), (stage.around(100, 300), 0), (1000, -6), (8000, stage.between(-24, -10))])
    out += moving(roar * level, low_pass(frequencies, frames_of(cutoff), 1.5))
    fizz = noise(stage, [(500, -40), (3000, 0), (8000, 2)])
    sound: Wave = out + stage.between(0.02, 0.15) * fizz * level**2
    return sound


def _drips(stage: Stage) -> Wave:
    bank = bubble_bank(stage, stage.around(400, 900), stage.around(1800, 4500), 0.45, 24)
    tail = np.zeros((len(bank), int(0.012 * stage.sample_rate)))
    # The splash before the bubble closes.
    splash = tail + stage.generator.standard_normal(tail.shape) * np.linspace(1, 0, tail.shape[1]) ** 3
    grains = np.pad(bank, ((0, 0), (tail.shape[1] // 2, 0)))
    grains[:, : tail.shape[1]] += stage.around(0.02, 0.6) * splash
    if stage.chance(0.5):
        base = np.arange(stage.between(0, 0.5), stage.seconds, stage.around(0.25, 1.3))
        times = base + stage.between(0, 0.1) * stage.generator.random(len(base))
    else:
        times = random_times(stage, stage.around(1.5, 8))
    if not len(times):
        times = np.array([0.3])
    few = bank[: stage.whole(2, 8)].shape[0]
    gains = stage.spread(len(times), 0.5)
    return scatter(
        stage.samples,
        times * stage.sample_rate,
        grains[stage.generator.integers(few, size=len(times))] * gains[:, None],
    )


def _boiling(stage: Stage) -> Wave:
    bank = bubble_bank(stage, stage.around(150, 500), stage.around(1200, 5000), stage.between(0.1, 0.4))
    heat = np.exp(0.6 * stage.wander(stage.between(0.05, 0.4)))
    times = gathered_times(stage, heat, int(stage.around(40, 250) * stage.seconds))
    bubbles = steady(rung(stage, times, bank, 0.7))
    rumble = noise(stage, [(40, -10), (stage.around(100, 300), 0), (1500, -20), (8000, -40)])
    steam = noise(stage, [(500, -30), (4000, 0), (8000, -3)])
    return (
        bubbles * stage.between(0.5, 1.2) + stage.between(0.1, 0.6) * rumble + stage.between(0, 0.2) * steam
    )


def _flush(stage: Stage) -> Wave:
    """A cistern empties in a rush, gurgles, and fills again."""
    start, rush = stage.between(-0.1, 0.15), stage.between(0.2, 0.8)
    after = stage.between(-26, -6)
    envelope = decibels(
        stage.curve(
            [(start - 0.1, -50), (start, -50), (start + 0.05, -3), (start + 0.1, 0), (start + rush, -3),
             (start + rush + 0.15, 0.6 * after), (start + rush + 0.3, after), (2, after)]
        )
    )  # fmt: skip
    dark = stage.around(200, 1200)
    body = noise(stage, [(50, -12), (dark, 0), (2500, -8), (8000, stage.between(-24, -6))])
    bank = bubble_bank(stage, 150, stage.around(900, 3000), 0.1)
    gurgle = np.exp(0.8 * stage.wander(stage.between(0.08, 0.3)))
    count = int(stage.around(60, 300) * stage.seconds)
    bubbles = steady(rung(stage, gathered_times(stage, gurgle, count), bank, 0.8))
    cutoff = stage.around(900, 2500) + 5000 * envelope
    swirl = moving(body * envelope, low_pass(frame_frequencies(stage.sample_rate), frames_of(cutoff)))
    filling = band_noise(stage, stage.around(1500, 4500), 0.8)
    refill = np.clip((stage.times / stage.seconds - start - rush) / 0.1, 0, 1)
    return swirl + stage.between(0.1, 0.8) * bubbles * envelope + 0.05 * filling * refill


SOUNDS = (
    Sound("rain", _rain, ("rain falling", "rain falling on a roof", "steady rain outside",
          "rain pattering down", "heavy rain is falling", "a rain shower", "raindrops falling on leaves"),
          "outdoors"),
    Sound("running water", _running, ("water running from a tap", "a faucet running",
          "water running in a sink", "a tap is turned on and water flows", "running tap water")),
    Sound("river flowing", _stream, ("a stream flowing", "a brook babbling over stones",
          "a river flowing by", "water trickling in a creek", "a small stream gurgles"), "outdoors"),
    Sound("pouring water", _pouring, ("water being poured into a glass", "someone pouring water",
          "liquid filling a bottle", "pouring a drink into a cup", "water is poured")),
    Sound("sea waves", _waves, ("waves breaking on a beach", "ocean waves rolling in",
          "the sea washing ashore", "waves crash on the shore", "surf at the seaside"), "outdoors"),
    Sound("water drops", _drips, ("water dripping", "drops of water falling", "a dripping tap",
          "drips falling into water", "water drips in a cave")),
    Sound("water boiling", _boiling, ("water boiling in a pot", "a kettle bubbling", "boiling water",
          "water bubbles on the stove", "a pot boiling"), "near"),
    Sound("toilet flush", _flush, ("a toilet flushing", "someone flushes a toilet", "flushing the toilet",
          "a toilet is flushed and refills")),
)  # fmt: skip
