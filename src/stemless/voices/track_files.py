"""Reading and writing pitch tracks as text.

Two forms, with comma, semicolon, tab or blanks between the fields (and a decimal comma where the comma does
not separate them):

- `time,<voice>,<voice>...`: one file, a header, one column a voice.
- `time,frequency[,confidence]`: one file a voice, named by its file, with or without a header. Frames with a
  confidence below 0.5 are unvoiced, since trackers write a guess into every frame.

Seconds and Hz; 0, empty and nan are unvoiced.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stemless.errors import TrackError
from stemless.voices.tracks import HIGHEST_F0_HZ, LOWEST_F0_HZ, PitchTracks, TrackWarning, check_names

if TYPE_CHECKING:
    Delimiter = str | None  # None: any run of blanks

LOWEST_CONFIDENCE = 0.5
FINEST_MERGED_STEP_SECONDS = 0.001
LOWEST_PLAUSIBLE_TOP_HZ = 110.0  # voices that all stay below it are more likely MIDI numbers

TIME_NAMES = {"time", "times", "t", "seconds", "timestamp", "time_seconds", "time (s)", "time_s"}
FREQUENCY_NAMES = {
    "frequency",
    "freq",
    "f0",
    "f0_hz",
    "hz",
    "pitch",
    "frequency_hz",
    "frequency (hz)",
    "value",
}
CONFIDENCE_NAMES = {"confidence", "periodicity", "probability", "voicing", "voiced_prob", "voiced_probs"}


@dataclass(frozen=True)
class Table:
    """The numbers of one file: values [rows, columns], with what is needed to name a place in it."""

    path: Path
    header: list[str] | None
    values: NDArray[np.float64]
    body: str
    first_line: int

    def line(self, row: int) -> int:
        """The line of the file that a row of values came from."""
        for index, (number, _) in enumerate(_rows(self.body, self.first_line)):
            if index == row:
                return number
        raise IndexError(row)


def read_tracks(paths: Sequence[str | Path]) -> PitchTracks:
    """Tracks of all voices in the files, on one time axis.

    Files whose times agree are stacked; others are brought to the finest of their steps.

    Raises:
        TrackError: a file cannot be read, or what is in it cannot be f0 tracks.
    """
    if not paths:
        raise TrackError("no f0 track: give one file of several voices, or one file a voice")
    tracks = _merged([_read_one(Path(path)) for path in paths])
    _doubt_unit(tracks)
    return tracks


def _merged(tracks: list[PitchTracks]) -> PitchTracks:
    if len(tracks) == 1:
        return tracks[0]
    names = tuple(name for track in tracks for name in track.names)
    source = " + ".join(track.source for track in tracks)
    for position, name in enumerate(names):
        if name in names[:position]:
            raise TrackError(f"{source}: two voices are called {name!r}; rename a file or a column")
    times = tracks[0].times
    if all(track.times.shape == times.shape and np.allclose(track.times, times) for track in tracks):
        step_seconds = tracks[0].step_seconds
        f0_hz = np.concatenate([track.f0_hz for track in tracks])
    else:
        step_seconds = max(min(track.step_seconds for track in tracks), FINEST_MERGED_STEP_SECONDS)
        start = min(track.times[0] for track in tracks)
        end = max(track.times[-1] for track in tracks)
        times = start + step_seconds * np.arange(int((end - start) / step_seconds + 1e-6) + 1)
        f0_hz = np.concatenate([track.at(times) for track in tracks])
    return PitchTracks(names, times, f0_hz, step_seconds, source)


def write_tracks(tracks: PitchTracks, path: str | Path, *, overwrite: bool = False) -> None:
    """Write `time,<voice>...` in microseconds and millihertz, 0 for unvoiced; whole or not at all."""
    kept = tracks.times >= 0
    times, f0_hz = tracks.times[kept], tracks.f0_hz[:, kept]
    if not kept.all() and (times.size == 0 or times[0] > 0):  # a cut starts with a frame before zero
        times = np.concatenate([[0.0], times])
        f0_hz = np.concatenate([tracks.at([0.0]), f0_hz], axis=1)
    _write_table(path, tracks.names, times, f0_hz, overwrite)


def write_confidence(
    tracks: PitchTracks, confidence: NDArray[np.float32], path: str | Path, *, overwrite: bool = False
) -> None:
    """Write how sure each frame is, [voices, frames] from 0 to 1, in the form of the tracks."""
    _write_table(path, tracks.names, tracks.times, confidence, overwrite)


def _write_table(
    path: str | Path,
    names: Sequence[str],
    times: NDArray[np.float64],
    values: NDArray[np.float32],
    overwrite: bool,
) -> None:
    path = Path(path)
    if path.exists() and not overwrite:
        raise TrackError(f"{path}: exists already; choose another name or ask to overwrite it")
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(["time", *names])
            np.savetxt(
                file,
                np.column_stack([times, values.T]),
                fmt=["%.6f"] + ["%.3f"] * len(names),
                delimiter=",",
            )
        temporary.replace(path)
    except OSError as error:
        raise TrackError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        temporary.unlink(missing_ok=True)


def _read_one(path: Path) -> PitchTracks:
    table = _read_table(path)
    names, columns = _voices(table)
    times, f0_hz = table.values[:, 0], table.values[:, columns]
    _check_times(table)
    _check_f0(table, names, f0_hz)
    tracks = PitchTracks(names, times, f0_hz.T.astype(np.float32), source=str(path))
    if len(columns) == 1 and table.values.shape[1] == 3:
        confident = table.values[:, 2] >= LOWEST_CONFIDENCE
        tracks = replace(tracks, f0_hz=np.where(confident, tracks.f0_hz, np.float32(0)))
    return tracks


def _read_table(path: Path) -> Table:
    lines = _read_text(path).split("\n")
    first = next((index for index, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise TrackError(f"{path}: is empty; give rows of  time,<voice>,<voice>...")
    delimiter = next((mark for mark in "\t;," if mark in lines[first]), None)
    fields = _split(lines[first].lstrip("# "), delimiter)
    header = None if all(_is_number(field) or not field for field in fields) else fields
    start = first + 1 if header else first
    body = "\n".join(lines[start:])
    width = len(fields)
    if width < 2:
        raise TrackError(f"{path}: has no track column; give rows of  time,<voice>,<voice>...")
    if not body.strip():
        raise TrackError(f"{path}: has a header and no rows; the tracks are missing")
    if delimiter != "," and "," in body:
        body = body.replace(",", ".")
    plain = body
    if delimiter is not None:
        mark = re.escape(delimiter)
        plain = re.sub(rf"(?m)(?<={mark})[ ]*(?={mark}|$)", "nan", body)
    try:
        values = np.loadtxt(io.StringIO(plain), delimiter=delimiter, ndmin=2, comments="#", quotechar='"')
    except ValueError:
        values = np.zeros((0, 0))
    if values.shape[1] != width or values.shape[0] == 0:
        raise _first_fault(path, header, width, body, start + 1, delimiter)
    values[:, 1:] = np.where(np.isnan(values[:, 1:]), 0.0, values[:, 1:])
    return Table(path, header, values, body, start + 1)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TrackError(f"{path}: no such f0 file") from None
    except OSError as error:
        raise TrackError(f"{path}: cannot be read ({error.strerror})") from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\x00" in content:
        raise TrackError(f"{path}: is not a text file; give f0 tracks as CSV")
    else:
        encodings = ["utf-8-sig", "cp1252"]  # old spreadsheets write accents in the latter
    for encoding in encodings:
        try:
            return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise TrackError(f"{path}: is not a text file; give f0 tracks as CSV")


def _voices(table: Table) -> tuple[tuple[str, ...], list[int]]:
    """Names of the voices and the columns of their f0."""
    width = table.values.shape[1]
    if table.header is None:
        third = table.values[:, 2] if width == 3 else np.zeros(1)
        if width > 3 or third.min() < 0 or third.max() > 1:
            raise TrackError(f"{table.path}: has no header; begin with a line  time,<voice>,<voice>...")
        return (table.path.stem,), [1]
    first, *names = table.header
    if first.casefold() not in TIME_NAMES:
        written = " (a row index? leave it out)" if first == "" else ""
        raise TrackError(f"{table.path}: the first column must be 'time', not {first!r}{written}")
    if len(names) == 1 or (len(names) == 2 and names[1].casefold() in CONFIDENCE_NAMES):
        anonymous = names[0].casefold() in FREQUENCY_NAMES or not names[0]
        return (table.path.stem if anonymous else names[0],), [1]
    try:
        check_names(names)
    except TrackError as error:
        raise TrackError(f"{table.path}, header: {error}") from None
    return tuple(names), list(range(1, width))


def _check_times(table: Table) -> None:
    times = table.values[:, 0]
    wrong = np.flatnonzero(~np.isfinite(times) | (times < 0))
    if wrong.size:
        raise TrackError(
            f"{table.path}, line {table.line(wrong[0])}: the time {times[wrong[0]]:g} is not possible; "
            "give seconds from the start of the audio"
        )
    falls = np.flatnonzero(np.diff(times) <= 0)
    if falls.size:
        row = int(falls[0]) + 1
        raise TrackError(
            f"{table.path}, line {table.line(row)}: the time {times[row]:g} s comes after "
            f"{times[row - 1]:g} s; times must rise from row to row"
        )


def _check_f0(table: Table, names: tuple[str, ...], f0_hz: NDArray[np.float64]) -> None:
    """Raise for the first f0 that cannot be, with the unit the values may be in."""
    voiced = f0_hz[f0_hz != 0]
    if voiced.size == 0:
        return

    def place(wrong: NDArray[np.bool_]) -> tuple[str, float]:
        row, column = (int(index) for index in np.argwhere(wrong)[0])
        return f"{table.path}, line {table.line(row)}, column {names[column]!r}", float(f0_hz[row, column])

    infinite = np.isinf(f0_hz)
    if infinite.any():
        where, value = place(infinite)
        raise TrackError(f"{where}: {value:g} is not a frequency; write 0 where a voice rests")
    if (voiced < 0).any():
        where, value = place(f0_hz < 0)
        raise TrackError(f"{where}: f0 of {value:g} is negative; write 0 where a voice rests")
    outside = (f0_hz != 0) & ((f0_hz < LOWEST_F0_HZ) | (f0_hz > HIGHEST_F0_HZ))
    if outside.any():
        where, value = place(outside)
        middle = float(np.median(voiced))
        if middle > 1500:
            unit = "the values look like cents, of which Hz are 440 * 2 ** ((cents - 6900) / 1200)"
        elif middle < 5:
            unit = "the values look like kHz, so multiply them by 1000"
        elif middle < 128 and voiced.max() < 128:
            unit = "the values look like MIDI notes, of which Hz are 440 * 2 ** ((note - 69) / 12)"
        else:
            unit = "correct the value, or write 0 where the voice rests"
        raise TrackError(
            f"{where}: f0 of {value:g} is outside {LOWEST_F0_HZ:g} to {HIGHEST_F0_HZ:g} Hz; {unit}"
        )


def _doubt_unit(tracks: PitchTracks) -> None:
    """MIDI notes pass as low frequencies: raise or warn where all voices stay implausibly low."""
    voiced = tracks.f0_hz[tracks.f0_hz > 0]
    if tracks.voices < 2 or voiced.size == 0 or voiced.max() >= LOWEST_PLAUSIBLE_TOP_HZ:
        return
    doubt = f"{tracks.source}: all f0 of all voices are below {LOWEST_PLAUSIBLE_TOP_HZ:g}"
    if (voiced == np.round(voiced)).all():
        raise TrackError(
            f"{doubt} and whole numbers; they look like MIDI notes, "
            "of which Hz are 440 * 2 ** ((note - 69) / 12)"
        )
    warnings.warn(f"{doubt} Hz; are they MIDI notes?", TrackWarning, stacklevel=4)


def _rows(body: str, first_line: int) -> Iterator[tuple[int, str]]:
    """Lines that hold a row, with their numbers."""
    for number, line in enumerate(body.split("\n"), first_line):
        content = line.partition("#")[0]
        if content.strip():
            yield number, content


def _first_fault(
    path: Path, header: list[str] | None, width: int, body: str, first_line: int, delimiter: Delimiter
) -> TrackError:
    """The error for the first row that does not hold `width` numbers."""
    for number, line in _rows(body, first_line):
        fields = _split(line, delimiter)
        if len(fields) != width:
            missing = "a track column is missing, or a field too many" if header else "rows must be alike"
            return TrackError(
                f"{path}, line {number}: has {len(fields)} fields, and line {first_line - bool(header)} "
                f"has {width}; {missing}"
            )
        for column, field in enumerate(fields):
            if _is_number(field) or (not field and column > 0):
                continue
            name = header[column] if header else f"{column + 1}"
            wanted = "seconds" if column == 0 else "Hz, or 0 where a voice rests"
            return TrackError(
                f"{path}, line {number}, column {name!r}: {field!r} is not a number; give {wanted}"
            )
    return TrackError(f"{path}: holds no rows of numbers; give  time,<voice>,<voice>...")


def _split(line: str, delimiter: Delimiter) -> list[str]:
    if delimiter is None:
        return line.split()
    return [
        field.strip() for field in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    ]


def _is_number(field: str) -> bool:
    try:
        float(field.replace(",", "."))
    except ValueError:
        return False
    return True
