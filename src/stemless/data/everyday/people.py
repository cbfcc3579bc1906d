"""What people do with their voice besides speaking: laugh, cough, sneeze, breathe, yawn, cry, scream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stemless.data.everyday.events import lay
from stemless.data.everyday.spectra import bell, frame_frequencies, frames_of, moving, noise, steady
from stemless.data.everyday.stage import Points, Sound, Stage, Wave
from stemless.data.everyday.voice import VOWELS, Throat, anyone, call, some_throat, vowel


def _laugh(stage: Stage) -> Wave:
    """Bursts of ha-ha-ha, the pitch and the force falling, air drawn in between."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    throat, speaking = anyone(stage)
    throat = replace(throat, rough=stage.between(0, 0.4))
    at = stage.between(0, 0.5)
    while at < stage.seconds - 0.3:
        pitch = speaking * stage.around(1.1, 2.4)
        rate_hz = stage.around(3.6, 6.2)
        shape = vowel(stage, ("a", "uh", "e", "ae", "i", "o"))
        force = stage.around(0.5, 1)
        for _ in range(stage.whole(3, 11)):
            ha = stage.lasting(stage.between(0.7, 1.0) / rate_hz)
            voiced = stage.between(0.4, 0.7)
            level: Points = ((0, -60), (1 - voiced - 0.12, -40), (1 - voiced, 0), (0.9, -6), (1, -50))
            air: Points = ((0, -34), (1 - voiced - 0.1, -14), (1 - voiced + 0.1, -26), (1, -40))
            glide = stage.between(0.85, 1.15)
            sound = call(
                ha, throat, ((0, pitch * glide), (0.6, pitch * 1.05), (1, pitch * 0.9)), level, [(0, shape)],
                breath_db=air,
            )  # fmt: skip
            lay(out, at * rate, force * sound)
            at += 1 / rate_hz * stage.around(0.92, 1.1)
            pitch *= stage.between(0.9, 1.02)
            force *= stage.between(0.82, 1.02)
        gasp = stage.lasting(stage.between(0.2, 0.6))
        if stage.chance(0.6):
            lay(out, at * rate, stage.between(0.05, 0.35) * breath(gasp, throat, shape, inward=True))
        at += gasp.seconds + stage.around(0.05, 0.8)
    return out


def breath(stage: Stage, throat: Throat, shape: tuple[float, float, float, float], inward: bool) -> Wave:
    """Air through the tract without voice, over the whole stage: in (bright, rising) or out: [samples]."""
    top = stage.between(0.3, 0.7)
    level: Points = ((0, -40), (top, 0), (1, -40)) if inward else ((0, -30), (0.3 * top, 0), (1, -36))
    low, high = (0.9, 1.15) if inward else (1.1, 0.9)
    first = tuple(low * f for f in shape)
    last = tuple(high * f for f in shape)
    bright_db = min(throat.bright_db, 0) + stage.between(-10, 3)
    wide = replace(throat, width=max(throat.width, 1.0) * 2.5, bright_db=bright_db)
    mouth = [(0.0, (first[0], first[1], first[2], first[3])), (1.0, (last[0], last[1], last[2], last[3]))]
    return call(stage, wide, ((0, 100), (1, 100)), ((0, -120), (1, -120)), mouth, breath_db=level)


