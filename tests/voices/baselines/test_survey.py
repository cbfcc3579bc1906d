"""Frames picked from stretches: those of the whole recording, however it is cut."""

import pytest
import torch

from stemless.separator import Stretch
from stemless.spectrum import Grid, stft
from stemless.voices.baselines.survey import kept_frames
from stemless.voices.tracks import PitchTracks

TRACKS = PitchTracks.regular([[100.0], [200.0]], 0.016)


@pytest.mark.parametrize("samples", [1, 2048, 30001, 16000])
@pytest.mark.parametrize("block", [37, 5000, 10**6])
@pytest.mark.parametrize("keep_seconds", [30.0, 0.5, 0.07])
def test_kept_frames_are_every_nth_of_the_whole(samples: int, block: int, keep_seconds: float) -> None:
    grid = Grid(2048, 256)
    audio = torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    stretches = (Stretch(at / 16000, audio[:, at : at + block], TRACKS) for at in range(0, samples, block))
    kept, times = kept_frames(stretches, grid, 16000, samples / 16000, keep_seconds)
    every = round(float(times[1]) * 16000 / 256) if len(times) > 1 else 10**6
    assert torch.allclose(kept, stft(audio[0], grid).abs()[:, ::every], atol=1e-4)
    assert times.tolist() == pytest.approx([frame * every * 0.016 for frame in range(kept.shape[1])])
    assert kept.shape[1] <= 1 + keep_seconds / 0.016


def test_what_is_kept_does_not_grow_with_the_recording() -> None:
    def minutes(count: int) -> torch.Tensor:
        blocks = (Stretch(60.0 * at, torch.zeros(1, 960000), TRACKS) for at in range(count))
        return kept_frames(blocks, Grid(256, 128), 16000, 60.0 * count, keep_seconds=1.0)[0]

    assert 100 < minutes(1).shape[1] <= 126
    assert 100 < minutes(7).shape[1] <= 126
