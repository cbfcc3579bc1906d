"""Filters by their gain: curves of decibels over frequency, standing still or moving.

All have zero phase, so that nothing is delayed; what must ring is made of modes (`events`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stemless.data.everyday.stage import Points, Stage, Wave

# Room at the end for what a filter spreads, so that it does not come round to the start.
SPREAD_SECONDS = 0.1
FRAME = 512
HOP = 128


def fast_length(samples: int) -> int:
    """The next length that transforms fast: a multiple of a power of two near a sixteenth of it.

    >>> fast_length(100_000)
    102400
    """
    grain = 1 << max(0, int(samples).bit_length() - 5)
    return -(-samples // grain) * grain


def gain_curve(frequencies_hz: Wave, points: Points) -> Wave:
    """Gains along straight lines of decibels over the logarithm of frequency.

    Args:
        frequencies_hz: [bins].
        points: (frequency in Hz, level in dB), rising.

    >>> gain_curve(np.array([100.0, 1000.0]), [(100, 0), (10000, -40)]).round(3).tolist()
    [1.0, 0.1]
    """
    places, levels = zip(*points, strict=True)
    level_db = np.interp(np.log(np.maximum(frequencies_hz, 1e-3)), np.log(places), levels)
    gains: Wave = 10 ** (level_db / 20)
    return gains


def shaped(signal: Wave, points: Points, sample_rate: int) -> Wave:
    """A signal through a filter given by `gain_curve`'s points: [samples]."""
    size = fast_length(len(signal) + int(SPREAD_SECONDS * sample_rate))
    frequencies = np.fft.rfftfreq(size, 1 / sample_rate).astype(np.float64)
    spectrum = np.fft.rfft(signal, size) * gain_curve(frequencies, points)
    return np.fft.irfft(spectrum, size)[: len(signal)]


def noise(stage: Stage, points: Points) -> Wave:
    """Noise of unit deviation with a spectrum given by points of (Hz, dB): [samples]."""
    return steady(shaped(stage.noise(), points, stage.sample_rate))


def band_noise(stage: Stage, centre_hz: float, octaves: float) -> Wave:
    """Noise of unit deviation in a bell of so many octaves (one deviation to each side): [samples]."""
    size = fast_length(stage.samples + int(SPREAD_SECONDS * stage.sample_rate))
    frequencies = np.fft.rfftfreq(size, 1 / stage.sample_rate).astype(np.float64)
    spectrum = np.fft.rfft(stage.noise(), size) * bell(frequencies, centre_hz, octaves)
    return steady(np.fft.irfft(spectrum, size)[: stage.samples])


def steady(signal: Wave) -> Wave:
    """The signal at unit deviation; silence stays silence."""
    level = float(np.sqrt(np.mean(np.square(signal)))) if len(signal) else 0.0
    return signal / level if level > 0 else signal


def bell(frequencies_hz: Wave, centre_hz: Wave | float, octaves: Wave | float) -> Wave:
    """Gain of a bell about a centre, a Gaussian over the logarithm of frequency; shapes broadcast."""
    away = np.log2(np.maximum(frequencies_hz, 1.0) / centre_hz) / octaves
    gains: Wave = np.exp(-0.5 * np.square(away))
    return gains


def low_pass(frequencies_hz: Wave, cutoff_hz: Wave | float, order: float = 2.0) -> Wave:
    """Gain of a Butterworth low-pass; shapes broadcast."""
    gains: Wave = 1 / np.sqrt(1 + (frequencies_hz / cutoff_hz) ** (2 * order))
    return gains


def frame_frequencies(sample_rate: int) -> Wave:
    """Frequencies of the bins that `moving` takes gains for: [bins]."""
    return np.fft.rfftfreq(FRAME, 1 / sample_rate).astype(np.float64)


def frames_of(curve: Wave) -> Wave:
    """A curve over samples at the centres of `moving`'s frames, as a column: [frames, 1]."""
    centres = np.arange(frame_count(len(curve))) * HOP
    return curve[np.minimum(centres, len(curve) - 1)][:, None]


def frame_count(samples: int) -> int:
    """Frames of `moving` over so many samples."""
    return samples // HOP + 2


def moving(signal: Wave, gains: Wave) -> Wave:
    """A signal through a filter that changes: windowed frames, each with its own gains, overlapped.

    Args:
        signal: [samples].
        gains: [frames, bins] at `frame_frequencies`, frame t centred on sample t * HOP.

    Returns:
        [samples]; gains of 1 give the signal back.
    """
    # A frame more at each end, for the samples there that lie under three frames only.
    padded_gains = np.pad(gains, ((1, 1), (0, 0)), mode="edge")
    frames = len(padded_gains)
    start = FRAME // 2 + HOP
    window = np.hanning(FRAME + 1)[:-1]
    padded = np.zeros((frames - 1) * HOP + FRAME)
    padded[start : start + len(signal)] = signal
    cut: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    changed = np.fft.irfft(np.fft.rfft(cut * window) * padded_gains, FRAME) * window
    blocks = FRAME // HOP
    out = np.zeros((frames + blocks - 1, HOP))
    for block in range(blocks):
        out[block : block + frames] += changed[:, block * HOP : (block + 1) * HOP]
    # Squared Hann windows a quarter apart sum to 3/2.
    return out.reshape(-1)[start : start + len(signal)] / 1.5
