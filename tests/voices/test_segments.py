import torch

from stemless.voices.network import Level, NetworkConfig, SourceFilterNetwork
from stemless.voices.segments import Segments, parameters_in_segments

SMALL = NetworkConfig(encoder_size=12, embedding_size=8, decoder_size=16)
SEGMENTS = Segments(length=60, warm_up=20, fade=4)
LEVEL = Level(1.0, -3.0, 2.0)


def given(frames: int) -> tuple[SourceFilterNetwork, torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    network = SourceFilterNetwork(SMALL)
    # Gates that stay open: what was heard first is remembered throughout.
    with torch.no_grad():
        for gru in (network.encoder.first, network.encoder.second, network.decoder.recurrent):
            gru.bias_hh_l0[gru.size : 2 * gru.size] += 6.0
    mixture = torch.randn(1, (frames - 1) * 256)
    return network, mixture, 100 + 200 * torch.rand(1, 2, frames), torch.rand(1, 2, 40)


def test_the_same_from_any_start_with_enough_before_it() -> None:
    network, mixture, f0_hz, colour = given(400)
    whole = parameters_in_segments(network, mixture, f0_hz, 0, LEVEL, colour, SEGMENTS)
    plain_a = network(mixture, f0_hz, LEVEL, colour)
    for first in (120, 180, 240):
        # A chunk that begins at a multiple of the length, with half a segment, warm-up and fade before it.
        before = SEGMENTS.length // 2 + SEGMENTS.warm_up + SEGMENTS.fade + 2
        start = first - before
        part = parameters_in_segments(
            network, mixture[:, start * 256 :], f0_hz[..., start:], start, LEVEL, colour, SEGMENTS
        )
        for a, b in zip(
            (whole.amplitude, whole.noise_gain, whole.lsf),
            (part.amplitude, part.noise_gain, part.lsf),
            strict=True,
        ):
            assert torch.allclose(a[:, :, first:], b[:, :, before:], atol=1e-5)
    # The plain run over the same stretch does remember.
    plain_b = network(mixture[:, 180 * 256 :], f0_hz[..., 180:], LEVEL, colour)
    assert not torch.allclose(plain_a.amplitude[..., 200:], plain_b.amplitude[..., 20:], atol=1e-5)


def test_a_short_stretch_is_the_plain_network() -> None:
    network, mixture, f0_hz, colour = given(30)
    made = parameters_in_segments(network, mixture, f0_hz, 0, LEVEL, colour, SEGMENTS)
    wanted = network(mixture, f0_hz, LEVEL, colour)
    assert torch.allclose(made.amplitude, wanted.amplitude, atol=1e-6)
    assert torch.allclose(made.lsf, wanted.lsf, atol=1e-6)


def test_weights_of_neighbours_sum_to_one() -> None:
    # Amplitudes of a network that always says the same must come out as that, across every border.
    network, mixture, f0_hz, colour = given(300)
    with torch.no_grad():
        network.decoder.amplitude.weight.zero_()
        network.decoder.spacing.weight.zero_()
    made = parameters_in_segments(network, mixture, f0_hz, 17, LEVEL, colour, SEGMENTS)
    assert torch.allclose(made.amplitude, made.amplitude[:, :, :1].expand_as(made.amplitude), atol=1e-6)
    assert (made.lsf.diff(dim=-1) > 0).all()
