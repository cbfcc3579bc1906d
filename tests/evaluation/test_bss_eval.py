"""BSS Eval v3 against two independent implementations, analytic cases and invariances."""

from __future__ import annotations

import time
import warnings

import fast_bss_eval
import mir_eval
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stemless.evaluation import CEILING_DB, FLOOR_DB
from stemless.evaluation.bss_eval import BssScores, bss_eval_sources


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def harmonic_voices(samples: int = 8000, sample_rate: int = 16_000, breath: float = 1e-3) -> torch.Tensor:
    """Four sums of partials with vibrato: long correlations, unlike noise.

    The breath fills the spectrum as any recording does. Without it the projection hangs on partials above
    the band at the level of rounding, and implementations differ by tenths of a dB.
    """
    seconds = torch.arange(samples, dtype=torch.float64) / sample_rate
    voices = []
    for f0_hz in (110.0, 165.0, 221.0, 330.0):
        phase = 2 * torch.pi * f0_hz * seconds + 0.3 * torch.sin(2 * torch.pi * 5.5 * seconds + f0_hz)
        voices.append(sum(torch.sin(k * phase + k) / k for k in range(1, 12)))
    return torch.stack(voices) + breath * noise(4, samples, seed=99)


def stacked(scores: BssScores) -> NDArray[np.float64]:
    return torch.stack([scores.sdr_db, scores.sir_db, scores.sar_db]).numpy()


def mir_eval_scores(references: torch.Tensor, estimates: torch.Tensor) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        found = mir_eval.separation.bss_eval_sources(
            references.numpy(), estimates.numpy(), compute_permutation=False
        )
    return np.stack(found[:3]).clip(FLOOR_DB, CEILING_DB)


def projection_scores(
    references: torch.Tensor, estimates: torch.Tensor, filter_length: int
) -> NDArray[np.float64]:
    """The definition, from an orthonormal basis of the delayed references: slow, and sure at any rank."""

    def projected(sources: torch.Tensor) -> torch.Tensor:
        delayed = torch.stack(
            [
                torch.nn.functional.pad(source, (delay, filter_length - 1 - delay))
                for source in sources
                for delay in range(filter_length)
            ],
            dim=1,
        )
        basis, values, _ = torch.linalg.svd(delayed, full_matrices=False)
        return (basis[:, values > 1e-7 * values[0]].T @ padded.T).square().sum(0)

    padded = torch.nn.functional.pad(estimates, (0, filter_length - 1))
    total = padded.square().sum(-1)
    both = projected(references)
    own = torch.stack([projected(references[j : j + 1])[j] for j in range(len(references))])
    ratios = torch.stack([own / (total - own), own / (both - own), both / (total - both)])
    return (10 * ratios.log10()).numpy()


CASES = {
    "noise": lambda: (
        noise(3, 6000),
        noise(3, 6000) + 0.5 * noise(3, 6000).flip(0) + 0.2 * noise(3, 6000, seed=1),
    ),
    "harmonic": lambda: (
        harmonic_voices(),
        0.8 * harmonic_voices() + 0.1 * harmonic_voices().flip(0) + 0.03 * noise(4, 8000, seed=2),
    ),
    "nonlinear": lambda: (
        harmonic_voices()[:2],
        torch.tanh(harmonic_voices()[:2] + 0.1 * noise(2, 8000, seed=3)),
    ),
    "filtered and delayed": lambda: (
        harmonic_voices()[:3],
        harmonic_voices()[:3].roll(40, -1) + 0.5 * harmonic_voices()[:3].roll(900, -1),
    ),
    "unequal levels": lambda: (
        harmonic_voices() * torch.tensor([[1.0], [1e-4], [100.0], [0.01]]),
        harmonic_voices() * 1e-3 + 1e-4 * noise(4, 8000, seed=4),
    ),
    "shorter than the filter": lambda: (noise(2, 300), noise(2, 300) + 0.3 * noise(2, 300, seed=5)),
}


