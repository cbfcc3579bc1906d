"""A small room: early reflections of a shoebox, a diffuse tail, a place for each singer, 1 or 2 microphones.

Early part: image sources (J. Allen, D. Berkley, "Image method for efficiently simulating small-room
acoustics", JASA 65(4), 1979), each at its exact delay. Late part: noise that decays with the reverberation
time, faster at high frequencies, at the level that statistical room acoustics gives (H. Kuttruff, "Room
Acoustics", ch. 5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from stemless.data.curves import Floats

SPEED_OF_SOUND = 343.0
# The reflections grow dense enough for noise to stand for them.
EARLY_SECONDS = 0.06
# Kept before the nearest direct sound: its sinc rings ahead, and one capsule may be nearer than the centre.
LEAD_SECONDS = 0.002
_SINC_TAPS = 32


@dataclass(frozen=True)
class Room:
    """A shoebox with its microphones."""

    size_m: tuple[float, float, float] = (11.0, 8.0, 5.0)
    rt60_seconds: float = 0.9
    """Time to fall by 60 dB, at middle frequencies."""
    microphone_m: tuple[float, float, float] = (5.5, 2.0, 1.9)
    channels: int = 2
    """1: one omnidirectional microphone; 2: two cardioids, 17 cm and 110 degrees apart."""

    @property
    def absorption(self) -> float:
        """Mean absorption of the walls, from the reverberation time (Eyring)."""
        x, y, z = self.size_m
        surface = 2 * (x * y + y * z + x * z)
        return 1 - math.exp(-0.161 * x * y * z / (surface * self.rt60_seconds))

    def check(self) -> None:
        """Refuse what no room can be.

        Raises:
            ValueError: channels are not 1 or 2, or the microphone is outside.
        """
        if self.channels not in (1, 2):
            raise ValueError(f"a room has 1 or 2 microphones, not {self.channels}")
        if not all(0 < at < size for at, size in zip(self.microphone_m, self.size_m, strict=True)):
            raise ValueError(f"the microphone at {self.microphone_m} is outside the room of {self.size_m}")


def room_responses(room: Room, sources_m: Floats, sample_rate: int, generator: np.random.Generator) -> Tensor:
    """Impulse responses from every place to every microphone.

    The travel time of the nearest source is taken off all of them but for `LEAD_SECONDS`, so that sound and
    score stay together; a source at two metres has a direct sound of gain 1.

    Args:
        room: the shoebox.
        sources_m: [sources, 3] places inside it.
        sample_rate: in Hz.
        generator: draws the tails.

    Returns:
        [sources, channels, taps] float32.
    """
    room.check()
    centre = np.asarray(room.microphone_m)
    microphones: list[tuple[Floats, float | None]] = [(centre, None)]
    if room.channels == 2:
        half = np.array([0.085, 0.0, 0.0])
        microphones = [(centre - half, math.radians(90 + 55)), (centre + half, math.radians(90 - 55))]
    nearest = min(float(np.linalg.norm(place - centre)) for place in sources_m)
    shift = nearest / SPEED_OF_SOUND - LEAD_SECONDS
    taps = int((max(EARLY_SECONDS, 1.1 * room.rt60_seconds) + 0.01) * sample_rate)
    out = torch.zeros(len(sources_m), room.channels, taps)
    for index, place in enumerate(sources_m):
        for channel, (microphone, facing) in enumerate(microphones):
            out[index, channel] = _early(room, place, microphone, facing, shift, taps, sample_rate)
            distance = float(np.linalg.norm(place - microphone))
            out[index, channel] += _tail(room, distance, facing, shift, taps, sample_rate, generator)
    return out


def _early(
    room: Room,
    place: Floats,
    microphone: Floats,
    facing: float | None,
    shift: float,
    taps: int,
    sample_rate: int,
) -> Tensor:
    """Image sources up to the mixing time, duller with each reflection."""
    reach = float(np.linalg.norm(place - microphone)) + SPEED_OF_SOUND * EARLY_SECONDS
    axes, bounces = [], []
    for size, start in zip(room.size_m, place, strict=True):
        turns = np.arange(-math.ceil(reach / size / 2) - 1, math.ceil(reach / size / 2) + 2)
        axes.append(np.concatenate((2 * turns * size + start, 2 * turns * size - start)))
        bounces.append(np.concatenate((abs(2 * turns), abs(2 * turns - 1))))
    images = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3) - microphone
    order = np.stack(np.meshgrid(*bounces, indexing="ij")).sum(0).reshape(-1)
    distance = np.linalg.norm(images, axis=1)
    kept = distance < reach
    images, order, distance = images[kept], order[kept], distance[kept]
    gain = 2.0 * (1 - room.absorption) ** (order / 2) / np.maximum(distance, 0.3)
    if facing is not None:
        ahead = images[:, 0] * math.cos(facing) + images[:, 1] * math.sin(facing)
        gain *= 0.5 + 0.5 * ahead / np.maximum(distance, 1e-6)
    # Fractional delays: a windowed sinc for each image.
    delay = (distance / SPEED_OF_SOUND - shift) * sample_rate
    whole = np.floor(delay).astype(int)
    offset = np.arange(_SINC_TAPS) - _SINC_TAPS // 2 + 1
    apart = offset - (delay - whole)[:, None]
    shape = gain[:, None] * np.sinc(apart) * np.cos(np.pi * apart / (_SINC_TAPS + 2)) ** 2
    spectrum = np.zeros(_length(taps) // 2 + 1, complex)
    # Each wall takes a little more of the highs: one gentle low-pass for each reflection.
    turn = np.exp(-2j * np.pi * np.arange(len(spectrum)) / _length(taps))
    dull = 0.8 / (1 - 0.2 * turn)
    for count in range(int(order.max()) + 1):
        mine = order == count
        at = whole[mine, None] + offset
        part = np.bincount(at[at >= 0], shape[mine][at >= 0], minlength=_length(taps))
        spectrum += np.fft.rfft(part) * dull**count
    early = np.fft.irfft(spectrum, n=_length(taps))[:taps]
    return torch.from_numpy(early.astype(np.float32))


def _tail(
    room: Room,
    distance: float,
    facing: float | None,
    shift: float,
    taps: int,
    sample_rate: int,
    generator: np.random.Generator,
) -> Tensor:
    """Decaying noise after the early part, in three bands."""
    volume = math.prod(room.size_m)
    area = 0.161 * volume / room.rt60_seconds
    time = np.arange(taps) / sample_rate + shift
    start = distance / SPEED_OF_SOUND + EARLY_SECONDS
    # Energy of the diffuse field, with the gain of 2 / r of the direct sound; a cardioid hears a third of it.
    density = 4.0 * 16 * math.pi / area * 13.8 / room.rt60_seconds / (3.0 if facing is not None else 1.0)
    spectrum = np.fft.rfft(generator.standard_normal(taps))
    frequency = np.fft.rfftfreq(taps, 1 / sample_rate)
    place = np.clip(np.log2(np.maximum(frequency, 1) / 500) / 3, 0, 1)
    tail = np.zeros(taps)
    for weight, share in ((1 - place, 1.0), (place, 0.6)):
        band = np.fft.irfft(spectrum * weight, n=taps)
        tail += band * np.sqrt(density / sample_rate) * np.exp(-6.9 * time / (share * room.rt60_seconds))
    rise = np.clip((time - start + 0.01) / 0.01, 0, 1)
    return torch.from_numpy((tail * rise).astype(np.float32))


def place_voices(
    voices: Tensor,
    room: Room,
    sources_m: Floats,
    sample_rate: int,
    generator: np.random.Generator,
) -> Tensor:
    """Put dry voices into a room.

    Args:
        voices: [voices, time] dry sound.
        room: the shoebox.
        sources_m: [voices, 3].
        sample_rate: in Hz.
        generator: draws the tails.

    Returns:
        [voices, channels, time] each voice as the microphones hear it; what rings on after the end is cut.
    """
    responses = room_responses(room, sources_m, sample_rate, generator)
    samples = voices.shape[-1]
    size = _length(samples + responses.shape[-1])
    spectrum = torch.fft.rfft(voices, n=size)[:, None] * torch.fft.rfft(responses, n=size)
    heard: Tensor = torch.fft.irfft(spectrum, n=size)
    return heard[..., :samples]


def half_circle(count: int, room: Room, radius_m: float = 2.5) -> Floats:
    """Places of singers in an arc before the microphones, heads at 1.6 m.

    >>> half_circle(2, Room(), 2.0).round(1).tolist()
    [[4.9, 3.9, 1.6], [6.1, 3.9, 1.6]]
    """
    angles = np.radians(np.linspace(90 + 18 * (count - 1), 90 - 18 * (count - 1), count))
    x, y, _ = room.microphone_m
    return np.stack((x + radius_m * np.cos(angles), y + radius_m * np.sin(angles), np.full(count, 1.6)), -1)


def _length(taps: int) -> int:
    """A length that transforms fast and holds the taps: a multiple of a power of two near an eighth of it."""
    grain = 1 << max(0, math.ceil(math.log2(max(taps + _SINC_TAPS, 2))) - 3)
    return math.ceil((taps + _SINC_TAPS) / grain) * grain
