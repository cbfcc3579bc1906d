"""Mixtures of mixtures: what the losses of `objectives` are computed on.

An item is the sum of N parts, which are mixtures with a caption each. A part is one recording, a natural
mixture or a single source, or the sum of several recordings of single sources. No two parts of an item name
the same phrase: asked for it, the network could not know which part is meant.

All parts of an item share one gain, so that they add up to its mixture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.query.recordings import RecordingPool, level_db, normalised_phrase

QUICK_TRIES = 16
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
    """

    mixtures: tuple[int, ...] = (2,)
    sources: tuple[int, ...] = (1,)
    contrasted: int = 4
    equal_levels: bool = True
    level_spread_db: float = 0.0
    level_db: float = -20.0

    def __post_init__(self) -> None:
        for name in ("mixtures", "sources"):
            numbers = getattr(self, name)
            if not numbers or min(numbers) < 1:
                raise ValueError(f"{name} needs whole numbers of at least 1")
        if self.contrasted < 0:
            raise ValueError("contrasted is at least 0")
        if self.level_spread_db < 0:
            raise ValueError("level_spread_db is at least 0")


@dataclass(frozen=True)
class Item:
    """A mixture of mixtures.

    Attributes:
        parts: [N, time]; their sum is the mixture.
        captions: one a part.
        phrases: of each part, each once.
        contrasted: of each part, the positions of the phrases that are contrasted.
    """

    parts: Tensor
    captions: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    contrasted: tuple[frozenset[int], ...]


class MixedBatch(NamedTuple):
    """Items as one batch of prompts: item by item, the captions of its parts, then all phrases.

    N and K may differ from item to item; nothing is padded. Numbers of items, parts and prompts are
    positions along the first dimension of what they count.

    Attributes:
        mixtures: [items, time].
        parts: [parts, time]; those of an item add up to its mixture.
        item_of_part: [parts].
        prompts: all N * (1 + K) of all items.
        item_of_prompt: [prompts], rising.
        prompt_of_part: [parts], where the caption of each part is.
        prompt_of_phrase: [phrases].
        part_of_phrase: [phrases].
        contrasted: [phrases] bool.
        phrase_ids: [phrases], equal for equal phrases.
        slot_of_phrase: [phrases], its part's number within the item.
    """

    mixtures: Tensor
    parts: Tensor
    item_of_part: Tensor
    prompts: tuple[str, ...]
    item_of_prompt: Tensor
    prompt_of_part: Tensor
    prompt_of_phrase: Tensor
    part_of_phrase: Tensor
    contrasted: Tensor
    phrase_ids: Tensor
    slot_of_phrase: Tensor


