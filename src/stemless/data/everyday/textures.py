"""Thin, loose and wet things: paper torn, foil and bags crinkled, cans crushed, grains poured, tape and zips
pulled, wood and rubber that creak and squeak, water that splashes and bubbles."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import (
    METAL,
    PLASTIC,
    THIN_METAL,
    WOOD,
    Body,
    bounces,
    decay,
    gathered_times,
    lay,
    random_times,
    regular_times,
    scatter,
)
from stemless.data.everyday.impacts import thud
from stemless.data.everyday.materials import CARDBOARD, STONE, excited, grains
from stemless.data.everyday.spectra import band_noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave
from stemless.data.everyday.water import bubble_bank, rung


def moves(stage: Stage, low_seconds: float, high_seconds: float) -> list[tuple[float, Stage]]:
    """Single movements of the hand with rests between them: when each begins, and a stage of its length."""
    found: list[tuple[float, Stage]] = []
    at = stage.between(0, 0.4)
    while at < stage.seconds - 0.05 or not found:
        move = stage.lasting(stage.around(low_seconds, high_seconds))
        found.append((at, move))
        at += move.seconds + stage.around(0.03, 1.0)
    return found


def turns(phase: Wave) -> Wave:
    """An impulse at each sample where a phase in turns, rising, passes a whole number: [samples].

    >>> turns(np.array([0.4, 0.9, 1.2, 1.7, 2.0])).tolist()
    [0.0, 0.0, 1.0, 0.0, 1.0]
    """
    return np.diff(np.floor(phase), prepend=np.floor(phase[:1]))


def _crinkled(stage: Stage, body: Body | None, snaps_hz: float, ring: float, tone_hz: float) -> Wave:
    """Snaps of a sheet that folds, of very different force, in bursts; what is thin rings with each."""
    out = np.zeros(stage.samples)
    for at, move in moves(stage, 0.12, 2.0):
        activity = np.exp(0.9 * move.wander(stage.between(0.03, 0.15))) * move.curve(
            [(0, 0), (0.2, 1), (0.7, 0.8), (1, 0)]
        )
        train = grains(move, snaps_hz, activity, 0.7)
        if body is None:
            burst = stage.generator.standard_normal(int(ring * stage.sample_rate) + 2)
            burst *= decay(len(burst), ring, stage.sample_rate)
            sound = steady(np.convolve(train, burst)[: move.samples])
        else:
            sound = excited(move, train, body, max(ring, 0.02)) + 0.3 * steady(train)
        lay(out, at * stage.sample_rate, sound * stage.around(0.3, 1))
    points = [(100, stage.between(-36, -10)), (tone_hz, 0), (8000, stage.between(-10, 6))]
    return shaped(out, points, stage.sample_rate)


def _plastic_bag(stage: Stage) -> Wave:
    return _crinkled(stage, None, stage.around(60, 900), stage.around(0.002, 0.012), stage.around(1500, 5000))


def _foil(stage: Stage) -> Wave:
    sheet = THIN_METAL.body(stage, stage.around(0.4, 1.0), 1e-5)
    return _crinkled(
        stage, sheet, stage.around(80, 1200), stage.around(0.005, 0.04), stage.around(3000, 7000)
    )


def _can(stage: Stage) -> Wave:
    """A thin can gives way: pops of its wall, and crinkles."""
    out = np.zeros(stage.samples)
    wall = THIN_METAL.body(stage, stage.around(0.8, 2.2), 4e-5)
    for at, move in moves(stage, 0.15, 1.2):
        weight = move.curve([(0, 0.3), (0.2, 1), (1, 0.1)])
        big = excited(move, grains(move, stage.around(6, 50), weight, 0.9), wall, 0.2)
        small = excited(move, grains(move, stage.around(60, 500), weight, 1.0), wall, 0.03)
        lay(out, at * stage.sample_rate, (big + stage.around(0.1, 0.8) * small) * stage.around(0.4, 1))
    return out


def _tearing(stage: Stage) -> Wave:
    """Fibres that give way one after the other, faster as it goes on."""
    out = np.zeros(stage.samples)
    for at, move in moves(stage, 0.15, 1.4):
        speed = move.curve([(0, 0.1), (stage.between(0.3, 0.9), 1), (1, 0.2)]) * np.exp(
            0.35 * move.wander(0.06)
        )
        train = grains(move, stage.around(400, 3000), speed, 0.5)
        lay(out, at * stage.sample_rate, steady(train * speed) * stage.around(0.4, 1))
    points = [(150, -30), (stage.around(1500, 4500), 0), (8000, stage.between(-10, 2))]
    return shaped(out, points, stage.sample_rate)


def _grains(stage: Stage) -> Wave:
    """Rice, sand, beans: thousands of small blows on whatever they fall into."""
    thing = stage.one_of((STONE, PLASTIC, WOOD)).body(stage, 0.35, 2e-5)
    bowl = stage.one_of((PLASTIC, CARDBOARD, THIN_METAL, WOOD, STONE)).body(stage, stage.around(0.6, 1.8))
    out = np.zeros(stage.samples)
    rate_hz = stage.around(80, 2500)
    for at, move in moves(stage, 0.4, 4.0):
        weight = move.curve([(0, 0), (0.15, 1), (0.8, 0.8), (1, 0)]) * np.exp(0.3 * move.wander(0.3))
        train = grains(move, rate_hz, weight, 0.7)
        sound = excited(move, train, thing, 0.02) + stage.around(0.1, 1.5) * excited(move, train, bowl, 0.1)
        lay(out, at * stage.sample_rate, sound * stage.around(0.5, 1))
    return out


def _ball(stage: Stage) -> Wave:
    """A ball that bounces out, or is kept bouncing; hollow, so that it pings a little."""
    out = np.zeros(stage.samples)
    shell = PLASTIC.body(stage, stage.around(0.4, 3.0), stage.around(5e-5, 4e-4))
    kept = stage.chance(0.4)
    floor = thud(stage, stage.around(0.03, 0.15), stage.around(80, 1200))
    at = stage.between(0, 0.5)
    while at < stage.seconds:
        if kept:
            times = at + regular_times(stage, stage.around(1.2, 3.5), 0.05, 0.0)
            gains = stage.spread(len(times), 0.15)
        else:
            times, gains = bounces(stage, stage.between(0.3, 0.8), stage.between(0.6, 0.85), 0.02)
            times = at + times
        hits = shell.struck(stage, len(times), 0.2, 0.2)
        hits = hits / np.abs(hits).max(1, keepdims=True)
        out += scatter(stage.samples, times * stage.sample_rate, hits * gains[:, None])
        out += stage.around(0.2, 1.5) * scatter(
            stage.samples, times * stage.sample_rate, floor * gains[:, None]
        )
        at = float(times[-1]) + stage.around(0.2, 1.5)
    return out


def _slip(stage: Stage, body: Body, low_hz: float, high_hz: float, harsh: float) -> Wave:
    """Sticks and slips: a saw wave whose pitch wanders with the force, through a body."""
    out = np.zeros(stage.samples)
    for at, move in moves(stage, 0.12, 1.6):
        pitch = stage.around(low_hz, high_hz) * np.exp(0.25 * move.wander(stage.between(0.08, 0.4)))
        pitch = pitch * move.curve([(0, stage.around(0.7, 1.3)), (1, stage.around(0.7, 1.4))])
        slips = turns(move.phase(pitch))
        slips[1:] *= np.exp(harsh * move.generator.standard_normal(move.samples - 1))
        shape = move.curve([(0, 0), (0.2, 1), (0.8, 0.8), (1, 0)])
        lay(
            out,
            at * stage.sample_rate,
            excited(move, slips * shape, body, 0.08) * shape * stage.around(0.4, 1),
        )
    return out


def _wood_creak(stage: Stage) -> Wave:
    return _slip(stage, WOOD.body(stage, stage.around(0.15, 0.8), 1e-4), 15, 200, 0.5)


def _rubber(stage: Stage) -> Wave:
    return _slip(stage, PLASTIC.body(stage, stage.around(0.3, 1.0), 3e-5), 350, 2200, 0.1)


def _hinge(stage: Stage) -> Wave:
    return _slip(stage, METAL.body(stage, stage.around(0.4, 1.5), 3e-5), 90, 1400, 0.25)


def _tape(stage: Stage) -> Wave:
    """Pulled off its roll: a rasp whose pitch is the jerks of the pull."""
    out = np.zeros(stage.samples)
    roll = CARDBOARD.body(stage, stage.around(0.3, 1.0), 3e-5)
    for at, move in moves(stage, 0.25, 2.0):
        jerks = stage.around(60, 500) * np.exp(0.4 * move.wander(stage.between(0.1, 0.5)))
        saw = move.phase(jerks) % 1.0
        rasp = steady(move.noise() * np.exp(-stage.between(2, 6) * saw))
        shape = move.curve([(0, 0), (0.05, 1), (0.95, stage.around(0.6, 1.4)), (1, 0)])
        body = excited(move, rasp * shape, roll, 0.05)
        lay(out, at * stage.sample_rate, (rasp * shape + 0.5 * body) * stage.around(0.5, 1))
    return shaped(
        out, [(100, -20), (stage.around(1500, 5000), 0), (8000, stage.between(-8, 3))], stage.sample_rate
    )


def _zip(stage: Stage) -> Wave:
    """Teeth that the slider passes, faster and faster."""
    out = np.zeros(stage.samples)
    tooth = stage.one_of((THIN_METAL, PLASTIC)).body(stage, stage.around(0.4, 1.0), 2e-5)
    for at, move in moves(stage, 0.2, 1.0):
        pace = stage.around(60, 400) * move.curve([(0, 0.4), (0.7, 1), (1, stage.around(0.6, 1.6))])
        clicks = turns(move.phase(pace))
        clicks *= np.exp(0.3 * move.generator.standard_normal(move.samples))
        cloth = band_noise(move, stage.around(1500, 5000), 0.7) * pace / pace.max()
        sound = excited(move, clicks, tooth, 0.02) + stage.around(0.1, 0.8) * cloth
        lay(out, at * stage.sample_rate, sound * move.curve([(0, 0), (0.1, 0.7), (0.9, 1), (1, 0)]))
    return out


def _scissors(stage: Stage) -> Wave:
    """Two blades that slide along each other and close; paper that gives way between them."""
    out = np.zeros(stage.samples)
    blade = THIN_METAL.body(stage, stage.around(0.6, 1.5), 2e-5)
    paper = stage.chance(0.6)
    for at in regular_times(stage, stage.around(0.8, 4.5), stage.between(0.05, 0.3)):
        cut = stage.lasting(stage.between(0.06, 0.35))
        shape = cut.curve([(0, 0), (0.7, 1), (1, 0.3)])
        slide = excited(cut, grains(cut, stage.around(500, 3000), shape, 0.6) * shape, blade, 0.05)
        lay(out, at * stage.sample_rate, slide * stage.around(0.3, 1))
        if paper:
            lay(out, at * stage.sample_rate, stage.around(0.1, 0.8) * steady(grains(cut, 900, shape, 0.9)))
        snap = blade.struck(stage, 1, 0.1, 0.5, 1.0)[0]
        lay(out, (at + cut.seconds) * stage.sample_rate, stage.around(1, 8) * snap / np.abs(snap).max())
    return out


def _bubbles(stage: Stage, rate_hz: float, low_hz: float, high_hz: float, weight: Wave) -> Wave:
    """So many bubbles a second, where the weight is."""
    times = gathered_times(stage, weight + 1e-6, max(3, int(rate_hz * stage.seconds)))
    return rung(stage, times, bubble_bank(stage, low_hz, high_hz, stage.between(0, 0.5)), 0.8)


def _splashing(stage: Stage) -> Wave:
    """Something strikes the water: a burst of spray, then bubbles and drops that fall back."""
    out = np.zeros(stage.samples)
    for start in np.append(random_times(stage, stage.around(0.3, 2.5)), stage.between(0, 0.8)):
        after = stage.lasting(stage.around(0.4, 2.0))
        burst = after.curve([(0, 0), (0.03, 1), (stage.between(0.15, 0.5), 0.25), (1, 0)])
        spray = band_noise(after, stage.around(700, 3500), 0.9) * burst
        drops = steady(_bubbles(after, stage.around(40, 300), 400, 5000, np.sqrt(burst)))
        blow = thud(stage, stage.around(0.05, 0.2), stage.around(100, 700))
        lay(
            out,
            start * stage.sample_rate,
            (spray + stage.around(0.1, 0.8) * drops * burst) * stage.around(0.3, 1),
        )
        lay(out, start * stage.sample_rate, stage.between(0, 1.5) * blow)
    return out


def _bubbling(stage: Stage) -> Wave:
    """Air blown into water, or water that gurgles out of a bottle."""
    pulse = np.exp(stage.between(0.3, 1.2) * stage.wander(stage.between(0.05, 0.3)))
    high = stage.around(500, 3000)
    return _bubbles(stage, stage.around(10, 150), stage.around(80, 250), high, pulse)


SOUNDS = (
    Sound(
        "plastic bag crinkling",
        _plastic_bag,
        (
            "a plastic bag crinkling",
            "rustling of a plastic wrapper",
            "someone crumples a crisp packet",
            "cellophane being handled",
            "crackling plastic wrap",
        ),
        "near",
    ),
    Sound(
        "foil crinkling",
        _foil,
        (
            "aluminium foil crinkling",
            "tin foil being crumpled",
            "crinkling of foil",
            "wrapping something in foil",
            "rattling a sheet of foil",
        ),
        "near",
    ),
    Sound(
        "can being crushed",
        _can,
        (
            "a can being crushed",
            "crushing a tin",
            "a drink can crumpling",
            "someone squeezes a beer can",
            "denting a can",
        ),
        "near",
    ),
    Sound(
        "paper tearing",
        _tearing,
        (
            "paper tearing",
            "someone rips a sheet of paper",
            "tearing up a letter",
            "cloth being ripped",
            "a page torn out",
        ),
        "near",
    ),
    Sound(
        "grains being poured",
        _grains,
        (
            "grains being poured",
            "pouring rice into a bowl",
            "sand running out",
            "beans falling into a box",
            "sugar being poured",
        ),
        "near",
    ),
    Sound(
        "ball bouncing",
        _ball,
        (
            "a ball bouncing",
            "dribbling a ball",
            "a bouncing rubber ball",
            "a ball dropped on the floor",
            "someone plays with a ball",
        ),
        "room",
    ),
    Sound(
        "wood creaking",
        _wood_creak,
        (
            "wood creaking",
            "a creaking floorboard",
            "an old chair creaks",
            "creaking of planks",
            "a wooden ship creaking",
        ),
        "room",
    ),
    Sound(
        "rubber squeaking",
        _rubber,
        (
            "rubber squeaking",
            "squeaky shoes",
            "a squeaky toy",
            "rubbing rubber on glass",
            "squeaks of a rubber sole",
        ),
        "near",
    ),
    Sound(
        "hinge squeaking",
        _hinge,
        (
            "a hinge squeaking",
            "a rusty gate",
            "squeaking of an old hinge",
            "a gate that needs oil",
            "a squeaky swing",
        ),
        "room",
    ),
    Sound(
        "adhesive tape being pulled",
        _tape,
        (
            "adhesive tape being pulled",
            "packing tape off the roll",
            "sticky tape being unrolled",
            "peeling tape off",
            "taping up a box",
        ),
        "near",
    ),
    Sound(
        "zipper",
        _zip,
        (
            "a zipper",
            "zipping up a jacket",
            "opening a zip",
            "someone closes a bag with a zip",
            "unzipping a tent",
        ),
        "near",
    ),
    Sound(
        "scissors cutting",
        _scissors,
        (
            "scissors cutting",
            "cutting paper with scissors",
            "snipping scissors",
            "a haircut with scissors",
            "shears cutting",
        ),
        "near",
    ),
    Sound(
        "water splashing",
        _splashing,
        (
            "water splashing",
            "a splash",
            "something falls into the water",
            "splashing about in a bath",
            "stones thrown into a pond",
        ),
        "room",
    ),
    Sound(
        "water bubbling",
        _bubbling,
        (
            "water bubbling",
            "blowing bubbles through a straw",
            "gurgling water",
            "air bubbles rising",
            "a bottle being emptied",
        ),
        "near",
    ),
)
