"""A query training of seconds: recordings of tones, a network of a few thousand weights, ears for tones.

Run as a script, it trains: `tiny_training.py MANIFEST OUTPUT STEP` ends itself without warning after that
many steps, and with a step of 0 two processes train together to the end.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from clips import recording
from toy_embedding import ToneEmbedding

from stemless.configuration import from_mapping
from stemless.query import training
from stemless.query.embedding import JointEmbedding, TextEncoder
from stemless.query.manifest import Recording, write_manifest
from stemless.query.training import TrainingConfig

WORDS = ("dog", "rain", "bell", "crow", "wind", "train", "cello", "engine")
COMPACT = {
    "sample_rate": 8000,
    "n_fft": 254,
    "hop_length": 64,
    "bands": 16,
    "channels": [8, 8, 8],
    "shared_channels": [8, 8],
    "prompt_channels": [8, 8],
    "output_channels": 4,
    "modulated_levels": 1,
    "heads": 2,
}


def write_corpus(folder: Path) -> Path:
    """Two takes of each word to train on, and one for validation."""
    takes = [
        recording(folder, f"{word}{take}", f"a {word} heard", (word,), seconds=1.0)
        for word in WORDS
        for take in range(3)
    ]
    rows = [
        Recording(row.audio, row.caption, row.phrases, split="validation" if index % 3 == 2 else "train")
        for index, row in enumerate(takes)
    ]
    write_manifest(rows, folder / "manifest.csv")
    return folder / "manifest.csv"


def config(manifest: Path, output: Path, **settings: object) -> TrainingConfig:
    """Five steps of the weak regime after two of mix-and-separate, if nothing else is said."""
    values: dict[str, Any] = {
        "data": [str(manifest)],
        "output": str(output),
        "compact": COMPACT,
        "batch_size": 2,
        "single_batch_size": 1,
        "warm_up_steps": 2,
        "warm_up_batch_size": 3,
        "stretch_seconds": 0.6,
        "steps": 5,
        "steps_per_epoch": 2,
        "validation_items": 4,
        "device": "cpu",
        "mixing": {
            "sources": [1, 2],
            "contrasted": 2,
            "absent": 1,
            "augmentation": {"speed": 0.1, "equaliser_db": 3, "low_pass": 0.5, "room": 0.5},
        },
        "asking": {"caption": 1.0, "template": 0.3},
        "learner": {"average_decay": 0.9},
        "optimiser": {"rate": 1e-3, "warm_up_steps": 2},
        **settings,
    }
    return from_mapping(TrainingConfig, values, where="test")


def load_tones(reference: str, device: str = "cpu") -> tuple[TextEncoder, JointEmbedding | None]:
    """In place of `teacher.load_teacher`: hears at twice the rate of the network; "text" hears nothing."""
    embedding = ToneEmbedding()
    return embedding, None if reference == "text" else embedding


if __name__ == "__main__":
    manifest, output, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

    def end(done: float, total: float) -> None:
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    training.load_teacher = load_tones
    training.train(config(manifest, output, devices=1 if last else 2), on_progress=end)
