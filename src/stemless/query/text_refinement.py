"""Teach a distilled text tower more of what people call sounds: the command `stemless train wordings`.

All layers move, the head does not. Names are drawn to their sounds (`name_loss`); phrases and plain English
stay where the tower has them, so that what was trained towards its vectors need not be trained again.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch

from stemless import checkpoint
from stemless.configuration import to_mapping
from stemless.optimiser import OptimiserConfig
from stemless.query.text_corpus import CorpusConfig, make_corpus
from stemless.query.text_distillation import make_sounds
from stemless.query.text_figures import measure
from stemless.query.text_learner import TextBatches, TextLearner
from stemless.query.text_targets import stored_targets
from stemless.query.text_tower import KIND, load, pack, unpack
from stemless.runner import EpochData, OnProgress, RunSettings, claim, load_state, run_training

READING_SHARE = 0.15


@dataclass(frozen=True)
class RefinementConfig:
    """A refinement. Paths are relative to the working directory.

    Attributes:
        start: folder of the text tower that learns more.
        output: folder of the run; the tower is written to `output`/model.
        batch_size: texts of a batch that stay where they are.
        names: so many names of sounds are in a batch.
        name_weight: of the loss that brings the names of one sound together (see `name_loss`).
        temperature: of that loss.
        decay_steps: over which the rate falls; with more than `steps` the training ends before it is down.
        label_weight: how far a sound stays at its label; 0 puts it at the mean of all its names.
    """

    start: Path
    output: Path
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(rate=2e-4, weight_decay=0.0))
    batch_size: int = 48
    names: int = 128
    name_weight: float = 1.0
    temperature: float = 0.05
    label_weight: float = 1.0
    steps: int = 150
    decay_steps: int = 150
    steps_per_epoch: int = 15
    gradient_clip: float = 1.0
    bf16: bool = True
    threads: int = 0
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "names", "steps", "decay_steps", "steps_per_epoch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if min(self.name_weight, self.label_weight) < 0 or self.temperature <= 0:
            raise ValueError("name_weight and label_weight are at least 0, temperature above")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError("device is auto, cpu, cuda or mps")
        if not self.corpus.wordings:
            raise ValueError("corpus.wordings is what there is to learn")


def refine(config: RefinementConfig, *, on_progress: OnProgress | None = None) -> Path:
    """Refine the tower and write it to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output. The last
    state counts: nothing that is held out has a say in it.

    Args:
        config: of the run.
        on_progress: called with (done, in all); the first of it is the reading of the texts.

    Returns:
        the folder of the tower (config.json, model.safetensors, README.md).

    Raises:
        StemlessError: tower or WordNet cannot be read; the folder holds another run.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    start = load(config.start)
    corpus = make_corpus(config.corpus, 1, 1, config.seed)
    run = config.output
    texts = hashlib.sha256(repr(corpus).encode()).hexdigest()
    claim(run, {**to_mapping(config), "tower": start.identity, "texts": texts})

    def reading(done: float, of: float) -> None:
        if on_progress:
            on_progress(READING_SHARE * done / of, 1.0)

    def learning(done: float, of: float) -> None:
        if on_progress:
            on_progress(READING_SHARE + (1 - READING_SHARE) * done / of, 1.0)

    names = {name for called in corpus.called for name in called}
    # Names move; what is neither a label nor a wording is what the tower is held by.
    train = [text for text in corpus.train if text not in names]
    parts = [[name for called in corpus.called for name in called],
             [*corpus.held_phrases, *corpus.held_glosses], train]  # fmt: skip
    named, held_targets, targets = stored_targets(
        start,
        [text for part in parts for text in part],
        run / "start",
        bf16=config.bf16,
        on_progress=reading,
    ).split([len(part) for part in parts])

    sounds = make_sounds(corpus, start.vectors(named.float()).detach(), config.label_weight)
    tower = copy.deepcopy(start).train().requires_grad_(True)
    learner = TextLearner(
        tower,
        targets.float().mean(dim=0),
        sounds,
        config.optimiser,
        steps=config.decay_steps,
        name_weight=config.name_weight,
        temperature=config.temperature,
        bf16=config.bf16,
    )
    numbers = tower.numbers_of(train)

    def epoch(number: int) -> TextBatches:
        first = number * config.steps_per_epoch
        count = min(config.steps_per_epoch, config.steps - first)
        return TextBatches(
            numbers, targets, config.batch_size, first, count, config.seed, sounds, tower.numbers_of,
            config.names,
        )  # fmt: skip

    settings = RunSettings(
        config.steps, config.steps_per_epoch, 1, config.gradient_clip, config.seed, config.device
    )
    last = run_training(learner, EpochData(epoch, None), run, settings, learning)
    learner.load_state_dict(load_state(last))
    stored, tensors = pack(tower.cpu())
    figures = measure(unpack(stored, tensors), start, corpus, held_targets.float(), "start")
    (run / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    card = _card(config, start.identity, figures)
    return checkpoint.save(run / "model", {"kind": KIND, "text": stored}, tensors, card)


def _card(config: RefinementConfig, identity: str, figures: dict[str, float]) -> str:
    settings = "\n".join(f"- {key}: {value}" for key, value in to_mapping(config).items())
    measured = "\n".join(f"- {name}: {value}" for name, value in figures.items())
    origin = checkpoint.load(config.start).card.strip()
    return f"""# Text tower, refined

Phrases about sounds, in English, to vectors; another text tower ({identity}) that has learned more of what
people call sounds. Texts: wordings of labels, written for the program, besides those of the start.

Held-out texts, weights as they are stored, similarities in the joint space; which wordings are held out is
said under `corpus` below:

{measured}

Command: `stemless train wordings CONFIG` with

{settings}

The card of the start follows.

{origin}
"""
