"""The mouth over time: vowels, consonants and breaths laid out between the notes.

A vowel begins on the beat, and its consonants come before it, at the cost of the note that goes before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stemless.data.curves import Floats, span
from stemless.data.notes import LEGATO_SECONDS, Note
from stemless.data.phonemes import CONSONANTS, Consonant, Syllable, parse_syllable
from stemless.data.singer import Singer

NASAL_POLE_HZ = 270.0
SILENT_DB = -120.0
BREATH_SECONDS = 0.30
# The part of a note that consonants may take.
CONSONANT_SHARE = 0.5


@dataclass
class Segment:
    """A stretch with one position of the mouth."""

    start: float
    end: float
    mouth: tuple[float, ...]
    voicing: float
    aspiration_db: float = SILENT_DB
    frication_db: float = SILENT_DB
    nasal_zero_hz: float = NASAL_POLE_HZ
    band_hz: tuple[float, float] = (4000.0, 2000.0)


def segments_of(notes: Sequence[Note], singer: Singer, generator: np.random.Generator) -> list[Segment]:
    """Lay vowels, consonants and breaths out in time."""
    syllables: list[Syllable] = []
    for note in notes:
        if note.syllable:
            parsed = parse_syllable(note.syllable)
            syllables.append(parsed if singer.sings_consonants else Syllable("", parsed.nucleus, ""))
        else:
            carried = syllables[-1].nucleus[-1] if syllables else "a"
            syllables.append(Syllable("", carried, ""))
    segments: list[Segment] = []
    for index, (note, syllable) in enumerate(zip(notes, syllables, strict=True)):
        rest_before = note.start_seconds - (notes[index - 1].end_seconds if index else 0.0)
        # A melisma sings its coda at the end of its last note.
        carries_on = index + 1 < len(notes) and not notes[index + 1].syllable
        coda = "" if carries_on else _coda_of(notes, syllables, index)
        after = syllables[index + 1].onset if index + 1 < len(notes) else ""
        gap = notes[index + 1].start_seconds - note.end_seconds if index + 1 < len(notes) else np.inf
        joined_onset = after if gap < LEGATO_SECONDS else ""
        wanted = _length(coda + joined_onset)
        squeeze = min(1.0, CONSONANT_SHARE * note.duration_seconds / wanted) if wanted else 1.0
        vowel_end = note.end_seconds - squeeze * wanted
        if rest_before >= LEGATO_SECONDS:
            onset_length = min(_length(syllable.onset), 0.9 * rest_before)
            spare = rest_before - onset_length
            first = note.start_seconds - onset_length
            if spare > 0.15:
                segments.append(_breath(first, min(spare, BREATH_SECONDS), singer, generator))
            _lay(segments, syllable.onset, first, onset_length, syllable.nucleus[0], singer)
        _lay_vowel(segments, syllable.nucleus, note.start_seconds, vowel_end, singer)
        spoken = squeeze * _length(coda)
        _lay(segments, coda, vowel_end, spoken, syllable.nucleus[-1], singer)
        following = syllables[index + 1].nucleus[0] if joined_onset else "a"
        _lay(segments, joined_onset, vowel_end + spoken, squeeze * _length(joined_onset), following, singer)
    return segments or [Segment(0.0, 0.0, singer.formants_hz["a"], 0.0)]


def _coda_of(notes: Sequence[Note], syllables: Sequence[Syllable], index: int) -> str:
    while index > 0 and not notes[index].syllable:
        index -= 1
    return syllables[index].coda


def _length(consonants: str) -> float:
    return sum(CONSONANTS[letter].duration_seconds for letter in consonants)


def _breath(end: float, length: float, singer: Singer, generator: np.random.Generator) -> Segment:
    """Breathing in: noise through an open, neutral mouth."""
    mouth = tuple(np.add(singer.formants_hz["e"], singer.formants_hz["a"]) / 2)
    level = -34.0 + float(generator.normal(0, 3))
    return Segment(end - length, end - 0.05, mouth, 0.0, aspiration_db=level)


def _lay_vowel(segments: list[Segment], nucleus: str, start: float, end: float, singer: Singer) -> None:
    """One vowel, or a diphthong that turns at the end, as singers are taught."""
    turn = end - min(0.15, 0.35 * (end - start)) if len(nucleus) == 2 else end
    segments.append(Segment(start, turn, singer.formants_hz[nucleus[0]], 1.0))
    if len(nucleus) == 2:
        segments.append(Segment(turn, end, singer.formants_hz[nucleus[1]], 1.0))


def _lay(
    segments: list[Segment], consonants: str, start: float, length: float, vowel: str, singer: Singer
) -> None:
    """Consonants one after the other over a length; those without a tract shape take the next vowel's."""
    total = _length(consonants)
    at = start
    for letter in consonants:
        row = CONSONANTS[letter]
        end = at + length * row.duration_seconds / total
        neighbour = singer.formants_hz[vowel]
        mouth = neighbour if row.formants_hz is None else (*row.formants_hz, *neighbour[3:])
        burst = end - min(row.release_seconds, 0.5 * (end - at)) if row.release_seconds else at
        if row.release_seconds:
            segments.append(Segment(at, burst, mouth, row.voicing))
        segments.append(_noisy(row, burst, end, mouth))
        at = end


def _noisy(row: Consonant, start: float, end: float, mouth: tuple[float, ...]) -> Segment:
    nose = row.nasal_zero_hz or NASAL_POLE_HZ
    band = (row.frication_hz, row.frication_width_hz)
    return Segment(start, end, mouth, row.voicing, row.aspiration_db, row.frication_db, nose, band)


def paint(
    segments: Sequence[Segment],
    times: Floats,
    value: Callable[[Segment], tuple[float, ...]],
    empty: float = 0.0,
    *,
    hold: bool = False,
) -> Floats:
    """Lay a value of each segment along time; between segments ``empty``, or the next value held back."""
    out = np.full((len(times), len(value(segments[0]))), empty)
    filled = 0
    for segment in segments:
        part = span(times, segment.start, segment.end)
        if hold:
            out[filled : part.stop] = value(segment)
            filled = max(filled, part.stop)
        else:
            out[part] = value(segment)
    if hold:
        out[filled:] = value(segments[-1])
    return out
