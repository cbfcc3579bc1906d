"""Masks of one call share the mixture: what is asked for, what is asked away, and the rest."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Rule = Literal["limit", "odds"]


def shared_masks(
    masks: Tensor, valid: Tensor | None = None, *, rule: Rule = "limit", with_rest: bool = False
) -> Tensor:
    """Normalise the masks of several prompts so that they sum to at most one everywhere.

    "limit" divides where the sum is above one and leaves the rest alone: masks that leave room keep it.
    "odds" turns each mask m into m / (1 - m) beside a rest of 1 and divides by the sum, the softmax of the
    logits with a rest of logit 0: it always gives something to the rest, and makes a prompt that is surer
    take more. Either leaves a single prompt as it is.

    Args:
        masks: [batch, prompts, bins, frames] in [0, 1].
        valid: [batch, prompts] bool, False for a missing prompt, whose mask becomes zero and takes nothing.
        rule: how.
        with_rest: put after the prompts what they leave, 1 - sum.

    Returns:
        [batch, prompts (+ 1), bins, frames] in [0, 1].

    >>> two = torch.tensor([0.9, 0.9]).reshape(1, 2, 1, 1)
    >>> shared_masks(two, with_rest=True).flatten().tolist()
    [0.5, 0.5, 0.0]
    >>> shared_masks(two, rule="odds", with_rest=True).flatten().mul(19).round().tolist()
    [9.0, 9.0, 1.0]
    """
    if rule not in ("limit", "odds"):
        raise ValueError(f'rule must be "limit" or "odds", not {rule!r}')
    if valid is not None:
        masks = masks.masked_fill(~valid[:, :, None, None], 0.0)
    if rule == "limit":
        shares = masks / masks.sum(1, keepdim=True).clamp_min(1.0)
    else:
        # A mask that rounds to one has no odds; the bound is where single precision ends.
        odds = masks / (1 - masks).clamp_min_(1e-7)
        shares = odds.div_(1 + odds.sum(1, keepdim=True))
    if not with_rest:
        return shares
    rest = (1 - shares.sum(1, keepdim=True)).clamp_min(0.0)
    return torch.cat((shares, rest), dim=1)
