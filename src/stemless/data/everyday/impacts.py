"""Things that are struck, dropped or broken: each rings with the modes of its material (`events`)."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import (
    CERAMIC,
    GLASS,
    METAL,
    PLASTIC,
    THIN_METAL,
    WOOD,
    Material,
    bounces,
    decay,
    lay,
    random_times,
    regular_times,
    scatter,
)
from stemless.data.everyday.spectra import noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave


def thud(stage: Stage, seconds: float, dark_hz: float, steepness_db: float = 30.0) -> Wave:
    """A dull blow: a burst of noise that dies away, falling by so much within two octaves above dark_hz."""
    blow = stage.lasting(seconds)
    burst = blow.noise() * decay(blow.samples, seconds, stage.sample_rate)
    points = [
        (20, -10),
        (0.5 * dark_hz, 0),
        (dark_hz, -3),
        (4 * dark_hz, -steepness_db),
        (20000, -steepness_db - 30),
    ]
    return steady(shaped(burst, points, stage.sample_rate))


def _episodes(stage: Stage, low_seconds: float, high_seconds: float) -> list[tuple[float, float]]:
    """Stretches of activity with rests between them: (start, length) in seconds, at least one."""
    found: list[tuple[float, float]] = []
    at = stage.between(0, 0.15 * stage.seconds)
    while at < stage.seconds - 0.3 or not found:
        length = stage.around(low_seconds, high_seconds)
        found.append((at, length))
        at += length + stage.around(0.15, 1.5)
    return found


def _glass_breaking(stage: Stage) -> Wave:
    """A blow, the crack, then shards that fall and ring, each smaller than the last."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    pieces = [GLASS.body(stage, stage.around(0.3, 1.2)).struck(stage, 6, 0.3) for _ in range(10)]
    bank = np.concatenate(pieces)
    bank *= decay(bank.shape[1], stage.around(0.15, 0.8), rate)
    bank /= np.abs(bank).max(1, keepdims=True)
    for start in np.append(random_times(stage, 0.2) + 1.0, stage.between(0.05, 0.8)):
        size = stage.around(0.5, 1.8)
        part = np.zeros(stage.samples)
        blow = GLASS.body(stage, size).struck(stage, 1, 0.5)[0]
        lay(part, start * rate, blow / max(np.abs(blow).max(), 1e-9) * stage.between(0.3, 1))
        crash = stage.lasting(stage.between(0.1, 0.5))
        burst = crash.noise() * decay(crash.samples, crash.seconds, rate)
        burst = shaped(burst, [(200, -20), (stage.around(1500, 4000), 0), (8000, stage.between(-6, 4))], rate)
        lay(part, start * rate, burst * stage.around(0.1, 1))
        shards = stage.whole(40, 400)
        last = stage.between(0.4, 2.2)
        times = (
            start + stage.between(0, 0.05) + last * stage.generator.random(shards) ** stage.between(1.5, 4)
        )
        kinds = stage.generator.integers(len(bank), size=shards)
        gains = 0.4 * stage.spread(shards, 0.8) * np.exp(-(times - start) / last)
        part += scatter(stage.samples, times * rate, bank[kinds] * gains[:, None])
        out += part * stage.around(0.4, 1)
    return out


def _jingle(stage: Stage, material: Material, size: float, pieces: int, rate_hz: float, ring: float) -> Wave:
    """Small hard things that knock against each other while they are shaken."""
    bodies = [material.body(stage, size * stage.around(0.8, 1.25), 2e-5) for _ in range(pieces)]
    bank = np.concatenate([body.struck(stage, 6, ring) for body in bodies])
    # Held in a hand, nothing rings for long.
    bank *= decay(bank.shape[1], stage.around(0.02, 1.0), stage.sample_rate)
    bank /= np.sqrt(np.mean(bank**2, 1, keepdims=True)) + 1e-9
    out = np.zeros(stage.samples)
    for start, length in _episodes(stage, 0.4, 4.0):
        episode = stage.lasting(length)
        shake = (
            np.maximum(0.3 + stage.between(0.2, 0.8) * episode.wander(stage.between(0.06, 0.25)), 0) + 0.02
        )
        count = max(2, int(rate_hz * length))
        total = np.cumsum(shake)
        drawn = np.searchsorted(total, stage.generator.uniform(0, total[-1], count))
        at = drawn.astype(np.float64) + start * stage.sample_rate
        gains = stage.spread(count, 0.7)
        out += scatter(
            stage.samples, at, bank[stage.generator.integers(len(bank), size=count)] * gains[:, None]
        )
    return out


