"""Recordings of one's own as a corpus with stems: what is written, and that a broken run goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from test_estimation import RATE, near, sung

from stemless.errors import AudioError, UsageError
from stemless.voices import estimates
from stemless.voices.corpus import FiledMixture, read_manifest
from stemless.voices.estimates import cut, write_estimates
from stemless.voices.tracks import PitchTracks

SECONDS = 3.0


@pytest.fixture(scope="module")
def lines() -> np.ndarray:
    time = np.arange(round(RATE * SECONDS)) / RATE
    return np.stack([440 * 2 ** (0.25 * np.sin(2 * np.pi * 5.5 * time) / 12), 277 * 2 ** (time / 36)])


@pytest.fixture(scope="module")
def recording(lines: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "duet.wav"
    soundfile.write(path, sum(sung(row) for row in lines), RATE)
    return path


def test_a_recording_becomes_voices_with_their_pitch(
    recording: Path, lines: np.ndarray, tmp_path: Path
) -> None:
    told: list[float] = []
    manifest = write_estimates(
        tmp_path / "own",
        [recording, recording],
        2,
        device="cpu",
        on_progress=lambda done, total: told.append(done / total),
    )
    mixtures = read_manifest(manifest, RATE, 256, with_stems=True)["train"]
    assert len(mixtures) == 2 and told[-1] == 1.0 and told == sorted(told)
    found = mixtures[0]
    assert isinstance(found, FiledMixture)
    example = found.stretch(0.0, round(SECONDS * RATE))
    assert example.stems is not None
    torch.testing.assert_close(example.stems.sum(0), example.audio, atol=1e-3, rtol=0)
    assert near(example.f0_hz.numpy(), lines).min() > 0.9
    for stem, line in zip(example.stems, lines, strict=True):
        alone = torch.from_numpy(sung(line)).float()[: stem.shape[-1]]
        assert float(torch.corrcoef(torch.stack((stem, alone)))[0, 1]) > 0.95


def test_a_broken_run_goes_on_where_it_stopped(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def voices_of(mono: torch.Tensor, *rest: object, **named: object) -> tuple[torch.Tensor, PitchTracks]:
        made.append(len(mono))
        if len(made) == 2:
            raise KeyboardInterrupt
        return torch.stack([mono, mono]) / 2, PitchTracks.regular([[440.0] * 300, [220.0] * 300], 0.01)

    monkeypatch.setattr(estimates, "estimate_voices", voices_of)
    with pytest.raises(KeyboardInterrupt):
        write_estimates(tmp_path / "own", [recording, recording], 2)
    assert not (tmp_path / "own" / "manifest.csv").exists()
    manifest = write_estimates(tmp_path / "own", [recording, recording], 2)
    assert len(made) == 3
    assert len(manifest.read_text().splitlines()) == 3
    with pytest.raises(UsageError, match="voices = 2, not 3"):
        write_estimates(tmp_path / "own", [recording, recording], 3)


def test_pieces_cover_the_recording_and_keep_their_pitch() -> None:
    seconds = 21.0
    stems = torch.randn(2, round(seconds * RATE), generator=torch.Generator().manual_seed(0))
    times = np.arange(round(seconds * 100))
    tracks = PitchTracks.regular(np.stack([200 + times / 100, 100 + times / 100]), 0.01, ("high", "low"))
    pieces = cut(stems, tracks, RATE, 2)
    assert torch.equal(torch.cat([piece.stems[:, 0] for piece in pieces], 1), stems)
    second = pieces[1]
    assert second.names == ("high", "low")
    assert second.f0_hz[:, 200] == pytest.approx([209.0, 109.0], abs=0.1)
    assert second.f0_hz.shape[1] * second.step_seconds == pytest.approx(13.0, abs=0.01)


def test_mistakes_are_told_before_anything_is_written(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one of two voices"):
        write_estimates(tmp_path / "own", [recording], 1)
    with pytest.raises(AudioError, match="missing"):
        write_estimates(tmp_path / "own", [recording, tmp_path / "missing.wav"], 2)
    assert not (tmp_path / "own").exists()
