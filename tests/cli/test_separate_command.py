"""What `stemless separate` does when all is well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from shipped_model import lend_embedding, write_model

from command_line import RATE, Run, write_song
from stemless import checkpoint


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lend_embedding(monkeypatch)
    return write_model(tmp_path / "models" / "street-sounds")


@pytest.fixture
def usual(place: Path, model: Path) -> list[object]:
    return ["separate", place / "song.wav", "-o", place / "out", "--model", model]


def stems_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_stems_residual_and_report(run: Run, place: Path, usual: list[object]) -> None:
    outcome = run(*usual, "--prompt", "a dog barking", "-p", "Rain", "--without", "wind")
    assert (outcome.code, outcome.stderr) == (0, "")
    folder = place / "out" / "song"
    assert set(stems_in(folder)) == {"a-dog-barking.wav", "rain.wav", "residual.wav", "report.json"}
    for name in ("a-dog-barking", "rain", "residual"):
        assert str(folder / f"{name}.wav") in outcome.stdout
    assert "without 'wind'" in outcome.stdout
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["separator"] == "query/compact"
    assert [(stem["name"], stem["prompt"]) for stem in report["stems"]] == [
        ("a dog barking", "a dog barking"),
        ("Rain", "Rain"),
    ]
    for stem in report["stems"]:
        assert 0 < stem["presence"] <= 1 and stem["activity"]
    total = sum(soundfile.read(path)[0] for path in folder.glob("*.wav"))
    np.testing.assert_allclose(total, soundfile.read(place / "song.wav")[0], atol=1e-6)


def test_the_same_run_gives_the_same_bytes(run: Run, place: Path, usual: list[object]) -> None:
    for name in ("first", "second"):
        assert run(*usual, "--prompt", "rain", "--seed", 7, "-o", place / name).code == 0
    first, second = (stems_in(place / name / "song") for name in ("first", "second"))
    assert first == second and json.loads(first["report.json"])["seed"] == 7


def test_several_recordings(run: Run, place: Path, usual: list[object]) -> None:
    write_song(place / "été.flac", rate=44100, channels=2)
    command, *rest = usual
    outcome = run(command, place / "été.flac", *rest, "--prompt", "rain", "--json")
    assert outcome.code == 0, outcome.stderr
    reports = json.loads(outcome.stdout)
    assert [Path(report["input"]).name for report in reports] == ["été.flac", "song.wav"]
    rain, rate = soundfile.read(place / "out" / "été" / "rain.wav")
    assert (rate, rain.shape) == (44100, (44100, 2))
    one = run(*usual, "--prompt", "rain", "--json", "--overwrite")
    assert json.loads(one.stdout) == reports[1]


def test_a_caption_names_the_sounds(run: Run, place: Path, usual: list[object]) -> None:
    outcome = run(*usual, "--caption", "A dog barks and rain falls", "--prompt", "wind", "--json")
    assert outcome.code == 0
    assert "the caption names: dog barking, rain falling" in outcome.stderr
    assert [stem["name"] for stem in json.loads(outcome.stdout)["stems"]] == [
        "wind",
        "dog barking",
        "rain falling",
    ]


def test_without_alone(run: Run, place: Path, usual: list[object]) -> None:
    assert run(*usual, "--without", "rain", "--format", "flac", "--quiet").stdout == ""
    assert set(stems_in(place / "out" / "song")) == {"without-rain.flac", "residual.flac", "report.json"}


@pytest.mark.parametrize("prompt", ["../../x", "/etc/passwd", "a\nb", "con", "雨"])
def test_names_of_files_are_safe(run: Run, place: Path, usual: list[object], prompt: str) -> None:
    before = set(place.parent.rglob("*"))
    assert run(*usual, "--prompt", prompt).code == 0
    folder = place / "out" / "song"
    new = {path for path in set(place.parent.rglob("*")) - before if path.is_file()}
    assert len(new) == 3 and {path.parent for path in new} == {folder}


def test_silence_is_told(run: Run, place: Path, usual: list[object]) -> None:
    soundfile.write(place / "song.wav", np.zeros(RATE), RATE)
    outcome = run(*usual, "--prompt", "rain")
    assert outcome.code == 0
    assert "song.wav: 'rain' is not heard in it (presence 0.00)" in outcome.stderr
    assert not soundfile.read(place / "out" / "song" / "rain.wav")[0].any()


def test_a_picture_beside_the_stems(run: Run, place: Path, usual: list[object]) -> None:
    pytest.importorskip("matplotlib")
    assert run(*usual, "--prompt", "rain", "--picture").code == 0
    assert (place / "out" / "song" / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_what_ships_is_the_default(
    run: Run, place: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", model.parent)
    outcome = run("separate", place / "song.wav", "--prompt", "rain", "-o", place / "out")
    assert outcome.code == 0, outcome.stderr
    assert json.loads(run("doctor", "--json").stdout)["prompts"] == "street-sounds"
