"""Speech sounds for the singing synthesiser: what the vocal tract does for each, as plain tables.

Letters follow X-SAMPA where it has one letter: ``S`` is the sch of *schön*, ``x`` the ch of *ach*,
``N`` the ng of *sing*. A syllable is consonants, one or two vowels (a diphthong), consonants: ``haupt``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VOWELS = "aeiou"

# Formant frequencies F1 to F5 in Hz of sung vowels, by type of voice, rounded from the measurements that are
# printed as appendix "Formant values" of the Csound reference manual. F3 to F5 of tenor and bass lie close
# together: the singer's formant.
FORMANTS_HZ: dict[str, dict[str, tuple[float, float, float, float, float]]] = {
    "soprano": {
        "a": (800, 1150, 2900, 3900, 4950),
        "e": (350, 2000, 2800, 3600, 4950),
        "i": (270, 2140, 2950, 3900, 4950),
        "o": (450, 800, 2830, 3800, 4950),
        "u": (325, 700, 2700, 3800, 4950),
    },
    "alto": {
        "a": (800, 1150, 2800, 3500, 4950),
        "e": (400, 1600, 2700, 3300, 4950),
        "i": (350, 1700, 2700, 3700, 4950),
        "o": (450, 800, 2830, 3500, 4950),
        "u": (325, 700, 2530, 3500, 4950),
    },
    "tenor": {
        "a": (650, 1080, 2650, 2900, 3250),
        "e": (400, 1700, 2600, 3200, 3580),
        "i": (290, 1870, 2800, 3250, 3540),
        "o": (400, 800, 2600, 2800, 3000),
        "u": (350, 600, 2700, 2900, 3300),
    },
    "bass": {
        "a": (600, 1040, 2250, 2450, 2750),
        "e": (400, 1620, 2400, 2800, 3100),
        "i": (250, 1750, 2600, 3050, 3340),
        "o": (400, 750, 2400, 2600, 2900),
        "u": (350, 600, 2400, 2675, 2950),
    },
}

# Half-power widths of F1 to F5 in Hz, the usual range of an adult voice.
BANDWIDTHS_HZ = (70.0, 90.0, 120.0, 150.0, 200.0)


@dataclass(frozen=True)
class Consonant:
    """How one consonant is made.

    ``voicing`` is the gain of the glottal pulses against a vowel (0 = the folds rest), ``aspiration_db`` and
    ``frication_db`` the noise at the glottis and at the constriction, against the level of a vowel;
    ``frication_hz`` and ``frication_width_hz`` the band of that noise. ``formants_hz`` are F1 to F3 where the
    consonant has a tract shape of its own; ``nasal_zero_hz`` is the zero that the closed mouth adds.
    """

    duration_seconds: float
    voicing: float
    aspiration_db: float = -120.0
    frication_db: float = -120.0
    frication_hz: float = 4000.0
    frication_width_hz: float = 2000.0
    formants_hz: tuple[float, float, float] | None = None
    nasal_zero_hz: float | None = None
    release_seconds: float = 0.0
    """Length of the burst at the end, after a closure in silence; the noise sounds only there."""


CONSONANTS: dict[str, Consonant] = {
    "m": Consonant(0.075, 0.35, formants_hz=(260, 1100, 2300), nasal_zero_hz=1000),
    "n": Consonant(0.065, 0.35, formants_hz=(270, 1500, 2500), nasal_zero_hz=1700),
    "N": Consonant(0.080, 0.30, formants_hz=(280, 1900, 2600), nasal_zero_hz=3000),
    "l": Consonant(0.060, 0.50, formants_hz=(360, 1200, 2700)),
    "r": Consonant(0.045, 0.40, formants_hz=(420, 1300, 1900)),
    "j": Consonant(0.055, 0.70, formants_hz=(270, 2100, 2900)),
    "v": Consonant(0.055, 0.40, frication_db=-34, frication_hz=3500, frication_width_hz=5000,
                   formants_hz=(280, 1100, 2300)),
    "z": Consonant(0.070, 0.35, frication_db=-24, frication_hz=6300, frication_width_hz=2500,
                   formants_hz=(280, 1500, 2500)),
    "b": Consonant(0.055, 0.10, frication_db=-30, frication_hz=900, frication_width_hz=900,
                   formants_hz=(250, 900, 2200), release_seconds=0.010),
    "d": Consonant(0.050, 0.10, frication_db=-26, frication_hz=3600, frication_width_hz=2000,
                   formants_hz=(250, 1700, 2600), release_seconds=0.012),
    "g": Consonant(0.055, 0.10, frication_db=-28, frication_hz=2000, frication_width_hz=900,
                   formants_hz=(250, 1900, 2400), release_seconds=0.016),
    "p": Consonant(0.080, 0.0, aspiration_db=-30, frication_db=-24, frication_hz=1000,
                   frication_width_hz=1200, release_seconds=0.020),
    "t": Consonant(0.080, 0.0, aspiration_db=-30, frication_db=-20, frication_hz=4200,
                   frication_width_hz=2500, release_seconds=0.025),
    "k": Consonant(0.080, 0.0, aspiration_db=-30, frication_db=-22, frication_hz=2000,
                   frication_width_hz=1000, release_seconds=0.025),
    "f": Consonant(0.090, 0.0, frication_db=-28, frication_hz=4500, frication_width_hz=6000),
    "s": Consonant(0.100, 0.0, frication_db=-17, frication_hz=6500, frication_width_hz=2500),
    "S": Consonant(0.100, 0.0, frication_db=-15, frication_hz=3000, frication_width_hz=1500),
    "x": Consonant(0.080, 0.0, frication_db=-22, frication_hz=1500, frication_width_hz=900),
    "h": Consonant(0.060, 0.0, aspiration_db=-20),
}  # fmt: skip

_SYLLABLE = re.compile(rf"^([{''.join(CONSONANTS)}]*)([{VOWELS}]{{1,2}})([{''.join(CONSONANTS)}]*)$")


@dataclass(frozen=True)
class Syllable:
    """One sung syllable, taken apart."""

    onset: str
    nucleus: str
    coda: str


def parse_syllable(text: str) -> Syllable:
    """Take a syllable apart.

    >>> parse_syllable("haupt")
    Syllable(onset='h', nucleus='au', coda='pt')

    Raises:
        ValueError: the text is not consonants, one or two vowels, consonants.
    """
    match = _SYLLABLE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not a syllable: consonants, one or two of {VOWELS}, consonants")
    return Syllable(*match.groups())
