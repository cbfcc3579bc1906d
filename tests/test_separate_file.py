"""From file to files: what lands, when it lands, and what is left when it does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from stemless.audio import read, write
from stemless.engine import separate_audio, separate_file
from stemless.errors import AudioError, StemlessError, UsageError
from toy_separators import Bands, Named, Shares, Split, Toy, error_db, noise

TWO = Named(("Alto", "Bass"))


def steps(path: Path, bits: int) -> np.ndarray:
    samples, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return samples.astype(np.int64) >> (32 - bits)


def everything(folder: Path) -> list[str]:
    """All files and folders below, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24)])
@pytest.mark.parametrize(("sample_rate", "channels"), [(44100, 2), (16000, 1), (8000, 8)])
def test_wav_in_wav_out(tmp_path: Path, subtype: str, bits: int, sample_rate: int, channels: int) -> None:
    path = tmp_path / "a choir.wav"
    write(path, noise(channels, 50_001), sample_rate, subtype=subtype)
    report = separate_file(path, Split(chunk_seconds=1.0), TWO, tmp_path / "deep" / "out", seed=3)
    folder = tmp_path / "deep" / "out" / "a choir"
    assert everything(tmp_path / "deep") == sorted(
        [
            "out",
            "out/a choir",
            *(f"out/a choir/{name}" for name in ("alto.wav", "bass.wav", "report.json", "residual.wav")),
        ]
    )
    for name in ("alto", "bass", "residual"):
        info = soundfile.info(folder / f"{name}.wav")
        assert (info.samplerate, info.channels, info.frames) == (sample_rate, channels, 50_001)
        assert info.subtype == subtype
    stems = [steps(folder / f"{name}.wav", bits) for name in ("alto", "bass")]
    tolerance = 0 if bits == 16 else 1  # float32 has no room for more than 24 bits
    assert abs(sum(stems) + steps(folder / "residual.wav", bits) - steps(path, bits)).max() <= tolerance
    assert json.loads((folder / "report.json").read_text()) == report
    in_memory = separate_audio(*read(path), Split(chunk_seconds=1.0), TWO)
    assert (read(folder / "alto.wav")[0] - in_memory["Alto"]).abs().max() < 2.0**-bits + 1e-6


def test_float_in_float_out(tmp_path: Path) -> None:
    audio = 3 * noise(2, 30_000)  # Over full scale, which float may be.
    write(tmp_path / "in.wav", audio, 22050)
    report = separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path)
    files = [tmp_path / "in" / name for name in ("alto.wav", "bass.wav", "residual.wav")]
    assert {soundfile.info(file).subtype for file in files} == {"FLOAT"}
    assert error_db(sum((read(file)[0] for file in files), torch.zeros(1)), audio) < -120
    assert "warnings" not in report


@pytest.mark.parametrize("audio_format", ["flac", "ogg", "mp3"])
def test_other_formats(tmp_path: Path, audio_format: str) -> None:
    tone = 0.3 * torch.sin(torch.arange(60_001) * 0.02).repeat(2, 1)
    write(tmp_path / f"in.{audio_format}", tone, 44100)
    report = separate_file(
        tmp_path / f"in.{audio_format}", Shares(shares=(0.5, 0.25)), TWO, tmp_path, audio_format=audio_format
    )
    assert [stem["file"] for stem in report["stems"]] == [f"alto.{audio_format}", f"bass.{audio_format}"]
    alto, rate = read(tmp_path / "in" / f"alto.{audio_format}")
    assert (alto.shape, rate) == (tone.shape, 44100)
    assert error_db(alto[:, 5000:-5000], 0.5 * tone[:, 5000:-5000]) < -25
    assert everything(tmp_path / "in") == sorted(
        [f"{name}.{audio_format}" for name in ("alto", "bass", "residual")] + ["report.json"]
    )


def test_flac_sums_to_the_last_bit(tmp_path: Path) -> None:
    write(tmp_path / "in.flac", noise(2, 30_000), 44100, subtype="PCM_16")
    separate_file(tmp_path / "in.flac", Split(), TWO, tmp_path, audio_format="flac")
    parts = [steps(tmp_path / "in" / f"{name}.flac", 16) for name in ("alto", "bass", "residual")]
    assert (sum(parts) == steps(tmp_path / "in.flac", 16)).all()


@pytest.mark.parametrize("samples", [1, 2, 100])
def test_shortest_files(tmp_path: Path, samples: int) -> None:
    write(tmp_path / "in.wav", noise(1, samples), 44100, subtype="PCM_16")
    separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path)
    assert read(tmp_path / "in" / "alto.wav")[0].shape == (1, samples)


def test_silence(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", torch.zeros(2, 50_000), 44100, subtype="PCM_16")
    report = separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path)
    for name in ("alto", "bass", "residual"):
        assert not steps(tmp_path / "in" / f"{name}.wav", 16).any()
    assert [(stem["presence"], stem["activity"]) for stem in report["stems"]] == [(0.0, []), (0.0, [])]


