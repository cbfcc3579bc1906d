import itertools

import numpy as np
import pytest
import torch

from stemless.data.quartets import random_parts, random_quartet


@pytest.mark.parametrize("voices", [2, 4, 5])
def test_quartets_are_whole(voices: int) -> None:
    for seed in range(4):
        quartet = random_quartet(np.random.default_rng(seed), 2.0, voices=voices)
        assert len(set(quartet.names)) == voices
        assert quartet.stems.shape == (voices, 1, 32000)
        assert quartet.f0_hz.shape == (voices, 401)
        assert bool(quartet.stems.isfinite().all())
        peak_db = 20 * float(torch.log10(quartet.mixture.abs().max()))
        assert -20.1 < peak_db < -0.9
        voiced = quartet.f0_hz[quartet.f0_hz > 0]
        assert voiced.size and voiced.min() > 50 and voiced.max() < 1300


def test_seed_decides() -> None:
    first, again, other = (random_quartet(np.random.default_rng(seed), 1.0) for seed in (1, 1, 2))
    assert torch.equal(first.stems, again.stems)
    assert not torch.equal(first.stems, other.stems)


def test_stereo_and_other_rates() -> None:
    quartet = random_quartet(np.random.default_rng(0), 1.0, sample_rate=44100, channels=2)
    assert quartet.stems.shape == (4, 2, 44100)


def test_parts_vary_and_stay_in_their_ranges() -> None:
    together = apart = rests = 0
    for seed in range(40):
        parts = random_parts(np.random.default_rng(seed), 10.0, [(60, 80), (45, 62)])
        for part, (low, high) in zip(parts, [(60, 80), (45, 62)], strict=True):
            assert all(low <= note.midi <= high for note in part)
            assert all(note.end_seconds <= 10.0 for note in part)
            pairs = itertools.pairwise(part)
            rests += sum(after.start_seconds - before.end_seconds > 0.1 for before, after in pairs)
        onsets = [{round(note.start_seconds, 2) for note in part} for part in parts]
        shared = len(onsets[0] & onsets[1]) / max(1, min(len(onsets[0]), len(onsets[1])))
        together += shared > 0.5
        apart += shared < 0.5
    assert together > 8 and apart > 4 and rests > 40
