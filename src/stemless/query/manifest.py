"""What the query system learns from: recordings with captions, listed in a manifest.

A manifest is a CSV with a line of column names, or a JSONL with an object a line:

    audio,caption[,phrases][,group][,split]

- audio: the file, relative to the manifest;
- caption: what is heard, in English;
- phrases: the single sources, separated by ";" (in JSONL also a list); read off the caption when empty;
- group: what must not be torn apart between training and test, such as all cuts of one recording or all
  takes of one player; a recording without a group is one by itself;
- split: train (when empty), validation or test.

Other columns may be there and are not read. That an audio file cannot be read shows when it is drawn
(`recordings.RecordingReader`), so that a manifest of a hundred thousand files is ready at once.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO, get_args

from stemless.errors import StemlessError, UsageError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
COLUMNS = ("audio", "caption", "phrases", "group", "split")


@dataclass(frozen=True)
class Recording:
    """A row of a manifest.

    Attributes:
        audio: the file.
        caption: what is heard; holds a word.
        phrases: its single sources as far as the manifest names them.
        group: empty when the recording is one by itself.
        split: what it may be used for.
    """

    audio: Path
    caption: str
    phrases: tuple[str, ...] = ()
    group: str = ""
    split: Split = "train"

    @property
    def kept_together(self) -> str:
        """What names the recordings that stay on one side of every division: the group, or the file."""
        return f"group {self.group}" if self.group else f"file {self.audio}"


def read_manifest(path: str | Path) -> list[Recording]:
    """The recordings of a manifest, in its order; JSONL if it is called so (.jsonl, .ndjson), else CSV.

    Raises:
        StemlessError: no such file, or not a manifest; a line that cannot be used, by number, and why; a
            group with two splits.
    """
    path = Path(path)
    recordings: list[Recording] = []
    splits: dict[str, tuple[Split, int]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for line, row in _json_rows(path, file) if _is_jsonl(path) else _csv_rows(path, file):
                try:
                    recording = _recording(row, path.parent)
                    split, first = splits.setdefault(recording.kept_together, (recording.split, line))
                    if split != recording.split:
                        raise StemlessError(
                            f"{recording.kept_together} is in {recording.split}, but in {split} on line "
                            f"{first}; give all of it one split"
                        )
                except StemlessError as error:
                    raise StemlessError(f"{path}, line {line}: {error}") from None
                recordings.append(recording)
    except FileNotFoundError:
        raise StemlessError(f"{path}: no such manifest: check the path") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StemlessError(f"{path}: cannot be read as a manifest ({reason})") from None
    if not recordings:
        raise StemlessError(f"{path}: lists no recordings: add lines with audio and caption")
    return recordings


def _is_jsonl(path: Path) -> bool:
    return path.suffix.lower() in (".jsonl", ".ndjson")


def _csv_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(file, strict=True)
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    reader.fieldnames = names
    for column in ("audio", "caption"):
        if column not in names:
            found = ", ".join(names) or "nothing"
            raise StemlessError(
                f"{path}: has no column '{column}' in its first line ({found}); it begins with "
                f"{','.join(COLUMNS)}"
            )
    _refuse_misspelt(names, f"{path}, line 1")
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise StemlessError(f"{path}, line {start}: is not CSV from here on ({error})") from None
        if row is None:
            return
        if None in row:
            raise StemlessError(
                f"{path}, line {reader.line_num}: holds more fields than the first line names; put text "
                "with commas in double quotes"
            )
        yield reader.line_num, row


def _json_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            raise StemlessError(f"{path}, line {number}: is not JSON; write one object a line") from None
        if not isinstance(row, dict):
            raise StemlessError(f"{path}, line {number}: is not an object with audio and caption")
        _refuse_misspelt(row, f"{path}, line {number}")
        yield number, row


def _refuse_misspelt(names: Iterable[str], where: str) -> None:
    """An option whose name is off by a letter would be passed over in silence."""
    names = list(names)
    for name in names:
        near = difflib.get_close_matches(name.lower(), COLUMNS, 1, cutoff=0.8)
        if near and name not in COLUMNS and near[0] not in names:
            raise StemlessError(f"{where}: there is no column '{name}'; did you mean '{near[0]}'?")


def _recording(row: Mapping[str, Any], folder: Path) -> Recording:
    audio, caption, group, split = (_text(row, name) for name in ("audio", "caption", "group", "split"))
    if not audio:
        raise StemlessError("names no audio file")
    if not _holds_words(caption):
        raise StemlessError(f"the caption of {audio} holds no words; describe what is heard")
    if split not in ("", *SPLITS):
        raise StemlessError(f"split is '{split}'; it is one of {', '.join(SPLITS)}")
    return Recording(
        folder / audio, caption, _phrases(row), group, next((s for s in SPLITS if s == split), "train")
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise StemlessError(f"{name} is {json.dumps(value)[:40]}; it is text")
    if "\0" in value:
        raise StemlessError(f"{name} holds a zero byte; save the manifest as text in UTF-8")
    return " ".join(value.split()) if name == "caption" else value.strip()


def _phrases(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("phrases")
    if isinstance(value, list):
        if not all(isinstance(phrase, str) for phrase in value):
            raise StemlessError("phrases is a list of something else than texts")
    else:
        value = _text(row, "phrases").split(";")
    phrases = tuple(dict.fromkeys(" ".join(phrase.split()) for phrase in value if phrase.strip()))
    for phrase in phrases:
        if not _holds_words(phrase):
            raise StemlessError(f"the phrase '{phrase[:40]}' holds no words")
    return phrases


def _holds_words(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def write_manifest(recordings: Sequence[Recording], path: str | Path, *, overwrite: bool = False) -> None:
    """Write a manifest that `read_manifest` reads back; whole or not at all.

    Files below the folder of the manifest, or beside it, are named relative to it, others in full.

    Raises:
        StemlessError: the file exists, or cannot be written.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise StemlessError(f"{path}: exists already; choose another name or ask to overwrite it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            rows = [_row(recording, path.parent) for recording in recordings]
            if _is_jsonl(path):
                file.writelines(
                    json.dumps({k: v for k, v in row.items() if v}, ensure_ascii=False) + "\n" for row in rows
                )
            else:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)
        temporary.replace(path)
    except OSError as error:
        raise StemlessError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _row(recording: Recording, folder: Path) -> dict[str, str]:
    audio = recording.audio.resolve()
    folder = folder.resolve()
    if audio.is_relative_to(folder.parent):
        audio = Path(os.path.relpath(audio, folder))
    return {
        "audio": audio.as_posix(),
        "caption": recording.caption,
        "phrases": ";".join(recording.phrases),
        "group": recording.group,
        "split": "" if recording.split == "train" else recording.split,
    }


