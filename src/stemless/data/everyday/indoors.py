"""Indoors: typing, mouse clicks, rustling paper, ticking clocks, doors that open."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import (
    METAL,
    PLASTIC,
    THIN_METAL,
    WOOD,
    decay,
    gathered_times,
    lay,
    regular_times,
    scatter,
)
from stemless.data.everyday.impacts import thud
from stemless.data.everyday.spectra import band_noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave


def _clicks(stage: Stage, kinds: int, ring: tuple[float, float], low: float, high: float) -> Wave:
    """A bank of small plastic clicks: a burst, a resonance, a body behind it: [kinds, samples]."""
    length = int(0.06 * stage.sample_rate)
    bank = np.zeros((kinds, length))
    for index in range(kinds):
        click = PLASTIC.body(stage, stage.around(0.25, 0.7), 2e-5).struck(stage, 1, 0.06)[0]
        burst = stage.generator.standard_normal(length) * decay(
            length, stage.around(*ring), stage.sample_rate
        )
        bank[index, : len(click)] += click / np.abs(click).max()
        bank[index] += stage.between(0.2, 1.0) * burst / np.abs(burst).max()
    points = [(80, -20), (stage.around(low, high), 0), (8000, stage.between(-14, 2))]
    flat = shaped(bank.reshape(-1), points, stage.sample_rate).reshape(bank.shape)
    clicks: Wave = flat / np.abs(flat).max(1, keepdims=True)
    return clicks


def _typing(stage: Stage) -> Wave:
    """Keys go down and come up; words, thought, the space bar."""
    down = _clicks(stage, 20, (0.004, 0.03), 800, 4500)
    up = _clicks(stage, 10, (0.003, 0.015), 1500, 5000)
    speed = stage.around(3.5, 11)
    at, presses = stage.between(0, 0.4), []
    while at < stage.seconds:
        for _ in range(stage.whole(2, 9)):
            presses.append(at)
            at += stage.around(0.6, 1.6) / speed
        at += stage.around(0.02, 0.25) if stage.chance(0.8) else stage.around(0.3, 1.2)
    times = np.array(presses)
    count = len(times)
    gains = stage.spread(count, 0.4)[:, None]
    rate = stage.sample_rate
    out = scatter(stage.samples, times * rate, down[stage.generator.integers(20, size=count)] * gains)
    held = times + stage.generator.uniform(0.05, 0.12, count)
    out += stage.between(0.1, 0.6) * scatter(
        stage.samples, held * rate, up[stage.generator.integers(10, size=count)] * gains
    )
    desk = thud(stage, stage.between(0.03, 0.08), stage.around(120, 500))
    return out + stage.between(0, 0.25) * scatter(stage.samples, times * rate, desk * gains)


def _mouse(stage: Stage) -> Wave:
    bank = _clicks(stage, 4, (0.002, 0.008), 1800, 5500)
    at, times, kinds = stage.between(0, 0.5), [], []
    while at < stage.seconds:
        for _ in range(2 if stage.chance(0.3) else 1):
            times += [at, at + stage.around(0.05, 0.14)]
            kinds += [stage.whole(0, 1), stage.whole(2, 3)]
            at += stage.around(0.14, 0.25)
        at += stage.around(0.15, 1.6)
    gains = stage.spread(len(times), 0.25)[:, None]
    out = scatter(stage.samples, np.array(times) * stage.sample_rate, bank[kinds] * gains)
    body = thud(stage, 0.02, stage.around(100, 500))
    out += stage.around(0.02, 0.5) * scatter(stage.samples, np.array(times) * stage.sample_rate, body * gains)
    if stage.chance(0.3):
        # The mouse slides on its pad.
        sliding = np.maximum(stage.wander(0.25), 0)
        out += stage.between(0.005, 0.03) * sliding * band_noise(stage, stage.around(1000, 4000), 0.8)
    return out


def _paper(stage: Stage) -> Wave:
    """Crumpling and leafing: dense bursts of small snaps."""
    out = np.zeros(stage.samples)
    length = int(0.008 * stage.sample_rate)
    at = stage.between(0, 0.4)
    while at < stage.seconds - 0.1:
        move = stage.lasting(stage.around(0.15, 1.8))
        activity = np.exp(move.wander(stage.between(0.03, 0.15))) * move.curve(
            [(0, 0), (0.2, 1), (0.7, 0.8), (1, 0)]
        )
        count = max(3, int(stage.around(60, 900) * move.seconds))
        times = gathered_times(move, activity + 1e-6, count)
        snaps = move.generator.standard_normal((count, length)) * decay(
            length, stage.around(0.001, 0.007), stage.sample_rate
        )
        texture = steady(
            scatter(move.samples, times * stage.sample_rate, snaps * move.spread(count, 1.0)[:, None])
        )
        swish = stage.between(0, 0.5) * band_noise(move, stage.around(2000, 5000), 0.7) * activity
        lay(out, at * stage.sample_rate, (texture + 0.5 * swish) * stage.around(0.3, 1))
        at += move.seconds + stage.around(0.03, 0.9)
    tone = [(100, stage.between(-30, -4)), (stage.around(600, 3500), 0), (8000, stage.between(-16, 3))]
    return shaped(out, tone, stage.sample_rate)


def _clock(stage: Stage) -> Wave:
    """Tick and tock of an escapement, each a click with small wheels ringing behind it."""
    rate_hz = stage.one_of((1.0, 1.0, 2.0, 2.5, 4.0, 5.0)) * stage.around(0.98, 1.02)
    times = regular_times(stage, rate_hz, 0.004)
    limp = stage.between(-0.08, 0.08) / rate_hz
    times = times + limp * (np.arange(len(times)) % 2)
    out = np.zeros(stage.samples)
    case = WOOD if stage.chance(0.4) else PLASTIC
    for parity in range(2):
        mine = times[parity::2]
        wheels = THIN_METAL.body(stage, stage.around(0.6, 1.5), 3e-5).struck(stage, 1, 0.1, 0.2)[0]
        wheels = wheels * decay(len(wheels), stage.around(0.01, 0.1), stage.sample_rate)
        box = case.body(stage, stage.around(0.4, 1.5), 1e-4).struck(stage, 1, 0.1)[0]
        tick = wheels / np.abs(wheels).max() + stage.between(0.1, 1.0) * box / np.abs(box).max()
        echo = np.zeros(len(tick) + int(0.03 * stage.sample_rate))
        lay(echo, 0, tick)
        # The wheel drops before the lever is caught.
        lay(echo, stage.between(0.004, 0.02) * stage.sample_rate, stage.between(0.2, 0.9) * tick)
        gains = stage.spread(len(mine), 0.06)[:, None] * (1 if parity else stage.around(0.5, 1.2))
        out += scatter(stage.samples, mine * stage.sample_rate, echo * gains)
    return out


def _door_opening(stage: Stage) -> Wave:
    """The handle, the latch, and hinges that may creak: stick and slip, slower or faster."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    at = stage.between(0, 0.6)
    while at < stage.seconds - 0.5:
        latch = METAL.body(stage, stage.around(0.5, 1.2)).struck(stage, 4, 0.15)
        latch *= decay(latch.shape[1], stage.around(0.03, 0.1), rate) / np.abs(latch).max()
        times = at + np.sort(stage.generator.uniform(0, 0.35, 4))
        out += stage.between(0.2, 1) * scatter(stage.samples, times * rate, latch)
        lay(out, times[-1] * rate, stage.between(0.1, 0.6) * thud(stage, 0.06, stage.around(150, 800)))
        swing = stage.lasting(stage.around(0.5, 2.5))
        slips = stage.around(25, 250) * np.exp(0.5 * swing.wander(stage.between(0.1, 0.5)))
        turns = swing.phase(slips)
        grain = (np.floor(turns)[1:] > np.floor(turns)[:-1]).nonzero()[0].astype(float)
        hinge = WOOD.body(stage, stage.around(0.15, 0.5), 1e-4)
        ring = hinge.struck(stage, max(len(grain), 1), 0.05, 0.1)[: len(grain)]
        creak = scatter(swing.samples, grain, ring * stage.spread(len(grain), 0.3)[:, None])
        shape = swing.curve([(0, 0), (0.2, 1), (0.8, 0.7), (1, 0)]) * np.maximum(0.4 + swing.wander(0.2), 0)
        lay(out, (times[-1] + 0.05) * rate, stage.one_of((0.0, 0.3, 0.8)) * steady(creak) * shape)
        air = band_noise(swing, stage.around(200, 900), 0.8) * shape
        lay(out, times[-1] * rate, stage.between(0, 0.06) * air)
        at = times[-1] + swing.seconds + stage.around(0.5, 3)
    return out


SOUNDS = (
    Sound("keyboard typing", _typing, ("typing on a keyboard", "someone typing on a computer keyboard",
          "keyboard keys clicking", "fast typing", "a person types"), "near"),
    Sound("mouse click", _mouse, ("mouse clicks", "clicking a computer mouse", "someone clicks a mouse",
          "a mouse button clicking"), "near"),
    Sound("rustling paper", _paper, ("paper rustling", "someone crumples paper",
          "turning the pages of a book", "rustling of paper", "a newspaper being folded"), "near"),
    Sound("clock ticking", _clock, ("a clock ticking", "the tick of a clock", "an old clock ticks",
          "a watch ticking", "ticking"), "near"),
    Sound("door opening", _door_opening, ("a door opening", "a creaky door opens", "someone opens a door",
          "a door handle and a creaking hinge", "opening a door")),
)  # fmt: skip
