"""Bells, alarms and telephones: what is made to be heard."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.events import Body, lay, regular_times, scatter
from stemless.data.everyday.rotation import falling, turning
from stemless.data.everyday.spectra import noise, shaped, steady
from stemless.data.everyday.stage import Sound, Stage, Wave

# Partials of a tuned church bell against its nominal, the octave of the strike note: hum, prime, tierce,
# quint, nominal and what lies above. Rossing, Perrin, "Vibrations of bells", Applied Acoustics 20, 1987.
CHURCH_BELL = (0.25, 0.5, 0.6, 0.75, 1.0, 1.25, 1.33, 1.5, 2.0, 2.61, 3.0)


def bell_body(stage: Stage, nominal_hz: float, ring_seconds: float, mistuning: float) -> Body:
    """A bell whose partials are a church bell's but for chance, in pairs that beat."""
    ratios = np.array(CHURCH_BELL) * stage.spread(len(CHURCH_BELL), mistuning)
    frequencies = nominal_hz * np.repeat(ratios, 2)
    frequencies[1::2] += stage.around(0.2, 3.0) * stage.generator.random(len(ratios))
    t60 = ring_seconds * np.repeat(ratios / ratios[0], 2) ** -0.7 * stage.spread(len(frequencies), 0.2)
    gains = stage.spread(len(frequencies), 0.6) * np.repeat(np.minimum(1, 1.6 / (1 + ratios)), 2)
    return Body(frequencies, t60, gains)


