"""The sounds that the demo mixes, made again: demo/assets/*.ogg.

    python demo/make_assets.py

Needs espeak-ng, FluidSynth and MuseScore General (Debian: espeak-ng fluidsynth musescore-general-soundfont);
the demo itself needs none of them. Every sound is dry and mono: the demo puts it into a room.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemless.data.everyday.catalogue import SOUNDS
from stemless.data.everyday.stage import Stage
from stemless.data.instruments.expression import Expression
from stemless.data.instruments.midi_file import Piece, start_of, write_midi
from stemless.data.instruments.music import Music, Note, Traits
from stemless.data.instruments.sound_bank import find_bank, play
from stemless.encoding import write
from stemless.resampling import resample

ASSETS = Path(__file__).resolve().parent / "assets"
BANK = "MuseScore_General_Full.sf3"
SAMPLE_RATE = 32000
SECONDS = 10.0
PEAK = 0.5

WOMAN, MAN = "en-us+f2", "en-gb+m3"
SAID = {
    "woman-speaking": (WOMAN, "Say what you hear, and take it out of the recording. Nobody has to play it "
                       "again, nobody has to sing it alone. What is left is the rest."),
    "man-speaking": (MAN, "This is one recording, and nobody has its stems. There is a cello in it, there "
                     "are bells, and now and then a dog. Which of them would you like to hear?"),
}  # fmt: skip

# J. S. Bach: the prelude of the first suite for cello alone (BWV 1007), and the prelude in C of the
# Well-Tempered Clavier (BWV 846); both in the public domain. One list a half bar, played twice.
CELLO = ((43, 50, 59, 57, 59, 50, 59, 50), (43, 52, 60, 59, 60, 52, 60, 52), (43, 54, 60, 59, 60, 54, 60, 54),
         (43, 55, 59, 57, 59, 55, 59, 55))  # fmt: skip
PIANO = ((60, 64, 67, 72, 76, 67, 72, 76), (60, 62, 69, 74, 77, 69, 74, 77), (59, 62, 67, 74, 77, 67, 74, 77),
         (60, 64, 67, 72, 76, 67, 72, 76))  # fmt: skip
PLAYED = {"cello": ((0, 42), CELLO), "piano": ((0, 0), PIANO)}
NOTE_SECONDS = 0.16

HAPPENING = {"dog-barking": ("dog barking", 5), "church-bells": ("church bells", 2), "rain": ("rain", 1)}


def speak(voice: str, text: str) -> Tensor:
    """A text by espeak-ng: [1, time]."""
    command = ["espeak-ng", "-v", voice, "-s", "150", "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout
    sound, rate = soundfile.read(io.BytesIO(spoken), dtype="float32", always_2d=True)
    return resample(torch.from_numpy(np.ascontiguousarray(sound.T)), rate, SAMPLE_RATE)


def notes(half_bars: Sequence[Sequence[int]]) -> tuple[Note, ...]:
    """Broken chords, each half bar twice, the first note of it with weight."""
    keys = [(key, place) for half in half_bars for _ in range(2) for place, key in enumerate(half)]
    return tuple(
        Note(index * NOTE_SECONDS, 1.1 * NOTE_SECONDS, key, 92 if place == 0 else 74 + 3 * (place % 2))
        for index, (key, place) in enumerate(keys)
    )


def perform(sound: tuple[int, int], half_bars: Sequence[Sequence[int]]) -> Tensor:
    """A piece on one instrument of the bank, without room: [1, time]."""
    piece = Piece(sound, Music(notes(half_bars), Traits()), Expression())
    with tempfile.TemporaryDirectory() as temporary:
        midi, audio = Path(temporary) / "piece.mid", Path(temporary) / "piece.wav"
        write_midi([piece], SECONDS, midi)
        play(midi, find_bank(BANK), audio, 44100)
        heard, rate = soundfile.read(audio, dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(heard[round(start_of(0, SECONDS) * rate) :].mean(1))
    return resample(torch.from_numpy(mono)[None], rate, SAMPLE_RATE)


def happen(label: str, seed: int) -> Tensor:
    """An everyday sound, as arithmetic makes it: [1, time]."""
    stage = Stage(np.random.default_rng(seed), SECONDS, SAMPLE_RATE)
    return torch.from_numpy(SOUNDS[label].render(stage).astype(np.float32))[None]


def fitted(sound: Tensor) -> Tensor:
    """At one length and peak, faded out at the end."""
    samples = round(SECONDS * SAMPLE_RATE)
    sound = torch.nn.functional.pad(sound[:, :samples], (0, max(0, samples - sound.shape[1])))
    fade = torch.linspace(1, 0, SAMPLE_RATE // 4)
    sound[:, -len(fade) :] *= fade
    return sound * (PEAK / sound.abs().max())


def main() -> int:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    makers: dict[str, Callable[[], Tensor]] = {}
    for name, (voice, text) in SAID.items():
        makers[name] = lambda voice=voice, text=text: speak(voice, text)  # type: ignore[misc]
    for name, (sound, half_bars) in PLAYED.items():
        makers[name] = lambda sound=sound, half_bars=half_bars: perform(sound, half_bars)  # type: ignore[misc]
    for name, (label, seed) in HAPPENING.items():
        makers[name] = lambda label=label, seed=seed: happen(label, seed)  # type: ignore[misc]
    ASSETS.mkdir(exist_ok=True)
    for name, make in makers.items():
        path = ASSETS / f"{name}.ogg"
        write(path, fitted(make()), SAMPLE_RATE, overwrite=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