@pytest.mark.parametrize("case", CASES)
def test_matches_mir_eval(case: str) -> None:
    references, estimates = CASES[case]()
    ours = stacked(bss_eval_sources(references, estimates))
    np.testing.assert_allclose(ours, mir_eval_scores(references, estimates), atol=1e-3)


def test_matches_fast_bss_eval() -> None:
    references, estimates = CASES["harmonic"]()
    oracle = fast_bss_eval.bss_eval_sources(references, estimates, compute_permutation=False, load_diag=None)
    ours = stacked(bss_eval_sources(references, estimates))
    np.testing.assert_allclose(ours, torch.stack(oracle[:3]).numpy(), atol=1e-3)


@pytest.mark.parametrize("breath", [0.0, 1e-3])
def test_matches_the_definition_without_full_rank(breath: float) -> None:
    references = harmonic_voices(3000, breath=breath)[:2]
    estimates = references + 0.1 * references.flip(0) + 0.03 * noise(2, 3000, seed=18)
    ours = stacked(bss_eval_sources(references, estimates, filter_length=128))
    np.testing.assert_allclose(ours, projection_scores(references, estimates, 128), atol=0.02)


def test_regression_values() -> None:
    references, estimates = CASES["harmonic"]()
    expected = [
        [21.025, 17.747, 17.745, 17.943],
        [21.902, 18.135, 18.124, 18.365],
        [28.429, 28.502, 28.591, 28.335],
    ]
    np.testing.assert_allclose(stacked(bss_eval_sources(references, estimates)), expected, atol=5e-3)


def test_known_interference_and_artifacts() -> None:
    """Signals far apart in time: every projection and so every score is known."""
    filter_length, spacing = 8, 20
    references = torch.zeros(2, 200, dtype=torch.float64)
    references[0, 0], references[1, spacing] = 1.0, 1.0
    artifact = torch.zeros(2, 200, dtype=torch.float64)
    artifact[:, 4 * spacing] = 0.05
    estimates = 2.0 * references.roll(3, -1) + 0.2 * references.flip(0).roll(5, -1) + artifact
    scores = bss_eval_sources(references, estimates, filter_length=filter_length)
    target, interference, error = 4.0, 0.04, 0.0025
    expected = [target / (interference + error), target / interference, (target + interference) / error]
    for found, ratio in zip(stacked(scores), expected, strict=True):
        np.testing.assert_allclose(found, 10 * np.log10(ratio), atol=1e-9)


def test_any_filter_of_the_reference_is_forgiven() -> None:
    """SDR sees no error in a reference that went through 512 taps, and sees one in 513."""
    references = noise(2, 3000, seed=6)
    references[:, -600:] = 0
    inside, outside = references.roll(511, -1), references.roll(512, -1)
    assert stacked(bss_eval_sources(references, inside)).min() > 100
    assert stacked(bss_eval_sources(references, outside))[0].max() < 0


def test_gains_do_not_matter() -> None:
    references, estimates = CASES["harmonic"]()
    scaled = bss_eval_sources(
        references * torch.tensor([[3.0], [0.01], [-1.0], [50.0]]),
        estimates * torch.tensor([[0.1], [-7.0], [1e-3], [1.0]]),
    )
    np.testing.assert_allclose(stacked(scaled), stacked(bss_eval_sources(references, estimates)), atol=1e-6)


def test_length_beyond_one_block_changes_nothing() -> None:
    """Correlations are summed over blocks of 32 K samples; the seams must not show."""
    references = noise(2, 70_000, seed=7)
    estimates = references.roll(5, -1) + 0.3 * references.flip(0) + 0.1 * noise(2, 70_000, seed=8)
    ours = stacked(bss_eval_sources(references, estimates))
    np.testing.assert_allclose(ours, mir_eval_scores(references, estimates), atol=1e-6)


def test_channels_are_scored_as_if_one_after_the_other() -> None:
    references, estimates = noise(2, 2, 2000, seed=9), noise(2, 2, 2000, seed=10)
    estimates = references + 0.4 * estimates
    gap = torch.zeros(2, 2, 600, dtype=torch.float64)
    flat_references = torch.cat([references, gap], -1).flatten(1)
    flat_estimates = torch.cat([estimates, gap], -1).flatten(1)
    np.testing.assert_allclose(
        stacked(bss_eval_sources(references, estimates)),
        mir_eval_scores(flat_references, flat_estimates),
        atol=1e-6,
    )