def _coins(stage: Stage) -> Wave:
    if stage.chance(0.5):
        return _jingle(
            stage, THIN_METAL, stage.around(0.6, 1.1), stage.whole(4, 12), stage.around(8, 60), 0.3
        )
    # Dropped on a table: each bounces, faster and faster.
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    for start in np.append(random_times(stage, stage.around(0.3, 2)), stage.between(0, 0.5)):
        body = THIN_METAL.body(stage, stage.around(0.6, 1.1), 2e-5)
        after, gains = bounces(stage, stage.between(0.12, 0.4), stage.between(0.6, 0.88), 0.006)
        times = start + after
        hits = body.struck(stage, len(times), 0.5, 0.3)
        table = thud(stage, 0.04, stage.around(300, 1500))
        out += scatter(stage.samples, times * rate, hits * gains[:, None])
        out += stage.between(0, 0.3) * scatter(stage.samples, times * rate, table * gains[:, None])
    return out


def _keys(stage: Stage) -> Wave:
    bunch = _jingle(
        stage, THIN_METAL, stage.around(0.55, 1.2), stage.whole(6, 16), stage.around(15, 140), 0.15
    )
    return steady(bunch) + stage.between(0, 0.15) * steady(
        _jingle(stage, PLASTIC, 0.4, 2, stage.around(3, 12), 0.03)
    )


def _dishes(stage: Stage) -> Wave:
    """Plates, cups and cutlery put down, stacked and washed."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    pieces: list[Wave] = []
    for _ in range(stage.whole(4, 10)):
        material = stage.one_of((CERAMIC, CERAMIC, GLASS, THIN_METAL, METAL))
        body = material.body(stage, stage.around(0.7, 1.6), stage.around(3e-5, 2e-4))
        hits = body.struck(stage, 6, 0.5)
        # Put down on something, or held: not left to ring.
        hits *= decay(hits.shape[1], stage.around(0.08, 0.6), rate)
        pieces.append(hits / np.sqrt(np.mean(hits**2)))
    times = random_times(stage, stage.around(2, 10))
    if len(times) < 3:
        times = np.sort(stage.generator.uniform(0, stage.seconds, 4))
    for at in times:
        piece = stage.one_of(pieces)
        # One piece on another chatters a few times.
        knocks = at + np.cumsum(stage.generator.exponential(stage.around(0.02, 0.09), stage.whole(1, 5)))
        gains = stage.spread(len(knocks), 0.6) * stage.around(0.3, 1)
        picked = piece[stage.generator.integers(len(piece), size=len(knocks))]
        out += scatter(stage.samples, knocks * rate, picked * gains[:, None])
    if stage.chance(0.3):
        out = steady(out) + stage.between(0.05, 0.3) * noise(stage, [(100, -24), (1500, 0), (8000, -14)])
    return out


def _metal(stage: Stage) -> Wave:
    return _struck(stage, METAL, stage.around(0.4, 2.5), stage.around(0.6, 4), 1.5)


def _wood(stage: Stage) -> Wave:
    return _struck(stage, WOOD, stage.around(0.3, 1.5), stage.around(0.8, 5), 0.4)


def _struck(stage: Stage, material: Material, size: float, rate_hz: float, ring: float) -> Wave:
    bodies = [material.body(stage, size * stage.around(0.9, 1.1)) for _ in range(stage.whole(1, 2))]
    times = regular_times(stage, rate_hz, stage.between(0.02, 0.4))
    click = thud(stage, 0.02, stage.around(800, 4000))
    out = np.zeros(stage.samples)
    for body in bodies:
        mine = times[stage.generator.random(len(times)) < 1 / len(bodies)]
        mine = mine if len(mine) else times[:1]
        hits = body.struck(stage, len(mine), ring, 0.25)
        hits /= np.abs(hits).max(1, keepdims=True)
        gains = stage.spread(len(mine), 0.3)[:, None]
        out += scatter(stage.samples, mine * stage.sample_rate, hits * gains)
        out += stage.between(0, 0.2) * scatter(stage.samples, mine * stage.sample_rate, click * gains)
    return out


def _hammering(stage: Stage) -> Wave:
    rate_hz = stage.around(1.2, 4)
    board = WOOD.body(stage, stage.around(0.8, 3), 3e-4)
    out = np.zeros(stage.samples)
    for start, length in _episodes(stage, 1.5, 5):
        times = start + regular_times(stage.lasting(length), rate_hz, 0.06, 0.0)
        gains = stage.spread(len(times), 0.25)[:, None]
        thuds = board.struck(stage, len(times), 0.3, 0.15)
        blows = scatter(stage.samples, times * stage.sample_rate, thuds / np.abs(thuds).max() * gains)
        head = METAL.body(stage, stage.around(0.4, 0.9)).struck(stage, len(times), 0.2, 0.2)
        head *= decay(head.shape[1], stage.around(0.03, 0.2), stage.sample_rate)
        click = thud(stage, 0.015, 3000)
        blows += stage.between(0.1, 0.8) * scatter(
            stage.samples, times * stage.sample_rate, head / np.abs(head).max() * gains
        )
        out += blows + 0.1 * scatter(stage.samples, times * stage.sample_rate, click * gains)
    return out


def _knocking(stage: Stage) -> Wave:
    door = WOOD.body(stage, stage.around(0.9, 2.8), stage.around(2e-4, 1e-3))
    out = np.zeros(stage.samples)
    rate_hz = stage.around(3, 8)
    at = stage.between(0, 0.8)
    while at < stage.seconds - 0.2:
        knocks = stage.whole(2, 6)
        times = at + np.cumsum(np.maximum(1 + 0.12 * stage.generator.standard_normal(knocks), 0.3)) / rate_hz
        hits = door.struck(stage, knocks, 0.3, 0.15)
        hits /= np.abs(hits).max(1, keepdims=True)
        gains = stage.spread(knocks, 0.25)[:, None]
        out += scatter(stage.samples, times * stage.sample_rate, hits * gains)
        dull = thud(stage, stage.between(0.02, 0.06), stage.around(200, 900))
        out += stage.between(0.05, 0.25) * scatter(stage.samples, times * stage.sample_rate, dull * gains)
        at = times[-1] + stage.around(0.4, 2.5)
    return out


def _slam(stage: Stage) -> Wave:
    """The leaf meets the frame, the frame shakes, the latch clicks; sometimes the handle before it."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    at = stage.between(0.1, 1.2)
    while at < stage.seconds - 0.3:
        part = np.zeros(stage.samples)
        heavy = stage.around(70, 700)
        lay(part, at * rate, thud(stage, stage.between(0.15, 0.6), heavy, stage.between(10, 32)))
        leaf = WOOD.body(stage, stage.around(1.2, 4), 5e-4).struck(stage, 1, 0.5)[0]
        lay(part, at * rate, stage.between(0.3, 1.5) * leaf / np.abs(leaf).max())
        snap = thud(stage, stage.between(0.01, 0.05), stage.around(1000, 4000))
        lay(part, at * rate, stage.between(0.1, 0.9) * snap)
        latch = METAL.body(stage, stage.around(0.4, 1.0)).struck(stage, 3, 0.15)
        latch *= decay(latch.shape[1], 0.08, rate)
        clicks = at + np.array(
            [-stage.between(0.3, 0.8), stage.between(0.01, 0.05), stage.between(0.06, 0.2)]
        )
        gains = stage.generator.random(3)[:, None] * stage.between(0.05, 0.5)
        part += scatter(stage.samples, clicks * rate, latch / np.abs(latch).max() * gains)
        rattle = random_times(stage.lasting(stage.between(0.1, 0.5)), stage.around(5, 60))
        loose = WOOD.body(stage, stage.around(0.3, 1)).struck(stage, len(rattle), 0.1)
        if len(rattle):
            fading = np.exp(-rattle / 0.15)[:, None] * stage.between(0, 0.3)
            part += scatter(stage.samples, (at + rattle) * rate, loose / np.abs(loose).max() * fading)
        out += part * stage.around(0.4, 1)
        at += stage.around(1.0, 5.0)
    return out


