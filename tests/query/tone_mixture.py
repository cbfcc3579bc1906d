"""A mixture of two tones in files, as the benchmarks draw them, and a tone that is not in it."""

from __future__ import annotations

from pathlib import Path

import soundfile
from toy_embedding import tone

from foreign_data import SAMPLE_RATE, Mixture, Source

LOW, HIGH, ABSENT = "440 Hz", "2000 Hz", "940 Hz"


def tones(folder: Path) -> Mixture:
    sources = []
    for name in (LOW, HIGH):
        path = folder / f"{name}.wav"
        soundfile.write(path, tone(name, 5.0, level=0.3).numpy(), SAMPLE_RATE)
        sources.append(Source(name, (path,)))
    return Mixture("m 0", "foreign", 4.5, (sources[0], sources[1]), ABSENT, 1)
