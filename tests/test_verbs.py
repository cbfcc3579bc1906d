from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

import stemless
from stemless.errors import AudioError, TrackError, UsageError
from stemless.voices.separation import as_tracks
from stemless.voices.tracks import PitchTracks

RATE = 22050
SECONDS = 1.5


def tone(f0_hz: float) -> np.ndarray:
    times = np.arange(int(RATE * SECONDS)) / RATE
    return sum(0.05 / k * np.sin(2 * np.pi * f0_hz * k * times) for k in range(1, 9)).astype(np.float32)


@pytest.fixture(scope="module")
def mixture() -> torch.Tensor:
    return torch.from_numpy(np.stack([tone(220) + tone(330), tone(220) + 0.5 * tone(330)]))


@pytest.fixture
def tracks() -> PitchTracks:
    frames = int(SECONDS * 100)
    return PitchTracks.regular([[330.0] * frames, [220.0] * frames], 0.01, ["alto", "bass"])


@pytest.fixture
def files(tmp_path: Path, mixture: torch.Tensor, tracks: PitchTracks) -> tuple[Path, Path]:
    soundfile.write(tmp_path / "song.wav", mixture.numpy().T, RATE, subtype="FLOAT")
    tracks.to_csv(tmp_path / "f0.csv")
    return tmp_path / "song.wav", tmp_path / "f0.csv"


def test_the_four_forms_agree(
    tmp_path: Path, mixture: torch.Tensor, tracks: PitchTracks, files: tuple[Path, Path]
) -> None:
    song, f0 = files
    stems = stemless.separate(mixture, RATE, f0=tracks)
    assert stems.names == ("alto", "bass")
    assert stems.audio.shape == (2, *mixture.shape)
    torch.testing.assert_close(stems.audio.sum(0) + stems.residual, mixture, atol=1e-6, rtol=0)
    error = (stems["bass"][0] - torch.from_numpy(tone(220))).square().mean()
    assert 10 * torch.log10(torch.from_numpy(tone(220)).square().mean() / error) > 15

    torch.testing.assert_close(stemless.separate_from_file(song, f0=f0).audio, stems.audio)
    torch.testing.assert_close(stemless.separate(str(song), f0=str(f0)).audio, stems.audio)

    report = stemless.separate_from_file_to_files(song, tmp_path / "one", f0=f0)
    assert report == json.loads((tmp_path / "one" / "song" / "report.json").read_text())
    assert [(stem["name"], stem["voice"]) for stem in report["stems"]] == [("alto", "alto"), ("bass", "bass")]
    written, rate = soundfile.read(tmp_path / "one" / "song" / "bass.wav", dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(written.T, stems["bass"].numpy(), atol=1e-6)

    soundfile.write(tmp_path / "again.wav", mixture.numpy().T, RATE, subtype="FLOAT")
    seen: list[tuple[float, float]] = []
    reports = stemless.separate_from_files_to_files(
        [song, tmp_path / "again.wav"],
        tmp_path / "two",
        f0=[f0, tracks],
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [Path(each["input"]).stem for each in reports] == ["song", "again"]
    assert seen[-1] == (2.0, 2)
    assert seen == sorted(seen)
    again, _ = soundfile.read(tmp_path / "two" / "again" / "bass.wav", dtype="float32")
    np.testing.assert_array_equal(again, written)


def test_a_loaded_separator_serves_many_recordings(mixture: torch.Tensor, tracks: PitchTracks) -> None:
    separator = stemless.load("comb", power=1.0)
    assert separator.name == "voices/comb"
    first = separator.separate(mixture, RATE, f0=tracks)
    second = separator.separate(mixture[:1], RATE, f0=(tracks.f0_hz, 0.01))
    assert first.audio.shape == (2, 2, mixture.shape[1])
    assert second.names == ("voice 1", "voice 2")
    assert not torch.equal(first["alto"], stemless.load("comb").separate(mixture, RATE, f0=tracks)["alto"])


def test_chosen_voices_are_what_they_are_among_all(mixture: torch.Tensor, tracks: PitchTracks) -> None:
    everyone = stemless.separate(mixture, RATE, f0=tracks)
    bass = stemless.separate(mixture, RATE, f0=tracks, voices=["bass"])
    assert bass.names == ("bass",)
    torch.testing.assert_close(bass["bass"], everyone["bass"])
    torch.testing.assert_close(bass.residual, everyone.residual + everyone["alto"], atol=1e-6, rtol=0)
    swapped = stemless.separate(mixture, RATE, f0=tracks, voices=["bass", "alto"])
    torch.testing.assert_close(swapped["alto"], everyone["alto"])


def test_numpy_and_mono_are_taken(mixture: torch.Tensor, tracks: PitchTracks) -> None:
    stems = stemless.separate(mixture[0].double().numpy(), RATE, f0=tracks)
    assert stems.audio.shape == (2, 1, mixture.shape[1])
    assert stems.audio.dtype == torch.float32


def test_f0_in_all_its_forms(files: tuple[Path, Path], tracks: PitchTracks, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("0,330\n1,330\n")
    (tmp_path / "b.csv").write_text("0,220\n1,220\n")
    assert as_tracks(tracks) is tracks
    assert as_tracks(files[1]).names == as_tracks(str(files[1])).names == ("alto", "bass")
    assert as_tracks([tmp_path / "a.csv", str(tmp_path / "b.csv")]).names == ("a", "b")
    assert as_tracks((str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))).names == ("a", "b")
    assert as_tracks(([[100, 200], [300, 0]], 0.5)).f0_hz.tolist() == [[100, 200], [300, 0]]


def test_mistakes_are_told(files: tuple[Path, Path], mixture: torch.Tensor, tracks: PitchTracks) -> None:
    song, f0 = files
    with pytest.raises(UsageError, match="needs its sample rate"):
        stemless.separate(mixture, f0=tracks)
    with pytest.raises(AudioError, match=r"audio of type torch\.int16"):
        stemless.separate((mixture * 1000).to(torch.int16), RATE, f0=tracks)
    with pytest.raises(TrackError, match="only one voice"):
        stemless.separate(mixture, RATE, f0=tracks.select(["alto"]))
    with pytest.raises(TrackError, match="before the audio"):
        stemless.separate(mixture, RATE, f0=tracks.cut(0, 0.5))
    with pytest.raises(UsageError, match="did you mean 'bass'"):
        stemless.separate(song, f0=f0, voices=["bas"])
    with pytest.raises(UsageError, match="mask exponent of 0"):
        stemless.load("comb", power=0)
    with pytest.raises(UsageError, match="no device is called 'gpu'"):
        stemless.load("comb", device="gpu")
    separator = stemless.load("comb")
    with pytest.raises(UsageError, match="2 recordings and 1 f0"):
        separator.separate_from_files_to_files([song, song], song.parent / "out", f0=[f0])
    with pytest.raises(UsageError, match="another recording has the same name"):
        separator.separate_from_files_to_files([song, song], song.parent / "out", f0=[f0, f0])
    assert not (song.parent / "out").exists()
