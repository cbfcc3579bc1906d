"""The harmonic spectrum against sines, the targets and pieces against their definition."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from stemless import checkpoint
from stemless.errors import CheckpointError, UsageError
from stemless.voices import salience
from stemless.voices.salience import (
    KIND,
    HarmonicSpectrum,
    SalienceConfig,
    SalienceNetwork,
    load_salience,
    log_frequency_filters,
    salience_of,
    targets_of,
)

SMALL = SalienceConfig(channels=4, harmonics=(0.5, 1, 2, 3), windows=(4096, 1024))


def test_filters_are_means() -> None:
    config = SalienceConfig()
    filters = log_frequency_filters(config, 4096)
    sums = filters.sum(1)
    assert torch.all((sums - 1).abs().lt(1e-5) | sums.eq(0))
    centres = config.lowest_hz * 2 ** ((torch.arange(len(sums)) + min(config.shifts)) / 60)
    assert (sums.eq(0) == (centres > 8000)).all()
    assert float(filters.min()) >= 0


@pytest.mark.parametrize("f0_hz", [82.4, 220.0, 523.3])
@pytest.mark.parametrize("harmonic", [1, 2, 3])
def test_a_partial_lies_where_the_pitch_is_in_its_channel(f0_hz: float, harmonic: int) -> None:
    config = SMALL
    time = torch.arange(16000) / 16000
    spectrum = HarmonicSpectrum(config)(torch.sin(2 * torch.pi * harmonic * f0_hz * time)[None])
    channel = spectrum[0, config.harmonics.index(harmonic)]  # of the long window
    found = config.hz_of(channel[:, 30].argmax().double())
    # A bin of 20 cents, and what the STFT blurs at the bottom.
    assert abs(1200 * np.log2(float(found) / f0_hz)) < 12 + 1200 * 0.3 * 3.9 / (f0_hz * harmonic)


def test_channels_of_harmonics_are_the_same_spectrum_shifted() -> None:
    spectrum = HarmonicSpectrum(SMALL)(0.1 * torch.randn(1, 8000))
    fundamental, octave = spectrum[0, 1], spectrum[0, 2]
    torch.testing.assert_close(fundamental[60:], octave[:-60])


def test_targets_are_bells_around_each_voice() -> None:
    config = SalienceConfig()
    f0_hz = torch.tensor([[[110.0, 0.0], [220.0, 0.0]]])
    targets = targets_of(f0_hz, config)
    assert targets.shape == (1, config.bins, 2)
    assert targets[0, :, 0].topk(2).indices.sort().values.tolist() == [60, 120]
    assert float(targets[0, 61, 0]) == pytest.approx(np.exp(-0.5))
    assert float(targets[..., 1].max()) == 0


def test_a_long_recording_in_pieces_is_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = SalienceNetwork(SMALL).eval()
    mono = 0.1 * torch.randn(16000 * 5)
    whole = salience_of(mono, network)
    told: list[tuple[float, float]] = []
    monkeypatch.setattr(salience, "CHUNK_SECONDS", 1.6)
    pieces = salience_of(mono, network, on_progress=lambda done, total: told.append((done, total)))
    assert pieces.shape == whole.shape == (SMALL.bins, 1 + 80000 // 256)
    np.testing.assert_allclose(pieces, whole, atol=0.05)  # bfloat16
    assert told[-1][0] == pytest.approx(told[-1][1])


def test_silence_and_a_single_sample_pass() -> None:
    network = SalienceNetwork(SMALL).eval()
    for samples in (0, 1, 100, 4000):
        assert np.isfinite(salience_of(torch.zeros(samples), network)).all()


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    network = SalienceNetwork(SMALL).eval()
    config = {"kind": KIND, "model": dataclasses.asdict(SMALL)}
    checkpoint.save(tmp_path / "model", config, network.state_dict(), "# card\n")
    again = load_salience(tmp_path / "model")
    assert again.config == SMALL
    mono = 0.1 * torch.randn(8000)
    np.testing.assert_array_equal(salience_of(mono, again), salience_of(mono, network))


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "model", {"kind": "voices/network"}, {"a": torch.zeros(1)}, "# card\n")
    with pytest.raises(CheckpointError, match="not one that tells pitches"):
        load_salience(tmp_path / "model")


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    config = {"kind": KIND, "model": {"channels": 4}}
    checkpoint.save(tmp_path / "model", config, {"a": torch.zeros(1)}, "# card\n")
    with pytest.raises(CheckpointError, match="do not fit"):
        load_salience(tmp_path / "model")


def test_impossible_settings_are_refused() -> None:
    for settings in ({"windows": (512,)}, {"bins": 0}, {"lowest_hz": 5000.0}):
        with pytest.raises((ValueError, UsageError)):
            SalienceConfig(**settings)
