"""What the tests of the command line share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000
SECONDS = 1.0


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what reached the terminal."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stderr.splitlines()


Run = Callable[..., Outcome]

Prepare = Callable[[Path], Sequence[object]]
"""Spoils what is in the place and gives the arguments of the command."""


def write_song(path: Path, *, rate: int = RATE, channels: int = 1, samples: int | None = None) -> Path:
    """Two voices, 220 and 330 Hz, of `SECONDS` or so many samples."""
    times = np.arange(int(rate * SECONDS) if samples is None else samples) / rate
    song = sum(0.03 / k * np.sin(2 * np.pi * f0 * k * times) for f0 in (220, 330) for k in range(1, 6))
    soundfile.write(path, np.repeat(np.asarray(song)[:, None], channels, axis=1), rate)
    return path


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below, hidden ones included, with content."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def usual(place: Path, *more: object, song: str = "song.wav", f0: str = "f0.csv") -> list[object]:
    return [place / song, "--f0", place / f0, "-o", place / "out", *more]
