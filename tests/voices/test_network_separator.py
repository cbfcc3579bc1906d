import json

import numpy as np
import pytest
import torch

from stemless import checkpoint
from stemless.engine import separate_audio
from stemless.errors import CheckpointError
from stemless.spectrum import Grid, stft
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig, log_magnitude
from stemless.voices.network_separator import LevelMeter, NetworkSeparator, densest_stretch, load_model
from stemless.voices.tracks import PitchTracks

SMALL = NetworkConfig(encoder_size=12, embedding_size=8, decoder_size=16)


def duet(seconds: float, rate: int = 16000) -> tuple[torch.Tensor, PitchTracks]:
    """Two gliding harmonic voices, one of which rests, and their tracks."""
    frames = int(seconds / 0.01) + 2
    times = np.arange(frames) * 0.01
    f0_hz = np.stack([220 * 2 ** (0.3 * np.sin(times)), 340 * 2 ** (0.2 * np.cos(1.3 * times))])
    f0_hz[1, (times % 3.0) > 2.5] = 0.0
    tracks = PitchTracks.regular(f0_hz, 0.01, ["low", "high"])
    t = np.arange(int(seconds * rate)) / rate
    audio = np.zeros_like(t)
    for row in f0_hz:
        f = np.interp(t, times, row)
        phase = 2 * np.pi * np.cumsum(f) / rate
        audio += 0.1 * (f > 100) * sum(np.sin(k * phase) / k for k in range(1, 12))
    return torch.from_numpy(audio).float(), tracks


def test_level_block_by_block_is_that_of_the_whole() -> None:
    audio = torch.randn(20_000, generator=torch.Generator().manual_seed(0)) * 0.3
    meter = LevelMeter(Grid(512, 256))
    for block in audio.split(1777):
        meter.hear(block)
    level = meter.level()
    wanted = log_magnitude(audio[None] / audio.abs().max(), Grid(512, 256))
    assert level.peak == pytest.approx(float(audio.abs().max()))
    assert level.mean == pytest.approx(float(wanted.mean()), abs=2e-3)
    assert level.deviation == pytest.approx(float(wanted.std(correction=0)), abs=2e-3)


def test_level_of_silence_and_of_one_sample() -> None:
    meter = LevelMeter(Grid(512, 256))
    meter.hear(torch.zeros(1000))
    assert np.isfinite([meter.level().mean, meter.level().deviation]).all()
    meter = LevelMeter(Grid(512, 256))
    meter.hear(torch.ones(1))
    assert np.isfinite([meter.level().mean, meter.level().deviation]).all()


def test_noise_is_listened_to_where_all_voices_sound() -> None:
    f0_hz = np.zeros((2, 1000))
    f0_hz[0, 100:900] = 200.0
    f0_hz[1, 500:1000] = 300.0
    start = densest_stretch(PitchTracks.regular(f0_hz, 0.016), 4.0, 16.0)
    assert 8.0 <= start <= 10.4


def test_chunks_join_without_seams() -> None:
    torch.manual_seed(0)
    audio, tracks = duet(24.0)
    separator = NetworkSeparator(VoicesModel(SMALL))
    whole = separate_audio(audio[None], 16000, separator, tracks, chunk_seconds=60.0).audio
    chunked = separate_audio(audio[None], 16000, separator, tracks, chunk_seconds=8.0).audio
    for seam in (8, 16):
        around = slice(int((seam - 0.25) * 16000), int((seam + 0.25) * 16000))
        error = (whole - chunked)[..., around].norm() / whole[..., around].norm()
        assert 20 * torch.log10(error) < -60


def test_loudness_does_not_change_the_masks() -> None:
    torch.manual_seed(0)
    audio, tracks = duet(4.0)
    separator = NetworkSeparator(VoicesModel(SMALL))
    loud = separate_audio(audio[None], 16000, separator, tracks).audio
    quiet = separate_audio(0.01 * audio[None], 16000, separator, tracks).audio
    assert torch.allclose(100 * quiet, loud, atol=2e-4)


@pytest.mark.parametrize("samples", [1, 200, 5000])
def test_any_length(samples: int) -> None:
    audio, tracks = duet(1.0)
    separator = NetworkSeparator(VoicesModel(SMALL))
    stems = separate_audio(audio[None, :samples], 16000, separator, tracks)
    assert torch.isfinite(stems.audio).all()
    assert torch.allclose(stems.audio.sum(0) + stems.residual, audio[None, :samples], atol=1e-6)


def test_silence_stays_silent() -> None:
    _, tracks = duet(1.0)
    stems = separate_audio(torch.zeros(1, 16000), 16000, NetworkSeparator(VoicesModel(SMALL)), tracks)
    assert stems.audio.abs().max() == 0


def test_masks_are_within_bounds_and_the_same_each_time() -> None:
    audio, tracks = duet(2.0)
    separator = NetworkSeparator(VoicesModel(SMALL))
    one, two = (separate_audio(audio[None], 16000, separator, tracks).audio for _ in range(2))
    assert torch.equal(one, two)
    spectrum = stft(one.sum(0), Grid(2048, 256)).abs()
    assert (spectrum <= stft(audio[None], Grid(2048, 256)).abs() + 1.0).all()


def test_model_comes_back_from_its_folder(tmp_path) -> None:
    model = VoicesModel(SMALL)
    config = {
        "kind": "voices/network",
        "model": {"encoder_size": 12, "embedding_size": 8, "decoder_size": 16},
    }
    folder = checkpoint.save(tmp_path / "model", config, model.state_dict(), "# Card\n")
    for (name, wanted), made in zip(
        model.state_dict().items(), load_model(folder).state_dict().values(), strict=True
    ):
        assert torch.equal(wanted, made), name


def test_a_model_that_does_not_fit_is_one_line(tmp_path) -> None:
    model = VoicesModel(SMALL)
    for config, word in (
        ({"kind": "query"}, "not a voices network"),
        ({"kind": "voices/network", "model": {}}, "do not fit"),
        ({"kind": "voices/network", "model": {"encoder_sise": 12}}, "encoder_size"),
    ):
        folder = checkpoint.save(tmp_path / word.split()[0], config, model.state_dict(), "# Card\n")
        with pytest.raises((CheckpointError, Exception)) as caught:
            load_model(folder)
        assert word in str(caught.value) and "\n" not in str(caught.value), json.dumps(config)
