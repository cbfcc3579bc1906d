"""Pitch-informed non-negative matrix factorisation: each voice a set of spectra, one for each pitch it sings.

The magnitude spectrogram is explained as V = W H. A template (a column of W) belongs to one voice and one
pitch, a tenth of a semitone from the next; it starts as the comb of that pitch, and can only grow where the
comb is not zero. An activation (a row of H) is free where the track of that voice is within one template of
its pitch, and zero elsewhere. Both follow the multiplicative updates for the generalised Kullback-Leibler
divergence (Lee and Seung 2001). A pitch that is heard in three frames could explain anything in them, so
every template is also held to where it started, as if the comb had been heard for some frames before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times, stft
from stemless.voices.baselines.comb import HOP_LENGTH, N_FFT, SAMPLE_RATE, comb_magnitudes
from stemless.voices.baselines.masking import (
    REST_LIMIT_SECONDS,
    floored_masks,
    unit_level,
)
from stemless.voices.baselines.survey import kept_frames
from stemless.voices.tracks import PitchTracks

TEMPLATES_PER_OCTAVE = 120  # ten a semitone
REFERENCE_HZ = 440.0
NEIGHBOURS = 1  # templates on each side of the tracked pitch that may sound
LOBE_BINS = 2.5
PRIOR_FRAMES = 30.0
ITERATIONS = 30
TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Templates:
    """Spectra of the voices at their pitches.

    Attributes:
        voice: [templates] to which voice each belongs.
        step: [templates] its pitch in tenths of a semitone from 440 Hz.
        spectra: [bins, templates].
    """

    voice: Tensor
    step: Tensor
    spectra: Tensor

    @property
    def keys(self) -> Tensor:
        """One whole number for each voice and pitch."""
        return self.voice * 1_000_000 + self.step


def pitch_steps(f0_hz: Tensor) -> Tensor:
    """The template nearest to each pitch; where unvoiced the number means nothing.

    >>> pitch_steps(torch.tensor([440.0, 880.0, 441.0])).tolist()
    [0, 120, 0]
    """
    f0_hz = torch.where(f0_hz > 0, f0_hz, REFERENCE_HZ)
    return (TEMPLATES_PER_OCTAVE * torch.log2(f0_hz / REFERENCE_HZ)).round().long()


def comb_templates(f0_hz: Tensor, *, sample_rate: int = SAMPLE_RATE, n_fft: int = N_FFT) -> Templates:
    """Templates for every pitch of the tracks [voices, frames] and its neighbours: combs that sum to 1."""
    voices, steps = [], []
    for voice, track in enumerate(f0_hz):
        visited = pitch_steps(track[track > 0])
        around = torch.arange(-NEIGHBOURS, NEIGHBOURS + 1, device=visited.device)
        step = torch.as_tensor(torch.unique(visited[:, None] + around))
        steps.append(step)
        voices.append(torch.full_like(step, voice))
    step = torch.cat(steps)
    template_hz = (REFERENCE_HZ * 2 ** (step.to(f0_hz.dtype) / TEMPLATES_PER_OCTAVE)).to(f0_hz.dtype)
    spectra = comb_magnitudes(template_hz, sample_rate=sample_rate, n_fft=n_fft, lobe_bins=LOBE_BINS)
    return Templates(torch.cat(voices), step, spectra / spectra.sum(0).clamp_min(TINY))


def allowed_activations(templates: Templates, f0_hz: Tensor) -> Tensor:
    """Where each template may sound, [templates, frames] bool, by the tracks [voices, frames]."""
    track = f0_hz[templates.voice]
    near = (templates.step[:, None] - pitch_steps(track)).abs() <= NEIGHBOURS
    return near & (track > 0)


def kl_divergence(observed: Tensor, model: Tensor) -> Tensor:
    """Generalised Kullback-Leibler divergence, sum of v log(v / m) - v + m; both positive, or both 0.

    >>> float(kl_divergence(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0])))
    2.0
    """
    logarithm: Tensor = torch.special.xlogy(observed, observed / model.clamp_min(TINY))
    return (logarithm - observed + model).sum()


def update_activations(observed: Tensor, spectra: Tensor, activations: Tensor) -> Tensor:
    """One multiplicative update: H <- H * (W^T (V / WH)) / (W^T 1).

    Args:
        observed: [bins, frames]; spectra: [bins, templates]; activations: [templates, frames].
    """
    ratio = observed / (spectra @ activations).clamp_min(TINY)
    return activations * (spectra.T @ ratio) / spectra.sum(0).clamp_min(TINY)[:, None]


def update_spectra(
    observed: Tensor, spectra: Tensor, activations: Tensor, prior: Tensor, weight: float
) -> Tensor:
    """One multiplicative update of W for D(V | WH) + weight * D(prior | W), which it never raises.

    W <- (W * ((V / WH) H^T) + weight * prior) / (1 H^T + weight)
    """
    ratio = observed / (spectra @ activations).clamp_min(TINY)
    grown = spectra * (ratio @ activations.T) + weight * prior
    return grown / (activations.sum(1) + weight).clamp_min(TINY)


def even_activations(observed: Tensor, allowed: Tensor) -> Tensor:
    """Activations to start from: every frame shared evenly by the templates that may sound in it."""
    loudness = observed.sum(0) / allowed.sum(0).clamp_min(1)
    return allowed * loudness


def learn_templates(
    observed: Tensor,
    f0_hz: Tensor,
    *,
    iterations: int = ITERATIONS,
    prior_frames: float = PRIOR_FRAMES,
    sample_rate: int = SAMPLE_RATE,
) -> Templates:
    """Templates of the voices from a mixture and its tracks.

    Args:
        observed: [bins, frames] magnitude of the mixture.
        f0_hz: [voices, frames], 0 where unvoiced.
        prior_frames: for how many frames of usual loudness each template counts as heard already.
    """
    start = comb_templates(f0_hz, sample_rate=sample_rate, n_fft=2 * (observed.shape[0] - 1))
    weight = prior_frames * float(observed.sum(0).mean())
    spectra = start.spectra
    activations = even_activations(observed, allowed_activations(start, f0_hz))
    for _ in range(iterations):
        activations = update_activations(observed, spectra, activations)
        spectra = update_spectra(observed, spectra, activations, start.spectra, weight)
    return Templates(start.voice, start.step, spectra)


def for_tracks(learned: Templates, f0_hz: Tensor, *, sample_rate: int = SAMPLE_RATE) -> Templates:
    """The templates that these tracks need: learned where there is one, else the comb of that pitch."""
    needed = comb_templates(f0_hz, sample_rate=sample_rate, n_fft=2 * (learned.spectra.shape[0] - 1))
    if not len(learned.step):
        return needed
    order = learned.keys.argsort()
    place = torch.searchsorted(learned.keys[order], needed.keys).clamp(max=len(order) - 1)
    known = learned.keys[order][place] == needed.keys
    spectra = torch.where(known, learned.spectra[:, order[place]], needed.spectra)
    return Templates(needed.voice, needed.step, spectra)


def voice_magnitudes(
    observed: Tensor, f0_hz: Tensor, templates: Templates, *, iterations: int = ITERATIONS
) -> Tensor:
    """What each voice adds to the mixture by templates that stay as they are: [voices, bins, frames].

    Every frame is solved by itself, so it does not matter what is around it.
    """
    allowed = allowed_activations(templates, f0_hz)
    activations = even_activations(observed, allowed)
    for _ in range(iterations):
        activations = update_activations(observed, templates.spectra, activations)
    parts = []
    for voice in range(f0_hz.shape[0]):
        mine = templates.voice == voice
        parts.append(templates.spectra[:, mine] @ activations[mine])
    return torch.stack(parts)


class NMFSeparator:
    """Pitch-informed NMF as a `Separator`: templates from the whole recording, activations chunk by chunk."""

    name = "voices/nmf"
    sample_rate = SAMPLE_RATE
    grid = Grid(N_FFT, HOP_LENGTH)
    context_seconds = REST_LIMIT_SECONDS + N_FFT / SAMPLE_RATE
    chunk_seconds = 10.0

    def __init__(self, power: float = 2.0, *, iterations: int = ITERATIONS) -> None:
        if not power > 0:
            raise ValueError(f"power is {power}: give a number above 0")
        self.power, self.iterations = power, iterations

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> Templates:
        """Templates learned on up to half a minute of frames, spread over the recording."""
        magnitude, times = kept_frames(stretches, self.grid, self.sample_rate, duration_seconds)
        f0_hz = torch.from_numpy(condition.at(times))
        return learn_templates(unit_level(magnitude), f0_hz, iterations=self.iterations)

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object = None) -> Tensor:
        """Masks [batch, voices, bins, frames]; without a survey, templates are learned on each example."""
        if survey is not None and not isinstance(survey, Templates):
            raise TypeError("masks() needs what survey() returned, or None")
        observed = unit_level(stft(audio.cpu(), self.grid).abs())
        times = frame_times(observed.shape[-1], self.grid.hop_length, self.sample_rate)
        f0_hz = torch.from_numpy(condition.at(times))
        masks = []
        for example in observed:
            learned = survey or learn_templates(example, f0_hz, iterations=self.iterations)
            templates = for_tracks(learned, f0_hz)
            magnitudes = voice_magnitudes(example, f0_hz, templates, iterations=self.iterations)
            masks.append(
                floored_masks(magnitudes, f0_hz, self.power, self.grid.hop_length / self.sample_rate)
            )
        return torch.stack(masks).to(audio.device)
