"""Train the audio tower of the joint embedding: the command `stemless train embedding`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import torch

from stemless import checkpoint
from stemless.configuration import to_mapping
from stemless.errors import UsageError
from stemless.optimiser import OptimiserConfig
from stemless.query import compact, text_tower
from stemless.query.audio_tower import AudioConfig, AudioTower
from stemless.query.augmentation import AugmentationConfig
from stemless.query.embedding_data import (
    LabelledRecordings,
    SoundBatches,
    SoundConfig,
    Source,
    read_sources,
)
from stemless.query.embedding_head import HeadConfig, refit_head
from stemless.query.embedding_learner import EmbeddingLearner, ObjectiveConfig, WordingBank
from stemless.query.recordings import RecordingPool
from stemless.query.text_tower import TextTower
from stemless.runner import (
    EpochData,
    OnProgress,
    RunSettings,
    claim,
    load_state,
    read_curve,
    run_training,
)

VALIDATION_SEED = 2**31
# Recordings that are heard for the head in the time of a step of training.
HEARD_A_STEP = 30.0


@dataclass(frozen=True)
class BesideConfig:
    """An embedding, of which the audio tower hears whole recordings beside the one that is trained.

    Attributes:
        model: a shipped name, a folder or hf://USER/MODEL; of the same text tower.
        weight: how often it counts, beside 1 of the tower that is trained.
    """

    model: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise ValueError("weight is above 0")


@dataclass(frozen=True)
class EmbeddingConfig:
    """A training of the audio tower. Paths are relative to the working directory.

    Attributes:
        text: the text tower: a shipped name, a folder or hf://USER/MODEL.
        sources: manifests with their weights.
        start: an embedding to go on from, of the same text tower and with an audio tower of this shape; from
            scratch when empty.
        beside: embeddings whose audio towers the one that is trained has beside it in the end; they can still
            be named when the steps are done.
        output: folder of the run; the embedding is written to `output`/model.
        head: how the last layer is fitted once more when the steps are done.
        all_recordings: train on the validation split too, when there is nothing left to choose.
        credits: a text file that the card carries: whose recordings these are.
    """

    text: str
    sources: tuple[Source, ...]
    output: str
    start: str = ""
    beside: tuple[BesideConfig, ...] = ()
    audio: AudioConfig = field(default_factory=AudioConfig)
    sound: SoundConfig = field(default_factory=SoundConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    objective: ObjectiveConfig = field(default_factory=ObjectiveConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(2e-3, 0.05, 200, 0.01))
    batch_size: int = 32
    steps: int = 10000
    steps_per_epoch: int = 250
    validation_batches: int = 4
    patience_epochs: int = 1000
    all_recordings: bool = False
    gradient_clip: float = 2.0
    bf16: bool = True
    threads: int = 0
    device: str = "auto"
    seed: int = 0
    credits: str = ""
    licence_of_data: str = "not stated"

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("sources names at least one manifest")
        for name in ("steps", "steps_per_epoch", "validation_batches", "patience_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if self.batch_size < 2:
            raise ValueError("batch_size is at least 2")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError("device is auto, cpu, cuda or mps")


def train(config: EmbeddingConfig, *, on_progress: OnProgress | None = None) -> Path:
    """Train on the recordings of the configuration and write the embedding to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output.

    Returns:
        the folder of the embedding (config.json, model.safetensors, README.md).

    Raises:
        StemlessError: text tower, manifests or credits cannot be read; the folder holds another run.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    run = Path(config.output)
    credits_text = checkpoint.read_credits(config.credits)
    tower = text_tower.load(config.text)
    learned, validated = _recordings(config)
    beside = _beside(config, tower)
    torch.manual_seed(config.seed)
    audio = AudioTower(_in_space_of(tower, config.audio))
    objective = config.objective
    if config.start:
        known = _started(config.start, tower, audio.config)
        audio.load_state_dict(known.audio.state_dict())
        objective = dataclasses.replace(objective, first_temperature=known.temperature)
    claim(run, {**to_mapping(config), "text_identity": tower.identity})
    learner = EmbeddingLearner(
        audio,
        wording_bank(tower, learned),
        objective,
        config.optimiser,
        steps=config.steps,
        seed=config.seed,
        bf16=config.bf16,
    )
    data = EpochData(lambda epoch: _epoch(learned, config, epoch), _validation(validated, config))
    # The head is fitted after the steps: some more of them for the eye.
    hearing = len(learned.recordings) / HEARD_A_STEP if config.head.share else 0.0

    def progress(done: float, total: float) -> None:
        if on_progress:
            on_progress(done, total + hearing)

    best = run_training(learner, data, run, _settings(config), progress)
    learner.load_state_dict(load_state(best))
    kept = learner.kept.cpu()
    if config.head.share:
        refit_head(
            kept,
            learned,
            learner.bank.means().cpu(),
            config.head,
            clip_seconds=config.sound.clip_seconds,
            seed=config.seed,
            on_progress=lambda heard, _: progress(config.steps + heard / HEARD_A_STEP, config.steps),
        )
    embedding = compact.CompactEmbedding(
        tower, kept, learner.temperature.item(), config.sound.clip_seconds, beside
    )
    return compact.save(run / "model", embedding, _card(config, run, learned, credits_text))


