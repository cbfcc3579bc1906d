"""MUSIC: videos of solos and duets of 11 instruments, and of solos of 21.

H. Zhao, C. Gan, A. Rouditchenko, C. Vondrick, J. McDermott, A. Torralba, "The sound of pixels", ECCV 2018.
Its lists are `MUSIC_solo_videos.json`, `MUSIC_duet_videos.json` and `MUSIC21_solo_videos.json`, with the IDs
of the videos under their instruments: "accordion", "acoustic_guitar violin". The audio of a video is
`audio/accordion/ID.mp3`; any suffix, cuts of it (`ID_0001.wav`) and folders called after it
(`accordion/ID/0001.wav`) are known too. The authors give no split.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from stemless.data.adapters.listing import VIDEO_SUFFIXES, Report, Scan, unreadable
from stemless.errors import StemlessError
from stemless.query.manifest import Recording
from stemless.query.scanning import audio_files

LIST_NAME = re.compile(r"MUSIC\w*_videos\.json")
ID_LENGTH = 11
Videos = Mapping[str, Sequence[str]]
"""The IDs of videos, and under which names of instruments they are listed."""


def lists(files: Sequence[Path]) -> list[Path]:
    """The lists of the data set, of the CSV and JSON files of a folder."""
    return [path for path in files if LIST_NAME.fullmatch(path.name)]


def scan(folder: Path, lists: Sequence[Path], report: Report) -> Scan:
    """A recording is its instruments, each a phrase: "acoustic guitar and violin". A video is a group."""
    videos = _videos(lists)
    files = [(path, _video_of(path.relative_to(folder), videos)) for path in audio_files(folder)]
    heard = {video for path, video in files if path.suffix.lower() not in VIDEO_SUFFIXES}
    recordings = []
    for path, video in files:
        if video is None or (video in heard and path.suffix.lower() in VIDEO_SUFFIXES):
            continue
        phrases = tuple(name.replace("_", " ") for name in _listed_as(path, videos[video]).split())
        recordings.append(Recording(path, " and ".join(phrases), phrases, f"youtube:{video}"))
    found = {recording.group for recording in recordings}
    return Scan(tuple(recordings), len(videos), len(videos) - len(found))


def _videos(lists: Sequence[Path]) -> Videos:
    videos: dict[str, list[str]] = {}
    for path in lists:
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))["videos"]
            for instruments, names in content.items():
                for name in names:
                    known = videos.setdefault(name, [])
                    if instruments.split() and instruments not in known:
                        known.append(instruments)
        except (KeyError, TypeError, AttributeError):
            raise StemlessError(
                f"{path}: holds no lists of videos by instrument; take the authors' file as it is"
            ) from None
        except (OSError, ValueError, RecursionError) as error:
            raise unreadable(path, error) from None
    return {video: known for video, known in videos.items() if known}


def _video_of(path: Path, videos: Videos) -> str | None:
    """Which video a file is of, by its name or that of a folder it is in."""
    for part in (path.stem, *reversed(path.parts[:-1])):
        for name in (part, part[:ID_LENGTH]):
            if name in videos and not part[len(name) : len(name) + 1].isalnum():
                return name
    return None


def _listed_as(path: Path, names: Sequence[str]) -> str:
    """Of the names that a video is listed under, that of its folder, else the one of most instruments."""
    places = {part.replace(" ", "_") for part in path.parts}
    return next(
        (name for name in names if name.replace(" ", "_") in places),
        max(names, key=lambda name: len(name.split())),
    )
