"""The U-Net: its size, its pitch bins, its gradients, and that it learns to follow the pitch it is given."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stemless import checkpoint
from stemless.errors import CheckpointError
from stemless.separator import Stretch
from stemless.spectrum import stft
from stemless.voices.baselines.unet import (
    PitchControl,
    UNet,
    UNetConfig,
    pitch_bins,
    unet_examples,
    unet_loss,
)
from stemless.voices.baselines.unet_separator import UNetSeparator, load_unet
from stemless.voices.tracks import PitchTracks

TINY = UNetConfig(
    n_fft=32, hop_length=8, channels=(2, 3), control_channels=(2, 3), control_frames=4, dropout=0.0
)


def tiny(seed: int = 0, **changes: object) -> UNet:
    torch.manual_seed(seed)
    return UNet(dataclasses.replace(TINY, **changes))  # type: ignore[arg-type]


def test_size_is_the_papers() -> None:
    assert sum(parameter.numel() for parameter in UNet().parameters()) == pytest.approx(10.3e6, rel=0.01)


def test_encoder_is_not_linear() -> None:
    with pytest.raises(ValueError, match="slope"):
        UNetConfig(slope=1.0)


@pytest.mark.parametrize("f0_hz", [32.7, 61.0, 441.3, 2000.0])
def test_pitch_bins_are_a_bump_at_the_pitch(f0_hz: float) -> None:
    bins = pitch_bins(torch.tensor([f0_hz], dtype=torch.float64))[:, 0]
    centre = 60 * math.log2(f0_hz / 32.7)
    for index in range(361):
        assert float(bins[index]) == pytest.approx(math.exp(-0.5 * (index - centre) ** 2), abs=1e-12)


def test_pitch_outside_the_bins_is_at_their_end_and_rests_are_empty() -> None:
    bins = pitch_bins(torch.tensor([20.0, 5000.0, 0.0]))
    assert bins[0, 0] == 1 and bins[-1, 1] == 1 and bins[:, 2].abs().max() == 0


def test_pitch_bins_move_with_transposition() -> None:
    f0_hz = torch.tensor([100.0, 237.0], dtype=torch.float64)
    assert torch.allclose(pitch_bins(2 * f0_hz)[60:], pitch_bins(f0_hz)[:-60], atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 5, 64, 131])
def test_any_length(frames: int) -> None:
    network = UNet(UNetConfig(channels=(2, 2, 2, 2, 2, 2))).eval()
    mask = network(torch.rand(2, 513, frames), torch.rand(2, 361, frames))
    assert mask.shape == (2, 513, frames)
    assert mask.min() >= 0 and mask.max() <= 1


def test_frames_stay_in_place() -> None:
    """What happens in one frame changes the mask around it, and nowhere far away."""
    network = tiny().eval()
    magnitude, bins = torch.rand(1, 17, 200), torch.rand(1, 361, 200)
    level = torch.ones(1)
    changed = magnitude.clone()
    changed[..., 100] += 1
    difference = (
        (network(changed, bins, level) - network(magnitude, bins, level)).abs().amax((0, 1)).nonzero()
    )
    assert difference.min() > 80 and difference.max() < 120
    assert difference.min() <= 100 <= difference.max()


def test_masks_do_not_depend_on_the_volume() -> None:
    network = tiny().eval()
    magnitude, bins = torch.rand(3, 17, 20), torch.rand(3, 361, 20)
    assert torch.allclose(network(magnitude, bins), network(1000 * magnitude, bins), atol=1e-5)
    assert torch.isfinite(network(torch.zeros(3, 17, 20), bins)).all()


def test_gradients_of_the_conditioning() -> None:
    torch.manual_seed(0)
    control = PitchControl(TINY).double()
    f0_hz = torch.tensor([[200.0, 210.0, 95.0, 90.0]], dtype=torch.float64, requires_grad=True)
    mixture = torch.rand(1, 17, 4, dtype=torch.float64, requires_grad=True)

    def conditioned(f0_hz: Tensor, mixture: Tensor) -> Tensor:
        scale, shift = control(pitch_bins(f0_hz))
        return scale * mixture + shift

    assert torch.autograd.gradcheck(conditioned, (f0_hz, mixture))


def test_gradients_of_network_and_loss() -> None:
    network = tiny().double()
    generator = torch.Generator().manual_seed(1)
    mixture = torch.rand(2, 17, 6, dtype=torch.float64, generator=generator)
    voice = torch.rand(2, 17, 6, dtype=torch.float64, generator=generator)
    bins = pitch_bins(torch.tensor([[200.0] * 6, [300.0] * 6], dtype=torch.float64))
    names = [name for name, _ in network.named_parameters()]
    values = [parameter.detach().clone().requires_grad_() for parameter in network.parameters()]
    small = [index for index, value in enumerate(values) if value.numel() < 60]
    assert any("scale" in names[index] for index in small)
    assert any("rise" in names[index] for index in small) and any(
        "encoder" in names[index] for index in small
    )

    def loss(*chosen: Tensor) -> Tensor:
        state = dict(zip(names, values, strict=True))
        state.update(zip((names[index] for index in small), chosen, strict=True))
        mask = torch.func.functional_call(network, state, (mixture, bins))
        return unet_loss(mask, mixture, voice)

    assert torch.autograd.gradcheck(loss, tuple(values[index] for index in small))


def test_learns_which_of_two_tones_is_asked_for() -> None:
    """Two steady tones, one mixture: only the pitch tells the examples apart."""
    config = UNetConfig(n_fft=128, hop_length=64, channels=(8, 8), control_channels=(8, 16), dropout=0.0)
    torch.manual_seed(0)
    network = UNet(config)
    seconds = torch.arange(4000) / 16000
    stems = torch.stack([torch.sin(2 * math.pi * f0 * seconds) for f0 in (1000.0, 1500.0)])[None]
    f0_hz = torch.tensor([1000.0, 1500.0])[:, None].expand(1, 2, 63)
    audio = stems.sum(1).expand(2, -1)
    example = unet_examples(
        audio, f0_hz.expand(2, -1, -1), stems.expand(2, -1, -1), torch.tensor([0, 1]), config
    )
    mixture, bins, voice = example
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    losses = []
    for _ in range(40):
        loss = unet_loss(network(mixture, bins), mixture, voice)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.4 * losses[0]


def test_examples_are_the_chosen_voices() -> None:
    generator = torch.Generator().manual_seed(0)
    stems = torch.randn(3, 2, 2000, generator=generator)
    f0_hz = 100 + 200 * torch.rand(3, 2, 8, generator=generator)
    config = UNetConfig()
    mixture, bins, voice = unet_examples(stems.sum(1), f0_hz, stems, torch.tensor([1, 0, 1]), config)
    assert torch.allclose(mixture, stft(stems.sum(1), config.grid).abs(), atol=1e-5)
    assert torch.allclose(voice[1], stft(stems[1, 0], config.grid).abs(), atol=1e-5)
    assert torch.equal(bins[2], pitch_bins(f0_hz[2, 1]))


TRACKS = PitchTracks.regular([[200.0] * 40, [300.0] * 40, [0.0] * 40], 0.016)


@pytest.mark.parametrize("power", [None, 1.0, 2.0])
@pytest.mark.parametrize("samples", [1, 3001])
def test_masks_of_the_separator_share_the_mixture(power: float | None, samples: int) -> None:
    separator = UNetSeparator(tiny(n_fft=1024, hop_length=256), power)
    audio = torch.randn(2, samples, generator=torch.Generator().manual_seed(0))
    masks = separator.masks(audio, TRACKS)
    assert masks.shape == (2, 3, 513, 1 + samples // 256)
    assert masks.min() >= 0 and masks.sum(1).max() <= 1 + 1e-6
    assert masks[:, 2].max() == 0  # this voice never sounds
    assert masks[:, :2].min() > 0
    if power is not None:
        assert torch.allclose(masks.sum(1), torch.ones_like(masks[:, 0]))


def test_the_separator_does_the_same_twice_and_in_a_batch() -> None:
    separator = UNetSeparator(tiny(n_fft=1024, hop_length=256, dropout=0.5))
    audio = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0))
    masks = separator.masks(audio, TRACKS)
    assert torch.equal(masks, separator.masks(audio, TRACKS))
    assert torch.allclose(masks[1:], separator.masks(audio[1:], TRACKS), atol=1e-6)


def test_level_of_a_recording_is_its_usual_maximum() -> None:
    separator = UNetSeparator(tiny(n_fft=1024, hop_length=256))
    audio = torch.randn(1, 16000 * 20, generator=torch.Generator().manual_seed(0))
    audio[:, : 16000 * 8] = 0  # silence does not count

    def survey(block: int) -> float:
        stretches = (
            Stretch(start / 16000, audio[:, start : start + block], TRACKS)
            for start in range(0, audio.shape[1], block)
        )
        return separator.survey(stretches, TRACKS, 20.0)

    whole = stft(audio[0], separator.grid).abs()
    assert survey(64000) == pytest.approx(float(whole.max()), rel=0.15)
    assert survey(10000) == pytest.approx(survey(64000), rel=0.1)
    assert separator.survey(iter(()), TRACKS, 0.1) == 1.0


def test_a_stored_model_comes_back(tmp_path: Path) -> None:
    network = tiny()
    state = {"kind": "voices/unet", "model": dataclasses.asdict(network.config)}
    folder = checkpoint.save(tmp_path / "unet", state, network.state_dict(), "# card\n")
    loaded = load_unet(folder)
    assert loaded.config == network.config
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), network.parameters(), strict=True))
    other = checkpoint.save(tmp_path / "other", {"kind": "voices/network"}, network.state_dict(), "# card\n")
    with pytest.raises(CheckpointError, match="not a voices U-Net"):
        load_unet(other)
    state["model"]["channels"] = [2, 4]  # type: ignore[index]
    wrong = checkpoint.save(tmp_path / "wrong", state, network.state_dict(), "# card\n")
    with pytest.raises(CheckpointError, match="do not fit"):
        load_unet(wrong)
