"""Pitch-informed NMF: updates against plain loops, an objective that never rises, and what it separates."""

import itertools
import math

import numpy as np
import pytest
import torch
from tones import RATE, sdr_db, tone
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import istft, stft
from stemless.voices.baselines.comb import CombSeparator, comb_magnitudes
from stemless.voices.baselines.nmf import (
    NMFSeparator,
    allowed_activations,
    comb_templates,
    even_activations,
    for_tracks,
    kl_divergence,
    learn_templates,
    update_activations,
    update_spectra,
    voice_magnitudes,
)
from stemless.voices.tracks import PitchTracks


def random(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 + torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_updates_against_plain_loops() -> None:
    observed, spectra, activations = random(6, 5), random(6, 3, seed=1), random(3, 5, seed=2)
    prior, weight = random(6, 3, seed=3), 0.7
    activations[1, 2] = 0
    bins, frames, templates = range(6), range(5), range(3)

    def model(b: int, t: int) -> float:
        return sum(float(spectra[b, k] * activations[k, t]) for k in templates)

    new_activations, new_spectra = np.zeros((3, 5)), np.zeros((6, 3))
    for k in templates:
        for t in frames:
            above = sum(float(spectra[b, k] * observed[b, t]) / model(b, t) for b in bins)
            new_activations[k, t] = float(activations[k, t]) * above / sum(float(spectra[b, k]) for b in bins)
        for b in bins:
            above = sum(float(activations[k, t] * observed[b, t]) / model(b, t) for t in frames)
            below = sum(float(activations[k, t]) for t in frames)
            grown = float(spectra[b, k]) * above + weight * float(prior[b, k])
            new_spectra[b, k] = grown / (below + weight)
    assert np.allclose(update_activations(observed, spectra, activations), new_activations, atol=1e-12)
    assert np.allclose(update_spectra(observed, spectra, activations, prior, weight), new_spectra, atol=1e-12)


def test_divergence_against_its_definition() -> None:
    observed, model = random(4, 3), random(4, 3, seed=1)
    expected = sum(
        v * math.log(v / m) - v + m
        for v, m in zip(observed.flatten().tolist(), model.flatten().tolist(), strict=True)
    )
    assert float(kl_divergence(observed, model)) == pytest.approx(expected)
    assert float(kl_divergence(observed, observed)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("weight", [0.0, 3.0])
def test_objective_never_rises(weight: float) -> None:
    f0_hz = torch.tensor([[200.0] * 10 + [0.0] * 10, [301.0] * 20], dtype=torch.float64)
    observed = random(129, 20)
    templates = comb_templates(f0_hz, n_fft=256)
    start = templates.spectra
    activations = even_activations(observed, allowed_activations(templates, f0_hz))
    spectra = start

    def objective() -> float:
        held = spectra @ activations
        # Where nobody can be, nothing can change.
        reached = held > 0
        return float(
            kl_divergence(observed[reached], held[reached])
            + held[~reached].sum()
            + weight * kl_divergence(start, spectra)
        )

    values = [objective()]
    for _ in range(25):
        activations = update_activations(observed, spectra, activations)
        values.append(objective())
        spectra = update_spectra(observed, spectra, activations, start, weight)
        values.append(objective())
    assert all(after <= before * (1 + 1e-10) for before, after in itertools.pairwise(values))
    assert values[-1] < values[0]


def test_templates_are_combs_at_tenths_of_a_semitone_that_the_tracks_visit() -> None:
    f0_hz = torch.tensor([[440.0, 440.0, 0.0], [0.0, 880.0, 0.0]])
    templates = comb_templates(f0_hz)
    assert list(zip(templates.voice.tolist(), templates.step.tolist(), strict=True)) == [
        (0, -1), (0, 0), (0, 1), (1, 119), (1, 120), (1, 121)
    ]  # fmt: skip
    comb = comb_magnitudes(torch.tensor([440.0]), lobe_bins=2.5)
    assert torch.allclose(templates.spectra[:, 1:2], comb / comb.sum())
    allowed = allowed_activations(templates, f0_hz)
    assert allowed.int().tolist() == [[1, 1, 0]] * 3 + [[0, 1, 0]] * 3


def test_templates_grow_only_on_their_partials_and_learn_the_spectrum() -> None:
    """One voice, one pitch, no prior: the template becomes the spectrum, on the bins of the comb."""
    f0_hz = torch.full((1, 12), 440.0)
    comb = comb_templates(f0_hz).spectra[:, 1]
    truth = comb * torch.linspace(0.2, 3.0, 1025)
    observed = truth[:, None] * torch.linspace(1.0, 2.0, 12)
    learned = learn_templates(observed, f0_hz, prior_frames=0.0)
    model = voice_magnitudes(observed, f0_hz, learned)
    assert torch.allclose(model[0], observed, atol=2e-3 * float(observed.max()))
    assert (learned.spectra[:, 1][comb == 0] == 0).all()
    held = learn_templates(observed, f0_hz, prior_frames=1e6)
    assert torch.allclose(held.spectra[:, 1], comb, atol=1e-4)


def test_pitches_that_were_not_learned_are_combs() -> None:
    f0_hz = torch.full((2, 8), 220.0)
    learned = learn_templates(random(1025, 8).float(), f0_hz)
    wanted = torch.tensor([[220.0, 247.0], [0.0, 0.0]])
    templates = for_tracks(learned, wanted)
    assert templates.voice.tolist() == [0] * 6
    assert torch.equal(templates.spectra[:, :3], learned.spectra[:, :3])
    assert torch.equal(templates.spectra[:, 3:], comb_templates(wanted).spectra[:, 3:])


def test_learns_what_the_comb_cannot_know() -> None:
    """Two voices a fifth apart share every sixth harmonic; one is bright, one dark, and both move."""
    pitch = [200.0, 300.0]
    parts = []
    for envelope, first, second in (
        (lambda hz: math.exp(-hz / 500), pitch[0], pitch[0] * 1.12),
        (lambda hz: 0.2 + hz / 4000, pitch[1], pitch[1] * 0.94),
    ):
        parts.append(torch.cat([tone(first, RATE, envelope), tone(second, RATE, envelope, 0.5)]))
    sources = torch.stack(parts)
    f0_hz = np.repeat([[200.0, 224.0], [300.0, 282.0]], 63, axis=1)
    tracks = PitchTracks.regular(f0_hz, 0.016)
    mixture = sources.sum(0)

    def separated(separator: NMFSeparator | CombSeparator) -> list[float]:
        masks = separator.masks(mixture[None], tracks, None)[0]
        stems = istft(masks * stft(mixture, separator.grid), separator.grid, len(mixture))
        return [sdr_db(source, stem) for source, stem in zip(sources, stems, strict=True)]

    assert min(separated(NMFSeparator())) > min(separated(CombSeparator())) + 2


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_masks_are_shares_and_rests_are_mute(power: float) -> None:
    generator = torch.Generator().manual_seed(0)
    f0_hz = 100 + 300 * torch.rand(3, 100, generator=generator)
    f0_hz[0, 40:] = 0
    f0_hz[:, 60:] = 0
    audio = torch.randn(2, 100 * 256 - 1, generator=generator)
    separator = NMFSeparator(power, iterations=3)
    masks = separator.masks(audio, PitchTracks.regular(f0_hz.numpy(), 0.016))
    assert masks.shape == (2, 3, 1025, 100)
    assert masks.min() >= 0 and masks.sum(1).max() <= 1 + 1e-5
    assert torch.isfinite(masks).all()
    assert masks[:, :, :, 92:].max() == 0
    assert torch.allclose(masks[:, :, :, :60].sum(1), torch.ones(2, 1025, 60), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 777])
def test_any_length_silence_and_level(samples: int) -> None:
    separator = NMFSeparator(iterations=3)
    tracks = PitchTracks.regular([[200.0] * 4, [0.0] * 4], 0.016)
    assert separator.masks(torch.zeros(1, samples), tracks).shape == (1, 2, 1025, 1 + samples // 256)
    assert torch.isfinite(separator.masks(torch.zeros(1, samples), tracks)).all()
    audio = torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    masks = separator.masks(audio, tracks)
    assert torch.equal(masks, separator.masks(audio, tracks))
    assert torch.allclose(masks, separator.masks(1e6 * audio, tracks), atol=1e-5)
    resting = PitchTracks.regular([[0.0] * 4, [0.0] * 4], 0.016)
    assert separator.masks(audio, resting).max() == 0


def test_chunks_agree_with_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    f0_hz = 150 + 100 * torch.rand(2, 1, generator=generator) + 20 * torch.rand(2, 251, generator=generator)
    tracks = PitchTracks.regular(f0_hz.numpy(), 0.016)
    audio = torch.randn(1, 64000, generator=generator)
    separator = NMFSeparator(iterations=5)
    survey = separator.survey([Stretch(0.0, audio, tracks)], tracks, 4.0)
    whole = separator.masks(audio, tracks, survey)
    first, last = 100, 220
    part = separator.masks(
        audio[:, first * 256 : last * 256], tracks.cut(first * 0.016, last * 0.016), survey
    )
    inner = slice(8, 112)
    assert torch.allclose(part[..., inner], whole[..., first:][..., inner], atol=1e-4)
    with pytest.raises(TypeError, match="survey"):
        separator.masks(audio, tracks, "nothing")
