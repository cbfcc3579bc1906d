import pytest
import torch

from stemless.voices.network import (
    Level,
    NetworkConfig,
    SourceFilterNetwork,
    exponential_sigmoid,
    log_magnitude,
    scaled_midi,
)

SMALL = NetworkConfig(encoder_size=12, embedding_size=8, decoder_size=16)


def test_size_of_the_paper() -> None:
    network = SourceFilterNetwork(NetworkConfig())
    assert sum(parameter.numel() for parameter in network.parameters()) == 5_573_961


@pytest.mark.parametrize("samples", [1, 100, 256, 64_000, 40_001])
@pytest.mark.parametrize("voices", [1, 2, 5])
def test_any_length_and_number_of_voices(samples: int, voices: int) -> None:
    frames = 1 + samples // 256
    network = SourceFilterNetwork(SMALL)
    parameters = network(torch.randn(2, samples), torch.full((2, voices, frames), 220.0))
    assert parameters.amplitude.shape == parameters.noise_gain.shape == (2, voices, frames)
    assert parameters.lsf.shape == (2, voices, frames, 20)
    assert parameters.noise_colour.shape == (2, voices, 40)
    assert (
        (parameters.lsf.diff(dim=-1) > 0).all() and parameters.lsf.min() > 0 and parameters.lsf.max() < 3.15
    )
    for gain in (parameters.amplitude, parameters.noise_gain, parameters.noise_colour):
        assert torch.isfinite(gain).all() and gain.min() > 0


def test_voices_do_not_depend_on_their_order() -> None:
    network = SourceFilterNetwork(SMALL)
    mixture, f0 = torch.randn(1, 4096), torch.rand(1, 3, 17) * 300 + 100
    one, two = network(mixture, f0), network(mixture, f0.flip(1))
    assert torch.allclose(one.amplitude.flip(1), two.amplitude, atol=1e-6)


def test_level_of_the_whole_replaces_that_of_the_example() -> None:
    network = SourceFilterNetwork(SMALL)
    mixture, f0 = torch.randn(1, 8192), torch.full((1, 2, 33), 200.0)
    peak = float(mixture.abs().max())
    magnitude = log_magnitude(mixture / peak, SMALL.grid)
    level = Level(peak, float(magnitude.mean()), float(magnitude.std(correction=0)))
    assert torch.allclose(
        network(mixture / peak, f0).amplitude, network(mixture, f0, level).amplitude, atol=1e-5
    )


def test_silence_gives_finite_parameters() -> None:
    parameters = SourceFilterNetwork(SMALL)(torch.zeros(1, 4096), torch.zeros(1, 2, 17))
    assert torch.isfinite(parameters.amplitude).all() and torch.isfinite(parameters.lsf).all()


def test_activation() -> None:
    x = torch.tensor([-100.0, 0.0, 100.0])
    assert torch.allclose(exponential_sigmoid(x), torch.tensor([1e-7, 2 * 0.5**2.302585 + 1e-7, 2.0]))
    assert exponential_sigmoid(x, 1.0)[2] == pytest.approx(1.0)
    # The sixth of a decade per unit on the way down keeps a gradient where the sigmoid has none.
    steep = torch.tensor(-30.0, dtype=torch.float64, requires_grad=True)
    exponential_sigmoid(steep).backward()
    assert steep.grad > 0


def test_unvoiced_is_told_apart_from_the_lowest_note() -> None:
    made = scaled_midi(torch.tensor([0.0, 19.0, 40.0, 8000.0, 9000.0]))
    assert made[0] == 0 and made[1] == 0 and made[2] == pytest.approx(1 / 8.6439, abs=1e-3)
    assert made[3] == made[4] == 1
