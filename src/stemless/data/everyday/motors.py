"""Electric machines: harmonics of what turns, the noise of the air that it moves; load and speed wander."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import METAL, lay, regular_times, scatter
from stemless.data.everyday.rotation import falling, turning
from stemless.data.everyday.spectra import (
    band_noise,
    noise,
    shaped,
    steady,
)
from stemless.data.everyday.stage import Points, Sound, Stage, Wave


def _switched(stage: Stage, spin_seconds: float) -> Wave:
    """Speed from 0 to 1: mostly running all along, at times switched on or off."""
    speed = np.ones(stage.samples)
    if stage.chance(0.25):
        on = stage.between(0, 0.3) * stage.seconds
        speed *= 1 - np.exp(-np.maximum(stage.times - on, 0) / spin_seconds)
    if stage.chance(0.2):
        off = stage.between(0.6, 0.95) * stage.seconds
        speed *= np.exp(-np.maximum(stage.times - off, 0) / (2.5 * spin_seconds))
    return speed


def _motor(
    stage: Stage,
    *,
    rate_hz: tuple[float, float],
    drift: float,
    fall_db: tuple[float, float],
    air: Points,
    air_share: tuple[float, float],
    spin_seconds: float,
    load: float = 0.0,
) -> Wave:
    """An electric motor: harmonics of its turning under the noise of the air it moves."""
    speed = _switched(stage, spin_seconds)
    wandering = 1 + drift * stage.wander(stage.between(0.3, 2))
    if load:
        # Pressed against something now and then: it slows and growls.
        pressed = np.clip(stage.wander(stage.between(0.3, 1.2)), 0, 1.5) / 1.5
        wandering = wandering * (1 - load * pressed)
    rate = stage.around(*rate_hz) * np.maximum(speed * wandering, 0.02)
    hum = steady(turning(stage, rate, falling(stage, 60, stage.between(*fall_db), 0.7)))
    # Brushes and blades: a whine at a multiple of the rate, and its neighbours.
    multiple = stage.whole(3, 24)
    whine = turning(stage, np.minimum(rate * multiple, 7000), falling(stage, 4, 6, 0.6))
    hum += stage.between(0, 0.7) * steady(whine)
    ripple = 1 + stage.between(0, 0.5) * turning(stage, rate, falling(stage, 3, 6, 0.3))
    blowing = noise(stage, air) * ripple * np.exp(0.06 * stage.wander(0.3))
    share = stage.between(*air_share)
    return ((1 - share) * hum + share * blowing) * speed**1.5


def _hair_dryer(stage: Stage) -> Wave:
    centre = stage.around(500, 3500)
    air = [(60, -30), (centre / 4, -8), (centre, 0), (8000, stage.between(-18, -2))]
    return _motor(stage, rate_hz=(90, 320), drift=0.006, fall_db=(4, 12), air=air, air_share=(0.55, 0.95),
                  spin_seconds=0.3)  # fmt: skip


def _vacuum(stage: Stage) -> Wave:
    centre = stage.around(400, 3500)
    air = [(40, -20), (centre / 3, -6), (centre, 0), (8000, stage.between(-22, -4))]
    return _motor(stage, rate_hz=(110, 420), drift=0.012, fall_db=(5, 12), air=air, air_share=(0.35, 0.85),
                  spin_seconds=0.5, load=stage.between(0, 0.15))  # fmt: skip


def _shaver(stage: Stage) -> Wave:
    """A rattling buzz: strong harmonics of a low rate, and cutting when it touches."""
    air: Points = ((100, -30), (stage.around(1500, 5000), 0), (8000, -6))
    buzz = _motor(stage, rate_hz=(55, 180), drift=0.008, fall_db=(0, 5), air=air, air_share=(0.05, 0.4),
                  spin_seconds=0.08, load=stage.between(0, 0.1))  # fmt: skip
    case = stage.around(400, 2500)
    buzz = shaped(
        buzz, [(60, -18), (case / 2, -6), (case, 5), (2.5 * case, -2), (8000, -10)], stage.sample_rate
    )
    touching = np.clip(stage.wander(0.4), 0, 1)
    return steady(buzz) * (1 - 0.3 * touching) + stage.between(0, 0.3) * touching * band_noise(
        stage, 4000, 0.6
    )


def _drill(stage: Stage) -> Wave:
    """Pulls of the trigger; each spins up, bites and spins down."""
    out = np.zeros(stage.samples)
    top = stage.around(120, 700)
    at = stage.between(0, 0.3)
    gains = falling(stage, 40, stage.between(2, 8), 0.7)
    hammer = stage.chance(0.35)
    while at < stage.seconds - 0.3:
        pull = stage.lasting(stage.around(0.6, 4))
        up, down = stage.between(0.05, 0.2), stage.between(0.8, 0.95)
        speed = pull.curve([(0, 0.05), (up, 1), (down, stage.between(0.7, 1)), (1, 0.05)])
        bite = np.clip(pull.wander(0.4), 0, 1)
        rate = top * speed * (1 - 0.2 * bite) * (1 + 0.01 * pull.wander(0.1))
        sound = steady(turning(pull, rate, gains))
        grind = band_noise(pull, stage.around(1500, 4500), 0.8) * (0.1 + bite)
        knocks = np.ones(pull.samples)
        if hammer:
            knocks = 0.3 + 2 * np.exp(-6 * (pull.phase(rate / top * stage.around(18, 45)) % 1))
        lay(out, at * stage.sample_rate, (sound + stage.around(0.1, 2.5) * grind) * knocks * np.sqrt(speed))
        at += pull.seconds + stage.around(0.15, 1.2)
    return out


def _fan(stage: Stage) -> Wave:
    rate_hz = stage.around(8, 30)
    blades = stage.whole(3, 7)
    beat = turning(
        stage,
        rate_hz * blades * (1 + 0.004 * stage.wander(1.0)),
        falling(stage, 30, stage.between(6, 12), 0.5),
    )
    dark = stage.around(80, 900)
    blowing = noise(stage, [(30, -14), (dark, 0), (8000, stage.between(-40, -16))])
    flutter = 1 + stage.between(0.02, 0.4) * turning(
        stage, np.full(stage.samples, rate_hz), falling(stage, 4, 6, 0.4)
    )
    hum = turning(stage, np.full(stage.samples, stage.one_of((100.0, 120.0))), falling(stage, 8, 8, 0.6))
    sound = blowing * flutter + stage.between(0.05, 0.6) * steady(beat) + stage.between(0, 0.25) * steady(hum)
    if stage.chance(0.25):
        loose = METAL.body(stage, stage.around(0.5, 1.5)).struck(stage, 1, 0.06)[0]
        times = regular_times(stage, rate_hz / 2, 0.02)
        rattle = scatter(stage.samples, times * stage.sample_rate, np.tile(loose, (len(times), 1)))
        sound += stage.between(0.05, 0.3) * steady(rattle)
    return sound


def _washing(stage: Stage) -> Wave:
    """A drum turns, water slaps, the motor hums."""
    rate_hz = stage.around(0.6, 2.0)
    drum = turning(stage, np.full(stage.samples, rate_hz), falling(stage, 6, 6, 0.5))
    slosh = np.exp(stage.between(0.1, 0.7) * drum / np.std(drum))
    water = noise(stage, [(60, -18), (stage.around(200, 900), 0), (8000, -28)]) * slosh
    motor_hz = stage.around(60, 300) * (1 + 0.02 * stage.wander(0.5))
    motor = steady(turning(stage, motor_hz, falling(stage, 40, stage.between(4, 9), 0.7)))
    rumble = noise(stage, [(25, 0), (80, 0), (600, -24), (8000, -60)])
    return stage.between(0.2, 1) * water + stage.between(0.2, 1) * motor + stage.between(0.2, 1) * rumble


SOUNDS = (
    Sound("hair dryer", _hair_dryer, ("a hair dryer running", "someone drying hair",
          "a hair dryer blowing", "blow drying hair", "a hairdryer is switched on")),
    Sound("electric shaver", _shaver, ("an electric shaver buzzing",
          "someone shaving with an electric razor", "an electric razor", "a shaver running",
          "buzz of hair clippers"), "near"),
    Sound("vacuum cleaner", _vacuum, ("a vacuum cleaner running", "someone vacuuming the floor",
          "vacuuming", "a hoover cleaning a carpet", "the hum of a vacuum cleaner")),
    Sound("power drill", _drill, ("a power drill", "someone drilling into a wall",
          "an electric drill whirring", "drilling", "a drill bores a hole")),
    Sound("fan", _fan, ("a fan running", "an electric fan humming", "a fan blowing air",
          "ventilator noise", "the hum of a fan")),
    Sound("washing machine", _washing, ("a washing machine running",
          "laundry turning in a washing machine", "the drum of a washing machine", "a washer rumbling")),
)  # fmt: skip
