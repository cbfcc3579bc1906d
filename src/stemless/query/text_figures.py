"""How near a distilled text tower is to its teacher, on texts that no training saw."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from stemless.query.text_corpus import Corpus
from stemless.query.text_targets import mean_states
from stemless.query.text_tower import TextTower

AMONG = 100
"""Labels of which one is the right one: about as many sounds as a test sets beside each other."""


@torch.no_grad()
def measure(
    tower: TextTower, teacher: TextTower, corpus: Corpus, held_targets: Tensor, called: str = "teacher"
) -> dict[str, float]:
    """The figures of a tower's card, by what they say.

    For phrases and for glosses: the mean cosine of vectors, and the correlation of all similarities
    between two texts; and the mean similarity of two different ones, near 0 in a good space. For wordings
    that no training saw, the shares of `found_labels`, beside those of the teacher with the same head. For
    labels, how near each is to where the teacher has it.

    Args:
        tower: as it is stored.
        teacher: whose head means nothing.
        corpus: with what is held out.
        held_targets: mean states of the teacher for the held-out phrases, then glosses [texts, width].
        called: what the figures call the teacher.
    """
    figures: dict[str, float] = {}
    parts = {"phrases": corpus.held_phrases, "glosses": corpus.held_glosses}
    targets = held_targets.split([len(texts) for texts in parts.values()])
    for (name, texts), target in zip(parts.items(), targets, strict=True):
        own = tower.vectors(mean_states(tower, texts, bf16=False))
        wanted = tower.vectors(target)
        pairs = torch.ones(len(texts), len(texts)).triu(1).bool()
        similar = torch.stack([(own @ own.T)[pairs], (wanted @ wanted.T)[pairs]])
        figures[f"{name}: cosine with the {called}"] = float((own * wanted).sum(dim=-1).mean())
        figures[f"{name}: correlation of similarities"] = float(torch.corrcoef(similar)[0, 1])
        figures[f"{name}: mean similarity of two"] = float(similar[0].mean())
    if not corpus.called:
        return {name: round(value, 4) for name, value in figures.items()}
    names = [called_so[0] for called_so in corpus.called]
    wordings = [wording for wording, _ in corpus.held_wordings]
    own, wanted = (
        tower.vectors(mean_states(model, [*names, *wordings], bf16=False)) for model in (tower, teacher)
    )
    near = (own * wanted).sum(dim=-1)[: len(names)]
    figures[f"labels: cosine with the {called}"] = float(near.mean())
    figures[f"labels: cosine with the {called}, lowest tenth below"] = float(near.quantile(0.1))
    if wordings:
        right = [sound for _, sound in corpus.held_wordings]
        for who, vectors in (("tower", own), (called, wanted)):
            first, first_ten, among = found_labels(vectors[: len(names)], vectors[len(names) :], right)
            figures[f"held-out wordings: label first of {AMONG}, {who}"] = among
            figures[f"held-out wordings: label first of {len(names)}, {who}"] = first
            figures[f"held-out wordings: label among the first 10, {who}"] = first_ten
    return {name: round(value, 4) for name, value in figures.items()}


def found_labels(labels: Tensor, wordings: Tensor, right: Sequence[int]) -> tuple[float, float, float]:
    """Shares of the wordings whose label comes first of all labels, among the first ten, and first of
    `AMONG` labels, the others drawn at random (the expectation over all draws).

    Args:
        labels: vectors [labels, dimension] of length 1.
        wordings: vectors [wordings, dimension] of length 1.
        right: number of each wording's label.
    """
    similar = wordings @ labels.T
    ahead = (similar > similar.gather(1, torch.tensor(right)[:, None])).sum(dim=1)
    others = len(labels) - 1
    chances = [chance_of_first(int(count), others, min(AMONG - 1, others)) for count in ahead]
    return (
        float((ahead < 1).float().mean()),
        float((ahead < 10).float().mean()),
        sum(chances) / len(chances),
    )


def chance_of_first(ahead: int, others: int, drawn: int) -> float:
    """The chance that none of those ahead is among so many that are drawn of the others.

    >>> chance_of_first(0, 10, 5), chance_of_first(1, 10, 5), chance_of_first(6, 10, 5)
    (1.0, 0.5, 0.0)
    """
    return math.comb(others - ahead, drawn) / math.comb(others, drawn)
