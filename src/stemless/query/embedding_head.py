"""The last layer of the audio tower, fitted once more in closed form when the tower has learned.

Gradient descent ends with a head that tells the labels of training apart; what it does with a sound that has
no label there is chance. The least squares from what the tower hears to the words of all labels, with a
ridge, keep to directions that many labels share, so that sounds with names never heard come nearer to them
(as in Romera-Paredes and Torr, "An embarrassingly simple approach to zero-shot learning", ICML 2015, without
their second ridge). The mean of both is kept. It takes labels by the hundred: what all of them share is taken
away, which of a few is most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from stemless.errors import StemlessError
from stemless.query.audio_tower import AudioTower
from stemless.query.embedding_data import LabelledRecordings

AT_ONCE = 16
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class HeadConfig:
    """How the head is fitted.

    Attributes:
        share: of what is fitted, beside 1 of what was learned; 0 leaves the head as it was learned. For
            recordings of a hundred labels and more.
        ridge: of the fit, where each feature has a variance of 1.
        stretches: of each recording that are heard.
    """

    share: float = 0.0
    ridge: float = 1.0
    stretches: int = 2

    def __post_init__(self) -> None:
        if self.share < 0 or self.ridge <= 0 or self.stretches < 1:
            raise ValueError("share is at least 0, ridge above 0, stretches at least 1")


@torch.no_grad()
def refit_head(
    tower: AudioTower,
    recordings: LabelledRecordings,
    words: Tensor,
    config: HeadConfig,
    *,
    clip_seconds: float,
    seed: int,
    on_progress: Progress | None = None,
) -> None:
    """Fit the head of a tower to recordings it has learned from, and put the mean of both in its place.

    Args:
        tower: in evaluation mode.
        recordings: each counts as often as training draws it.
        words: the vectors of their labels, [labels, dimension] of length 1.
        clip_seconds: length of the stretches that are heard.
        on_progress: called with the recordings heard, and how many there are.

    Raises:
        StemlessError: none of the recordings can be read.
    """
    heard, wanted, weights = [], [], []
    for numbers, clips in _clips(recordings, config, clip_seconds, seed):
        heard.append(tower.pooled(tower.features(clips)).double())
        wanted += [words[list(recordings.named[number])].mean(0) for number in numbers]
        weights += [recordings.shares[number] for number in numbers]
        if on_progress:
            on_progress(numbers[-1] + 1, len(recordings.recordings))
    if not heard:
        raise StemlessError("no recording can be read, or holds sound: look at the manifests")
    features, weight = torch.cat(heard), torch.tensor(weights, dtype=torch.float64)
    weight = weight / weight.sum()
    fitted = ridge_head(features, torch.stack(wanted).double(), weight, config.ridge)
    _blend(tower.head, fitted, features, weight, config.share)


def ridge_head(features: Tensor, wanted: Tensor, weight: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """The linear layer of least weighted squares, with a ridge on features of unit variance.

    Args:
        features: [clips, inputs]; wanted: [clips, outputs]; both float64.
        weight: [clips], adding up to 1.

    Returns:
        weight [outputs, inputs] and bias [outputs] of the layer, whose mean output is 0: a direction that all
        wanted vectors share says nothing.
    """
    middle = weight @ features
    deviation = (weight @ (features - middle).square()).sqrt().clamp_min(1e-4)
    scaled = (features - middle) / deviation
    aimed = wanted - weight @ wanted
    weighted = (scaled * weight[:, None]).T
    gram = weighted @ scaled
    solved = torch.linalg.solve(gram + ridge * torch.eye(len(gram), dtype=gram.dtype), weighted @ aimed)
    layer = (solved / deviation[:, None]).T
    return layer, -layer @ middle


def _blend(
    head: nn.Linear, fitted: tuple[Tensor, Tensor], features: Tensor, weight: Tensor, share: float
) -> None:
    """The sum of two layers, each at a mean length of outputs of 1."""
    layers = [(head.weight.double(), head.bias.double()), fitted]
    lengths = [weight @ (features @ layer.T + bias).norm(dim=1) for layer, bias in layers]
    scales = [1 / lengths[0], share / lengths[1].clamp_min(1e-12)]
    for mine, (old, new) in zip((head.weight, head.bias), zip(*layers, strict=True), strict=True):
        mine.copy_(scales[0] * old + scales[1] * new)


def _clips(
    recordings: LabelledRecordings, config: HeadConfig, clip_seconds: float, seed: int
) -> Iterator[tuple[list[int], Tensor]]:
    """Stretches of all recordings, a few at a time: numbers of the recordings, and [clips, time]."""
    random = np.random.default_rng(seed)
    samples = round(clip_seconds * recordings.pool.sample_rate)
    numbers: list[int] = []
    clips: list[Tensor] = []
    for number in range(len(recordings.recordings)):
        for _ in range(config.stretches):
            clip = recordings.pool.stretch(number, samples, random)
            if clip is not None:
                numbers.append(number)
                clips.append(clip)
        if numbers and (len(clips) >= AT_ONCE or number == len(recordings.recordings) - 1):
            yield numbers, torch.stack(clips)
            numbers, clips = [], []
