"""From a dry instrument to a recording: a place in a room, a microphone's colour, a level."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from stemless.data.room import Room, half_circle, place_voices

_DRY_CHANCE = 0.3
_COLOURED_CHANCE = 0.7
_LOWEST_HZ = 60.0


def random_recording(dry: Tensor, sample_rate: int, generator: np.random.Generator) -> Tensor:
    """Put a dry instrument into some room, before some microphone, at some level.

    Args:
        dry: [1, time].
        sample_rate: Hz.
        generator: draws room, equaliser and level.

    Returns:
        [1, time]; its peak lies between -20 and -1 dB of full scale.
    """
    audio = dry if generator.random() < _DRY_CHANCE else _in_some_room(dry, sample_rate, generator)
    if generator.random() < _COLOURED_CHANCE:
        audio = equalised(audio, random_gains_db(sample_rate, generator), sample_rate)
    peak = float(audio.abs().max())
    return audio * (10 ** (float(generator.uniform(-20, -1)) / 20) / max(peak, 1e-9))


def _in_some_room(dry: Tensor, sample_rate: int, generator: np.random.Generator) -> Tensor:
    width, depth, height = generator.uniform((3, 3, 2.4), (16, 13, 8)).tolist()
    rt60 = float(np.clip(np.exp(generator.normal(-0.8, 0.55)), 0.12, 2.2))
    microphone = (
        0.5 * width * float(generator.uniform(0.7, 1.3)),
        0.25 * depth,
        float(generator.uniform(1, 2)),
    )
    room = Room((width, depth, height), rt60, microphone, channels=1)
    radius = min(float(generator.uniform(0.5, 3.5)), 0.35 * min(width, depth))
    place = half_circle(1, room, radius) + generator.normal(0, 0.1 * radius, (1, 3)) * (1, 1, 0.3)
    place = np.clip(place, 0.2, np.array(room.size_m) - 0.2)
    return place_voices(dry, room, place, sample_rate, generator)[0]


def random_gains_db(sample_rate: int, generator: np.random.Generator) -> np.ndarray:
    """A gain for each octave from 60 Hz to half the sample rate, [octaves] in dB: gently uneven."""
    octaves = int(np.ceil(np.log2(sample_rate / 2 / _LOWEST_HZ))) + 1
    slope = float(generator.normal(0, 1.0)) * np.linspace(-1, 1, octaves) * 2.5
    gains: np.ndarray = generator.normal(0, 2.0, octaves) + slope
    return gains


def equalised(audio: Tensor, gains_db: np.ndarray, sample_rate: int) -> Tensor:
    """Filter by gains at octaves from 60 Hz upwards, smooth between them, without delay.

    Args:
        audio: [channels, time].
        gains_db: [octaves].
        sample_rate: Hz.

    Returns:
        [channels, time].

    >>> tone = torch.sin(2 * torch.pi * 960 * torch.arange(16000) / 16000)[None]
    >>> louder = equalised(tone, np.array([0.0, 0, 0, 0, 6, 0, 0, 0]), 16000)
    >>> round(float(louder.std() / tone.std()), 1)
    2.0
    """
    samples = audio.shape[-1]
    # Room behind the end, so that the filter does not wrap around.
    size = samples + sample_rate // 8
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate)
    place = np.log2(np.maximum(frequencies, _LOWEST_HZ) / _LOWEST_HZ)
    gain = 10 ** (np.interp(place, np.arange(len(gains_db)), gains_db) / 20)
    spectrum = torch.fft.rfft(audio, n=size) * torch.from_numpy(gain.astype(np.float32))
    coloured: Tensor = torch.fft.irfft(spectrum, n=size)
    return coloured[..., :samples]
