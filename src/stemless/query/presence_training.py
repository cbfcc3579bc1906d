"""Calibrate the presence of a stored separator: the command `stemless train presence`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from stemless import checkpoint
from stemless.configuration import to_mapping
from stemless.devices import pick_device
from stemless.errors import StemlessError, UsageError
from stemless.query.absence import AbsentNames
from stemless.query.calibration import Example, area_under_curve, calibrated, measured
from stemless.query.manifest import read_manifest
from stemless.query.mixing import MixingConfig, Words, draw_item
from stemless.query.model import COHORT, KIND, StoredSeparator, load_separator
from stemless.query.presence import Cohort, PresenceConfig
from stemless.query.recordings import RecordingPool
from stemless.query.separator import QuerySeparator

HEADING = "## Presence"
LEVEL_SPREAD_DB = 6.0
COHORT_SIZE = 400


@dataclass(frozen=True)
class PresenceTraining:
    """A calibration. Paths are relative to the working directory.

    Attributes:
        model: folder of the separator, whose configuration and card are rewritten.
        data: manifests; recordings that neither the separator nor its embedding has learned from.
        split: the rows that are used, or all of them.
        cohort: manifests of other recordings, of all kinds, whose training rows presence is measured against;
            the separator may have learned from them. Those of `data` when empty.
        items: mixtures to fit to; as many others tell how well that went.
        sources: recordings of a mixture; one of these numbers is drawn for each.
        seconds: length of a mixture.
        absent: prompts of each mixture for what it does not hold.
        distinct_cosine: these are less near than this to all that it holds.
    """

    model: str
    data: tuple[str, ...]
    split: Literal["train", "validation", "test", "all"] = "validation"
    cohort: tuple[str, ...] = ()
    items: int = 150
    sources: tuple[int, ...] = (1, 2, 2, 3)
    seconds: float = 8.0
    absent: int = 2
    distinct_cosine: float = 0.6
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.data:
            raise ValueError("data names no manifest")
        if self.items < 4 or self.absent < 1 or self.seconds < 0.5:
            raise ValueError("items is at least 4, absent at least 1 and seconds at least 0.5")


def train(
    config: PresenceTraining,
    *,
    on_progress: Callable[[float, float], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Fit the presence of a separator and store it with the model.

    Args:
        report: told of each recording that cannot be read, once.

    Returns:
        "auc", the area under the ROC curve on mixtures that were not fitted to, and "gate_threshold".

    Raises:
        UsageError: the model is none that can be rewritten.
        StemlessError: a manifest cannot be used, or names too few different things.
    """
    folder = Path(config.model)
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; give the folder of a separator of your own")
    stored = load_separator(folder, pick_device(config.device))
    others = [row for path in config.cohort for row in read_manifest(path) if row.split == "train"]
    pool = _pool(config, stored.network.config.sample_rate, report)
    cohort = _cohort(
        config, RecordingPool(others, pool.sample_rate, report=report) if others else pool, stored
    )
    separator = QuerySeparator(dataclasses.replace(stored, cohort=cohort))
    words = _words(config, pool, separator)

    def examples(first: int) -> Iterator[Example]:
        for number in range(first, first + config.items):
            if on_progress is not None:
                on_progress(number, 2 * config.items)
            yield _example(config, pool, words, separator.sample_rate, number)

    presence = calibrated(separator, examples(0))
    measures, labels = measured(separator, examples(config.items))
    auc = area_under_curve([float(presence.presence(each).amax()) for each in measures], labels)
    _rewrite(folder, presence, cohort, _told(config, auc))
    return {"auc": auc, "gate_threshold": presence.gate_threshold}


def _pool(config: PresenceTraining, sample_rate: int, report: Callable[[str], None] | None) -> RecordingPool:
    rows = [row for path in config.data for row in read_manifest(path)]
    chosen = [row for row in rows if config.split in ("all", row.split)]
    if not chosen:
        raise StemlessError(f"{config.data[0]}: has no row of the split {config.split}: choose split=all")
    return RecordingPool(chosen, sample_rate, report=report)


def _words(config: PresenceTraining, pool: RecordingPool, separator: QuerySeparator) -> Words:
    names = sorted({name for named in pool.named for name in named})
    if len(names) < 3:
        raise StemlessError(f"{config.data[0]}: names {len(names)} sounds, too few to ask for absent ones")
    vectors = separator.embedding.embed_text(names).vector.cpu()
    return Words(absent=AbsentNames(names, vectors, nearest=config.distinct_cosine))


def _cohort(config: PresenceTraining, pool: RecordingPool, stored: StoredSeparator) -> Cohort:
    """How mixtures of these recordings sound, a window of each."""
    separator = QuerySeparator(stored)
    judge = separator.judge
    samples = round(judge.config.window_seconds * pool.sample_rate)
    mixing = MixingConfig(mixtures=config.sources, contrasted=0, level_spread_db=LEVEL_SPREAD_DB)
    vectors = []
    for number in range(COHORT_SIZE):
        item = draw_item(pool, mixing, samples, np.random.default_rng((config.seed, 0, number)))
        with torch.inference_mode():
            vectors.append(judge.vectors(item.parts.sum(0, keepdim=True).to(separator.device)))
    return Cohort.of(torch.cat(vectors))


def _example(
    config: PresenceTraining, pool: RecordingPool, words: Words, sample_rate: int, number: int
) -> Example:
    """The mixture of that number; the same one each time."""
    random = np.random.default_rng((config.seed, 1, number))
    mixing = MixingConfig(
        mixtures=config.sources, contrasted=1, level_spread_db=LEVEL_SPREAD_DB, absent=config.absent
    )
    item = draw_item(pool, mixing, round(config.seconds * sample_rate), random, words)
    there = tuple(dict.fromkeys(phrase for phrases in item.phrases for phrase in phrases))
    return Example(item.parts.sum(0), there, item.absent)


def _told(config: PresenceTraining, auc: float) -> str:
    return (
        f"{HEADING}\n\nCalibrated on {config.items} mixtures of {Path(config.data[0]).name}; on as many "
        "others of these recordings, prompts for what is there score above prompts for what is not in "
        f"{100 * auc:.1f} % of all pairs."
    )


def _rewrite(folder: Path, presence: PresenceConfig, cohort: Cohort, told: str) -> None:
    """Store the model again with another presence; what the card said of it before is replaced."""
    stored = checkpoint.load(folder)
    assert stored.config.get("kind") == KIND
    paragraphs = stored.card.split("\n\n")
    if HEADING in paragraphs:
        place = paragraphs.index(HEADING)
        del paragraphs[place : place + 2]
    card = "\n\n".join([*(part.strip("\n") for part in paragraphs if part.strip()), told]) + "\n"
    config = stored.config | {"presence": to_mapping(presence)}
    measured_against = zip(COHORT, (cohort.mean, cohort.covariance), strict=True)
    tensors = stored.tensors | dict(measured_against)
    checkpoint.save(folder, config, tensors, card)
