"""Captions as people write them: a name of the instrument, and at times how it plays."""

from __future__ import annotations

import numpy as np

from stemless.data.instruments.instrument import Instrument
from stemless.data.instruments.music import Traits
from stemless.data.instruments.styles import STYLES

_PLAIN_CHANCE = 0.25
_SINGULAR_ENDINGS = ("bass", "anglais")
# What cannot be counted takes no article.
_UNCOUNTED = ("applause", "gunfire", "birdsong", "noise", "timpani", "brass")
# These begin as "you" does.
_LIKE_YOU = ("ukulele", "uke")
_ACTIONS = {"singing", "whistling", "blowing", "tolling", "scratching", "chirping", "clapping", "applauding"}
_ACTIONS |= {"tweeting", "flying", "firing", "playing"}
_TEXTURES = {
    "chords": ("chords",),
    "arpeggio": ("arpeggios", "broken chords"),
    "accompanied": ("a melody with chords", "a tune with accompaniment"),
    "doubled": ("two notes at a time", "a melody in two parts"),
    "repeated": ("repeated notes",),
    "trill": ("trills",),
    "melody": ("a melody", "a tune", "notes"),
}


def with_article(name: str) -> str:
    """A name with its article, or without where none belongs.

    >>> [with_article(name) for name in ("alto saxophone", "cello", "bagpipes", "electric bass", "applause")]
    ['an alto saxophone', 'a cello', 'bagpipes', 'an electric bass', 'applause']
    """
    last = name.split()[-1]
    plural = last.endswith("s") and not last.endswith(_SINGULAR_ENDINGS)
    if plural or last in _UNCOUNTED or _tells_an_action(name):
        return name
    vowel = name[0] in "aeiou" and not name.startswith(_LIKE_YOU)
    return f"{'an' if vowel else 'a'} {name}"


def caption(instrument: Instrument, traits: Traits, generator: np.random.Generator) -> str:
    """What could be written of such a recording; holds the label or another name of the instrument.

    Args:
        instrument: what plays.
        traits: of the music.
        generator: draws the name, what is told, and how.
    """
    names = (instrument.label, *instrument.wordings)
    # The label as often as all other names together.
    name = names[0] if generator.random() < 0.5 else names[int(generator.integers(len(names)))]
    way = STYLES[instrument.style].way
    if way == "sounds" or _tells_an_action(name):
        return name if generator.random() < 0.5 else with_article(name)
    if generator.random() < _PLAIN_CHANCE:
        forms = (name, with_article(name), f"the sound of {with_article(name)}")
        return forms[int(generator.integers(len(forms)))]
    if way == "percussion" or instrument.style == "hits":
        return f"{with_article(name)} {'being played' if generator.random() < 0.5 else 'playing a rhythm'}"
    if way == "drum kit":
        return f"{with_article(name)} playing {_adjective('a', traits.pace, 'beat', generator)}"
    return _of_pitched(name, "singing" if instrument.style == "voices" else "playing", traits, generator)


def _tells_an_action(name: str) -> bool:
    """Whether the name says already what is done: "record scratching", "choir singing aah"."""
    return bool(_ACTIONS.intersection(name.split())) or name.endswith((" ticking", " ringing"))


def _of_pitched(name: str, verb: str, traits: Traits, generator: np.random.Generator) -> str:
    register = traits.register if traits.register != "middle" and generator.random() < 0.6 else ""
    pace = traits.pace if traits.pace in ("slow", "fast") and generator.random() < 0.6 else ""
    if generator.random() < 0.25:
        # "fast high flute"
        words = " ".join(word for word in (pace, register, name) if word)
        return words if generator.random() < 0.5 else with_article(words)
    return (
        f"{with_article(' '.join(filter(None, (register, name))))} {verb} {_played(traits, pace, generator)}"
    )


def _played(traits: Traits, pace: str, generator: np.random.Generator) -> str:
    if traits.texture in ("melody", "arpeggio", "repeated") and generator.random() < 0.4:
        if traits.short:
            return "short notes"
        if traits.pace == "slow":
            return "long notes"
    if traits.loudness != "middle" and generator.random() < 0.3:
        return "softly" if traits.loudness == "soft" else "loudly"
    choices = _TEXTURES[traits.texture or "melody"]
    what = choices[int(generator.integers(len(choices)))]
    if what.startswith("a "):
        return _adjective("a", pace, what[2:], generator)
    return what if what.startswith("two") else " ".join(filter(None, (pace, what)))


def _adjective(article: str, pace: str | None, what: str, generator: np.random.Generator) -> str:
    """A pace before the noun, where there is one to tell."""
    told = pace if pace in ("slow", "fast") and generator.random() < 0.8 else ""
    return " ".join(filter(None, (article, told, what)))
