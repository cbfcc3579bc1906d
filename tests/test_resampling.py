import numpy as np
import pytest
import scipy.signal
import torch

from stemless.resampling import StreamResampler, resample, resampled_length
from toy_separators import error_db, noise

RATES = [(44100, 16000), (48000, 16000), (8000, 16000), (96000, 16000), (16000, 44100), (11025, 16000)]


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
@pytest.mark.parametrize("samples", [1, 2, 3, 1001, 30_000])
def test_blocks_give_what_the_whole_gives(from_rate: int, to_rate: int, samples: int) -> None:
    audio = noise(2, samples)
    whole = resample(audio, from_rate, to_rate)
    stream = StreamResampler(from_rate, to_rate, 2)
    blocks = [stream.push(audio[:, start : start + 777]) for start in range(0, samples, 777)]
    assert torch.equal(torch.cat((*blocks, stream.finish()), dim=1), whole)
    assert whole.shape == (2, resampled_length(samples, from_rate, to_rate))


def test_a_tone_stays_where_it_is_in_time() -> None:
    seconds = torch.arange(44100, dtype=torch.float64) / 44100
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16000, dtype=torch.float64) / 16000)
    resampled = resample(torch.sin(2 * torch.pi * 440 * seconds).float()[None], 44100, 16000)[0]
    assert error_db(resampled[500:-500], expected[500:-500]) < -90


def test_agrees_with_scipy_inside_the_band() -> None:
    low = scipy.signal.butter(8, 0.2, output="sos")
    audio = scipy.signal.sosfilt(low, np.random.default_rng(0).standard_normal(9600)).astype(np.float32)
    oracle = scipy.signal.resample_poly(audio.astype(np.float64), 1, 3, window=("kaiser", 14.0))
    ours = resample(torch.from_numpy(audio)[None], 48000, 16000)[0]
    assert error_db(ours[200:-200], torch.from_numpy(oracle)[200:-200]) < -40


def test_the_same_rate_passes_untouched() -> None:
    audio = noise(3, 100)
    assert torch.equal(resample(audio, 16000, 16000), audio)
