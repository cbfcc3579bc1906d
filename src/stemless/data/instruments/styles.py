"""How families of instruments play: what they play at all, how fast, how joined, how loud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Texture = Literal["melody", "doubled", "chords", "arpeggio", "accompanied", "repeated", "trill"]
Pace = Literal["slow", "medium", "fast"]
Way = Literal["pitched", "drum kit", "percussion", "sounds"]


@dataclass(frozen=True)
class Style:
    """Chances are 0 to 1, weights any size.

    Attributes:
        way: what makes the music: pitches, patterns of a drum kit, of one drum, or single sounds.
        textures: weights of what pitches are put to.
        paces: weights of slow, medium and fast.
        chord_notes: fewest and most notes of a chord.
        staccato: chance of short notes.
        pedal: chance of a sustaining pedal.
        swells: chance of a loudness that moves (CC 11); 0 for what dies away by itself.
        vibrato: chance of vibrato in a melody.
        scoops: chance of notes that slide into their pitch.
        spread_seconds: between the notes of a chord at most, as by a strumming hand.
        hold_seconds, gap_seconds: shortest and longest of single sounds, and between them; of a drum, the gap
            is a step of its pattern.
        bursts: chance of sounds in quick succession.
    """

    textures: Mapping[Texture, float] = field(default_factory=lambda: {"melody": 1.0})
    paces: Mapping[Pace, float] = field(default_factory=lambda: {"slow": 1.0, "medium": 2.0, "fast": 1.0})
    way: Way = "pitched"
    chord_notes: tuple[int, int] = (3, 4)
    staccato: float = 0.2
    pedal: float = 0.0
    swells: float = 0.0
    vibrato: float = 0.0
    scoops: float = 0.0
    spread_seconds: float = 0.0
    hold_seconds: tuple[float, float] = (0.5, 2.0)
    gap_seconds: tuple[float, float] = (0.1, 1.0)
    bursts: float = 0.0


STYLES: Mapping[str, Style] = {
    "keyboard": Style(
        {"melody": 2.0, "chords": 2.0, "arpeggio": 2.0, "accompanied": 3.0, "doubled": 0.5, "repeated": 0.3},
        pedal=0.5,
    ),
    "harpsichord": Style({"melody": 2.0, "chords": 1.5, "arpeggio": 2.0, "accompanied": 2.0, "trill": 0.3}),
    "organ": Style(
        {"melody": 2.0, "chords": 3.0, "arpeggio": 1.0, "accompanied": 2.0, "doubled": 0.7},
        paces={"slow": 2.0, "medium": 2.0, "fast": 1.0},
        swells=0.4,
    ),
    "guitar": Style(
        {"melody": 2.0, "chords": 3.0, "arpeggio": 3.0, "doubled": 0.5, "repeated": 0.3},
        chord_notes=(3, 6),
        spread_seconds=0.03,
        scoops=0.1,
        staccato=0.15,
    ),
    "lead guitar": Style(
        {"melody": 4.0, "chords": 2.0, "doubled": 0.8, "repeated": 0.8},
        chord_notes=(2, 3),
        spread_seconds=0.015,
        scoops=0.4,
        vibrato=0.6,
    ),
    "plucked": Style(
        {"melody": 4.0, "chords": 1.0, "arpeggio": 2.0, "doubled": 0.5, "repeated": 0.7},
        spread_seconds=0.03,
        scoops=0.1,
        staccato=0.1,
    ),
    "harp": Style(
        {"melody": 1.0, "chords": 1.5, "arpeggio": 4.0, "accompanied": 1.0}, spread_seconds=0.06, staccato=0.0
    ),
    "bass": Style(
        {"melody": 4.0, "arpeggio": 1.5, "repeated": 1.0},
        paces={"slow": 0.5, "medium": 3.0, "fast": 1.0},
        scoops=0.1,
    ),
    "bowed": Style(
        {"melody": 5.0, "doubled": 0.6, "arpeggio": 0.8, "repeated": 0.6, "trill": 0.4},
        paces={"slow": 2.0, "medium": 2.0, "fast": 1.0},
        swells=0.8,
        vibrato=0.6,
        scoops=0.2,
    ),
    "section": Style(
        {"melody": 2.0, "chords": 4.0, "doubled": 1.0, "arpeggio": 0.3},
        paces={"slow": 3.0, "medium": 2.0, "fast": 0.6},
        swells=0.7,
    ),
    "wind": Style(
        {"melody": 6.0, "arpeggio": 0.8, "repeated": 0.5, "trill": 0.6},
        swells=0.7,
        vibrato=0.5,
        scoops=0.15,
    ),
    "brass": Style(
        {"melody": 6.0, "arpeggio": 0.8, "repeated": 0.8},
        paces={"slow": 1.5, "medium": 2.0, "fast": 0.8},
        swells=0.7,
        vibrato=0.3,
        scoops=0.2,
    ),
    "pipes": Style({"melody": 5.0, "doubled": 1.0, "trill": 0.5}, staccato=0.0),
    "voices": Style(
        {"melody": 2.0, "chords": 3.0, "doubled": 1.0},
        paces={"slow": 3.0, "medium": 2.0, "fast": 0.2},
        swells=0.7,
        scoops=0.1,
        staccato=0.08,
    ),
    "mallets": Style(
        {"melody": 4.0, "chords": 0.7, "arpeggio": 2.0, "doubled": 1.0, "repeated": 0.8}, pedal=0.2
    ),
    "bells": Style({"melody": 4.0, "chords": 0.6, "arpeggio": 2.0, "accompanied": 0.5}, staccato=0.0),
    "slow bells": Style(
        {"melody": 3.0, "repeated": 1.0, "doubled": 0.3}, paces={"slow": 3.0, "medium": 1.0}, staccato=0.0
    ),
    "synth": Style(
        {"melody": 4.0, "chords": 1.5, "arpeggio": 2.5, "repeated": 0.6},
        scoops=0.15,
        vibrato=0.3,
        swells=0.3,
        staccato=0.3,
    ),
    "hits": Style({"melody": 2.0, "repeated": 3.0}, staccato=0.0),
    "drum kit": Style(way="drum kit"),
    "percussion": Style(way="percussion", gap_seconds=(0.1, 0.28)),
    "slow percussion": Style(way="percussion", gap_seconds=(0.22, 0.9)),
    "ambience": Style(way="sounds", hold_seconds=(4.0, 12.0), gap_seconds=(0.0, 0.4)),
    "calls": Style(way="sounds", hold_seconds=(0.15, 2.0), gap_seconds=(0.2, 1.5), bursts=0.7),
    "swell": Style(way="sounds", hold_seconds=(1.0, 3.5), gap_seconds=(0.2, 1.5)),
    "shots": Style(way="sounds", hold_seconds=(0.6, 1.5), gap_seconds=(0.05, 1.8)),
}
