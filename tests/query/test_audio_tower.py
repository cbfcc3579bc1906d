"""The audio tower: its spectra against scipy's, level, length, gradients, cost."""

import numpy as np
import pytest
import scipy.signal
import torch
from tiny_towers import AUDIO, audio_tower

from stemless.configuration import from_mapping
from stemless.errors import UsageError
from stemless.query.audio_tower import POWER_FLOOR, AudioConfig, AudioTower, LogMelSpectra
from stemless.query.log_mel import mel_filterbank


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_spectra_are_those_of_an_independent_transform() -> None:
    audio = noise(1, 4000)
    made = LogMelSpectra(AUDIO)(audio)[0]
    sound = (audio / audio.square().mean().sqrt())[0].double().numpy()
    _, _, spectrum = scipy.signal.stft(
        sound, window="hann", nperseg=128, noverlap=64, boundary="zeros", padded=False
    )
    power = np.abs(spectrum * 64) ** 2  # scipy divides by the sum of the window
    filters = mel_filterbank(8000, 128, 16, 40.0, 4000.0, "htk").numpy()
    expected = np.log(filters.T @ power / 128 + POWER_FLOOR)
    assert made.shape == (16, 63)
    assert np.abs(made.numpy() - expected[:, :63]).max() < 1e-3


def test_level_does_not_count_but_silence_stays_silent() -> None:
    tower = audio_tower().eval()
    audio = noise(2, 4000) * 0.1
    assert torch.allclose(tower(audio), tower(audio * 0.05), atol=1e-4)
    assert not torch.allclose(tower(audio), tower(audio * 1e-7), atol=1e-2)
    assert torch.isfinite(tower(torch.zeros(1, 4000))).all()


@pytest.mark.parametrize("samples", [1, 100, 4000, 30000])
def test_any_length_is_heard(samples: int) -> None:
    vectors = audio_tower().eval()(noise(2, samples))
    assert vectors.shape == (2, 8)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(2), atol=1e-5)


def test_a_clip_sounds_the_same_alone_and_in_a_batch() -> None:
    tower = audio_tower().eval()
    audio = noise(3, 4000)
    assert torch.allclose(tower(audio)[1], tower(audio[1:2])[0], atol=1e-5)


@pytest.mark.parametrize("shape", [(4000,), (1, 2, 400), (1, 0)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[batch, time\]"):
        audio_tower()(torch.zeros(shape))


def test_gradient_reaches_the_samples() -> None:
    tower = audio_tower().double().eval()
    audio = noise(1, 300).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tower(x)[:, :2], (audio,), eps=1e-6, atol=1e-5)


def test_silence_has_a_finite_gradient() -> None:
    audio = torch.zeros(1, 1000, requires_grad=True)
    audio_tower().eval()(audio).sum().backward()
    assert torch.isfinite(audio.grad).all()


def test_the_default_tower_is_small_and_half_precision_hears_the_same() -> None:
    tower = AudioTower().eval()
    assert sum(parameter.numel() for parameter in tower.parameters()) <= 6_000_000
    audio = noise(2, 16000)
    with torch.autocast("cpu", torch.bfloat16):
        half = tower(audio)
    assert half.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(half, tower(audio)).min() > 0.99


def test_impossible_shapes_are_refused() -> None:
    for settings in ({"channels": [8], "blocks": [1, 1]}, {"high_hz": 9000}, {"dropout": 1.0}, {"n_fft": 0}):
        with pytest.raises(UsageError):
            from_mapping(AudioConfig, settings, where="test")
