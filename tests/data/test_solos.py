"""Ensembles of recorded solos: their pitch is where it is said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemless.data.solos import RATE, random_solos, render_solos, track_solo
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import Recording
from stemless.voices.corpus import read_manifest
from stemless.voices.tracks import PitchTracks


def tone(path: Path, f0_hz: float, rate: int = 22050) -> Path:
    time = np.arange(round(1.5 * rate)) / rate
    soundfile.write(path, sum(0.1 / k * np.sin(2 * np.pi * k * f0_hz * time) for k in range(1, 8)), rate)
    return path


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    folder = tmp_path_factory.mktemp("solos")
    kinds = {"flute": 440.0, "tuba": 110.0, "viola": 262.0}
    return [Recording(tone(folder / f"{kind}.wav", f0_hz), kind) for kind, f0_hz in kinds.items()]


def test_a_solo_is_tracked(recordings: list[Recording]) -> None:
    solo = track_solo(recordings[0].audio, "flute")
    voiced = solo.f0_hz[solo.f0_hz > 0]
    assert len(voiced) > 0.9 * len(solo.f0_hz)
    np.testing.assert_allclose(voiced, 440, rtol=0.01)


def test_pieces_have_their_pitch_where_they_sound(recordings: list[Recording]) -> None:
    solos = [track_solo(recording.audio, recording.caption) for recording in recordings]
    ensemble = random_solos(np.random.default_rng(3), solos, 4.0, voices=2)
    assert ensemble.sample_rate == RATE
    step = round(ensemble.step_seconds * RATE)
    checked = 0
    for stem, f0_hz in zip(ensemble.stems[:, 0], ensemble.f0_hz, strict=True):
        for frame in range(20, len(f0_hz) - 20, 10):
            around = f0_hz[frame - 8 : frame + 9]
            if around.min() <= 0 or np.ptp(around) > 0.01 * around.min():
                continue
            part = stem[(frame - 8) * step : (frame + 9) * step].numpy()
            spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 16384))
            bins = np.round(np.arange(1, 6) * f0_hz[frame] * 16384 / RATE).astype(int)
            strong = sum(spectrum[b - 12 : b + 13].max() for b in bins)
            between = sum(spectrum[b - 12 : b + 13].max() for b in bins + round(bins[0] / 2))
            checked += 1
            assert strong > 2 * between
    assert checked > 10


def test_a_corpus_can_be_read_and_goes_on(recordings: list[Recording], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    manifest, remarks = render_solos(
        tmp_path / "c", recordings, 2, 1.5, 5, stems=True, on_progress=lambda *at: told.append(at)
    )
    assert remarks == [] and told[-1] == (5, 5)
    first, _ = read_manifest(manifest, RATE, 256, with_stems=True)["train"]
    example = first.stretch(0.0, RATE)
    assert example.stems is not None
    assert float((example.audio - example.stems.sum(0)).abs().max()) < 3e-3
    kept = (tmp_path / "c/00001/mixture.flac").read_bytes()
    (tmp_path / "c/00001/mixture.flac").unlink()
    render_solos(tmp_path / "c", recordings, 2, 1.5, 5, stems=True)
    assert (tmp_path / "c/00001/mixture.flac").read_bytes() == kept
    assert PitchTracks.from_csv(tmp_path / "c/00000/f0.csv").voices >= 2
    with pytest.raises(UsageError, match="seed"):
        render_solos(tmp_path / "c", recordings, 2, 1.5, 6, stems=True)


def test_what_has_no_pitch_is_left_out_and_named(recordings: list[Recording], tmp_path: Path) -> None:
    noise, silence, broken = (tmp_path / f"{name}.wav" for name in ("noise", "silence", "broken"))
    soundfile.write(noise, 0.1 * np.random.default_rng(0).standard_normal(RATE), RATE)
    soundfile.write(silence, np.zeros(RATE), RATE)
    broken.write_text("no audio")
    bad = [Recording(path, path.stem) for path in (noise, silence, broken)]
    _, remarks = render_solos(tmp_path / "c", [*recordings, *bad], 1, 1.0, 0)
    assert len(remarks) == 3
    for path, remark in zip((noise, silence, broken), remarks, strict=True):
        assert str(path) in remark
    with pytest.raises(StemlessError, match="none of 3"):
        render_solos(tmp_path / "d", bad, 1, 1.0, 0)
