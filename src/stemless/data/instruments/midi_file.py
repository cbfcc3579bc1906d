"""Pieces one after the other in one MIDI file, so that a sound bank is loaded once for many of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stemless.data.instruments.expression import BEND_RANGE_SEMITONES, Expression
from stemless.data.instruments.instrument import DRUM_BANK, Sound
from stemless.data.instruments.music import LEAD_SECONDS, Music, Note
from stemless.errors import MissingExtraError

# One tick a millisecond.
_TICKS_PER_BEAT, _MICROSECONDS_PER_BEAT = 500, 500_000
_DRUM_CHANNEL = 9
_BANK, _SOUND_OFF, _RESET = 0, 120, 121
# Between two pieces; in the second half of it the next one is set up.
GAP_SECONDS = 0.05


@dataclass(frozen=True)
class Piece:
    """Music, how it is shaped, and the sound that plays it."""

    sound: Sound
    music: Music
    expression: Expression


def start_of(index: int, seconds: float) -> float:
    """When the recording of a piece of a file begins, in seconds; its lead comes before.

    >>> start_of(0, 8.0), start_of(1, 8.0)
    (1.05, 10.1)
    """
    return round(index * (GAP_SECONDS + LEAD_SECONDS + seconds) + GAP_SECONDS + LEAD_SECONDS, 6)


def write_midi(pieces: Sequence[Piece], seconds: float, path: Path) -> None:
    """Write the pieces as a MIDI file, each `seconds` long; where it begins says `start_of`.

    Raises:
        MissingExtraError: mido is not installed.
    """
    try:
        import mido
    except ImportError:
        raise MissingExtraError("mido", "score") from None
    file = mido.MidiFile(type=0, ticks_per_beat=_TICKS_PER_BEAT)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=_MICROSECONDS_PER_BEAT))
    now = 0
    for index, piece in enumerate(pieces):
        start = round(1000 * start_of(index, seconds))
        for tick, message in _messages(piece, start, start + round(1000 * seconds)):
            track.append(message.copy(time=tick - now))
            now = tick
    # Let the last samples out before the player stops.
    track.append(mido.MetaMessage("end_of_track", time=200))
    file.save(path)


def _messages(piece: Piece, start: int, end: int) -> Iterator[tuple[int, Any]]:
    """(tick, message) of one piece in order; before it all is silent and at rest, and after it too."""
    import mido

    bank, program = piece.sound
    channel = _DRUM_CHANNEL if bank == DRUM_BANK else 0
    setup = start - round(1000 * (LEAD_SECONDS + GAP_SECONDS / 2))
    found: list[tuple[int, int, Any]] = []

    def add(tick: int, order: int, kind: str, **values: int) -> None:
        found.append((tick, order, mido.Message(kind, channel=channel, **values)))

    add(setup, 0, "control_change", control=_RESET, value=0)
    if bank != DRUM_BANK:
        add(setup + 1, 0, "control_change", control=_BANK, value=bank)
    add(setup + 2, 0, "program_change", program=program)
    first = start - round(1000 * LEAD_SECONDS)
    for at, control, value in piece.expression.controls:
        add(max(first, start + round(1000 * at)), 1, "control_change", control=control, value=value)
    for at, semitones in piece.expression.bends:
        bend = max(-8192, min(8191, round(8192 * semitones / BEND_RANGE_SEMITONES)))
        add(max(first, start + round(1000 * at)), 1, "pitchwheel", pitch=bend)
    for note in apart(piece.music.notes):
        on = start + round(1000 * note.start_seconds)
        off = min(max(on + 1, start + round(1000 * note.end_seconds)), end)
        if on < end:
            add(on, 3, "note_on", note=note.key, velocity=note.velocity)
            add(off, 2, "note_off", note=note.key)
    add(end + 1, 4, "control_change", control=_SOUND_OFF, value=0)
    found.sort(key=lambda item: item[:2])
    for tick, _, message in found:
        if tick <= end + 1:
            yield tick, message


def apart(notes: Sequence[Note]) -> list[Note]:
    """The notes, each ended where its key is pressed again: letting go of the first would end the second.

    >>> [note.duration_seconds for note in apart([Note(0.0, 2.0, 60, 90), Note(0.5, 1.0, 60, 90)])]
    [0.499, 1.0]
    """
    following: dict[int, float] = {}
    found: list[Note] = []
    for note in sorted(notes, key=lambda note: note.start_seconds, reverse=True):
        again = following.get(note.key, float("inf"))
        lasting = min(note.duration_seconds, max(0.002, round(again - note.start_seconds - 0.001, 6)))
        following[note.key] = note.start_seconds
        found.append(Note(note.start_seconds, lasting, note.key, note.velocity))
    return found[::-1]
