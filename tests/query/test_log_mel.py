from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
import torch

from stemless.query.log_mel import LogMel, LogMelConfig, fill_clip, mel_filterbank, thirds

transformers = pytest.importorskip("transformers")

TINY = {
    "sample_rate": 8000,
    "n_fft": 64,
    "hop_length": 20,
    "mel_bands": 8,
    "high_hz": 4000.0,
    "clip_samples": 400,
}


def extractor_of(config: LogMelConfig) -> Any:
    """The library's extractor with the same settings."""
    made = transformers.ClapFeatureExtractor(
        feature_size=config.mel_bands,
        sampling_rate=config.sample_rate,
        hop_length=config.hop_length,
        max_length_s=config.clip_samples / config.sample_rate,
        fft_window_size=config.n_fft,
        frequency_min=config.low_hz,
        frequency_max=config.high_hz,
        truncation=config.truncation,
        padding=config.padding,
    )
    made.nb_max_samples = config.clip_samples
    return made


def library_features(config: LogMelConfig, audio: torch.Tensor) -> tuple[torch.Tensor, list[list[bool]]]:
    output = extractor_of(config)(audio.numpy(), sampling_rate=config.sample_rate, return_tensors="np")
    return torch.from_numpy(np.asarray(output["input_features"])), np.asarray(output["is_longer"]).tolist()


