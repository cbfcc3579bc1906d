import numpy as np
import pytest

from stemless.data.glottis import RD_GRID, glottal_tables, lf_pulse


@pytest.mark.parametrize("rd", RD_GRID)
def test_pulse_closes_and_the_flow_returns(rd: float) -> None:
    pulse = lf_pulse(rd, 20000)
    assert pulse.min() == pytest.approx(-1.0, abs=0.01)
    from_closing = (np.argmin(pulse) + 100) % 20000
    assert from_closing == pytest.approx(100, abs=100)
    assert abs(pulse.mean()) < 1e-3 * abs(pulse).mean()
    flow = np.cumsum(np.roll(pulse, 10000))
    assert flow[-1] == pytest.approx(flow[0], abs=0.01 * np.ptp(flow))


def test_breathy_pulses_have_weaker_high_harmonics() -> None:
    slopes = []
    for rd in RD_GRID:
        spectrum = abs(np.fft.rfft(lf_pulse(rd, 8192)))
        slopes.append(20 * np.log10(spectrum[30] / spectrum[1]))
    assert slopes == sorted(slopes, reverse=True)


@pytest.mark.parametrize("f0_hz", [82.0, 311.0, 1046.0])
def test_lookup_has_the_harmonics_and_nothing_between(f0_hz: float) -> None:
    rate = 16000
    f0_hz = round(f0_hz)  # whole periods in one second: every bin is 1 Hz
    phase = np.arange(rate) * f0_hz / rate
    wave = glottal_tables(rate).lookup(phase, np.full(rate, float(f0_hz)), np.ones(rate))
    power = abs(np.fft.rfft(wave.astype(float))) ** 2
    on = np.zeros(len(power), bool)
    on[f0_hz::f0_hz] = True
    assert 10 * np.log10(power[~on].sum() / power.sum()) < -70
    assert np.sqrt(np.mean(wave**2)) == pytest.approx(1, abs=0.15)
    expected = abs(np.fft.rfft(lf_pulse(1.0, 8192)))[:4]
    found = np.sqrt(power[f0_hz * np.arange(1, 4)])
    np.testing.assert_allclose(found / found[0], expected[1:] / expected[1], rtol=0.02)


def test_a_closed_pipe_lacks_even_harmonics() -> None:
    rate, f0 = 16000, 200
    phase = np.arange(rate) * f0 / rate
    wave = glottal_tables(rate, even_gain=0.1).lookup(phase, np.full(rate, 200.0), np.ones(rate))
    whole = glottal_tables(rate).lookup(phase, np.full(rate, 200.0), np.ones(rate))
    harmonics = f0 * np.arange(1, 4)
    ratio = abs(np.fft.rfft(wave))[harmonics] / abs(np.fft.rfft(whole))[harmonics]
    np.testing.assert_allclose(ratio[1:] / ratio[0], (0.1, 1.0), rtol=0.01)
