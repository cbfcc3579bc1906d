"""`stemless voices IN --score FILE`: a recording and its score in, one stem a voice out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from command_line import Run, snapshot
from score_files import Note, tones, write_midi

pytest.importorskip("mido")
pytest.importorskip("partitura")

RATE = 16000
UPPER: list[Note] = [
    (beat / 2, 0.5, pitch) for beat, pitch in enumerate((72, 74, 76, 77, 79, 77, 74, 71, 72))
]
LOWER: list[Note] = [(beat, 1.0, pitch) for beat, pitch in enumerate((48, 53, 55, 43, 48))]
SECONDS = 6.0


@pytest.fixture
def choir(tmp_path: Path) -> Path:
    """A folder with choir.wav and choir.mid, two semitones higher and 1.25 times as fast."""
    folder = tmp_path / "été"
    folder.mkdir()
    audio = tones([UPPER, LOWER], SECONDS, RATE)
    soundfile.write(folder / "choir.wav", audio.numpy(), RATE, subtype="FLOAT")
    parts = {
        name: [(on, length, pitch + 2) for on, length, pitch in notes]
        for name, notes in (("Soprano", UPPER), ("Bass", LOWER))
    }
    write_midi(folder / "choir.mid", parts, tempo=[(0, 75)])
    return folder


def asked(folder: Path, *more: object, score: str = "choir.mid") -> list[object]:
    return ["voices", folder / "choir.wav", "--score", folder / score, "-o", folder / "out", *more]


def test_stems_and_what_was_found(run: Run, choir: Path) -> None:
    outcome = run(*asked(choir))
    assert outcome.code == 0, outcome.stderr
    assert "choir.mid: the recording is 2 semitones below it" in outcome.stderr
    folder = choir / "out" / "choir"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["score"]["transposition_semitones"] == -2
    assert report["score"]["tempo"] == pytest.approx(0.8, abs=0.05)
    assert report["score"]["input"] == str(choir / "choir.mid")
    assert [stem["name"] for stem in report["stems"]] == ["Soprano", "Bass"]
    for name, notes in (("soprano", UPPER), ("bass", LOWER)):
        stem, _ = soundfile.read(folder / f"{name}.wav", dtype="float32")
        wanted = tones([notes], SECONDS, RATE).numpy()
        error = float(np.square(stem - wanted).sum() / np.square(wanted).sum())
        assert error < 0.1


def test_the_report_in_json_and_one_voice(run: Run, choir: Path) -> None:
    outcome = run(*asked(choir, "--voice", "Bass", "--json", "--quiet"))
    assert (outcome.code, outcome.stderr) == (0, "")
    report = json.loads(outcome.stdout)
    assert [stem["name"] for stem in report["stems"]] == ["Bass"]
    assert report["score"]["confidence"] > 0.4


def solo(folder: Path) -> list[object]:
    write_midi(folder / "solo.mid", {"Solo": UPPER})
    return asked(folder, score="solo.mid")


def drums(folder: Path) -> list[object]:
    write_midi(folder / "drums.mid", {"Drums": UPPER}, channels={"Drums": 9})
    return asked(folder, score="drums.mid")


def long_score(folder: Path) -> list[object]:
    parts = {name: [(60.0, 1.0, 60), *notes] for name, notes in (("A", UPPER), ("B", LOWER))}
    write_midi(folder / "long.mid", parts)
    return asked(folder, score="long.mid")


def silence(folder: Path) -> list[object]:
    soundfile.write(folder / "choir.wav", np.zeros(RATE), RATE)
    return asked(folder)


def existing(folder: Path) -> list[object]:
    (folder / "out" / "choir").mkdir(parents=True)
    (folder / "out" / "choir" / "bass.wav").write_bytes(b"mine")
    return asked(folder)


@pytest.mark.parametrize(
    ("prepare", "code", "named", "message"),
    [
        (lambda folder: asked(folder, score="none.mid"), 1, "none.mid", "no such score"),
        (lambda folder: asked(folder, score="choir.wav"), 1, "choir.wav", "is no score"),
        (lambda folder: asked(folder, score="."), 1, "été", "cannot be read"),
        (solo, 1, "solo.mid", "only one voice"),
        (drums, 1, "drums.mid", "percussion only"),
        (long_score, 1, "long.mid", "far shorter"),
        (silence, 1, "choir.mid", "nothing is heard"),
        (lambda folder: asked(folder, "--f0", folder / "f0.csv"), 2, "--f0", "or the score"),
        (lambda folder: asked(folder, "--voice", "Alto"), 2, "choir.mid", "no voice is called 'Alto'"),
        (existing, 2, "bass.wav", "exists already"),
    ],
)
def test_one_line_and_nothing_left(
    run: Run, choir: Path, prepare: Callable[[Path], list[object]], code: int, named: str, message: str
) -> None:
    arguments = prepare(choir)
    before = snapshot(choir)
    outcome = run(*arguments, "--quiet")
    assert outcome.code == code, outcome
    assert len(outcome.lines) == 1, outcome.stderr
    assert named in outcome.stderr
    assert message in outcome.stderr
    assert outcome.stdout == ""
    assert snapshot(choir) == before


def test_the_extra_is_named(run: Run, choir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mido", None)
    outcome = run(*asked(choir))
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "pip install 'stemless[score]'" in outcome.stderr
