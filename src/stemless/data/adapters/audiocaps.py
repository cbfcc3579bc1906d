"""AudioCaps: captions in sentences for clips of 10 seconds out of AudioSet's videos.

C. D. Kim, B. Kim, H. Lee, G. Kim, "AudioCaps: Generating captions for audios in the wild", NAACL 2019. Its
lists are `train.csv`, `val.csv` and `test.csv` with audiocap_id, youtube_id, start_time and caption; both
versions have this form. Clips are found under their video and start (`listing.clip_names`), under the number
of one of their captions (`97151.wav`), or under the bare video, with or without AudioSet's "Y", where one
clip of it is listed.

Clips of val and test have five captions. A manifest describes what is heard once, so the first one is taken:
with all five a clip would be drawn five times as often, and mixed with itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stemless.data.adapters.listing import Report, Scan, audio_by_stem, clip_names, read_rows, untorn
from stemless.errors import StemlessError
from stemless.query.manifest import Recording, Split

SPLITS: dict[str, Split] = {"train.csv": "train", "val.csv": "validation", "test.csv": "test"}
COLUMNS = ("audiocap_id", "youtube_id", "start_time", "caption")


@dataclass
class _Clip:
    split: Split
    captions: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)


def lists(files: Sequence[Path]) -> list[Path]:
    """The lists of the data set, of the CSV and JSON files of a folder; of two versions the first."""
    found = [path for path in files if path.name in SPLITS and _first_line(path).startswith("audiocap_id,")]
    return [path for path in found if path.parent == found[0].parent]


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.readline(200)
    except OSError:
        return ""


def scan(folder: Path, lists: Sequence[Path], report: Report) -> Scan:
    """A clip is its caption, whose phrases are read off it later; clips of a video are a group."""
    files = audio_by_stem(folder)
    clips = _clips(lists)
    of_video = Counter(video for video, _, _ in clips)
    recordings, missing, wordless = [], 0, 0
    for (video, start, _), clip in clips.items():
        names = clip_names(video, start) + clip.numbers
        if of_video[video] == 1:
            names += [video, f"Y{video}"]
        path = next((files[name] for name in names if name in files), None)
        if path is None:
            missing += 1
        elif clip.captions:
            recordings.append(Recording(path, clip.captions[0], (), f"youtube:{video}", clip.split))
        else:
            wordless += 1
    if wordless:
        report(f"{wordless} of {len(clips)} clips left out: their captions hold no words")
    return Scan(untorn(recordings, report), len(clips), missing)


def _clips(lists: Sequence[Path]) -> dict[tuple[str, str, Split], _Clip]:
    clips: dict[tuple[str, str, Split], _Clip] = {}
    for path in lists:
        split = SPLITS[path.name]
        for row in read_rows(path, COLUMNS):
            video, start = row["youtube_id"].strip(), row["start_time"].strip()
            if not video or not start.replace(".", "", 1).isdecimal():
                raise StemlessError(
                    f"{path}: caption {row['audiocap_id']} names no video and start; take the authors' file"
                )
            clip = clips.setdefault((video, start, split), _Clip(split))
            clip.numbers.append(row["audiocap_id"].strip())
            caption = " ".join(row["caption"].split())
            if any(letter.isalnum() for letter in caption):
                clip.captions.append(caption)
    return clips
