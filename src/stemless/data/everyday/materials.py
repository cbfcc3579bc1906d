"""Things of metal, glass, wood, plastic and stone that are handled: dropped, rattled, rolled, scraped.

One way to make each action, and a material to make it of: what is alike in the words is alike in the sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from stemless.data.everyday.events import (
    CERAMIC,
    GLASS,
    METAL,
    PLASTIC,
    THIN_METAL,
    WOOD,
    Body,
    Material,
    bounces,
    decay,
    gathered_times,
    lay,
    random_times,
    regular_times,
    scatter,
)
from stemless.data.everyday.impacts import thud
from stemless.data.everyday.spectra import band_noise, fast_length, noise, steady
from stemless.data.everyday.stage import Sound, Stage, Wave

STONE = Material((700, 3500), (6, 18), (0.15, 0.7), (0.015, 0.1), 0.6)
CARDBOARD = Material((90, 500), (4, 10), (0.25, 0.9), (0.015, 0.06), 0.9)


@dataclass(frozen=True)
class Stuff:
    """A material under its name in sentences: kinds of it that one comes across, and how large things are."""

    noun: str
    adjective: str
    kinds: Sequence[Material]
    sizes: tuple[float, float]

    def body(self, stage: Stage, smaller: float = 1.0) -> Body:
        """Something of it."""
        size = stage.around(*self.sizes) * smaller
        return stage.one_of(self.kinds).body(stage, size, stage.around(2e-5, 2e-4))


STUFF = {
    each.noun: each
    for each in (
        Stuff("metal", "metal", (METAL, METAL, THIN_METAL), (0.5, 2.5)),
        Stuff("glass", "glass", (GLASS,), (0.6, 1.8)),
        Stuff("ceramic", "ceramic", (CERAMIC,), (0.6, 1.8)),
        Stuff("wood", "wooden", (WOOD,), (0.3, 1.5)),
        Stuff("plastic", "plastic", (PLASTIC,), (0.4, 2.0)),
        Stuff("stone", "stone", (STONE,), (0.6, 2.0)),
        Stuff("cardboard", "cardboard", (CARDBOARD,), (0.6, 2.0)),
    )
}


def excited(stage: Stage, drive: Wave, body: Body, seconds: float = 1.0) -> Wave:
    """A body that rings to whatever drives it, at unit deviation: [samples of the drive]."""
    ring = body.struck(stage, 1, min(seconds, stage.seconds), 0.4, 0.0)[0]
    size = fast_length(len(drive) + len(ring))
    moved = np.fft.irfft(np.fft.rfft(drive, size) * np.fft.rfft(ring, size), size)[: len(drive)]
    return steady(moved)


def grains(stage: Stage, rate_hz: float, weight: Wave, deviation: float) -> Wave:
    """Single impulses of different force, about so many a second, where the weight is: [samples]."""
    count = max(2, int(rate_hz * stage.seconds))
    times = gathered_times(stage, weight + 1e-6, count)
    force = stage.spread(count, deviation) * stage.generator.choice([-1.0, 1.0], count)
    return impulses(stage, times, force)


def impulses(stage: Stage, times: Wave, force: Wave) -> Wave:
    """Impulses of that force at those times in seconds, both [events]: [samples]."""
    at = np.minimum((times * stage.sample_rate).astype(np.int64), stage.samples - 1)
    train: Wave = np.bincount(at, force, stage.samples).astype(np.float64)
    return train


def _struck(stuff: Stuff, stage: Stage) -> Wave:
    """Blows, in time or not, on one thing or on a few; some of them damped by the hand."""
    bodies = [stuff.body(stage) for _ in range(stage.one_of((1, 1, 1, 2, 3)))]
    times = (
        regular_times(stage, stage.around(0.6, 6), stage.between(0.02, 0.5))
        if stage.chance(0.6)
        else random_times(stage, stage.around(0.8, 5))
    )
    if not len(times):
        times = np.array([stage.between(0, 0.5)])
    damped = decay(round(1.2 * stage.sample_rate), stage.around(0.05, 6), stage.sample_rate)
    owner = stage.generator.integers(len(bodies), size=len(times))
    out = np.zeros(stage.samples)
    for number, body in enumerate(bodies):
        mine = times[owner == number]
        if len(mine):
            hits = body.struck(stage, len(mine), 1.2)
            hits = hits / np.abs(hits).max(1, keepdims=True) * damped[: hits.shape[1]]
            out += scatter(
                stage.samples, mine * stage.sample_rate, hits * stage.spread(len(mine), 0.4)[:, None]
            )
    click = thud(stage, stage.around(0.01, 0.05), stage.around(300, 4000))
    dull = scatter(stage.samples, times * stage.sample_rate, np.repeat(click[None], len(times), 0))
    return steady(out) + stage.around(0.02, 0.6) * steady(dull)


def _dropped(stuff: Stuff, stage: Stage) -> Wave:
    """Each falls, bounces faster and faster, and may roll out; the floor answers."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    at = stage.between(0, 0.6)
    while at < stage.seconds - 0.1:
        body = stuff.body(stage)
        gap, keep = stage.between(0.06, 0.45), stage.between(0.35, 0.85)
        after, falling = bounces(stage, gap, keep, 0.008, 0.15)
        times = at + after
        gains = (falling * stage.spread(len(times), 0.2))[:, None]
        hits = body.struck(stage, len(times), 0.8, 0.5)
        hits = hits / np.abs(hits).max(1, keepdims=True)
        floor = thud(stage, stage.around(0.02, 0.12), stage.around(100, 1500))
        out += scatter(stage.samples, times * rate, hits * gains)
        out += stage.between(0.05, 0.6) * scatter(stage.samples, times * rate, floor * gains)
        at = float(times[-1]) + stage.around(0.1, 2.0)
    return out


