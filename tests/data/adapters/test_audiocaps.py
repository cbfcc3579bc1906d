from __future__ import annotations

from pathlib import Path

import pytest
from clips import touched

from stemless.data.adapters.layouts import scan_folder
from stemless.errors import StemlessError
from stemless.query.manifest import Recording

HEADER = "audiocap_id,youtube_id,start_time,caption\n"
TRAIN = '97151,vfY_TJq7n_U,130,"Rustling occurs, ducks quack"\n108945,tdWhHV3X25Q,60, A crowd  claps\n'
TEST = "101,y2bVZ7rz-5M,280,A horn honks\n102,y2bVZ7rz-5M,280,A siren wails\n"


def audiocaps(folder: Path, *names: str, train: str = TRAIN, test: str = TEST) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.csv").write_text(HEADER + train)
    (folder / "test.csv").write_text(HEADER + test)
    touched(folder, *names)
    return folder


@pytest.mark.parametrize("version", ["{0}_{1}", "Y{0}_{1}", "{2}", "{0}", "Y{0}", "{0}_{3}_{4}"])
def test_clips_by_any_name_with_their_first_caption(tmp_path: Path, version: str) -> None:
    ducks = version.format("vfY_TJq7n_U", 130, 97151, 130000, 140000)
    horn = version.format("y2bVZ7rz-5M", 280, 102, 280000, 290000)
    audiocaps(tmp_path, f"wavs/train/{ducks}.wav", f"wavs/test/{horn}.flac")
    found, layout = scan_folder(tmp_path)
    assert (layout, found.listed, found.missing) == ("audiocaps", 3, 1)
    # The captions are sentences: their phrases are left to be read off them.
    assert sorted(found.recordings, key=lambda row: row.caption) == [
        Recording(tmp_path / f"wavs/test/{horn}.flac", "A horn honks", (), "youtube:y2bVZ7rz-5M", "test"),
        Recording(
            tmp_path / f"wavs/train/{ducks}.wav", "Rustling occurs, ducks quack", (), "youtube:vfY_TJq7n_U"
        ),
    ]


def test_the_validation_list_and_captions_without_words(tmp_path: Path) -> None:
    audiocaps(tmp_path, "97151.wav", "101.wav", train="97151,vfY_TJq7n_U,130,...\n")
    (tmp_path / "test.csv").rename(tmp_path / "val.csv")
    said: list[str] = []
    found, _ = scan_folder(tmp_path, report=said.append)
    assert [(row.caption, row.split) for row in found.recordings] == [("A horn honks", "validation")]
    assert said == ["1 of 2 clips left out: their captions hold no words"]


def test_of_two_versions_side_by_side_the_first_is_read(tmp_path: Path) -> None:
    audiocaps(tmp_path / "dataset", "97151.wav")
    audiocaps(tmp_path / "dataset2.0", train="97151,vfY_TJq7n_U,130,something else\n")
    assert [row.caption for row in scan_folder(tmp_path)[0].recordings] == ["Rustling occurs, ducks quack"]


def test_lists_of_other_kinds_are_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("./data/audio/tuba/AKNt1SF-5VA.mp3,./frames,1580\n")
    touched(tmp_path, "tuba.wav")
    assert scan_folder(tmp_path)[1] == "captions"


def test_rows_without_a_start(tmp_path: Path) -> None:
    audiocaps(tmp_path, train="97151,vfY_TJq7n_U,,ducks quack\n")
    with pytest.raises(StemlessError, match=r"train\.csv: caption 97151 names no video and start"):
        scan_folder(tmp_path)
