"""Quartets of estimates of a made-up choir, so that they are checked without the recordings."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import choir_pitch
from stemless.configuration import load_configuration
from stemless.voices.corpus import FiledMixture, read_manifest
from stemless.voices.pitch_training import PitchTrainingConfig
from stemless.voices.tracks import PitchTracks

DUETS = ["A2_B4", "S2_T4", "S2_A4", "T2_B4"]
HZ = {"S2": 500.0, "A2": 400.0, "A4": 410.0, "T4": 300.0, "T2": 290.0, "B4": 100.0}


def test_quartets_hold_the_voices_of_two_duets_in_the_order_of_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choir_pitch, "chosen_keys", lambda voices: DUETS)
    monkeypatch.setattr(
        choir_pitch, "in_splits", lambda row, validates: [{**row, "split": "train", "start": 0.0, "end": 3.0}]
    )
    for key in DUETS:
        names = key.split("_")
        for name in names:
            tone = 0.1 * np.sin(2 * np.pi * HZ[name] * np.arange(3 * 16000) / 16000)
            soundfile.write(tmp_path / f"{key}_{name}.wav", tone, 16000, subtype="FLOAT")
        tracks = PitchTracks.regular([[HZ[name]] * 188 for name in names], 0.016)
        tracks.to_csv(tmp_path / f"{key}_0.csv")
    manifest = choir_pitch.write_quartets(tmp_path, 0)
    train_on = read_manifest(manifest, 16000, 256, with_stems=True)["train"]
    assert len(train_on) == 2
    for mixture, singers in zip(train_on, (("S2", "A2", "T4", "B4"), ("S2", "A4", "T2", "B4")), strict=True):
        assert isinstance(mixture, FiledMixture)
        assert mixture.tracks.names == ("soprano", "alto", "tenor", "bass")
        example = mixture.stretch(1.0, 16000)
        assert example.f0_hz[:, 10].tolist() == pytest.approx([HZ[name] for name in singers])
        assert example.stems is not None
        torch.testing.assert_close(example.stems.sum(0), example.audio, atol=1e-5, rtol=0)
        spectra = torch.fft.rfft(example.stems).abs()
        assert spectra.argmax(1).tolist() == [HZ[name] for name in singers]


def test_settings_of_the_training_are_there() -> None:
    config = load_configuration(
        PitchTrainingConfig,
        choir_pitch.SETTINGS,
        ["corpora=[x.csv]", f"licence_of_data={choir_pitch.LICENCE}"],
    )
    assert config.start == "pitch" and config.licence_of_data == choir_pitch.LICENCE
