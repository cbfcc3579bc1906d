"""The data side of the choir benchmark on a made-up choir, so that it is checked without the recordings."""

import sys
from collections import Counter
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import choir_again
import choir_data
from stemless.voices.corpus import read_manifest
from stemless.voices.estimation import Estimate
from stemless.voices.tracks import PitchTracks


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


def test_in_the_church_each_singer_rings_on(choir: Path) -> None:
    choir_data.stems_in_room.cache_clear()
    dry, wet = choir_data.stems_of("S4_A4"), choir_data.stems_in_room("S4_A4")
    assert wet.shape == dry.shape
    # The noise of the singers is white: what one hears of the room, it does not hear of the other.
    spectra = [torch.fft.rfft(each) for each in (*dry, *wet)]
    own, others = (
        float((spectra[2] * spectra[singer].conj()).abs().mean() / spectra[singer].abs().square().mean())
        for singer in (0, 1)
    )
    assert own > others
    response = torch.fft.irfft(spectra[2] * spectra[0].conj() / spectra[0].abs().square().mean())
    early, late = response[:4000].square().mean(), response[12000:16000].square().mean()
    assert early > 10 * late


def test_a_third_of_the_mixtures_in_which_all_singers_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    quartets = [
        "_".join(f"{p}{i}" for p, i in zip("SATB", way, strict=True)) for way in product("234", repeat=4)
    ]
    monkeypatch.setattr(choir_again, "given_tracks", lambda voices: dict.fromkeys(quartets))
    chosen = choir_again.chosen_keys(4)
    assert len(chosen) == 27
    pairs = Counter(pair for key in chosen for pair in combinations(key.split("_"), 2))
    assert len(pairs) == 6 * 9 and set(pairs.values()) == {3}


def test_mixtures_are_written_with_the_tracks_heard_again(
    choir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listen(audio: torch.Tensor, tracks: PitchTracks, rate: int, **options: object) -> Estimate:
        assert audio.shape[-1] == 68 * rate and rate == 16000
        return Estimate(replace(tracks, f0_hz=tracks.f0_hz * 1.01), np.ones_like(tracks.f0_hz))

    monkeypatch.setattr(choir_again, "listen_again", listen)
    monkeypatch.setattr(choir_again, "chosen_keys", lambda voices: list(choir_data.given_tracks(voices)))
    manifest = choir_again.write_corpus_again(4, choir / "corpus", "voices")
    corpus = read_manifest(manifest, 16000, 256)
    assert [len(corpus["train"]), len(corpus["validation"])] == [3, 1]
    assert corpus["train"][0].stretch(10.0, 4096).f0_hz.unique().tolist() == pytest.approx([202.0])
