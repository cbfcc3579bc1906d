from __future__ import annotations

import json
from pathlib import Path

import pytest
from clips import touched

from stemless.errors import StemlessError
from stemless.query.manifest import Recording, read_manifest, write_manifest
from stemless.query.scanning import name_words, scan


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dog_barking__1-100032-A", "dog barking"),
        ("acoustic_guitar__a2", "acoustic guitar"),
        ("BabyCry-002", "baby cry"),
        ("street music 12b", "street music"),
        ("ROOSTER", "rooster"),
        ("345678__klangfabrik__rain-on-a-tin-roof", "rain on tin roof"),
        ("345678__klangfabrik", "klangfabrik"),
        ("__glass breaking", "glass breaking"),
        ("Glocke_läutet", "glocke läutet"),
        ("雨の音", "雨の音"),
        ("water and wind", "water and wind"),
        ("1-100032-A", ""),
        ("LJ001-0001", ""),
        ("Audio Track 3", ""),
        ("final_mix_v2", ""),
        ("...", ""),
        ("", ""),
    ],
)
def test_words_of_a_name(name: str, words: str) -> None:
    assert name_words(name) == words


def test_a_folder_of_classes(tmp_path: Path) -> None:
    folder = tmp_path / "recordings 7"
    touched(folder, "rain/0002.wav", "rain/0001.WAV", "dog_barking/x/12.flac", "crow_1.ogg")
    touched(folder, "rain/readme.md", ".hidden/a.wav", "rain/.part.wav")
    assert scan(folder) == [
        Recording(folder / "crow_1.ogg", "crow"),
        Recording(folder / "dog_barking/x/12.flac", "dog barking", (), "dog_barking/x"),
        Recording(folder / "rain/0001.WAV", "rain", (), "rain"),
        Recording(folder / "rain/0002.wav", "rain", (), "rain"),
    ]


def test_what_lies_beside(tmp_path: Path) -> None:
    touched(tmp_path, "a.wav", "b.wav", "c.wav", "d.wav", "rain.wav")
    (tmp_path / "a.txt").write_text("\ufeffA dog barks\nand it rains.\n", encoding="utf-8")
    (tmp_path / "a.json").write_text('{"caption": "not this one"}')
    (tmp_path / "b.json").write_text(
        json.dumps({"title": "no", "caption": " A  bell ", "phrases": "bell ringing;", "group": "church"})
    )
    (tmp_path / "c.json").write_text(json.dumps({"labels": ["dog", "wind", 3]}))
    (tmp_path / "d.json").write_text(json.dumps({"captions": ["first", "second"], "phrases": ["x y"]}))
    (tmp_path / "rain.txt").write_text("  \n")
    assert scan(tmp_path) == [
        Recording(tmp_path / "a.wav", "A dog barks and it rains."),
        Recording(tmp_path / "b.wav", "A bell", ("bell ringing",), "church"),
        Recording(tmp_path / "c.wav", "dog, wind"),
        Recording(tmp_path / "d.wav", "first", ("x y",)),
        Recording(tmp_path / "rain.wav", "rain"),
    ]


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "123"
    touched(folder, "001.wav", "rain.wav")
    (folder / "rain.json").write_text("{")
    said: list[str] = []
    assert [recording.caption for recording in scan(folder, report=said.append)] == ["rain"]
    assert len(said) == 2
    assert "001.txt" in said[0] and "passed over" in said[0]
    assert "rain.json" in said[1] and "the name of the file is used" in said[1]
    with pytest.warns(UserWarning) as warned:
        scan(folder)
    assert [str(warning.message) for warning in warned] == said


def test_folders_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(StemlessError, match="is not a folder"):
        scan(tmp_path / "none")
    touched(tmp_path, "notes.txt")
    with pytest.raises(StemlessError, match="holds no recordings"):
        scan(tmp_path)


def test_becomes_a_manifest(tmp_path: Path) -> None:
    touched(tmp_path / "audio", "rain/1.wav", "wind.wav")
    rows = scan(tmp_path / "audio")
    write_manifest(rows, tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv") == rows
