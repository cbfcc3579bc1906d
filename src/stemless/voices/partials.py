"""Partials that go on steadily: what voices hide of each other in one frame is told by the frames around it.

Where partials of two voices meet, a frame alone cannot say whose sound it is. But all partials of a voice
grow and fade together, so that a partial is as loud beside the others as it was just before and will be just
after, when the other voice has moved on (common amplitude modulation: Li, Woodruff, Wang, "Monaural musical
sound separation based on pitch and common amplitude modulation", IEEE TASLP 2009). Here the amplitude of
every partial, relative to the level of its voice in the frame, is smoothed over time, each frame counting by
how much of the sound there is the voice's own. Masks follow in two steps: every voice is moved towards its
steady partials, and then a share of the masks is made of steady partials alone, between which a voice sounds
as it does around them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv1d

from stemless.spectrum import Grid
from stemless.voices.baselines.masking import power_masks
from stemless.voices.mask_means import blended

PARTIALS: Final = 40
BINS_BESIDE: Final = 1
"""A partial is heard in its nearest bin and so many on either side."""
SMOOTHING_SECONDS: Final = 0.096
"""Standard deviation of the window over time, which ends at three of them."""
WINDOWS_END: Final = 3.0
MOVED: Final = 0.4
"""Share of the way to its steady amplitude that a voice goes, on a logarithmic scale."""
LARGEST_STEP: Final = 1.0
"""Between the logarithms of an amplitude and of the steady one."""
RANGE_BINS: Final = 2.0
"""Around a partial, where masks are moved; standard deviation of a bell."""
LOBE_BINS: Final = 2.0
FLOOR: Final = 0.03
AROUND_HZ: Final = 47.0
"""Between its steady partials a voice has a share of the power that it has around a bin, so far each way."""
CHOOSING_HZ: Final = 3000.0
"""Up to here the versions of the tracks are compared."""
FRAMES_AT_A_TIME: Final = 32
"""The arrays of a block stay in the cache."""
TINY: Final = 1e-12
"""Power that nobody hears."""
NO_FRAME: Final = 1e-4
"""Weight below which nothing is known of a partial but the level of its voice."""

REACH_SECONDS: Final = 2 * WINDOWS_END * SMOOTHING_SECONDS
"""How far a frame hears around itself in the two steps."""


@dataclass(frozen=True, eq=False)
class Partials:
    """Where the partials of voices lie in the frames of a spectrum.

    Attributes:
        f0_bins: [voices, frames], f0 in bins, 0 where unvoiced.
        bins: of the spectrum.
    """

    f0_bins: Tensor
    bins: int

    @property
    def places(self) -> Tensor:
        """In bins, [voices, partials, frames]."""
        numbers = torch.arange(1, PARTIALS + 1, dtype=self.f0_bins.dtype, device=self.f0_bins.device)
        return numbers[:, None] * self.f0_bins[:, None]

    @property
    def audible(self) -> Tensor:
        """Which lie within the spectrum: [voices, partials, frames] bool."""
        return (self.f0_bins[:, None] > 0) & (self.places < self.bins - 1 - BINS_BESIDE)

    def around(self, spectra: Tensor) -> Tensor:
        """What lies around each partial, [voices, bins, frames] -> [bins, voices, partials, frames]."""
        centre = self.places.round().long().clamp(BINS_BESIDE, self.bins - 1 - BINS_BESIDE)
        reach = range(-BINS_BESIDE, BINS_BESIDE + 1)
        return torch.stack([spectra.gather(1, centre + offset) for offset in reach])

    def cut(self, frames: slice) -> Partials:
        """Those of some frames."""
        return Partials(self.f0_bins[:, frames], self.bins)

    def nearest(self) -> tuple[Tensor, Tensor]:
        """For every bin the index of the nearest partial, and how many bins away it is.

        Returns:
            [voices, bins, frames] each.
        """
        f0 = self.f0_bins[:, None].clamp_min(1.0)
        bins = torch.arange(self.bins, dtype=f0.dtype, device=f0.device)[:, None]
        number = (bins / f0).round_().clamp_(1.0, PARTIALS)
        return number.long() - 1, (bins - number * f0).abs_()


def steadied(
    masks: Tensor,
    magnitudes: Iterable[Tensor],
    f0_hz: Tensor,
    *,
    share: float,
    power: float,
    grid: Grid,
    sample_rate: int,
) -> Tensor:
    """Masks by which partials go on steadily.

    Args:
        masks: [batch, voices, bins, frames].
        magnitudes: of each mixture, [bins, frames], about 1 where it is loudest.
        f0_hz: [versions, voices, frames], 0 where unvoiced; of all mixtures.
        share: of masks of steady partials alone, beside masks that are moved towards them.
        power: exponent p of the masks.
        grid: of masks and magnitudes.

    Returns:
        [batch, voices, bins, frames], with the sums over the voices that `masks` have.
    """
    each = zip(masks, magnitudes, strict=True)
    return torch.stack([_steadied(*one, f0_hz, share, power, grid, sample_rate) for one in each])


def _steadied(
    masks: Tensor,
    magnitude: Tensor,
    f0_hz: Tensor,
    share: float,
    power: float,
    grid: Grid,
    sample_rate: int,
) -> Tensor:
    """The same of one mixture: [voices, bins, frames]."""
    bin_hz, frame_seconds = sample_rate / grid.n_fft, grid.hop_length / sample_rate
    partials = partials_of_versions(f0_hz, masks, magnitude, bin_hz)
    blocks = [slice(first, first + FRAMES_AT_A_TIME) for first in range(0, masks.shape[-1], FRAMES_AT_A_TIME)]

    heard, steady = log_amplitudes(masks, magnitude, partials, frame_seconds)
    step = steady - heard
    moved = torch.cat(
        [
            moved_to_steady(masks[..., block], step[..., block], partials.cut(block), power)
            for block in blocks
        ],
        -1,
    )
    _, steady = log_amplitudes(moved, magnitude, partials, frame_seconds)
    reach = round(AROUND_HZ / bin_hz)
    joined = []
    for block in blocks:
        there = moved[..., block]
        alone = masks_of_steady(
            there, magnitude[..., block], steady[..., block], partials.cut(block), power, reach
        )
        joined.append(blended([there, alone], [1.0 - share, share]))
    return torch.cat(joined, -1)


def partials_of_versions(f0_hz: Tensor, masks: Tensor, magnitude: Tensor, bin_hz: float) -> Partials:
    """The partials of voices whose pitch there are several versions of, [versions, voices, frames] in Hz."""
    versions = [Partials(each / bin_hz, len(magnitude)) for each in f0_hz]
    return loudest(versions, masks, magnitude, CHOOSING_HZ / bin_hz)


def loudest(versions: list[Partials], masks: Tensor, magnitude: Tensor, highest_bin: float) -> Partials:
    """In every frame, and for every voice, the version whose partials hold most of its sound.

    The sum of the amplitudes counts, over the root of their number: of two octaves the lower one has the
    partials of the upper, and every other one is empty.

    Args:
        masks: [voices, bins, frames].
        magnitude: [bins, frames].
    """
    if len(versions) == 1:
        return versions[0]
    held = []
    for each in versions:
        counts = each.audible & (each.places < highest_bin)
        amplitudes = powers(masks, magnitude, each)[0].sqrt() * counts
        held.append(amplitudes.sum(1) / counts.sum(1).clamp_min(1).sqrt())
    best = torch.stack(held).argmax(0)
    f0_bins = torch.stack([each.f0_bins for each in versions])
    return Partials(f0_bins.gather(0, best[None])[0], versions[0].bins)


def powers(masks: Tensor, magnitude: Tensor, partials: Partials) -> tuple[Tensor, Tensor]:
    """Power around each partial of the voice it belongs to, and of all sound: [voices, partials, frames]."""
    sound = partials.around(magnitude.expand_as(masks)) * partials.audible
    return (partials.around(masks) * sound).square().sum(0), sound.square().sum(0)


def log_amplitudes(
    masks: Tensor, magnitude: Tensor, partials: Partials, frame_seconds: float
) -> tuple[Tensor, Tensor]:
    """Natural logarithm of the amplitude of every partial: as it is heard, and as it is steady.

    Returns:
        [voices, partials, frames] each.
    """
    power, whole = powers(masks, magnitude, partials)
    weight = (power / whole.clamp_min(TINY)).square()
    heard = 0.5 * (power + TINY).log()
    # A voice that has nothing anywhere is as faint as its partials are.
    counted = weight + NO_FRAME**2 * partials.audible
    level = (counted * heard).sum(1, keepdim=True) / counted.sum(1, keepdim=True).clamp_min(TINY)
    relative = smoothed(weight * (heard - level), frame_seconds)
    known = smoothed(weight, frame_seconds).clamp_min(NO_FRAME)
    return heard, level + relative / known


def smoothed(values: Tensor, frame_seconds: float) -> Tensor:
    """Mean of the frames [..., frames] under a bell of `SMOOTHING_SECONDS`; nothing lies beyond the ends."""
    spread = SMOOTHING_SECONDS / frame_seconds
    reach = round(WINDOWS_END * spread)
    steps = torch.arange(-reach, reach + 1, dtype=values.dtype, device=values.device)
    bell = torch.exp(-0.5 * (steps / spread).square())
    rows = values.reshape(-1, 1, values.shape[-1])
    return conv1d(rows, (bell / bell.sum())[None, None], padding=reach).view_as(values)


def moved_to_steady(masks: Tensor, step: Tensor, partials: Partials, power: float) -> Tensor:
    """Masks with every voice moved, around its partials, towards the steady amplitude.

    Args:
        step: from the logarithm of each amplitude to that of the steady one, [voices, partials, frames].
    """
    step = MOVED * step.clamp(-LARGEST_STEP, LARGEST_STEP) * partials.audible
    nearest, distance = partials.nearest()
    bell = torch.exp(-0.5 * (distance / RANGE_BINS).square())
    return shared(masks ** (1.0 / power) * torch.exp(step.gather(1, nearest) * bell), power, masks)


def masks_of_steady(
    masks: Tensor, magnitude: Tensor, steady: Tensor, partials: Partials, power: float, reach: int
) -> Tensor:
    """Masks of steady partials, each a lobe of raised cosine, with a floor where there are none.

    Args:
        steady: logarithm of the amplitudes, [voices, partials, frames].
        reach: bins on either side of one that its floor is made of.
    """
    amplitudes = steady.exp() * partials.audible
    nearest, distance = partials.nearest()
    lobe = 0.5 + 0.5 * torch.cos(math.pi * distance.clamp_max(LOBE_BINS) / LOBE_BINS)
    around = local_mean(masks * magnitude.square(), reach)
    expected = (amplitudes.gather(1, nearest) * lobe).square() + FLOOR * around
    return shared(expected.sqrt(), power, masks)


def local_mean(values: Tensor, reach: int) -> Tensor:
    """Mean over the bins up to so many away, [voices, bins, frames]; there are none beyond the ends."""
    return avg_pool2d(values, (2 * reach + 1, 1), 1, (reach, 0), count_include_pad=False)


def shared(amplitudes: Tensor, power: float, masks: Tensor) -> Tensor:
    """Shares of what the masks give to all voices, by amplitudes; the masks where there is nothing.

    [voices, bins, frames]
    """
    shares = power_masks(amplitudes, power) * masks.sum(0, keepdim=True)
    return torch.where(amplitudes.amax(0, keepdim=True) > TINY**0.5, shares, masks)
