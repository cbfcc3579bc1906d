"""Speech of men, women and children by espeak-ng (Debian package `espeak-ng`), in many voices and tongues.

It is a program of its own: without it the labels of this file are left out.
"""

from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import soundfile
import torch

from stemless.data.everyday.events import lay
from stemless.data.everyday.spectra import noise, shaped, steady
from stemless.data.everyday.stage import Points, Sound, Stage, Wave
from stemless.resampling import resample

PROGRAM = "espeak-ng"
# Variants of espeak-ng's voice that sound like a person; every second one is in the "first" half.
MEN = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "Andy", "Alex", "Denis", "Diogo", "Gene",
    "Henrique", "Hugo", "Lee", "Marco", "Michael", "adam", "benjamin", "david", "ed", "edward", "john",
    "max", "pablo", "paul", "pedro", "quincy", "rob", "sandro", "travis", "victor", "zac",
)  # fmt: skip
WOMEN = (
    "f1", "f2", "f3", "f4", "f5", "Alicia", "Andrea", "Annie", "anika", "aunty", "belinda", "linda",
    "steph", "steph2", "steph3", "shelby",
)  # fmt: skip
ENGLISH = (
    "en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc", "en-029",
)  # fmt: skip
TONGUES = (
    "de", "fr-fr", "es", "it", "pt", "nl", "sv", "pl", "tr", "ru", "cs", "fi", "ro", "id",
)  # fmt: skip

SUBJECTS = (
    "the old man", "my sister", "a friend of mine", "the teacher", "nobody", "everyone",
    "the neighbour", "our doctor", "the children", "she", "he", "the woman in the blue coat",
    "the driver", "my brother",
)  # fmt: skip
DEEDS = (
    "went to the market", "was looking for the keys", "forgot the umbrella",
    "bought some bread and cheese", "opened the window", "told us a long story",
    "wanted to leave early", "is waiting at the station", "has never seen the sea",
    "will call you later", "missed the last bus", "made coffee for all of us",
    "could not find the house", "painted the kitchen yellow", "asked about the weather",
)  # fmt: skip
ENDS = (
    "yesterday", "in the morning", "because it was raining", "as usual", "on the way home",
    "for the first time", "before dinner", "next week", "and then we laughed", "although it was late",
    "without saying why",
)  # fmt: skip
SHORT = (
    "Hello, how are you?", "What time is it?", "Could you say that again, please?", "I think so.",
    "No, not now.", "Thank you very much.", "Where did you put it?", "Come over here.",
    "That is really good news!", "One, two, three, four, five.", "Wait a moment.", "I have no idea.",
)  # fmt: skip


def available() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def voices_of(kind: str, half: str) -> tuple[str, ...]:
    """Voices of a man or a woman that a half may use: "all", "first" or "second".

    >>> set(voices_of("man", "first")) & set(voices_of("man", "second"))
    set()
    """
    everyone = MEN if kind == "man" else WOMEN
    return {"all": everyone, "first": everyone[::2], "second": everyone[1::2]}[half]


def sentence(stage: Stage) -> str:
    """A sentence that someone may say."""
    if stage.chance(0.3):
        return stage.one_of(SHORT)
    words = f"{stage.one_of(SUBJECTS)} {stage.one_of(DEEDS)} {stage.one_of(ENDS)}"
    return words[0].upper() + words[1:] + stage.one_of((".", ".", ".", "!", "?"))


def spoken(stage: Stage, kind: str, text: str) -> Wave:
    """A sentence by some voice of a kind (man, woman or child), as long as it is: [samples]."""
    # Children are small: a woman's voice played faster, said slower.
    faster = stage.between(1.18, 1.42) if kind == "child" else stage.around(0.94, 1.07)
    voice = stage.one_of(voices_of("man" if kind == "man" else "woman", stage.voices))
    tongue = stage.one_of(ENGLISH if stage.chance(0.7) else TONGUES)
    pitch = stage.whole(20, 75) if kind != "child" else stage.whole(50, 90)
    words_a_minute = round(stage.around(120, 210) / (faster if kind == "child" else 1))
    command = [
        PROGRAM,
        "-v",
        f"{tongue}+{voice}",
        "-p",
        str(pitch),
        "-s",
        str(words_a_minute),
        "--stdout",
        text,
    ]
    wave = subprocess.run(command, capture_output=True, check=True).stdout
    sound, rate = soundfile.read(io.BytesIO(wave), dtype="float32", always_2d=True)
    mono = torch.from_numpy(np.ascontiguousarray(sound[:, :1].T))
    sound_here: Wave = resample(mono, round(rate * faster), stage.sample_rate)[0].double().numpy()
    # The synthesiser is dull and dark beside a person before a microphone.
    clear: Points = (
        (60, stage.between(-18, 0)),
        (300, stage.between(-8, 0)),
        (1000, 0),
        (4000, stage.between(0, 8)),
        (8000, stage.between(0, 12)),
    )
    return shaped(sound_here, clear, stage.sample_rate)


def _speech(stage: Stage, kind: str) -> Wave:
    """One person who speaks a few sentences."""
    out = np.zeros(stage.samples)
    # One person: the dice that choose the voice fall the same for each sentence.
    person = int(stage.generator.integers(2**32))
    at = stage.between(0, 0.5)
    while at < stage.seconds - 0.4:
        text = sentence(stage)
        same = Stage(np.random.default_rng(person), stage.seconds, stage.sample_rate, stage.voices)
        sound = steady(spoken(same, kind, text))
        lay(out, at * stage.sample_rate, sound * stage.around(0.8, 1))
        at += len(sound) / stage.sample_rate + stage.around(0.05, 0.8)
    return out


def _man(stage: Stage) -> Wave:
    return _speech(stage, "man")


def _woman(stage: Stage) -> Wave:
    return _speech(stage, "woman")


def _child(stage: Stage) -> Wave:
    return _speech(stage, "child")


def _crowd(stage: Stage) -> Wave:
    """Many people who talk at once, near and far."""
    out = np.zeros(stage.samples)
    talkers = stage.whole(4, 7)
    for _ in range(talkers):
        kind = stage.one_of(("man", "woman"))
        text = " ".join(sentence(stage) for _ in range(3))
        voice = steady(spoken(stage, kind, text))
        voice = np.resize(voice, max(len(voice), stage.samples))
        # Turned and laid over itself, a voice becomes several that no one can follow.
        for _ in range(stage.whole(2, 5)):
            out += np.roll(voice, stage.whole(0, len(voice) - 1))[: stage.samples] * stage.around(0.2, 1)
    # Heard from afar: each voice dull.
    far = shaped(
        steady(out), [(60, -12), (400, -3), (1000, 0), (8000, stage.between(-20, -6))], stage.sample_rate
    )
    return far + stage.between(0, 0.25) * noise(stage, [(40, -12), (300, 0), (2000, -12), (8000, -30)])


SOUNDS = (
    Sound("male speech", _man, ("a man speaking", "a man talks", "male speech", "a man is talking",
          "a man's voice"), needs_speech=True),
    Sound("female speech", _woman, ("a woman speaking", "a woman talks", "female speech",
          "a woman is talking", "a woman's voice"), needs_speech=True),
    Sound("child speaking", _child, ("a child speaking", "a kid talks", "a little girl speaking",
          "a boy talking", "a child's voice"), needs_speech=True),
    Sound("crowd of people", _crowd, ("a crowd of people talking", "people chattering",
          "a busy restaurant", "many voices at once", "chatter of a crowd"), needs_speech=True),
)  # fmt: skip
