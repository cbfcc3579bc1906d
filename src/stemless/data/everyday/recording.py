"""How a sound comes to a file: a room, a distance, a microphone with its colour and noise, a level."""

from __future__ import annotations

import numpy as np
import torch

from stemless.data.everyday.spectra import noise, shaped, steady
from stemless.data.everyday.stage import Place, Stage, Wave, decibels
from stemless.data.room import Room, place_voices

PEAK = 0.95


def recorded(stage: Stage, dry: Wave, place: Place) -> Wave:
    """A sound as some recorder kept it: [samples], within full scale, not silent.

    Args:
        dry: [samples] of the stage, finite, at any level.
        place: where it happens.
    """
    wet = steady(dry - float(np.mean(dry)))
    if stage.chance({"near": 0.4, "room": 0.7, "outdoors": 0.25}[place]):
        wet = steady(_in_room(stage, wet, place))
    wet = _coloured(stage, wet)
    if stage.chance(0.8):
        # Hiss and hum of the place and the recorder.
        floor = noise(stage, [(30, 0), (stage.around(80, 600), -4), (8000, stage.between(-50, 0))])
        wet = steady(wet) + decibels(-stage.between(14, 55)) * floor
    if stage.chance(0.08):
        # A recorder driven too hard.
        wet = np.tanh(steady(wet) * stage.around(0.5, 2.0))
    # Peaks far above all else leave the rest too soft: the recorder's limiter rounds them.
    sound = steady(_limited(steady(wet), stage.between(18, 34), stage)) * decibels(stage.between(-34, -14))
    peak = float(np.abs(sound).max())
    return sound * min(1.0, PEAK / peak) if peak > 0 else sound


def _limited(sound: Wave, crest_db: float, stage: Stage) -> Wave:
    """Peaks held so far above the mean level by a gain that moves within milliseconds."""
    block = max(1, int(0.004 * stage.sample_rate))
    blocks = -(-len(sound) // block)
    peaks = np.abs(np.pad(sound, (0, blocks * block - len(sound)))).reshape(blocks, block).max(1)
    around = np.maximum(peaks, np.maximum(np.append(peaks[1:], 0), np.append(0, peaks[:-1])))
    gains = np.minimum(1.0, decibels(crest_db) / np.maximum(around, 1e-9))
    held: Wave = sound * np.interp(np.arange(len(sound)), (np.arange(blocks) + 0.5) * block, gains)
    return held


def _in_room(stage: Stage, dry: Wave, place: Place) -> Wave:
    """In a shoebox of some size; outdoors a wide one with weak walls stands for the street."""
    if place == "outdoors":
        size = stage.around(12, 30), stage.around(12, 30), stage.around(6, 12)
        rt60 = stage.around(0.3, 1.2)
    else:
        size = stage.around(2.2, 9), stage.around(2.2, 9), stage.around(2.3, 3.8)
        rt60 = stage.around(0.12, 1.1)
    distance = stage.around(0.2, 0.8) if place == "near" else stage.around(0.4, 4)
    x, y, z = size
    source = np.array([x * stage.between(0.3, 0.7), y * stage.between(0.2, 0.4), z * stage.between(0.2, 0.6)])
    angle = stage.between(0, np.pi)
    microphone = source + distance * np.array([np.cos(angle), np.sin(angle), 0.15])
    microphone = np.clip(microphone, 0.4, np.array(size) - 0.4)
    room = Room(size, rt60, (float(microphone[0]), float(microphone[1]), float(microphone[2])), 1)
    voice = torch.from_numpy(dry.astype(np.float32))[None]
    heard = place_voices(voice, room, source[None], stage.sample_rate, stage.generator)
    return heard[0, 0].double().numpy()


def _coloured(stage: Stage, sound: Wave) -> Wave:
    """A gentle equaliser, at times a small loudspeaker's or an old telephone's band."""
    places = [50.0, 150.0, 450.0, 1300.0, 3500.0, 7500.0]
    depth = stage.between(0.5, 4)
    points = [(hz, float(depth * stage.generator.standard_normal())) for hz in places]
    coloured = shaped(sound, points, stage.sample_rate)
    band: list[tuple[float, float]] = []
    if stage.chance(0.5):
        low = stage.around(30, 250)
        band += [(low / 4, -36.0), (low, -3.0), (2 * low, 0.0)]
    else:
        band += [(10.0, 0.0)]
    if stage.chance(0.2):
        high = stage.around(2500, 7000)
        steep = stage.between(12, 50)
        band += [(max(0.8 * high, band[-1][0] + 1), 0.0), (high, -3.0), (2 * high, -3.0 - steep)]
    else:
        band += [(20000.0, 0.0)]
    return shaped(coloured, band, stage.sample_rate)
