"""Train a query separator on recordings and their words: the command `stemless train query`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from stemless.checkpoint import read_credits
from stemless.configuration import to_mapping
from stemless.errors import UsageError
from stemless.optimiser import OptimiserConfig
from stemless.query.asking import AskingConfig
from stemless.query.batches import BatchPlan, Regime, RegimeBatches
from stemless.query.compact_unet import CompactConfig
from stemless.query.corpus import Corpus, DataConfig, read_corpus
from stemless.query.embedding import PhraseCache, TextEncoder
from stemless.query.learner import LearnerConfig, QueryLearner
from stemless.query.mixing import MixingConfig, MixtureSampler, Words
from stemless.query.model import Network, SeparatorSettings, load_network, make_network, save_separator
from stemless.query.teacher import RandomTeacher, load_teacher
from stemless.query.unet import UNetConfig
from stemless.runner import (
    EpochData,
    OnProgress,
    RunSettings,
    claim,
    load_state,
    process_number,
    read_curve,
    run_training,
)

VALIDATION_SEED = 2**31
MOST_NAMES = 2000
"""Of the recordings, that are kept with the model: of captions there may be one for each."""
NAMES_AT_ONCE = 256


@dataclass(frozen=True)
class TrainingConfig:
    """A training run. Paths are relative to the working directory.

    Attributes:
        data: manifests, with weights; their training rows are learned from.
        output: folder of the run; the model lies in it as `model`.
        embedding: see `teacher.load_teacher`; one that hears is needed where the contrast counts.
        stored_embedding: how the stored separator finds its joint embedding; as `embedding` when empty.
        regime: see `batches`.
        single_share: x, of the recordings, given as single sources in semi-supervised training.
        start: a separator to go on from; from scratch when empty.
        network: the separator's; its sizes of text are those of the embedding.
        teacher: what the contrast hears with; "random" for comparison.
        balance: 0 draws every recording as often, 1 every label.
        distinct_cosine: absent prompts are less near than this to all that an item names.
        hold: keep the decoded recordings in memory.
        repeat_short: fill stretches with repetitions of shorter recordings, instead of silence.
        sharpness: of the masks in use, from 0 to 1 (`sharpness.py`); training does not know it.
        validation: manifests whose rows are all for validation, beside the validation rows of `data`.
        validation_fraction: of the training rows, taken for validation where there are no other rows for it.
        devices: processes that share a training, each with a device of its own and `batch_size` items.
        threads: of the CPU; 0 leaves it to torch.
        store_half: store the weights in half precision, at half the size.
        credits: a text file that the card carries: whose recordings these are.
    """

    data: tuple[str | DataConfig, ...]
    output: str
    embedding: str = "embedding"
    stored_embedding: str = ""
    regime: Regime = "weak"
    single_share: float = 0.05
    start: str = ""
    network: Literal["compact", "unet"] = "compact"
    compact: CompactConfig = field(default_factory=CompactConfig)
    unet: UNetConfig = field(default_factory=UNetConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    teacher: Literal["embedding", "random"] = "embedding"
    mixing: MixingConfig = field(default_factory=MixingConfig)
    asking: AskingConfig = field(default_factory=AskingConfig)
    balance: float = 0.0
    distinct_cosine: float = 0.6
    hold: bool = True
    repeat_short: bool = False
    sharpness: float = 1.0
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    batch_size: int = 4
    single_batch_size: int = 4
    warm_up_steps: int = 0
    warm_up_batch_size: int = 8
    stretch_seconds: float = 4.096
    steps: int = 10000
    steps_per_epoch: int = 100
    validation: tuple[str, ...] = ()
    validation_fraction: float = 0.1
    validation_items: int = 32
    patience_epochs: int = 40
    gradient_clip: float = 5.0
    threads: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int = 1
    seed: int = 0
    store_half: bool = False
    credits: str = ""
    licence_of_data: str = "not stated"

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps", "steps_per_epoch", "patience_epochs", "devices"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        for name in ("single_batch_size", "warm_up_steps", "warm_up_batch_size", "validation_items"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is at least 0")
        if not self.data:
            raise ValueError("data names no manifest")
        if self.stretch_seconds < 0.5:
            raise ValueError("stretch_seconds is at least 0.5")
        if not 0 < self.sharpness <= 1:
            raise ValueError("sharpness is above 0 and at most 1")
        if self.regime == "semi-supervised" and not (0 < self.single_share < 1 and self.single_batch_size):
            raise ValueError(
                "semi-supervised needs a single_share between 0 and 1 and a single_batch_size of at least 1"
            )
        if not (0 <= self.balance <= 1 and 0 <= self.validation_fraction < 1):
            raise ValueError("balance and validation_fraction are shares of 0 to 1")
        if self.warm_up_steps and self.regime in ("weak", "semi-supervised") and not self.warm_up_batch_size:
            raise ValueError("warm_up_steps need a warm_up_batch_size of at least 1")

    @property
    def asks_phrases(self) -> bool:
        return self.regime in ("weak", "semi-supervised")

    @property
    def plan(self) -> BatchPlan:
        return BatchPlan(
            self.batch_size, self.single_batch_size, self.warm_up_steps if self.asks_phrases else 0,
            self.warm_up_batch_size,
        )  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """What a run works with, once everything named in its configuration is loaded."""

    learner: QueryLearner
    data: EpochData
    text_identity: str
    corpus: Corpus
    known: Tensor


def train(
    config: TrainingConfig,
    *,
    on_progress: OnProgress | None = None,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Train a separator and write it to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output.

    Args:
        report: told of each recording that cannot be read, once.

    Returns:
        the folder of the model (config.json, model.safetensors, README.md).
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    credits_text = read_credits(config.credits)
    setting = prepare(config, report)
    run = Path(config.output)
    claim(run, to_mapping(config))
    runner = RunSettings(
        config.steps,
        config.steps_per_epoch,
        config.patience_epochs,
        config.gradient_clip,
        config.seed,
        config.device,
        config.devices,
    )
    best = run_training(setting.learner, setting.data, run, runner, on_progress)
    setting.learner.load_state_dict(load_state(best))
    settings = SeparatorSettings(
        embedding=config.stored_embedding or config.embedding,
        identity=setting.text_identity,
        sharing=setting.learner.rule,
        sharpness=config.sharpness,
        level_db=config.mixing.level_db,
        clip_seconds=max(1.0, config.stretch_seconds),
    )
    card = _card(config, run, setting, credits_text)
    return save_separator(
        run / "model",
        setting.learner.kept,
        settings,
        card=card,
        half=config.store_half,
        known=setting.known,
    )


def prepare(config: TrainingConfig, report: Callable[[str], None] | None = None) -> Setting:
    """Network, recordings and words of a configuration, without a trace on the disk."""
    text, teacher = load_teacher(config.embedding, _device(config))
    contrasts = config.asks_phrases and config.learner.scales.contrastive > 0 and config.mixing.contrasted > 0
    if contrasts and config.warm_up_steps < config.steps and teacher is None:
        raise UsageError(
            f"{config.embedding}: hears nothing, so there is no contrast; give a joint embedding or "
            "learner.scales.contrastive=0"
        )
    if contrasts and teacher is not None and config.teacher == "random":
        teacher = RandomTeacher(teacher, config.seed)
    cache = PhraseCache(text)
    network, before = _network(config, cache)
    corpus = read_corpus(
        config.data,
        config.validation,
        network.config.sample_rate,
        regime=config.regime,
        single_share=config.single_share,
        validation_fraction=config.validation_fraction if config.validation_items else 0.0,
        balance=config.balance,
        hold=config.hold,
        repeat_short=config.repeat_short,
        report=report,
    )
    learner = QueryLearner(
        network,
        cache,
        teacher if contrasts else None,
        config.learner,
        config.optimiser,
        steps=config.steps,
    )
    words = corpus.words(config.asking, cache if config.mixing.absent else None, config.distinct_cosine)
    data = _data(config, corpus, words, samples_of(config, network))
    return Setting(learner, data, text.identity, corpus, known_names(corpus, cache, before))


def known_names(corpus: Corpus, text: TextEncoder, before: Tensor | None = None) -> Tensor:
    """Vectors of what is asked for in training, [names, dimension] as they are stored.

    Args:
        before: those of the model that training starts from, which are asked for as well.
    """
    names = corpus.names(MOST_NAMES)
    few = [names[first : first + NAMES_AT_ONCE] for first in range(0, len(names), NAMES_AT_ONCE)]
    own = torch.cat([text.embed_text(some).vector for some in few]).half().cpu()
    return own if before is None else torch.cat((before.half(), own)).unique(dim=0)


def samples_of(config: TrainingConfig, network: Network) -> int:
    """Samples of a stretch: as many frames as the network works on without padding, or nearly so."""
    hop, stride = network.config.hop_length, network.config.stride
    frames = max(1, round(config.stretch_seconds * network.config.sample_rate / hop / stride)) * stride
    return (frames - 1) * hop


def _data(config: TrainingConfig, corpus: Corpus, words: Words, samples: int) -> EpochData:
    """Batches of an epoch, drawn by seed and position alone, and the same validation batches each time."""

    def epoch(number: int) -> RegimeBatches:
        first = number * config.steps_per_epoch
        return RegimeBatches(
            config.regime,
            corpus.pools,
            config.mixing,
            config.plan,
            samples=samples,
            first=first,
            batches=min(config.steps_per_epoch, config.steps - first),
            seed=config.seed,
            words=words,
            process=process_number(),
        )

    validation = None
    if corpus.validation is not None and config.validation_items:
        size = min(8, config.validation_items)
        validation = MixtureSampler(
            corpus.validation,
            MixingConfig(contrasted=0, level_db=config.mixing.level_db, absent=min(1, config.mixing.absent)),
            batch_size=size,
            samples=samples,
            first=0,
            batches=-(-config.validation_items // size),
            seed=VALIDATION_SEED,
            words=Words(absent=words.absent) if words.absent else None,
        )
    return EpochData(epoch, validation)


def _network(config: TrainingConfig, text: TextEncoder) -> tuple[Network, Tensor | None]:
    """The network to start with, and the names it knows; its sizes of text are those of the embedding."""
    example = text.embed_text(["sound"])
    width, dimension = example.tokens.shape[-1], example.vector.shape[-1]
    if config.start:
        trained = load_network(config.start)
        network, settings = trained.network, trained.settings
        if (network.config.text_width, network.config.text_dimension) != (width, dimension):
            raise UsageError(
                f"{config.start}: hears text of widths {network.config.text_width} and "
                f"{network.config.text_dimension}, {config.embedding} gives {width} and {dimension}; give "
                "the embedding that it was trained with"
            )
        if settings.identity not in ("", text.identity):
            raise UsageError(
                f"{config.start}: was trained with other words than those of {config.embedding}; give the "
                "embedding that it was trained with"
            )
        return network.train(), trained.known
    sizes = config.compact if config.network == "compact" else config.unet
    return make_network(dataclasses.replace(sizes, text_width=width, text_dimension=dimension)), None


def _device(config: TrainingConfig) -> str:
    if config.device != "auto":
        return config.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _card(config: TrainingConfig, run: Path, setting: Setting, credits_text: str) -> str:
    curve = read_curve(run)
    judged = [row for row in curve if "validation_loss" in row]
    best = min(judged, key=lambda row: row["validation_loss"], default=None)
    if best is None:
        measured = "No validation recordings."
    else:
        measured = (
            f"At step {best['step']:.0f}, on two-source mixtures of recordings that it did not train on: "
            f"SI-SDR {best['validation_si_sdr_gain_db']:.2f} dB above the mixture, SDR "
            f"{best['validation_sdr_db']:.2f} dB."
        )
    recordings = sum(len(pool) for pool in (setting.corpus.pools.mixed, setting.corpus.pools.single) if pool)
    trained = curve[-1]["step"] if curve else 0
    settings = "\n".join(f"- {key}: {value}" for key, value in to_mapping(config).items())
    parts = [
        f"# Query separator ({config.network}, {config.regime})",
        "Takes a sound that is named in words out of a mixture.",
        f"Trained on {recordings} recordings for {trained:.0f} steps. {measured}",
        f"Licence of the data: {config.licence_of_data}. Licence of the code and the weights: Apache-2.0.",
        f"Command: `stemless train query CONFIG` with\n\n{settings}",
        credits_text,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
