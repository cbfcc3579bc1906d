"""f0 of the isolated singers: tracks without the errors that a mixture brings, for the second table.

pYIN as librosa has it, on each stem scaled to full level, within the range of the part.
"""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

from choir_data import HOP_LENGTH, PARTS, RUNS, SAMPLE_RATE, singer
from stemless.voices.tracks import PitchTracks

RANGES_HZ = {"S": (190.0, 900.0), "A": (150.0, 700.0), "T": (100.0, 520.0), "B": (65.0, 380.0)}
CACHE = RUNS / "f0"


# Chosen with the comb on 52 to 68 s: 2048 samples blur the vibrato (5.2 dB against 6.2 dB).
WINDOW = 1024


def f0_of(name: str, window: int = WINDOW) -> NDArray[np.float32]:
    """f0 in Hz of a singer such as "S2": [frames], 0 unvoiced, a frame every 256 samples. Cached."""
    path = CACHE / (f"{name}.npy" if window == WINDOW else f"{name}_{window}.npy")
    if path.exists():
        held: NDArray[np.float32] = np.load(path)
        return held
    audio = singer(name).numpy()
    low, high = RANGES_HZ[name[0]]
    f0_hz, voiced, _ = librosa.pyin(
        0.5 * audio / np.abs(audio).max(),
        fmin=low,
        fmax=high,
        sr=SAMPLE_RATE,
        frame_length=window,
        resolution=0.05,
        hop_length=HOP_LENGTH,
        fill_na=0.0,
    )
    tracked = np.where(voiced, f0_hz, 0.0).astype(np.float32)
    CACHE.mkdir(parents=True, exist_ok=True)
    np.save(path, tracked)
    return tracked


def tracks_of_stems(key: str) -> PitchTracks:
    """Tracks of a mixture such as "S2_A2_T2_B2" from its isolated singers."""
    rows = [f0_of(name) for name in key.split("_")]
    frames = min(len(row) for row in rows)
    names = [PARTS[name[0]] for name in key.split("_")]
    return PitchTracks.regular(np.stack([row[:frames] for row in rows]), HOP_LENGTH / SAMPLE_RATE, names)
