"""VGGSound: 200,000 clips of 10 seconds out of videos, 309 labels, with a split into train and test.

H. Chen, W. Xie, A. Vedaldi, A. Zisserman, "VGGSound: A large-scale audio-visual dataset", ICASSP 2020. Its
list is `vggsound.csv`, without column names: YouTube ID, start in seconds, label, train or test. The clips
are called after ID and start, `--0PQM4-hqg_000030.wav`; other usual names are known too
(`listing.clip_names`), and the bare ID where a video is listed once.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stemless.data.adapters.listing import Report, Scan, audio_by_stem, clip_names, unreadable, untorn
from stemless.errors import StemlessError
from stemless.query.manifest import Recording, Split

SPLITS: dict[str, Split] = {"train": "train", "test": "test"}


class _Clip(NamedTuple):
    video: str
    start_seconds: str
    label: str
    split: Split


def lists(files: Sequence[Path]) -> list[Path]:
    """The list of the data set, of the CSV and JSON files of a folder."""
    return [path for path in files if path.name == "vggsound.csv"][:1]


def scan(folder: Path, lists: Sequence[Path], report: Report) -> Scan:
    """A clip is its label; a label is one source whatever commas are in it. Clips of a video are a group."""
    files = audio_by_stem(folder)
    clips = list(_clips(lists[0]))
    of_video = Counter(clip.video for clip in clips)
    recordings = []
    for clip in clips:
        names = clip_names(clip.video, clip.start_seconds)
        if of_video[clip.video] == 1:
            names += [clip.video, f"Y{clip.video}"]
        path = next((files[name] for name in names if name in files), None)
        if path is not None:
            group = f"youtube:{clip.video}"
            recordings.append(Recording(path, clip.label, (clip.label,), group, clip.split))
    return Scan(untorn(recordings, report), len(clips), len(clips) - len(recordings))


def _clips(path: Path) -> Iterator[_Clip]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, skipinitialspace=True)
            for row in reader:
                if not row or row[0].startswith("#"):
                    continue
                clip = _clip(row)
                if clip is not None:
                    yield clip
                elif reader.line_num > 1:  # some copies begin with column names
                    raise StemlessError(
                        f"{path}, line {reader.line_num}: is not 'YouTube ID, start seconds, label, train or "
                        "test'; take the authors' file as it is"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, error) from None


def _clip(row: Sequence[str]) -> _Clip | None:
    if len(row) != 4:
        return None
    video, start, label, split = (field.strip() for field in row)
    number = start.replace(".", "", 1)
    if not (video and number.isascii() and number.isdigit() and label and split in SPLITS):
        return None
    return _Clip(video, start, label, SPLITS[split])
