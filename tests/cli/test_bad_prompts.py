"""Every mistake of `stemless separate` gets one line, exit code 1 or 2, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import soundfile
from shipped_model import lend_embedding, write_model

from command_line import Prepare, Run, snapshot, write_song
from stemless import checkpoint


def asked(*options: object) -> Prepare:
    return lambda place: [place / "song.wav", "-o", place / "out", "--model", place / "model", *options]


def existing(place: Path) -> Sequence[object]:
    (place / "out" / "song").mkdir(parents=True)
    (place / "out" / "song" / "rain.wav").write_bytes(b"mine")
    return asked("--prompt", "rain")(place)


def itself(place: Path) -> Sequence[object]:
    (place / "out" / "rain").mkdir(parents=True)
    write_song(place / "out" / "rain" / "rain.wav")
    song = place / "out" / "rain" / "rain.wav"
    return [song, "-o", place / "out", "--model", place / "model", "--prompt", "rain", "--overwrite"]


def damaged(place: Path) -> Sequence[object]:
    (place / "damaged.wav").write_bytes(b"RIFF, but no more")
    return [place / "song.wav", place / "damaged.wav", *asked("--prompt", "rain")(place)[1:]]


def twins(place: Path) -> Sequence[object]:
    samples, rate = soundfile.read(place / "song.wav")
    soundfile.write(place / "song.flac", samples, rate)
    return [place / "song.flac", *asked("--prompt", "rain")(place)]


def voices_model(place: Path) -> Sequence[object]:
    checkpoint.save(place / "choir", {"kind": "voices/network", "model": {}}, {}, "# C")
    return asked("--prompt", "rain", "--model", place / "choir")(place)


def no_embedding(place: Path) -> Sequence[object]:
    checkpoint.save(place / "half", {"kind": "query/separator", "network": "compact"}, {}, "# C")
    return asked("--prompt", "rain", "--model", place / "half")(place)


BAD: dict[str, tuple[Prepare, str, str]] = {
    "no prompt": (asked(), "--prompt", "name a sound"),
    "empty": (asked("--prompt", ""), "prompt", "is empty"),
    "blanks": (asked("--prompt", " \n "), "prompt", "is empty"),
    "emoji": (asked("--prompt", "🐶"), "🐶", "holds no words"),
    "dots": (asked("--prompt", "../.."), "../..", "holds no words"),
    "10,000 characters": (asked("--prompt", "rain " * 2000), "rain rain", "has 9999 characters"),
    "twice": (asked("--prompt", "rain", "--prompt", "Rain"), "Rain", "asked for twice"),
    "asked for and away": (asked("--prompt", "rain", "--without", "rain"), "rain", "both asked for and"),
    "no text": (asked("--prompt", "a\udcff"), "udcff", "no text"),
    "empty caption": (asked("--caption", "..."), "...", "holds no words"),
    "silent caption": (asked("--caption", "Silence"), "Silence", "names no source"),
    "no recording": (lambda place: ["--prompt", "rain", "-o", place / "out"], "IN", "Missing argument"),
    "missing": (
        lambda place: [place / "none.wav", *asked("--prompt", "rain")(place)[1:]],
        "none.wav",
        "no such file",
    ),
    "one of two is damaged": (damaged, "damaged.wav", ""),
    "two of a name": (twins, "song", "another recording has the same name"),
    "existing": (existing, "rain.wav", "exists already"),
    "itself": (itself, "rain.wav", "would be replaced by a stem"),
    "model of voices": (voices_model, "choir", "takes no prompts"),
    "model that does not fit": (no_embedding, "half", "do not fit"),
    "unknown model": (asked("--prompt", "rain", "--model", "huge"), "huge", "no model of this name"),
    "unknown format": (asked("--prompt", "rain", "--format", "aiff"), "aiff", "wav"),
}


@pytest.mark.parametrize(("prepare", "named", "message"), BAD.values(), ids=BAD)
def test_one_line_and_nothing_left(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, prepare: Prepare, named: str, message: str
) -> None:
    monkeypatch.setenv("PATH", "")  # no ffmpeg, whether or not this machine has it
    lend_embedding(monkeypatch)
    write_model(place / "model")
    arguments = prepare(place)
    before = snapshot(place)
    outcome = run("separate", *arguments)
    assert outcome.code in (1, 2), outcome
    assert len(outcome.lines) == 1, outcome.stderr
    assert outcome.lines[0].startswith("stemless: ") and len(outcome.lines[0]) < 400
    assert named in outcome.stderr and message in outcome.stderr
    assert "Traceback" not in outcome.stderr and "unexpected" not in outcome.stderr
    assert outcome.stdout == ""
    assert snapshot(place) == before


def test_no_model_at_all(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", place / "none")
    outcome = run("separate", place / "song.wav", "--prompt", "rain", "-o", place / "out")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "no model for prompts ships with this version: give one (--model" in outcome.stderr
    assert not (place / "out").exists()
    assert "none for prompts" in run("doctor").stdout
