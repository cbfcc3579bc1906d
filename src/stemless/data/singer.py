"""Who sings: the parameters of one voice, typical or drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from stemless.data.phonemes import FORMANTS_HZ, VOWELS

Formants = tuple[float, float, float, float, float]

# Comfortable ranges, MIDI numbers.
RANGES_MIDI: dict[str, tuple[int, int]] = {
    "soprano": (60, 81),
    "alto": (53, 74),
    "tenor": (47, 69),
    "bass": (40, 62),
    "treble": (58, 79),
    "instrument": (43, 79),
}

# Voice quality Rd of the glottal pulse at middle loudness: pressed below 1, breathy above 1.5.
_RD = {"soprano": 0.8, "alto": 0.8, "tenor": 1.0, "bass": 0.95, "treble": 1.1, "instrument": 0.7}


@dataclass(frozen=True)
class Singer:
    """Everything that makes one voice differ from the next."""

    voice: str = "soprano"
    formants_hz: Mapping[str, Formants] = field(default_factory=lambda: FORMANTS_HZ["soprano"])
    """F1 to F5 of each vowel, for this singer's own tract."""
    bandwidth_scale: float = 1.0
    rd: float = 1.35
    """Shape of the glottal pulse at middle loudness."""
    rd_per_db: float = -0.04
    """How much brighter the pulse becomes with each dB of loudness."""
    tilt_db_per_octave: float = 0.0
    even_gain: float = 1.0
    vibrato_rate_hz: float = 5.6
    vibrato_depth_cents: float = 35.0
    """Peak deviation, once it is fully there."""
    vibrato_delay_seconds: float = 0.20
    portamento_seconds: float = 0.10
    scoop_cents: float = 40.0
    """How far below the first note of a phrase is taken."""
    intonation_cents: float = 6.0
    """Standard deviation of the pitch of a note about the score."""
    detune_cents: float = 0.0
    drift_cents: float = 7.0
    jitter: float = 0.004
    """Standard deviation of the closing instants, in periods."""
    shimmer_db: float = 0.25
    breath_db: float = -32.0
    """Breath noise under the voice, against the pulses."""
    timing_seconds: float = 0.015
    loudness_walk_db: float = 1.0
    sings_consonants: bool = True

    @classmethod
    def typical(cls, voice: str) -> Singer:
        """A plain singer of one of the voices of `RANGES_MIDI`."""
        if voice == "instrument":
            raise ValueError("an instrument has no typical tract: use Singer.random")
        table = FORMANTS_HZ["soprano" if voice == "treble" else voice]
        scale = 1.12 if voice == "treble" else 1.0
        return cls(
            voice=voice,
            formants_hz={vowel: _scaled(table[vowel], scale) for vowel in VOWELS},
            rd=_RD[voice],
            vibrato_depth_cents={"treble": 8.0, "bass": 28.0, "tenor": 32.0}.get(voice, 35.0),
        )

    @classmethod
    def random(cls, voice: str, generator: np.random.Generator) -> Singer:
        """A singer drawn about the typical one; ``instrument`` draws a body that keeps one shape."""
        draw = generator.normal
        if voice == "instrument":
            body = tuple(np.sort(np.exp(generator.uniform(np.log(250), np.log(5000), 5))).tolist())
            formants: dict[str, Formants] = dict.fromkeys(VOWELS, body)
        else:
            kinds = list(FORMANTS_HZ)
            own = "soprano" if voice == "treble" else voice
            # Some sing with the tract of a neighbour: real voices are no four types.
            kind = own if generator.random() < 0.8 else kinds[generator.integers(len(kinds))]
            scale = float(np.exp(draw(0.12 if voice == "treble" else 0.0, 0.05)))
            formants = {
                vowel: _scaled(FORMANTS_HZ[kind][vowel], scale * np.exp(draw(0, 0.04, 5))) for vowel in VOWELS
            }
        plain = generator.random() < 0.25
        return cls(
            voice=voice,
            formants_hz=formants,
            bandwidth_scale=float(np.exp(draw(0.1, 0.25))) * (2.0 if voice == "instrument" else 1.0),
            rd=float(np.clip(_RD[voice] * np.exp(draw(0, 0.3)), 0.4, 2.5)),
            rd_per_db=-abs(draw(0.04, 0.02)),
            tilt_db_per_octave=float(draw(0, 1.0)),
            even_gain=float(generator.uniform(0.05, 1)) if voice == "instrument" else 1.0,
            vibrato_rate_hz=float(np.clip(draw(5.5, 0.6), 3.8, 7.5)),
            vibrato_depth_cents=0.0 if plain else float(np.clip(np.exp(draw(3.4, 0.6)), 3, 120)),
            vibrato_delay_seconds=float(generator.uniform(0.05, 0.6)),
            portamento_seconds=float(np.clip(np.exp(draw(-2.4, 0.4)), 0.02, 0.3)),
            scoop_cents=float(generator.uniform(0, 120)),
            intonation_cents=float(generator.uniform(2, 14)),
            detune_cents=float(draw(0, 6)),
            drift_cents=float(generator.uniform(2, 14)),
            jitter=float(np.exp(draw(-5.6, 0.5))),
            shimmer_db=float(generator.uniform(0.1, 0.6)),
            breath_db=float(np.clip(draw(-31, 5), -48, -18)),
            timing_seconds=float(generator.uniform(0.003, 0.04)),
            loudness_walk_db=float(generator.uniform(0.3, 2.5)),
            sings_consonants=voice != "instrument" and generator.random() < 0.9,
        )


def _scaled(formants_hz: Formants, scale: float | np.ndarray) -> Formants:
    first, second, third, fourth, fifth = (np.asarray(formants_hz) * scale).tolist()
    return first, second, third, fourth, fifth