def test_order_is_by_name_unless_a_permutation_is_asked_for() -> None:
    references = noise(3, 3000, seed=11)
    estimates = references[[2, 0, 1]] + 0.1 * noise(3, 3000, seed=12)
    plain = bss_eval_sources(references, estimates)
    assert plain.permutation == (0, 1, 2)
    assert plain.sir_db.max() < 0
    best = bss_eval_sources(references, estimates, compute_permutation=True)
    assert best.permutation == (1, 2, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        oracle = mir_eval.separation.bss_eval_sources(references.numpy(), estimates.numpy())
    assert best.permutation == tuple(oracle[3].tolist())
    np.testing.assert_allclose(stacked(best), np.stack(oracle[:3]), atol=1e-6)


def test_perfect_estimates_reach_the_ceiling() -> None:
    references = harmonic_voices()
    scores = bss_eval_sources(references, references)
    assert stacked(scores).min() > 100
    alone = bss_eval_sources(references[:1], noise(1, 8000))
    assert alone.sir_db.item() == CEILING_DB


def test_singular_references_still_give_scores() -> None:
    """Pure tones and twin references leave the Gram matrix without full rank."""
    seconds = torch.arange(8000, dtype=torch.float64) / 16_000
    tones = torch.stack([torch.sin(2 * torch.pi * f * seconds) for f in (200.0, 300.0)])
    error = noise(2, 8000, seed=13)
    scores = stacked(bss_eval_sources(tones, tones + 0.1 * error))
    np.testing.assert_allclose(scores, mir_eval_scores(tones, tones + 0.1 * error), atol=0.01)
    voice = harmonic_voices()[:1]
    twins = bss_eval_sources(voice.repeat(2, 1), voice.repeat(2, 1) + 0.1 * error)
    alone = bss_eval_sources(voice, voice + 0.1 * error[:1])
    assert twins.sdr_db[0].item() == pytest.approx(alone.sdr_db[0].item(), abs=0.01)


def test_silence_and_nan_count_as_the_floor() -> None:
    references = noise(4, 2000, seed=14)
    estimates = references + 0.1 * noise(4, 2000, seed=15)
    expected = stacked(bss_eval_sources(references[[0, 3]], estimates[[0, 3]]))
    estimates[1] = 0
    references[2] = 0
    estimates[3, 5] = torch.nan
    scores = stacked(bss_eval_sources(references, estimates))
    assert np.isfinite(scores).all()
    assert (scores[:, 1:] == FLOOR_DB).all()
    # The reference of a failed estimate still takes part: interference from it is still interference.
    with_all = stacked(bss_eval_sources(references[[0, 1, 3]], estimates[[0, 0, 0]]))
    np.testing.assert_allclose(scores[:, 0], with_all[:, 0], atol=1e-9)
    assert expected[0, 0] == pytest.approx(scores[0, 0], abs=1e-9)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(ValueError, match="must both be"):
        bss_eval_sources(torch.ones(2, 10), torch.ones(2, 11))
    with pytest.raises(ValueError, match="NaN"):
        bss_eval_sources(torch.full((2, 10), torch.nan), torch.ones(2, 10))
    with pytest.raises(ValueError, match="9"):
        bss_eval_sources(torch.ones(9, 10), torch.ones(9, 10), compute_permutation=True)


def test_four_voices_of_four_seconds_take_little_time() -> None:
    references = noise(4, 64_000, seed=16)
    estimates = references + 0.1 * noise(4, 64_000, seed=17)
    seconds = []
    threads = torch.get_num_threads()
    # Waiting threads burn the time of a busy machine and would count as work.
    torch.set_num_threads(1)
    try:
        for _ in range(3):
            start = time.process_time()
            bss_eval_sources(references, estimates)
            seconds.append(time.process_time() - start)
    finally:
        torch.set_num_threads(threads)
    assert min(seconds) < 1.0
