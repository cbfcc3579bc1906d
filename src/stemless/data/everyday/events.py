"""Sounds made of many small ones: when they happen, how things ring, and putting them in place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stemless.data.everyday.stage import Stage, Wave

MOST_BOUNCES = 40


def random_times(stage: Stage, rate_hz: float) -> Wave:
    """Times of independent events in seconds, rising: a Poisson process over the stage."""
    count = int(stage.generator.poisson(rate_hz * stage.seconds))
    return np.sort(stage.generator.uniform(0, stage.seconds, count))


def gathered_times(stage: Stage, weight: Wave, count: int) -> Wave:
    """Times of so many events that fall where the weight is: [count], rising.

    Args:
        weight: [samples] >= 0, not all 0.
    """
    total = np.cumsum(weight)
    drawn = stage.generator.uniform(0, total[-1], count)
    return np.sort(np.searchsorted(total, drawn) / stage.sample_rate)


def regular_times(stage: Stage, rate_hz: float, looseness: float, start: float | None = None) -> Wave:
    """Times of a beat whose steps differ by a share: [events].

    Args:
        looseness: deviation of a step, as a share of it.
        start: of the first event; None: anywhere in the first step.
    """
    count = int(stage.seconds * rate_hz * 1.5) + 8
    steps = np.maximum(1 + looseness * stage.generator.standard_normal(count), 0.2) / rate_hz
    first = stage.between(0, 1 / rate_hz) if start is None else start
    times = first + np.concatenate(([0.0], np.cumsum(steps)))
    return times[times < stage.seconds]


def bounces(
    stage: Stage, gap_seconds: float, keep: float, shortest_seconds: float, looseness: float = 0.0
) -> tuple[Wave, Wave]:
    """What falls and bounces, faster and faster: times of the blows from the first on, and their gains.

    Args:
        gap_seconds: from the first blow to the second.
        keep: of gap and force, from one blow to the next.
        shortest_seconds: it lies still when the gap would be shorter.
        looseness: deviation of a gap, as a share of it.
    """
    gaps = gap_seconds * keep ** np.arange(MOST_BOUNCES)
    gaps = gaps[gaps > shortest_seconds]
    if looseness:
        gaps = gaps * stage.spread(len(gaps), looseness)
    times = np.concatenate(([0.0], np.cumsum(gaps)))
    return times, np.power(keep, np.arange(len(times), dtype=np.float64))


def scatter(samples: int, starts: Wave, grains: Wave) -> Wave:
    """Sum of grains, each from its own sample on; what lies outside is cut.

    Args:
        samples: length of the result.
        starts: [events] in samples.
        grains: [events, length].

    >>> scatter(4, np.array([0, 2]), np.array([[1.0, 1], [5, 5]])).tolist()
    [1.0, 1.0, 5.0, 5.0]
    """
    events, length = grains.shape
    at = np.asarray(starts).astype(np.int64)[:, None] + np.arange(length)
    if not events:
        return np.zeros(samples)
    inside = (at >= 0) & (at < samples)
    return np.bincount(at[inside], grains[inside], minlength=samples).astype(np.float64)


def lay(target: Wave, start: float, sound: Wave) -> None:
    """Add a sound to a longer one from a sample on; what lies outside is cut."""
    first = int(start)
    skipped = max(0, -first)
    end = min(len(target), first + len(sound))
    if first + skipped < end:
        target[first + skipped : end] += sound[skipped : end - first]


def decay(samples: int, t60_seconds: float, sample_rate: int) -> Wave:
    """Falling by 60 dB in so many seconds: [samples]."""
    fall: Wave = np.exp(-6.908 * np.arange(samples) / (max(t60_seconds, 1e-4) * sample_rate))
    return fall


@dataclass(frozen=True)
class Body:
    """A thing that rings when it is struck: its modes.

    Attributes:
        frequencies_hz: [modes].
        t60_seconds: [modes] time to fall by 60 dB.
        gains: [modes] how much each is heard.
    """

    frequencies_hz: Wave
    t60_seconds: Wave
    gains: Wave

    def basis(self, seconds: float, sample_rate: int) -> Wave:
        """Each mode alone, from the blow on: [modes, samples]."""
        time = np.arange(max(1, int(seconds * sample_rate))) / sample_rate
        audible = self.frequencies_hz < 0.48 * sample_rate
        rate = -6.908 / np.maximum(self.t60_seconds, 1e-3)
        ring: Wave = np.exp(rate[:, None] * time) * np.sin(2 * np.pi * self.frequencies_hz[:, None] * time)
        return ring * (audible * self.gains)[:, None]

    def struck(
        self, stage: Stage, hits: int, seconds: float, spot: float = 0.6, click: float | None = None
    ) -> Wave:
        """So many blows at different spots and of the same force: [hits, samples].

        Args:
            spot: how much the spot of a blow changes the balance of modes.
            click: noise of the contact itself, its peak against the ring's; None: by chance.
        """
        basis = self.basis(seconds, stage.sample_rate)
        signs = stage.generator.choice([-1.0, 1.0], (hits, len(basis)))
        balance = signs * np.exp(spot * stage.generator.standard_normal((hits, len(basis))))
        # Not the matrix product, whose last bit depends on how many threads share it.
        ring: Wave = np.einsum("hm,ms->hs", balance, basis)
        share = stage.around(0.05, 1.0) if click is None else click
        if share and hits:
            length = min(ring.shape[1], int(0.02 * stage.sample_rate))
            contact = stage.generator.standard_normal((hits, length))
            contact *= decay(length, stage.around(0.002, 0.02), stage.sample_rate)
            peaks = np.abs(ring).max(1, keepdims=True) / np.abs(contact).max(1, keepdims=True)
            ring[:, :length] += share * peaks * contact
        return ring


@dataclass(frozen=True)
class Material:
    """What a body is made of, as ranges of random bodies.

    Attributes:
        lowest_hz: range of the lowest mode.
        modes: range of their number.
        spacing: range of the mean step between modes, as a share of the lowest.
        t60_seconds: range of the decay at 1 kHz.
        damping_slope: how fast the decay shortens with frequency: t60 ~ f ** -slope.
    """

    lowest_hz: tuple[float, float]
    modes: tuple[int, int]
    spacing: tuple[float, float]
    t60_seconds: tuple[float, float]
    damping_slope: float

    def body(self, stage: Stage, size: float = 1.0, contact_seconds: float | None = None) -> Body:
        """A body of this material.

        Args:
            size: divides its frequencies.
            contact_seconds: of the blow; modes faster than it are weak. None: a hard blow.
        """
        count = stage.whole(*self.modes)
        # However small, its lowest mode is heard.
        lowest = min(stage.around(*self.lowest_hz) / size, 0.3 * stage.sample_rate)
        steps = stage.generator.exponential(stage.around(*self.spacing), count) + 0.08
        frequencies = lowest * (1 + np.concatenate(([0.0], np.cumsum(steps[1:]))))
        slope = self.damping_slope * stage.between(0.7, 1.3)
        t60 = stage.around(*self.t60_seconds) * (frequencies / 1000) ** -slope * stage.spread(count, 0.35)
        contact = contact_seconds if contact_seconds is not None else stage.around(2e-5, 1.5e-4)
        gains = stage.spread(count, 0.7) / (1 + (2 * np.pi * frequencies * contact) ** 2)
        return Body(frequencies, np.clip(t60, 0.004, 8.0), gains)


GLASS = Material((900, 4000), (12, 36), (0.08, 0.5), (0.25, 1.2), 0.5)
CERAMIC = Material((600, 2600), (10, 32), (0.08, 0.5), (0.12, 0.6), 0.5)
METAL = Material((250, 2500), (16, 60), (0.05, 0.5), (0.3, 3.5), 0.4)
THIN_METAL = Material((1200, 4500), (10, 32), (0.05, 0.4), (0.08, 0.8), 0.3)
WOOD = Material((90, 500), (10, 30), (0.15, 0.9), (0.05, 0.22), 0.9)
PLASTIC = Material((300, 1500), (5, 14), (0.25, 0.9), (0.02, 0.09), 0.7)
