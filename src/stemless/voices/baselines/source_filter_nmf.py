"""Source-filter NMF: each voice a glottal source at its pitch, shaped by a few smooth filters of its own.

After Durrieu, Richard, David, Févotte, "Source/filter model for unsupervised main melody extraction from
polyphonic audio signals" (IEEE TASLP 2010), with the pitch given and one source-filter pair a voice:

    V_j = (sum_c choice_c * comb_c) * (bumps @ shapes_j @ gains_j)

where comb_c are the partials at the tracked pitch and a little below and above it, falling as 1/h; the bumps
are fixed and smooth in frequency; the shapes of a voice are filters made of bumps, the same for all its
pitches and all its frames, as the vowels of a singer are; gains and choices belong to the frame. All follow
multiplicative updates for the generalised Kullback-Leibler divergence between the sum of the voices and the
magnitude of the mixture. (The Itakura-Saito divergence of the paper punishes most what lies between the
partials, where this model has nothing: it ends 3 dB lower on a choir.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times, stft
from stemless.voices.baselines.comb import HOP_LENGTH, N_FFT, SAMPLE_RATE, comb_magnitudes
from stemless.voices.baselines.masking import REST_LIMIT_SECONDS, floored_masks, unit_level
from stemless.voices.baselines.survey import kept_frames
from stemless.voices.tracks import PitchTracks

CANDIDATE_CENTS = (-20.0, 0.0, 20.0)
BUMPS = 32
FILTERS = 8
ITERATIONS = 20
FRAMES_AT_A_TIME = 64  # the arrays of a block stay in the cache
TINY = 1e-30


def smooth_bumps(count: int, bins: int, sample_rate: int) -> Tensor:
    """Overlapping Hann bumps over frequency, evenly spaced on log(1 + f / 700 Hz), that sum to 1 everywhere.

    Returns:
        [bins, count]

    >>> bumps = smooth_bumps(5, 9, 16000)
    >>> bumps.shape, bool((bumps.sum(1) - 1).abs().max() < 1e-6)
    (torch.Size([9, 5]), True)
    """
    if count < 2:
        raise ValueError(f"{count} bumps cannot make a filter: give 2 or more")
    position = torch.log1p(torch.linspace(0, sample_rate / 2, bins) / 700.0)
    position = position / position[-1] * (count - 1)
    distance = (position[:, None] - torch.arange(count)).clamp(-1.0, 1.0)
    return 0.5 + 0.5 * torch.cos(torch.pi * distance)


@dataclass(frozen=True, eq=False)
class Frames:
    """What belongs to frames: gains of the filters and choice of the pitch.

    Attributes:
        gains: [voices, filters, frames].
        choice: [candidates, voices, frames].
    """

    gains: Tensor
    choice: Tensor


def glottal_combs(f0_hz: Tensor, sample_rate: int, n_fft: int) -> Tensor:
    """The source at each candidate pitch of each version of the tracks.

    [versions, voices, frames] -> [candidates, voices, bins, frames].
    """
    return torch.stack(
        [
            comb_magnitudes(version * 2 ** (cents / 1200), sample_rate=sample_rate, n_fft=n_fft)
            for version in f0_hz
            for cents in CANDIDATE_CENTS
        ]
    )


Sources: TypeAlias = Callable[[slice], Tensor]
"""The candidate sources of a block of frames: [candidates, voices, bins, frames of the block]."""


def glottal_sources(f0_hz: Tensor, sample_rate: int = SAMPLE_RATE, n_fft: int = N_FFT) -> Sources:
    """`glottal_combs` block by block, from f0_hz [versions, voices, frames]."""
    return lambda block: glottal_combs(f0_hz[..., block], sample_rate, n_fft)


def start_frames(observed: Tensor, combs: Tensor, filters: int) -> Frames:
    """Even gains and choices, so that each voice alone would be as loud as the frame."""
    candidates, voices, _, frames = combs.shape
    choice = combs.new_full((candidates, voices, frames), 1.0 / candidates)
    loudness = combs.mean(0).sum(1, keepdim=True)
    heard = loudness > 0
    gains = heard * observed.sum(0) / torch.where(heard, loudness, 1.0)
    return Frames(gains.expand(-1, filters, -1) / (voices * filters), choice)


def voice_spectra(combs: Tensor, envelopes: Tensor, frames: Frames) -> Tensor:
    """The model of each voice: [voices, bins, frames].

    Args:
        combs: [candidates, voices, bins, frames].
        envelopes: [voices, bins, filters].
    """
    return (combs * frames.choice[:, :, None]).sum(0) * (envelopes @ frames.gains)


def update_frames(observed: Tensor, combs: Tensor, envelopes: Tensor, frames: Frames) -> Frames:
    """One multiplicative update of the gains, then one of the choices."""
    source = (combs * frames.choice[:, :, None]).sum(0)
    ratio = _ratio(observed, source * (envelopes @ frames.gains))
    back = envelopes.transpose(1, 2)
    gains = frames.gains * (back @ (source * ratio)) / (back @ source).clamp_min(TINY)

    shape = envelopes @ gains
    ratio = _ratio(observed, source * shape)
    grown = torch.einsum("cvft,vft->cvt", combs, shape * ratio)
    choice = frames.choice * grown / torch.einsum("cvft,vft->cvt", combs, shape).clamp_min(TINY)
    # Only the product of gain and choice counts; keeping the choices at a sum of 1 keeps both in range.
    total = choice.sum(0)
    moved = torch.where(total > 0, total, 1.0)
    return Frames(gains * total[:, None], choice / moved)


def shape_terms(
    observed: Tensor, combs: Tensor, bumps: Tensor, shapes: Tensor, frames: Frames
) -> tuple[Tensor, Tensor]:
    """Numerator and denominator of the update of the shapes over these frames: [voices, bumps, filters] each.

    The update is shapes * numerator / denominator, with the terms of all frames summed.
    """
    source = (combs * frames.choice[:, :, None]).sum(0)
    ratio = _ratio(observed, source * (bumps @ shapes @ frames.gains))
    gains = frames.gains.transpose(1, 2)
    return bumps.T @ (source * ratio) @ gains, bumps.T @ source @ gains


def _ratio(observed: Tensor, parts: Tensor) -> Tensor:
    return observed / parts.sum(0).clamp_min(TINY)


def learn_shapes(
    observed: Tensor,
    sources: Sources,
    *,
    bumps: int = BUMPS,
    filters: int = FILTERS,
    iterations: int = ITERATIONS,
    sample_rate: int = SAMPLE_RATE,
    seed: int = 0,
) -> Tensor:
    """Filters of the voices from a mixture and what excites them.

    Args:
        observed: [bins, frames] magnitude of the mixture.
        sources: of its voices.
        seed: of the filters to start from, which must differ for them to become different.

    Returns:
        [voices, bumps, filters], the height of each bump in each filter.
    """
    bins, total = observed.shape
    basis = smooth_bumps(bumps, bins, sample_rate).to(observed)
    blocks = [slice(first, first + FRAMES_AT_A_TIME) for first in range(0, total, FRAMES_AT_A_TIME)]
    combs = [sources(block) for block in blocks]
    generator = torch.Generator().manual_seed(seed)
    shapes = 0.5 + torch.rand(combs[0].shape[1], bumps, filters, generator=generator)
    shapes = (shapes / shapes.mean(1, keepdim=True)).to(observed)
    states = [
        start_frames(observed[:, block], comb, filters) for block, comb in zip(blocks, combs, strict=True)
    ]
    for _ in range(iterations):
        above, below = torch.zeros_like(shapes), torch.zeros_like(shapes)
        envelopes = basis @ shapes
        for index, block in enumerate(blocks):
            states[index] = update_frames(observed[:, block], combs[index], envelopes, states[index])
            terms = shape_terms(observed[:, block], combs[index], basis, shapes, states[index])
            above += terms[0]
            below += terms[1]
        # A bump that no partial ever met keeps its height.
        shapes = torch.where(below > 0, shapes * above / below.clamp_min(TINY), shapes)
    return shapes


def voice_magnitudes(
    observed: Tensor,
    sources: Sources,
    shapes: Tensor,
    *,
    iterations: int = ITERATIONS,
    sample_rate: int = SAMPLE_RATE,
) -> Tensor:
    """What each voice adds to the mixture by filters that stay as they are: [voices, bins, frames].

    Every frame is solved by itself, so it does not matter what is around it. Of several candidates each frame
    takes what explains it.
    """
    bins, total = observed.shape
    envelopes = smooth_bumps(shapes.shape[1], bins, sample_rate).to(observed) @ shapes
    magnitudes = observed.new_empty(len(shapes), bins, total)
    for first in range(0, total, FRAMES_AT_A_TIME):
        block = slice(first, first + FRAMES_AT_A_TIME)
        combs = sources(block)
        frames = start_frames(observed[:, block], combs, shapes.shape[2])
        for _ in range(iterations):
            frames = update_frames(observed[:, block], combs, envelopes, frames)
        magnitudes[..., block] = voice_spectra(combs, envelopes, frames)
    return magnitudes


def versions_at(tracks: PitchTracks, times: NDArray[np.float64]) -> Tensor:
    """f0 in Hz of all versions of the tracks, [versions, voices, frames]."""
    return torch.stack([torch.from_numpy(version.at(times)) for version in tracks.versions])


class SourceFilterNMFSeparator:
    """Source-filter NMF as a `Separator`: filters from the whole recording, the rest chunk by chunk."""

    name = "voices/source-filter-nmf"
    sample_rate = SAMPLE_RATE
    grid = Grid(N_FFT, HOP_LENGTH)
    context_seconds = REST_LIMIT_SECONDS + N_FFT / SAMPLE_RATE
    chunk_seconds = 20.0

    def __init__(self, power: float = 2.0, *, iterations: int = ITERATIONS, seed: int = 0) -> None:
        if not power > 0:
            raise ValueError(f"power is {power}: give a number above 0")
        self.power, self.iterations, self.seed = power, iterations, seed

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> Tensor:
        """Filters learned on up to half a minute of frames, spread over the recording."""
        magnitude, times = kept_frames(stretches, self.grid, self.sample_rate, duration_seconds)
        f0_hz = versions_at(condition, times)
        sources = glottal_sources(f0_hz)
        return learn_shapes(unit_level(magnitude), sources, iterations=self.iterations, seed=self.seed)

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object = None) -> Tensor:
        """Masks [batch, voices, bins, frames]; without a survey, filters are learned on each example."""
        magnitudes, f0_hz = self.magnitudes(audio, condition, survey)
        return torch.stack([self.masks_of(each, f0_hz) for each in magnitudes]).to(audio.device)

    def masks_of(self, magnitudes: Tensor, f0_hz: Tensor) -> Tensor:
        """Masks from the magnitudes of the voices, [voices, bins, frames]; f0_hz as `magnitudes` gives it."""
        step = self.grid.hop_length / self.sample_rate
        return floored_masks(magnitudes, f0_hz.amax(0), self.power, step)

    def magnitudes(
        self, audio: Tensor, condition: PitchTracks, survey: object = None
    ) -> tuple[Tensor, Tensor]:
        """What each voice adds to the mixture at unit level, and the pitch that it was told by.

        Returns:
            [batch, voices, bins, frames], and [versions, voices, frames] in Hz.
        """
        if survey is not None and not isinstance(survey, Tensor):
            raise TypeError("masks() needs what survey() returned, or None")
        observed = unit_level(stft(audio.cpu(), self.grid).abs())
        times = frame_times(observed.shape[-1], self.grid.hop_length, self.sample_rate)
        f0_hz = versions_at(condition, times)
        sources = glottal_sources(f0_hz)
        found = []
        for example in observed:
            shapes = survey
            if shapes is None:
                shapes = learn_shapes(example, sources, iterations=self.iterations, seed=self.seed)
            found.append(voice_magnitudes(example, sources, shapes, iterations=self.iterations))
        return torch.stack(found), f0_hz