def _rattling(stuff: Stuff, stage: Stage) -> Wave:
    """Loose parts that knock against each other as often as they are shaken, and never ring for long."""
    bank = np.concatenate(
        [stuff.body(stage, 0.8).struck(stage, 5, 0.4, 0.8) for _ in range(stage.whole(2, 7))]
    )
    bank *= decay(bank.shape[1], stage.around(0.02, 0.35), stage.sample_rate)
    bank /= np.abs(bank).max(1, keepdims=True)
    shaken = np.sin(2 * np.pi * stage.phase(stage.around(2, 14) * np.exp(0.15 * stage.wander(0.5))))
    weight = np.maximum(shaken, 0) ** stage.between(1, 4) * np.exp(
        0.5 * stage.wander(stage.between(0.2, 1.0))
    )
    if stage.chance(0.4):
        weight = weight * (stage.wander(stage.around(0.4, 1.5)) > stage.between(-1.5, 0.2))
    count = max(4, int(stage.around(12, 160) * stage.seconds))
    times = gathered_times(stage, weight + 1e-6 * (1 + stage.noise() ** 2), count)
    hits = bank[stage.generator.integers(len(bank), size=count)] * stage.spread(count, 0.8)[:, None]
    return scatter(stage.samples, times * stage.sample_rate, hits)


def _rolling(stuff: Stuff, stage: Stage) -> Wave:
    """Small bumps of the ground many times a second, stronger once a turn; it slows down, or is rolled on."""
    turns_hz = stage.around(1.5, 9)
    slowing = stage.curve([(0, 1), (1, stage.between(0.15, 1.1))])
    speed = slowing * np.exp(stage.between(0.05, 0.3) * stage.wander(0.6))
    turn = 0.5 + 0.5 * np.cos(2 * np.pi * stage.phase(turns_hz * speed))
    weight = speed * (stage.between(0.05, 0.6) + turn ** stage.between(1, 6))
    drive = grains(stage, stage.around(120, 2500), weight, stage.between(0.2, 0.6)) * np.sqrt(weight)
    thing = excited(stage, drive, stuff.body(stage), 0.5)
    ground = thing
    if stage.chance(0.8):
        ground = excited(
            stage, drive, stage.one_of((WOOD, STONE, PLASTIC)).body(stage, stage.around(0.6, 2)), 0.2
        )
    whole = thing + stage.around(0.1, 1.2) * ground
    rumble = noise(stage, [(30, -6), (stage.around(80, 300), 0), (1500, -30)]) * weight
    return whole + stage.around(0.02, 0.6) * steady(rumble)


def _scraping(stuff: Stuff, stage: Stage) -> Wave:
    """Drawn over something rough, stroke after stroke; now and then it sticks, slips and squeals."""
    out = np.zeros(stage.samples)
    at = stage.between(0, 0.3)
    long = stage.around(0.15, 1.5)
    body = stuff.body(stage)
    centre = stage.around(900, 5000)
    rough = stage.around(80, 2500)
    squeals = stage.chance(0.25)
    while at < stage.seconds - 0.05:
        stroke = stage.lasting(max(long * stage.around(0.6, 1.6), 0.06))
        speed = stroke.curve([(0, 0), (stage.between(0.1, 0.5), 1), (stage.between(0.6, 0.9), 0.7), (1, 0)])
        speed = speed * np.exp(0.4 * stroke.wander(stage.between(0.03, 0.2)))
        drive = grains(stroke, rough, speed, 0.8) * speed
        sound = excited(stroke, drive, body, 0.3)
        hiss = steady(band_noise(stroke, centre, stage.between(0.3, 0.9)) * speed)
        sound = sound + stage.around(0.1, 1.0) * hiss
        if squeals:
            pitch = stage.around(700, 4000) * np.exp(0.05 * stroke.wander(0.1))
            voice = np.sin(2 * np.pi * stroke.phase(pitch))
            sound = sound + stage.between(0.3, 1.5) * speed * (
                voice + 0.4 * np.sin(2 * np.pi * stroke.phase(2 * pitch))
            )
        lay(out, at * stage.sample_rate, sound * stage.around(0.5, 1))
        at += stroke.seconds * stage.between(0.8, 1.1) + (
            0.0 if stage.chance(0.5) else stage.around(0.05, 0.8)
        )
    return out


