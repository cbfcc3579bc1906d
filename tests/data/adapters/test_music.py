from __future__ import annotations

import json
from pathlib import Path

import pytest
from clips import touched

from stemless.data.adapters.layouts import scan_folder
from stemless.errors import StemlessError
from stemless.query.manifest import Recording

SOLO = {"accordion": ["iB17xqmFw3A", "gone_iB17xA"], "acoustic_guitar": ["M3dekVSwNjY"]}
DUET = {"acoustic_guitar violin": ["vEOyhF8KLPE"]}


def music(folder: Path, *names: str, solo: object = SOLO, duet: object = DUET) -> Path:
    for kind, videos in (("solo", solo), ("duet", duet)):
        (folder / f"MUSIC_{kind}_videos.json").write_text(json.dumps({"version": 1.0, "videos": videos}))
    touched(folder, *names)
    return folder


def test_solos_and_duets(tmp_path: Path) -> None:
    names = (
        "audio/accordion/iB17xqmFw3A.mp3",
        "audio/acoustic_guitar/M3dekVSwNjY.wav",
        "audio/duet of two/vEOyhF8KLPE.m4a",
    )
    music(tmp_path, *names, "audio/tuba/AKNt1SF-5VA.mp3", "frames/accordion/iB17xqmFw3A.mp4/000001.jpg")
    found, layout = scan_folder(tmp_path)
    assert (layout, found.listed, found.missing) == ("music", 4, 1)
    assert found.recordings == (
        Recording(tmp_path / names[0], "accordion", ("accordion",), "youtube:iB17xqmFw3A"),
        Recording(tmp_path / names[1], "acoustic guitar", ("acoustic guitar",), "youtube:M3dekVSwNjY"),
        Recording(
            tmp_path / names[2],
            "acoustic guitar and violin",
            ("acoustic guitar", "violin"),
            "youtube:vEOyhF8KLPE",
        ),
    )


def test_cuts_of_a_video_are_one_group(tmp_path: Path) -> None:
    names = ("a/iB17xqmFw3A/0001.wav", "a/iB17xqmFw3A/0002.wav", "b/vEOyhF8KLPE_000030.wav")
    music(tmp_path, *names, "a/M3dekVSwNjYx.wav")
    found, _ = scan_folder(tmp_path)
    assert [row.group[8:] for row in found.recordings] == ["iB17xqmFw3A", "iB17xqmFw3A", "vEOyhF8KLPE"]
    assert found.missing == 2


def test_sound_is_taken_before_video(tmp_path: Path) -> None:
    music(tmp_path, "video/iB17xqmFw3A.mp4", "x/iB17xqmFw3A.mp3", "video/M3dekVSwNjY.mp4")
    assert [row.audio.name for row in scan_folder(tmp_path)[0].recordings] == [
        "M3dekVSwNjY.mp4",
        "iB17xqmFw3A.mp3",
    ]


def test_a_video_under_two_names_goes_by_its_folder_or_by_the_most_instruments(tmp_path: Path) -> None:
    solo = {"violin": ["vEOyhF8KLPE", "M3dekVSwNjY"], "cello": ["M3dekVSwNjY"]}
    music(tmp_path, "x/vEOyhF8KLPE.wav", "audio/cello/M3dekVSwNjY.wav", solo=solo)
    (tmp_path / "MUSIC21_solo_videos.json").write_text(json.dumps({"videos": {"cello": ["M3dekVSwNjY"]}}))
    found, _ = scan_folder(tmp_path)
    assert {row.audio.stem: row.caption for row in found.recordings} == {
        "vEOyhF8KLPE": "acoustic guitar and violin",
        "M3dekVSwNjY": "cello",
    }


@pytest.mark.parametrize("content", ["[]", '{"videos": ["a"]}', '{"videos": {"tuba": 3}}', "{", "\xff"])
def test_a_list_that_is_not_the_authors(tmp_path: Path, content: str) -> None:
    music(tmp_path)
    (tmp_path / "MUSIC_solo_videos.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(StemlessError, match=r"MUSIC_solo_videos\.json: .*take the authors' file"):
        scan_folder(tmp_path)
