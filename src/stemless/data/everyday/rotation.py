"""What goes round and round: harmonics of a rate that wanders."""

from __future__ import annotations

import numpy as np

from stemless.data.everyday.stage import Stage, Wave

_WAVE = 4096


def turning(stage: Stage, rate_hz: Wave, gains: Wave) -> Wave:
    """Harmonics of a rate that may wander, those below half the sample rate, with random phases: [samples].

    Args:
        rate_hz: [samples].
        gains: [harmonics] of the first, second, ...
    """
    kept = min(len(gains), max(1, int(0.48 * stage.sample_rate / float(np.max(rate_hz)))))
    spectrum = np.zeros(_WAVE // 2 + 1, complex)
    phases = stage.generator.uniform(0, 2 * np.pi, kept)
    spectrum[1 : kept + 1] = gains[:kept] * np.exp(1j * phases)
    wave = np.fft.irfft(spectrum) * _WAVE / 2
    wave = np.append(wave, wave[0])
    turns = stage.phase(rate_hz)
    return np.interp((turns - np.floor(turns)) * _WAVE, np.arange(_WAVE + 1), wave)


def falling(stage: Stage, count: int, db_per_octave: float, unevenness: float) -> Wave:
    """Gains of harmonics that fall evenly but for chance: [count]."""
    steady_fall = 10 ** (-db_per_octave * np.log2(np.arange(1, count + 1)) / 20)
    gains: Wave = steady_fall * stage.spread(count, unevenness)
    return gains
