"""One recording heard in many ways: other speeds, other equalisers, narrower bands, other rooms.

All of it happens in one spectrum of the whole stretch. The stretch is taken for a period of something that
goes on for ever, so that an echo at its end comes back at its beginning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

LOWEST_HZ = 40.0
"""The curve of the equaliser is drawn from here up to the highest frequency."""
POINTS = 7
ROOM_SECONDS = (0.1, 0.9)
ROOM_DB = (-18.0, -4.0)
SLOPE = 4
"""Order of the low-pass."""


@dataclass(frozen=True)
class AugmentationConfig:
    """How much each recording is changed at random; zeros leave it as it is.

    Attributes:
        speed: at most so much faster or slower, as a share; pitch goes along.
        equaliser_db: standard deviation of a smooth curve over the logarithm of frequency.
        low_pass: share of the recordings that lose their highest frequencies.
        lowest_pass_hz: where they are cut off at the lowest.
        room: share of the recordings that are put into a room: noise that decays within 0.1 to 0.9 s by
            60 dB, 4 to 18 dB below the recording.
    """

    speed: float = 0.0
    equaliser_db: float = 0.0
    low_pass: float = 0.0
    lowest_pass_hz: float = 2000.0
    room: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.speed < 0.5:
            raise ValueError("speed is a share of 0 to 0.5")
        if self.equaliser_db < 0:
            raise ValueError("equaliser_db is at least 0")
        if not (0 <= self.low_pass <= 1 and 0 <= self.room <= 1):
            raise ValueError("low_pass and room are shares of 0 to 1")
        if self.lowest_pass_hz < 200:
            raise ValueError("lowest_pass_hz is at least 200")

    @property
    def changes(self) -> bool:
        return max(self.speed, self.equaliser_db, self.low_pass, self.room) > 0


def samples_before(samples: int, config: AugmentationConfig, random: np.random.Generator) -> int:
    """How many samples of a recording to take, so that `samples` are left when it runs at another speed.

    A few more than that, so that the transforms are quick.
    """
    if not config.changes:
        return samples
    factor = (1 + config.speed) ** random.uniform(-1, 1)
    return quick_size(quick_size(samples) * factor)


def quick_size(target: float) -> int:
    """The least multiple of 64 from the target on that has no prime factor above 5.

    >>> quick_size(65280), quick_size(64)
    (65536, 64)
    """
    count = math.ceil(target / 64)
    while True:
        rest = count
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return 64 * count
        count += 1


def augmented(
    audio: Tensor, samples: int, sample_rate: int, config: AugmentationConfig, random: np.random.Generator
) -> Tensor:
    """A stretch as it sounds otherwise.

    Args:
        audio: [time], as many samples as `samples_before` said; their number sets speed and pitch.
        samples: of the result.
        sample_rate: Hz.

    Returns:
        [samples]; of about the same level, but for what a low-pass takes.
    """
    length = quick_size(samples)
    spectrum = torch.fft.rfft(audio)
    if config.room and random.random() < config.room:
        spectrum = spectrum * _room(len(audio), sample_rate, random)
    bins = min(length, len(audio)) // 2 + 1
    f_hz = torch.arange(bins) * (sample_rate / length)
    gain = torch.ones(bins)
    if config.equaliser_db:
        gain = 10 ** (_curve_db(f_hz, sample_rate / 2, config.equaliser_db, random) / 20)
    if config.low_pass and random.random() < config.low_pass:
        low, high = math.log(config.lowest_pass_hz), math.log(max(config.lowest_pass_hz, sample_rate / 2))
        cut_hz = math.exp(random.uniform(low, high))
        gain = gain / (1 + (f_hz / cut_hz) ** (2 * SLOPE)).sqrt()
    heard = torch.zeros(length // 2 + 1, dtype=spectrum.dtype)
    heard[:bins] = spectrum[:bins] * gain
    result: Tensor = torch.fft.irfft(heard, length)[:samples] * (length / len(audio))
    return result


def _curve_db(f_hz: Tensor, highest_hz: float, spread_db: float, random: np.random.Generator) -> Tensor:
    """A random curve without its mean, linear in dB between points evenly spaced in log frequency."""
    points = random.normal(0, spread_db, POINTS)
    places = np.linspace(math.log(LOWEST_HZ), math.log(highest_hz), POINTS)
    log_f = np.log(np.maximum(f_hz.numpy(), LOWEST_HZ))
    return torch.from_numpy(np.interp(log_f, places, points - points.mean())).float()


def _room(samples: int, sample_rate: int, random: np.random.Generator) -> Tensor:
    """Spectrum of a response: the sound itself, then noise that decays."""
    seconds = random.uniform(*ROOM_SECONDS)
    length = min(samples - 1, round(seconds * sample_rate))
    decay = 10 ** (-3 * np.arange(length) / (seconds * sample_rate))
    tail = random.standard_normal(length) * decay
    tail *= 10 ** (random.uniform(*ROOM_DB) / 20) / max(np.sqrt((tail**2).sum()), 1e-9)
    response = np.zeros(samples, dtype=np.float32)
    response[0] = 1
    response[1 : 1 + length] = tail
    spectrum: Tensor = torch.fft.rfft(torch.from_numpy(response))
    return spectrum
