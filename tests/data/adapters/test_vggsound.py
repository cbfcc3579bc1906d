from __future__ import annotations

from pathlib import Path

import pytest
from clips import touched

from stemless.data.adapters.layouts import scan_folder
from stemless.errors import StemlessError
from stemless.query.manifest import Recording, read_manifest, write_manifest

ROWS = """---g-f_I2yQ,1,people marching,test
--0PQM4-hqg,30,waterfall burbling,train
--56QUhyDQM,185,"female speech, woman speaking",train
"""


def vggsound(folder: Path, rows: str, *names: str) -> Path:
    (folder / "vggsound.csv").write_text(rows)
    touched(folder, *names)
    return folder


def test_labels_are_one_source_and_videos_are_groups(tmp_path: Path) -> None:
    vggsound(tmp_path, ROWS, "audio/---g-f_I2yQ_000001.wav", "audio/--56QUhyDQM_000185.wav", "other.wav")
    found, layout = scan_folder(tmp_path)
    assert (layout, found.listed, found.missing) == ("vggsound", 3, 1)
    speech = "female speech, woman speaking"
    assert found.recordings == (
        Recording(
            tmp_path / "audio/---g-f_I2yQ_000001.wav",
            "people marching",
            ("people marching",),
            "youtube:---g-f_I2yQ",
            "test",
        ),
        Recording(
            tmp_path / "audio/--56QUhyDQM_000185.wav", speech, (speech,), "youtube:--56QUhyDQM", "train"
        ),
    )
    write_manifest(found.recordings, tmp_path / "m.csv")
    assert read_manifest(tmp_path / "m.csv") == list(found.recordings)


@pytest.mark.parametrize(
    "name",
    [
        "--0PQM4-hqg_000030.flac",
        "x/--0PQM4-hqg_30.wav",
        "--0PQM4-hqg_30_40.mp3",
        "--0PQM4-hqg_30000_40000.wav",
        "--0PQM4-hqg_30.000_40.000.mp4",
        "Y--0PQM4-hqg_30.wav",
        "--0PQM4-hqg.webm",
        "Y--0PQM4-hqg.wav",
    ],
)
def test_other_names_of_a_clip(tmp_path: Path, name: str) -> None:
    vggsound(tmp_path, ROWS, name)
    assert [row.audio for row in scan_folder(tmp_path)[0].recordings] == [tmp_path / name]


def test_the_bare_video_is_unclear_where_two_of_its_clips_are_listed(tmp_path: Path) -> None:
    rows = "B5KE79I2f-A,188,wind noise,train\nB5KE79I2f-A,220,thunder,train\n"
    vggsound(tmp_path, rows, "B5KE79I2f-A.wav", "B5KE79I2f-A_000220.wav")
    found, _ = scan_folder(tmp_path)
    assert [(row.caption, row.audio.name) for row in found.recordings] == [
        ("thunder", "B5KE79I2f-A_000220.wav")
    ]
    assert found.missing == 1


def test_sound_is_taken_before_video(tmp_path: Path) -> None:
    vggsound(tmp_path, ROWS, "a/--0PQM4-hqg_000030.mp4", "b/--0PQM4-hqg_000030.wav")
    assert [row.audio.suffix for row in scan_folder(tmp_path)[0].recordings] == [".wav"]


def test_no_video_is_trained_on_and_tested(tmp_path: Path) -> None:
    rows = "B5KE79I2f-A,188,wind noise,train\nB5KE79I2f-A,220,wind noise,test\n"
    vggsound(tmp_path, rows, "B5KE79I2f-A_000188.wav", "B5KE79I2f-A_000220.wav")
    said: list[str] = []
    found, _ = scan_folder(tmp_path, report=said.append)
    assert [row.split for row in found.recordings] == ["test"]
    assert (found.listed, found.missing) == (2, 0)
    assert len(said) == 1 and said[0].startswith("1 of 2 clips left out")


def test_column_names_are_passed_over_and_other_lists_refused(tmp_path: Path) -> None:
    for first in ("id,sec,label,split\n", "# YouTube ID, start seconds, label,train/test split.\n"):
        vggsound(tmp_path, first + ROWS, "--0PQM4-hqg.wav")
        assert scan_folder(tmp_path)[0].listed == 3
    for row in ("--0PQM4-hqg,30,rain", "--0PQM4-hqg,x,rain,train", "--0PQM4-hqg,1,,train", "a,1,rain,no"):
        vggsound(tmp_path, ROWS + row)
        with pytest.raises(StemlessError, match=r"vggsound\.csv, line 4: is not"):
            scan_folder(tmp_path)
