"""Scores for tests: MIDI and MusicXML written from lists of notes, and the sound of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

Note = tuple[float, float, int]
"""(onset, duration, MIDI number); times in beats or seconds, as the function says."""


def write_midi(
    path: Path,
    parts: Mapping[str, Sequence[Note]],
    *,
    tempo: Sequence[tuple[float, float]] = ((0.0, 60.0),),
    channels: Mapping[str, int] | None = None,
) -> Path:
    """One track a part, times in beats; tempo as (beat, beats a minute)."""
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=480)
    conductor = mido.MidiTrack()
    now = 0
    for beat, rate in tempo:
        conductor.append(
            mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(rate), time=round(480 * beat) - now)
        )
        now = round(480 * beat)
    file.tracks.append(conductor)
    for name, notes in parts.items():
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        channel = (channels or {}).get(name, 0)
        events = [(on, 1, pitch) for on, _, pitch in notes]
        events += [(on + length, 0, pitch) for on, length, pitch in notes]
        now = 0
        for beat, kind, pitch in sorted(events):
            at = round(480 * beat)
            word = "note_on" if kind else "note_off"
            track.append(mido.Message(word, note=pitch, channel=channel, time=at - now))
            now = at
        file.tracks.append(track)
    file.save(path)
    return path


def note_xml(
    pitch: str, quarters: int, *, voice: int = 1, staff: int = 1, chord: bool = False, tie: str = ""
) -> str:
    """A note such as "C4", "F4#" or "r" (a rest), its length in whole quarters."""
    sound = "<rest/>"
    if pitch != "r":
        alter = "<alter>1</alter>" if pitch.endswith("#") else ""
        sound = f"<pitch><step>{pitch[0]}</step>{alter}<octave>{pitch[1]}</octave></pitch>"
    ties = "".join(f'<tie type="{kind}"/>' for kind in tie.split())
    return (
        f"<note>{'<chord/>' if chord else ''}{sound}<duration>{quarters}</duration>{ties}"
        f"<voice>{voice}</voice><type>quarter</type><staff>{staff}</staff></note>"
    )


def measure_xml(content: str, number: int = 1, *, attributes: str = "") -> str:
    """A bar of four quarters."""
    opening = ""
    if number == 1:
        opening = (
            "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time>"
            f"{attributes}</attributes>"
        )
    return f'<measure number="{number}">{opening}{content}</measure>'


def score_xml(parts: Mapping[str, str]) -> str:
    """A whole score from the bars of each part."""
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{name}</part-name></score-part>' for i, name in enumerate(parts)
    )
    bars = "".join(f'<part id="P{i}">{content}</part>' for i, content in enumerate(parts.values()))
    return (
        '<?xml version="1.0" encoding="UTF-8"?><score-partwise version="3.1">'
        f"<part-list>{listed}</part-list>{bars}</score-partwise>"
    )


def tones(parts: Sequence[Sequence[Note]], seconds: float, rate: int = 8000) -> torch.Tensor:
    """Each note as six partials with soft edges: [time]; times in seconds."""
    audio: NDArray[np.float64] = np.zeros(round(seconds * rate))
    for notes in parts:
        for onset, duration, pitch in notes:
            first, last = round(onset * rate), min(round((onset + duration) * rate), audio.size)
            at = np.arange(last - first) / rate
            edge = np.clip(np.minimum(at, at[::-1]) / 0.02, 0, 1)
            f0_hz = 440 * 2 ** ((pitch - 69) / 12)
            for partial in range(1, 7):
                audio[first:last] += (
                    0.05 * edge * np.sin(2 * np.pi * partial * f0_hz * at + partial) / partial
                )
    return torch.from_numpy(audio).float()
