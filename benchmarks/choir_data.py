"""The choir recordings as mixtures with tracks: what the choir benchmark trains and tests on.

`STEMLESS_DATA/choir` holds isolated singers in time. Every choice of one singer a part sums to a real
mixture; the tracks that come with it were estimated from each mixture. Training sees mixtures and
tracks from 0 to 68 s (60 to 68 s to validate), testing begins at 68 s.
"""

from __future__ import annotations

import csv
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.data.room import Room, half_circle, place_voices
from stemless.voices.tracks import PitchTracks

RUNS = Path(os.environ.get("STEMLESS_RUNS", Path(__file__).resolve().parent.parent / "runs")) / "choir"
SAMPLE_RATE = 16000
HOP_LENGTH = 256
PARTS = {"S": "soprano", "A": "alto", "T": "tenor", "B": "bass"}
TRAINING_SECONDS = (0.0, 60.0)
VALIDATION_SECONDS = (60.0, 68.0)
TEST_STARTS_SECONDS = tuple(range(68, 97, 4))
EXCERPT_SECONDS = 4.0


def data_folder() -> Path:
    """The folder of the recordings, from STEMLESS_DATA."""
    folder = os.environ.get("STEMLESS_DATA")
    if not folder or not (Path(folder) / "choir").is_dir():
        raise SystemExit("the choir recordings are needed: set STEMLESS_DATA to the folder that holds choir/")
    return Path(folder) / "choir"


def singer(name: str) -> Tensor:
    """One singer such as "S2": [time] at 16 kHz."""
    path = data_folder() / f"nino_dios_{PARTS[name[0]]}_{name[1]}.flac"
    audio, rate = soundfile.read(path, dtype="float32")
    if rate != SAMPLE_RATE:
        raise SystemExit(f"{path}: expected {SAMPLE_RATE} Hz")
    return torch.from_numpy(audio)


def stems_of(key: str) -> Tensor:
    """The singers of a mixture such as "S2_A3_T4_B2": [voices, time]."""
    singers = [singer(name) for name in key.split("_")]
    samples = min(len(one) for one in singers)
    return torch.stack([one[:samples] for one in singers])


ROOM = Room(size_m=(20.0, 14.0, 9.0), rt60_seconds=1.5, microphone_m=(10.0, 3.0, 1.9), channels=1)
"""A church, in which the singers stand in an arc 2.5 m before one microphone."""


@lru_cache(maxsize=4)
def stems_in_room(key: str) -> Tensor:
    """`stems_of` as the microphone in `ROOM` hears each singer, from the beginning of the song on."""
    stems = stems_of(key)
    places = half_circle(len(stems), ROOM)
    return place_voices(stems, ROOM, places, SAMPLE_RATE, np.random.default_rng(0))[:, 0]


def without_edge_glides(f0_hz: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mend frames at the edges of voicing that were interpolated towards the zeros beside them.

    An edge frame more than a semitone below its voiced neighbour takes the neighbour's f0 if at least
    half of it is left, else it is unvoiced: [voices, frames] in and out.
    """
    mended = f0_hz.copy()
    for frames in (mended, mended[:, ::-1]):
        source = frames.copy()
        rest, edge, inner = source[:, :-2], source[:, 1:-1], source[:, 2:]
        glide = (rest == 0) & (edge > 0) & (edge < inner * 2 ** (-1 / 12))
        frames[:, 1:-1] = np.where(glide, np.where(edge >= 0.5 * inner, inner, 0.0), edge)
    # What is still below the range of any voice was a glide of two frames.
    mended[mended < 40.0] = 0.0
    return mended


def given_tracks(voices: int) -> dict[str, PitchTracks]:
    """The estimated tracks of all mixtures of that many voices, by key; all methods get the same."""
    held = np.load(data_folder() / f"multif0_{voices}_voices.npz")
    return {
        key: PitchTracks.regular(
            without_edge_glides(held[key].T),
            HOP_LENGTH / SAMPLE_RATE,
            [PARTS[n[0]] for n in key.split("_")],
        )
        for key in held.files
    }


def test_keys(voices: int) -> list[str]:
    """2 voices: the six pairs of parts, singer 4. 4 voices: singer 2, 3, 4 in every part."""
    if voices == 2:
        parts = list(PARTS)
        return [f"{a}4_{b}4" for i, a in enumerate(parts) for b in parts[i + 1 :]]
    return ["_".join(f"{part}{i}" for part in PARTS) for i in (2, 3, 4)]


def write_corpus(voices: int, folder: Path) -> Path:
    """Mixtures, tracks and manifest for `stemless train voices`, made once; returns the manifest.

    Two voices: all 54 duets. Four voices: all 81 quartets, and the duets beside them to train on; what is
    sung by two is easier to learn from. Validation is on mixtures of that many voices.
    """
    manifest = folder / f"choir_{voices}_voices.csv"
    if manifest.exists():
        return manifest
    (folder / "stems").mkdir(parents=True, exist_ok=True)
    (folder / "mixtures").mkdir(exist_ok=True)
    rows: list[dict[str, str | float]] = []
    for count in sorted({2, voices}):
        for key, tracks in given_tracks(count).items():
            row = _write_mixture(key, tracks, folder)
            rows += in_splits(row, validates=count == voices)
    write_manifest(rows, manifest)
    return manifest


def in_splits(row: dict[str, str], *, validates: bool) -> list[dict[str, str | float]]:
    """The lines of a mixture in a manifest: its training stretch, and the one to validate on."""
    spans = {"train": TRAINING_SECONDS} | ({"validation": VALIDATION_SECONDS} if validates else {})
    return [{**row, "split": split, "start": start, "end": end} for split, (start, end) in spans.items()]


def write_manifest(rows: list[dict[str, str | float]], path: Path) -> None:
    """A manifest for `stemless train voices`, whole or not at all."""
    temporary = path.with_suffix(".part")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)


def _write_mixture(key: str, tracks: PitchTracks, folder: Path) -> dict[str, str]:
    """The files of one mixture, and what its line in the manifest says of them."""
    stems = stems_of(key)
    names = key.split("_")
    mixture = folder / "mixtures" / f"{key}.wav"
    soundfile.write(mixture, stems.sum(0).numpy(), SAMPLE_RATE, subtype="FLOAT")
    for name, stem in zip(names, stems, strict=True):
        path = folder / "stems" / f"{name}.wav"
        if not path.exists():
            soundfile.write(path, stem.numpy(), SAMPLE_RATE, subtype="FLOAT")
    tracks.to_csv(mixture.with_suffix(".csv"), overwrite=True)
    return {
        "audio": f"mixtures/{key}.wav",
        "f0": f"mixtures/{key}.csv",
        "stems": ";".join(f"stems/{name}.wav" for name in names),
    }
