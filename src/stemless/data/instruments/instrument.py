"""What goes by one everyday name among the sounds of a bank."""

from __future__ import annotations

from dataclasses import dataclass

Sound = tuple[int, int]
"""(bank, program), both from 0, as FluidSynth reads them."""
DRUM_BANK = 128


@dataclass(frozen=True)
class Instrument:
    """A name with the sounds that go by it, what else it is called, and how it is played.

    Several may share a label, where their other names differ.

    Attributes:
        label: the plain name; lower case.
        sounds: (bank, program) in a sound bank.
        style: how it is played, a name in `styles.STYLES`.
        range_midi: the lowest and the highest note that suit it; a sound that lacks one of them is not used.
        wordings: other names, that fit in place of the label.
        share: how often it comes in a round of all instruments.
        keys: of a drum kit, the keys that make this sound; empty for what has pitches, and for whole kits.
    """

    label: str
    sounds: tuple[Sound, ...]
    style: str
    # What the grooves of a whole kit use.
    range_midi: tuple[int, int] = (36, 51)
    wordings: tuple[str, ...] = ()
    share: int = 1
    keys: tuple[int, ...] = ()
