"""The data side of the choir benchmark on a made-up choir, so that it is checked without the recordings."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import choir_data
from stemless.voices.corpus import read_manifest


def test_edges_that_glide_to_zero_are_mended() -> None:
    f0_hz = np.array(
        [[0, 0, 142, 387, 387, 380, 211, 0, 0, 35, 392, 392, 390, 0, 383, 0, 0.2, 300, 300]], np.float32
    )
    mended = choir_data.without_edge_glides(f0_hz)[0].tolist()
    # Less than half is left: unvoiced. More than half: the neighbour's f0. A true pitch stays.
    assert mended == [0, 0, 0, 387, 387, 380, 380, 0, 0, 0, 392, 392, 390, 0, 383, 0, 0, 300, 300]


def test_a_steady_edge_stays() -> None:
    f0_hz = np.array([[0, 200, 201, 202, 199, 0], [0, 400, 390, 380, 400, 0]], np.float32)
    assert np.array_equal(choir_data.without_edge_glides(f0_hz), f0_hz)


def test_test_mixtures_are_those_of_the_protocol() -> None:
    assert choir_data.test_keys(2) == ["S4_A4", "S4_T4", "S4_B4", "A4_T4", "A4_B4", "T4_B4"]
    assert choir_data.test_keys(4) == ["S2_A2_T2_B2", "S3_A3_T3_B3", "S4_A4_T4_B4"]
    assert choir_data.TEST_STARTS_SECONDS == (68, 72, 76, 80, 84, 88, 92, 96)


@pytest.fixture
def choir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four singers of 70 s, and the tracks of two duets and one quartet."""
    folder = tmp_path / "data" / "choir"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for part in choir_data.PARTS.values():
        soundfile.write(folder / f"nino_dios_{part}_4.flac", 0.1 * random.standard_normal(70 * 16000), 16000)
    tracks = {key: np.full((4375, 2), 200.0, np.float32) for key in ("S4_A4", "T4_B4")}
    np.savez(folder / "multif0_2_voices.npz", **tracks)
    np.savez(folder / "multif0_4_voices.npz", S4_A4_T4_B4=np.full((4375, 4), 200.0, np.float32))
    monkeypatch.setenv("STEMLESS_DATA", str(tmp_path / "data"))
    return tmp_path


def test_training_never_hears_the_test(choir: Path) -> None:
    for voices, train, validation in ((2, 2, 2), (4, 3, 1)):
        manifest = choir_data.write_corpus(voices, choir / "corpus")
        corpus = read_manifest(manifest, 16000, 256, with_stems=True)
        assert [len(corpus["train"]), len(corpus["validation"])] == [train, validation]
        assert max(mixture.span_seconds[1] for mixture in corpus["train"]) == 60.0
        assert all(mixture.span_seconds == (60.0, 68.0) for mixture in corpus["validation"])
        assert all(mixture.voices == voices for mixture in corpus["validation"])
        example = corpus["train"][0].stretch(10.0, 4096)
        assert example.stems is not None
        assert np.allclose(example.stems.sum(0), example.audio, atol=1e-4)


def test_without_the_recordings_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STEMLESS_DATA", raising=False)
    with pytest.raises(SystemExit, match="STEMLESS_DATA"):
        choir_data.data_folder()
