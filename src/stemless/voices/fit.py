"""Adapt a model to the one recording at hand, without its stems (TASLP 2023, section V-D: US-S).

Two and a half minutes of a piece are enough to learn from: the mixture is its own target.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.optimiser import OptimiserConfig
from stemless.runner import OnProgress, RunSettings, load_state, run_training
from stemless.voices.corpus import HeldMixture
from stemless.voices.learner import VoicesLearner
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig
from stemless.voices.tracks import PitchTracks
from stemless.voices.training import TrainingConfig, make_data

SHORTEST_SECONDS = 1.0


def fit(
    audio: Tensor,
    tracks: PitchTracks,
    *,
    steps: int,
    model: VoicesModel | None = None,
    seed: int = 0,
    batch_size: int = 4,
    rate: float = 4e-4,
    run: Path | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> VoicesModel:
    """A model trained on one recording alone.

    Nothing is held back for validation: what is fitted is what will be separated.

    Args:
        audio: [time] mono at 16 kHz.
        tracks: f0 of each voice over the recording.
        steps: training steps; the same steps and seed give the same model.
        model: to start from; a fresh one if not given.
        run: folder for checkpoints, so that a stopped fit can go on; a temporary one if not given.

    Raises:
        StemlessError: the recording is too short or silent, or no voice is voiced in it.
    """
    config = model.config if model is not None else NetworkConfig()
    duration_seconds = audio.shape[-1] / config.sample_rate
    if duration_seconds < SHORTEST_SECONDS:
        raise StemlessError(
            f"a fit needs at least {SHORTEST_SECONDS:g} s of audio, not {duration_seconds:.2f} s"
        )
    if not bool(audio.abs().max() > 0):
        raise StemlessError("a fit needs sound: the recording is silent")
    if not (tracks.f0_hz > 0).any():
        raise StemlessError("a fit needs f0: no voice is voiced in the tracks")
    torch.manual_seed(seed)
    if model is None:
        model = VoicesModel(config)
    mixture = HeldMixture(audio, tracks, config.sample_rate, config.hop_length, (0.0, duration_seconds))
    with tempfile.TemporaryDirectory(prefix="stemless-fit-") as temporary:
        settings = TrainingConfig(
            corpus="",
            output=temporary,
            batch_size=batch_size,
            stretch_seconds=min(4.0, duration_seconds),
            steps=steps,
            steps_per_epoch=min(50, steps),
            network=config,
            seed=seed,
        )
        learner = VoicesLearner(
            model, "unsupervised", OptimiserConfig(rate=rate), steps=steps, seed=seed, bf16=settings.bf16
        )
        best = run_training(
            learner,
            make_data([mixture], [], settings),
            run or Path(temporary),
            RunSettings(steps, settings.steps_per_epoch, 1, settings.gradient_clip, seed, device),
            on_progress,
        )
        learner.load_state_dict(load_state(best))
    return learner.model
