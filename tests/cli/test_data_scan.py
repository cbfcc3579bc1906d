from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import Run, snapshot, write_song
from stemless.query.manifest import read_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Clips of VGGSound; one of three is gone."""
    folder = tmp_path / "vgg sound, é"
    folder.mkdir()
    (folder / "vggsound.csv").write_text(
        'abc-def_ghi,30,"dog barking",train\nxyz-def_ghi,1,raining,test\ngone-f_ghi0,1,thunder,train\n'
    )
    write_song(folder / "abc-def_ghi_000030.wav")
    write_song(folder / "xyz-def_ghi_000001.wav")
    return folder


def test_a_data_set_becomes_a_manifest(run: Run, folder: Path, tmp_path: Path) -> None:
    outcome = run("data", "scan", folder, "-o", tmp_path / "m.csv")
    assert outcome.code == 0, outcome
    assert "2 recordings, laid out as vggsound (1 train, 1 test)" in outcome.stdout
    assert outcome.lines == [f"stemless: 1 of 3 listed clips are not in {folder}"]
    assert [(row.caption, row.split) for row in read_manifest(tmp_path / "m.csv")] == [
        ("dog barking", "train"),
        ("raining", "test"),
    ]
    assert run("data", "scan", folder, "-o", tmp_path / "n.jsonl", "--quiet").stdout == ""
    assert read_manifest(tmp_path / "n.jsonl") == read_manifest(tmp_path / "m.csv")


def test_json_and_shares(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("rain", "wind", "dog", "bell"):
        write_song(folder / f"{name}.wav")
    shares = ("--validation", 0.25, "--test", 0.5)
    outcome = run("data", "scan", folder, "-o", tmp_path / "m.csv", *shares, "--json")
    assert json.loads(outcome.stdout) == {
        "manifest": str(tmp_path / "m.csv"),
        "layout": "captions",
        "recordings": 4,
        "splits": {"train": 1, "validation": 1, "test": 2},
        "listed": 4,
        "missing": 0,
    }
    assert sorted(row.split for row in read_manifest(tmp_path / "m.csv")) == [
        "test",
        "test",
        "train",
        "validation",
    ]


def test_nothing_is_overwritten_unasked(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("mine")
    outcome = run("data", "scan", folder, "-o", tmp_path / "m.csv")
    assert (outcome.code, len(outcome.lines)) == (1, 1) and "--overwrite" in outcome.stderr
    assert (tmp_path / "m.csv").read_text() == "mine"
    assert run("data", "scan", folder, "-o", tmp_path / "m.csv", "--overwrite").code == 0
    assert len(read_manifest(tmp_path / "m.csv")) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--layout", "esc50"], 1, "has no esc50.csv"),
        (["--layout", "esc49"], 2, "--layout"),
        (["--test-fold", "3"], 2, "folds are for ESC-50"),
        (["--validation", "1"], 2, "leave nothing to learn from"),
        (["--validation", "much"], 2, "--validation"),
    ],
)
def test_mistakes_get_one_line_and_no_file(
    run: Run, folder: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    before = snapshot(tmp_path)
    outcome = run("data", "scan", folder, "-o", tmp_path / "m.csv", *arguments)
    assert (outcome.code, len(outcome.lines)) == (code, 1), outcome
    assert message in outcome.stderr and outcome.stdout == ""
    assert snapshot(tmp_path) == before


def test_places_that_are_not_there(run: Run, folder: Path, tmp_path: Path) -> None:
    for arguments in ([tmp_path / "none", "-o", tmp_path / "m.csv"], [folder, "-o", tmp_path / "no/m.csv"]):
        outcome = run("data", "scan", *arguments)
        assert (outcome.code, len(outcome.lines)) == (1, 1), outcome
    assert run("data", "scan", folder).code == 2
