from pathlib import Path

import numpy as np
import pytest
import soundfile

from stemless.data.quartets import random_quartet
from stemless.data.rendering import render_corpus
from stemless.errors import UsageError
from stemless.voices.corpus import read_manifest
from stemless.voices.tracks import PitchTracks


def test_corpus_can_be_read_for_training(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    manifest = render_corpus(
        tmp_path / "c",
        2,
        1.0,
        7,
        voices=3,
        stems=True,
        on_progress=lambda done, all: seen.append((done, all)),
    )
    assert seen == [(1, 2), (2, 2)]
    mixtures = read_manifest(manifest, 16000, 256, with_stems=True)["train"]
    example = mixtures[0].stretch(0.0, 16000)
    assert example.stems is not None and example.stems.shape == (3, 16000)
    assert float((example.audio - example.stems.sum(0)).abs().max()) < 3e-3
    ensemble = random_quartet(np.random.default_rng((7, 0)), 1.0, voices=3)
    tracks = PitchTracks.from_csv(tmp_path / "c/00000/f0.csv")
    assert tracks.names == ensemble.names
    np.testing.assert_allclose(tracks.f0_hz, ensemble.f0_hz[:, ::2], atol=1e-3)


def test_corpus_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = render_corpus(tmp_path / "whole", 3, 0.6, 1).parent
    part = render_corpus(tmp_path / "part", 2, 0.6, 1).parent
    kept = (part / "00001/mixture.flac").stat().st_mtime_ns
    (part / "00000/mixture.flac").unlink()
    render_corpus(part, 3, 0.6, 1)
    assert (part / "00001/mixture.flac").stat().st_mtime_ns == kept
    for index in range(3):
        name = f"{index:05d}/mixture.flac"
        np.testing.assert_array_equal(soundfile.read(whole / name)[0], soundfile.read(part / name)[0])
    assert (whole / "manifest.csv").read_text() == (part / "manifest.csv").read_text()


def test_other_corpora_and_folders_are_left_alone(tmp_path: Path) -> None:
    render_corpus(tmp_path / "c", 1, 0.6, 1, voices=2)
    with pytest.raises(UsageError, match="seed = 1, not 2"):
        render_corpus(tmp_path / "c", 1, 0.6, 2, voices=2)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        render_corpus(tmp_path / "d", 1, 0.6, 1)
    with pytest.raises(UsageError, match="at least 1"):
        render_corpus(tmp_path / "e", 0, 0.6, 1)
