"""Mixtures to train on with tracks that were heard again, in place of those that came with the recordings.

Each mixture of the training stretch is separated by the tracks that came with it, with the model that ships,
and every voice is heard again alone (`stemless.voices.second_hearing`), by the pitch that ships or by the one
that has learned from this choir (`choir_pitch.py`).
"""

from __future__ import annotations

from pathlib import Path

import soundfile

from choir_data import (
    SAMPLE_RATE,
    VALIDATION_SECONDS,
    given_tracks,
    in_splits,
    stems_of,
    write_manifest,
)
from stemless.voices.estimation import PitchEstimator
from stemless.voices.methods import make_separator
from stemless.voices.second_hearing import listen_again


def chosen_keys(voices: int) -> list[str]:
    """A third of the mixtures, in which every two singers of different parts meet equally often."""
    keys = given_tracks(voices)
    return [key for key in keys if sum(int(name[1]) for name in key.split("_")) % 3 == 0]


def write_corpus_again(
    voices: int, folder: Path, model: str, pitch_model: Path | None = None, name: str = "again"
) -> Path:
    """Mixtures, tracks and manifest for `stemless train voices`; goes on where it stopped.

    Args:
        model: separates for the second hearing.
        pitch_model: hears; the one that ships if not given.
        name: of the folder of the mixtures, and in that of the manifest.
    """
    manifest = folder / f"choir_{voices}_voices_{name}.csv"
    if manifest.exists():
        return manifest
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    estimator = PitchEstimator(pitch_model, device="cpu")
    separator = make_separator("network", model, device="cpu")
    rows: list[dict[str, str | float]] = []
    for count in sorted({2, voices}):
        given = given_tracks(count)
        for key in chosen_keys(count):
            mixture = stems_of(key).sum(0)[: round(VALIDATION_SECONDS[1] * SAMPLE_RATE)]
            audio, f0 = place / f"{key}.wav", place / f"{key}.csv"
            if not f0.exists():
                soundfile.write(audio, mixture.numpy(), SAMPLE_RATE, subtype="FLOAT")
                first = given[key].cut(0.0, VALIDATION_SECONDS[1])
                found = listen_again(mixture, first, SAMPLE_RATE, estimator=estimator, separator=separator)
                found.tracks.to_csv(f0)
                print(f"{key}: heard again", flush=True)
            row = {"audio": f"{name}/{audio.name}", "f0": f"{name}/{f0.name}"}
            rows += in_splits(row, validates=count == voices)
    write_manifest(rows, manifest)
    return manifest
