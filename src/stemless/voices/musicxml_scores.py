"""MusicXML files, plain or compressed, as parts: one for every voice of a staff.

Where a voice has chords, all notes of its staff are taken as one part (and split from the top later): in a
hymn book soprano and alto share stems in one bar and have their own in the next.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from stemless.errors import MissingExtraError, ScoreError
from stemless.voices.midi_scores import Parts
from stemless.voices.scores import FORMS, Floats, split_chords

DEFAULT_QUARTERS_PER_MINUTE = 100.0  # where a score says nothing
LARGEST_XML_BYTES = 200_000_000

Rows = list[tuple[float, float, float, int, int]]
"""(onset, duration, pitch, staff, voice) of notes, times in quarters."""


def read_musicxml(path: Path) -> tuple[Parts, bool]:
    """The parts of a MusicXML file, and whether it has percussion besides.

    Raises:
        ScoreError: the file is damaged or another kind of XML.
        MissingExtraError: partitura is not installed.
    """
    try:
        import partitura.score
    except ImportError:
        raise MissingExtraError("partitura", "score") from None
    document = _sounding(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = partitura.load_musicxml(document)
            # After a leap (da capo, dal segno) repeats are not taken again, as players do.
            unfolded = [
                partitura.score.unfold_part_maximal(part, ignore_leaps=False) if part.notes else part
                for part in score.parts
            ]
            rows = [_notes_of(part) for part in unfolded]
            tempo = sorted({change for part in unfolded for change in _tempo_changes(part)})
    except Exception as error:  # partitura raises whatever the unusual element leads to
        detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ScoreError(f"{path}: cannot be read as MusicXML ({detail}): export it as MIDI") from None
    percussion = any(list(part.iter_all(partitura.score.UnpitchedNote)) for part in unfolded)
    parts: Parts = []
    for number, (part, notes) in enumerate(zip(unfolded, rows, strict=True), 1):
        name = " ".join((part.part_name or "").split()) or f"part {number}"
        for line in _lines(notes):
            values = np.array(line, dtype=np.float64)
            onset = _seconds(values[:, 0], tempo)
            end = _seconds(values[:, 0] + values[:, 1], tempo)
            parts.append((name, (onset, end - onset, values[:, 2])))
    return parts, percussion


def _sounding(path: Path) -> io.BytesIO:
    """The XML, octaves of transposing parts counted among their semitones: partitura leaves them out."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(_xml_of(path), parser)
    except (etree.XMLSyntaxError, zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise ScoreError(f"{path}: is no readable MusicXML ({error}): {FORMS}") from None
    if root.tag == "score-timewise":
        raise ScoreError(f"{path}: is MusicXML by time, not by part: export it as score-partwise, or as MIDI")
    if root.tag != "score-partwise":
        raise ScoreError(f"{path}: is XML of another kind ({root.tag}): {FORMS}")
    for transpose in root.iter("transpose"):
        octaves = transpose.find("octave-change")
        chromatic = transpose.find("chromatic")
        if octaves is not None and chromatic is not None:
            chromatic.text = str(round(float(chromatic.text or 0) + 12 * float(octaves.text or 0)))
    return io.BytesIO(etree.tostring(root))


def _xml_of(path: Path) -> bytes:
    """The bytes of the XML; in a compressed file that which its container names, or the first there is."""
    from lxml import etree

    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.startswith("META-INF/")]
        wanted = next((name for name in names if name.endswith((".xml", ".musicxml"))), None)
        if "META-INF/container.xml" in archive.namelist():
            container = etree.fromstring(archive.read("META-INF/container.xml"))
            wanted = next((one.get("full-path") for one in container.iter("{*}rootfile")), wanted)
        if wanted is None:
            raise ValueError("an archive without a score in it")
        if archive.getinfo(wanted).file_size > LARGEST_XML_BYTES:
            raise ValueError("too large for a score")
        return archive.read(wanted)


def _notes_of(part: Any) -> Rows:
    """The notes as they sound, ties joined, without grace notes."""
    from partitura.score import GraceNote, Transposition

    if not part.notes:
        return []
    shifts = [(shift.start.t, shift.chromatic or 0) for shift in part.iter_all(Transposition)]
    start = float(part.quarter_map(part.first_point.t))
    rows: Rows = []
    for note in part.notes_tied:
        if isinstance(note, GraceNote):
            continue
        first, last = (
            float(part.quarter_map(at)) - start for at in (note.start.t, note.start.t + note.duration_tied)
        )
        shift = next((semitones for at, semitones in reversed(shifts) if at <= note.start.t), 0)
        rows.append((first, last - first, note.midi_pitch + shift, note.staff or 1, note.voice or 1))
    return rows


def _tempo_changes(part: Any) -> list[tuple[float, float]]:
    """(quarters from the start, quarters a minute)"""
    from partitura.score import Tempo

    if part.first_point is None:
        return []
    start = float(part.quarter_map(part.first_point.t))
    return [
        (float(part.quarter_map(tempo.start.t)) - start, 60e6 / tempo.microseconds_per_quarter)
        for tempo in part.iter_all(Tempo)
        if tempo.bpm > 0
    ]


def _lines(rows: Rows) -> list[Rows]:
    """Notes of one part by voice; by staff where a voice of the staff has chords."""
    voices: dict[int, Rows] = {}
    for row in rows:
        voices.setdefault(row[4], []).append(row)
    home = {voice: min(row[3] for row in notes) for voice, notes in voices.items()}
    crowded = {
        home[voice]
        for voice, notes in voices.items()
        if len(split_chords(*np.array([note[:3] for note in notes]).T)) > 1
    }
    lines: dict[tuple[int, int], Rows] = {}
    for voice, notes in voices.items():
        lines.setdefault((home[voice], 0 if home[voice] in crowded else voice), []).extend(notes)
    return [lines[key] for key in sorted(lines)]


def _seconds(quarters: Floats, changes: list[tuple[float, float]]) -> Floats:
    """The time of each quarter."""
    held = {0.0: changes[0][1] if changes else DEFAULT_QUARTERS_PER_MINUTE} | dict(changes)
    at = np.array(sorted(held))
    rate = np.array([60.0 / held[quarter] for quarter in at])
    reached = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])
    piece = np.clip(np.searchsorted(at, quarters, side="right") - 1, 0, None)
    seconds: Floats = reached[piece] + (quarters - at[piece]) * rate[piece]
    return seconds
