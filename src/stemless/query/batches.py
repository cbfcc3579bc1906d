"""What a step of training is given, by regime; a regime is a way to draw batches.

- unsupervised: mixtures of mixtures, asked for their parts alone (mix-and-separate);
- weak: the same, asked for the parts and for every phrase of each;
- supervised: mixtures of single sources (K = 1), asked for the sources;
- semi-supervised: a share of the recordings is given as single sources, in batches of the supervised kind
  beside those of the weak kind, which are drawn from the other recordings.

For the first `warm_up_steps`, weak and semi-supervised training is unsupervised: the consistency of phrases
is also met by masks that say nothing, so that a network has to separate before it pays.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch

from stemless.query.collation import MixedBatch
from stemless.query.mixing import MixingConfig, MixtureSampler, Words
from stemless.query.recordings import RecordingPool

Regime = Literal["unsupervised", "weak", "supervised", "semi-supervised"]


class TrainingBatch(NamedTuple):
    """A step's items: those that are mixtures of mixtures, and those that are mixtures of single sources."""

    mixed: MixedBatch | None
    single: MixedBatch | None


@dataclass(frozen=True)
class Pools:
    """Recordings to draw mixtures and single sources from; only the regime's own are there."""

    mixed: RecordingPool | None
    single: RecordingPool | None


@dataclass(frozen=True)
class BatchPlan:
    """How many items of which kind a step has.

    Attributes:
        batch_size: items.
        single_batch_size: items of single sources beside them, where training is semi-supervised.
        warm_up_steps: so many steps of mix-and-separate first.
        warm_up_batch_size: items then, which have fewer prompts.
    """

    batch_size: int
    single_batch_size: int
    warm_up_steps: int
    warm_up_batch_size: int


class RegimeBatches(torch.utils.data.Dataset[TrainingBatch]):
    """Batches of a regime; each depends on the seed and its number alone.

    Args:
        samples: of a mixture, at the rate of the pools.
        first: number of the first batch.
        batches: how many there are.
        words: see `mixing.draw_item`.
        process: number of the process that draws; each has its own items of a batch.
    """

    def __init__(
        self,
        regime: Regime,
        pools: Pools,
        mixing: MixingConfig,
        plan: BatchPlan,
        *,
        samples: int,
        first: int,
        batches: int,
        seed: int,
        words: Words | None = None,
        process: int = 0,
    ) -> None:
        self.regime, self.plan = regime, plan
        self.first, self.batches = first, batches

        def sampler(
            pool: RecordingPool | None, config: MixingConfig, batch_size: int
        ) -> MixtureSampler | None:
            if pool is None or not batch_size:
                return None
            return MixtureSampler(
                pool,
                config,
                batch_size=batch_size,
                samples=samples,
                first=first,
                batches=batches,
                seed=seed,
                words=words,
                first_place=process * batch_size,
            )

        parts_alone = dataclasses.replace(mixing, contrasted=0)
        singles = dataclasses.replace(parts_alone, sources=(1,))
        single_size = plan.batch_size if regime == "supervised" else plan.single_batch_size
        self._single = sampler(pools.single, singles, single_size)
        asks_phrases = regime in ("weak", "semi-supervised")
        self._mixed = sampler(pools.mixed, mixing if asks_phrases else parts_alone, plan.batch_size)
        self._warm_up = sampler(pools.mixed, parts_alone, plan.warm_up_batch_size)

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> TrainingBatch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        if self.first + index < self.plan.warm_up_steps and self._warm_up is not None:
            return TrainingBatch(self._warm_up[index], None)
        return TrainingBatch(
            None if self._mixed is None else self._mixed[index],
            None if self._single is None else self._single[index],
        )
