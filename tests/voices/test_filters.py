import math

import numpy as np
import pytest
import scipy.signal
import torch
from plain import allpole as plain_allpole

from stemless.voices.filters import (
    MAX_GAIN,
    MIN_GAP_RADIANS,
    allpole_filter,
    allpole_response,
    lsf_to_lpc,
    spacing_to_lsf,
)


def polynomial_by_roots(lsf: np.ndarray) -> np.ndarray:
    """A = (P + Q) / 2 from the roots of P and Q, multiplied out by numpy."""
    p = np.poly(np.concatenate([np.exp(1j * lsf[0::2]), np.exp(-1j * lsf[0::2]), [-1.0]])).real
    q = np.poly(np.concatenate([np.exp(1j * lsf[1::2]), np.exp(-1j * lsf[1::2]), [1.0]])).real
    return (0.5 * (p + q))[:-1]


@pytest.mark.parametrize("order", [2, 4, 10, 20])
def test_coefficients_against_the_roots(order: int) -> None:
    random = np.random.default_rng(order)
    for _ in range(5):
        lsf = np.sort(random.uniform(0.05, math.pi - 0.05, order))
        made = lsf_to_lpc(torch.from_numpy(lsf)).numpy()
        assert np.allclose(made, polynomial_by_roots(lsf), rtol=1e-8, atol=1e-8)


def test_evenly_spaced_lsf_are_no_filter() -> None:
    lsf = math.pi * torch.arange(1, 21, dtype=torch.float64) / 21
    lpc = lsf_to_lpc(lsf)
    assert torch.allclose(lpc, torch.eye(1, 21, dtype=torch.float64)[0], atol=1e-11)


def test_filter_is_stable_for_any_lsf() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        spacing = torch.from_numpy(random.exponential(size=21) ** 3)
        roots = np.roots(lsf_to_lpc(spacing_to_lsf(spacing)).numpy())
        assert np.abs(roots).max() < 1.0


def test_filter_against_scipy() -> None:
    random = np.random.default_rng(4)
    frames = random.standard_normal((6, 512))
    spacing = torch.from_numpy(random.uniform(0.4, 1.6, (6, 21)))
    lpc = lsf_to_lpc(spacing_to_lsf(spacing))
    made = allpole_filter(torch.from_numpy(frames), lpc, 1536).numpy()
    for frame, coefficients, output in zip(frames, lpc.numpy(), made, strict=True):
        wanted = scipy.signal.lfilter([1.0], coefficients, np.pad(frame, (0, 1536)))
        assert np.abs(output - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_sharpest_resonance_against_scipy() -> None:
    spacing = torch.full((21,), 1.0, dtype=torch.float64)
    spacing[7] = 1e-12
    lpc = lsf_to_lpc(spacing_to_lsf(spacing))
    frame = np.random.default_rng(5).standard_normal(512)
    wanted = scipy.signal.lfilter([1.0], lpc.numpy(), np.pad(frame, (0, 1536)))
    made = allpole_filter(torch.from_numpy(frame), lpc, 1536).numpy()
    assert 20 * np.log10(np.linalg.norm(made - wanted) / np.linalg.norm(wanted)) < -45


def test_plain_loop_agrees_with_scipy() -> None:
    frames = torch.randn(3, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lpc = lsf_to_lpc(spacing_to_lsf(torch.linspace(0.5, 1.5, 63, dtype=torch.float64).reshape(3, 21)))
    for frame, coefficients, output in zip(frames, lpc, plain_allpole(frames, lpc), strict=True):
        assert np.allclose(scipy.signal.lfilter([1.0], coefficients.numpy(), frame.numpy()), output.numpy())


@pytest.mark.parametrize("collapsed", [range(21), range(20), [0, 1, 2, 3], [20], [10]])
def test_nearly_equal_lsf_cannot_blow_up(collapsed: list[int]) -> None:
    spacing = torch.ones(21, dtype=torch.float64)
    spacing[list(collapsed)] = 1e-300
    spacing.requires_grad_()
    lsf = spacing_to_lsf(spacing / spacing.sum())
    edges = torch.cat([torch.zeros(1), lsf, torch.full((1,), math.pi)])
    assert edges.diff().min() > 0.999 * MIN_GAP_RADIANS
    response = allpole_response(lsf_to_lpc(lsf), 2048)
    assert response.abs().max() <= MAX_GAIN * (1 + 1e-9)
    response.abs().log().sum().backward()
    assert torch.isfinite(spacing.grad).all()


def test_all_spacings_at_one_end() -> None:
    spacing = torch.full((21,), 1e-9, dtype=torch.float64)
    spacing[-1] = 1.0
    response = allpole_response(lsf_to_lpc(spacing_to_lsf(spacing)), 2048)
    assert torch.isfinite(response.abs()).all() and response.abs().max() <= MAX_GAIN


def test_gradients() -> None:
    spacing = (0.5 + torch.rand(2, 7, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: lsf_to_lpc(spacing_to_lsf(x)), (spacing,))
    assert torch.autograd.gradcheck(lambda x: allpole_response(lsf_to_lpc(spacing_to_lsf(x)), 16), (spacing,))


def test_odd_order_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        lsf_to_lpc(torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64))
