"""All everyday sounds by label."""

from __future__ import annotations

from stemless.data.everyday import (
    beasts,
    chirps,
    hands,
    impacts,
    indoors,
    materials,
    motors,
    people,
    signals,
    speech,
    textures,
    vehicles,
    water,
    weather,
)
from stemless.data.everyday.stage import Sound

SOUNDS: dict[str, Sound] = {
    sound.label: sound
    for family in (
        water,
        weather,
        impacts,
        materials,
        textures,
        indoors,
        hands,
        motors,
        vehicles,
        signals,
        chirps,
        beasts,
        people,
        speech,
    )
    for sound in family.SOUNDS
}


def available_sounds() -> tuple[list[Sound], list[str]]:
    """The sounds that can be made here, and the labels of those that cannot, for want of espeak-ng."""
    able = speech.available()
    found = [sound for sound in SOUNDS.values() if able or not sound.needs_speech]
    return found, [sound.label for sound in SOUNDS.values() if sound not in found]
