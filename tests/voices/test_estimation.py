"""The shipped pitch model on voices whose pitch is known, and the four forms."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

import stemless
from stemless.errors import UsageError
from stemless.voices.decoding import DecodingConfig
from stemless.voices.estimation import PitchEstimator
from stemless.voices.tracks import PitchTracks

RATE = 16000
SECONDS = 3.0


def sung(f0_hz: np.ndarray) -> np.ndarray:
    """A voice with formants of an "a" at f0 [samples]."""
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    total = np.zeros_like(phase)
    for k in range(1, 40):
        level = sum(1 / (1 + ((k * f0_hz - centre) / 120) ** 2) for centre in (700, 1150, 2700))
        total += np.where(k * f0_hz < 7500, (level + 0.03) / k**0.5, 0) * np.sin(k * phase)
    return 0.05 * total


@pytest.fixture(scope="module")
def lines() -> np.ndarray:
    """f0 of three voices [3, samples], with vibrato; the lowest rests in the middle of the recording."""
    time = np.arange(round(RATE * SECONDS)) / RATE
    vibrato = 2 ** (0.25 * np.sin(2 * np.pi * 5.5 * time) / 12)
    rows = np.stack([440 * vibrato, 330 * 2 ** (time / 36), np.where(abs(time - 1.5) < 0.5, 0, 131.0)])
    return rows


@pytest.fixture(scope="module")
def trio(lines: np.ndarray) -> torch.Tensor:
    mixture = sum(sung(np.maximum(row, 1)) * (row > 0) for row in lines)
    return torch.from_numpy(mixture).float()


@pytest.fixture(scope="module")
def estimator() -> PitchEstimator:
    return PitchEstimator(device="cpu")


def near(found: np.ndarray, lines: np.ndarray, cents: float = 50) -> np.ndarray:
    """Of each voice's sounding frames, the share whose pitch was found."""
    wanted = lines[:, :: RATE * 16 // 1000][:, : found.shape[1]]
    found = found[:, : wanted.shape[1]]
    off = 1200 * np.abs(np.log2(np.maximum(found, 1) / np.maximum(wanted, 1)))
    return ((off < cents) & (wanted > 0)).sum(1) / (wanted > 0).sum(1)


def test_three_voices_are_followed(estimator: PitchEstimator, trio: torch.Tensor, lines: np.ndarray) -> None:
    found = estimator.estimate(trio, 3, RATE)
    assert found.tracks.names == ("voice 1", "voice 2", "voice 3")
    assert near(found.tracks.f0_hz, lines).min() > 0.9
    assert found.confidence.shape == found.tracks.f0_hz.shape
    assert (found.confidence[found.tracks.f0_hz == 0] == 0).all()
    assert found.confidence[found.tracks.f0_hz > 0].mean() > 0.5


def test_two_channels_at_another_rate_give_the_same_pitch(
    estimator: PitchEstimator, trio: torch.Tensor, lines: np.ndarray
) -> None:
    stereo = torch.from_numpy(librosa.resample(trio.numpy(), orig_sr=RATE, target_sr=44100)).expand(2, -1)
    found = estimator.estimate(stereo, 3, 44100)
    assert near(found.tracks.f0_hz, lines).min() > 0.9


def test_a_solo_is_followed_as_well_as_by_pyin(estimator: PitchEstimator, lines: np.ndarray) -> None:
    row = lines[:1]
    solo = sung(row[0])
    found = estimator.estimate(torch.from_numpy(solo).float(), 1, RATE).tracks.f0_hz
    pyin, voiced, _ = librosa.pyin(solo, fmin=100, fmax=900, sr=RATE, hop_length=256, frame_length=1024)
    ours, theirs = near(found, row, 30), near(np.where(voiced, pyin, 0)[None], row, 30)
    assert ours[0] > theirs[0] - 0.02


def test_refinement_follows_what_rounded_tracks_leave_out(
    estimator: PitchEstimator, trio: torch.Tensor, lines: np.ndarray
) -> None:
    frames = lines[:, ::256]
    with np.errstate(divide="ignore"):
        midi = np.round(12 * np.log2(frames / 440))
    rounded = np.where(frames > 0, 440 * 2 ** (midi / 12), 0)
    rounded[0, 60:75] = 0  # missed voicing
    given = PitchTracks.regular(rounded, 0.016, ["a", "b", "c"])
    refined = estimator.refine(trio, given, RATE)
    assert refined.tracks.names == ("a", "b", "c")
    before, after = near(given.f0_hz, lines, 20), near(refined.tracks.f0_hz, lines, 20)
    assert (after >= before - 0.02).all()
    assert after[:2].min() > 0.8 > before[:2].max()


def test_nothing_is_heard_in_silence(estimator: PitchEstimator) -> None:
    found = estimator.estimate(torch.zeros(RATE), 2, RATE)
    assert (found.tracks.f0_hz == 0).all()
    assert any("not found at all" in warning for warning in found.warnings)


def test_the_same_audio_gives_the_same_pitch(estimator: PitchEstimator, trio: torch.Tensor) -> None:
    first, again = estimator.estimate(trio, 3, RATE), estimator.estimate(trio, 3, RATE)
    assert first.tracks.f0_hz.tobytes() == again.tracks.f0_hz.tobytes()


def test_unison_is_told_with_its_time(estimator: PitchEstimator) -> None:
    time = np.arange(RATE * 2) / RATE
    low = np.where(time < 1, 196.0, 261.6)
    mixture = sung(np.full_like(time, 261.6)) + sung(low)
    warnings = estimator.estimate(torch.from_numpy(mixture).float(), 2, RATE).warnings
    assert any("unison at" in warning or "not found" in warning for warning in warnings)


def test_the_four_forms_agree(tmp_path: Path, trio: torch.Tensor) -> None:
    for name in ("a", "b"):
        soundfile.write(tmp_path / f"{name}.wav", trio.numpy(), RATE, subtype="FLOAT")
    memory = stemless.pitch(trio, 3, RATE, names=("x", "y", "z"))
    filed = stemless.pitch_from_file(tmp_path / "a.wav", 3)
    np.testing.assert_array_equal(memory.tracks.f0_hz, filed.tracks.f0_hz)
    assert memory.tracks.names == ("x", "y", "z")
    stemless.pitch_from_file_to_file(tmp_path / "a.wav", tmp_path / "a.csv", 3)
    outputs = [tmp_path / "c.csv", tmp_path / "d.csv"]
    stemless.pitch_from_files_to_files([tmp_path / "a.wav", tmp_path / "b.wav"], outputs, 3)
    for path in (tmp_path / "a.csv", *outputs):
        np.testing.assert_allclose(PitchTracks.from_csv(path).f0_hz, filed.tracks.f0_hz, atol=1e-3)
    with pytest.raises(UsageError, match="exists already"):
        stemless.pitch_from_file_to_file(tmp_path / "a.wav", tmp_path / "a.csv", 3)
    refined = stemless.refine_pitch(tmp_path / "a.wav", filed.tracks)
    assert refined.tracks.names == filed.tracks.names


@pytest.mark.parametrize(
    ("voices", "names", "message"),
    [(0, (), "0 voices"), (7, (), "7 voices"), (2, ("a",), "1 names for 2")],
)
def test_impossible_numbers_are_refused(voices: int, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        stemless.pitch(torch.zeros(100), voices, RATE, names=names)


def test_each_recording_needs_an_output_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="its own"):
        stemless.pitch_from_files_to_files(["a", "b"], [tmp_path / "x", tmp_path / "x"], 2)


def test_voices_rest_as_much_as_one_asks(trio: torch.Tensor) -> None:
    shares = []
    for bias in (3.0, 0.0, -6.0):
        estimator = PitchEstimator(device="cpu", decoding=DecodingConfig(bias=bias))
        shares.append(float((estimator.estimate(trio, 3, RATE).tracks.f0_hz > 0).mean()))
    assert shares[0] >= shares[1] > shares[2]
