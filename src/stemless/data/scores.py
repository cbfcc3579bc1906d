"""Parts written as text: pitches and durations as in LilyPond, words as syllables, and the time they take.

A part is a line of tokens; ``|`` ends a phrase, where everyone breathes:

    d'8( c') bes4 a g f bes,( c) f |

The letter is the pitch (``is`` sharpens, ``es`` flattens, ``b`` is natural), ``'`` and ``,`` move it by
octaves from the octave below middle C, the number is the note value, a dot lengthens it by half; without a
number the value is that of the note before. ``(`` opens and ``)`` closes a slur: one syllable. ``r`` rests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stemless.data.curves import Floats
from stemless.data.notes import Note

_TOKEN = re.compile(r"^(es|as|[a-g](?:is|es)?|r)('*|,*)(\d+)?(\.?)([()]?)$")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class ScoreNote:
    """A written note: quarter notes are beats, ``midi`` 0 is a rest."""

    beats: float
    midi: int
    begins_syllable: bool


Phrase = tuple[ScoreNote, ...]


def parse_part(text: str) -> tuple[Phrase, ...]:
    """Read the phrases of one part.

    >>> [(note.midi, note.beats, note.begins_syllable) for note in parse_part("d'8( c') bes2. |")[0]]
    [(62, 0.5, True), (60, 0.5, False), (58, 3.0, True)]

    Raises:
        ValueError: a token is not a note, or the first note has no value.
    """
    phrases: list[Phrase] = []
    notes: list[ScoreNote] = []
    beats, slurred = 0.0, False
    for token in text.split():
        if token == "|":
            phrases.append(tuple(notes))
            notes = []
            continue
        match = _TOKEN.match(token)
        if match is None:
            raise ValueError(f"{token!r} is not a note")
        name, octave, value, dot, slur = match.groups()
        if value:
            beats = 4 / int(value) * (1.5 if dot else 1.0)
        if not beats:
            raise ValueError(f"{token!r} is the first note and has no value")
        midi = 0
        if name != "r":
            midi = 48 + _STEPS[name[0]] + {"": 0, "is": 1, "es": -1, "s": -1}[name[1:]]
            midi += 12 * (octave.count("'") - octave.count(","))
        notes.append(ScoreNote(beats, midi, not slurred))
        slurred = slur == "(" or (slurred and slur != ")")
    if notes:
        phrases.append(tuple(notes))
    return tuple(phrases)


@dataclass(frozen=True)
class Tempo:
    """How written time becomes seconds."""

    beats_per_minute: float = 100.0
    hold_beats: float = 0.5
    """How much the last note of a phrase is held beyond its value."""
    breath_seconds: float = 0.4
    """Silence at the end of that note."""
    lead_seconds: float = 0.5
    slowing: float = 0.25
    """How much slower the last beat of the last phrase is than the others."""

    def seconds(self, phrase_beats: Sequence[float]) -> list[Floats]:
        """For each phrase, the seconds at its sixteenths: [16 * beats + 1], the hold in the last of them."""
        beat = 60 / self.beats_per_minute
        start = self.lead_seconds
        times: list[Floats] = []
        for index, beats in enumerate(phrase_beats):
            sixteenths = round(16 * beats)
            lengths = np.full(sixteenths, beat / 16)
            if index == len(phrase_beats) - 1:
                lengths *= 1 + self.slowing * np.clip(np.linspace(-1, 1, sixteenths), 0, None)
            lengths[-1] += self.hold_beats * beat
            times.append(start + np.concatenate(([0.0], np.cumsum(lengths))))
            start = float(times[-1][-1])
        return times


def set_in_time(
    phrases: Sequence[Phrase], words: Sequence[str], tempo: Tempo, levels_db: Sequence[float] | None = None
) -> list[Note]:
    """The notes that a singer sings.

    Args:
        phrases: of one part.
        words: the syllables of each phrase, apart by spaces.
        tempo: the same for all parts that sound together.
        levels_db: loudness of each phrase; none: all alike.

    Raises:
        ValueError: a phrase has other words than its notes need.
    """
    if len(words) != len(phrases):
        raise ValueError(f"{len(phrases)} phrases but {len(words)} lines of words")
    times = tempo.seconds([sum(note.beats for note in phrase) for phrase in phrases])
    levels = levels_db if levels_db is not None else [0.0] * len(phrases)
    notes = []
    for phrase, line, seconds, level in zip(phrases, words, times, levels, strict=True):
        syllables = line.split()
        needed = sum(note.begins_syllable and note.midi > 0 for note in phrase)
        if len(syllables) != needed:
            raise ValueError(f"{line!r} has {len(syllables)} syllables for {needed} notes")
        remaining = iter(syllables)
        at = 0.0
        for index, note in enumerate(phrase):
            start, end = (float(seconds[round(16 * beat)]) for beat in (at, at + note.beats))
            at += note.beats
            if index == len(phrase) - 1:
                end -= tempo.breath_seconds
            if note.midi:
                syllable = next(remaining) if note.begins_syllable else ""
                notes.append(Note(start, end - start, note.midi, syllable, level))
    return notes
