"""The losses of Mahmud et al. (ICLR 2024, arXiv 2404.01740), one function each.

Notation: X = |STFT(M)| of a mixture of mixtures M = sum_i M_i, X_i = |STFT(M_i)|, Y(T) = X * mask(T) the
estimate for text T, which is T_i for all of M_i and T_i^k for its k-th single source.

A batch is flat, as `collation.MixedBatch` lays it out: all parts M_i of all items below each other, with the
number of the item that each belongs to, and all phrases T_i^k with the number of their part. So N and K may
differ from item to item. Magnitudes are [examples, bins, frames]; a loss is the mean over items of the sum
over an item's parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

LOWEST_WEIGHT = 1e-3
HIGHEST_WEIGHT = 10.0
# A mask of one half, which says nothing, then costs about as much as in the weighted L1.
SQUARED_SCALE = 4.0

Error = Literal["l1", "squared"]


def weight(magnitude: Tensor) -> Tensor:
    """w(A) = clamp(log1p(A), 1e-3, 10): loud bins count more, silent ones still count.

    Args:
        magnitude: [*], at least 0.

    >>> weight(torch.tensor([0.0, 1.0, 1e9]))
    tensor([1.0000e-03, 6.9315e-01, 1.0000e+01])
    """
    return magnitude.log1p().clamp(LOWEST_WEIGHT, HIGHEST_WEIGHT)


def weighted_l1(estimates: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """wL1(Y, Z; w) = mean over bins and frames of w |Y - Z|, for each example.

    Args:
        estimates, targets, weights: [*, bins, frames].

    Returns:
        [*].
    """
    return (weights * (estimates - targets).abs()).mean((-2, -1))


def squared_error(estimates: Tensor, targets: Tensor, references: Tensor) -> Tensor:
    """Mean of (Y - Z)^2 over bins and frames, as a share of that of the reference, for each example; times 4.

    Where a network is unsure between there and not there, the least L1 is one of the two and the least
    square between them: squares are gentle, and an L1 that knows nothing yet falls silent.

    Args:
        estimates, targets, references: [*, bins, frames].

    Returns:
        [*].

    >>> one = torch.ones(1, 2, 2)
    >>> squared_error(0.5 * one, one, one)
    tensor([1.])
    """
    energy = references.square().mean((-2, -1)).clamp_min(1e-12)
    return SQUARED_SCALE * (estimates - targets).square().mean((-2, -1)) / energy


def error(estimates: Tensor, targets: Tensor, references: Tensor, kind: Error) -> Tensor:
    """wL1(Y, Z; w(A)) as in the paper, or `squared_error`, with the reference A: [*, bins, frames] -> [*]."""
    if kind == "squared":
        return squared_error(estimates, targets, references)
    return weighted_l1(estimates, targets, weight(references))


def unsupervised_loss(
    estimates: Tensor, targets: Tensor, mixtures: Tensor, item_of_part: Tensor, *, kind: Error = "l1"
) -> Tensor:
    """Mix-and-separate: L_URL = sum_i wL1(Y(T_i), X_i; w(X)), mean over items.

    Args:
        estimates: [parts, bins, frames], Y(T_i) of every part.
        targets: [parts, bins, frames], X_i.
        mixtures: [items, bins, frames], X.
        item_of_part: [parts], integers: whose mixture each part is in.
        kind: "l1" as above, or `squared_error` in its place.

    Returns:
        a scalar.
    """
    losses = error(estimates, targets, mixtures[item_of_part], kind)
    return losses.sum() / len(mixtures)


def supervised_loss(
    estimates: Tensor, targets: Tensor, mixtures: Tensor, item_of_part: Tensor, *, kind: Error = "l1"
) -> Tensor:
    """L_SRL: `unsupervised_loss` where every part is a single source (K = 1). Shapes as there."""
    return unsupervised_loss(estimates, targets, mixtures, item_of_part, kind=kind)


def consistency_loss(
    estimates: Tensor,
    part_of_phrase: Tensor,
    targets: Tensor,
    *,
    items: int,
    mask: Tensor | None = None,
    kind: Error = "l1",
) -> Tensor:
    """The sources of a part add up to it: L_CRL = sum_i wL1(sum_k Y(T_i^k), X_i; w(X_i)), mean over items.

    Every phrase of a part has to be there, however many, or the target is wrong. A part that has no phrase
    is left out: nothing was asked that could add up to it.

    Args:
        estimates: [phrases, bins, frames], Y(T_i^k).
        part_of_phrase: [phrases], integers: the part that each phrase is of.
        targets: [parts, bins, frames], X_i.
        items: mixtures of mixtures in the batch.
        mask: [phrases] bool, False where a phrase is missing; None when all are there.
        kind: "l1" as above, or `squared_error` in its place.

    Returns:
        a scalar, 0 when there is no phrase at all.
    """
    if mask is not None:
        estimates, part_of_phrase = estimates[mask], part_of_phrase[mask]
    sums = torch.zeros_like(targets, dtype=estimates.dtype).index_add(0, part_of_phrase, estimates)
    described = torch.zeros(len(targets), dtype=torch.bool, device=targets.device)
    described[part_of_phrase] = True
    losses = error(sums[described], targets[described], targets[described], kind)
    return losses.sum() / items


def absent_loss(estimates: Tensor, mixtures: Tensor, item_of_absent: Tensor, *, kind: Error = "l1") -> Tensor:
    """What is asked for and not there is silence: sum over prompts of wL1(Y, 0; w(X)), mean over items.

    Args:
        estimates: [absent prompts, bins, frames].
        mixtures: [items, bins, frames], X.
        item_of_absent: [absent prompts], integers: whose mixture each was asked of.
        kind: "l1" as above, or `squared_error` in its place.

    Returns:
        a scalar, 0 when nothing absent was asked for.
    """
    losses = error(estimates, torch.zeros_like(estimates), mixtures[item_of_absent], kind)
    return losses.sum() / len(mixtures)


def contrastive_loss(
    audio: Tensor,
    text: Tensor,
    phrase_ids: Tensor,
    temperature: float | Tensor,
    *,
    mask: Tensor | None = None,
    one_way: bool = False,
    slots: Tensor | None = None,
    gather: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Each estimate is nearest to its own phrase, and the other way round: L_CNT, the bi-modal contrast.

    With s_ij = audio_i . text_j / temperature over all n pairs,

        L_CNT = - 1/(2 n) sum_i log exp(s_ii) / sum_j exp(s_ij) + log exp(s_ii) / sum_j exp(s_ji),

    where j runs over i and the pairs whose phrase is another one than that of i.

    Args:
        audio: [pairs, dimension], the audio vectors of the estimates Y(T_i^k), of length 1.
        text: [pairs, dimension], the text vectors of their phrases T_i^k, of length 1.
        phrase_ids: [pairs], integers that are equal for equal phrases (`collation.phrase_id`).
        temperature: above 0, that of the embedding.
        mask: [pairs] bool, False where a pair is missing; None when all are there.
        one_way: audio against texts alone, as in the authors' code.
        slots: [pairs], integers; pairs are compared within equal ones alone. The authors' code compares
            within one mixture slot of one process; None compares all with all.
        gather: joins a tensor [pairs, ...] of this process with those of all others, in the same order
            everywhere, [processes * pairs, ...]; each brings as many pairs, masked where it has fewer.
            Every process then has the loss over all pairs, so the backward pass of `gather` has to add up
            the gradients of all processes, and that of the network to average them, as DDP does: in
            Lightning, `self.all_gather(tensor, sync_grads=tensor.requires_grad).flatten(0, 1)`.

    Returns:
        a scalar, 0 when no pair is there.
    """
    if mask is None:
        mask = torch.ones_like(phrase_ids, dtype=torch.bool)
    if gather is not None:
        audio, text, phrase_ids, mask = gather(audio), gather(text), gather(phrase_ids), gather(mask)
        slots = None if slots is None else gather(slots)
    audio, text, phrase_ids = audio[mask], text[mask], phrase_ids[mask]
    if not len(audio):
        return audio.sum()
    compared = phrase_ids[:, None] != phrase_ids
    if slots is not None:
        compared &= slots[mask][:, None] == slots[mask]
    compared.fill_diagonal_(True)
    # A temperature of 0.01 turns the rounding of half precision into errors of a whole logit.
    with torch.autocast(audio.device.type, enabled=False):
        dtype = torch.promote_types(audio.dtype, torch.float32)
        logits = audio.to(dtype) @ text.to(dtype).T / temperature
    logits = logits.masked_fill(~compared, -torch.inf)
    to_text = -logits.log_softmax(1).diagonal().mean()
    if one_way:
        return to_text
    return (to_text - logits.log_softmax(0).diagonal().mean()) / 2


