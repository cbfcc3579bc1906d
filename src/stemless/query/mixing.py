"""Mixtures of mixtures: what the losses of `objectives` are computed on.

An item is the sum of N parts, which are mixtures with a caption each. A part is one recording, a natural
mixture or a single source, or the sum of several recordings of single sources. No two parts of an item name
the same phrase: asked for it, the network could not know which part is meant.

All parts of an item share one gain, so that they add up to its mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.query.absence import AbsentNames
from stemless.query.asking import Asking
from stemless.query.augmentation import AugmentationConfig, augmented, samples_before
from stemless.query.collation import Item, MixedBatch, collate
from stemless.query.recordings import SILENCE_DB, RecordingPool, level_db

ITEM_TRIES = 8
Drawn = tuple[int, Tensor]
"""A recording's position in the pool, and a stretch of it [time]."""


@dataclass(frozen=True)
class MixingConfig:
    """How items are made.

    Attributes:
        mixtures: N, parts of an item; one of these numbers is drawn for each item.
        sources: recordings summed into a part; one of these numbers is drawn for each part. 1 for
            recordings that are mixtures, and for supervised training.
        contrasted: K, at most so many phrases of a part are contrasted; all are in the consistency sum. 0
            leaves phrases out altogether, for losses that ask for whole parts alone.
        equal_levels: bring all recordings of an item to the same level first.
        level_spread_db: change the level of each recording at random, by at most so much up or down.
        level_db: of every mixture, root mean square re full scale.
        absent: prompts of each item that name nothing in it.
        augmentation: what each recording goes through on its way into a part.
    """

    mixtures: tuple[int, ...] = (2,)
    sources: tuple[int, ...] = (1,)
    contrasted: int = 4
    equal_levels: bool = True
    level_spread_db: float = 0.0
    level_db: float = -20.0
    absent: int = 0
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        for name in ("mixtures", "sources"):
            numbers = getattr(self, name)
            if not numbers or min(numbers) < 1:
                raise ValueError(f"{name} needs whole numbers of at least 1")
        if self.contrasted < 0 or self.absent < 0:
            raise ValueError("contrasted and absent are at least 0")
        if self.level_spread_db < 0:
            raise ValueError("level_spread_db is at least 0")


def joined_caption(captions: Sequence[str]) -> str:
    """One caption for the sum of several recordings.

    >>> joined_caption(["a dog barking", "Rain.", "wind"])
    'a dog barking, Rain and wind'
    """
    bare = [caption.strip().rstrip(".") for caption in captions]
    return " and ".join(filter(None, (", ".join(bare[:-1]), bare[-1]))) if len(bare) > 1 else captions[0]


@dataclass(frozen=True)
class Words:
    """What items are asked for with: words for what they hold, names of what they do not."""

    asking: Asking = field(default_factory=Asking)
    absent: AbsentNames | None = None


def draw_item(
    pool: RecordingPool,
    config: MixingConfig,
    samples: int,
    random: np.random.Generator,
    words: Words | None = None,
) -> Item:
    """A random item; the same one for the same state of `random`.

    Where the pool has too few recordings that name different things, parts hold fewer of them, and the item
    has fewer parts: at least one.

    Args:
        samples: of the mixture, at the rate of the pool.
        words: other words than those of the manifest, and absent prompts; neither when None.

    Raises:
        StemlessError: no recording of the pool can be read and heard.
    """
    counts = random.choice(config.sources, size=int(random.choice(config.mixtures))).tolist()
    best: list[list[Drawn]] = []
    for _ in range(ITEM_TRIES):
        parts = _draw_parts(pool, counts, samples, config, random)
        if len(parts) > len(best):
            best = parts
        if len(best) == len(counts):
            break
    if not best:
        raise StemlessError(
            f"none of {len(pool)} recordings can be read and heard, such as "
            f"{pool.recordings[0].audio if len(pool) else 'none at all'}: check the manifest"
        )
    audio = torch.stack([_sum(part, config, random) for part in best])
    # A single gain for all parts: they add up to what the network hears.
    gain_db = config.level_db - max(level_db(audio.sum(0)), -120.0)
    captions, phrases, labels, contrasted = [], [], [], []
    for part in best:
        places = [index for index, _ in part]
        captions.append(_caption(pool, places, words, random))
        named = [phrase for index in places for phrase in pool.phrases[index]] if config.contrasted else []
        labels.append(tuple(named))
        phrases.append(tuple(_phrases(pool, places, words, random)) if named else ())
        contrasted.append(frozenset(random.permutation(len(named))[: config.contrasted].tolist()))
    absent: tuple[str, ...] = ()
    if config.absent and words and words.absent:
        heard = [name for part in best for index, _ in part for name in pool.named[index]]
        drawn = words.absent.draw(heard, config.absent, random)
        absent = tuple(words.asking.sentence(words.asking.words(name, random), random) for name in drawn)
    audio = audio * 10 ** (gain_db / 20)
    return Item(audio, tuple(captions), tuple(phrases), tuple(contrasted), tuple(labels), absent)


