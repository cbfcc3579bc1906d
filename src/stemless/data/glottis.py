"""The voice's source: glottal pulses after the LF model, free of aliasing, from tables.

One period of the derivative of the glottal flow is solved for several voice qualities, from pressed to
breathy, and stored with as many harmonics as fit below half the sample rate at each range of pitch. Rendering
is then four table look-ups a sample, blended, whatever the number of harmonics.

Sources: G. Fant, J. Liljencrants, Q. Lin, "A four-parameter model of glottal flow", STL-QPSR 4/1985;
G. Fant, "The LF-model revisited", STL-QPSR 2-3/1995 (the single shape parameter Rd).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stemless.data.curves import Floats

TABLE_SIZE = 2048
LOWEST_F0_HZ = 40.0
RANGES_PER_OCTAVE = 3
RD_GRID = (0.35, 0.5, 0.7, 1.0, 1.4, 1.9, 2.6)


def lf_pulse(rd: float, points: int) -> Floats:
    """One period of the LF derivative of glottal flow, with the closing instant at sample 0.

    Args:
        rd: shape, 0.3 (pressed) to 2.7 (breathy).
        points: samples in the period.

    Returns:
        [points], mean close to zero, negative peak 1.
    """
    # Fant 1995: the LF timing from Rd alone, in periods.
    ra = (-1.0 + 4.8 * rd) / 100
    rk = (22.4 + 11.8 * rd) / 100
    rg = rk / (4 * (0.11 * rd / (0.5 + 1.2 * rk) - ra))
    peak = 1 / (2 * rg)
    close = peak * (1 + rk)
    omega = np.pi / peak

    # Return phase: epsilon * ra = 1 - exp(-epsilon * (1 - close)), by fixed point (ra < 1 - close contracts).
    epsilon = 1 / ra
    for _ in range(50):
        epsilon = (1 - np.exp(-epsilon * (1 - close))) / ra
    rest = np.exp(-epsilon * (1 - close))
    area_return = -((1 - rest) / epsilon - (1 - close) * rest) / (epsilon * ra)

    # Opening: the growth alpha that makes the flow return to where it began (zero area), by bisection.
    def area(alpha: float) -> float:
        grown = alpha * np.sin(omega * close) - omega * np.cos(omega * close)
        opened = (grown + omega * np.exp(-alpha * close)) / (alpha**2 + omega**2)
        return float(area_return - opened / np.sin(omega * close))

    low, high = -100.0, 1000.0
    sign = np.sign(area(low))
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sign(area(middle)) == sign else (low, middle)
    alpha = (low + high) / 2

    time = np.arange(points) / points
    opening = -np.exp(alpha * (time - close)) * np.sin(omega * time) / np.sin(omega * close)
    returning = -(np.exp(-epsilon * (time - close)) - rest) / (epsilon * ra)
    pulse = np.where(time < close, opening, returning)
    return np.roll(pulse, -round(close * points))


@dataclass(frozen=True)
class GlottalTables:
    """Periods of the pulse for each quality and each range of pitch, at one sample rate."""

    waves: NDArray[np.float32]
    """[qualities, ranges, TABLE_SIZE + 1]; the last sample repeats the first."""
    sample_rate: int

    def lookup(self, phase: Floats, f0_hz: Floats, rd: Floats) -> NDArray[np.float32]:
        """The pulses along a phase.

        Args:
            phase: [time] in periods, rising.
            f0_hz: [time] its rate, which sets the harmonics that fit.
            rd: [time] voice quality.

        Returns:
            [time], RMS about 1.
        """
        ranges = self.waves.shape[1]
        place = np.clip(np.log2(f0_hz / LOWEST_F0_HZ) * RANGES_PER_OCTAVE + 1, 0, ranges - 1.001)
        quality = np.clip(np.interp(rd, RD_GRID, np.arange(len(RD_GRID))), 0, len(RD_GRID) - 1.001)
        column, across = _split(place)
        row, along = _split(quality)
        point, between = _split((phase - np.floor(phase)) * TABLE_SIZE)
        flat = self.waves.reshape(-1)
        base = (row * ranges + column) * (TABLE_SIZE + 1) + np.minimum(point, TABLE_SIZE - 1)

        def at(offset: int) -> NDArray[np.float32]:
            first, second = flat[base + offset], flat[base + offset + 1]
            between_them: NDArray[np.float32] = first + between * (second - first)
            return between_them

        width = TABLE_SIZE + 1
        low: NDArray[np.float32] = at(0)
        low += across * (at(width) - low)
        high = at(ranges * width)
        high += across * (at((ranges + 1) * width) - high)
        low += along * (high - low)
        return low


def _split(values: Floats) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    whole = values.astype(np.int64)
    return whole, (values - whole).astype(np.float32)


def glottal_tables(
    sample_rate: int,
    *,
    even_gain: float = 1.0,
    tilt_db_per_octave: float = 0.0,
    highest_f0_hz: float = 1600.0,
) -> GlottalTables:
    """Solve the pulses for one singer.

    Args:
        sample_rate: of the sound to come, in Hz.
        even_gain: gain of the even harmonics: 1 for a voice, near 0 for a closed pipe such as a clarinet.
        tilt_db_per_octave: slope added to the source's spectrum.
        highest_f0_hz: above it, harmonics would fold back.
    """
    ranges = int(np.ceil(np.log2(highest_f0_hz / LOWEST_F0_HZ) * RANGES_PER_OCTAVE)) + 2
    # Column c serves f0 from LOWEST * 2^((c - 1) / R) to the next, blended with column c + 1, so its
    # harmonics must stay below half the rate up to LOWEST * 2^(c / R).
    top_hz = LOWEST_F0_HZ * 2.0 ** (np.arange(ranges) / RANGES_PER_OCTAVE)
    harmonics = np.minimum((0.5 * sample_rate / top_hz).astype(int), TABLE_SIZE // 2 - 1)
    waves = np.empty((len(RD_GRID), ranges, TABLE_SIZE + 1), np.float32)
    for row, rd in enumerate(RD_GRID):
        # Solved on a finer grid than the table: the folded harmonics of the pulse's corner stay inaudible.
        spectrum = np.fft.rfft(lf_pulse(rd, 8 * TABLE_SIZE))[: TABLE_SIZE // 2 + 1] / 8
        spectrum[0] = 0.0
        spectrum[2::2] *= even_gain
        number = np.maximum(np.arange(len(spectrum)), 1)
        spectrum *= 10 ** (tilt_db_per_octave * np.log2(number) / 20)
        wave = np.fft.irfft(spectrum)
        spectrum /= np.sqrt(np.mean(wave**2))
        for column, count in enumerate(harmonics):
            kept = np.where(np.arange(len(spectrum)) <= count, spectrum, 0)
            waves[row, column, :-1] = np.fft.irfft(kept)
    waves[..., -1] = waves[..., 0]
    return GlottalTables(waves, sample_rate)