def _breathing(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    throat, _ = anyone(stage)
    shape = vowel(stage, ("uh", "er", "a", "u", "m"))
    period = stage.around(1.2, 4.5)
    nose = stage.between(0, 1)
    at = -stage.between(0, 1)
    centre = stage.around(900, 3500)
    while at < stage.seconds:
        split = stage.between(0.35, 0.5)
        for inward, length in ((True, split * period), (False, (0.9 - split) * period)):
            stretch = stage.lasting(max(0.25, length * stage.around(0.85, 1.15)))
            air = breath(stretch, throat, shape, inward)
            # Through the nose it is a hiss with a wide bell.
            frequencies = frame_frequencies(stage.sample_rate)
            way = centre * (1.2 if inward else 0.9) * stretch.curve([(0, 0.8), (0.5, 1.1), (1, 0.9)])
            through = moving(stretch.noise(), bell(frequencies, frames_of(way), 0.9))
            through = steady(through * stretch.curve([(0, 0), (0.4, 1), (1, 0)]))
            lay(out, at * stage.sample_rate, ((1 - nose) * air + nose * through) * stage.around(0.5, 1))
            at += stretch.seconds + stage.between(0.02, 0.12) * period
    return out


def _cough(stage: Stage) -> Wave:
    """A burst at the opening, air through the tract, sometimes a voiced end; one to five in a row."""
    out = np.zeros(stage.samples)
    throat, speaking = anyone(stage)
    at = stage.between(0, 0.8)
    while at < stage.seconds - 0.2:
        for _ in range(stage.whole(1, 5)):
            cough = stage.lasting(stage.around(0.16, 0.45))
            burst = stage.between(0.04, 0.15)
            air: Points = ((0, -20), (0.03, 6), (burst, 0), (0.5, -8), (0.8, -14), (1, -40))
            voice: Points = (
                (0, -60),
                (burst, -30),
                (burst + 0.15, stage.between(-30, 0)),
                (0.75, -14),
                (1, -50),
            )
            shape = vowel(stage, ("uh", "a", "o", "ae", "er"))
            hoarse = replace(
                throat,
                rough=stage.between(0.3, 1.0),
                width=stage.around(1, 2.2),
                bright_db=stage.between(-8, 4),
            )
            pitch = speaking * stage.around(1.0, 2.0)
            sound = call(
                cough, hoarse, ((0, pitch), (1, pitch * stage.between(0.6, 0.9))), voice, [(0, shape)],
                breath_db=air, hiss_db=((0, -14), (0.1, -14), (0.3, -30), (1, -50)),
                hiss_hz=(stage.around(1500, 4500), 3000.0),
            )  # fmt: skip
            lay(out, at * stage.sample_rate, stage.around(0.5, 1) * sound)
            at += cough.seconds + stage.around(0.02, 0.25)
        at += stage.around(0.3, 2.5)
    return out


def _sneeze(stage: Stage) -> Wave:
    """Ah - drawn in, ah, ah - tschoo."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    throat, speaking = anyone(stage)
    at = stage.between(0, 0.8)
    while at < stage.seconds - 0.4:
        for _ in range(stage.whole(0, 2)):
            gasp = stage.lasting(stage.between(0.2, 0.6))
            voice: Points = ((0, -60), (0.4, stage.between(-40, -6)), (1, -50))
            pitch = speaking * stage.around(1.1, 1.6)
            ah = vowel(stage, ("a", "uh"))
            sound = call(gasp, throat, ((0, pitch), (1, pitch * 1.3)), voice, [(0, ah)],
                         breath_db=((0, -30), (0.7, -6), (1, -30)))  # fmt: skip
            lay(out, at * rate, stage.between(0.08, 0.35) * sound)
            at += gasp.seconds + stage.between(0.02, 0.15)
        burst = stage.lasting(stage.around(0.25, 0.6))
        peak = stage.between(0.06, 0.2)
        voiced = stage.between(-40, 2)
        pitch = speaking * stage.around(1.2, 2.6)
        sound = call(
            burst, replace(throat, rough=stage.between(0.1, 0.8)),
            ((0, pitch), (0.3, pitch), (1, 0.6 * pitch)),
            ((0, voiced - 10), (peak, voiced), (0.6, voiced - 12), (1, -60)),
            [(0, VOWELS["i"]), (0.4, vowel(stage, ("u", "uh", "o"))), (1, VOWELS["u"])],
            breath_db=((0, -20), (peak, -2), (0.5, -14), (1, -50)),
            hiss_db=((0, -10), (peak, 0), (2 * peak, -4), (0.7, -24), (1, -60)),
            hiss_hz=(stage.around(2000, 5500), stage.around(1200, 4000)),
        )  # fmt: skip
        lay(out, at * rate, sound)
        at += burst.seconds + stage.around(0.5, 3.5)
    return out


def _yawn(stage: Stage) -> Wave:
    """The jaw opens over a long breath in; a sigh with a falling voice goes out."""
    out = np.zeros(stage.samples)
    throat, speaking = anyone(stage)
    at = stage.between(0, 0.6)
    while at < stage.seconds - 0.8:
        inward = stage.lasting(stage.between(0.7, 2.2))
        air = call(
            inward, replace(throat, width=2.5), ((0, 100), (1, 100)), ((0, -120), (1, -120)),
            [(0, VOWELS["er"]), (0.6, VOWELS["a"]), (1, VOWELS["a"])],
            breath_db=((0, -40), (0.7, 0), (1, -24)),
        )  # fmt: skip
        lay(out, at * stage.sample_rate, stage.between(0.1, 0.5) * air)
        at += inward.seconds
        outward = stage.lasting(stage.between(0.8, 2.4))
        pitch = speaking * stage.around(1.1, 2.2)
        sigh = call(
            outward, replace(throat, rd=stage.around(1.2, 2.5), breath_db=stage.between(-20, -8)),
            ((0, 0.9 * pitch), (0.15, pitch), (0.6, 0.75 * pitch), (1, 0.5 * pitch)),
            ((0, -40), (0.12, 0), (0.5, stage.between(-10, -2)), (0.85, -20), (1, -60)),
            [(0, vowel(stage, ("a", "ae"))), (0.5, vowel(stage, ("a", "uh"))),
             (1, vowel(stage, ("u", "er", "m")))],
            breath_db=((0, -30), (0.2, -18), (0.7, -14), (1, -50)),
        )  # fmt: skip
        lay(out, at * stage.sample_rate, sigh)
        at += outward.seconds + stage.around(0.4, 2)
    return out


def _baby(stage: Stage) -> Wave:
    """Wails of a second or so, arched in pitch, on open vowels; sobbed breaths between."""
    out = np.zeros(stage.samples)
    throat = some_throat(
        stage,
        tract=(1.3, 1.75),
        rd=(0.36, 0.7),
        breath_db=(-44, -26),
        rough=(0.0, 0.25),
        width=(0.7, 1.4),
        bright_db=(8, 22),
    )
    middle = stage.around(330, 560)
    at = -stage.between(0, 0.5)
    while at < stage.seconds - 0.2:
        wail = stage.lasting(stage.around(0.4, 1.7))
        pitch = middle * stage.around(0.85, 1.25)
        top = stage.between(0.2, 0.7)
        shape = vowel(stage, ("a", "ae", "uh", "e"))
        curve = wail.curve([(0, 0.75), (top, 1.0), (0.85, 0.9), (1, 0.65)]) * pitch
        curve *= 1 + stage.between(0, 0.03) * np.sin(2 * np.pi * stage.between(5, 9) * wail.times)
        if stage.chance(0.2):
            # The voice flips over for a while.
            curve *= np.where((wail.times > 0.3 * wail.seconds) & (wail.times < 0.55 * wail.seconds), 1.9, 1)
        rough = replace(throat, rough=throat.rough * stage.between(0, 1.6))
        sound = call(
            wail, rough, curve, ((0, -30), (0.12, -2), (top, 0), (0.85, -5), (1, -50)),
            [(0, VOWELS["e"]), (0.3, shape), (1, vowel(stage, ("uh", "e")))],
        )  # fmt: skip
        lay(out, at * stage.sample_rate, stage.around(0.6, 1) * sound)
        at += wail.seconds + 0.04
        gasp = stage.lasting(stage.between(0.15, 0.4))
        lay(out, at * stage.sample_rate, stage.between(0.03, 0.25) * breath(gasp, throat, shape, inward=True))
        at += gasp.seconds + stage.around(0.03, 0.5)
    return out


def _weeping(stage: Stage) -> Wave:
    """A grown woman weeps: sobs on breath, moans that fall, sniffs."""
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    throat, speaking = anyone(stage, "woman")
    at = stage.between(0, 0.4)
    while at < stage.seconds - 0.2:
        kind = stage.one_of(("moan", "moan", "sobs", "sniff"))
        shape = vowel(stage, ("a", "uh", "ae", "er"))
        if kind == "moan":
            moan = stage.lasting(stage.around(0.5, 1.8))
            pitch = speaking * stage.around(1.2, 2.6)
            curve = moan.curve([(0, 0.85), (0.2, 1), (1, 0.7)]) * pitch
            curve *= 1 + stage.between(0.01, 0.06) * np.sin(2 * np.pi * stage.between(5, 9) * moan.times)
            sound = call(moan, throat, curve, ((0, -40), (0.15, 0), (0.7, -4), (1, -50)),
                         [(0, shape), (1, vowel(stage, ("uh", "u", "er")))],
                         breath_db=((0, -26), (1, -18)))  # fmt: skip
            lay(out, at * rate, sound)
            at += moan.seconds
        elif kind == "sobs":
            for _ in range(stage.whole(2, 5)):
                sob = stage.lasting(stage.between(0.1, 0.25))
                pitch = speaking * stage.around(1.1, 2.2)
                sound = call(sob, throat, ((0, pitch), (1, 0.85 * pitch)), ((0, -50), (0.3, -2), (1, -50)),
                             [(0, shape)], breath_db=((0, -10), (0.3, -18), (1, -20)))  # fmt: skip
                lay(out, at * rate, stage.between(0.3, 0.9) * sound)
                at += sob.seconds + stage.between(0.02, 0.12)
        else:
            sniff = stage.lasting(stage.between(0.15, 0.5))
            air = noise(sniff, [(200, -30), (stage.around(1500, 4000), 0), (8000, -6)])
            lay(out, at * rate, stage.between(0.05, 0.3) * air * sniff.curve([(0, 0), (0.7, 1), (1, 0)]))
            at += sniff.seconds
        at += stage.around(0.04, 0.7)
    return out


def _scream(stage: Stage, kind: str) -> Wave:
    """Loud, high and pressed: as high as the voice goes, often rough."""
    out = np.zeros(stage.samples)
    throat, speaking = anyone(stage, kind)
    throat = replace(
        throat, rd=stage.around(0.35, 0.7), breath_db=stage.between(-34, -20), bright_db=stage.between(2, 14)
    )
    at = stage.between(0, 0.4)
    while at < stage.seconds - 0.3:
        shout = stage.lasting(stage.around(0.5, 2.6))
        pitch = speaking * stage.around(2.2, 4.6 if kind == "woman" else 4.0)
        first, last = stage.between(0.6, 1.0), stage.between(0.5, 0.95)
        curve = (
            shout.curve(
                [(0, first), (0.15, 1), (stage.between(0.5, 0.8), stage.between(0.9, 1.1)), (1, last)]
            )
            * pitch
        )
        rough = replace(throat, rough=stage.between(0, 0.9) ** 1.5)
        open_mouth = vowel(stage, ("a", "ae", "a", "uh"))
        # The jaw opens wide, the first formant rises to the pitch.
        lifted = (max(open_mouth[0], 1.05 * pitch / throat.tract), *open_mouth[1:])
        sound = call(
            shout, rough, curve, ((0, -24), (0.08, 0), (0.75, -1), (1, -40)),
            [(0, lifted), (1, vowel(stage, ("a", "ae", "uh")))],
        )  # fmt: skip
        lay(out, at * stage.sample_rate, stage.around(0.6, 1) * sound)
        at += shout.seconds + stage.around(0.1, 1.5)
    return out


def _man_screaming(stage: Stage) -> Wave:
    return _scream(stage, "man")


def _woman_screaming(stage: Stage) -> Wave:
    return _scream(stage, "woman")


def _snore(stage: Stage) -> Wave:
    """The palate flaps while air is drawn in; a soft breath goes out."""
    out = np.zeros(stage.samples)
    throat, _ = anyone(stage, stage.one_of(("man", "man", "woman")))
    period = stage.around(2.2, 4.5)
    flap = stage.around(22, 75)
    throat = replace(throat, bright_db=stage.between(-24, 0))
    at = -stage.between(0, 1.5)
    while at < stage.seconds:
        inward = stage.lasting(0.45 * period * stage.around(0.85, 1.15))
        rough = replace(
            throat, rough=stage.between(0.5, 1.2), rd=stage.around(0.5, 1.2), width=stage.around(1, 2.5)
        )
        pitch = inward.curve([(0, 0.8), (0.6, 1.1), (1, 0.9)]) * flap
        sound = call(
            inward, rough, np.maximum(pitch, 20), ((0, -40), (0.3, -4), (0.7, 0), (1, -40)),
            [(0, vowel(stage, ("uh", "er", "o"))), (1, vowel(stage, ("uh", "er", "m")))],
            breath_db=((0, -30), (0.6, stage.between(-16, -2)), (1, -40)),
        )  # fmt: skip
        lay(out, at * stage.sample_rate, sound * stage.around(0.6, 1))
        outward = stage.lasting(0.4 * period)
        sigh = breath(outward, throat, vowel(stage, ("uh", "u")), inward=False)
        lay(out, (at + 0.5 * period) * stage.sample_rate, stage.between(0.02, 0.4) * sigh)
        at += period * stage.around(0.92, 1.08)
    return out


SOUNDS = (
    Sound("laughing", _laugh, ("someone laughing", "a person laughs out loud", "a woman laughs",
          "laughter", "a man chuckling", "giggling")),
    Sound("breathing", _breathing, ("someone breathing", "heavy breathing", "a person breathes in and out",
          "slow breaths", "breathing into a microphone"), "near"),
    Sound("coughing", _cough, ("someone coughing", "a person coughs", "a man coughing", "a bad cough",
          "coughing repeatedly")),
    Sound("sneezing", _sneeze, ("someone sneezing", "a person sneezes", "a sneeze", "sneezing loudly",
          "a woman sneezes twice")),
    Sound("yawning", _yawn, ("someone yawning", "a person yawns", "a long yawn", "a tired man yawning",
          "yawning loudly")),
    Sound("baby crying", _baby, ("a baby crying", "an infant wails", "a newborn cries", "a crying baby",
          "the baby is screaming and crying")),
    Sound("woman crying", _weeping, ("a woman crying", "a woman sobs", "someone weeping",
          "a woman is in tears", "sobbing")),
    Sound("man screaming", _man_screaming, ("a man screaming", "a man yells", "a man shouts in fear",
          "a male scream", "a man cries out")),
    Sound("woman screaming", _woman_screaming, ("a woman screaming", "a woman shrieks", "a female scream",
          "a girl screams in fear", "a woman yells")),
    Sound("snoring", _snore, ("someone snoring", "a man snores", "a sleeping person snoring",
          "loud snoring"), "near"),
)  # fmt: skip
