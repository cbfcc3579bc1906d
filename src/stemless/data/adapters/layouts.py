"""A folder of recordings in any layout the house knows, as recordings for a manifest."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

from stemless.data.adapters import audiocaps, esc50, music, vggsound
from stemless.data.adapters.listing import Scan, list_files
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import Recording, Split, divide
from stemless.query.scanning import scan as scan_captions

Layout = Literal["auto", "captions", "esc50", "music", "vggsound", "audiocaps"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
DATA_SETS = {"esc50": esc50, "music": music, "vggsound": vggsound, "audiocaps": audiocaps}
LIST_NAMES = {
    "esc50": "esc50.csv (in meta/)",
    "music": "MUSIC_solo_videos.json or one of its kind",
    "vggsound": "vggsound.csv",
    "audiocaps": "train.csv, val.csv or test.csv with audiocap_id",
}


def scan_folder(
    folder: str | Path,
    layout: Layout = "auto",
    *,
    test_fold: int | None = None,
    validation_fold: int | None = None,
    report: Callable[[str], None] | None = None,
) -> tuple[Scan, Layout]:
    """Every recording below a folder that the lists of a data set, captions or names tell something of.

    Args:
        folder: holds the authors' lists, at most two folders down, and the audio, anywhere.
        layout: "auto" goes by the lists; where there are none it is "captions", any folder
            (`query.scanning.scan`).
        test_fold, validation_fold: of ESC-50, folds to be held back.
        report: told, in one line each, of what is passed over; warnings when None.

    Returns:
        what was found, and the layout.

    Raises:
        StemlessError: no such folder, a list that cannot be read, nothing found.
        UsageError: a fold that does not exist, or folds of another data set.
    """
    folder = Path(folder)
    report = report or _warn
    if not folder.is_dir():
        raise StemlessError(f"{folder}: is not a folder: give the one that holds the recordings")
    for fold in (test_fold, validation_fold):
        if fold is not None and fold not in esc50.FOLDS:
            raise UsageError(f"there is no fold {fold}; ESC-50 has folds 1 to 5")
    if test_fold is not None and test_fold == validation_fold:
        raise UsageError(f"fold {test_fold} cannot be both for test and for validation")
    layout, lists = _known_lists(folder, layout)
    if layout != "esc50" and (test_fold or validation_fold):
        raise UsageError(f"folds are for ESC-50, and {folder} is laid out as {layout}; leave the folds out")
    if layout == "captions":
        rows = scan_captions(folder, report=report)
        return Scan(tuple(rows), len(rows), 0), layout
    found: Scan
    if layout == "esc50":
        found = esc50.scan(folder, lists, report, test_fold=test_fold, validation_fold=validation_fold)
    else:
        found = DATA_SETS[layout].scan(folder, lists, report)
    if not found.recordings:
        raise StemlessError(
            f"{folder}: none of the {found.listed} clips that {lists[0].name} lists is here; put the audio "
            "below this folder under the names of the data set (docs/data.md)"
        )
    return found, layout


def _known_lists(folder: Path, layout: Layout) -> tuple[Layout, list[Path]]:
    files = list_files(folder)
    if layout == "captions":
        return layout, []
    if layout != "auto":
        lists = DATA_SETS[layout].lists(files)
        if not lists:
            raise StemlessError(f"{folder}: has no {LIST_NAMES[layout]} in it, which {layout} comes with")
        return layout, lists
    known = {name: lists for name in LAYOUTS if name in DATA_SETS and (lists := DATA_SETS[name].lists(files))}
    if len(known) > 1:
        raise UsageError(f"{folder}: holds lists of {' and '.join(known)}; choose one with --layout")
    return next(iter(known.items()), ("captions", []))


def hold_back(
    recordings: Sequence[Recording], *, validation: float = 0.0, test: float = 0.0, seed: int = 0
) -> list[Recording]:
    """Move shares of what is for training to validation and test, in whole groups.

    Args:
        validation, test: 0 to 1, of the recordings for training; together below 1.

    Raises:
        UsageError: impossible shares.
    """
    if min(validation, test) < 0.0 or not validation + test < 1.0:
        raise UsageError(
            f"shares of {validation:g} for validation and {test:g} for test leave nothing to learn from; "
            "together they are below 1"
        )
    rest = [recording for recording in recordings if recording.split == "train"]
    moved: dict[str, Split] = {}
    tested, rest = divide(rest, test, seed)
    validated, _ = divide(rest, validation / (1.0 - test), seed)
    moved |= {recording.kept_together: "test" for recording in tested}
    moved |= {recording.kept_together: "validation" for recording in validated}
    return [
        dataclasses.replace(recording, split=moved.get(recording.kept_together, recording.split))
        for recording in recordings
    ]


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)
