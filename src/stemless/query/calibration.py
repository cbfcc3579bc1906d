"""Presence as a probability: the logistic regression of `presence`, fitted to mixtures of known content.

A prompt's sound may pause, so that not every stretch of a recording that holds it does. As in the report, a
recording is judged by the stretch that is surest: it is chosen with the weights at hand, these are fitted to
what was chosen, and so on (multiple-instance learning; Andrews et al., "Support vector machines for
multiple-instance learning", NIPS 2002, with another classifier).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.query.presence import PresenceConfig
from stemless.query.separator import QuerySeparator

ROUNDS = 5
RIDGE = 1e-2
NEWTON_STEPS = 50
# The gate may close half-way for so many of the sounds that are there, and no later than `HIGHEST_GATE`.
LOST_SHARE = 0.03
LOWEST_GATE, HIGHEST_GATE = 0.02, 0.3


@dataclass(frozen=True)
class Example:
    """A recording and what may be asked of it.

    audio: [time], mono, at the rate of the separator. there: prompts for what it holds. absent: for what it
    does not.
    """

    audio: Tensor
    there: tuple[str, ...]
    absent: tuple[str, ...]


def calibrate(measures: Sequence[Tensor], labels: Sequence[bool]) -> tuple[tuple[float, ...], float]:
    """Weights and bias of the presence of a prompt.

    Args:
        measures: of each prompt and recording [stretches, measures], at least one stretch.
        labels: whether the recording holds it.

    Raises:
        StemlessError: all labels are the same.
    """
    there = torch.tensor(list(labels))
    if not bool(there.any()) or bool(there.all()):
        raise StemlessError("presence is learned from prompts that are there and from others: give both")
    start = PresenceConfig()
    weights, bias = torch.tensor(start.weights, dtype=torch.float64), start.bias
    for _ in range(ROUNDS):
        chosen = torch.stack([each[(each.double() @ weights).argmax()] for each in measures]).double()
        weights, bias = fit_logistic(chosen, there)
    return tuple(round(float(weight), 6) for weight in weights), round(bias, 6)


def fit_logistic(features: Tensor, labels: Tensor) -> tuple[Tensor, float]:
    """Logistic regression by Newton's method, both classes counted alike, with a little ridge.

    Args:
        features: [examples, features] float64.
        labels: [examples] bool, some of either.

    Returns:
        [features] and the bias.

    >>> features = torch.tensor([[0.0], [1.0], [2.0], [3.0]], dtype=torch.float64)
    >>> weights, bias = fit_logistic(features, torch.tensor([False, True, False, True]))
    >>> round(float(weights[0]), 1), round(bias, 1)
    (0.8, -1.3)
    """
    mean, deviation = features.mean(0), features.std(0).clamp_min(1e-6)
    known = torch.cat(((features - mean) / deviation, torch.ones_like(features[:, :1])), dim=1)
    target = labels.to(known)
    counts = torch.where(labels, 0.5 / target.sum(), 0.5 / (1 - target).sum())
    ridge = RIDGE * torch.eye(known.shape[1], dtype=known.dtype)
    ridge[-1, -1] = 0
    solution = torch.zeros(known.shape[1], dtype=known.dtype)
    for _ in range(NEWTON_STEPS):
        chance = torch.sigmoid(known @ solution)
        slope = known.T @ (counts * (chance - target)) + ridge @ solution
        curvature = (known * (counts * chance * (1 - chance))[:, None]).T @ known + ridge
        step = torch.linalg.solve(curvature + 1e-9 * torch.eye(len(curvature), dtype=known.dtype), slope)
        # Far from the solution whole steps may overshoot.
        solution = solution - step * min(1.0, 3.0 / float(step.norm().clamp_min(1e-12)))
        if float(step.norm()) < 1e-9:
            break
    weights = solution[:-1] / deviation
    return weights, float(solution[-1] - weights @ mean)


def calibrated(separator: QuerySeparator, examples: Iterable[Example]) -> PresenceConfig:
    """How presence is to be told with this separator: what it has, with new weights and gate."""
    measures, labels = measured(separator, examples)
    weights, bias = calibrate(measures, labels)
    config = dataclasses.replace(separator.settings.presence, weights=weights, bias=bias)
    surest = torch.stack([config.presence(each).amax() for each in measures])
    lost = float(surest[torch.tensor(labels)].quantile(LOST_SHARE))
    return dataclasses.replace(config, gate_threshold=round(min(max(lost, LOWEST_GATE), HIGHEST_GATE), 4))


def measured(separator: QuerySeparator, examples: Iterable[Example]) -> tuple[list[Tensor], list[bool]]:
    """Measures of prompts and whether they are there, as `calibrate` takes them.

    Each prompt is asked by itself, and all that is there together with each absent one. Prompts of which
    nothing is heard are left out: nothing has to be learned of them.
    """
    measures: list[Tensor] = []
    labels: list[bool] = []
    for example in examples:
        prompts = (*example.there, *example.absent)
        present = list(range(len(example.there)))
        calls = [[number] for number in range(len(prompts))]
        calls += [[*present, number] for number in range(len(present), len(prompts))]
        for call, judged in zip(calls, separator.examine(example.audio, prompts, calls), strict=True):
            for number, values, audible in zip(call, judged.measures, judged.audible, strict=True):
                if bool(audible.any()):
                    measures.append(values[audible].cpu())
                    labels.append(number < len(present))
    return measures, labels


def area_under_curve(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """The chance that something that is there scores above something that is not (area under the ROC curve).

    >>> area_under_curve([0.9, 0.4, 0.5, 0.1], [True, True, False, False])
    0.75
    """
    pairs = [
        (there > absent) + 0.5 * (there == absent)
        for there, label in zip(scores, labels, strict=True)
        if label
        for absent, other in zip(scores, labels, strict=True)
        if not other
    ]
    return sum(pairs) / len(pairs)
