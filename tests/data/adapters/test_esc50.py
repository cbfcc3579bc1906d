from __future__ import annotations

from pathlib import Path

import pytest
from clips import touched

from stemless.data.adapters.layouts import scan_folder
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import Recording

HEADER = "filename,fold,target,category,esc10,src_file,take\n"
ROWS = (
    "1-100032-A-0.wav,1,0,dog,True,100032,A\n"
    "1-100032-B-0.wav,1,0,dog,True,100032,B\n"
    "2-5-A-11.wav,2,11,sea_waves,True,5,A\n"
    "3-7-A-30.wav,3,30,door_wood_knock,False,7,A\n"
    "5-9-A-1.wav,5,1,rooster,True,9,A\n"
)


def esc50(folder: Path, rows: str = ROWS, header: str = HEADER) -> Path:
    touched(folder, *(f"audio/{line.split(',')[0]}" for line in rows.splitlines()[:-1]))
    (folder / "meta").mkdir()
    (folder / "meta/esc50.csv").write_text(header + rows)
    return folder


def test_categories_in_words_groups_by_source_and_folds(tmp_path: Path) -> None:
    esc50(tmp_path)
    found, layout = scan_folder(tmp_path, test_fold=3, validation_fold=2)
    audio = tmp_path / "audio"
    assert (layout, found.listed, found.missing) == ("esc50", 5, 1)
    assert found.recordings == (
        Recording(audio / "1-100032-A-0.wav", "dog", ("dog",), "freesound:100032"),
        Recording(audio / "1-100032-B-0.wav", "dog", ("dog",), "freesound:100032"),
        Recording(audio / "2-5-A-11.wav", "sea waves", ("sea waves",), "freesound:5", "validation"),
        Recording(audio / "3-7-A-30.wav", "door wood knock", ("door wood knock",), "freesound:7", "test"),
    )
    assert {row.split for row in scan_folder(tmp_path)[0].recordings} == {"train"}


def test_the_folder_around_the_archive_will_do_and_so_will_other_suffixes(tmp_path: Path) -> None:
    folder = esc50(tmp_path / "ESC-50-master")
    for path in (folder / "audio").iterdir():
        path.rename(path.with_suffix(".ogg"))
    assert len(scan_folder(tmp_path)[0].recordings) == 4


def test_folds_must_exist_and_differ_and_belong_to_esc50(tmp_path: Path) -> None:
    esc50(tmp_path)
    with pytest.raises(UsageError, match="no fold 6"):
        scan_folder(tmp_path, test_fold=6)
    with pytest.raises(UsageError, match="no fold 0"):
        scan_folder(tmp_path, validation_fold=0)
    with pytest.raises(UsageError, match="both for test and for validation"):
        scan_folder(tmp_path, test_fold=2, validation_fold=2)
    with pytest.raises(UsageError, match="folds are for ESC-50"):
        scan_folder(tmp_path, "captions", test_fold=2)


def test_a_list_that_is_not_the_authors(tmp_path: Path) -> None:
    esc50(tmp_path, header=HEADER.replace("src_file", "source"))
    with pytest.raises(StemlessError, match=r"esc50\.csv: has no column 'src_file'"):
        scan_folder(tmp_path)
    (tmp_path / "meta/esc50.csv").write_text(HEADER + "1-100032-A-0.wav,1,0\n")
    with pytest.raises(StemlessError, match="line 2: is cut short"):
        scan_folder(tmp_path)
    (tmp_path / "meta/esc50.csv").write_bytes(b"\xff\xfe\0")
    with pytest.raises(StemlessError, match="cannot be read"):
        scan_folder(tmp_path)