@dataclass(frozen=True)
class LossScales:
    """What each loss counts: alpha, beta, gamma of the weak total, lambda_s and lambda_u around it; and the
    loss of absent prompts beside them all.
    """

    contrastive: float = 0.1
    consistency: float = 1.0
    unsupervised: float = 1.0
    supervised: float = 1.0
    weak: float = 1.0
    absent: float = 1.0

    def __post_init__(self) -> None:
        if min(vars(self).values()) < 0:
            raise ValueError("scales of losses are at least 0")


def weak_loss(
    contrastive: Tensor, consistency: Tensor, unsupervised: Tensor, scales: LossScales | None = None
) -> Tensor:
    """L_TWL = alpha L_CNT + beta L_CRL + gamma L_URL, 0.1 : 1 : 1 in the paper.

    >>> weak_loss(torch.tensor(10.0), torch.tensor(2.0), torch.tensor(3.0))
    tensor(6.)
    """
    scales = scales or LossScales()
    return (
        scales.contrastive * contrastive
        + scales.consistency * consistency
        + scales.unsupervised * unsupervised
    )


def semi_supervised_loss(supervised: Tensor, weak: Tensor, scales: LossScales | None = None) -> Tensor:
    """lambda_s L_SRL + lambda_u L_TWL, for items of single sources beside items of mixtures.

    >>> semi_supervised_loss(torch.tensor(2.0), torch.tensor(3.0), LossScales(supervised=0.5, weak=2))
    tensor(7.)
    """
    scales = scales or LossScales()
    return scales.supervised * supervised + scales.weak * weak
