"""What a score asks of each voice: its notes, in seconds of the score's own tempo.

A voice is a part, track or channel; what in one part sounds together is split into voices from the top, so
that the highest note of a chord belongs to the first of them. A part that rarely has chords thus gives one
whole voice and others that rest most of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stemless.errors import ScoreError

Floats = NDArray[np.float64]

# Notes that begin this close together are a chord.
CHORD_SECONDS = 0.03
# A note held this little into the next is legato, not a chord.
LEGATO_SECONDS = 0.1
# Beyond this many at once it is a pedal and no ensemble: not every way to share the notes out is tried.
MOST_ORDERED_VOICES = 8
FORMS = "give a MIDI file (.mid) or MusicXML (.musicxml, .xml, .mxl)"


@dataclass(frozen=True, eq=False)
class VoiceNotes:
    """The notes of one voice, one after the other.

    Args:
        onset_seconds: [notes], rising.
        duration_seconds: [notes], above 0; no note lasts into the next.
        pitch_midi: [notes] MIDI numbers as they sound, 69 is 440 Hz.
    """

    onset_seconds: Floats
    duration_seconds: Floats
    pitch_midi: Floats

    @property
    def end_seconds(self) -> Floats:
        """[notes]"""
        return self.onset_seconds + self.duration_seconds

    def __len__(self) -> int:
        return int(self.onset_seconds.size)


@dataclass(frozen=True, eq=False)
class ScoreVoices:
    """A score as voices.

    Args:
        names: one a voice, distinct.
        notes: of each voice, at least one.
        source: where it came from; opens the messages of errors.
    """

    names: tuple[str, ...]
    notes: tuple[VoiceNotes, ...]
    source: str = "score"

    @property
    def start_seconds(self) -> float:
        """Where the first note begins."""
        return min(float(voice.onset_seconds[0]) for voice in self.notes)

    @property
    def end_seconds(self) -> float:
        """Where the last note ends."""
        return max(float(voice.end_seconds[-1]) for voice in self.notes)


def read_score(path: str | Path) -> ScoreVoices:
    """Read MIDI or MusicXML, whichever the file holds.

    Repeats are unfolded, tied notes joined, tempo changes followed; grace notes and percussion are left out.

    Raises:
        ScoreError: there is no such file, it is no score, or it has fewer than two voices with notes.
        MissingExtraError: the extra `score` is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            opening = file.read(256)
    except FileNotFoundError:
        raise ScoreError(f"{path}: no such score: check the path") from None
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror}): {FORMS}") from None
    if not opening:
        raise ScoreError(f"{path}: is empty: {FORMS}")
    if opening.startswith(b"MThd"):
        from stemless.voices.midi_scores import read_midi

        parts, percussion = read_midi(path)
    elif opening.startswith(b"PK") or opening.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith(b"<"):
        from stemless.voices.musicxml_scores import read_musicxml

        parts, percussion = read_musicxml(path)
    else:
        raise ScoreError(f"{path}: is no score: {FORMS}")
    voices = [(name, voice) for name, notes in parts for voice in split_chords(*notes)]
    if not voices and percussion:
        raise ScoreError(f"{path}: holds percussion only: separation needs voices with a pitch")
    if not voices:
        raise ScoreError(f"{path}: holds no notes: {FORMS} with two voices or more")
    if len(voices) == 1:
        raise ScoreError(
            f"{path}: holds only one voice ({voices[0][0]}); separation needs two or more: "
            "give the full score"
        )
    names = number_names([name for name, _ in voices])
    return ScoreVoices(names, tuple(voice for _, voice in voices), str(path))


def number_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names, numbered where several are alike.

    >>> number_names(["Soprano", "Violin", "Violin", "Violin 1"])
    ('Soprano', 'Violin 2', 'Violin 3', 'Violin 1')
    """
    taken = {name for name in names if names.count(name) == 1}
    numbered = []
    for name in names:
        candidate = name
        if names.count(name) > 1:
            number = 1
            while (candidate := f"{name} {number}") in taken:
                number += 1
            taken.add(candidate)
        numbered.append(candidate)
    return tuple(numbered)


def split_chords(
    onset_seconds: ArrayLike, duration_seconds: ArrayLike, pitch_midi: ArrayLike
) -> list[VoiceNotes]:
    """Split what one part plays into voices that play one note at a time, highest voice first.

    There are as many voices as notes ever sound together. Notes go to the free voices from the top; where
    others are held, to those that keep the order of the pitches.

    Args:
        onset_seconds, duration_seconds, pitch_midi: [notes] in any order.

    >>> [voice.pitch_midi.tolist() for voice in split_chords([0, 0, 1, 2], [1, 2, 1, 1], [67, 60, 69, 64])]
    [[67.0, 69.0, 64.0], [60.0]]
    """
    onset, duration, pitch = (
        np.asarray(values, dtype=np.float64) for values in (onset_seconds, duration_seconds, pitch_midi)
    )
    kept = duration > 1e-4
    order = np.lexsort((-pitch[kept], onset[kept]))
    onset, duration, pitch = (values[kept][order] for values in (onset, duration, pitch))
    groups = _chords(onset)
    end = _end_before_next(onset, onset + duration, groups)
    count = max((int(np.sum(end[: g[-1] + 1] > onset[g[0]] + 1e-6)) for g in groups), default=0)
    held: list[int | None] = [None] * count
    lines: list[list[int]] = [[] for _ in range(count)]
    for group in groups:
        now = onset[group[0]] + 1e-6
        held = [note if note is not None and end[note] > now else None for note in held]
        free = [voice for voice in range(count) if held[voice] is None]
        notes = sorted(group, key=lambda note: -pitch[note])
        chosen = tuple(free[: len(notes)])
        if count <= MOST_ORDERED_VOICES:
            costs = {way: _crossings(way, notes, held, pitch) for way in combinations(free, len(notes))}
            chosen = min(costs, key=lambda way: costs[way])
        for voice, note in zip(chosen, notes, strict=True):
            held[voice] = note
            lines[voice].append(note)
    return [VoiceNotes(onset[line], (end - onset)[line], pitch[line]) for line in lines]


def _chords(onset: Floats) -> list[list[int]]:
    """Indices of the notes that begin together."""
    groups: list[list[int]] = []
    for note, at in enumerate(onset):
        if groups and at - onset[groups[-1][0]] < CHORD_SECONDS:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _end_before_next(onset: Floats, end: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """Ends of the notes, those cut that reach just a little into the next chord."""
    cut = end.copy()
    for group, following in pairwise(groups):
        beginning = onset[following[0]]
        shortest = min(end[note] - onset[note] for note in following)
        for note in group:
            overlap = end[note] - beginning
            if 0 < overlap < min(LEGATO_SECONDS, 0.5 * (end[note] - onset[note]), 0.5 * shortest):
                cut[note] = beginning
    return cut


def _crossings(chosen: Sequence[int], notes: Sequence[int], held: Sequence[int | None], pitch: Floats) -> int:
    """How many held notes would lie on the wrong side of the new ones."""
    return sum(
        (voice < other) != (pitch[note] >= pitch[sounding])
        for voice, note in zip(chosen, notes, strict=True)
        for other, sounding in enumerate(held)
        if sounding is not None
    )
