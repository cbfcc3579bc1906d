"""Engines and what they drive: cars, saws, helicopters, trains, aircraft; and horns."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import METAL, decay, lay, regular_times
from stemless.data.everyday.impacts import thud
from stemless.data.everyday.rotation import falling, turning
from stemless.data.everyday.spectra import (
    band_noise,
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


def firing(stage: Stage, rpm: Wave, cylinders: int, roughness: float) -> Wave:
    """Explosions of an engine's cylinders, each with a strength of its own, as an exhaust passes them on.

    Args:
        rpm: [samples] turns of the crank a minute; a cylinder fires every other turn.
        roughness: how much one explosion differs from the last.

    Returns:
        [samples] of unit deviation; its pitch is rpm / 120 * cylinders.
    """
    turns = stage.phase(rpm / 120 * cylinders)
    number = np.floor(turns).astype(int)
    number -= number[0]
    each = (
        stage.spread(cylinders, roughness)[number % cylinders]
        * stage.spread(int(number[-1]) + 1, 0.5 * roughness)[number]
    )
    place = turns - np.floor(turns)
    sharp = stage.around(4, 14)
    pulses = each * (np.exp(-sharp * place) - np.exp(-3 * sharp * place))
    pulses -= pulses.mean()
    pipe = stage.around(60, 250)
    points: list[tuple[float, float]] = [(20, -14), (pipe, 2)]
    for harmonic in (2, 3, 4, 6, 9):
        points.append((pipe * harmonic, stage.between(-8, 2) - 2.2 * harmonic))
    points.append((max(8000.0, 12 * pipe), stage.between(-55, -30)))
    burning = stage.noise() * each * np.exp(-2 * place)
    rough = shaped(burning, [(50, -10), (stage.around(200, 700), 0), (8000, -26)], stage.sample_rate)
    return steady(shaped(pulses, points, stage.sample_rate)) + stage.between(0.1, 0.6) * steady(rough)


def _engine(stage: Stage) -> Wave:
    idle = stage.around(600, 1400)
    rpm = np.full(stage.samples, idle) * (1 + 0.015 * stage.wander(0.3))
    if stage.chance(0.5):
        # Revved, or driven.
        rev = np.clip(stage.wander(stage.between(0.5, 2)), 0, 2)
        rpm = rpm * (1 + stage.between(0.3, 1.6) * rev)
    exhaust = firing(stage, rpm, stage.one_of((1, 2, 4, 4, 6, 8)), stage.between(0.05, 0.4))
    loud: Wave = (rpm / idle) ** stage.between(0.5, 1.2)
    valves = band_noise(stage, stage.around(1500, 4500), 0.7) * (
        1 + np.sin(2 * np.pi * stage.phase(rpm / 60))
    )
    fan = noise(stage, [(60, -10), (400, 0), (8000, -30)])
    sound: Wave = exhaust * loud + stage.between(0.01, 0.15) * valves + stage.between(0.02, 0.3) * fan
    if stage.chance(0.2):
        # Started: the starter motor first.
        crank = stage.between(0.4, 1.2)
        starter = stage.lasting(crank)
        whirr = turning(
            starter,
            starter.around(90, 200) * (1 + 0.1 * np.sin(2 * np.pi * 6 * starter.times)),
            falling(starter, 20, 4, 0.6),
        )
        sound *= np.clip((stage.times - crank) / 0.15, 0, 1)
        lay(sound, 0, stage.around(0.1, 0.5) * steady(whirr + 0.3 * band_noise(starter, 1500, 1.0)))
    return sound


def _chainsaw(stage: Stage) -> Wave:
    cutting = np.clip(0.5 + stage.wander(stage.between(0.4, 1.5)), 0, 1)
    rpm = stage.around(2500, 4500) * (1 + stage.between(0.5, 1.6) * cutting) * (1 + 0.01 * stage.wander(0.15))
    # A two-stroke engine fires each turn: two cylinders' worth here.
    sound = firing(stage, rpm, 2, stage.between(0.02, 0.25))
    sound = shaped(sound, [(60, -12), (400, 0), (2500, 8), (8000, 8)], stage.sample_rate)
    chips = band_noise(stage, stage.around(2000, 5000), 0.7)
    return steady(sound) * (0.5 + cutting) + stage.between(0.05, 0.3) * chips * cutting


def _helicopter(stage: Stage) -> Wave:
    """The slap of the blades, dark air between, a turbine above."""
    rate = stage.around(8, 26) * (1 + 0.01 * stage.wander(1.5))
    turns = stage.phase(rate)
    place = turns - np.floor(turns)
    sharp = stage.around(4, 16)
    slap = np.exp(-sharp * place) * np.clip(place * 40, 0, 1)
    top = stage.around(300, 1500)
    thumps = steady(
        shaped(stage.noise() * slap, [(20, -10), (60, 0), (top, -6), (8000, -40)], stage.sample_rate)
    )
    tone = steady(turning(stage, rate, falling(stage, 30, stage.between(3, 7), 0.4)))
    air = noise(stage, [(40, -12), (300, 0), (8000, -24)]) * (1 + 0.5 * slap)
    turbine = band_noise(stage, stage.around(1500, 5000), 0.03)
    sound = (
        thumps
        + stage.between(0.2, 1) * tone
        + stage.between(0.1, 0.6) * air
        + stage.between(0, 0.08) * turbine
    )
    return sound * _passing(stage)


def _passing(stage: Stage) -> Wave:
    """Loudness of what stays, comes, goes or passes by: [samples]."""
    ends = stage.between(0.15, 1), stage.between(0.15, 1)
    return stage.curve([(0, ends[0]), (stage.between(0.2, 0.8), 1), (1, ends[1])])


def _train(stage: Stage) -> Wave:
    """Wheels over joints of the rails, two a bogie; rolling noise, squeal; at times the horn."""
    speed = stage.around(0.7, 2.2)
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    clank = METAL.body(stage, stage.around(1.5, 6), 3e-4).struck(stage, 4, 0.25)
    clank *= decay(clank.shape[1], stage.around(0.08, 0.25), rate) / np.abs(clank).max()
    axle = stage.between(0.12, 0.22) / speed
    for at in regular_times(stage, speed, 0.02):
        knock = thud(stage, stage.between(0.06, 0.15), stage.around(200, 800))
        for offset in (0.0, axle, stage.between(0.4, 0.5) / speed, stage.between(0.4, 0.5) / speed + axle):
            lay(out, (at + offset) * rate, stage.around(0.5, 1) * 0.25 * knock)
            lay(out, (at + offset) * rate, stage.between(0.05, 0.3) * clank[stage.whole(0, 3)])
    rolling = noise(
        stage, [(25, -8), (stage.around(60, 400), 0), (2000, -14), (8000, stage.between(-40, -20))]
    )
    sound = stage.between(0.3, 1.5) * steady(out) + rolling * np.exp(0.15 * stage.wander(0.5))
    if stage.chance(0.35):
        frequencies = frame_frequencies(rate)
        pitch = stage.around(1500, 5000) * (1 + 0.03 * stage.wander(0.5))
        squeal = moving(stage.noise(), bell(frequencies, frames_of(pitch), 0.02))
        sound += stage.between(0.1, 0.6) * steady(squeal * np.maximum(stage.wander(0.7), 0))
    if stage.chance(0.4):
        sound = steady(sound) + stage.between(0.5, 2) * horn(stage, stage.around(220, 420), stage.whole(2, 5))
    return sound * _passing(stage)


def horn(stage: Stage, lowest_hz: float, voices: int) -> Wave:
    """Blasts of a chord of reeds: [samples]."""
    out = np.zeros(stage.samples)
    ratios = np.array([1, 6 / 5, 4 / 3, 8 / 5, 2.0])[:voices] * stage.spread(voices, 0.01)
    gains = [falling(stage, 24, stage.between(2, 7), 0.5) for _ in ratios]
    at = stage.between(0, 0.4) * stage.seconds
    while at < stage.seconds:
        blast = stage.lasting(stage.around(0.25, 1.8))
        shape = np.clip(blast.times / 0.04, 0, 1) * np.clip((blast.seconds - blast.times) / 0.06, 0, 1)
        bend = 1 - 0.03 * np.exp(-blast.times / 0.05)
        chord = sum(turning(blast, lowest_hz * r * bend, g) for r, g in zip(ratios, gains, strict=True))
        lay(out, at * stage.sample_rate, steady(np.asarray(chord)) * shape)
        at += blast.seconds + stage.around(0.15, 2.5)
    return out


def _car_horn(stage: Stage) -> Wave:
    return (
        horn(stage.lasting(stage.seconds), stage.around(280, 480), stage.whole(1, 2)) + 1e-3 * stage.noise()
    )


def _airplane(stage: Stage) -> Wave:
    """A jet's roar or a propeller, falling in pitch as it passes."""
    doppler = stage.curve([(0, 1.0), (0.35, 0.98), (0.65, stage.between(0.75, 0.95)), (1, 0.74)])
    near = _passing(stage)
    roar = noise(stage, [(25, -10), (stage.around(80, 300), 0), (2000, -10), (8000, -34)])
    cutoff = stage.around(600, 3500) * near**0.7 * doppler
    sound = moving(roar, low_pass(frame_frequencies(stage.sample_rate), frames_of(cutoff), 1.0))
    if stage.chance(0.5):
        propeller = turning(
            stage,
            stage.around(50, 130) * doppler * (1 + 0.004 * stage.wander(0.4)),
            falling(stage, 40, stage.between(3, 8), 0.4),
        )
        sound = steady(sound) * stage.between(0.2, 1) + steady(propeller)
    else:
        whine = turning(stage, stage.around(900, 3500) * doppler, falling(stage, 3, 8, 0.4))
        sound = steady(sound) + stage.between(0, 0.2) * steady(whine)
    return sound * near


SOUNDS = (
    Sound("engine", _engine, ("an engine running", "a car engine idling", "a motor revving",
          "the engine of a truck", "an engine rumbles")),
    Sound("chainsaw", _chainsaw, ("a chainsaw cutting wood", "a chainsaw revving",
          "someone sawing with a chainsaw", "the roar of a chainsaw"), "outdoors"),
    Sound("helicopter", _helicopter, ("a helicopter flying", "a helicopter overhead",
          "helicopter rotor blades", "a chopper passing by", "a helicopter hovers"), "outdoors"),
    Sound("train", _train, ("a train passing", "a train on the tracks", "a railway train rattles by",
          "train wheels clacking", "a train rolling over rails"), "outdoors"),
    Sound("car horn", _car_horn, ("a car horn honking", "a driver honks", "a horn blaring",
          "a car honks its horn", "honking in traffic"), "outdoors"),
    Sound("airplane", _airplane, ("an airplane flying over", "a jet passing overhead", "a propeller plane",
          "an aircraft flies by", "a plane taking off"), "outdoors"),
)  # fmt: skip
