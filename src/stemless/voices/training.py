"""Train a voices model on a corpus of mixtures: the command `stemless train voices`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from stemless import checkpoint
from stemless.optimiser import OptimiserConfig
from stemless.runner import EpochData, OnProgress, RunSettings, claim, load_state, read_curve, run_training
from stemless.voices.corpus import Mixture, StretchSampler, read_manifest
from stemless.voices.learner import Regime, VoicesLearner
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig


@dataclass(frozen=True)
class TrainingConfig:
    """A training run. Paths are relative to the working directory."""

    corpus: str
    output: str
    model: Literal["network", "unet"] = "network"
    regime: Regime = "unsupervised"
    start: str = ""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    batch_size: int = 4
    stretch_seconds: float = 4.0
    steps: int = 3000
    steps_per_epoch: int = 50
    validation_batches: int = 4
    patience_epochs: int = 20
    gradient_clip: float = 5.0
    bf16: bool = True
    threads: int = 0
    device: str = "auto"
    seed: int = 0
    licence_of_data: str = "not stated"
    store_half: bool = False
    """Store the weights in half precision, at half the size."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps", "steps_per_epoch", "validation_batches", "patience_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if self.stretch_seconds < 0.5:
            raise ValueError("stretch_seconds is at least 0.5")
        if self.model == "unet" and self.regime != "supervised":
            raise ValueError("model unet learns from stems: regime=supervised")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError("device is auto, cpu, cuda or mps")

    @property
    def sample_rate(self) -> int:
        return self.network.sample_rate

    @property
    def samples(self) -> int:
        """Samples of a stretch, a whole number of hops."""
        hop = self.network.hop_length
        return max(1, round(self.stretch_seconds * self.network.sample_rate / hop)) * hop


def train(config: TrainingConfig, *, on_progress: OnProgress | None = None) -> Path:
    """Train on the corpus of the configuration and write the model to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output.

    Returns:
        the folder of the model (config.json, model.safetensors, README.md).
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    run = Path(config.output)
    corpus = read_manifest(
        config.corpus,
        config.network.sample_rate,
        config.network.hop_length,
        with_stems=config.regime == "supervised",
    )
    claim(run, dataclasses.asdict(config))
    torch.manual_seed(config.seed)
    learner = make_learner(config)
    best = run_training(
        learner,
        make_data(corpus["train"], corpus["validation"], config),
        run,
        run_settings(config),
        on_progress,
    )
    learner.load_state_dict(load_state(best))
    stored = {"kind": f"voices/{config.model}", "model": _model_config(learner)}
    tensors = learner.model.state_dict()
    if config.store_half:
        tensors = {name: each.half() if each.is_floating_point() else each for name, each in tensors.items()}
    return checkpoint.save(run / "model", stored, tensors, _card(config, run))


def make_learner(config: TrainingConfig) -> Any:
    """The Lightning module of a configuration, started from `start` where that is given."""
    if config.model == "unet":
        from stemless.voices.baselines.unet_learner import UNetLearner

        return UNetLearner(config.optimiser, steps=config.steps, bf16=config.bf16, seed=config.seed)
    if config.start:
        from stemless.voices.network_separator import load_model

        model = load_model(config.start)
    else:
        model = VoicesModel(config.network)
    return VoicesLearner(
        model, config.regime, config.optimiser, steps=config.steps, seed=config.seed, bf16=config.bf16
    )


class Drawn(Protocol):
    """How a training draws its batches."""

    @property
    def batch_size(self) -> int: ...
    @property
    def samples(self) -> int: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def steps_per_epoch(self) -> int: ...
    @property
    def validation_batches(self) -> int: ...
    @property
    def seed(self) -> int: ...


def make_data(train_on: list[Mixture], validate_on: list[Mixture], config: Drawn) -> EpochData:
    """Batches of an epoch, drawn by seed and position alone, and the same validation batches each time."""

    def sampler(mixtures: list[Mixture], first: int, batches: int, seed: int) -> StretchSampler:
        return StretchSampler(
            mixtures,
            batch_size=config.batch_size,
            samples=config.samples,
            sample_rate=config.sample_rate,
            first=first,
            batches=batches,
            seed=seed,
        )

    def epoch(number: int) -> StretchSampler:
        first = number * config.steps_per_epoch
        return sampler(train_on, first, min(config.steps_per_epoch, config.steps - first), config.seed)

    validation = (
        sampler(validate_on, 0, config.validation_batches, 2**31 + config.seed) if validate_on else None
    )
    return EpochData(epoch, validation)


def run_settings(config: Any) -> RunSettings:
    """How long a run of any training of voices or pitch is."""
    return RunSettings(
        config.steps,
        config.steps_per_epoch,
        config.patience_epochs,
        config.gradient_clip,
        config.seed,
        config.device,
    )


def _model_config(learner: Any) -> dict[str, Any]:
    config: dict[str, Any] = dataclasses.asdict(learner.model.config)
    return config


def _card(config: TrainingConfig, run: Path) -> str:
    return card(f"Voices model ({config.model}, {config.regime})", "voices", config, run)


def card(title: str, command: str, config: Any, run: Path) -> str:
    """What a run says of its model.

    Args:
        command: the one after `stemless train`.
        config: its settings, with the licence of the data.
    """
    curve = read_curve(run)
    lowest = min((row["validation_loss"] for row in curve if "validation_loss" in row), default=None)
    measured = "no validation split" if lowest is None else f"lowest validation loss {lowest:.4f}"
    settings = "\n".join(f"- {key}: {value}" for key, value in dataclasses.asdict(config).items())
    return (
        f"# {title}\n\n"
        f"Trained for {curve[-1]['step'] if curve else 0:.0f} steps; {measured}.\n\n"
        f"Licence of the data: {config.licence_of_data}. Licence of the code: Apache-2.0.\n\n"
        f"Command: `stemless train {command} CONFIG` with\n\n{settings}\n"
    )
