"""Late reverberation: what a room keeps sounding of the notes before.

The power of a voice in a band rings on as an exponential decay, started by all that it has sung so far
(K. Lebart, J. Boucher, P. Denbigh, "A new method based on spectral subtraction for speech dereverberation",
Acta Acustica 87, 2001, after J. Polack's model of the diffuse field). How strong it is and how long it lasts
is told from the recording alone: where the model of the voices is quiet now and was loud before, what is
heard is the room.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

TIMES_SECONDS: Final = (0.3, 0.6, 1.0, 1.5)
"""Reverberation times that are tried: those of rooms between a studio and a church."""
LOUDER: Final = 30.0
"""By so much the echo of a bin has to exceed what is sung there now, as powers, to be judged by."""
FAINTEST: Final = 1e-4
"""Echoes below it, relative to the strongest, are taken for the noise of the recording."""
FEWEST_BINS: Final = 1000
STRONGEST: Final = 0.3


@dataclass(frozen=True)
class Echo:
    """Power that rings on: `gain` times what was sung, falling by 60 dB in `rt60_seconds`."""

    gain: float
    rt60_seconds: float

    def ratio(self, step_seconds: float) -> float:
        """Power that rings on in the end, of what was sung in a frame; frames are so far apart.

        >>> round(Echo(0.1, 6.0).ratio(1.0), 4)
        0.0111
        """
        fade = _fade(self.rt60_seconds, step_seconds)
        return self.gain * fade / (1.0 - fade)


NO_ECHO: Final = Echo(0.0, TIMES_SECONDS[0])


def ringing(powers: Tensor, rt60_seconds: float, step_seconds: float) -> Tensor:
    """Sum of all frames before each one, each faded by the time since: [..., frames] in and out.

    >>> ringing(torch.tensor([1.0, 0.0, 0.0]), 6.0, 1.0).tolist()
    [0.0, 0.10000000149011612, 0.010000000707805157]
    """
    frames = powers.movedim(-1, 0).contiguous()
    out = torch.empty_like(frames)
    for now, rings in enumerate(_rings(frames, rt60_seconds, step_seconds)):
        out[now] = rings
    return out.movedim(0, -1)


def _fade(rt60_seconds: float, step_seconds: float) -> float:
    """Of a power, what is left a step later."""
    return math.pow(10.0, -6 * step_seconds / rt60_seconds)


def _rings(frames: Tensor, rt60_seconds: float, step_seconds: float) -> Iterator[Tensor]:
    """What rings in each frame of [frames, ...], valid until the next one; frames told may be changed."""
    fade = _fade(rt60_seconds, step_seconds)
    rings, later = torch.zeros_like(frames[0]), torch.empty_like(frames[0])
    for frame in frames:
        torch.add(rings, frame, out=later).mul_(fade)
        yield rings
        rings, later = later, rings


def with_echo(powers: Tensor, echo: Echo, step_seconds: float) -> Tensor:
    """Powers [..., frames] and what the room adds to them, which is their `ringing`."""
    if echo.gain == 0.0:
        return powers
    frames = powers.movedim(-1, 0).clone(memory_format=torch.contiguous_format)
    for frame, rings in zip(frames, _rings(frames, echo.rt60_seconds, step_seconds), strict=True):
        frame.add_(rings, alpha=echo.gain)
    return frames.movedim(0, -1)


def find_echo(heard: Tensor, powers: Tensor, step_seconds: float) -> Echo:
    """The echo that a recording has, beside a model of its voices without any.

    For each reverberation time, the ratio of what is heard to what has rung on is looked at in all bins that
    are quiet by now; the time is the one for which this ratio varies least. The gain is that of the ratio's
    mean, told from its median, since the power of a diffuse field is distributed exponentially.

    Args:
        heard: [bins, frames] power of the mixture.
        powers: [voices, bins, frames] of the voices, at any level.

    Returns:
        `NO_ECHO` where there is too little to tell by.
    """
    sung = powers.sum(0)
    level = (heard * sung).sum() / (sung * sung).sum().clamp_min(1e-30)
    sung = sung * level
    best, best_spread = NO_ECHO, float("inf")
    for seconds in TIMES_SECONDS:
        echo = ringing(sung, seconds, step_seconds)
        quiet = (echo > LOUDER * sung) & (echo > FAINTEST * echo.max()) & (heard > 0)
        if int(quiet.sum()) < FEWEST_BINS:
            continue
        low, middle, high = _quartiles((heard[quiet] / echo[quiet]).log())
        if high - low < best_spread:
            best, best_spread = (
                Echo(min(STRONGEST, float(middle.exp()) / math.log(2)), seconds),
                float(high - low),
            )
    return best


def _quartiles(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    ordered = values.sort().values
    places = [round(share * (len(ordered) - 1)) for share in (0.25, 0.5, 0.75)]
    return ordered[places[0]], ordered[places[1]], ordered[places[2]]
