"""MIDI files as parts: one for every track and channel that plays notes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stemless.errors import MissingExtraError, ScoreError
from stemless.voices.scores import Floats

PERCUSSION_CHANNEL = 9
DEFAULT_TEMPO = 500_000  # microseconds a quarter, where a file says nothing

Parts = list[tuple[str, tuple[Floats, Floats, Floats]]]
"""(name, (onset_seconds, duration_seconds, pitch_midi)) of each part."""


def read_midi(path: Path) -> tuple[Parts, bool]:
    """The parts of a MIDI file, and whether it has percussion besides.

    Raises:
        ScoreError: the file is damaged, or counts time in a way that has no beats.
        MissingExtraError: mido is not installed.
    """
    try:
        import mido
    except ImportError:
        raise MissingExtraError("mido", "score") from None
    try:
        file = mido.MidiFile(path, clip=True)
    except Exception as error:  # mido raises whatever the broken byte leads to
        raise ScoreError(f"{path}: is a damaged MIDI file ({error}): export it again") from None
    if file.type == 2 or not 0 < file.ticks_per_beat < 0x8000:
        raise ScoreError(f"{path}: is MIDI without a common beat: export it as type 0 or 1, in ticks a beat")
    heard = [_notes_of(track) for track in file.tracks]
    tempo = [change for track in file.tracks for change in _tempo_changes(track)]
    parts: Parts = []
    percussion = False
    for number, (track, channels) in enumerate(zip(file.tracks, heard, strict=True)):
        percussion = percussion or PERCUSSION_CHANNEL in channels
        pitched = {channel: notes for channel, notes in channels.items() if channel != PERCUSSION_CHANNEL}
        for channel, notes in sorted(pitched.items()):
            name = _name_of(track) or f"track {number + 1}"
            if len(pitched) > 1:
                name = f"channel {channel + 1}"
            ticks = np.array(notes, dtype=np.float64)
            onset = _seconds(ticks[:, 0], tempo, file.ticks_per_beat)
            end = _seconds(ticks[:, 1], tempo, file.ticks_per_beat)
            parts.append((name, (onset, end - onset, ticks[:, 2])))
    return parts, percussion


def _notes_of(track: Any) -> dict[int, list[tuple[int, int, int]]]:
    """(first tick, last tick, pitch) by channel; a note that is never let go ends with the track."""
    sounding: dict[tuple[int, int], int] = {}
    found: dict[int, list[tuple[int, int, int]]] = {}
    now = 0
    for message in track:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            continue
        key = (message.channel, message.note)
        # A note struck again ends there.
        if key in sounding:
            found.setdefault(message.channel, []).append((sounding.pop(key), now, message.note))
        if message.type == "note_on" and message.velocity > 0:
            sounding[key] = now
    for (channel, note), began in sounding.items():
        found.setdefault(channel, []).append((began, now, note))
    return found


def _tempo_changes(track: Any) -> list[tuple[int, int]]:
    """(tick, microseconds a quarter)"""
    changes = []
    now = 0
    for message in track:
        now += message.time
        if message.type == "set_tempo" and message.tempo > 0:
            changes.append((now, message.tempo))
    return changes


def _seconds(ticks: Floats, changes: list[tuple[int, int]], ticks_per_beat: int) -> Floats:
    """The time of each tick; the last of several tempi at one tick counts."""
    held = {0: DEFAULT_TEMPO} | dict(sorted(changes, key=lambda change: change[0]))
    at = np.array(sorted(held), dtype=np.float64)
    rate = np.array([held[int(tick)] for tick in at]) / 1e6 / ticks_per_beat
    reached = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])
    piece = np.searchsorted(at, ticks, side="right") - 1
    seconds: Floats = reached[piece] + (ticks - at[piece]) * rate[piece]
    return seconds


def _name_of(track: Any) -> str:
    """The name of a track, or of its instrument; mido reads all text as Latin 1."""
    for kind in ("track_name", "instrument_name"):
        for message in track:
            if message.type == kind and message.name.strip("\0 \t\r\n"):
                name = str(message.name).strip("\0 \t\r\n")
                try:
                    return name.encode("latin-1").decode("utf-8")
                except UnicodeError:
                    return name
    return ""