def _church_bells(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    lowest = stage.around(450, 1500)
    for number in range(stage.whole(1, 4)):
        nominal = lowest * stage.one_of((1.0, 9 / 8, 5 / 4, 4 / 3, 3 / 2)) * (1.0 if number else 1)
        body = bell_body(stage, nominal, stage.around(3, 12), 0.012)
        times = regular_times(stage, stage.around(0.35, 1.4), stage.between(0.01, 0.08))
        blows = body.struck(stage, len(times), min(6.0, stage.seconds), 0.15)
        out += scatter(
            stage.samples, times * stage.sample_rate, blows * stage.spread(len(times), 0.2)[:, None]
        )
    tower = noise(stage, [(30, 0), (400, -6), (8000, -36)])
    return steady(out) + stage.around(0.003, 0.15) * tower


def _bell(stage: Stage) -> Wave:
    """A hand bell, a cow bell, a bicycle bell, a shop bell."""
    body = bell_body(stage, stage.around(1500, 6500), stage.around(0.4, 3.0), 0.15)
    rate_hz = stage.around(0.7, 12)
    times = regular_times(stage, rate_hz, stage.between(0.02, 0.3))
    kept = np.sin(2 * np.pi * (times * stage.around(0.2, 0.8) + stage.between(0, 1))) > -0.4
    times = times[kept] if kept.any() else times
    blows = body.struck(stage, len(times), 1.5, 0.3)
    return scatter(stage.samples, times * stage.sample_rate, blows * stage.spread(len(times), 0.35)[:, None])


def _beep(stage: Stage, seconds: float, pitch_hz: float, gains: Wave) -> Wave:
    beep = stage.lasting(seconds)
    shape = np.clip(beep.times / 0.004, 0, 1) * np.clip((beep.seconds - beep.times) / 0.004, 0, 1)
    return turning(beep, np.full(beep.samples, pitch_hz), gains) * shape


def _alarm_clock(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    if stage.chance(0.35):
        # Two bells and a clapper between them.
        clapper = stage.around(9, 24)
        for _ in range(2):
            body = bell_body(stage, stage.around(1500, 4000), stage.around(0.3, 1.2), 0.15)
            times = regular_times(stage, clapper, 0.04)
            blows = body.struck(stage, len(times), 0.5, 0.2)
            out += scatter(stage.samples, times * rate, blows)
        return steady(out) + stage.between(0, 0.2) * noise(stage, [(1000, -20), (4000, 0), (8000, 0)])
    pitch = stage.around(1600, 4600)
    gains = falling(stage, 16, stage.between(3, 18), 0.5)
    length = stage.around(0.04, 0.4)
    together, gap = stage.one_of((1, 2, 3, 4)), stage.between(0.3, 1.2) * length
    pause = stage.around(0.15, 1.0)
    second = pitch * stage.one_of((1.0, 1.0, 1.25, 0.8, 1.5))
    at = stage.between(0, 0.4)
    while at < stage.seconds:
        for number in range(together):
            lay(out, at * rate, _beep(stage, length, second if number % 2 else pitch, gains))
            at += length + gap
        at += pause
    return out


def _beeping(stage: Stage) -> Wave:
    """A microwave oven, a lorry in reverse, a heart monitor."""
    out = np.zeros(stage.samples)
    pitch, length = stage.around(500, 3500), stage.around(0.06, 0.8)
    gains = falling(stage, 10, stage.between(6, 24), 0.4)
    for at in regular_times(stage, 1 / (length * stage.around(1.4, 4)), 0.005, stage.between(0, 0.5)):
        lay(out, at * stage.sample_rate, _beep(stage, length, pitch, gains))
    return out


def siren_pitch(stage: Stage, low_hz: float, high_hz: float, turn_seconds: float, kind: str) -> Wave:
    """Pitch of a siren over time, in Hz: "wail" up and down, "yelp" up and back at once, "two-tone"."""
    turns = stage.phase(np.full(stage.samples, 1 / turn_seconds)) % 1
    if kind == "two-tone":
        place = (turns < 0.5).astype(float)
    elif kind == "yelp":
        place = turns
    else:
        place = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    pitch: Wave = low_hz * (high_hz / low_hz) ** place
    return pitch


def _siren(stage: Stage) -> Wave:
    kind = stage.one_of(("wail", "wail", "yelp", "two-tone"))
    low = stage.around(350, 800)
    high = low * (stage.between(1.2, 1.5) if kind == "two-tone" else stage.around(1.6, 2.8))
    turn = {"wail": stage.around(1.5, 7), "yelp": stage.around(0.18, 0.5), "two-tone": stage.around(0.6, 2)}[
        kind
    ]
    bend = stage.curve([(0, 1), (0.4, 1), (0.6, stage.between(0.88, 1)), (1, 0.94)])
    pitch = siren_pitch(stage, low, high, turn, kind) * bend
    sound = turning(stage, pitch, falling(stage, 14, stage.between(4, 12), 0.5))
    # The loudspeaker's horn.
    throat = stage.around(700, 2000)
    sound = shaped(sound, [(200, -20), (throat, 0), (4 * throat, -14), (16000, -40)], stage.sample_rate)
    street = noise(stage, [(30, 0), (300, -8), (8000, -36)])
    near = stage.curve([(0, stage.between(0.1, 1)), (stage.between(0.3, 0.7), 1), (1, stage.between(0.1, 1))])
    return steady(sound) * near + stage.between(0, 0.15) * street


def _telephone(stage: Stage) -> Wave:
    out = np.zeros(stage.samples)
    rate = stage.sample_rate
    kind = stage.one_of(("bells", "warble", "melody"))
    ring, pause = stage.around(0.8, 2), stage.around(0.4, 2.5)
    bells = [bell_body(stage, stage.around(1400, 3200), stage.around(0.3, 0.9), 0.1) for _ in range(2)]
    gains = falling(stage, 10, stage.between(4, 16), 0.5)
    low, high = stage.around(500, 1300), stage.around(1.15, 1.5)
    warble = stage.around(8, 25)
    tune = [low * 1.5 * 2 ** (stage.whole(-5, 12) / 12) for _ in range(stage.whole(4, 10))]
    note_seconds = stage.around(0.07, 0.25)
    at = stage.between(0, 0.6)
    while at < stage.seconds:
        part = stage.lasting(ring)
        if kind == "bells":
            for body in bells:
                times = regular_times(part, warble, 0.03)
                blows = body.struck(stage, len(times), 0.8, 0.15)
                out += scatter(stage.samples, (at + times) * rate, blows)
        elif kind == "warble":
            pitch = np.where((part.times * warble) % 1 < 0.5, low, low * high)
            shape = np.clip((part.seconds - part.times) / 0.01, 0, 1)
            lay(out, at * rate, turning(part, pitch, gains) * shape)
        else:
            for number, pitch_hz in enumerate(tune):
                lay(
                    out,
                    (at + number * note_seconds) * rate,
                    _beep(stage, 0.9 * note_seconds, pitch_hz, gains),
                )
        at += ring + pause
    return out


SOUNDS = (
    Sound("church bells", _church_bells, ("church bells ringing", "the bells of a church",
          "a church bell tolls", "bells ring from a tower", "pealing bells"), "outdoors"),
    Sound("bell", _bell, ("a bell ringing", "someone rings a hand bell", "a small bell jingles",
          "a bicycle bell", "a cow bell")),
    Sound("alarm clock", _alarm_clock, ("an alarm clock ringing", "an alarm clock beeps",
          "a wake-up alarm", "the alarm goes off", "a digital alarm clock")),
    Sound("beeping", _beeping, ("a beeping sound", "a microwave oven beeps", "electronic beeps",
          "a truck beeping in reverse", "a monitor beeping")),
    Sound("siren", _siren, ("a siren wailing", "a police siren", "an ambulance siren",
          "a fire engine with its siren", "sirens in the street"), "outdoors"),
    Sound("telephone ringing", _telephone, ("a telephone ringing", "a phone rings",
          "an old telephone bell", "a mobile phone ringing", "the phone is ringing")),
)  # fmt: skip