def test_report(tmp_path: Path) -> None:
    audio = torch.zeros(1, 48_000)
    audio[:, 16_000:24_000] = noise(1, 8000)
    write(tmp_path / "in.wav", audio, 16000, subtype="PCM_16")
    report = separate_file(
        tmp_path / "in.wav",
        Shares(name="voices/toy", shares=(1.0, 0.0)),
        Named(("Soprano 1", "Soprano-1")),
        tmp_path / "out",
        seed=7,
        details={"Soprano 1": {"voice": "Soprano 1"}, "Soprano-1": {"prompt": "high", "presence": 0.25}},
    )
    start, end = report["stems"][0]["activity"].pop()
    assert start == pytest.approx(1.0, abs=0.1) and end == pytest.approx(1.5, abs=0.1)
    assert report["stems"][0].pop("presence") == pytest.approx((end - start) / 3, abs=1e-3)
    assert report == {
        "input": str(tmp_path / "in.wav"),
        "sample_rate": 16000,
        "separator": "voices/toy",
        "seed": 7,
        "stems": [
            {"name": "Soprano 1", "voice": "Soprano 1", "file": "soprano-1.wav", "activity": []},
            {
                "name": "Soprano-1",
                "prompt": "high",
                "file": "soprano-1-2.wav",
                "presence": 0.25,
                "activity": [],
            },
        ],
        "residual": "residual.wav",
    }


def loud_square() -> Tensor:
    """Full scale, and its fundamental alone is 4 / pi times that."""
    return 0.99 * torch.sign(torch.sin(torch.arange(40_000) * (2 * torch.pi / 80) + 0.01)).repeat(2, 1)


def test_a_stem_that_would_clip_becomes_float_wav(tmp_path: Path) -> None:
    square = loud_square()
    square[:, :20_000] *= 0.5  # The first half fits, and is on the disk as integers when the second comes.
    write(tmp_path / "in.wav", square, 16000, subtype="PCM_16")
    report = separate_file(tmp_path / "in.wav", Bands(edge_hz=400.0, chunk_seconds=0.4), TWO, tmp_path)
    kinds = [soundfile.info(tmp_path / "in" / f"{name}.wav").subtype for name in ("alto", "bass", "residual")]
    assert kinds == ["FLOAT", "PCM_16", "PCM_16"]
    assert report["warnings"] == ["alto.wav: would be clipped at 16 bits, written as float"]
    parts = [read(tmp_path / "in" / f"{name}.wav")[0] for name in ("alto", "bass", "residual")]
    assert parts[0].abs().max() > 1.2
    assert (sum(parts, torch.zeros(1)) - read(tmp_path / "in.wav")[0]).abs().max() <= 2.0**-16 + 1e-6
    assert everything(tmp_path / "in") == ["alto.wav", "bass.wav", "report.json", "residual.wav"]


@pytest.mark.parametrize("audio_format", ["flac", "ogg", "mp3"])
def test_formats_without_float_are_scaled_together(tmp_path: Path, audio_format: str) -> None:
    write(tmp_path / "in.wav", loud_square(), 16000, subtype="PCM_16")
    report = separate_file(
        tmp_path / "in.wav", Bands(edge_hz=400.0), TWO, tmp_path, audio_format=audio_format
    )
    names = ("alto", "bass", "residual")
    parts = [read(tmp_path / "in" / f"{name}.{audio_format}")[0] for name in names]
    total, square = sum(parts, torch.zeros(1)), loud_square()
    gain = float((total * square).sum() / square.square().sum())
    assert 0.7 < gain < 0.85
    assert (
        report["warnings"]
        == [
            f"all files scaled by {20 * np.log10(gain):.2f} dB, since {audio_format} would clip: "
            "write wav to keep the level"
        ]
        or abs(20 * np.log10(gain) - float(report["warnings"][0].split()[4])) < 0.05
    )
    if audio_format == "flac":
        assert (total - gain * square).abs().max() < 3 * 2.0**-15
        assert parts[0].abs().max() <= 1


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", noise(2, 60_000), 44100)
    written = []
    for _ in range(2):
        separate_file(tmp_path / "in.wav", Split(chunk_seconds=0.5), TWO, tmp_path / "out", overwrite=True)
        folder = tmp_path / "out" / "in"
        written.append({file.name: file.read_bytes() for file in sorted(folder.iterdir())})
        time.sleep(1.05)  # Float wav files are stamped with the second they are written in.
    assert written[0] == written[1]
    assert len(written[0]) == 4


@pytest.mark.parametrize("existing", ["alto.wav", "residual.wav", "report.json"])
def test_nothing_is_overwritten_unasked(tmp_path: Path, existing: str) -> None:
    write(tmp_path / "in.wav", noise(1, 20_000), 16000)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / existing).write_text("old")
    (tmp_path / "in" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=f"in/{existing}: exists already.*--overwrite"):
        separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path)
    assert everything(tmp_path / "in") == sorted([existing, "mine.txt"])
    separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path, overwrite=True)
    assert everything(tmp_path / "in") == ["alto.wav", "bass.wav", "mine.txt", "report.json", "residual.wav"]
    assert (tmp_path / "in" / existing).read_bytes() != b"old"