SOUNDS = (
    Sound("glass breaking", _glass_breaking, ("glass breaking", "a window shatters", "a bottle smashing",
          "glass shattering on the floor", "a glass is broken")),
    Sound("coins jingling", _coins, ("coins jingling", "coins dropped on a table",
          "someone counting coins", "loose change rattling", "a coin falling and bouncing"), "near"),
    Sound("keys jingling", _keys, ("keys jingling", "someone shaking a bunch of keys",
          "a keychain rattles", "jingling of keys", "a set of keys"), "near"),
    Sound("clattering dishes", _dishes, ("dishes clattering", "plates and cutlery in a kitchen",
          "someone washing the dishes", "cups and plates being stacked", "clatter of crockery")),
    Sound("metal being hit", _metal, ("metal being hit", "someone banging on metal",
          "a metal pipe clanging", "striking a metal bar", "metallic clanks")),
    Sound("wood being hit", _wood, ("wood being hit", "tapping on wood", "a stick hitting a wooden box",
          "knocks on a wooden table", "wooden blocks struck together")),
    Sound("hammering", _hammering, ("someone hammering", "a hammer driving a nail", "hammering on wood",
          "hammer blows", "a carpenter hammers nails")),
    Sound("knocking on a door", _knocking, ("someone knocking on a door", "knocking at the door",
          "a knock on a wooden door", "knocks on the door")),
    Sound("door slamming", _slam, ("a door slamming", "a door slams shut", "someone slams a door",
          "a door being closed hard", "the door bangs")),
)  # fmt: skip
