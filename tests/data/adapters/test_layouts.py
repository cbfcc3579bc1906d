from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import RATE, tone, touched
from soundfile import write

from stemless.data.adapters.layouts import hold_back, scan_folder
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import Recording, read_manifest, write_manifest
from stemless.query.mixing import MixingConfig, MixtureSampler
from stemless.query.recordings import RecordingPool

VGGSOUND = "--0PQM4-hqg,30,waterfall burbling,train\n---g-f_I2yQ,1,people marching,train\n"


def test_any_other_folder_is_captions(tmp_path: Path) -> None:
    touched(tmp_path, "rain/1.wav", "notes.csv")
    found, layout = scan_folder(tmp_path)
    assert (layout, found.listed, found.missing) == ("captions", 1, 0)
    assert found.recordings == (Recording(tmp_path / "rain/1.wav", "rain", (), "rain"),)
    # Whatever lists there are, where it is asked for.
    (tmp_path / "vggsound.csv").write_text(VGGSOUND)
    assert scan_folder(tmp_path, "captions")[0] == found


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StemlessError, match="is not a folder"):
        scan_folder(tmp_path / "none")
    with pytest.raises(StemlessError, match=r"has no esc50\.csv \(in meta/\)"):
        scan_folder(tmp_path, "esc50")
    (tmp_path / "vggsound.csv").write_text(VGGSOUND)
    touched(tmp_path, "unlisted.wav")
    with pytest.raises(StemlessError, match=r"none of the 2 clips that vggsound\.csv lists is here"):
        scan_folder(tmp_path)
    (tmp_path / "MUSIC_solo_videos.json").write_text('{"videos": {}}')
    with pytest.raises(UsageError, match="lists of music and vggsound; choose one with --layout"):
        scan_folder(tmp_path)


def test_lists_are_looked_for_two_folders_down(tmp_path: Path) -> None:
    touched(tmp_path, "a/b/c/vggsound.csv", "a/.b/vggsound.csv", "rain.wav")
    assert scan_folder(tmp_path)[1] == "captions"
    (tmp_path / "a/b/vggsound.csv").write_text(VGGSOUND)
    touched(tmp_path, "--0PQM4-hqg.wav")
    assert scan_folder(tmp_path)[1] == "vggsound"


def test_shares_are_held_back_in_whole_groups(tmp_path: Path) -> None:
    recordings = [Recording(tmp_path / f"{n}.wav", "rain", (), f"g{n // 4}") for n in range(80)]
    recordings.append(Recording(tmp_path / "x.wav", "wind", (), "held", "test"))
    rows = hold_back(recordings, validation=0.2, test=0.3, seed=1)
    assert [row.audio for row in rows] == [row.audio for row in recordings]
    counts = {split: sum(row.split == split for row in rows) for split in ("train", "validation", "test")}
    assert counts == {"train": 40, "validation": 16, "test": 25}
    assert all(len({row.split for row in rows if row.group == f"g{n}"}) == 1 for n in range(20))
    assert hold_back(recordings, validation=0.2, test=0.3, seed=1) == rows
    assert hold_back(recordings, validation=0.2, test=0.3, seed=2) != rows
    assert hold_back(recordings) == recordings


@pytest.mark.parametrize(("validation", "test"), [(-0.1, 0.0), (0.0, 1.0), (0.5, 0.5), (float("nan"), 0.0)])
def test_impossible_shares(validation: float, test: float) -> None:
    with pytest.raises(UsageError, match="leave nothing to learn from"):
        hold_back([], validation=validation, test=test)


def test_training_goes_on_past_a_clip_that_cannot_be_read(tmp_path: Path) -> None:
    labels = ("people marching", "waterfall burbling", "wind noise", "thunder")
    (tmp_path / "vggsound.csv").write_text("".join(f"video_{n},{n},{labels[n]},train\n" for n in range(4)))
    for number in range(3):
        write(tmp_path / f"video_{number}_{number:06d}.wav", tone(labels[number]), RATE)
    (tmp_path / "video_0_000000.wav").write_bytes(b"<html>Video unavailable</html>")
    found, _ = scan_folder(tmp_path)
    assert len(found.recordings) == 3
    write_manifest(found.recordings, tmp_path / "m.csv")
    said: list[str] = []
    pool = RecordingPool(read_manifest(tmp_path / "m.csv"), RATE, report=said.append)
    mixtures = MixtureSampler(pool, MixingConfig(), batch_size=4, samples=2000, first=0, batches=2, seed=0)
    captions = {prompt for index in range(2) for prompt in mixtures[index].prompts}
    assert captions == set(labels[1:3])
    assert len(said) == 1 and "video_0_000000.wav" in said[0] and "passed over" in said[0]
    assert np.isfinite(mixtures[0].mixtures.numpy()).all()