def wording_bank(tower: TextTower, recordings: LabelledRecordings) -> WordingBank:
    """The vectors of all that the labels of recordings are called."""
    wordings = recordings.wordings()
    vectors = tower.embed_text([words for of_label in wordings for words in of_label]).vector
    return WordingBank(list(vectors.split([len(of_label) for of_label in wordings])))


def _recordings(config: EmbeddingConfig) -> tuple[LabelledRecordings, LabelledRecordings | None]:
    """What is trained on, and what is validated with: the same labels, other recordings."""
    parts, rate = read_sources(config.sources), config.audio.sample_rate
    held = read_sources(config.sources, "validation")
    if config.all_recordings:
        parts, held = parts + held, []
    learned = LabelledRecordings(parts, rate, config.sound.label_power)
    known = set(learned.labels)
    if not any(known & named for part, _ in held for named in RecordingPool(part, rate).named):
        return learned, None
    return learned, LabelledRecordings(held, rate, 1.0, labels=learned.labels)


def _epoch(recordings: LabelledRecordings, config: EmbeddingConfig, epoch: int) -> SoundBatches:
    first = epoch * config.steps_per_epoch
    return SoundBatches(
        recordings,
        config.sound,
        config.augmentation,
        batch_size=config.batch_size,
        first=first,
        batches=min(config.steps_per_epoch, config.steps - first),
        seed=config.seed,
    )


def _validation(recordings: LabelledRecordings | None, config: EmbeddingConfig) -> SoundBatches | None:
    """Single recordings as they are, the same ones each time."""
    if recordings is None:
        return None
    return SoundBatches(
        recordings,
        dataclasses.replace(config.sound, mixed=0.0, mixed_again=0.0, noise=0.0),
        AugmentationConfig(),
        batch_size=config.batch_size,
        first=0,
        batches=config.validation_batches,
        seed=VALIDATION_SEED + config.seed,
    )


def _in_space_of(tower: TextTower, audio: AudioConfig) -> AudioConfig:
    return dataclasses.replace(audio, dimension=tower.config.dimension)


def _settings(config: EmbeddingConfig) -> RunSettings:
    return RunSettings(
        config.steps,
        config.steps_per_epoch,
        config.patience_epochs,
        config.gradient_clip,
        config.seed,
        config.device,
    )


def _towards(tower: TextTower, reference: str) -> compact.CompactEmbedding:
    """An embedding of the same text tower."""
    known = compact.load(reference)
    if known.identity != tower.identity:
        raise UsageError(f"{reference}: was trained towards another text tower than `text`: give that one")
    return known


def _beside(config: EmbeddingConfig, tower: TextTower) -> list[compact.Beside]:
    """The towers that others lend."""
    towers = [(other, _towards(tower, other.model).audio) for other in config.beside]
    for other, audio in towers:
        if audio.config.sample_rate != config.audio.sample_rate:
            raise UsageError(
                f"{other.model}: hears {audio.config.sample_rate} Hz, and `audio.sample_rate` is "
                f"{config.audio.sample_rate}: give the same rate"
            )
    return [compact.Beside(audio, other.weight) for other, audio in towers]


def _started(reference: str, tower: TextTower, audio: AudioConfig) -> compact.CompactEmbedding:
    """The embedding to go on from."""
    known = _towards(tower, reference)
    theirs, ours = (dataclasses.replace(shape, dropout=0.0) for shape in (known.audio.config, audio))
    if theirs != ours:
        raise UsageError(f"{reference}: its audio tower has another shape than `audio`: give {theirs}")
    return known


def _card(config: EmbeddingConfig, run: Path, recordings: LabelledRecordings, credits_text: str) -> str:
    curve = read_curve(run)
    lowest = min((row["validation_loss"] for row in curve if "validation_loss" in row), default=None)
    measured = "no validation split" if lowest is None else f"lowest validation loss {lowest:.4f}"
    settings = "\n".join(f"- {key}: {value}" for key, value in to_mapping(config).items())
    others = [
        f"A tower beside it counts {other.weight:g}. Its card:\n\n{checkpoint.load(other.model).card.strip()}"
        for other in config.beside
    ]
    parts = [
        "# Joint embedding of sounds and words",
        f"Says which words belong to which sound: {len(recordings.labels)} labels learned from "
        f"{len(recordings.recordings)} recordings at {config.audio.sample_rate} Hz.",
        f"Trained for {curve[-1]['step'] if curve else 0:.0f} steps; {measured}.",
        f"Licence of the code: Apache-2.0. Licence of the data: {config.licence_of_data}.",
        f"Command: `stemless train embedding CONFIG` with\n\n{settings}",
        credits_text,
        *others,
        f"The card of the text tower follows.\n\n{checkpoint.load(config.text).card.strip()}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
