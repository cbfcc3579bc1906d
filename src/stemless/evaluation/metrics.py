"""Scale-invariant signal-to-distortion ratio (SI-SDR) of Le Roux et al., "SDR - half-baked or well done?",
ICASSP 2019.

Signals are [*, time] at any scale; scores come back as [*] in dB. What happens to silence, NaN and perfect
estimates is said in `stemless.evaluation`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from stemless.evaluation import CEILING_DB, FLOOR_DB, SILENCE_LEVEL_DB, Status


def ratio_db(signal_energy: Tensor, error_energy: Tensor) -> Tensor:
    """Energy ratio in dB, held between `FLOOR_DB` and `CEILING_DB`; no signal is the floor.

    >>> ratio_db(torch.tensor([10.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 0.0])).tolist()
    [10.0, 120.0, -80.0]
    """
    tiny = torch.finfo(torch.float64).tiny
    signal, error = signal_energy.double(), error_energy.double()
    decibels = 10.0 * (signal.clamp_min(tiny).log10() - error.clamp_min(tiny).log10())
    return torch.where(signal > 0, decibels, FLOOR_DB).clamp(FLOOR_DB, CEILING_DB)


def is_silent(audio: Tensor) -> Tensor:
    """Whether the RMS over the last axis is below `SILENCE_LEVEL_DB`: [*, time] -> bool [*].

    >>> is_silent(torch.tensor([[0.0, 0.0], [1e-4, 0.0]])).tolist()
    [True, False]
    """
    if audio.shape[-1] == 0:
        return torch.ones(audio.shape[:-1], dtype=torch.bool, device=audio.device)
    threshold: float = 10.0 ** (SILENCE_LEVEL_DB / 10.0)
    return audio.double().square().mean(-1) < threshold


def status_of(reference: Tensor, estimate: Tensor) -> Status:
    """What can be said of one pair, all channels together: the reference is looked at first.

    >>> status_of(torch.ones(1, 8), torch.zeros(1, 8))
    'silent estimate'
    """
    if bool(is_silent(reference.flatten())):
        return "silent reference"
    if not bool(estimate.isfinite().all()):
        return "non-finite estimate"
    if bool(is_silent(estimate.flatten())):
        return "silent estimate"
    return "ok"


def si_sdr(reference: Tensor, estimate: Tensor, *, zero_mean: bool = False) -> Tensor:
    """SI-SDR of estimates against their references, in dB.

    The estimate is split into its projection on the reference and the rest; the score is the ratio of their
    energies (equations 3 to 5 of the paper). The paper's signals have zero mean; here means are left alone
    unless `zero_mean` is set, so that an offset added by a separator counts as the error that it is.

    Args:
        reference: [*, time].
        estimate: [*, time]; leading axes broadcast against those of the reference.
        zero_mean: take the mean over time from both signals first.

    Returns:
        float64 [*], within `FLOOR_DB` and `CEILING_DB`. A silent or non-finite estimate gets the floor, and
        so does any estimate of a silent reference: nothing of it lies along the reference. `status_of`
        tells these apart.

    Raises:
        ValueError: the numbers of samples differ, or the reference holds NaN or infinity.

    >>> reference, error = torch.tensor([1.0, 1.0, 1.0, 1.0]), torch.tensor([0.1, -0.1, 0.1, -0.1])
    >>> round(si_sdr(reference, 3 * (reference + error)).item(), 3)
    20.0
    """
    if reference.shape[-1] != estimate.shape[-1]:
        raise ValueError(
            f"the reference has {reference.shape[-1]} samples, the estimate {estimate.shape[-1]}: "
            "make them the same length"
        )
    target, heard = reference.double(), estimate.double()
    if not bool(target.isfinite().all()):
        raise ValueError("the reference holds NaN or infinite samples: no score can be given")
    heard = torch.where(heard.isfinite().all(-1, keepdim=True), heard, 0.0)
    if zero_mean:
        target = target - target.mean(-1, keepdim=True)
        heard = heard - heard.mean(-1, keepdim=True)
    failed = is_silent(target) | is_silent(heard)
    tiny = torch.finfo(torch.float64).tiny
    scale = (heard * target).sum(-1, keepdim=True) / target.square().sum(-1, keepdim=True).clamp_min(tiny)
    projection = scale * target
    # The error is taken in the time domain: a difference of energies would lose the digits of high scores.
    score = ratio_db(projection.square().sum(-1), (heard - projection).square().sum(-1))
    return torch.where(failed, FLOOR_DB, score)


def si_sdr_improvement(
    reference: Tensor, estimate: Tensor, mixture: Tensor, *, zero_mean: bool = False
) -> Tensor:
    """How many dB the estimate is nearer to the reference than the mixture is; shapes as in `si_sdr`.

    >>> reference, other = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -1.0])
    >>> mixture = reference + other
    >>> round(si_sdr_improvement(reference, reference + 0.1 * other, mixture).item(), 3)
    20.0
    """
    before = si_sdr(reference, mixture, zero_mean=zero_mean)
    return si_sdr(reference, estimate, zero_mean=zero_mean) - before