def sounds(samples: int, sample_rate: int) -> torch.Tensor:
    """Noise, a loud tone over digital near-silence, clicks in digital silence: [3, samples]."""
    generator = torch.Generator().manual_seed(samples)
    time = torch.arange(samples) / sample_rate
    noise = 0.1 * torch.randn(samples, generator=generator)
    tone = torch.sin(2 * torch.pi * 0.07 * sample_rate * time) + 1e-5 * noise
    clicks = torch.zeros(samples)
    clicks[:: max(samples // 3, 1)] = 0.5
    return torch.stack([noise, tone, clicks])


@pytest.fixture
def library_hears_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library draws the stretches it keeps of long clips; here it takes the middle ones."""
    monkeypatch.setattr(np.random, "choice", lambda options: (options[0] + options[-1]) // 2)
    monkeypatch.setattr(np.random, "randint", lambda low, high: (low + high - 1) // 2)


@pytest.mark.usefixtures("library_hears_the_middle")
@pytest.mark.parametrize("padding", ["repeatpad", "repeat", "pad"])
@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("samples", [1, 130, 200, 399, 400, 401, 419, 420, 440, 500, 1700])
def test_every_length_equals_the_librarys(samples: int, truncation: Any, padding: Any) -> None:
    # The library squeezes to 64 bands whatever their number, and 64 bands need a long window.
    sizes = {"n_fft": 1024, "clip_samples": 600, "mel_bands": 64} if truncation == "fusion" else {}
    config = LogMelConfig(**{**TINY, **sizes, "truncation": truncation, "padding": padding})
    samples += config.clip_samples - 400 if samples >= 399 else 0
    audio = sounds(samples, config.sample_rate)
    made, longer = LogMel(config)(audio)
    wanted, library_longer = library_features(config, audio)
    assert made.shape == wanted.shape and made.dtype == torch.float32
    assert (made - wanted).abs().max() < 1e-4
    if truncation == "fusion" and not longer.any():
        # The library marks one clip of such a batch at random; the tower's authors mark none.
        assert sum(row[0] for row in library_longer) == 1
    else:
        assert longer.tolist() == library_longer


@pytest.mark.usefixtures("library_hears_the_middle")
@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("seconds", [3.3, 10.0, 10.005, 14.0])
def test_clap_s_own_settings_equal_the_librarys(seconds: float, truncation: Any) -> None:
    config = LogMelConfig(truncation=truncation)
    audio = sounds(round(seconds * config.sample_rate), config.sample_rate)
    made, _ = LogMel(config)(audio)
    wanted, _ = library_features(config, audio)
    assert made.shape == (3, 4 if truncation == "fusion" else 1, 1001, 64)
    assert (made - wanted).abs().max() < 1e-4


def test_a_tone_has_the_level_it_should() -> None:
    # Amplitude a at the centre of bin k: |X| = a n_fft / 4 there and half of that on both sides.
    config = LogMelConfig(**{**TINY, "truncation": "fusion"})
    bin_hz = config.sample_rate / config.n_fft
    tone = 0.5 * torch.cos(2 * torch.pi * 12 * bin_hz / config.sample_rate * torch.arange(400))
    made, _ = LogMel(config)(tone[None])
    filters = mel_filterbank(8000, 64, 8, 50.0, 4000.0, "htk")
    power = (0.5 * 64 / 4) ** 2 * (filters[12] + 0.25 * filters[11] + 0.25 * filters[13])
    heard = power > 1e-3
    assert torch.allclose(made[0, 0, 10].double()[heard], 10 * power[heard].log10(), atol=1e-2)


@pytest.mark.parametrize(
    ("scale", "options"), [("htk", {"htk": True, "norm": None}), ("slaney", {"htk": False, "norm": "slaney"})]
)
@pytest.mark.parametrize("low_hz", [0.0, 50.0])
def test_filters_against_librosa(scale: Any, options: dict[str, Any], low_hz: float) -> None:
    made = mel_filterbank(48000, 1024, 64, low_hz, 14000.0, scale).numpy()
    wanted = librosa.filters.mel(
        sr=48000, n_fft=1024, n_mels=64, fmin=low_hz, fmax=14000.0, dtype=np.float64, **options
    )
    assert np.abs(made - wanted.T).max() < 1e-10


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
@pytest.mark.parametrize("samples", [30, 64, 120])
def test_gradients_down_to_the_samples(samples: int, truncation: Any) -> None:
    config = LogMelConfig(
        sample_rate=800,
        n_fft=16,
        hop_length=8,
        mel_bands=3,
        low_hz=0.0,
        high_hz=400.0,
        clip_samples=64,
        truncation=truncation,
    )
    front_end = LogMel(config)
    generator = torch.Generator().manual_seed(1)
    audio = torch.randn(2, samples, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: front_end(x)[0], (audio,))


def test_silence_has_a_finite_gradient() -> None:
    audio = torch.zeros(2, 300, requires_grad=True)
    features, _ = LogMel(LogMelConfig(**TINY))(audio)
    assert torch.equal(features, torch.full_like(features, -100.0))
    features.sum().backward()
    assert audio.grad is not None and torch.equal(audio.grad, torch.zeros_like(audio))


@pytest.mark.parametrize("truncation", ["fusion", "rand_trunc"])
def test_a_generator_draws_the_stretches_by_its_seed(truncation: Any) -> None:
    front_end = LogMel(LogMelConfig(**TINY, truncation=truncation))
    audio = sounds(4000, 8000)[:1].expand(2, -1)
    drawn = [front_end(audio, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0][0], drawn[0][1])  # each example of a batch its own
    middle, _ = front_end(audio)
    assert torch.equal(middle[0], middle[1])


def test_drawn_fusion_stretches_lie_in_their_thirds() -> None:
    config = LogMelConfig(**TINY, truncation="fusion")
    front_end = LogMel(config)
    audio = sounds(1400, 8000)[:1]
    spectra = front_end.spectra(audio)[0].float()
    positions = len(spectra) - config.frames + 1
    for seed in range(20):
        features, _ = front_end(audio, torch.Generator().manual_seed(seed))
        for channel, (first, last) in zip(features[0, 1:], thirds(positions), strict=True):
            at = [s for s in range(positions) if torch.equal(spectra[s : s + config.frames], channel)]
            assert len(at) == 1 and first <= at[0] <= last


@pytest.mark.parametrize("count", range(1, 12))
def test_thirds_are_numpys(count: int) -> None:
    split = [part.tolist() for part in np.array_split(np.arange(count), 3)]
    assert thirds(count) == [(part[0], part[-1]) if part else (0, 0) for part in split]


def test_autocast_does_not_reach_the_front_end() -> None:
    audio = sounds(300, 8000)
    front_end = LogMel(LogMelConfig(**TINY))
    plain, _ = front_end(audio)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast, _ = front_end(audio)
    assert torch.equal(plain, cast)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"truncation": "crop"}, "fusion or rand_trunc"),
        ({"padding": "zeros"}, "repeatpad, repeat or pad"),
        ({"clip_samples": 512}, "exceed half a window"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogMelConfig(**wrong)


@pytest.mark.parametrize("shape", [(100,), (1, 2, 100), (2, 0)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"must be \[batch, time\]"):
        LogMel(LogMelConfig(**TINY))(torch.zeros(shape))
    assert fill_clip(torch.ones(1, 4), 4, "pad").shape == (1, 4)