def test_the_recording_itself_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "alto").mkdir()
    write(tmp_path / "alto" / "alto.wav", noise(1, 1000), 16000)
    with pytest.raises(UsageError, match="would be replaced by a stem"):
        separate_file(tmp_path / "alto" / "alto.wav", Split(), TWO, tmp_path, overwrite=True)
    assert everything(tmp_path) == ["alto", "alto/alto.wav"]
    assert torch.equal(read(tmp_path / "alto" / "alto.wav")[0], noise(1, 1000))


@dataclass
class Failing(Toy):
    """Works for two chunks."""

    error: BaseException | None = None
    calls: int = 0

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        self.calls += 1
        if self.calls > 2:
            assert self.error is not None
            raise self.error
        return self.spread(torch.ones(2) / 2, audio)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory"), StemlessError("no")])
@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("audio_format", ["wav", "flac"])
def test_a_run_that_breaks_off_leaves_nothing(
    tmp_path: Path, error: BaseException, existing: bool, audio_format: str
) -> None:
    write(tmp_path / "in.wav", noise(1, 100_000), 16000)
    if existing:
        (tmp_path / "out" / "in").mkdir(parents=True)
        (tmp_path / "out" / "in" / "alto.wav").write_text("old")
    before = everything(tmp_path)
    with pytest.raises(type(error)):
        separate_file(
            tmp_path / "in.wav",
            Failing(chunk_seconds=1.0, error=error),
            TWO,
            tmp_path / "out",
            audio_format=audio_format,
            overwrite=True,
        )
    assert everything(tmp_path) == before


def test_a_file_that_turns_out_damaged_leaves_nothing(tmp_path: Path) -> None:
    samples = np.zeros(200_000, np.float32)
    samples[190_000] = np.nan
    soundfile.write(tmp_path / "in.wav", samples, 16000, subtype="FLOAT")
    with pytest.raises(AudioError, match="not a finite number"):
        separate_file(tmp_path / "in.wav", Split(chunk_seconds=1.0), TWO, tmp_path / "out")
    assert everything(tmp_path) == ["in.wav"]


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", noise(1, 1000), 16000)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StemlessError, match=r"taken.*: cannot be written \(Not a directory\)"):
        separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path / "taken")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "in").write_text("a file")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path / "out")
    assert everything(tmp_path) == ["in.wav", "out", "out/in", "taken"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", noise(1, 1000), 16000)
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(StemlessError, match="Permission denied"):
        separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path / "out")


def test_a_format_that_cannot_hold_it_is_refused_before_any_work(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", noise(1, 1000), 96000)
    separator = Failing(error=AssertionError("worked"), calls=5)
    with pytest.raises(UsageError, match="mp3 cannot hold a sample rate of 96000 Hz"):
        separate_file(tmp_path / "in.wav", separator, TWO, tmp_path / "out", audio_format="mp3")
    assert everything(tmp_path) == ["in.wav"]


def in_another_process(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path / "in.wav", noise(2, 44100).repeat(1, 60), 44100, subtype="FLOAT")
    process = in_another_process(
        """
        import sys
        from toy_separators import Named, Split
        from stemless.engine import separate_file
        separate_file(
            sys.argv[1] + "/in.wav", Split(chunk_seconds=1.0), Named(("Alto", "Bass")), sys.argv[1] + "/out",
            on_progress=lambda done, total: print(done, flush=True),
        )
        """,
        tmp_path,
    )
    assert process.stdout is not None and process.stdout.readline()
    assert any(".partial" in name for name in everything(tmp_path))
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert everything(tmp_path) == ["in.wav"]


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """Five minutes take no more than one; held in memory they would take 42 MB more, five times over."""
    second = noise(2, 22050).numpy().T
    for minutes in (1, 5):
        with soundfile.SoundFile(tmp_path / f"{minutes}.wav", "w", 22050, 2, "PCM_16") as file:
            for _ in range(60 * minutes):
                file.write(second)
    process = in_another_process(
        """
        import resource, sys
        from toy_separators import Named, Shares
        from stemless.engine import separate_file
        separator, condition = Shares(shares=(0.5, 0.5)), Named(("a", "b"))
        for minutes in (1, 5):
            separate_file(f"{sys.argv[1]}/{minutes}.wav", separator, condition, sys.argv[1])
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """,
        tmp_path,
    )
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, error
    short, long = (int(line) * (1 if sys.platform == "darwin" else 1024) for line in out.split())
    assert long - short < 20e6
    assert soundfile.info(tmp_path / "5" / "a.wav").frames == 5 * 60 * 22050


def test_a_full_disk_is_told_with_the_name_the_file_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in.wav", noise(1, 20_000), 16000)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile.SoundFile, "write", full)
    expected = tmp_path / "out" / "in" / "alto.wav"
    with pytest.raises(AudioError) as caught:
        separate_file(tmp_path / "in.wav", Split(), TWO, tmp_path / "out")
    assert str(caught.value).startswith(f"{expected}: cannot be written (No space left on device)")
    assert everything(tmp_path) == ["in.wav"]
