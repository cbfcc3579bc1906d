"""What single families promise: bubbles, harmonics, engines, sirens, bells, throats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stemless.data.everyday.hands import clap_bank
from stemless.data.everyday.rotation import falling, turning
from stemless.data.everyday.signals import CHURCH_BELL, bell_body, siren_pitch
from stemless.data.everyday.spectra import noise
from stemless.data.everyday.stage import Stage, Wave
from stemless.data.everyday.vehicles import firing
from stemless.data.everyday.voice import VOWELS, Throat, call
from stemless.data.everyday.water import bubble_bank

RATE = 16000


def _stage(seconds: float = 2.0, seed: int = 0) -> Stage:
    return Stage(np.random.default_rng(seed), seconds, RATE)


def _spectrum(sound: Wave) -> tuple[Wave, Wave]:
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE).astype(np.float64)
    return frequencies, np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).astype(np.float64)


def _pitch_hz(sound: Wave, low_hz: float, high_hz: float) -> float:
    """The strongest periodicity in a range, by autocorrelation."""
    size = 2 * len(sound)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(sound, size)) ** 2)[: len(sound)]
    first, last = int(RATE / high_hz), int(RATE / low_hz)
    return RATE / (first + int(np.argmax(correlation[first : last + 1])))


def test_harmonics_are_where_and_as_strong_as_asked_for() -> None:
    stage = _stage()
    sound = turning(stage, np.full(stage.samples, 300.0), np.array([1.0, 0.0, 0.5]))
    frequencies, spectrum = _spectrum(sound)
    peak = {hz: spectrum[np.argmin(np.abs(frequencies - hz))] for hz in (300, 600, 900, 1200)}
    assert peak[900] / peak[300] == pytest.approx(0.5, rel=0.01)
    assert max(peak[600], peak[1200]) < 1e-3 * peak[300]


def test_harmonics_do_not_fold_back() -> None:
    stage = _stage()
    sound = turning(stage, np.full(stage.samples, 1900.0), np.ones(60))
    frequencies, spectrum = _spectrum(sound)
    off = np.abs(frequencies / 1900 - np.round(frequencies / 1900)) > 0.02
    assert spectrum[off].max() < 2e-3 * spectrum.max()


def test_falling_harmonics_fall() -> None:
    assert 20 * np.log10(falling(_stage(), 8, 6.0, 0.0)[[1, 3, 7]]) == pytest.approx([-6, -12, -18])


@pytest.mark.parametrize(("rpm", "cylinders"), [(900, 4), (1500, 6), (3000, 2)])
def test_an_engine_fires_at_the_rate_of_its_cylinders(rpm: float, cylinders: int) -> None:
    stage = _stage()
    sound = firing(stage, np.full(stage.samples, rpm), cylinders, 0.0)
    fires_hz = rpm / 120 * cylinders
    assert _pitch_hz(sound, 0.7 * fires_hz, 1.4 * fires_hz) == pytest.approx(fires_hz, rel=0.03)


def test_a_small_bubble_rings_at_the_pitch_of_its_size() -> None:
    bank = bubble_bank(_stage(), 999, 1001, rising=0.0, count=3)
    frequencies, spectrum = _spectrum(np.pad(bank[0], (0, RATE)))
    unwindowed = np.abs(np.fft.rfft(np.pad(bank[0], (0, RATE))))
    assert frequencies[np.argmax(unwindowed)] == pytest.approx(1000, abs=12)
    # van den Doel: d = 0.13 / r + 0.0072 r^-3/2 with r = 3 / f.
    damping = 0.13 / 0.003 + 0.0072 * 0.003**-1.5
    crests = [np.abs(bank[0][start : start + 32]).max() for start in (0, 320)]
    assert np.log(crests[0] / crests[1]) == pytest.approx(damping * 0.02, rel=0.1)
    assert len(spectrum) == len(unwindowed)


def test_a_rising_bubble_rises() -> None:
    still, rising = (bubble_bank(_stage(), 800, 800, up, 8) for up in (0.0, 0.8))
    crossings = [np.mean(np.abs(np.diff(np.sign(bank[:, 200:400]), axis=1)) > 0) for bank in (still, rising)]
    assert crossings[1] > 1.02 * crossings[0]


@pytest.mark.parametrize("kind", ["wail", "yelp", "two-tone"])
def test_a_siren_sweeps_its_range_in_its_time(kind: str) -> None:
    stage = _stage(8.0)
    pitch = siren_pitch(stage, 500, 1200, 2.0, kind)
    assert pitch.min() == pytest.approx(500, rel=0.01) and pitch.max() == pytest.approx(1200, rel=0.01)
    # A turn later it is the same, but for a sample at the jumps.
    apart = np.abs(pitch[: 4 * RATE] / pitch[2 * RATE : 6 * RATE] - 1)
    assert np.mean(apart < 0.01) > 0.999
    # What is heard follows it: the strongest line of a short piece lies on the pitch.
    sound = turning(stage, pitch, np.array([1.0, 0.2]))
    for start in (3000, 20000, 50000):
        piece, wanted = sound[start : start + 1600], pitch[start : start + 1600]
        if np.ptp(wanted) < 60:
            frequencies, spectrum = _spectrum(piece)
            assert frequencies[np.argmax(spectrum)] == pytest.approx(wanted.mean(), abs=25)


def test_a_church_bell_has_its_partials() -> None:
    body = bell_body(_stage(), 1000.0, 8.0, 0.0)
    assert body.frequencies_hz[::2] == pytest.approx(1000 * np.array(CHURCH_BELL))
    beats = body.frequencies_hz[1::2] - body.frequencies_hz[::2]
    assert np.all((beats >= 0) & (beats <= 3))
    assert body.t60_seconds[0] > body.t60_seconds[-1]


def test_claps_are_short() -> None:
    for clap in clap_bank(_stage(), 12):
        energy = np.cumsum(clap**2) / np.sum(clap**2)
        assert np.searchsorted(energy, 0.9) < 0.03 * RATE


@pytest.mark.parametrize("f0_hz", [95.0, 220.0, 440.0])
def test_a_call_has_its_pitch(f0_hz: float) -> None:
    smooth = Throat(rough=0.0, breath_db=-60)
    sound = call(_stage(0.6), smooth, ((0, f0_hz), (1, f0_hz)), ((0, 0), (1, 0)), [(0, VOWELS["a"])])
    assert _pitch_hz(sound, 0.75 * f0_hz, 1.4 * f0_hz) == pytest.approx(f0_hz, rel=0.04)
    assert np.sqrt(np.mean(sound**2)) == pytest.approx(1)


@pytest.mark.parametrize("tract", [1.0, 1.4])
def test_breath_shows_the_formants_of_the_tract(tract: float) -> None:
    silent = ((0, -120.0), (1, -120.0))
    throat = Throat(tract=tract, width=0.8)
    sound = call(
        _stage(4.0), throat, ((0, 100), (1, 100)), silent, [(0, VOWELS["i"])], breath_db=((0, 0), (1, 0))
    )
    frequencies, spectrum = _spectrum(sound)
    second = VOWELS["i"][1] * tract
    near = (frequencies > 0.6 * second) & (frequencies < 1.2 * second)
    smooth = np.convolve(spectrum**2, np.ones(400) / 400, "same")
    assert frequencies[near][np.argmax(smooth[near])] == pytest.approx(second, rel=0.06)


def test_a_bright_throat_is_bright() -> None:
    dull = Throat()
    spectra = []
    for throat in (dull, replace(dull, bright_db=18)):
        sound = call(_stage(0.5), throat, ((0, 300), (1, 300)), ((0, 0), (1, 0)), [(0, VOWELS["ae"])])
        frequencies, spectrum = _spectrum(sound)
        high = (frequencies > 5000) & (frequencies < 7500)
        spectra.append(20 * np.log10(spectrum[high].mean() / spectrum[frequencies < 1000].mean()))
    assert spectra[1] - spectra[0] == pytest.approx(15, abs=3)


def test_hissing_rain_leaves_no_tone() -> None:
    sound = noise(_stage(4.0), [(100, -20), (3000, 0)])
    _, spectrum = _spectrum(sound)
    power = spectrum[4000:20000] ** 2
    # Noise: no bin stands out by more than chance allows.
    assert 10 * np.log10(power.max() / power.mean()) < 14
