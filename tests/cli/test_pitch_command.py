"""`stemless pitch`, and `stemless voices` without tracks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from command_line import Prepare, Run, snapshot
from stemless.voices.tracks import PitchTracks


def test_tracks_confidence_and_picture(run: Run, place: Path) -> None:
    outcome = run(
        *("pitch", place / "song.wav", "--voices", 2, "-o", place / "found.csv", "--name", "alto"),
        *("--name", "bass", "--confidence", place / "sure.csv", "--picture", place / "found.png"),
    )
    assert outcome.code == 0, outcome
    tracks = PitchTracks.from_csv(place / "found.csv")
    assert tracks.names == ("alto", "bass")
    voiced = (tracks.f0_hz > 0).all(0)
    assert voiced.mean() > 0.8
    np.testing.assert_allclose(np.median(tracks.f0_hz[:, voiced], axis=1), [330, 220], rtol=0.01)
    rows = np.loadtxt(place / "sure.csv", delimiter=",", skiprows=1)
    assert rows.shape == (tracks.times.size, 3)
    assert ((rows[:, 1:] >= 0) & (rows[:, 1:] <= 1)).all()
    assert (place / "found.png").read_bytes().startswith(b"\x89PNG")
    assert "alto" in outcome.stdout and "bass" in outcome.stdout


def test_json_says_what_was_found(run: Run, place: Path) -> None:
    outcome = run("pitch", place / "song.wav", "--voices", 3, "-o", place / "found.csv", "--json")
    assert outcome.code == 0
    document = json.loads(outcome.stdout)
    assert [voice["name"] for voice in document["voices"]] == ["voice 1", "voice 2", "voice 3"]
    assert document["f0"] == str(place / "found.csv")
    # There are two voices: what is said of the third is said on both channels.
    assert document["warnings"]
    assert all(f"warning: {warning}" in outcome.stderr for warning in document["warnings"])


def test_given_tracks_are_refined(run: Run, place: Path) -> None:
    (place / "flat.csv").write_text("time,alto,bass\n0,325,223\n0.5,325,223\n1,325,223\n", encoding="utf-8")
    outcome = run("pitch", place / "song.wav", "--f0", place / "flat.csv", "-o", place / "found.csv")
    assert outcome.code == 0, outcome
    found = PitchTracks.from_csv(place / "found.csv")
    assert found.names == ("alto", "bass")
    np.testing.assert_allclose(np.median(found.f0_hz, axis=1), [330, 220], rtol=0.004)


def test_voices_are_separated_from_the_recording_alone(run: Run, place: Path) -> None:
    outcome = run("voices", place / "song.wav", "--voices", 2, "-o", place / "out", "--method", "comb")
    assert outcome.code == 0, outcome
    folder = place / "out" / "song"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert {path.name for path in folder.glob("*.wav")} == {"voice-1.wav", "voice-2.wav", "residual.wav"}
    assert set(report["pitch"]["confidence"]) == {"voice 1", "voice 2"}


def test_given_tracks_can_be_refined_on_the_way(run: Run, place: Path) -> None:
    options = ("--f0", place / "f0.csv", "--refine", "-o", place / "out", "--method", "comb")
    outcome = run("voices", place / "song.wav", *options)
    assert outcome.code == 0, outcome
    report = json.loads((place / "out/song/report.json").read_text(encoding="utf-8"))
    assert set(report["pitch"]["confidence"]) == {"alto", "bass"}


@pytest.mark.parametrize("asked", [["--voices", 2], ["--f0", "f0.csv", "--refine"]])
def test_a_blend_weighs_what_is_heard_twice(run: Run, place: Path, asked: list[object]) -> None:
    asked = [place / word if word == "f0.csv" else word for word in asked]
    outcome = run("voices", place / "song.wav", *asked, "-o", place / "out", "--method", "blend")
    assert outcome.code == 0, outcome
    report = json.loads((place / "out/song/report.json").read_text(encoding="utf-8"))
    assert report["separator"] == "voices/blend"
    assert all(sure > 0.5 for sure in report["pitch"]["confidence"].values())


def test_listening_twice(run: Run, place: Path) -> None:
    options = ("--voices", 2, "--again", "-o", place / "found.csv", "--quiet")
    outcome = run("pitch", place / "song.wav", *options)
    assert outcome.code == 0, outcome
    found = PitchTracks.from_csv(place / "found.csv")
    voiced = (found.f0_hz > 0).all(0)
    np.testing.assert_allclose(np.median(found.f0_hz[:, voiced], axis=1), [330, 220], rtol=0.01)


def pitch(*more: object) -> Prepare:
    return lambda place: ["pitch", place / "song.wav", "-o", place / "found.csv", *more]


def existing(place: Path) -> Sequence[object]:
    (place / "found.csv").write_text("mine", encoding="utf-8")
    return ["pitch", place / "song.wav", "--voices", 2, "-o", place / "found.csv"]


BAD: dict[str, tuple[Prepare, int, str]] = {
    "neither voices nor tracks": (pitch(), 2, "--voices N"),
    "both": (lambda place: [*pitch("--voices", 2)(place), "--f0", place / "f0.csv"], 2, "--f0 CSV"),
    "too many voices": (pitch("--voices", 9), 2, "less than or equal to 6"),
    "names that do not fit": (pitch("--voices", 2, "--name", "a"), 2, "1 names for 2 voices"),
    "equal names": (pitch("--voices", 2, "--name", "a", "--name", "a"), 1, "two voices are called 'a'"),
    "no such recording": (
        lambda place: ["pitch", place / "none.wav", "--voices", 2, "-o", place / "found.csv"],
        1,
        "none.wav",
    ),
    "no such folder": (
        lambda place: ["pitch", place / "song.wav", "--voices", 2, "-o", place / "no" / "found.csv"],
        1,
        "no such folder",
    ),
    "a folder for a file": (
        lambda place: ["pitch", place / "song.wav", "--voices", 2, "-o", place],
        2,
        "is a folder",
    ),
    "the recording itself": (
        lambda place: ["pitch", place / "song.wav", "--voices", 2, "-o", place / "song.wav", "--overwrite"],
        2,
        "the recording itself",
    ),
    "there already": (existing, 2, "exists already"),
    "a model of something else": (
        pitch("--voices", 2, "--model", "separator"),
        1,
        "not one that tells pitches",
    ),
    "no such model": (pitch("--voices", 2, "--model", "nothing"), 1, "nothing"),
    "tracks that end early": (
        lambda place: [
            *("pitch", place / "song.wav", "--f0", _short(place), "-o", place / "found.csv"),
        ],
        1,
        "before the audio",
    ),
}


def _short(place: Path) -> Path:
    (place / "short.csv").write_text("time,a,b\n0,220,330\n0.01,220,330\n", encoding="utf-8")
    return place / "short.csv"


@pytest.mark.parametrize(("prepare", "code", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, place: Path, prepare: Prepare, code: int, message: str
) -> None:
    arguments = prepare(place)
    before = snapshot(place)
    outcome = run(*arguments)
    assert (outcome.code, len(outcome.lines)) == (code, 1), outcome
    assert message in outcome.stderr
    assert snapshot(place) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--voices N"),
        (["--voices", 2, "--score", "x.mid"], "--voices N"),
        (["--voices", 2, "--refine"], "--refine belongs to --f0"),
        (["--voices", 1], "--voices"),
    ],
)
def test_pitch_of_voices_comes_from_one_place(
    run: Run, place: Path, options: list[object], message: str
) -> None:
    outcome = run("voices", place / "song.wav", *options, "-o", place / "out")
    assert (outcome.code, len(outcome.lines)) == (2, 1), outcome
    assert message in outcome.stderr
    assert not (place / "out").exists()


def test_estimates_of_a_recording_train_a_model_that_listens(run: Run, place: Path) -> None:
    pytest.importorskip("lightning")
    own = place / "own"
    outcome = run("data", "estimates", place / "song.wav", "--voices", 2, "-o", own, "--json")
    assert outcome.code == 0, outcome
    manifest = json.loads(outcome.stdout)["manifest"]
    assert manifest == str(own / "manifest.csv")
    (place / "pitch.yaml").write_text(
        f"corpora: ['{manifest}']\noutput: '{place / 'run'}'\nstart: pitch\nsteps: 2\nsteps_per_epoch: 2\n"
        "batch_size: 2\nstretch_seconds: 0.5\nremixing: {joined: 0.5}\noptimiser: {rate: 1.0e-5}\n",
        encoding="utf-8",
    )
    outcome = run("train", "pitch", place / "pitch.yaml", "--json")
    assert outcome.code == 0, outcome.stderr
    model = json.loads(outcome.stdout)["model"]
    again = ("--pitch-model", model, "--voices", 2, "--method", "comb", "--quiet")
    outcome = run("voices", place / "song.wav", *again, "-o", place / "out")
    assert (outcome.code, outcome.stderr) == (0, "")


def test_a_pitch_model_that_would_not_listen_is_refused(run: Run, place: Path) -> None:
    asked = ("voices", place / "song.wav", "--f0", place / "f0.csv", "-o", place / "out")
    outcome = run(*asked, "--pitch-model", "pitch")
    assert outcome.code == 2 and "add --refine" in outcome.stderr and not (place / "out").exists()
    outcome = run(*asked, "--refine", "--pitch-model", "voices")
    assert (
        outcome.code != 0 and "not one that tells pitches" in outcome.stderr and not (place / "out").exists()
    )
