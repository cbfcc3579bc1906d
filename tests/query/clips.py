"""Small recordings for tests: a tone for each word."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from stemless.query.manifest import Recording

RATE = 8000


def tone(word: str, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """A tone whose frequency and level depend on the word: [time]."""
    number = hashlib.sha256(word.encode()).digest()
    level, f_hz = 0.05 + number[0] / 1000, 200 + 5 * number[1]
    return level * np.sin(2 * np.pi * f_hz * np.arange(int(seconds * rate)) / rate)


def recording(
    folder: Path, name: str, caption: str, phrases: Sequence[str] = (), seconds: float = 0.5
) -> Recording:
    """A recording of the tones of all its phrases, or else of its caption, written at `RATE`."""
    audio = sum(tone(word, seconds) for word in phrases or (caption,))
    soundfile.write(folder / f"{name}.wav", audio, RATE, subtype="FLOAT")
    return Recording(folder / f"{name}.wav", caption, tuple(phrases))


def touched(folder: Path, *names: str) -> None:
    """Empty files where only their names matter."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
