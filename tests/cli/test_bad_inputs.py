"""Every mistake gets one line with the file's name, exit code 1 or 2, and leaves nothing behind."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from command_line import RATE, Prepare, Run, snapshot, usual, write_song
from stemless import checkpoint


def song_of(name: str, content: bytes | None = None) -> Prepare:
    """A recording of these bytes, or none at all."""

    def prepare(place: Path) -> Sequence[object]:
        if content is not None:
            (place / name).write_bytes(content)
        return usual(place, song=name)

    return prepare


def samples_of(samples: np.ndarray, rate: int = RATE) -> Prepare:
    def prepare(place: Path) -> Sequence[object]:
        soundfile.write(place / "strange.wav", samples, rate, subtype="FLOAT")
        return usual(place, song="strange.wav")

    return prepare


def cut_flac(place: Path) -> Sequence[object]:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE)
    soundfile.write(place / "cut.flac", samples, RATE)
    content = (place / "cut.flac").read_bytes()
    (place / "cut.flac").write_bytes(content[: len(content) // 2])
    (place / "f0.csv").write_text("time,alto,bass\n0,330,220\n3,330,220\n")
    return usual(place, song="cut.flac")


def folder_as_song(place: Path) -> Sequence[object]:
    (place / "folder.wav").mkdir()
    return usual(place, song="folder.wav")


def spoiled(value: float) -> np.ndarray:
    samples = np.zeros(RATE, np.float32)
    samples[4000] = value
    return samples


BAD_RECORDINGS: dict[str, tuple[Prepare, str, str]] = {
    "missing": (song_of("none.wav"), "none.wav", "no such file"),
    "empty": (song_of("empty.wav", b""), "empty.wav", "is empty"),
    "text as wav": (song_of("text.wav", b"la la la\n" * 99), "text.wav", "ffmpeg"),
    "noise as mp3": (song_of("noise.mp3", bytes(range(256)) * 40), "noise.mp3", "ffmpeg"),
    "noise as m4a": (song_of("song.m4a", b"\0\0\0 ftypM4A " + bytes(999)), "song.m4a", "ffmpeg"),
    "no samples": (samples_of(np.zeros((0, 1))), "strange.wav", "holds no samples"),
    "truncated flac": (cut_flac, "cut.flac", "cut short"),
    "nan": (samples_of(spoiled(np.nan)), "strange.wav", "0.250 seconds is not a finite number"),
    "infinite": (samples_of(spoiled(np.inf)), "strange.wav", "not a finite number"),
    "nine channels": (samples_of(np.zeros((RATE, 9))), "strange.wav", "9 channels"),
    "a folder": (folder_as_song, "folder.wav", "not a file"),
}

HEADER = "time,alto,bass\n"
ROWS = [f"{frame / 100:.2f},330,220" for frame in range(100)]


def f0_of(content: str | bytes, name: str = "tracks de niño.csv") -> Prepare:
    def prepare(place: Path) -> Sequence[object]:
        data = content.encode() if isinstance(content, str) else content
        (place / name).write_bytes(data)
        return usual(place, f0=name)

    return prepare


def rows(*changed: str, header: str = HEADER) -> str:
    return header + "\n".join([*ROWS[:50], *changed, *ROWS[50 + len(changed) :]]) + "\n"


def columns(alto: str, bass: str) -> str:
    return HEADER + "".join(f"{frame / 100:.2f},{alto},{bass}\n" for frame in range(100))


def missing_f0(place: Path) -> Sequence[object]:
    return usual(place, f0="none.csv")


def song_as_f0(place: Path) -> Sequence[object]:
    return usual(place, f0="song.wav")


def twins(place: Path) -> Sequence[object]:
    (place / "a").mkdir()
    for path in (place / "solo.csv", place / "a" / "solo.csv"):
        path.write_text("0,220\n1,220\n")
    return [*usual(place, f0="solo.csv"), "--f0", place / "a" / "solo.csv"]


NAME = "tracks de niño.csv"
BAD_TRACKS: dict[str, tuple[Prepare, str, str]] = {
    "missing": (missing_f0, "none.csv", "no such f0 file"),
    "audio": (song_as_f0, "song.wav", "is not a text file"),
    "empty": (f0_of(""), NAME, "is empty"),
    "header alone": (f0_of(HEADER), NAME, "no rows"),
    "no column": (f0_of("time\n0\n1\n"), NAME, "no track column"),
    "missing column": (f0_of(rows("0.50,330")), NAME, "line 52: has 2 fields, and line 1 has 3"),
    "no header": (f0_of(rows(header="")), NAME, "no header"),
    "no time": (f0_of(rows(header="alto,time,bass\n")), NAME, "first column must be 'time'"),
    "cents": (f0_of(columns("6400", "5700")), NAME, "look like cents"),
    "midi": (f0_of(columns("64", "57")), NAME, "look like MIDI notes"),
    "kilohertz": (f0_of(columns("0.33", "0.22")), NAME, "look like kHz"),
    "too high": (f0_of(rows("0.50,330,20000")), NAME, "line 52, column 'bass': f0 of 20000 is outside"),
    "negative": (f0_of(rows("0.50,-330,220")), NAME, "line 52, column 'alto': f0 of -330 is negative"),
    "infinite": (f0_of(rows("0.50,inf,220")), NAME, "is not a frequency"),
    "words": (f0_of(rows("0.50,high,220")), NAME, "'high' is not a number"),
    "times backwards": (f0_of(rows("0.20,330,220")), NAME, "line 52: the time 0.2 s comes after 0.49 s"),
    "times in ms": (
        f0_of(HEADER + "".join(f"{10 * frame},330,220\n" for frame in range(100))),
        NAME,
        "look like milliseconds",
    ),
    "one voice": (f0_of("time,alto\n0,330\n1,330\n"), NAME, "only one voice"),
    "two of a name": (f0_of(rows(header="time,alto,alto\n")), NAME, "two voices are called 'alto'"),
    "two files of a name": (twins, "solo.csv", "two voices are called 'solo'"),
    "no name": (f0_of(rows(header="time,alto,\n")), NAME, "empty name"),
    "too short": (f0_of(HEADER + "\n".join(ROWS[:30])), NAME, "s before the audio (1.00 s)"),
    "all rests": (f0_of(columns("0", "")), NAME, "no voice has a pitch"),
}


def existing(place: Path) -> Sequence[object]:
    (place / "out" / "song").mkdir(parents=True)
    (place / "out" / "song" / "bass.wav").write_bytes(b"mine")
    return usual(place)


def below_a_file(place: Path) -> Sequence[object]:
    # Root may write into read-only folders; nobody may make a folder below a file.
    return [place / "song.wav", "--f0", place / "f0.csv", "-o", place / "f0.csv"]


def far_below_a_file(place: Path) -> Sequence[object]:
    return [place / "song.wav", "--f0", place / "f0.csv", "-o", place / "f0.csv" / "a" / "b"]


def read_only_system(place: Path) -> Sequence[object]:
    return [place / "song.wav", "--f0", place / "f0.csv", "-o", "/proc/stemless"]


def eight_channels_mp3(place: Path) -> Sequence[object]:
    write_song(place / "wide.wav", channels=8)
    return usual(place, "--format", "mp3", song="wide.wav")


def odd_rate_mp3(place: Path) -> Sequence[object]:
    write_song(place / "fast.wav", rate=96000)
    return usual(place, "--format", "mp3", song="fast.wav")


BAD_OUTPUTS: dict[str, tuple[Prepare, str, str]] = {
    "existing": (existing, "bass.wav", "exists already"),
    "below a file": (below_a_file, "f0.csv", ""),
    "far below a file": (far_below_a_file, "f0.csv", ""),
    "read-only system": (read_only_system, "/proc/stemless", "cannot be written"),
    "mp3 of 8 channels": (eight_channels_mp3, "mp3", "mp3 cannot hold 8 channels"),
    "mp3 of 96 kHz": (odd_rate_mp3, "mp3", "96000 Hz"),
}


def model_folder(place: Path, kind: str = "voices/network") -> Path:
    return checkpoint.save(place / "model", {"kind": kind, "model": {}}, {"a": torch.zeros(3)}, "# M")


def damaged_model(place: Path) -> Sequence[object]:
    (model_folder(place) / "model.safetensors").write_bytes(b"\x09damaged")
    return usual(place, "--model", place / "model")


def pickled_model(place: Path) -> Sequence[object]:
    (place / "model.pt").write_bytes(pickle.dumps({"weight": 1}))
    return usual(place, "--model", place / "model.pt")


def half_a_model(place: Path) -> Sequence[object]:
    (model_folder(place) / "model.safetensors").unlink()
    return usual(place, "--model", place / "model")


def with_options(*options: object) -> Prepare:
    return lambda place: usual(place, *options)


BAD_OPTIONS: dict[str, tuple[Prepare, str, str]] = {
    "unknown voice": (with_options("--voice", "ato"), "f0.csv", "'ato', did you mean 'alto'"),
    "voice twice": (with_options("--voice", "alto", "--voice", "alto"), "alto", "asked for twice"),
    "unknown method": (with_options("--method", "combx"), "combx", "comb"),
    "unet without model": (with_options("--method", "unet"), "unet", "needs a trained model"),
    "comb with model": (with_options("--method", "comb", "--model", "x"), "comb", "uses no model"),
    "unknown model": (with_options("--model", "choir-huge"), "choir-huge", "no model of this name"),
    "malformed hub name": (with_options("--model", "hf://a"), "hf://a", "hf://USER/MODEL"),
    "model of another kind": (
        lambda place: usual(place, "--model", model_folder(place, "query/unet")),
        "model",
        "cannot separate voices",
    ),
    "model that does not fit": (
        lambda place: usual(place, "--model", model_folder(place)),
        "model",
        "do not fit",
    ),
    "damaged model": (damaged_model, "model.safetensors", "is damaged"),
    "half a model": (half_a_model, "model.safetensors", "is missing"),
    "pickled model": (pickled_model, "model.pt", "is a file; a model is a folder"),
    "power of nothing": (with_options("--power", "0"), "0", "mask exponent"),
    "power in words": (with_options("--power", "two"), "--power", "valid number"),
    "unknown format": (with_options("--format", "aiff"), "aiff", "wav"),
    "unknown device": (with_options("--device", "tpu"), "tpu", "cpu"),
    "negative seed": (with_options("--seed", "-1"), "--seed", "greater than or equal to 0"),
    "unknown option": (with_options("--powr", "2"), "--powr", "--power"),
    "no f0": (lambda place: [place / "song.wav", "-o", place / "out"], "--f0", "or the number"),
    "no output": (lambda place: [place / "song.wav", "--f0", place / "f0.csv"], "--output", "Missing"),
    "two recordings": (
        lambda place: [place / "song.wav", *usual(place)],
        "song.wav",
        "unexpected extra argument",
    ),
}

CASES = [
    pytest.param(*case, id=f"{group}: {name}")
    for group, cases in (
        ("recording", BAD_RECORDINGS),
        ("tracks", BAD_TRACKS),
        ("output", BAD_OUTPUTS),
        ("options", BAD_OPTIONS),
    )
    for name, case in cases.items()
]


@pytest.mark.parametrize(("prepare", "named", "message"), CASES)
def test_one_line_and_nothing_left(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, named: str, message: str
) -> None:
    monkeypatch.setenv("PATH", "")  # no ffmpeg, whether or not this machine has it
    arguments = prepare(place)
    before = snapshot(place)
    outcome = run("voices", *arguments)
    assert outcome.code in (1, 2), outcome
    assert len(outcome.lines) == 1, outcome.stderr
    assert outcome.lines[0].startswith("stemless: ")
    assert named in outcome.stderr
    assert message in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert "unexpected" not in outcome.stderr.replace("unexpected extra argument", "")
    assert outcome.stdout == ""
    assert snapshot(place) == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such names")
def test_a_name_that_is_no_text(run: Run, place: Path) -> None:
    name = os.fsdecode(b"s\xffng.wav")
    (place / "song.wav").rename(place / name)
    outcome = run("voices", *usual(place, song=name))
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "ng.wav: the name holds bytes that are no text" in outcome.stderr
    assert not (place / "out").exists()


@pytest.mark.parametrize("prepare", [case[0] for case in BAD_OPTIONS.values()], ids=BAD_OPTIONS)
def test_quiet_and_json_do_not_hide_errors(run: Run, place: Path, prepare: Prepare) -> None:
    outcome = run("voices", *prepare(place), "--quiet", "--json")
    assert outcome.code in (1, 2)
    assert len(outcome.lines) == 1
    assert outcome.stdout == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a cuda device")
def test_a_device_that_is_not_there(run: Run, place: Path) -> None:
    outcome = run("voices", *usual(place, "--device", "cuda"))
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "no cuda device" in outcome.stderr


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(run: Run, place: Path) -> None:
    (place / "out").mkdir()
    (place / "out").chmod(0o500)
    outcome = run("voices", *usual(place))
    (place / "out").chmod(0o700)
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert list((place / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("samples", "rate", "channels"),
    [(1, 44100, 1), (1000, 192000, 8), (50, 8000, 2), (16000, 11025, 1)],
)
def test_strange_recordings_that_are_fine(
    run: Run, place: Path, samples: int, rate: int, channels: int
) -> None:
    write_song(place / "Étude nº 1.wav", rate=rate, channels=channels, samples=samples)
    more = [] if samples / rate < 1 else ["--f0", place / "more.csv"]
    (place / "more.csv").write_text("time,tenor\n0,110\n1.5,110\n")
    outcome = run("voices", *usual(place, *more, song="Étude nº 1.wav"))
    assert outcome.code == 0, outcome.stderr
    mixture, _ = soundfile.read(place / "Étude nº 1.wav", always_2d=True)
    total = np.zeros_like(mixture)
    for path in (place / "out" / "Étude nº 1").glob("*.wav"):
        stem, stem_rate = soundfile.read(path, always_2d=True)
        assert (stem.shape, stem_rate) == (mixture.shape, rate)
        total += stem
    np.testing.assert_allclose(total, mixture, atol=2**-15)


def test_silence_gives_silence_and_says_so(run: Run, place: Path) -> None:
    soundfile.write(place / "song.wav", np.zeros(RATE), RATE)
    outcome = run("voices", *usual(place))
    assert outcome.code == 0
    assert "song.wav: nothing is heard in it, the stems are silent" in outcome.stderr
    for path in (place / "out" / "song").glob("*.wav"):
        assert not soundfile.read(path)[0].any()
