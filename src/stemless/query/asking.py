"""Prompts of training: a source by label, by caption, as others say it, or in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stemless.query.recordings import normalised_phrase

TEMPLATES = (
    "the sound of {}",
    "sound of {}",
    "{} in the background",
    "a recording of {}",
    "someone recorded {}",
    "there is {}",
    "I can hear {}",
    "{} sound",
    "only {}",
)


@dataclass(frozen=True)
class AskingConfig:
    """How often a source is asked for in which words; the first three count among each other.

    Attributes:
        label: as the manifest names it.
        caption: as the caption of its recording does, where that is of this source alone.
        wording: as `wordings` has it, where the label is there.
        template: share of prompts, of whatever words, that stand in a sentence such as "the sound of ...".
    """

    label: float = 1.0
    caption: float = 0.0
    wording: float = 0.0
    template: float = 0.0

    def __post_init__(self) -> None:
        if min(self.label, self.caption, self.wording) < 0 or self.label + self.caption <= 0:
            raise ValueError("label, caption and wording are at least 0, and label or caption above")
        if not 0 <= self.template <= 1:
            raise ValueError("template is a share of 0 to 1")


class Asking:
    """Words for sources, drawn at random.

    Args:
        wordings: other words for labels, by `normalised_phrase`.
    """

    def __init__(
        self, config: AskingConfig | None = None, wordings: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.config = config or AskingConfig()
        self.wordings = wordings or {}

    def words(self, label: str, random: np.random.Generator, caption: str = "") -> str:
        """Words for one source.

        Args:
            label: its name.
            caption: of a recording of it and of nothing else; empty when there is none.
        """
        others = self.wordings.get(normalised_phrase(label), ())
        config = self.config
        shares = (config.label, bool(caption) * config.caption, bool(others) * config.wording)
        drawn = random.uniform(0, sum(shares))
        if drawn < shares[0] or not sum(shares):
            return label
        if drawn < shares[0] + shares[1] or not others:
            return caption or label
        return str(others[int(random.integers(len(others)))])

    def sentence(self, words: str, random: np.random.Generator) -> str:
        """The words, in some share of the cases in a sentence."""
        if random.random() >= self.config.template:
            return words
        return TEMPLATES[int(random.integers(len(TEMPLATES)))].format(words)
