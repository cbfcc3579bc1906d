"""How near a distilled text tower is to its teacher, on texts that no training saw."""

from __future__ import annotations

import torch
from torch import Tensor

from stemless.query.text_corpus import Corpus
from stemless.query.text_targets import mean_states
from stemless.query.text_tower import TextTower


@torch.no_grad()
def measure(tower: TextTower, teacher: TextTower, corpus: Corpus, held_targets: Tensor) -> dict[str, float]:
    """The figures of a tower's card, by what they say.

    For phrases and for glosses: the mean cosine of vectors, and the correlation of all similarities
    between two texts; and the mean similarity of two different ones, near 0 in a good space. For wordings
    that no training saw, the shares of `found_labels`, beside those of the teacher with the same head.

    Args:
        tower: as it is stored.
        teacher: whose head means nothing.
        corpus: with what is held out.
        held_targets: mean states of the teacher for the held-out phrases, then glosses [texts, width].
    """
    figures: dict[str, float] = {}
    parts = {"phrases": corpus.held_phrases, "glosses": corpus.held_glosses}
    targets = held_targets.split([len(texts) for texts in parts.values()])
    for (name, texts), target in zip(parts.items(), targets, strict=True):
        own = tower.vectors(mean_states(tower, texts, bf16=False))
        wanted = tower.vectors(target)
        pairs = torch.ones(len(texts), len(texts)).triu(1).bool()
        similar = torch.stack([(own @ own.T)[pairs], (wanted @ wanted.T)[pairs]])
        figures[f"{name}: cosine with the teacher"] = float((own * wanted).sum(dim=-1).mean())
        figures[f"{name}: correlation of similarities"] = float(torch.corrcoef(similar)[0, 1])
        figures[f"{name}: mean similarity of two"] = float(similar[0].mean())
    if corpus.held_wordings:
        for who, model in (("tower", tower), ("teacher", teacher)):
            first, near = found_labels(model, tower, corpus)
            figures[f"held-out wordings: label first of {len(corpus.called)}, {who}"] = first
            figures[f"held-out wordings: label among the first 10, {who}"] = near
    return {name: round(value, 4) for name, value in figures.items()}


@torch.no_grad()
def found_labels(model: TextTower, headed: TextTower, corpus: Corpus) -> tuple[float, float]:
    """Shares of the held-out wordings whose label comes first of all labels, and among the first ten.

    Args:
        model: reads the texts.
        headed: its head makes vectors of what was read.
        corpus: with wordings that are held out.
    """
    labels = mean_states(model, [called[0] for called in corpus.called], bf16=False)
    wordings = mean_states(model, [wording for wording, _ in corpus.held_wordings], bf16=False)
    similar = headed.vectors(wordings) @ headed.vectors(labels).T
    right = similar.gather(1, torch.tensor([[sound] for _, sound in corpus.held_wordings]))
    ahead = (similar > right).sum(dim=1)
    return float((ahead < 1).float().mean()), float((ahead < 10).float().mean())
