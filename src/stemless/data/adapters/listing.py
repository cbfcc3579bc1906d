"""What the adapters share: lists are read, audio is found by name, and no group is torn between splits.

A data set is a list of clips (CSV or JSON) and a folder of audio. Where the audio lies below that folder does
not matter, only how it is called, since everyone cuts and sorts downloads in their own way. A listed clip
without a file is counted: many videos are gone.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stemless.errors import StemlessError
from stemless.query.manifest import Recording, Split
from stemless.query.scanning import audio_files

Report = Callable[[str], None]
# Where a clip lies there more than once, as sound and as video, the sound is taken.
VIDEO_SUFFIXES = frozenset({".mp4", ".webm", ".mkv"})
LISTS_DEPTH = 2
CLIP_SECONDS = 10
STRENGTH: tuple[Split, ...] = ("test", "validation", "train")


@dataclass(frozen=True)
class Scan:
    """What was found of a data set.

    Attributes:
        recordings: rows for a manifest; a group has one split.
        listed: clips that the lists name.
        missing: those of them that have no file here.
    """

    recordings: tuple[Recording, ...]
    listed: int
    missing: int


def list_files(folder: Path) -> list[Path]:
    """CSV and JSON files at most two folders down, the nearest first."""
    found = []
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = (
            sorted(name for name in folders if not name.startswith(".")) if depth < LISTS_DEPTH else []
        )
        found += [(depth, Path(place, name)) for name in files if name.lower().endswith((".csv", ".json"))]
    return [path for _, path in sorted(found)]


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """The rows of a CSV with a line of column names.

    Raises:
        StemlessError: it cannot be read, or lacks one of `columns`, or ends within a row.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or ()
            for column in columns:
                if column not in names:
                    raise StemlessError(f"{path}: has no column '{column}'; take the authors' file as it is")
            for row in reader:
                if any(row[column] is None for column in columns):
                    raise StemlessError(f"{path}, line {reader.line_num}: is cut short; download it again")
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> StemlessError:
    """The error for a list that cannot be read."""
    reason = getattr(error, "strerror", None) or error
    return StemlessError(f"{path}: cannot be read ({reason}); take the authors' file as it is")


def audio_by_stem(folder: Path) -> dict[str, Path]:
    """The audio files below a folder by their names without suffix.

    Of several with one name it is the first, sound before video.
    """
    found: dict[str, Path] = {}
    for path in audio_files(folder):
        known = found.setdefault(path.stem, path)
        if known.suffix.lower() in VIDEO_SUFFIXES and path.suffix.lower() not in VIDEO_SUFFIXES:
            found[path.stem] = path
    return found


def clip_names(video: str, start_seconds: str) -> list[str]:
    """How people call a clip of ten seconds out of a video, without suffix; the authors' way first.

    With the start (six digits, plain, or as whole or fractional range in seconds or milliseconds), and all of
    it with AudioSet's "Y" in front. Names of the video alone are not among them.

    >>> clip_names("dQw4w9WgXcQ", "30")[:3]
    ['dQw4w9WgXcQ_000030', 'dQw4w9WgXcQ_30', 'dQw4w9WgXcQ_30_40']
    """
    start = float(start_seconds)
    end = start + CLIP_SECONDS
    places = [f"{int(start):06d}", f"{start:g}", f"{start:g}_{end:g}"]
    places += [f"{1000 * start:.0f}_{1000 * end:.0f}", f"{start:.3f}_{end:.3f}"]
    return [f"{prefix}{video}_{place}" for prefix in ("", "Y") for place in places]


def untorn(recordings: Iterable[Recording], report: Report) -> tuple[Recording, ...]:
    """The recordings less those whose group is in a stronger split too: test, then validation, then train.

    The authors' test list stays what it is, and nothing of it is trained on.
    """
    recordings = tuple(recordings)
    strongest: dict[str, Split] = {}
    for recording in sorted(recordings, key=lambda recording: STRENGTH.index(recording.split)):
        strongest.setdefault(recording.kept_together, recording.split)
    kept = tuple(r for r in recordings if strongest[r.kept_together] == r.split)
    if len(kept) < len(recordings):
        count = len(recordings) - len(kept)
        report(
            f"{count} of {len(recordings)} clips left out: other clips of the same video or recording are "
            "held back for test or validation"
        )
    return kept
