"""Small animals that whistle, rub or hum: birds, crickets, frogs, insects."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import lay, scatter
from stemless.data.everyday.rotation import falling, turning
from stemless.data.everyday.spectra import noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave


def _syllable(stage: Stage, middle_hz: float, range_octaves: float) -> Wave:
    """One whistled note of a bird: a glide, an arch, a trill or a buzz."""
    kind = stage.one_of(("glide", "glide", "arch", "trill", "flat"))
    note = stage.lasting(stage.around(0.03, 0.28))
    middle = middle_hz * 2 ** stage.between(-range_octaves / 2, range_octaves / 2)
    bend = stage.between(-0.6, 0.6) * range_octaves
    octaves = {
        "glide": note.curve([(0, -bend), (1, bend)]),
        "arch": note.curve([(0, -bend), (0.5, bend), (1, -bend)]),
        "trill": 0.15 * np.sin(2 * np.pi * stage.between(20, 60) * note.times),
        "flat": note.curve([(0, 0.05), (1, 0)]),
    }[kind]
    pitch = np.clip(middle * 2**octaves, 300, 0.46 * stage.sample_rate)
    tone = turning(note, pitch, np.array([1.0, stage.between(0, 0.2), stage.between(0, 0.08)]))
    attack = stage.between(0.1, 0.5)
    return tone * np.interp(note.times / note.seconds, [0, attack, 1], [0, 1, 0]) ** 0.8


def _birds(stage: Stage) -> Wave:
    """Each bird has a song of a few notes, which it repeats with small changes."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    for _ in range(stage.one_of((1, 1, 2, 3, 5))):
        middle = stage.around(1800, 5500)
        width = stage.between(0.15, 0.9)
        song = [_syllable(stage, middle, width) for _ in range(stage.whole(1, 6))]
        gaps = [stage.around(0.015, 0.15) for _ in song]
        distance = stage.around(0.15, 1)
        at = stage.between(0, 1.2)
        repeats = stage.whole(1, 8)
        while at < stage.seconds:
            for _ in range(repeats):
                for note, gap in zip(song, gaps, strict=True):
                    lay(out, at * rate, note * distance * stage.around(0.7, 1))
                    at += len(note) / rate + gap
            at += stage.around(0.25, 2.5)
    air = noise(stage, [(30, 0), (300, -12), (3000, -22), (8000, -30)])
    sound: Wave = out / max(np.abs(out).max(), 1e-9) + stage.around(0.002, 0.1) * air
    return sound


def _crickets(stage: Stage) -> Wave:
    """Chirps of a few pulses each of a nearly pure tone; many crickets make a shimmer."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    middle = stage.around(2400, 6000)
    for number in range(stage.one_of((1, 2, 4, 8))):
        pitch = middle * stage.around(0.9, 1.1)
        pulse_hz = stage.around(18, 70)
        pulse = stage.lasting(stage.between(0.5, 0.9) / pulse_hz)
        carrier = turning(pulse, pitch * pulse.curve([(0, 1.02), (1, 0.98)]), np.array([1.0, 0.08]))
        carrier *= np.sin(np.pi * pulse.times / pulse.seconds)
        gain = 1.0 if number == 0 else stage.around(0.1, 0.8)
        trilling = stage.chance(0.3)
        each = 10_000 if trilling else stage.whole(2, 6)
        pause = stage.around(0.1, 0.7)
        at, starts = stage.between(-0.5, 0.3), []
        while at < stage.seconds:
            for _ in range(each):
                starts.append(at)
                at += 1 / pulse_hz
                if at > stage.seconds:
                    break
            at += pause * stage.around(0.9, 1.1)
        times = np.array(starts)
        grains = np.tile(carrier, (len(times), 1)) * stage.spread(len(times), 0.12)[:, None]
        out += gain * scatter(stage.samples, times * rate, grains)
    night = noise(stage, [(50, -6), (1000, -12), (middle, 0), (8000, -14)])
    return steady(out) + stage.around(0.01, 0.7) * night


def _frogs(stage: Stage) -> Wave:
    """Croaks: trains of pulses that ring in the vocal sac; or short peeps."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    for number in range(stage.one_of((1, 1, 2, 3))):
        sac = stage.around(600, 3200)
        pulse_hz = stage.around(18, 120)
        length = int(0.05 * rate)
        time = np.arange(length) / rate
        ring = np.zeros(length)
        for ratio, gain in ((1.0, 1.0), (stage.between(1.6, 2.6), stage.between(0.1, 0.8))):
            ring += gain * np.exp(-time * stage.around(80, 350)) * np.sin(2 * np.pi * sac * ratio * time)
        gain = 1.0 if number == 0 else stage.around(0.2, 0.9)
        at = stage.between(0, 0.6)
        croak_seconds, pause = stage.around(0.12, 0.9), stage.around(0.1, 1.2)
        while at < stage.seconds:
            croak = stage.lasting(croak_seconds * stage.around(0.9, 1.1))
            count = max(2, int(croak.seconds * pulse_hz))
            speed = np.linspace(stage.between(0.8, 1), stage.between(1, 1.2), count)
            times = np.cumsum(1 / (pulse_hz * speed))
            shape = np.sin(np.pi * np.linspace(0.1, 0.95, count)) ** 0.6 * stage.spread(count, 0.15)
            lay(out, at * rate, gain * scatter(croak.samples, times * rate, ring * shape[:, None]))
            at += croak.seconds + pause * stage.around(0.8, 1.3)
    pond = noise(stage, [(50, -6), (1000, -10), (4000, -6), (8000, -20)])
    return steady(out) + stage.around(0.005, 0.12) * pond


def _insects(stage: Stage) -> Wave:
    """Wings that beat; the fly comes near, turns and goes."""
    out = np.zeros(stage.samples)
    for number in range(stage.one_of((1, 1, 2, 6))):
        wing_hz = stage.around(80, 500)
        pitch = wing_hz * np.exp(stage.between(0.01, 0.08) * stage.wander(stage.between(0.15, 0.8)))
        near = np.exp(stage.between(0.3, 1.3) * stage.wander(stage.between(0.3, 1.5)))
        buzz = turning(stage, pitch, falling(stage, 30, stage.between(2, 8), 0.6))
        rough = 1 + stage.between(0, 0.4) * stage.wander(0.012)
        out += steady(buzz * rough) * near * (1.0 if number == 0 else stage.around(0.1, 0.7))
    middle = stage.around(120, 1200)
    return shaped(out, [(middle / 4, -12), (middle, 0), (8000, stage.between(-30, -6))], stage.sample_rate)


SOUNDS = (
    Sound("birds chirping", _birds, ("birds chirping", "a bird singing", "birdsong in the morning",
          "a songbird tweets", "birds twitter in the trees"), "outdoors"),
    Sound("crickets", _crickets, ("crickets chirping", "crickets at night", "a cricket chirps",
          "the song of crickets", "insects chirping in the grass"), "outdoors"),
    Sound("frog croaking", _frogs, ("a frog croaking", "frogs croak in a pond", "toads calling",
          "frogs at night", "a croaking frog"), "outdoors"),
    Sound("insects buzzing", _insects, ("insects buzzing", "a fly buzzing around", "a bee hums",
          "a mosquito buzzing", "bees around a hive"), "outdoors"),
)  # fmt: skip
