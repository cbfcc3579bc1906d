"""How sharp the masks of a prompt may be: where a network is less sure than they look, they give a share.

Trained masks are too sure of themselves, the more so the less a prompt resembles what training asked for, and
what is wrong costs more than what is right brings. Their odds are taken to a power below one, as classifiers
are calibrated by a temperature (Guo et al., "On calibration of modern neural networks", ICML 2017): here one
that falls with the distance of the prompt from the nearest name of training.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

LEAST_FAMILIARITY: Final = 0.3


def familiarity(prompts: Tensor, known: Tensor | None) -> Tensor:
    """How near each prompt is to what training asked for.

    Args:
        prompts: unit vectors [prompts, dimension].
        known: those of the names of training [names, dimension]; None where they were not kept.

    Returns:
        [prompts] the cosine to the nearest name, from `LEAST_FAMILIARITY` to 1; 1 where no name is known.

    >>> known = torch.eye(3)[:2]
    >>> familiarity(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8], [0.0, 0.0, 1.0]]), known).tolist()
    [1.0, 0.6000000238418579, 0.30000001192092896]
    """
    if known is None or not len(known):
        return torch.ones(len(prompts), device=prompts.device)
    return (prompts @ known.T).amax(-1).clamp(LEAST_FAMILIARITY, 1.0)


def sharpened_(masks: Tensor, sharpness: Tensor) -> Tensor:
    """Take the odds of masks to a power, in place: m**s / (m**s + (1 - m)**s).

    Args:
        masks: [..., prompts, bins, frames] in [0, 1]; what is 0, 1/2 or 1 stays.
        sharpness: [prompts], above 0; below 1 masks come nearer to 1/2.

    Returns:
        the masks.

    >>> sharpened_(torch.tensor([[[0.0, 0.2, 0.5, 0.8, 1.0]]]), torch.tensor([0.5]))
    tensor([[[0.0000, 0.3333, 0.5000, 0.6667, 1.0000]]])
    """
    return torch.logit(masks, out=masks).mul_(sharpness[:, None, None]).sigmoid_()
