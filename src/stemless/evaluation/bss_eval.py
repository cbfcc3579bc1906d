"""BSS Eval version 3, the measure for mono sources ("bss_eval_sources"): SDR, SIR and SAR where each
reference may be changed by a time-invariant filter of 512 taps (Vincent, Gribonval, Févotte, "Performance
measurement in blind audio source separation", IEEE TASLP 2006, section III.B).

An estimate e is projected on the span of reference j and its delays (energy E_j), and on the span of all
references and their delays (energy E_all). The first space lies in the second, so the parts are orthogonal
and the three ratios need energies alone:

    SDR = E_j / (|e|^2 - E_j)    SIR = E_j / (E_all - E_j)    SAR = E_all / (|e|^2 - E_all)

The energies come from the correlations of the signals at 512 lags. Nothing as long as the signals is
filtered, and one factorisation of the block Toeplitz Gram matrix serves all estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor

from stemless.evaluation import FLOOR_DB
from stemless.evaluation.metrics import is_silent, ratio_db

_MAX_PERMUTED_SOURCES = 8


@dataclass(frozen=True)
class BssScores:
    """Scores in dB, float64 [sources], in the order of the references.

    `permutation[j]` is the estimate that reference j was scored with.
    """

    sdr_db: Tensor
    sir_db: Tensor
    sar_db: Tensor
    permutation: tuple[int, ...]


def bss_eval_sources(
    references: Tensor,
    estimates: Tensor,
    *,
    filter_length: int = 512,
    compute_permutation: bool = False,
) -> BssScores:
    """BSS Eval v3 scores of a set of estimates.

    Args:
        references: [sources, time], or [sources, channels, time]: then one filter per reference serves all
            its channels, as if they were played one after the other.
        estimates: the same shape.
        filter_length: taps of the allowed distortion; 512 in every published table.
        compute_permutation: pair references and estimates so that the mean SIR is highest. Off by default:
            names tell which is which, and a search would hide swapped stems.

    Returns:
        Scores within `FLOOR_DB` and `CEILING_DB`. A silent or non-finite estimate gets the floor in all
        three. A silent reference takes no part in the projections and gets the floor too. With one reference
        nothing can interfere and SIR is the ceiling.

    Raises:
        ValueError: shapes differ, references hold NaN, or too many sources for a search of permutations.

    >>> references = torch.eye(2, 2000)[:, None] * torch.ones(1, 3, 1)
    >>> mixed = references + 0.1 * references.flip(0)
    >>> bss_eval_sources(references, mixed, filter_length=1).sir_db.round(decimals=3).tolist()
    [20.0, 20.0]
    """
    if references.shape != estimates.shape or references.ndim not in (2, 3):
        raise ValueError(
            f"references {list(references.shape)} and estimates {list(estimates.shape)} must both be "
            "[sources, time] or [sources, channels, time]"
        )
    if not bool(references.isfinite().all()):
        raise ValueError("the references hold NaN or infinite samples: no score can be given")
    sources = references.shape[0]
    if compute_permutation and sources > _MAX_PERMUTED_SOURCES:
        raise ValueError(f"no search of permutations over {_MAX_PERMUTED_SOURCES} sources, got {sources}")

    audible = ~is_silent(references.flatten(1))
    finite = estimates.flatten(1).isfinite().all(-1)
    heard = finite & ~is_silent(torch.where(finite[:, None], estimates.flatten(1), 0.0))
    scores = torch.full((3, sources, sources), FLOOR_DB, dtype=torch.float64, device=references.device)
    if bool(audible.any()) and bool(heard.any()):
        found = _pair_scores(references[audible], estimates[heard], filter_length)
        rows, columns = audible.nonzero().squeeze(1), heard.nonzero().squeeze(1)
        scores[:, rows[:, None], columns[None, :]] = found

    order = tuple(range(sources))
    if compute_permutation:
        order = _best_permutation(scores[1])
    paired = scores[:, torch.arange(sources), list(order)]
    return BssScores(paired[0], paired[1], paired[2], order)


def _pair_scores(references: Tensor, estimates: Tensor, filter_length: int) -> Tensor:
    """SDR, SIR, SAR of every reference with every estimate: [3, references, estimates]."""
    if references.ndim == 2:
        references, estimates = references[:, None], estimates[:, None]
    count = references.shape[0]
    lagged = _correlations(references, torch.cat([references, estimates]), filter_length)
    estimate_energy = _energy(estimates)
    # References of very different level would spoil the conditioning; scores do not depend on their scale.
    level = _energy(references).sqrt()
    own = lagged[:, :count] / (level[:, None, None] * level[None, :, None])
    cross = (lagged[:, count:] / level[:, None, None]).movedim(1, -1)  # [references, lags, estimates]

    gram = _block_toeplitz(own)
    alone = torch.stack([gram[j, :, j] for j in range(count)])
    energy_alone = _projected_energy(alone, cross)
    size = count * filter_length
    energy_all = _projected_energy(gram.reshape(size, size), cross.reshape(size, -1))
    return torch.stack(
        [
            ratio_db(energy_alone, estimate_energy - energy_alone),
            ratio_db(energy_alone, energy_all - energy_alone),
            ratio_db(energy_all, estimate_energy - energy_all).expand_as(energy_alone),
        ]
    )


def _energy(audio: Tensor) -> Tensor:
    """[signals, channels, time] -> [signals]."""
    return audio.double().square().sum((1, 2))


def _correlations(first: Tensor, second: Tensor, lags: int) -> Tensor:
    """sum_t first[t] second[t + lag] for lag = 0 .. lags - 1, summed over channels.

    [J, channels, time], [I, channels, time] -> [J, I, lags]. Cross spectra of short blocks are added up, so
    that memory does not grow with the length; each block of `second` runs on by `lags - 1` samples, which
    keeps the circular correlation free of wrapped terms.
    """
    time = first.shape[-1]
    n_fft = max(16, 1 << (min(max(32_768, 8 * lags), time + lags) - 1).bit_length())
    block = n_fft - lags + 1
    spectrum = torch.zeros(
        first.shape[0], second.shape[0], n_fft // 2 + 1, dtype=torch.complex128, device=first.device
    )
    for start in range(0, time, block):
        left = torch.fft.rfft(first[..., start : start + block].double(), n_fft)
        right = torch.fft.rfft(second[..., start : start + n_fft].double(), n_fft)
        spectrum += torch.einsum("jcf,icf->jif", left.conj(), right)
    correlations: Tensor = torch.fft.irfft(spectrum, n_fft)[..., :lags]
    return correlations


def _block_toeplitz(correlations: Tensor) -> Tensor:
    """Gram matrix of the delayed references: [J, J, lags] -> [J, lags, J, lags].

    Entry (j, a, k, b) is the product of reference j delayed by a with reference k delayed by b, the
    correlation of j and k at lag a - b; negative lags are found with j and k exchanged.
    """
    lags = correlations.shape[-1]
    both_sides = torch.cat([correlations.transpose(0, 1)[..., 1:].flip(-1), correlations], dim=-1)
    delay = torch.arange(lags, device=correlations.device)
    return both_sides[:, :, delay[:, None] - delay[None, :] + lags - 1].transpose(1, 2)


def _projected_energy(gram: Tensor, cross: Tensor) -> Tensor:
    """Energy of the projections: gram [*, n, n], unit diagonal; cross [*, n, estimates] -> [*, estimates].

    Band-limited references make the Gram matrix singular to rounding; the smallest ridge that lets it be
    factorised is used. The energy is then taken as 2 c'd - c'Gc with the matrix itself: an error in the
    coefficients c enters only squared.
    """
    identity = torch.eye(gram.shape[-1], dtype=gram.dtype, device=gram.device)
    for ridge in (0.0, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-8):
        factor, failure = torch.linalg.cholesky_ex(gram + ridge * identity)
        if not bool(failure.any()):
            break
    coefficients = torch.cholesky_solve(cross, factor)
    energy = (coefficients * (2.0 * cross - gram @ coefficients)).sum(-2)
    return energy.clamp_min(0.0)


def _best_permutation(sir_db: Tensor) -> tuple[int, ...]:
    """The pairing of highest mean SIR; sir_db is [references, estimates]."""
    table = sir_db.tolist()
    return max(
        permutations(range(len(table))),
        key=lambda order: sum(row[estimate] for row, estimate in zip(table, order, strict=True)),
    )
