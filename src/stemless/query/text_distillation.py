"""Distil the text tower from a sentence model: the command `stemless train text`.

The student is some of the teacher's layers on a pruned vocabulary (after Sanh et al., "DistilBERT", 2019). It
learns the teacher's mean states, and their directions in the joint space, which the head makes of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from stemless import checkpoint
from stemless.configuration import to_mapping
from stemless.errors import StemlessError
from stemless.optimiser import OptimiserConfig
from stemless.query.sentence_model import digest_of, load_sentence_model
from stemless.query.sound_phrases import asked
from stemless.query.text_corpus import Corpus, CorpusConfig, make_corpus
from stemless.query.text_figures import measure
from stemless.query.text_head import HeadConfig, fit_head
from stemless.query.text_learner import Sounds, TextBatches, TextLearner
from stemless.query.text_targets import stored_targets
from stemless.query.text_tower import KIND, TextConfig, TextLayer, TextTower, pack, unpack
from stemless.query.vocabulary import count_pieces, prune
from stemless.runner import EpochData, OnProgress, RunSettings, claim, load_state, run_training

VALIDATION_BATCH = 128


@dataclass(frozen=True)
class DistillationConfig:
    """A distillation. Paths are relative to the working directory.

    Attributes:
        teacher: folder of the sentence model.
        output: folder of the run; the tower is written to `output`/model.
        pieces: size of the student's vocabulary.
        kept_layers: of the teacher, by number from 0, that the student begins with.
        positions: longest phrase in pieces.
        phrase_weight: how many times a made phrase counts in the choice of pieces.
        batch_size: texts of a batch.
        names: so many names of sounds are in a batch as well.
        name_weight: of the loss that brings the names of one sound together (see `name_loss`).
        temperature: of that loss.
    """

    teacher: Path
    output: Path
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    head: HeadConfig = field(default_factory=HeadConfig)
    optimiser: OptimiserConfig = field(default_factory=lambda: OptimiserConfig(rate=3e-4, weight_decay=0.0))
    pieces: int = 10200
    kept_layers: tuple[int, ...] = (0, 1, 3, 5)
    positions: int = 32
    dimension: int = 256
    phrase_weight: float = 4.0
    batch_size: int = 128
    names: int = 64
    name_weight: float = 0.25
    temperature: float = 0.05
    steps: int = 1800
    steps_per_epoch: int = 200
    patience_epochs: int = 1000
    gradient_clip: float = 1.0
    bf16: bool = True
    threads: int = 0
    device: str = "auto"
    seed: int = 0
    licence_of_teacher: str = "not stated"

    def __post_init__(self) -> None:
        for name in ("pieces", "dimension", "batch_size", "steps", "steps_per_epoch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if min(self.names, self.name_weight) < 0 or self.temperature <= 0:
            raise ValueError("names and name_weight are at least 0, temperature above")
        if not self.kept_layers:
            raise ValueError("kept_layers names at least one layer")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError("device is auto, cpu, cuda or mps")


def train(config: DistillationConfig, *, on_progress: OnProgress | None = None) -> Path:
    """Distil the tower and write it to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output.

    Args:
        config: of the run.
        on_progress: called with (done, in all): a quarter of it is the teacher's reading.

    Returns:
        the folder of the tower (config.json, model.safetensors, README.md).

    Raises:
        StemlessError: teacher, WordNet or labels cannot be read; the folder holds another run.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    run = config.output
    teacher = load_sentence_model(config.teacher, config.positions)
    if not all(0 <= layer < teacher.config.layers for layer in config.kept_layers):
        raise StemlessError(f"{config.teacher}: has {teacher.config.layers} layers; change kept_layers")
    corpus = make_corpus(config.corpus, config.head.phrases, config.head.asked_phrases, config.seed)
    claim(run, {**to_mapping(config), "texts": hashlib.sha256(repr(corpus).encode()).hexdigest()})

    def reading(done: float, of: float) -> None:
        if on_progress:
            on_progress(0.25 * done / of, 1.0)

    def learning(done: float, of: float) -> None:
        if on_progress:
            on_progress(0.25 + 0.75 * done / of, 1.0)

    ways = [text for thing in corpus.asked for text in thing]
    names = [name for called in corpus.called for name in called]
    held = [*corpus.held_phrases, *corpus.held_glosses]
    parts = [corpus.bank, ways, names, held, corpus.train]
    texts = [text for part in parts for text in part]
    targets = stored_targets(teacher, texts, run / "teacher", bf16=config.bf16, on_progress=reading).split(
        [len(part) for part in parts]
    )
    bank, named = targets[0].float(), targets[2].float()
    by_thing = targets[1].float().unflatten(0, (len(corpus.asked), -1))
    student = make_student(teacher, corpus, config)
    weight, bias = fit_head(bank, by_thing, config.dimension, config.head)
    student.head.load_state_dict({"weight": weight, "bias": bias})
    sounds = make_sounds(corpus, student.vectors(named).detach())
    learner = TextLearner(
        student,
        bank.mean(dim=0),
        sounds,
        config.optimiser,
        steps=config.steps,
        name_weight=config.name_weight,
        temperature=config.temperature,
        bf16=config.bf16,
    )
    data = make_data(student, (corpus.train, targets[4]), (held, targets[3]), sounds, config)
    settings = RunSettings(
        config.steps,
        config.steps_per_epoch,
        config.patience_epochs,
        config.gradient_clip,
        config.seed,
        config.device,
    )
    best = run_training(learner, data, run, settings, learning)
    learner.load_state_dict(load_state(best))
    stored, tensors = pack(student.cpu())
    figures = measure(unpack(stored, tensors), teacher, corpus, targets[3].float())
    (run / "figures.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    card = _card(config, figures)
    return checkpoint.save(run / "model", {"kind": KIND, "text": stored}, tensors, card)


@torch.no_grad()
def make_student(teacher: TextTower, corpus: Corpus, config: DistillationConfig) -> TextTower:
    """Some layers of the teacher, and the rows of its embedding for the pieces that the texts need."""
    counts = {piece: float(count) for piece, count in count_pieces(teacher.pieces, corpus.train).items()}
    for piece, count in count_pieces(teacher.pieces, corpus.bank).items():
        share = config.phrase_weight * len(corpus.train) / len(corpus.bank)
        counts[piece] = counts.get(piece, 0.0) + share * count
    kept = prune(teacher.pieces, counts, config.pieces)
    shape = dataclasses.asdict(teacher.config)
    shape.update(pieces=len(kept), layers=len(config.kept_layers), dimension=config.dimension)
    student = TextTower(TextConfig(**shape), [teacher.pieces[number] for number in kept])
    student.piece_embedding.weight.copy_(teacher.piece_embedding.weight[kept])
    student.position_embedding.load_state_dict(teacher.position_embedding.state_dict())
    student.embedding_norm.load_state_dict(teacher.embedding_norm.state_dict())
    for layer, number in zip(student.layers, config.kept_layers, strict=True):
        assert isinstance(layer, TextLayer)
        layer.load_state_dict(teacher.layers[number].state_dict())
    return student


def make_sounds(corpus: Corpus, vectors: Tensor, label_weight: float = 1.0) -> Sounds:
    """What sounds are called, and where the teacher sees them: midway between the label and all its names.

    Args:
        corpus: with its sounds.
        vectors: of all names by the teacher, in their order [names, dimension].
        label_weight: of the label, where the mean of its names has 1.
    """
    names = [name for called in corpus.called for name in called]
    sound = [number for number, called in enumerate(corpus.called) for _ in called]
    centres = [
        label_weight * part[0] + normalize(part.mean(dim=0), dim=0)
        for part in vectors.split([len(called) for called in corpus.called])
    ]
    stacked = torch.stack(centres) if centres else vectors.new_zeros(0, vectors.shape[-1])
    return Sounds(names, sound, [asked(name) for name in names], normalize(stacked, dim=-1))


def make_data(
    student: TextTower,
    train_on: tuple[list[str], Tensor],
    validate_on: tuple[list[str], Tensor],
    sounds: Sounds,
    config: DistillationConfig,
) -> EpochData:
    """Batches of an epoch, drawn by seed and position alone, and the held-out texts."""
    (texts, targets), (held, held_targets) = train_on, validate_on
    numbers, held_numbers = student.numbers_of(texts), student.numbers_of(held)

    def batches(
        of: list[list[int]], wanted: Tensor, size: int, first: int, count: int, names: int
    ) -> TextBatches:
        return TextBatches(of, wanted, size, first, count, config.seed, sounds, student.numbers_of, names)

    def epoch(number: int) -> TextBatches:
        first = number * config.steps_per_epoch
        count = min(config.steps_per_epoch, config.steps - first)
        return batches(numbers, targets, config.batch_size, first, count, config.names)

    count = -(-len(held) // VALIDATION_BATCH)
    return EpochData(epoch, batches(held_numbers, held_targets, VALIDATION_BATCH, 0, count, 0))


def _card(config: DistillationConfig, figures: dict[str, float]) -> str:
    settings = "\n".join(f"- {key}: {value}" for key, value in to_mapping(config).items())
    measured = "\n".join(f"- {name}: {value}" for name, value in figures.items())
    return f"""# Text tower

Phrases about sounds, in English, to vectors of {config.dimension} numbers; distilled from a sentence model.

Teacher: {config.teacher.name}, SHA-256 of its weights {digest_of(config.teacher)}.
Licence of the teacher: {config.licence_of_teacher}.
Texts: WordNet 3.0 (copyright Princeton University; the WordNet licence allows any use with its notice), and
phrases about sounds that the program makes. Licence of the code: Apache-2.0.

Held-out texts, weights as they are stored, similarities in the joint space:

{measured}

Limits: English, case and accents are not heard; a phrase ends after {config.positions} pieces; words that
the vocabulary lacks are spelled in pieces, signs beyond ASCII are all one unknown piece; negation and the
order of words are heard as poorly as by the teacher.

Command: `stemless train text CONFIG` with

{settings}
"""
