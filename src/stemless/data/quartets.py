"""Random ensembles: music-like parts for random singers in random rooms, with their exact pitch.

Nothing here is a piece of music. It is as varied as mixtures of voices are (chords together, lines apart,
rests, unisons, crossings, all kinds of voices, dry and reverberant), so that a separator can learn from
thousands of them before it hears a recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.data.curves import STEP_SECONDS
from stemless.data.notes import Note
from stemless.data.room import Room, half_circle, place_voices
from stemless.data.singer import RANGES_MIDI, Singer
from stemless.data.singing import sing

_CHOIR = ("soprano", "alto", "tenor", "bass")
_SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "chromatic": tuple(range(12)),
}
_ONSETS = ("", "", "m", "n", "l", "d", "t", "s", "v", "b", "k", "r", "h", "f", "p", "g", "z", "S", "st", "br")
_CODAS = ("", "", "", "", "n", "m", "s", "t", "l", "r", "nt", "x")
_NUCLEI = ("a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "au", "ei", "ai", "oi")


@dataclass(frozen=True)
class Ensemble:
    """Voices that sound together, and each for itself."""

    names: tuple[str, ...]
    stems: Tensor
    """[voices, channels, time] float32; their sum is the mixture."""
    f0_hz: NDArray[np.float32]
    """[voices, frames], 0 where a voice is silent or unvoiced; frame t at t * step_seconds."""
    sample_rate: int
    step_seconds: float = STEP_SECONDS

    @property
    def mixture(self) -> Tensor:
        """[channels, time]"""
        return self.stems.sum(0)


def random_quartet(
    generator: np.random.Generator,
    duration_seconds: float,
    *,
    voices: int = 4,
    sample_rate: int = 16000,
    channels: int = 1,
) -> Ensemble:
    """Make up an ensemble and sing it.

    Args:
        generator: what it is drawn from; the same state gives the same ensemble.
        duration_seconds: its length.
        voices: how many, highest first.
        sample_rate: in Hz.
        channels: 1 or 2.

    Returns:
        The ensemble; the peak of its mixture lies between -20 and -1 dB of full scale.

    >>> quartet = random_quartet(np.random.default_rng(0), 0.5, voices=2)
    >>> tuple(quartet.stems.shape), quartet.f0_hz.shape
    ((2, 1, 8000), (2, 101))
    """
    kinds = _draw_voices(generator, voices)
    ranges = [_draw_range(kind, generator) for kind in kinds]
    parts = random_parts(generator, duration_seconds, ranges)
    dry, f0_hz = [], []
    for kind, notes in zip(kinds, parts, strict=True):
        singer = Singer.random(kind, generator)
        sung = sing(notes, singer, duration_seconds, sample_rate=sample_rate, generator=generator)
        dry.append(sung.audio * 10 ** (float(generator.normal(0, 3.5)) / 20))
        f0_hz.append(sung.f0_hz)
    stems = in_some_room(torch.stack(dry), sample_rate, channels, generator)
    peak = float(stems.sum(0).abs().max())
    gain = 10 ** (float(generator.uniform(-20, -1)) / 20) / max(peak, 1e-6)
    return Ensemble(_numbered(kinds), stems * gain, np.stack(f0_hz), sample_rate)


def random_parts(
    generator: np.random.Generator, duration_seconds: float, ranges: Sequence[tuple[int, int]]
) -> list[list[Note]]:
    """Parts for voices of these ranges: chords sung together, lines that go their own way, or some of each.

    Args:
        generator: what they are drawn from.
        duration_seconds: all notes end by then.
        ranges: lowest and highest MIDI number of each part.

    Returns:
        The notes of each part; a part may be empty when it rests all the time.
    """
    key = int(generator.integers(12))
    names = list(_SCALES)
    scale = _SCALES[names[generator.choice(len(names), p=[0.35, 0.25, 0.15, 0.15, 0.1])]]
    beat = float(np.exp(generator.uniform(np.log(0.28), np.log(1.1))))
    apart = float(generator.choice([0.0, 0.0, 0.3, 1.0], p=[0.3, 0.15, 0.25, 0.3]))
    lead = float(generator.uniform(0.0, 0.7))
    beats = int((duration_seconds - lead) / beat)
    chords = _chords(generator, scale, key, beats)
    breaths = _breaths(generator, beats, beat)
    words = [_syllable(generator) for _ in range(beats + 1)]
    parts = []
    for low, high in ranges:
        own = generator.random() < apart
        line = _line(generator, beats, chords, scale, key, (low, high), own)
        own_breaths = _breaths(generator, beats, beat) if own else breaths
        own_words = [_syllable(generator) for _ in range(beats + 1)] if own else words
        parts.append(_notes(generator, line, own_breaths, own_words, lead, beat, duration_seconds))
    return parts


def _draw_voices(generator: np.random.Generator, voices: int) -> list[str]:
    """Mostly a mixed choir; now and then equal voices, children, instruments."""
    chance = generator.random()
    if chance < 0.55 and voices <= 4:
        kept = sorted(generator.choice(4, voices, replace=False).tolist())
        return [_CHOIR[index] for index in kept]
    if chance < 0.8:
        pool: tuple[str, ...] = (*_CHOIR, "treble")
    elif chance < 0.92:
        pairs = (("soprano", "alto"), ("tenor", "bass"), ("treble", "alto"), ("alto", "tenor"))
        pool = pairs[generator.integers(len(pairs))]
    else:
        pool = (*_CHOIR, "instrument", "instrument")
    kinds = [pool[generator.integers(len(pool))] for _ in range(voices)]
    return sorted(kinds, key=lambda kind: -sum(RANGES_MIDI[kind]))


def _draw_range(kind: str, generator: np.random.Generator) -> tuple[int, int]:
    low, high = RANGES_MIDI[kind]
    if kind == "instrument":
        low = int(generator.integers(low, high - 17))
        return low, low + 17
    return low + int(generator.integers(-2, 3)), high + int(generator.integers(-3, 3))


def _numbered(kinds: Sequence[str]) -> tuple[str, ...]:
    """Names that differ: ``tenor 1``, ``tenor 2``.

    >>> _numbered(["alto", "tenor", "tenor"])
    ('alto', 'tenor 1', 'tenor 2')
    """
    seen: dict[str, int] = {}
    names = []
    for kind in kinds:
        seen[kind] = seen.get(kind, 0) + 1
        names.append(kind if list(kinds).count(kind) == 1 else f"{kind} {seen[kind]}")
    return tuple(names)


def _chords(generator: np.random.Generator, scale: Sequence[int], key: int, beats: int) -> list[list[int]]:
    """The pitch classes of the chord on each beat."""
    chords: list[list[int]] = []
    degree = 0
    size = len(scale)
    third = 2 if size == 7 else int(generator.integers(3, 5))
    while len(chords) < beats + 1:
        tones = 4 if generator.random() < 0.2 else 3
        chord = [(key + scale[(degree + third * step) % size]) % 12 for step in range(tones)]
        chords += [chord] * int(generator.choice([1, 1, 2, 2, 3, 4]))
        degree = (degree + int(generator.choice([1, 3, 3, 4, 5, 2, -1]))) % size
    return chords


def _breaths(generator: np.random.Generator, beats: int, beat: float) -> set[int]:
    """Beats before which everyone breathes."""
    found, at = set(), 0
    while at < beats:
        at += max(2, round(float(generator.uniform(2.5, 8.0)) / beat))
        found.add(at)
    return found


def _line(
    generator: np.random.Generator,
    beats: int,
    chords: Sequence[Sequence[int]],
    scale: Sequence[int],
    key: int,
    limits: tuple[int, int],
    own: bool,
) -> list[tuple[float, float, int, bool]]:
    """One part as (beat, beats long, MIDI number or 0 for a rest, does it begin a syllable)."""
    low, high = limits
    ladder = [midi for midi in range(low, high + 1) if (midi - key) % 12 in scale]
    place = int(generator.integers(len(ladder) // 4, max(len(ladder) * 3 // 4, len(ladder) // 4 + 1)))
    ornament = float(generator.choice([0.0, 0.15, 0.4]))
    melisma = float(generator.choice([0.1, 0.4, 0.9]))
    rests = float(generator.choice([0.0, 0.02, 0.15]))
    line: list[tuple[float, float, int, bool]] = []
    at = 0.0
    while at < beats:
        if own:
            length = float(generator.choice([0.5, 1, 1.5, 2, 3, 4], p=[0.2, 0.4, 0.1, 0.15, 0.1, 0.05]))
            step = int(generator.choice([-4, -3, -2, -1, -1, 0, 1, 1, 2, 3, 4]))
            place = int(np.clip(place + step, 0, len(ladder) - 1))
        else:
            # A tone of the chord on this beat, near the last one; it lasts while the chord does.
            chord = chords[int(at)]
            length = 1.0
            while generator.random() < 0.5 and at + length < beats and chords[int(at + length)] == chord:
                length += 1
            tones = [index for index, midi in enumerate(ladder) if midi % 12 in chord] or [place]
            weights = np.exp(-abs(np.array(tones) - place - generator.normal(0, 1.0)) / 1.2)
            place = int(tones[generator.choice(len(tones), p=weights / weights.sum())])
        length = min(length, beats - at)
        if generator.random() < rests:
            line.append((at, length, 0, False))
        elif length >= 1 and generator.random() < ornament:
            step = int(generator.choice([-1, 1]))
            passing = int(np.clip(place + step, 0, len(ladder) - 1))
            line.append((at, length / 2, ladder[place], True))
            line.append((at + length / 2, length / 2, ladder[passing], generator.random() > melisma))
        else:
            line.append((at, length, ladder[place], own is False or generator.random() > 0.5 * melisma))
        at += length
    return line


def _notes(
    generator: np.random.Generator,
    line: Sequence[tuple[float, float, int, bool]],
    breaths: set[int],
    words: Sequence[str],
    lead: float,
    beat: float,
    duration_seconds: float,
) -> list[Note]:
    """Set a line in time, with words, breaths and loudness."""
    notes: list[Note] = []
    staccato = float(generator.choice([1.0, 1.0, 1.0, 0.7]))
    rise = float(generator.normal(0, 3))
    for at, length, midi, begins in line:
        start = lead + at * beat
        end = min(start + length * beat, duration_seconds - 0.02)
        if any(at < place <= at + length for place in breaths):
            end -= min(0.45, 0.4 * (end - start))
        elif staccato < 1:
            end = start + staccato * (end - start)
        if not midi or end - start < 0.08:
            continue
        word = words[int(at)] if begins or not notes else ""
        level = rise * (start / duration_seconds - 0.5) + float(generator.normal(0, 1))
        notes.append(Note(start, end - start, midi, word, level))
    return notes


def _syllable(generator: np.random.Generator) -> str:
    def draw(choices: Sequence[str]) -> str:
        return choices[int(generator.integers(len(choices)))]

    return draw(_ONSETS) + draw(_NUCLEI) + draw(_CODAS)


def in_some_room(dry: Tensor, sample_rate: int, channels: int, generator: np.random.Generator) -> Tensor:
    """A quarter stay dry; the others stand in an arc in a room of their own."""
    voices = len(dry)
    if generator.random() < 0.25:
        return dry[:, None].expand(-1, channels, -1).clone()
    width, depth, height = generator.uniform((4, 4, 2.6), (18, 14, 9)).tolist()
    size = (width, depth, height)
    rt60 = float(np.clip(np.exp(generator.normal(-0.6, 0.6)), 0.15, 2.5))
    microphone = (0.5 * width * float(generator.uniform(0.7, 1.3)), 0.25 * depth, 1.7)
    room = Room(size, rt60, microphone, channels)
    radius = min(float(generator.uniform(0.6, 3.5)), 0.35 * min(width, depth))
    sources = half_circle(voices, room, radius)
    sources += generator.normal(0, 0.1 * radius, sources.shape) * (1, 1, 0.3)
    sources = np.clip(sources, 0.2, np.array(size) - 0.2)
    return place_voices(dry, room, sources, sample_rate, generator)
