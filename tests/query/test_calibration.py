from __future__ import annotations

import numpy as np
import pytest
import torch
from tone_network import separator
from toy_embedding import tone

from stemless.errors import StemlessError
from stemless.query.calibration import Example, area_under_curve, calibrate, calibrated, fit_logistic
from stemless.query.presence import PresenceConfig


def some_features(examples: int = 200, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(examples, 3, generator=generator, dtype=torch.float64) * torch.tensor(
        [1.0, 5.0, 0.1]
    )
    logits = features @ torch.tensor([1.0, -0.3, 8.0], dtype=torch.float64) + 0.7
    return features, torch.rand(examples, generator=generator) < torch.sigmoid(logits)


def test_the_fit_is_that_of_a_general_optimiser() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    features, labels = some_features()
    x, y = features.numpy(), labels.numpy().astype(float)
    mean, deviation = x.mean(0), x.std(0, ddof=1)
    counts = np.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())

    def loss(solution: np.ndarray) -> float:
        logits = (x - mean) / deviation @ solution[:-1] + solution[-1]
        losses = np.logaddexp(0, logits) - y * logits
        return float((counts * losses).sum() + 0.005 * (solution[:-1] ** 2).sum())

    best = optimize.minimize(loss, np.zeros(4), tol=1e-10).x
    weights, bias = fit_logistic(features, labels)
    np.testing.assert_allclose(weights.numpy(), best[:-1] / deviation, rtol=1e-3)
    assert bias == pytest.approx(best[-1] - (best[:-1] / deviation) @ mean, rel=1e-3, abs=1e-3)


def test_classes_that_do_not_overlap_have_finite_weights() -> None:
    features = torch.tensor([[0.0], [1.0], [10.0], [11.0]], dtype=torch.float64)
    weights, bias = fit_logistic(features, torch.tensor([False, False, True, True]))
    assert 0 < float(weights[0]) < 10
    assert torch.sigmoid(features @ weights + bias)[[1, 2]].tolist() == pytest.approx([0, 1], abs=0.2)


def test_a_recording_is_judged_by_its_surest_stretch() -> None:
    """A sound that pauses most of the time is there all the same."""
    generator = torch.Generator().manual_seed(0)
    measures, labels = [], []
    for number in range(60):
        stretches = 0.3 * torch.randn(4, 5, generator=generator)
        if number % 2:
            stretches[number % 4, :3] += 3.0
        measures.append(stretches)
        labels.append(bool(number % 2))
    weights, bias = calibrate(measures, labels)
    config = PresenceConfig(weights=weights, bias=bias)
    scores = [float(config.presence(each).amax()) for each in measures]
    assert area_under_curve(scores, labels) > 0.99
    assert min(scores[1::2]) > 0.5 > max(scores[::2])
    with pytest.raises(StemlessError, match="give both"):
        calibrate(measures[::2], labels[::2])


def test_a_separator_is_calibrated_by_mixtures() -> None:
    tones = [f"{hz} Hz" for hz in (300, 500, 900, 1500, 2600, 4300)]
    by = separator(presence={"weights": (0.0, 0.0, 0.0, 0.0, -1.0), "bias": 0.0})
    examples = [
        Example(
            tone(tones[i], 2.0) + 0.5 * tone(tones[(i + 2) % 6], 2.0),
            (tones[i], tones[(i + 2) % 6]),
            (tones[(i + 1) % 6], tones[(i + 4) % 6]),
        )
        for i in range(6)
    ]
    config = calibrated(by, examples)
    assert config.background == by.settings.presence.background
    for example in examples[:2]:
        prompts = (*example.there, *example.absent)
        (found,) = by.examine(example.audio, prompts, [[0, 1, 2, 3]])
        surest = found.presence(config).amax(-1)
        assert surest[:2].min() > 0.6 and surest[2:].max() < 0.4
    assert config.gate_threshold == 0.3