def phrase_id(phrase: str) -> int:
    """A number of 64 bits, signed, the same on every machine and in every process.

    >>> phrase_id("Dog barking") == phrase_id("dog  barking"), phrase_id("dog") == phrase_id("rain")
    (True, False)
    """
    digest = hashlib.blake2b(normalised_phrase(phrase).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def joined_caption(captions: Sequence[str]) -> str:
    """One caption for the sum of several recordings.

    >>> joined_caption(["a dog barking", "Rain.", "wind"])
    'a dog barking, Rain and wind'
    """
    bare = [caption.strip().rstrip(".") for caption in captions]
    return " and ".join(filter(None, (", ".join(bare[:-1]), bare[-1]))) if len(bare) > 1 else captions[0]


def draw_item(pool: RecordingPool, config: MixingConfig, samples: int, random: np.random.Generator) -> Item:
    """A random item; the same one for the same state of `random`.

    Where the pool has too few recordings that name different things, parts hold fewer of them, and the item
    has fewer parts: at least one.

    Args:
        samples: of the mixture, at the rate of the pool.

    Raises:
        StemlessError: no recording of the pool can be read and heard.
    """
    counts = random.choice(config.sources, size=int(random.choice(config.mixtures))).tolist()
    best: list[list[Drawn]] = []
    for _ in range(ITEM_TRIES):
        parts = _draw_parts(pool, counts, samples, random)
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
    captions, phrases, contrasted = [], [], []
    for part in best:
        captions.append(joined_caption([pool.recordings[index].caption for index, _ in part]))
        named = [phrase for index, _ in part for phrase in pool.phrases[index]] if config.contrasted else []
        phrases.append(tuple(named))
        contrasted.append(frozenset(random.permutation(len(named))[: config.contrasted].tolist()))
    return Item(audio * 10 ** (gain_db / 20), tuple(captions), tuple(phrases), tuple(contrasted))


def _draw_parts(
    pool: RecordingPool, counts: Sequence[int], samples: int, random: np.random.Generator
) -> list[list[Drawn]]:
    """Parts of so many recordings each, or fewer; none names what another does.

    Every part gets its first recording before any gets its second: where they run short, K gives way, not N.
    """
    parts: list[list[Drawn]] = [[] for _ in counts]
    named: set[str] = set()
    for turn in range(max(counts)):
        for part in (part for part, count in zip(parts, counts, strict=True) if turn < count):
            drawn = _draw(pool, named, samples, random)
            if drawn is None:
                return [part for part in parts if part]
            part.append(drawn)
            named |= pool.named[drawn[0]]
    return parts


def _draw(pool: RecordingPool, named: set[str], samples: int, random: np.random.Generator) -> Drawn | None:
    """A recording that names nothing of what is named already; None where there is none that can be used."""
    for index in _candidates(len(pool), random):
        if named.isdisjoint(pool.named[index]):
            audio = pool.stretch(index, samples, random)
            if audio is not None:
                return index, audio
    return None


def _candidates(count: int, random: np.random.Generator) -> Iterator[int]:
    """A few at random, which nearly always suffices, then each of them once: it ends, whatever they are."""
    for _ in range(QUICK_TRIES if count else 0):
        yield int(random.integers(count))
    yield from random.permutation(count).tolist()


def _sum(part: list[Drawn], config: MixingConfig, random: np.random.Generator) -> Tensor:
    total = torch.zeros_like(part[0][1])
    for _, audio in part:
        gain_db = float(random.uniform(-config.level_spread_db, config.level_spread_db))
        if config.equal_levels:
            gain_db += config.level_db - level_db(audio)
        total += audio * 10 ** (gain_db / 20)
    return total


def collate(items: Sequence[Item]) -> MixedBatch:
    """Items, at least one and of one length, as a batch."""
    prompts: list[str] = []
    item_of_part: list[int] = []
    item_of_prompt: list[int] = []
    prompt_of_part, prompt_of_phrase, part_of_phrase, contrasted, slot_of_phrase = [], [], [], [], []
    for number, item in enumerate(items):
        first_part = len(item_of_part)
        for caption in item.captions:
            prompt_of_part.append(len(prompts))
            item_of_part.append(number)
            prompts.append(caption)
        for slot, (phrases, chosen) in enumerate(zip(item.phrases, item.contrasted, strict=True)):
            for position, phrase in enumerate(phrases):
                prompt_of_phrase.append(len(prompts))
                part_of_phrase.append(first_part + slot)
                slot_of_phrase.append(slot)
                contrasted.append(position in chosen)
                prompts.append(phrase)
        item_of_prompt += [number] * (len(prompts) - len(item_of_prompt))
    return MixedBatch(
        mixtures=torch.stack([item.parts.sum(0) for item in items]),
        parts=torch.cat([item.parts for item in items]),
        item_of_part=_numbers(item_of_part),
        prompts=tuple(prompts),
        item_of_prompt=_numbers(item_of_prompt),
        prompt_of_part=_numbers(prompt_of_part),
        prompt_of_phrase=_numbers(prompt_of_phrase),
        part_of_phrase=_numbers(part_of_phrase),
        contrasted=torch.tensor(contrasted, dtype=torch.bool),
        phrase_ids=_numbers([phrase_id(prompts[prompt]) for prompt in prompt_of_phrase]),
        slot_of_phrase=_numbers(slot_of_phrase),
    )


def _numbers(numbers: list[int]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.long)


def prompt_grid(item_of_prompt: Tensor) -> tuple[Tensor, Tensor]:
    """Prompts as a network takes them that wants as many for each item.

    Args:
        item_of_prompt: [prompts], rising from 0 without gaps.

    Returns:
        positions [items, most prompts of an item] and where there is a prompt, bool, of the same shape;
        elsewhere the item's first prompt stands in. With `grid = values[positions]`, `grid[there]` is
        `values` again.

    >>> prompt_grid(torch.tensor([0, 0, 1, 1, 1]))[0].tolist()
    [[0, 1, 0], [2, 3, 4]]
    """
    counts = torch.bincount(item_of_prompt)
    firsts = counts.cumsum(0) - counts
    steps = torch.arange(int(counts.max()), device=item_of_prompt.device)
    there = steps < counts[:, None]
    return torch.where(there, firsts[:, None] + steps, firsts[:, None]), there


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
    ) -> None:
        if max(config.mixtures) * max(config.sources) > 1 and not pool.can_be_mixed:
            raise StemlessError(
                f"all {len(pool)} recordings name the same sounds, so that nothing tells the parts of a "
                "mixture apart: add recordings of something else"
            )
        self.pool, self.config = pool, config
        self.batch_size, self.samples = batch_size, samples
        self.first, self.batches, self.seed = first, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> MixedBatch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        return collate([self._item(self.first + index, place) for place in range(self.batch_size)])

    def _item(self, batch: int, place: int) -> Item:
        random = np.random.default_rng((self.seed, batch, place))
        return draw_item(self.pool, self.config, self.samples, random)
