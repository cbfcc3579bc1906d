"""The comb mask: voices told apart by their pitch alone, with nothing learned.

Each voice is expected to have partials at the multiples of its f0, falling as 1/h, each as wide as the frame
smears it. The expectation says nothing of loudness, vowel or room, and still is hard to beat.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times
from stemless.voices.baselines.masking import REST_LIMIT_SECONDS, rest_levels
from stemless.voices.tracks import PitchTracks

SAMPLE_RATE = 16000
N_FFT = 2048
HOP_LENGTH = 256
LOBE_BINS = 3.0
FLOOR = 1e-3
FRAMES_AT_A_TIME = 64  # temporaries of a block stay in the cache


def comb_magnitudes(
    f0_hz: Tensor,
    *,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    lobe_bins: float = LOBE_BINS,
) -> Tensor:
    """Expected magnitude spectrum of a voice at each f0: 1/h partials under a raised-cosine lobe.

    The lobe is (1 + cos(pi d / w)) / 2 for |d| < w bins from the partial: the main lobe of a Hann window
    (w near 2), widened for the pitch that moves within a frame. A bin hears its nearest partial only.

    Args:
        f0_hz: [...] Hz, 0 where unvoiced.

    Returns:
        [..., 1 + n_fft // 2, last axis of f0_hz], at most 1; 0 where unvoiced.

    >>> magnitude = comb_magnitudes(torch.tensor([1000.0]), sample_rate=16000, n_fft=64)[:, 0]
    >>> [round(float(magnitude[bin]), 3) for bin in (0, 1, 3, 4, 5, 8, 12)]
    [0.0, 0.0, 0.75, 1.0, 0.75, 0.5, 0.333]
    """
    bins = torch.arange(1 + n_fft // 2, device=f0_hz.device, dtype=f0_hz.dtype)[:, None]
    f0_bins = f0_hz[..., None, :] * (n_fft / sample_rate)
    voiced = f0_bins > 0
    f0_bins = torch.where(voiced, f0_bins, torch.ones_like(f0_bins))
    partial = (bins / f0_bins).round_().clamp_min_(1.0)
    distance = (bins - partial * f0_bins).abs_().clamp_max_(lobe_bins)
    lobe = distance.mul_(math.pi / lobe_bins).cos_().add_(1.0).mul_(0.5)
    return lobe.div_(partial).mul_(voiced)


def comb_masks(
    f0_hz: Tensor,
    *,
    power: float = 2.0,
    sample_rate: int = SAMPLE_RATE,
    n_fft: int = N_FFT,
    hop_length: int = HOP_LENGTH,
    lobe_bins: float = LOBE_BINS,
    floor: float = FLOOR,
) -> Tensor:
    """Masks of the voices from their f0: m_j = S_j^p / sum_k S_k^p with S the comb plus a floor.

    The floor shares what lies between the partials. A voice keeps its floor for a moment after its pitch is
    gone (`rest_levels`), then is mute; where no voice has been pitched for that long, nobody gets the sound
    and it stays in the residual.

    Args:
        f0_hz: [..., voices, frames] Hz, 0 where unvoiced.
        power: p above 0.

    Returns:
        [..., voices, 1 + n_fft // 2, frames] in [0, 1], summing to 1 or, where all voices rest, to 0.

    >>> masks = comb_masks(torch.tensor([[220.0], [330.0]]))
    >>> masks.shape, [round(float(masks[0, bin, 0]), 3) for bin in (28, 42, 84)]
    (torch.Size([2, 1025, 1]), [1.0, 0.0, 0.308])
    """
    levels = floor * rest_levels(f0_hz > 0, hop_length / sample_rate).to(f0_hz.dtype)
    bins, frames = 1 + n_fft // 2, f0_hz.shape[-1]
    masks = torch.empty(*f0_hz.shape[:-1], bins, frames, dtype=f0_hz.dtype, device=f0_hz.device)
    for start in range(0, frames, FRAMES_AT_A_TIME):
        block = slice(start, min(start + FRAMES_AT_A_TIME, frames))
        shares = comb_magnitudes(
            f0_hz[..., block], sample_rate=sample_rate, n_fft=n_fft, lobe_bins=lobe_bins
        ).add_(levels[..., None, block])
        if power == 2:
            shares.mul_(shares)
        elif power != 1:
            shares.pow_(power)
        total = shares.sum(-3, keepdim=True)
        masks[..., block] = shares.div_(torch.where(total > 0, total, torch.ones_like(total)))
    return masks


class CombSeparator:
    """The comb mask as a `Separator` over `PitchTracks`."""

    name = "voices/comb"
    sample_rate = SAMPLE_RATE
    grid = Grid(N_FFT, HOP_LENGTH)
    # Masks look REST_LIMIT_SECONDS along the track; the overlap of the STFT comes on top.
    context_seconds = REST_LIMIT_SECONDS + N_FFT / SAMPLE_RATE
    chunk_seconds = 20.0

    def __init__(self, power: float = 2.0) -> None:
        if not power > 0:
            raise ValueError(f"power is {power}: give a number above 0")
        self.power = power

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> None:
        """Nothing to learn: the recording is not read a first time."""

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object = None) -> Tensor:
        """Masks [batch, voices, bins, frames] for audio [batch, time] at 16 kHz."""
        times = frame_times(self.grid.frames(audio.shape[-1]), self.grid.hop_length, self.sample_rate)
        f0_hz = torch.from_numpy(condition.at(times)).to(audio.device)
        masks = comb_masks(f0_hz, power=self.power)
        return masks.expand(audio.shape[0], *masks.shape)
