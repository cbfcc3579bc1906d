"""The head of the text tower: from the mean state of a sentence model to a vector in which sounds differ.

Sentence models put all short phrases about sounds into a narrow cone, and "the sound of a dog" beside "the
sound of rain". The head takes away what they share, and shrinks the directions in which the ways of asking
for one sound differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class HeadConfig:
    """How the head is fitted.

    Attributes:
        phrases: about sounds, whose spread counts.
        asked_phrases: of which each is asked for in several ways.
        spread_weight: of the spread of phrases, in what is divided by; that of the ways to ask has weight 1.
        shrinkage: weight of the same variance in every direction, there too; more is gentler.
    """

    phrases: int = 6000
    asked_phrases: int = 600
    spread_weight: float = 0.03
    shrinkage: float = 3.0


def fit_head(phrases: Tensor, asked: Tensor, dimension: int, config: HeadConfig) -> tuple[Tensor, Tensor]:
    """Weight [dimension, width] and bias [dimension] of a linear head.

    The phrases are centred, then whitened by a sum of covariances, each divided by its trace: that of the
    ways to ask for one thing (within-class covariance normalisation, Hatch and Stolcke, ICASSP 2006), that
    of phrases, and a multiple of the identity; of what results, the principal directions are kept.

    Args:
        phrases: states [phrases, width] of different phrases.
        asked: states [things, ways, width] of things asked for in several ways.
        dimension: at most width.

    Raises:
        ValueError: the dimension is more than the width.
    """
    width = phrases.shape[-1]
    if dimension > width:
        raise ValueError(f"a head from {width} to {dimension} would make up directions")
    phrases, asked = phrases.double(), asked.double()
    centre = phrases.mean(dim=0)
    within = covariance((asked - asked.mean(dim=1, keepdim=True)).flatten(0, 1))
    spread = covariance(phrases - centre)
    shared = within / within.trace().clamp_min(1e-12)
    shared = shared + config.spread_weight * spread / spread.trace().clamp_min(1e-12)
    shared = shared + config.shrinkage * torch.eye(width, dtype=torch.float64) / width
    values, directions = torch.linalg.eigh(shared)
    whitening = (directions * values.rsqrt()) @ directions.T
    between = covariance((asked.mean(dim=1) - centre) @ whitening) + covariance(
        (phrases - centre) @ whitening
    )
    weight = _principal(between, dimension) @ whitening
    return weight.float(), (-weight @ centre).float()


def covariance(centred: Tensor) -> Tensor:
    """[examples, width], mean already taken away -> [width, width]."""
    return centred.T @ centred / max(1, len(centred))


def _principal(matrix: Tensor, dimension: int) -> Tensor:
    """Directions of the largest variance [dimension, width], the largest entry of each above zero."""
    directions = torch.linalg.eigh(matrix).eigenvectors.flip(1)[:, :dimension].T
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    signed: Tensor = directions * largest.sign()
    return signed