def _caption(
    pool: RecordingPool, places: Sequence[int], words: Words | None, random: np.random.Generator
) -> str:
    """Of the sum of these recordings."""
    captions = [pool.recordings[index].caption for index in places]
    if words is None:
        return joined_caption(captions)
    said = [
        words.asking.words(pool.phrases[index][0], random, caption)
        if len(pool.phrases[index]) == 1
        else caption
        for index, caption in zip(places, captions, strict=True)
    ]
    return words.asking.sentence(joined_caption(said), random)


def _phrases(
    pool: RecordingPool, places: Sequence[int], words: Words | None, random: np.random.Generator
) -> list[str]:
    """Of the sum of these recordings, in the order of `pool.phrases`; a wording does not come twice."""
    said: list[str] = []
    for index in places:
        phrases = pool.phrases[index]
        for phrase in phrases:
            worded = phrase
            if words is not None:
                caption = pool.recordings[index].caption if len(phrases) == 1 else ""
                worded = words.asking.sentence(words.asking.words(phrase, random, caption), random)
            said.append(phrase if worded in said else worded)
    return said


def _draw_parts(
    pool: RecordingPool,
    counts: Sequence[int],
    samples: int,
    config: MixingConfig,
    random: np.random.Generator,
) -> list[list[Drawn]]:
    """Parts of so many recordings each, or fewer; none names what another does.

    Every part gets its first recording before any gets its second: where they run short, K gives way, not N.
    """
    parts: list[list[Drawn]] = [[] for _ in counts]
    named: set[str] = set()
    for turn in range(max(counts)):
        for part in (part for part, count in zip(parts, counts, strict=True) if turn < count):
            drawn = _draw(pool, named, samples, config.augmentation, random)
            if drawn is None:
                return [part for part in parts if part]
            part.append(drawn)
            named |= pool.named[drawn[0]]
    return parts


def _draw(
    pool: RecordingPool,
    named: set[str],
    samples: int,
    augmentation: AugmentationConfig,
    random: np.random.Generator,
) -> Drawn | None:
    """A recording that names nothing of what is named already; None where there is none that can be used."""
    for index in pool.candidates(random):
        if named.isdisjoint(pool.named[index]):
            wanted = samples_before(samples, augmentation, random)
            audio = pool.stretch(index, wanted, random)
            if audio is not None and augmentation.changes:
                audio = augmented(audio, samples, pool.sample_rate, augmentation, random)
            if audio is not None and level_db(audio) > SILENCE_DB:
                return index, audio
    return None


def _sum(part: list[Drawn], config: MixingConfig, random: np.random.Generator) -> Tensor:
    total = torch.zeros_like(part[0][1])
    for _, audio in part:
        gain_db = float(random.uniform(-config.level_spread_db, config.level_spread_db))
        if config.equal_levels:
            gain_db += config.level_db - level_db(audio)
        total += audio * 10 ** (gain_db / 20)
    return total


class MixtureSampler(torch.utils.data.Dataset[MixedBatch]):
    """Batches of mixtures of mixtures.

    An item depends on the seed, the number of its batch and its place there alone, so a resumed run goes on
    alike.

    Args:
        pool: what to draw from.
        batch_size: items of a batch.
        samples: of a mixture, at the rate of the pool.
        first: number of the first batch of this sampler; the seed's k-th batch is the same in any sampler.
        batches: how many there are.
        words: see `draw_item`.
        first_place: in the batch, of the items drawn here, where several processes share it.

    Raises:
        StemlessError: more than one recording goes into an item, but all name something in common.
    """

    def __init__(
        self,
        pool: RecordingPool,
        config: MixingConfig,
        *,
        batch_size: int,
        samples: int,
        first: int,
        batches: int,
        seed: int,
        words: Words | None = None,
        first_place: int = 0,
    ) -> None:
        if max(config.mixtures) * max(config.sources) > 1 and not pool.can_be_mixed:
            raise StemlessError(
                f"all {len(pool)} recordings name the same sounds, so that nothing tells the parts of a "
                "mixture apart: add recordings of something else"
            )
        self.pool, self.config, self.words = pool, config, words
        self.batch_size, self.samples = batch_size, samples
        self.first, self.batches, self.seed = first, batches, seed
        self.first_place = first_place

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> MixedBatch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        places = range(self.first_place, self.first_place + self.batch_size)
        return collate([self._item(self.first + index, place) for place in places])

    def _item(self, batch: int, place: int) -> Item:
        random = np.random.default_rng((self.seed, batch, place))
        return draw_item(self.pool, self.config, self.samples, random, self.words)
