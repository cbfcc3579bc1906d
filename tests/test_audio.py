from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemless.audio import BlockReader, probe, read, write
from stemless.errors import AudioError
from stemless.mpeg import count_samples
from toy_separators import error_db, noise


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_wav_of_any_kind_is_read_as_soundfile_reads_it(tmp_path: Path, subtype: str, channels: int) -> None:
    path = tmp_path / "in.wav"
    soundfile.write(path, noise(channels, 1000).numpy().T, 11025, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)
    audio, sample_rate = read(path)
    assert sample_rate == 11025 and audio.dtype == torch.float32
    np.testing.assert_array_equal(audio.numpy(), expected.T)
    info = probe(path)
    assert (info.channels, info.frames, info.subtype) == (channels, 1000, subtype)
    assert info.duration_seconds == pytest.approx(1000 / 11025)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff", "FLAC"])
def test_other_formats_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"é à .{suffix}"
    tone = 0.3 * torch.sin(torch.arange(30_000) * 0.05).repeat(2, 1)
    soundfile.write(path, tone.numpy().T, 44100)
    audio, _ = read(path)
    assert audio.shape == tone.shape
    assert error_db(audio[:, 3000:-3000], tone[:, 3000:-3000]) < -25


def test_blocks_join_to_the_whole_and_can_be_read_again(tmp_path: Path) -> None:
    path = tmp_path / "in.wav"
    write(path, noise(2, 2500), 8000)
    with BlockReader(path) as reader:
        for _ in range(2):
            blocks = list(reader.blocks(1000))
            assert [block.shape[1] for block in blocks] == [1000, 1000, 500]
            assert torch.equal(torch.cat(blocks, dim=1), noise(2, 2500))


def test_one_sample_is_enough(tmp_path: Path) -> None:
    write(tmp_path / "one.wav", torch.tensor([[0.5]]), 44100)
    assert read(tmp_path / "one.wav")[0].tolist() == [[0.5]]


def refusal(path: Path) -> str:
    """The one line that reading the file ends with; it begins with the file."""
    with pytest.raises(AudioError) as caught:
        read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    return line.removeprefix(f"{path}: ")


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = tmp_path / "path"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.mark.usefixtures("no_ffmpeg")
class TestBadFiles:
    def test_missing(self, tmp_path: Path) -> None:
        assert refusal(tmp_path / "none.wav") == "no such file: check the path"

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "is not a file" in refusal(tmp_path)

    def test_empty(self, tmp_path: Path) -> None:
        (tmp_path / "empty.wav").touch()
        assert "is empty (0 bytes)" in refusal(tmp_path / "empty.wav")

    def test_no_samples(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "zero.wav", np.zeros((0, 2)), 44100)
        assert "holds no samples" in refusal(tmp_path / "zero.wav")

    @pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.flac", "text.ogg", "text.raw", "text"])
    def test_text(self, tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
        (tmp_path / name).write_text("time,soprano\n0.0,440\n" * 50)
        assert "install ffmpeg" in refusal(tmp_path / name)
        assert capfd.readouterr() == ("", "")

    def test_cut_flac(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.flac"
        write(path, noise(1, 200_000), 16000)
        path.write_bytes(path.read_bytes()[:300_000])
        line = refusal(path)
        assert line.startswith("is damaged or cut short after ") and " of 12.50 seconds" in line

    def test_cut_mp3(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "cut.mp3"
        write(path, noise(1, 100_000), 16000)
        path.write_bytes(path.read_bytes()[:10_000])
        assert "is damaged or cut short" in refusal(path)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_samples_that_are_not_finite(self, tmp_path: Path, value: float) -> None:
        samples = np.zeros((80_000, 2), np.float32)
        samples[72_000, 1] = value
        soundfile.write(tmp_path / "bad.wav", samples, 8000, subtype="FLOAT")
        assert "the sample at 9.000 seconds is not a finite number" in refusal(tmp_path / "bad.wav")

    def test_nine_channels(self, tmp_path: Path) -> None:
        soundfile.write(tmp_path / "nine.wav", np.zeros((10, 9)), 8000)
        assert "has 9 channels, at most 8" in refusal(tmp_path / "nine.wav")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_no_permission(self, tmp_path: Path) -> None:
        write(tmp_path / "mine.wav", noise(1, 10), 8000)
        (tmp_path / "mine.wav").chmod(0)
        assert "cannot be read (Permission denied)" in refusal(tmp_path / "mine.wav")


def without_length(path: Path, audio: torch.Tensor) -> None:
    """An mp3 of varying bit rate whose first packet, the one that says how long it is, is cut off."""
    soundfile.write(path, audio.numpy().T, 44100, bitrate_mode="VARIABLE", compression_level=0.5)
    whole = path.read_bytes()
    path.write_bytes(whole[whole.find(whole[:2], 4) :])


def test_packets_of_an_mp3_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    for rate, packet in ((44100, 1152), (16000, 576), (8000, 576)):
        soundfile.write(path, noise(1, 100_000).numpy().T, rate)
        assert 0 <= count_samples(path) - 100_000 <= 4 * packet
    tagged = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128) + path.read_bytes()
    path.write_bytes(tagged)
    assert 0 <= count_samples(path) - 100_000 <= 4 * 576
    path.write_text("no packet at all")
    assert count_samples(path) == 0


@pytest.mark.usefixtures("no_ffmpeg")
@pytest.mark.parametrize("first_louder", [True, False])
def test_an_mp3_that_hides_its_length_is_not_guessed_at(tmp_path: Path, first_louder: bool) -> None:
    path = tmp_path / "vbr.mp3"
    loudness = torch.linspace(0, 1, 100_000) ** 4
    without_length(path, noise(2, 100_000) * (loudness.flip(0) if first_louder else loudness))
    assert abs(soundfile.info(path).frames - 100_000) > 10_000  # The trap this is about.
    assert "does not say how long it is: install ffmpeg" in refusal(path)


@pytest.fixture
def stand_in_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that takes a file of float32 samples in two channels, and says what it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib, numpy, soundfile\n"
        f"pathlib.Path({str(folder / 'asked')!r}).write_text('\\n'.join(sys.argv[1:]))\n"
        "source = pathlib.Path(sys.argv[sys.argv.index('-i') + 1].removeprefix('file:'))\n"
        "if source.suffix != '.m4a': sys.exit('moov atom not found')\n"
        "samples = numpy.frombuffer(source.read_bytes(), numpy.float32).reshape(-1, 2)\n"
        "soundfile.write(sys.argv[-1], samples, 48000, subtype='FLOAT')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    return folder


def test_ffmpeg_reads_the_rest(tmp_path: Path, stand_in_ffmpeg: Path) -> None:
    path = tmp_path / "-song: 1.m4a"
    path.write_bytes(noise(2, 500).numpy().T.tobytes())
    audio, sample_rate = read(path)
    assert sample_rate == 48000 and torch.equal(audio, noise(2, 500))
    assert probe(path).path == path
    assert f"-i\nfile:{path}\n" in (stand_in_ffmpeg / "asked").read_text()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.usefixtures("stand_in_ffmpeg")
def test_what_ffmpeg_cannot_read_is_refused_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    assert "neither soundfile nor ffmpeg can read it (moov atom not found)" in refusal(tmp_path / "text.wav")
    assert list((tmp_path / "tmp").iterdir()) == []
