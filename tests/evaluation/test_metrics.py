"""SI-SDR: known levels, an oracle, invariances, silence."""

from __future__ import annotations

import fast_bss_eval
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stemless.evaluation import CEILING_DB, FLOOR_DB
from stemless.evaluation.metrics import is_silent, si_sdr, si_sdr_improvement, status_of


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def orthogonal_pair(samples: int = 1000) -> tuple[torch.Tensor, torch.Tensor]:
    """Two signals of unit energy whose product sums to zero."""
    basis, _ = torch.linalg.qr(noise(samples, 2))
    return basis[:, 0], basis[:, 1]


@pytest.mark.parametrize("level_db", [-60.0, -20.0, -3.0, 0.0, 12.5, 40.0, 100.0])
def test_orthogonal_error_of_known_level(level_db: float) -> None:
    reference, error = orthogonal_pair()
    estimate = reference + 10 ** (-level_db / 20) * error
    assert si_sdr(reference, estimate).item() == pytest.approx(level_db, abs=1e-6)


def test_matches_fast_bss_eval() -> None:
    references = noise(3, 4000, seed=1)
    estimates = 0.4 * references + 0.3 * noise(3, 4000, seed=2)
    for zero_mean in (False, True):
        oracle = [
            fast_bss_eval.si_sdr(
                references[i : i + 1].numpy(), estimates[i : i + 1].numpy() + 0.2, zero_mean=zero_mean
            )[0]
            for i in range(3)
        ]
        ours = si_sdr(references, estimates + 0.2, zero_mean=zero_mean).numpy()
        np.testing.assert_allclose(ours, oracle, atol=1e-6)


def test_regression_values() -> None:
    phase = 2 * torch.pi * 220 * torch.arange(800) / 8000
    reference = phase.sin()
    estimates = torch.stack([reference + 0.1 * (1.5 * phase).cos(), reference.abs(), reference**3])
    scores = si_sdr(reference, estimates)
    assert scores[0].item() == pytest.approx(20.0, abs=1e-3)
    # Over whole periods a sine does not correlate with its modulus.
    assert scores[1].item() < -70
    # sin^3 holds 3/4 of the fundamental and 1/4 of the third partial.
    assert scores[2].item() == pytest.approx(10 * np.log10(9), abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(
    gain=st.floats(1e-4, 1e4) | st.floats(-1e4, -1e-4),
    reference_gain=st.floats(1e-4, 1e4),
    error=st.floats(1e-3, 10.0),
    seed=st.integers(0, 1000),
)
def test_scale_of_either_signal_does_not_matter(
    gain: float, reference_gain: float, error: float, seed: int
) -> None:
    reference = noise(200, seed=seed)
    estimate = reference + error * noise(200, seed=seed + 1)
    plain = si_sdr(reference, estimate).item()
    assert si_sdr(reference_gain * reference, gain * estimate).item() == pytest.approx(plain, abs=1e-6)


def test_mean_counts_as_error_unless_asked() -> None:
    reference, _ = orthogonal_pair()
    reference = reference - reference.mean()
    offset = reference + 0.1 * reference.norm() / reference.numel() ** 0.5
    assert si_sdr(reference, offset).item() == pytest.approx(20.0, abs=1e-6)
    assert si_sdr(reference, offset, zero_mean=True).item() == CEILING_DB


def test_batches_are_scored_one_by_one() -> None:
    references, estimates = noise(2, 3, 500, seed=3), noise(2, 3, 500, seed=4)
    together = si_sdr(references, estimates)
    assert together.shape == (2, 3) and together.dtype == torch.float64
    for i in range(2):
        for j in range(3):
            assert together[i, j].item() == pytest.approx(si_sdr(references[i, j], estimates[i, j]).item())


def test_float32_is_computed_in_float64() -> None:
    reference = noise(100_000, seed=5).float()
    assert si_sdr(reference, reference * 0.3).item() > 100


def test_silence_and_failures_are_finite_and_counted() -> None:
    reference = noise(5, 400, seed=6)
    estimate = reference.clone()
    estimate[1] = 0
    estimate[2, 7] = torch.nan
    estimate[3, 7] = torch.inf
    reference[4] = 0
    scores = si_sdr(reference, estimate)
    assert scores.tolist() == [CEILING_DB, FLOOR_DB, FLOOR_DB, FLOOR_DB, FLOOR_DB]
    statuses = [status_of(*pair) for pair in zip(reference, estimate, strict=True)]
    assert statuses == [
        "ok",
        "silent estimate",
        "non-finite estimate",
        "non-finite estimate",
        "silent reference",
    ]


def test_silence_is_a_level_and_not_exactly_zero() -> None:
    assert is_silent(torch.full((10,), 9e-9)).item()
    assert not is_silent(torch.full((10,), 1.1e-8)).item()
    assert is_silent(torch.zeros(2, 0)).tolist() == [True, True]


def test_status_looks_at_all_channels() -> None:
    stereo = torch.stack([torch.zeros(10), torch.ones(10)])
    assert status_of(stereo, stereo.flip(0)) == "ok"


def test_improvement_is_the_difference_to_the_mixture() -> None:
    sources = noise(2, 3000, seed=7)
    mixture = sources.sum(0)
    estimates = sources + 0.1 * noise(2, 3000, seed=8)
    expected = si_sdr(sources, estimates) - si_sdr(sources, mixture.expand(2, -1))
    torch.testing.assert_close(si_sdr_improvement(sources, estimates, mixture), expected)
    assert si_sdr_improvement(sources, mixture.expand(2, -1), mixture).tolist() == [0.0, 0.0]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="5 samples, the estimate 6"):
        si_sdr(torch.ones(5), torch.ones(6))
    with pytest.raises(ValueError, match="NaN"):
        si_sdr(torch.tensor([1.0, torch.nan]), torch.ones(2))
