"""All-pole filters: from line spectral frequencies to the response 1 / A.

A filter of order p is described by p line spectral frequencies (LSF), 0 < w_1 < ... < w_p < pi:
the angles of the roots of P(z) = A(z) + z^-(p+1) A(1/z) (w_1, w_3, ...) and
Q(z) = A(z) - z^-(p+1) A(1/z) (w_2, w_4, ...). Any rising sequence gives a stable filter; the closer
two neighbours, the sharper the resonance between them. A is monic, A = (P + Q) / 2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

MIN_GAP_RADIANS = 0.008
"""Least distance of two LSF: a resonance no narrower than about 20 Hz at 16 kHz."""

MAX_GAIN = 1e4
"""Largest |1 / A| that a filter can reach."""


def spacing_to_lsf(spacing: Tensor, min_gap_radians: float = MIN_GAP_RADIANS) -> Tensor:
    """Positive spacings to rising line spectral frequencies (TASLP 2023, section III-C).

    w = pi cumsum(e / sum e) without its last value, with a least gap so that neighbours cannot meet.

    Args:
        spacing: [..., order + 1], positive.

    Returns:
        [..., order] in (0, pi).
    """
    count = spacing.shape[-1]
    share = spacing / spacing.sum(-1, keepdim=True)
    gaps = min_gap_radians + (math.pi - count * min_gap_radians) * share
    return gaps.cumsum(-1)[..., :-1]


def _multiply_sections(cosines: Tensor) -> Tensor:
    """Coefficients of prod_i (1 - 2 cos(w_i) z^-1 + z^-2) from cos(w_i): [..., n] -> [..., 2n + 1]."""
    product = torch.ones_like(cosines[..., :1])
    for i in range(cosines.shape[-1]):
        middle = -2.0 * cosines[..., i : i + 1]
        padded = torch.nn.functional.pad(product, (2, 2))
        product = padded[..., 2:] + middle * padded[..., 1:-1] + padded[..., :-2]
    return product


def lsf_to_lpc(lsf: Tensor) -> Tensor:
    """Coefficients of A(z) = 1 + a_1 z^-1 + ... + a_p z^-p from line spectral frequencies.

    Args:
        lsf: [..., p] radians, rising, p even. Use float64: for order 20 the coefficients reach 1e5
            and cancel.

    Returns:
        [..., p + 1], the first is 1.

    >>> lsf_to_lpc(torch.tensor([math.pi / 3, math.pi / 2], dtype=torch.float64)).round(decimals=6).tolist()
    [1.0, -0.5, 0.5]
    """
    order = lsf.shape[-1]
    if order % 2:
        raise ValueError(f"the order must be even, not {order}")
    cosines = torch.cos(lsf)
    symmetric = torch.nn.functional.pad(_multiply_sections(cosines[..., 0::2]), (1, 1))
    antisymmetric = torch.nn.functional.pad(_multiply_sections(cosines[..., 1::2]), (1, 1))
    # P carries the root z = -1, Q the root z = 1.
    p = symmetric[..., 1:] + symmetric[..., :-1]
    q = antisymmetric[..., 1:] - antisymmetric[..., :-1]
    return 0.5 * (p + q)[..., : order + 1]


def inverse_filter_response(lpc: Tensor, n_fft: int) -> Tensor:
    """A on the unit circle: [..., order + 1] -> [..., n_fft // 2 + 1] complex.

    With so few coefficients a matrix product is faster than a padded transform.
    """
    real, imaginary = delay_basis(lpc.shape[-1], n_fft, lpc)
    return torch.complex(lpc @ real, lpc @ imaginary)


def delay_basis(taps: int, n_fft: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Real and imaginary part of e^(-j omega k), each [taps, bins], in the dtype of `like`."""
    delays = torch.arange(taps, device=like.device, dtype=torch.float64)
    omega = 2.0 * math.pi / n_fft * torch.arange(n_fft // 2 + 1, device=like.device, dtype=torch.float64)
    angles = delays[:, None] * omega
    return torch.cos(angles).to(like.dtype), -torch.sin(angles).to(like.dtype)


def inverse_power(real: Tensor, imaginary: Tensor, max_gain: float = MAX_GAIN) -> Tensor:
    """1 / (|A|^2 + e^2) with e = 1 / (2 max_gain), from the parts of A."""
    return (real * real + imaginary * imaginary + (0.5 / max_gain) ** 2).reciprocal()


def guarded_inverse(a: Tensor, max_gain: float = MAX_GAIN) -> Tensor:
    """1 / A held below a largest gain: conj(A) / (|A|^2 + e^2) with e = 1 / (2 max_gain).

    Equal to 1 / A wherever that is well below max_gain, never above it, and smooth between.
    """
    return a.conj() * inverse_power(a.real, a.imag, max_gain)


def allpole_response(lpc: Tensor, n_fft: int, max_gain: float = MAX_GAIN) -> Tensor:
    """Frequency response of 1 / A(z), held below a largest gain.

    Args:
        lpc: [..., order + 1]; float64 for the reason given in `lsf_to_lpc`.

    Returns:
        [..., n_fft // 2 + 1] complex.
    """
    return guarded_inverse(inverse_filter_response(lpc, n_fft), max_gain)


def allpole_filter(frames: Tensor, lpc: Tensor, tail: int) -> Tensor:
    """Filter each frame with its own 1 / A(z), letting it ring for `tail` samples.

    Args:
        frames: [..., length].
        lpc: [..., order + 1].

    Returns:
        [..., length + tail]. What still rings after `tail` samples folds back (the filter acts in
        the frequency domain); with LSF at least `MIN_GAP_RADIANS` apart, 1536 samples leave -50 dB.
    """
    n_fft = frames.shape[-1] + tail
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(frames, n_fft) * allpole_response(lpc, n_fft), n_fft)
    return filtered
