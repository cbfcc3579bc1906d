"""Animals with a throat: dogs, cats, cows, sheep, crows, roosters, pigs, hens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stemless.data.everyday.events import lay
from stemless.data.everyday.stage import Points, Sound, Stage, Wave
from stemless.data.everyday.voice import VOWELS, Throat, call, some_throat, vowel


def _dog(stage: Stage) -> Wave:
    """Barks: a rush of pitch up and down while the jaw opens and shuts; large dogs low, small ones yap."""
    out = np.zeros(stage.samples)
    size = stage.between(0, 1)
    middle = 150 * (6.0 ** (1 - size)) * stage.around(0.8, 1.25)
    large = 0.75 * 2.1 ** (1 - size)
    throat = some_throat(
        stage, tract=(0.9 * large, 1.1 * large), breath_db=(-26, -10), rough=(0.1, 1.0), width=(0.9, 2.0)
    )
    at = stage.between(0, 0.4)
    while at < stage.seconds - 0.1:
        for _ in range(stage.whole(1, 4)):
            bark = stage.lasting(stage.around(0.09, 0.28) * (0.7 + 0.5 * size))
            pitch = middle * stage.around(0.85, 1.2)
            peak = stage.between(0.2, 0.5)
            shape = vowel(stage, ("a", "uh", "ae", "o"))
            sound = call(
                bark, replace(throat, rough=throat.rough * stage.between(0.6, 1.3)),
                ((0, 0.6 * pitch), (peak, pitch), (1, stage.between(0.45, 0.8) * pitch)),
                ((0, -30), (0.12, -4), (peak, 0), (0.7, -8), (1, -45)),
                [(0, VOWELS["u"]), (peak, shape), (1, VOWELS["o"])],
                breath_db=((0, -24), (0.2, stage.between(-20, -4)), (1, -40)),
            )  # fmt: skip
            lay(out, at * stage.sample_rate, stage.around(0.6, 1) * sound)
            at += bark.seconds + stage.around(0.06, 0.3)
        at += stage.around(0.15, 1.8)
        if stage.chance(0.15):
            growl = stage.lasting(stage.between(0.4, 1.2))
            low = Throat(throat.tract, 0.6, -12, 1.2, 1.5)
            level: Points = ((0, -40), (0.3, 0), (0.8, -3), (1, -40))
            sound = call(growl, low, ((0, 50), (0.5, 80), (1, 55)), level, [(0, VOWELS["er"])])
            lay(out, at * stage.sample_rate, stage.between(0.1, 0.5) * sound)
            at += growl.seconds
    return out


def _cat(stage: Stage) -> Wave:
    """Me-ow: the mouth opens and closes, the pitch makes an arch."""
    out = np.zeros(stage.samples)
    throat = some_throat(
        stage, tract=(1.15, 1.75), rd=(0.4, 1.2), rough=(0.0, 0.35), width=(0.7, 1.5), bright_db=(3, 18)
    )
    middle = stage.around(350, 850)
    at = stage.between(0, 0.6)
    while at < stage.seconds - 0.25:
        meow = stage.lasting(stage.around(0.35, 1.5))
        pitch = middle * stage.around(0.8, 1.25)
        top = stage.between(0.2, 0.6)
        curve = meow.curve([(0, stage.between(0.65, 0.95)), (top, 1.0), (1, stage.between(0.6, 0.9))]) * pitch
        curve *= 1 + stage.between(0, 0.02) * np.sin(2 * np.pi * stage.between(6, 14) * meow.times)
        sound = call(
            meow, throat, curve, ((0, -34), (0.15, -8), (top, 0), (0.75, -6), (1, -46)),
            [(0, VOWELS["m"]), (0.15, VOWELS["i"]), (top, vowel(stage, ("a", "ae"))), (0.8, VOWELS["o"]),
             (1, VOWELS["u"])],
        )  # fmt: skip
        lay(out, at * stage.sample_rate, stage.around(0.6, 1) * sound)
        at += meow.seconds + stage.around(0.2, 2.2)
    return out


def _cow(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    throat = some_throat(stage, tract=(0.55, 0.85), rough=(0.05, 0.6), width=(1.0, 1.8), bright_db=(4, 18))
    middle = stage.around(75, 190)
    at = stage.between(0, 0.8)
    while at < stage.seconds - 0.5:
        moo = stage.lasting(stage.around(0.9, 2.6))
        pitch = middle * stage.around(0.85, 1.2)
        level: Points = ((0, -34), (0.15, -10), (0.35, 0), (0.85, -3), (1, -40))
        sound = call(
            moo, throat,
            ((0, 0.7 * pitch), (0.3, pitch), (0.7, 1.05 * pitch), (1, stage.between(0.6, 1.3) * pitch)),
            level,
            [(0, VOWELS["m"]), (0.3, VOWELS["u"]), (0.6, vowel(stage, ("o", "uh"))),
             (1, vowel(stage, ("a", "uh")))],
        )  # fmt: skip
        lay(out, at * stage.sample_rate, sound)
        at += moo.seconds + stage.around(0.4, 2.5)
    return out


def _sheep(stage: Stage) -> Wave:
    """Baa: the voice trembles some eight times a second."""
    out = np.zeros(stage.samples)
    at = stage.between(0, 0.5)
    flock = [
        (
            some_throat(stage, tract=(1.0, 1.6), breath_db=(-30, -18), rough=(0.1, 0.7), bright_db=(-4, 8)),
            stage.around(160, 420),
        )
        for _ in range(stage.whole(1, 3))
    ]  # fmt: skip
    while at < stage.seconds - 0.3:
        throat, middle = stage.one_of(flock)
        baa = stage.lasting(stage.around(0.5, 1.4))
        tremble = np.sin(2 * np.pi * baa.phase(np.full(baa.samples, stage.between(6, 13))))
        pitch = middle * stage.around(0.9, 1.15) * baa.curve([(0, 0.9), (0.3, 1), (1, 0.85)])
        shape = vowel(stage, ("ae", "e", "a"))
        sound = call(
            baa, throat, pitch * (1 + stage.between(0.01, 0.06) * tremble),
            ((0, -34), (0.12, 0), (0.8, -3), (1, -40)), [(0, VOWELS["m"]), (0.12, shape), (1, shape)],
        )  # fmt: skip
        lay(
            out,
            at * stage.sample_rate,
            sound * (1 + stage.between(0.1, 0.7) * tremble) * stage.around(0.5, 1),
        )
        at += baa.seconds + stage.around(0.08, 1.0)
    return out


def _crow(stage: Stage) -> Wave:
    """Caw: hoarse, with a body of resonance about 1.5 kHz."""
    out = np.zeros(stage.samples)
    throat = some_throat(
        stage, tract=(1.2, 1.9), rd=(0.35, 0.7), breath_db=(-18, -6), rough=(0.5, 1.2), width=(1.2, 2.5),
        bright_db=(0, 14),
    )  # fmt: skip
    middle = stage.around(280, 620)
    at = stage.between(0, 0.5)
    while at < stage.seconds - 0.2:
        for _ in range(stage.whole(1, 4)):
            caw = stage.lasting(stage.around(0.2, 0.55))
            pitch = middle * stage.around(0.9, 1.1)
            sound = call(
                caw, throat, ((0, 0.85 * pitch), (0.3, pitch), (1, 0.8 * pitch)),
                ((0, -30), (0.15, 0), (0.75, -2), (1, -40)),
                [(0, vowel(stage, ("a", "ae"))), (1, VOWELS["o"])],
            )  # fmt: skip
            lay(out, at * stage.sample_rate, stage.around(0.6, 1) * sound)
            at += caw.seconds + stage.around(0.1, 0.4)
        at += stage.around(0.4, 2)
    return out


def _rooster(stage: Stage) -> Wave:
    """Cock-a-doodle-doo: two short, one leap, one long that falls."""
    out = np.zeros(stage.samples)
    throat = some_throat(stage, tract=(1.2, 1.9), rd=(0.35, 0.7), rough=(0.05, 0.7), bright_db=(0, 14))
    middle = stage.around(420, 800)
    at = stage.between(0, 0.6)
    while at < stage.seconds - 0.8:
        pace = stage.around(0.8, 1.25)
        for seconds, first, last in ((0.22, 0.7, 0.9), (0.18, 0.95, 1.0), (0.5, 1.1, 1.2), (0.9, 1.15, 0.7)):
            note = stage.lasting(seconds * pace * stage.around(0.85, 1.15))
            sound = call(
                note, throat, ((0, first * middle), (0.4, max(first, last) * middle), (1, last * middle)),
                ((0, -30), (0.2, 0), (0.7, -4), (1, -40)),
                [(0, VOWELS["o"]), (0.4, vowel(stage, ("a", "ae"))), (1, VOWELS["u"])],
            )  # fmt: skip
            lay(out, at * stage.sample_rate, sound * stage.around(0.8, 1))
            at += note.seconds + 0.03 * pace
        at += stage.around(0.8, 4)
    return out


def _pig(stage: Stage) -> Wave:
    """Grunts, rough and low; squeals now and then."""
    out = np.zeros(stage.samples)
    throat = some_throat(
        stage, tract=(0.75, 1.1), rd=(0.4, 1.0), breath_db=(-14, -2), rough=(0.8, 1.5), width=(1.2, 2.5),
        bright_db=(0, 16),
    )  # fmt: skip
    at = stage.between(0, 0.3)
    while at < stage.seconds - 0.1:
        squeal = stage.chance(0.12)
        grunt = stage.lasting(stage.around(0.3, 1.0) if squeal else stage.around(0.09, 0.4))
        pitch = stage.around(500, 1200) if squeal else stage.around(45, 130)
        sound = call(
            grunt, replace(throat, rough=0.4, tract=1.3) if squeal else throat,
            ((0, 0.8 * pitch), (0.4, pitch), (1, 0.75 * pitch)), ((0, -30), (0.25, 0), (0.7, -5), (1, -40)),
            [(0, vowel(stage, ("o", "uh", "er"))), (1, vowel(stage, ("uh", "er", "u")))],
        )  # fmt: skip
        lay(out, at * stage.sample_rate, stage.around(0.4, 1) * sound)
        at += grunt.seconds + stage.around(0.05, 0.7)
    return out


def _hen(stage: Stage) -> Wave:
    """Cluck, cluck, cluck, and at last a long one."""
    out = np.zeros(stage.samples)
    throat = some_throat(stage, tract=(1.3, 1.9), rd=(0.4, 1.0), breath_db=(-24, -12), bright_db=(2, 16))
    middle = stage.around(320, 650)
    at = stage.between(0, 0.3)
    while at < stage.seconds - 0.1:
        for _ in range(stage.whole(2, 8)):
            cluck = stage.lasting(stage.around(0.04, 0.12))
            pitch = middle * stage.around(0.8, 1.15)
            sound = call(cluck, throat, ((0, pitch), (1, 0.7 * pitch)), ((0, -24), (0.2, 0), (1, -36)),
                         [(0, VOWELS["o"]), (1, VOWELS["uh"])])  # fmt: skip
            lay(out, at * stage.sample_rate, stage.around(0.4, 0.9) * sound)
            at += cluck.seconds + stage.around(0.08, 0.4)
        if stage.chance(0.6):
            long = stage.lasting(stage.around(0.25, 0.7))
            pitch = middle * stage.around(1.1, 1.6)
            sound = call(long, throat, ((0, 0.7 * pitch), (0.3, pitch), (1, 0.9 * pitch)),
                         ((0, -30), (0.25, 0), (1, -36)), [(0, VOWELS["o"]), (0.4, VOWELS["a"])])  # fmt: skip
            lay(out, at * stage.sample_rate, sound)
            at += long.seconds
        at += stage.around(0.1, 0.9)
    return out


SOUNDS = (
    Sound("dog barking", _dog, ("a dog barking", "a dog barks", "a small dog yapping",
          "a large dog barking", "barking of a dog", "dogs barking in the yard")),
    Sound("cat meowing", _cat, ("a cat meowing", "a cat meows", "a kitten crying", "a hungry cat",
          "meowing of a cat")),
    Sound("cow mooing", _cow, ("a cow mooing", "a cow moos", "cattle lowing", "a bull bellows"),
          "outdoors"),
    Sound("sheep bleating", _sheep, ("a sheep bleating", "a goat bleats", "a lamb bleating",
          "a flock of sheep"), "outdoors"),
    Sound("crow cawing", _crow, ("a crow cawing", "crows caw", "a raven croaks", "a crow in a tree"),
          "outdoors"),
    Sound("rooster", _rooster, ("a rooster crowing", "a cock crows", "cock-a-doodle-doo",
          "a rooster in the morning"), "outdoors"),
    Sound("pig grunting", _pig, ("a pig grunting", "pigs oinking", "a pig snorts", "hogs grunt in a sty")),
    Sound("hen clucking", _hen, ("a hen clucking", "chickens clucking", "a chicken cackles",
          "hens in a yard"), "outdoors"),
)  # fmt: skip
