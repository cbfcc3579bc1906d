"""The losses of the joint embedding: clips against the words of all labels, and words against all clips."""

from __future__ import annotations

import torch
from torch import Tensor


def near_labels(vectors: Tensor, threshold: float) -> Tensor:
    """Which labels say nearly the same: neither is a wrong answer for the other.

    Args:
        vectors: [labels, dimension] of length 1.
        threshold: the cosine above which two labels are near.

    Returns:
        [labels, labels] bool, False on the diagonal.

    >>> near_labels(torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), 0.7).tolist()
    [[False, True, False], [True, False, False], [False, False, False]]
    """
    return (vectors @ vectors.T > threshold).fill_diagonal_(False)


def kinship(vectors: Tensor, temperature: float) -> Tensor:
    """What each label says of all: the softmax over labels of the similarities of their words.

    Args:
        vectors: [labels, dimension] of length 1.
        temperature: similarities are divided by it; the lower, the more each label stands for itself.

    Returns:
        [labels, labels], rows add up to 1.

    >>> kinship(torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]), 0.2)[0].mul(100).round().tolist()
    [73.0, 27.0, 0.0]
    """
    return (vectors @ vectors.T / temperature).softmax(-1)


def kindred_loss(similarity: Tensor, shares: Tensor, kin: Tensor, temperature: Tensor | float) -> Tensor:
    """Each clip is near to the labels that are in it, and to others as far as their words are alike: the
    mean over clips of the cross-entropy between shares @ kin and the softmax over labels of similarity /
    temperature, less its least value.

    A label that was never heard lies between others that were; `naming_loss` knows only right and wrong.

    Args:
        similarity: [clips, labels], cosines.
        shares: [clips, labels], rows add up to 1.
        kin: [labels, labels], as `kinship` finds it.

    Returns:
        a scalar, at least 0.
    """
    wanted = shares @ kin
    least = -(wanted * wanted.clamp_min(1e-12).log()).sum(1).mean()
    return -(wanted * (similarity / temperature).log_softmax(1)).sum(1).mean() - least


def naming_loss(similarity: Tensor, shares: Tensor, near: Tensor, temperature: Tensor | float) -> Tensor:
    """Each clip is nearest to the labels that are in it: the mean over clips of

        - sum_l share_l log (exp(s_l) / sum_j exp(s_j)),

    where s = similarity / temperature and j runs over the labels but those near to one in the clip.

    Args:
        similarity: [clips, labels], cosines.
        shares: [clips, labels], rows add up to 1.
        near: [labels, labels] bool, as `near_labels` finds them.

    Returns:
        a scalar.
    """
    logits = similarity / temperature
    present = shares > 0
    forgiven = (present.to(logits.dtype) @ near.to(logits.dtype) > 0) & ~present
    logits = logits.masked_fill(forgiven, -torch.inf)
    logarithms = logits.log_softmax(1).masked_fill(~present, 0.0)
    return -(shares * logarithms).sum(1).mean()


def finding_loss(similarity: Tensor, shares: Tensor, near: Tensor, temperature: Tensor | float) -> Tensor:
    """Each label of the batch is nearest to the clips that it is in: the other direction of `naming_loss`.

    The mean over the labels in the batch of - sum_c share_c log (exp(s_c) / sum_j exp(s_j)), where the shares
    of a label add up to 1 over clips, and j runs over the clips but those with a near label and without it.
    """
    here = shares.sum(0) > 0
    logits = similarity[:, here] / temperature
    present = shares[:, here] > 0
    forgiven = ((shares > 0).to(logits.dtype) @ near[:, here].to(logits.dtype) > 0) & ~present
    logits = logits.masked_fill(forgiven, -torch.inf)
    logarithms = logits.log_softmax(0).masked_fill(~present, 0.0)
    parts = shares[:, here] / shares[:, here].sum(0)
    return -(parts * logarithms).sum(0).mean()
