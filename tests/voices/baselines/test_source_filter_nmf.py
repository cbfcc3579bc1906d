"""Source-filter NMF: updates against plain loops, an objective that never rises, and what it separates."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tones import RATE, sdr_db, tone
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import istft, stft
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.baselines.nmf import kl_divergence
from stemless.voices.baselines.source_filter_nmf import (
    Frames,
    SourceFilterNMFSeparator,
    glottal_combs,
    glottal_sources,
    learn_shapes,
    shape_terms,
    smooth_bumps,
    start_frames,
    update_frames,
    voice_magnitudes,
    voice_spectra,
)
from stemless.voices.tracks import PitchTracks


def random(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 + torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_bumps_are_smooth_overlap_and_sum_to_one() -> None:
    bumps = smooth_bumps(16, 513, 16000)
    assert torch.allclose(bumps.sum(1), torch.ones(513), atol=1e-6)
    assert ((bumps > 0).sum(1) <= 2).all() and bumps.min() >= 0
    assert bumps[0, 0] == 1 and float(bumps[-1, -1]) == pytest.approx(1)
    hz = 700 * (math.exp(math.log1p(8000 / 700) * 7 / 15) - 1)  # the top of the eighth bump
    assert int(bumps[:, 7].argmax()) == round(hz / 8000 * 512)


def test_updates_against_plain_loops() -> None:
    candidates, voices, bins, frames, count, filters = 2, 2, 5, 3, 4, 2
    combs, bumps, shapes = random(2, 2, 5, 3), random(5, 4, seed=1), random(2, 4, 2, seed=2)
    state = Frames(random(2, 2, 3, seed=3), random(2, 2, 3, seed=4))
    observed = random(5, 3, seed=5)
    envelopes = bumps @ shapes

    def source(j: int, b: int, t: int, choice: Tensor) -> float:
        return sum(float(combs[c, j, b, t] * choice[c, j, t]) for c in range(candidates))

    def filtered(j: int, b: int, t: int, gains: Tensor) -> float:
        return sum(float(envelopes[j, b, k] * gains[j, k, t]) for k in range(filters))

    def model(b: int, t: int, gains: Tensor, choice: Tensor) -> float:
        return sum(source(j, b, t, choice) * filtered(j, b, t, gains) for j in range(voices))

    gains = torch.zeros_like(state.gains)
    choice = torch.zeros_like(state.choice)
    for j in range(voices):
        for t in range(frames):
            for k in range(filters):
                above = below = 0.0
                for b in range(bins):
                    part = float(envelopes[j, b, k]) * source(j, b, t, state.choice)
                    above += part * float(observed[b, t]) / model(b, t, state.gains, state.choice)
                    below += part
                gains[j, k, t] = state.gains[j, k, t] * above / below
    for j in range(voices):
        for t in range(frames):
            for c in range(candidates):
                above = below = 0.0
                for b in range(bins):
                    part = float(combs[c, j, b, t]) * filtered(j, b, t, gains)
                    above += part * float(observed[b, t]) / model(b, t, gains, state.choice)
                    below += part
                choice[c, j, t] = state.choice[c, j, t] * above / below
    updated = update_frames(observed, combs, envelopes, state)
    assert torch.allclose(updated.choice, choice / choice.sum(0), atol=1e-12)
    assert torch.allclose(updated.gains, gains * choice.sum(0)[:, None], atol=1e-12)

    above, below = shape_terms(observed, combs, bumps, shapes, state)
    for j in range(voices):
        for p in range(count):
            for k in range(filters):
                up = down = 0.0
                for b in range(bins):
                    for t in range(frames):
                        part = float(bumps[b, p] * state.gains[j, k, t]) * source(j, b, t, state.choice)
                        up += part * float(observed[b, t]) / model(b, t, state.gains, state.choice)
                        down += part
                assert float(above[j, p, k]) == pytest.approx(up)
                assert float(below[j, p, k]) == pytest.approx(down)


def test_objective_never_rises() -> None:
    f0_hz = torch.tensor([[[200.0] * 10 + [0.0] * 10, [301.0] * 20]], dtype=torch.float64)
    observed = random(129, 20)
    combs = glottal_combs(f0_hz, 16000, 256)
    bumps = smooth_bumps(12, 129, 16000).double()
    shapes = random(2, 12, 3, seed=1)
    state = start_frames(observed, combs, 3)

    def objective() -> float:
        held = voice_spectra(combs, bumps @ shapes, state).sum(0)
        reached = held > 0
        return float(kl_divergence(observed[reached], held[reached]))

    values = [objective()]
    for _ in range(25):
        state = update_frames(observed, combs, bumps @ shapes, state)
        values.append(objective())
        above, below = shape_terms(observed, combs, bumps, shapes, state)
        shapes = torch.where(below > 0, shapes * above / below, shapes)
        values.append(objective())
    assert all(after <= before * (1 + 1e-10) for before, after in itertools.pairwise(values))
    assert values[-1] < 0.9 * values[0]


def test_start_is_as_loud_as_the_frame_for_each_voice_alone() -> None:
    observed = random(129, 6)
    combs = glottal_combs(torch.full((1, 1, 6), 250.0, dtype=torch.float64), 16000, 256)
    state = start_frames(observed, combs, 4)
    flat = torch.ones(1, 129, 4, dtype=torch.float64)
    assert torch.allclose(voice_spectra(combs, flat, state).sum((0, 1)), observed.sum(0))


def test_learns_the_filter_of_a_voice_and_the_pitch_beside_the_track() -> None:
    """A voice of one smooth filter, 15 cents above its track, is explained nearly to the last bit."""
    f0_hz = torch.linspace(180, 320, 40)[None, None]
    envelope = smooth_bumps(32, 1025, 16000) @ (
        0.05 + torch.rand(32, generator=torch.Generator().manual_seed(0))
    )
    truth = glottal_combs(f0_hz, 16000, 2048)[2, 0] * envelope[:, None]
    shapes = learn_shapes(truth, glottal_sources(f0_hz), iterations=40)
    model = voice_magnitudes(truth, glottal_sources(f0_hz), shapes, iterations=60)[0]
    flat = voice_magnitudes(truth, glottal_sources(f0_hz), torch.ones(1, 32, 1), iterations=60)[0]
    assert kl_divergence(truth, model) < 0.02 * truth.sum()
    assert kl_divergence(truth, model) < 0.1 * kl_divergence(truth, flat)


def test_a_filter_heard_on_one_pitch_is_known_on_another() -> None:
    """Two voices in unison for a second: only their filters, known from before, tell them apart."""

    def dark(hz: float) -> float:
        return math.exp(-hz / 400)

    def bright(hz: float) -> float:
        return 0.02 + 0.3 * math.exp(-(((hz - 3000) / 1000) ** 2))

    before = [tone(200.0, RATE, dark), tone(317.0, RATE, bright)]
    together = [tone(260.0, RATE, dark), tone(261.0, RATE, bright, 0.7)]
    sources = torch.stack([torch.cat(pair) for pair in zip(before, together, strict=True)])
    f0_hz = np.repeat([[200.0, 260.0], [317.0, 261.0]], 63, axis=1)
    tracks = PitchTracks.regular(f0_hz, 0.016)
    mixture = sources.sum(0)

    def unison(separator: SourceFilterNMFSeparator | CombSeparator) -> float:
        masks = separator.masks(mixture[None], tracks, None)[0]
        stems = istft(masks * stft(mixture, separator.grid), separator.grid, len(mixture))
        later = slice(RATE + 2000, 2 * RATE - 2000)
        return min(sdr_db(source[later], stem[later]) for source, stem in zip(sources, stems, strict=True))

    assert unison(SourceFilterNMFSeparator()) > unison(CombSeparator()) + 4


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_masks_are_shares_and_rests_are_mute(power: float) -> None:
    generator = torch.Generator().manual_seed(0)
    f0_hz = 100 + 300 * torch.rand(3, 100, generator=generator)
    f0_hz[0, 40:] = 0
    f0_hz[:, 60:] = 0
    audio = torch.randn(2, 100 * 256 - 1, generator=generator)
    separator = SourceFilterNMFSeparator(power, iterations=3)
    masks = separator.masks(audio, PitchTracks.regular(f0_hz.numpy(), 0.016))
    assert masks.shape == (2, 3, 1025, 100)
    assert masks.min() >= 0 and masks.sum(1).max() <= 1 + 1e-5
    assert torch.isfinite(masks).all()
    assert masks[:, :, :, 92:].max() == 0
    assert torch.allclose(masks[:, :, :, :60].sum(1), torch.ones(2, 1025, 60), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 777])
def test_any_length_silence_and_level(samples: int) -> None:
    separator = SourceFilterNMFSeparator(iterations=3)
    tracks = PitchTracks.regular([[200.0] * 4, [0.0] * 4], 0.016)
    assert separator.masks(torch.zeros(1, samples), tracks).shape == (1, 2, 1025, 1 + samples // 256)
    assert torch.isfinite(separator.masks(torch.zeros(1, samples), tracks)).all()
    audio = torch.randn(1, samples, generator=torch.Generator().manual_seed(0))
    masks = separator.masks(audio, tracks)
    assert torch.equal(masks, separator.masks(audio, tracks))
    assert torch.allclose(masks, separator.masks(1e6 * audio, tracks), atol=1e-5)
    resting = PitchTracks.regular([[0.0] * 4, [0.0] * 4], 0.016)
    assert separator.masks(audio, resting).max() == 0


def test_the_seed_decides() -> None:
    observed, f0_hz = random(129, 30).float(), torch.full((1, 2, 30), 210.0)
    first = learn_shapes(observed, glottal_sources(f0_hz, n_fft=256), seed=1, iterations=3)
    assert torch.equal(first, learn_shapes(observed, glottal_sources(f0_hz, n_fft=256), seed=1, iterations=3))
    assert not torch.equal(
        first, learn_shapes(observed, glottal_sources(f0_hz, n_fft=256), seed=2, iterations=3)
    )


def test_blocks_of_frames_make_no_difference() -> None:
    """More frames than one block holds: the same filters as from all frames at once."""
    observed, f0_hz = random(129, 150), 200 + 100 * random(1, 2, 150, seed=1)
    shapes = learn_shapes(observed, glottal_sources(f0_hz, n_fft=256), iterations=1, filters=2, bumps=6)
    start = learn_shapes(observed, glottal_sources(f0_hz, n_fft=256), iterations=0, filters=2, bumps=6)
    combs, bumps = glottal_combs(f0_hz, 16000, 256), smooth_bumps(6, 129, 16000).double()
    state = update_frames(observed, combs, bumps @ start, start_frames(observed, combs, 2))
    above, below = shape_terms(observed, combs, bumps, start, state)
    assert torch.allclose(shapes, start * above / below)


def test_chunks_agree_with_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    f0_hz = 150 + 100 * torch.rand(2, 1, generator=generator) + 20 * torch.rand(2, 251, generator=generator)
    tracks = PitchTracks.regular(f0_hz.numpy(), 0.016)
    audio = torch.randn(1, 64000, generator=generator)
    separator = SourceFilterNMFSeparator(iterations=5)
    survey = separator.survey([Stretch(0.0, audio, tracks)], tracks, 4.0)
    whole = separator.masks(audio, tracks, survey)
    first, last = 100, 220
    part = separator.masks(
        audio[:, first * 256 : last * 256], tracks.cut(first * 0.016, last * 0.016), survey
    )
    inner = slice(8, 112)
    assert torch.allclose(part[..., inner], whole[..., first:][..., inner], atol=2e-3)
    with pytest.raises(TypeError, match="survey"):
        separator.masks(audio, tracks, "nothing")


def test_of_several_versions_of_a_track_each_frame_takes_the_one_that_is_heard() -> None:
    """A voice whose track is wrong in the first half, and in another version in the second."""
    source = tone(200.0, 2 * RATE, lambda hz: math.exp(-hz / 900))
    other = tone(331.0, 2 * RATE, lambda hz: math.exp(-hz / 900))
    halves = [np.repeat([[wrong], [331.0]], 63, axis=1) for wrong in (247.0, 200.0)]
    given = PitchTracks.regular(np.concatenate(halves, 1), 0.016)
    beside = PitchTracks.regular(np.concatenate(halves[::-1], 1), 0.016)
    mixture = source + other
    separator = SourceFilterNMFSeparator()

    def quality(tracks: PitchTracks) -> float:
        masks = separator.masks(mixture[None], tracks, None)[0]
        return sdr_db(source, istft(masks[0] * stft(mixture, separator.grid), separator.grid, len(mixture)))

    both = quality(replace(given, others=(beside,)))
    assert both > 15
    assert both > max(quality(given), quality(beside)) + 6
