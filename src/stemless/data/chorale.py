"""A four-part chorale for demonstrations, entered by hand and sung by our own voices.

J. S. Bach (1685-1750), "O Haupt voll Blut und Wunden", St Matthew Passion BWV 244, no. 54; tune by
H. L. Haßler (1601), words by P. Gerhardt (1656): the first verse, its opening sung once. All of it is in the
public domain.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from stemless.data.notes import Note
from stemless.data.quartets import Ensemble
from stemless.data.room import Room, half_circle, place_voices
from stemless.data.scores import Tempo, parse_part, set_in_time
from stemless.data.singer import Singer
from stemless.data.singing import sing

PARTS = {
    "soprano": """
        a'4 d'' c'' bes' a' g'2 a'4 |
        e''4 f'' f'' e''8( d'') e''4 d''2. |
        f''4 e''8( d'') c''4 d'' e'' f''2 f''4 |
        c''4 d'' c'' bes'8( a') bes'4 a'2. |
        f''4 e''8( f'') g''4 f'' e'' d''2 e''4 |
        a'4 bes' a' g' c'' a'2. |""",
    "alto": """
        f'4 f'8( g') a'4 d'8( e') f'4 f'( e') f' |
        a'4 a' a' a' a'8( g') f'2. |
        a'4 g' g'8( f') f'4 bes' bes'( a'8 g') a'4 |
        a'4 a'8( g') a'4 g'8( fis') g'4 fis'2. |
        g'4 g' c'' c'' c'' c''( b') c'' |
        f'8( e') d'( e') f'4 f' e' f'2. |""",
    "tenor": """
        d'4 d'8( e') f'4 g' c' d'( c') c' |
        e'4 e' d' d' cis' a2. |
        d'8( c') bes4 c' c' bes8( c') d'4( c'8 bes) c'4 |
        f'8( es') d'4 d' d' d' d'2. |
        d'4 c'8( d') e'4 f' g' a'( g') g' |
        c'4 bes c' c'8( bes16 a) g8( c') c'2. |""",
    "bass": """
        d'8( c') bes4 a g f bes,( c) f |
        cis4 d8( e) f( g) a4 a, d2. |
        d4 g a bes8( a) g4 f2 f4 |
        f4 bes fis g g, d2. |
        b,4 c c'8( b) a4 g f( g) c |
        f4 g a8( bes) c'4 c f2. |""",
}

# "O Haupt voll Blut und Wunden, voll Schmerz und voller Hohn, o Haupt, sonst schön gezieret mit höchster Ehr
# und Zier, jetzt aber höchst schimpfieret: gegrüßet seist du mir!"
WORDS = (
    "o haupt fol blut unt vun den",
    "fol Smerts unt fo ler hon",
    "o haupt zonst Sen ge tsi ret",
    "mit hek ster er unt tsir",
    "jetst a ber hekst Sim pfi ret",
    "ge gri set zaist du mir",
)

LEVELS_DB = (-1.0, -3.0, 0.0, -2.0, 2.0, -2.0)
TEMPO = Tempo(beats_per_minute=108.0)
TAIL_SECONDS = 1.5


def chorale_parts() -> dict[str, list[Note]]:
    """The notes of each part, from the highest down."""
    return {voice: set_in_time(parse_part(text), WORDS, TEMPO, LEVELS_DB) for voice, text in PARTS.items()}


def sing_chorale(seed: int = 0, *, sample_rate: int = 44100) -> Ensemble:
    """Sing the chorale in a small church.

    Args:
        seed: what is left to chance.
        sample_rate: in Hz.

    Returns:
        The four voices in stereo, as the microphones hear each; their mixture peaks at -3 dB of full scale.
    """
    parts = chorale_parts()
    end = max(notes[-1].end_seconds for notes in parts.values())
    duration_seconds = end + TEMPO.breath_seconds + TAIL_SECONDS
    generator = np.random.default_rng(seed)
    sung = []
    for voice, notes in parts.items():
        # One of the many who could sing the part, not the average of them.
        timbre = Singer.random(voice, generator)
        singer = dataclasses.replace(
            Singer.typical(voice), formants_hz=timbre.formants_hz, vibrato_rate_hz=timbre.vibrato_rate_hz
        )
        sung.append(sing(notes, singer, duration_seconds, sample_rate=sample_rate, generator=generator))
    room = Room(size_m=(14.0, 10.0, 7.0), rt60_seconds=0.8, microphone_m=(7.0, 3.0, 2.0))
    dry = torch.stack([one.audio for one in sung])
    stems = place_voices(dry, room, half_circle(len(sung), room, 1.8), sample_rate, generator)
    gain = 10 ** (-3 / 20) / float(stems.sum(0).abs().max())
    f0_hz = np.stack([one.f0_hz for one in sung])
    return Ensemble(tuple(parts), gain * stems, f0_hz, sample_rate)
