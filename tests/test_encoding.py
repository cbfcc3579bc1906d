from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemless import encoding
from stemless.audio import read
from stemless.container import settle
from stemless.encoding import FORMATS, BlockWriter, check_format, subtype_like, write
from stemless.errors import AudioError, UsageError
from toy_separators import error_db, noise


@pytest.mark.parametrize(
    ("name", "subtype", "step"),
    [
        ("a.wav", "PCM_16", 2.0**-15),
        ("a.wav", "PCM_24", 2.0**-23),
        ("a.wav", "PCM_32", 2.0**-24),  # float32 itself is no finer
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_16", 2.0**-15),
        ("a.flac", "PCM_24", 2.0**-23),
    ],
)
@pytest.mark.parametrize("channels", [1, 3, 8])
def test_what_is_written_is_what_is_read(
    tmp_path: Path, name: str, subtype: str, step: float, channels: int
) -> None:
    audio = noise(channels, 40_000).clamp(-0.999, 0.999)
    audio[0, :2] = torch.tensor([-1.0, 1 - 2.0**-15])
    with BlockWriter(tmp_path / name, 44100, channels, subtype=subtype) as writer:
        stored = torch.cat([writer.write(audio[:, :30_000]), writer.write(audio[:, 30_000:])], dim=1)
    back, sample_rate = read(tmp_path / name)
    assert sample_rate == 44100 and soundfile.info(tmp_path / name).subtype == subtype
    assert torch.equal(back, stored)
    assert (back - audio).abs().max() <= step / 2


@pytest.mark.parametrize(("suffix", "rate"), [("ogg", 44100), ("mp3", 44100), ("mp3", 16000)])
@pytest.mark.parametrize("samples", [1, 1000, 50_000])
def test_lossy_formats_keep_the_length(tmp_path: Path, suffix: str, rate: int, samples: int) -> None:
    tone = 0.3 * torch.sin(torch.arange(samples) * 0.05).repeat(2, 1)
    write(tmp_path / f"a.{suffix}", tone, rate)
    back, _ = read(tmp_path / f"a.{suffix}")
    assert back.shape == tone.shape
    if samples > 20_000:
        assert error_db(back[:, 5000:-5000], tone[:, 5000:-5000]) < -25


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / f"a.{suffix}" for suffix in FORMATS]
    written = []
    for _ in range(2):
        for path in paths:
            write(path, noise(2, 150_000), 44100, overwrite=True)
        written.append([path.read_bytes() for path in paths])
        time.sleep(1.05)  # The clock that wav files are stamped with counts seconds.
    assert written[0] == written[1]
    assert all(read(path)[0].shape == (2, 150_000) for path in paths)


def test_settling_an_ogg_keeps_its_checksums_right(tmp_path: Path) -> None:
    """The decoder drops pages whose checksum is wrong, so that any fault shows as missing samples."""
    path = tmp_path / "a.ogg"
    soundfile.write(path, noise(2, 200_000).numpy().T, 44100)
    before, _ = soundfile.read(path)
    raw = path.read_bytes()
    settle(path, "ogg")
    assert path.read_bytes() != raw
    after, _ = soundfile.read(path)
    np.testing.assert_array_equal(after, before)
    assert path.read_bytes()[14:18] == (1).to_bytes(4, "little")


def test_clipping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="would be clipped at 16 bits"):
        write(tmp_path / "a.wav", torch.tensor([[0.0, 1.0]]), 8000, subtype="PCM_16")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_file_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "old.wav").write_text("old")
    for path in (tmp_path / "new.wav", tmp_path / "old.wav"):
        with (
            pytest.raises(KeyboardInterrupt),
            BlockWriter(path, 8000, 1, audio_format="wav", overwrite=True) as writer,
        ):
            writer.write(noise(1, 100))
            assert len(list(tmp_path.iterdir())) == 2
            raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["old.wav"]
    assert (tmp_path / "old.wav").read_text() == "old"


def test_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("old")
    with pytest.raises(UsageError, match=r"a\.wav: exists already"):
        write(tmp_path / "a.wav", noise(1, 10), 8000)
    write(tmp_path / "a.wav", noise(1, 10), 8000, overwrite=True)
    assert read(tmp_path / "a.wav")[0].shape == (1, 10)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="its folder does not exist"):
        write(tmp_path / "none" / "a.wav", noise(1, 10), 8000)


@pytest.mark.parametrize(
    ("audio_format", "rate", "channels"),
    [("mp3", 96000, 2), ("mp3", 44100, 3), ("ogg", 384_000, 2), ("flac", 96_001, 1), ("m4a", 44100, 1)],
)
def test_formats_refuse_what_they_cannot_hold(audio_format: str, rate: int, channels: int) -> None:
    with pytest.raises(UsageError, match="choose"):
        check_format(audio_format, rate, channels)


@pytest.mark.parametrize(
    ("audio_format", "rate", "channels"),
    [("flac", 192_000, 8), ("flac", 655_350, 1), ("ogg", 192_000, 8), ("mp3", 48000, 2), ("wav", 768_000, 8)],
)
def test_formats_hold_what_they_should(tmp_path: Path, audio_format: str, rate: int, channels: int) -> None:
    write(tmp_path / f"a.{audio_format}", noise(channels, 3000), rate)
    info = soundfile.info(tmp_path / f"a.{audio_format}")
    assert (info.samplerate, info.channels, info.frames) == (rate, channels, 3000)


def test_wav_over_four_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "WAV_MAX_BYTES", 10_000)
    write(tmp_path / "long.wav", noise(1, 3000), 8000)
    assert soundfile.info(tmp_path / "long.wav").format == "RF64"
    assert torch.equal(read(tmp_path / "long.wav")[0], noise(1, 3000))
    with (
        pytest.raises(AudioError, match="over 4 GB"),
        BlockWriter(tmp_path / "surprise.wav", 8000, 1) as writer,
    ):
        writer.write(noise(1, 3000))


@pytest.mark.parametrize(
    ("came_as", "wav", "flac"),
    [
        ("PCM_U8", "PCM_16", "PCM_16"),
        ("PCM_16", "PCM_16", "PCM_16"),
        ("PCM_24", "PCM_24", "PCM_24"),
        ("PCM_32", "PCM_32", "PCM_24"),
        ("DOUBLE", "FLOAT", "PCM_24"),
        ("MPEG_LAYER_III", "PCM_16", "PCM_16"),
        ("DECODED", "PCM_24", "PCM_24"),
    ],
)
def test_stems_are_stored_as_the_input_was(came_as: str, wav: str, flac: str) -> None:
    assert subtype_like(came_as, "wav") == wav
    assert subtype_like(came_as, "flac") == flac
