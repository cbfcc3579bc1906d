"""Air and fire: wind, thunder, crackling fire, fireworks."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import decay, gathered_times, lay, random_times, scatter
from stemless.data.everyday.spectra import (
    bell,
    frame_frequencies,
    frames_of,
    low_pass,
    moving,
    noise,
    shaped,
    steady,
)
from stemless.data.everyday.stage import Sound, Stage, Wave


def _wind(stage: Stage) -> Wave:
    """Gusts of dark noise, with a whistle that rises as they do."""
    gusts = np.exp(stage.between(0.15, 0.7) * stage.wander(stage.between(0.5, 3)))
    frequencies = frame_frequencies(stage.sample_rate)
    cutoff = stage.around(80, 800) * gusts ** stage.between(0.4, 1.0)
    air = noise(stage, [(20, -6), (60, 0), (8000, stage.between(-20, 0))])
    sound = moving(air * gusts, low_pass(frequencies, frames_of(cutoff), stage.between(0.8, 2.2)))
    sound = steady(sound)
    for _ in range(stage.whole(0, 3)):
        centre = stage.around(250, 1400) * np.exp(0.25 * stage.wander(0.8)) * gusts**0.3
        whistle = moving(stage.noise(), bell(frequencies, frames_of(centre), stage.between(0.03, 0.2)))
        sound += stage.around(0.05, 0.8) * steady(whistle * gusts**1.5)
    if stage.chance(0.3):
        # Straight into the microphone: it flutters.
        puffs = np.maximum(stage.wander(0.08), 0) ** 2
        sound += stage.between(0.3, 1.5) * noise(stage, [(20, 0), (80, -3), (400, -40)]) * puffs
    return sound


def _thunder(stage: Stage) -> Wave:
    """Claps from along the path of each flash, darker the farther; some with rain."""
    out = np.zeros(stage.samples)
    for start in np.append(random_times(stage, 0.15) + 0.6, stage.between(0, 0.25 * stage.seconds)):
        distance = stage.between(0, 1)
        claps = stage.whole(6, 60)
        length = stage.between(1.5, 6)
        times = start + length * stage.generator.random(claps) ** stage.between(1.2, 3)
        part = np.zeros(stage.samples)
        for at in times:
            strength = np.exp(-(at - start) / (0.4 * length)) * stage.around(0.2, 1)
            grain = stage.lasting(stage.between(0.3, 1.5))
            burst = grain.noise() * decay(grain.samples, grain.seconds, stage.sample_rate)
            lay(part, at * stage.sample_rate, strength * burst)
        top = 70 * 20 ** (1 - distance)
        fall = stage.between(-36, -18)
        part = shaped(
            part, [(15, -18), (40, 0), (top, -3), (top * 4, -3 + fall), (16000, -60)], stage.sample_rate
        )
        if distance < 0.25:
            crack = stage.lasting(0.5)
            snap = shaped(
                crack.noise() * decay(crack.samples, 0.3, stage.sample_rate),
                [(200, -20), (1500, 0), (8000, -6)],
                stage.sample_rate,
            )
            lay(part, start * stage.sample_rate, 2 * np.std(part) * snap)
        out += steady(part) * stage.around(0.5, 1)
    if stage.chance(0.4):
        out += stage.between(0.02, 0.15) * noise(stage, [(100, -30), (2500, 0), (8000, -6)])
    return out


def _fire(stage: Stage) -> Wave:
    """Wood snaps while the flames roar and flutter."""
    length = int(0.02 * stage.sample_rate)
    bank = stage.generator.standard_normal((60, length))
    lasting = np.exp(stage.generator.uniform(np.log(0.0006), np.log(0.02), (60, 1)))
    bank *= np.exp(-6.9 * np.arange(length) / (lasting * stage.sample_rate))
    # Some snaps are dull: the running sum of noise is dark.
    dull = stage.generator.random(60) < 0.5
    bank[dull] = np.cumsum(bank[dull], 1) - np.linspace(0, 1, length) * np.sum(bank[dull], 1, keepdims=True)
    bank /= np.sqrt(np.mean(bank**2, 1, keepdims=True))
    bursts = np.exp(1.5 * stage.wander(stage.between(0.1, 0.5)))
    times = gathered_times(stage, bursts, max(4, int(stage.around(4, 60) * stage.seconds)))
    gains = stage.spread(len(times), 1.3)
    kinds = stage.generator.integers(60, size=len(times))
    snaps = scatter(stage.samples, times * stage.sample_rate, bank[kinds] * gains[:, None])
    snaps = shaped(
        snaps, [(100, -24), (stage.around(500, 3000), 0), (8000, stage.between(-10, 3))], stage.sample_rate
    )
    flutter = np.exp(0.5 * stage.wander(stage.between(0.04, 0.2)))
    roar = noise(stage, [(25, -6), (stage.around(60, 200), 0), (700, -18), (8000, stage.between(-50, -30))])
    hiss = noise(stage, [(500, -20), (3500, 0), (8000, -4)])
    return (
        steady(snaps)
        + stage.around(0.05, 1.5) * roar * flutter
        + stage.around(0.02, 0.3) * hiss * flutter**0.5
    )


def _sparks(stage: Stage, rate_hz: float) -> Wave:
    times = random_times(stage, rate_hz)
    length = int(0.01 * stage.sample_rate)
    grains = stage.generator.standard_normal((len(times), length)) * decay(length, 0.008, stage.sample_rate)
    return scatter(stage.samples, times * stage.sample_rate, grains * stage.spread(len(times), 0.7)[:, None])


def _fireworks(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    times = np.append(random_times(stage, stage.around(0.4, 3)), stage.between(0.3, 1.5))
    for at in times:
        far = stage.between(0, 1)
        if stage.chance(0.25):
            # The rocket before it: a whistle that falls or rises, with hiss.
            rising = stage.lasting(stage.between(0.4, 1.4))
            first = stage.around(700, 3500)
            pitch = rising.curve([(0, first), (1, first * stage.around(0.5, 1.8))])
            whistle = np.sin(2 * np.pi * rising.phase(pitch * (1 + 0.02 * rising.wander(0.05))))
            whistle = stage.between(0, 0.5) * whistle + 0.5 * rising.noise()
            lay(
                out, (at - rising.seconds) * rate, 0.15 * whistle * rising.curve([(0, 0), (0.3, 1), (1, 0.3)])
            )
        boom = stage.lasting(stage.between(0.3, 1.2))
        thump = boom.noise() * decay(boom.samples, boom.seconds, rate)
        top = stage.around(300, 2500) * (1 - 0.7 * far)
        lay(
            out,
            at * rate,
            shaped(thump, [(25, -12), (70, 6), (top, -6), (8000, stage.between(-45, -20))], rate)
            * stage.around(0.4, 2),
        )
        if stage.chance(0.4):
            tail = stage.lasting(stage.between(0.5, 2))
            lay(out, (at + 0.2) * rate, stage.between(0.05, 0.5) * _sparks(tail, stage.around(20, 150)))
    return out


SOUNDS = (
    Sound("wind", _wind, ("wind blowing", "strong wind outside", "the wind howls", "gusts of wind",
          "wind whistling around a house", "a breeze blowing into a microphone"), "outdoors"),
    Sound("thunderstorm", _thunder, ("thunder rumbling", "a clap of thunder", "a thunderstorm",
          "thunder rolls in the distance", "thunder and rain"), "outdoors"),
    Sound("crackling fire", _fire, ("a fire crackling", "a campfire burning",
          "wood crackles in a fireplace", "crackling flames", "a log fire"), "near"),
    Sound("fireworks", _fireworks, ("fireworks exploding", "fireworks in the sky",
          "rockets whistle and burst", "firecrackers going off", "a fireworks display"), "outdoors"),
)  # fmt: skip
