"""Items of training, one by one and as a batch.

An item is the sum of N parts, which are mixtures with a caption each; `mixing` draws them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from stemless.query.recordings import normalised_phrase


@dataclass(frozen=True)
class Item:
    """A mixture of mixtures.

    Attributes:
        parts: [N, time]; their sum is the mixture.
        captions: one a part.
        phrases: of each part, each once.
        contrasted: of each part, the positions of the phrases that are contrasted.
        labels: of each part, what its phrases stand for, where they are worded otherwise; else the phrases.
        absent: prompts for what is in no part.
    """

    parts: Tensor
    captions: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...]
    contrasted: tuple[frozenset[int], ...]
    labels: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = ()


class MixedBatch(NamedTuple):
    """Items as one batch of prompts: item by item, the captions of its parts, then all
    phrases, then what is not there.

    N and K may differ from item to item; nothing is padded. Numbers of items, parts and prompts are
    positions along the first dimension of what they count.

    Attributes:
        mixtures: [items, time].
        parts: [parts, time]; those of an item add up to its mixture.
        item_of_part: [parts].
        prompts: all N * (1 + K) of all items, and the absent ones.
        item_of_prompt: [prompts], rising.
        prompt_of_part: [parts], where the caption of each part is.
        prompt_of_phrase: [phrases].
        part_of_phrase: [phrases].
        contrasted: [phrases] bool.
        phrase_ids: [phrases], equal for phrases that stand for the same.
        slot_of_phrase: [phrases], its part's number within the item.
        prompt_of_absent: [absent prompts].
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
    prompt_of_absent: Tensor


def phrase_id(phrase: str) -> int:
    """A number of 64 bits, signed, the same on every machine and in every process.

    >>> phrase_id("Dog barking") == phrase_id("dog  barking"), phrase_id("dog") == phrase_id("rain")
    (True, False)
    """
    digest = hashlib.blake2b(normalised_phrase(phrase).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def collate(items: Sequence[Item]) -> MixedBatch:
    """Items, at least one and of one length, as a batch."""
    prompts: list[str] = []
    item_of_part: list[int] = []
    item_of_prompt: list[int] = []
    prompt_of_part, prompt_of_phrase, part_of_phrase, contrasted, slot_of_phrase = [], [], [], [], []
    prompt_of_absent: list[int] = []
    labels: list[str] = []
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
            labels += item.labels[slot] if item.labels else phrases
        prompt_of_absent += range(len(prompts), len(prompts) + len(item.absent))
        prompts += item.absent
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
        phrase_ids=_numbers([phrase_id(label) for label in labels]),
        slot_of_phrase=_numbers(slot_of_phrase),
        prompt_of_absent=_numbers(prompt_of_absent),
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