def divide(
    recordings: Sequence[Recording], fraction: float, seed: int = 0
) -> tuple[list[Recording], list[Recording]]:
    """A share of the recordings, and the rest, both in their order; groups stay whole.

    For a validation split, or for the share that semi-supervised training is given as single sources. Which
    groups are in the share depends on their names and the seed alone, and a larger share holds every smaller
    one. As whole groups are taken, it is the nearest that can be had to the fraction; of two groups or more
    a fraction between 0 and 1 leaves something on both sides.

    Args:
        fraction: 0 to 1, of the recordings.

    >>> clips = [Recording(Path(f"{n}.wav"), "rain") for n in range(20)]
    >>> [len(part) for part in divide(clips, 0.25)]
    [5, 15]
    """
    if not 0.0 <= fraction <= 1.0:
        raise UsageError(f"a fraction of {fraction:g} is impossible; give 0 to 1")
    sizes: dict[str, int] = {}
    for recording in recordings:
        sizes[recording.kept_together] = sizes.get(recording.kept_together, 0) + 1
    order = sorted(sizes, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    wanted = fraction * len(recordings)
    taken, count = 0, 0
    while taken < len(order) and abs(count + sizes[order[taken]] - wanted) < abs(count - wanted):
        count += sizes[order[taken]]
        taken += 1
    if 0.0 < fraction < 1.0 and len(order) > 1:
        taken = min(max(taken, 1), len(order) - 1)
    chosen = set(order[:taken])
    return (
        [recording for recording in recordings if recording.kept_together in chosen],
        [recording for recording in recordings if recording.kept_together not in chosen],
    )
