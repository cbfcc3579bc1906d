"""Network and NMF as one separator: the mean of masks, and that several versions of tracks are weighed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_network_separator import SMALL, duet

from stemless.engine import separate_audio
from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator
from stemless.voices.blend import BlendSeparator
from stemless.voices.mask_means import blended
from stemless.voices.model import VoicesModel
from stemless.voices.network_separator import NetworkSeparator


@pytest.fixture(scope="module")
def separator() -> BlendSeparator:
    torch.manual_seed(0)
    return BlendSeparator(NetworkSeparator(VoicesModel(SMALL)), SourceFilterNMFSeparator(iterations=4))


def shares(*shape: int, seed: int) -> torch.Tensor:
    masks = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return masks / masks.sum(-3, keepdim=True)


def test_equal_masks_stay_as_they_are() -> None:
    masks = shares(2, 3, 5, 7, seed=0)
    assert torch.allclose(blended([masks, masks], [0.25, 0.75]), masks, atol=1e-6)


def test_sums_are_kept_and_silence_stays_silent() -> None:
    masks = [shares(3, 5, 7, seed=seed) for seed in (0, 1)]
    for mask in masks:
        mask[..., 4:] *= 0.3
        mask[..., 6:] = 0.0
    joined = blended(masks, [0.5, 0.5])
    assert torch.allclose(joined[..., :4].sum(0), torch.ones(5, 4), atol=1e-5)
    assert torch.allclose(joined[..., 4:6].sum(0), torch.full((5, 2), 0.3), atol=1e-5)
    assert joined[..., 6:].max() == 0


def test_a_rest_of_one_weighs_more_than_in_the_plain_mean() -> None:
    rest, share = torch.tensor([0.0, 1.0])[:, None, None], torch.tensor([0.6, 0.4])[:, None, None]
    assert blended([rest, share], [0.5, 0.5])[0] < 0.1 < 0.5 * (rest + share)[0]


def test_stems_and_residual_are_the_mixture_and_the_same_each_time(separator: BlendSeparator) -> None:
    audio, tracks = duet(2.0)
    first = separate_audio(audio[None], 16000, separator, tracks)
    assert torch.equal(first.audio, separate_audio(audio[None], 16000, separator, tracks).audio)
    assert torch.allclose(first.audio.sum(0) + first.residual, audio[None], atol=1e-6)


def test_chunks_leave_no_seam(separator: BlendSeparator) -> None:
    audio, tracks = duet(9.0)
    whole = separate_audio(audio[None], 16000, separator, tracks, chunk_seconds=30).audio
    parts = separate_audio(audio[None], 16000, separator, tracks, chunk_seconds=3).audio
    error = (whole - parts).square().mean()
    assert 10 * torch.log10(whole.square().mean() / error) > 60


def test_another_version_of_the_tracks_counts(separator: BlendSeparator) -> None:
    audio, tracks = duet(2.0)
    wrong = replace(tracks, f0_hz=tracks.f0_hz * 1.31)
    alone, both, right = (
        separate_audio(audio[None], 16000, separator, each).audio[:, 0]
        for each in (wrong, replace(wrong, others=(tracks,)), tracks)
    )
    assert (both - right).square().mean() < 0.6 * (alone - right).square().mean()


def test_parts_on_other_grids_are_refused() -> None:
    nmf = SourceFilterNMFSeparator()
    nmf.sample_rate = 8000  # type: ignore[misc]
    with pytest.raises(ValueError, match="one grid"):
        BlendSeparator(NetworkSeparator(VoicesModel(SMALL)), nmf)
    with pytest.raises(TypeError, match="survey"):
        separator = BlendSeparator(NetworkSeparator(VoicesModel(SMALL)), SourceFilterNMFSeparator())
        separator.masks(torch.zeros(1, 100), duet(1.0)[1], None)
    with pytest.raises(TypeError, match="survey"):
        separator.corrections(torch.zeros(1, 100), torch.zeros(2, 1025, 1), duet(1.0)[1], None)