def _shaken(stuff: Stuff, stage: Stage) -> Wave:
    """Many small things in a box, a jar or a tin: the box rings as much as they do."""
    pieces = np.concatenate([stuff.body(stage, 0.35).struck(stage, 6, 0.15, 0.6) for _ in range(3)])
    pieces *= decay(pieces.shape[1], stage.around(0.01, 0.12), stage.sample_rate)
    pieces /= np.abs(pieces).max(1, keepdims=True)
    strokes = np.abs(np.sin(np.pi * stage.phase(stage.around(2, 9) * np.exp(0.1 * stage.wander(0.7)))))
    weight = strokes ** stage.between(2, 8) * np.exp(0.4 * stage.wander(stage.around(0.3, 1.0)))
    count = max(6, int(stage.around(60, 700) * stage.seconds))
    times = gathered_times(stage, weight + 1e-4, count)
    force = stage.spread(count, 0.7)
    picked = pieces[stage.generator.integers(len(pieces), size=count)]
    out = steady(scatter(stage.samples, times * stage.sample_rate, picked * force[:, None]))
    box = stage.one_of((PLASTIC, CARDBOARD, GLASS, THIN_METAL, WOOD)).body(stage, stage.around(0.6, 1.8))
    return out + stage.around(0.2, 2.0) * excited(stage, impulses(stage, times, force), box, 0.2)


@dataclass(frozen=True)
class Action:
    """What is done with a thing: how it sounds, how it is said, and of which materials it is made here."""

    render: Callable[[Stuff, Stage], Wave]
    label: str
    captions: tuple[str, ...]
    of: tuple[str, ...]

    def sounds(self) -> list[Sound]:
        """One kind of sound a material."""
        made = []
        for noun in self.of:
            stuff = STUFF[noun]
            words = {"noun": stuff.noun, "adjective": stuff.adjective}
            captions = tuple(caption.format(**words) for caption in self.captions)
            made.append(Sound(self.label.format(**words), partial(self.render, stuff), captions, "near"))
        return made


ACTIONS = (
    Action(
        _struck,
        "{noun} being hit",
        (
            "{noun} being hit",
            "a {adjective} object struck",
            "knocking on {noun}",
            "someone taps a {adjective} thing",
            "hitting something made of {noun}",
        ),
        ("glass", "ceramic", "plastic", "stone", "cardboard"),
    ),
    Action(
        _dropped,
        "{adjective} object dropped",
        (
            "a {adjective} object dropped",
            "something of {noun} falls on the floor",
            "{noun} bouncing on the ground",
            "a {adjective} thing falling down",
            "dropping {noun}",
        ),
        ("metal", "glass", "wood", "plastic", "stone"),
    ),
    Action(
        _rattling,
        "{noun} rattling",
        (
            "{noun} rattling",
            "loose {adjective} parts rattle",
            "rattle of {noun}",
            "{adjective} pieces knocking together",
            "shaking loose {noun}",
        ),
        ("metal", "glass", "wood", "plastic"),
    ),
    Action(
        _rolling,
        "{noun} rolling",
        (
            "{noun} rolling",
            "a {adjective} object rolls over the floor",
            "something round of {noun} rolling on a table",
            "a {adjective} ball rolling",
            "rolling {noun} on the ground",
        ),
        ("metal", "glass", "wood", "plastic"),
    ),
    Action(
        _scraping,
        "{noun} scraping",
        (
            "{noun} scraping",
            "scratching on {noun}",
            "a {adjective} object is dragged",
            "{noun} grinding on a hard floor",
            "scraping of {noun}",
        ),
        ("metal", "glass", "wood", "plastic", "stone", "cardboard"),
    ),
    Action(
        _shaken,
        "small {adjective} things shaken in a box",
        (
            "small {adjective} things shaken in a box",
            "a box of {adjective} pieces being shaken",
            "shaking a tin with bits of {noun}",
            "little {adjective} parts in a container",
            "{adjective} beads in a jar",
        ),
        ("metal", "plastic", "wood", "glass"),
    ),
)

SOUNDS = tuple(sound for action in ACTIONS for sound in action.sounds())
