"""Where a sound is made: its length, its rate, and the dice that every choice is thrown with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from stemless.data.curves import STEP_SECONDS, read, wander

Wave = NDArray[np.float64]
Choice = TypeVar("Choice")
Place = Literal["near", "room", "outdoors"]
Voices = Literal["all", "first", "second"]
# Level of each breakpoint over a stretch: (place from 0 to 1, value).
Points = Sequence[tuple[float, float]]


def decibels(level_db: Wave | float) -> Wave:
    """Gains of levels."""
    return np.asarray(10 ** (np.asarray(level_db, np.float64) / 20), np.float64)


@dataclass(frozen=True)
class Stage:
    """A stretch of time to be filled with a sound.

    Attributes:
        generator: throws the dice; the sound depends on nothing else.
        seconds: length.
        sample_rate: Hz.
        voices: which of the speech synthesiser's voices may be heard.
    """

    generator: np.random.Generator
    seconds: float
    sample_rate: int = 16000
    voices: Voices = "all"

    @property
    def samples(self) -> int:
        """Length in samples."""
        return round(self.seconds * self.sample_rate)

    @property
    def times(self) -> Wave:
        """Time of each sample in seconds: [samples]."""
        return np.arange(self.samples) / self.sample_rate

    def lasting(self, seconds: float) -> Stage:
        """The same dice over another length."""
        return replace(self, seconds=seconds)

    def between(self, low: float, high: float) -> float:
        """A number, all equally likely."""
        return float(self.generator.uniform(low, high))

    def around(self, low: float, high: float) -> float:
        """A positive number, all ratios equally likely: for rates, pitches and sizes."""
        return float(np.exp(self.generator.uniform(np.log(low), np.log(high))))

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.generator.integers(low, high + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self.generator.random() < probability)

    def one_of(self, options: Sequence[Choice]) -> Choice:
        """One of the options."""
        return options[int(self.generator.integers(len(options)))]

    def spread(self, count: int, deviation: float) -> Wave:
        """Factors about 1 whose logarithm has this deviation: [count]."""
        factors: Wave = np.exp(deviation * self.generator.standard_normal(count))
        return factors

    def noise(self) -> Wave:
        """White noise of unit deviation: [samples]."""
        return self.generator.standard_normal(self.samples)

    def wander(self, turn_seconds: float) -> Wave:
        """Slow noise of unit deviation that needs so long to turn: [samples]."""
        frames = int(self.seconds / STEP_SECONDS) + 2
        slow = wander(frames, turn_seconds, self.generator)
        return np.asarray(read(slow, np.arange(self.samples) / (STEP_SECONDS * self.sample_rate)), np.float64)

    def curve(self, points: Points) -> Wave:
        """Straight lines between breakpoints whose places run from 0 to 1 over the stage: [samples].

        >>> Stage(np.random.default_rng(0), 4, 1).curve([(0, 1), (1, 5)]).tolist()
        [1.0, 2.0, 3.0, 4.0]
        """
        places, values = zip(*points, strict=True)
        line: Wave = np.interp(np.arange(self.samples) / max(self.samples, 1), places, values)
        return line

    def phase(self, rate_hz: Wave) -> Wave:
        """Turns made at a rate, from a random start: [samples]."""
        turned: Wave = self.generator.random() + np.cumsum(rate_hz) / self.sample_rate
        return turned


@dataclass(frozen=True)
class Sound:
    """One kind of everyday sound.

    Attributes:
        label: plain English, as people call it.
        render: makes a random instance, [samples] of the stage, at any level.
        captions: ways to say what is heard.
        place: where it is likely to be recorded.
        needs_speech: made by the speech synthesiser.
    """

    label: str
    render: Callable[[Stage], Wave]
    captions: tuple[str, ...]
    place: Place = "room"
    needs_speech: bool = False
