"""ESC-50: 2000 clips of 5 seconds, 50 classes, cut from recordings of Freesound, in five folds.

K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015. As it comes from the
archive: `meta/esc50.csv` with filename, fold, category and src_file, and the clips in `audio/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stemless.data.adapters.listing import Report, Scan, audio_by_stem, read_rows, untorn
from stemless.errors import StemlessError
from stemless.query.manifest import Recording, Split

FOLDS = (1, 2, 3, 4, 5)
COLUMNS = ("filename", "fold", "category", "src_file")


def lists(files: Sequence[Path]) -> list[Path]:
    """The list of the data set, of the CSV and JSON files of a folder."""
    return [path for path in files if path.name == "esc50.csv"][:1]


def scan(
    folder: Path,
    lists: Sequence[Path],
    report: Report,
    *,
    test_fold: int | None = None,
    validation_fold: int | None = None,
) -> Scan:
    """A clip is its category in words, "sea waves"; clips of one recording are a group.

    Args:
        test_fold, validation_fold: 1 to 5, held back whole; the others are for training.
    """
    files = audio_by_stem(folder)
    held: dict[str, Split] = {str(validation_fold): "validation", str(test_fold): "test"}
    recordings, listed = [], 0
    for row in read_rows(lists[0], COLUMNS):
        listed += 1
        path = files.get(Path(row["filename"]).stem)
        if path is None:
            continue
        category = " ".join(row["category"].replace("_", " ").split())
        if not category:
            raise StemlessError(f"{lists[0]}: {row['filename']} has no category; take the authors' file")
        group = f"freesound:{row['src_file']}"
        recordings.append(Recording(path, category, (category,), group, held.get(row["fold"], "train")))
    return Scan(untorn(recordings, report), listed, listed - len(recordings))
