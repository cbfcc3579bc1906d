"""Partials with their phases: all voices of a recording demodulated at once.

A mask gives every voice the phase of the mixture, and where partials of two voices meet neither of them has
it. But the pitch says how fast the phase of every partial turns, and between two that beat, only one pair of
amplitudes that change slowly explains all that is heard. So the mixture is written as a sum of sinusoids,

    x(t) = sum_jk a_jk(t) exp(i k phi_j(t)) + noise,

whose complex amplitudes are hats over knots two frames apart, expected to be as strong as the masks say and
to change little from knot to knot. The least squares of all of them together (a block tridiagonal
system: partials meet within a knot, knots meet their neighbours) are the most probable amplitudes. This is
the order tracking filter of Vold and Leuridan ("High resolution order tracking at extreme slew rates, using
Kalman tracking filters", SAE 931288, 1993), in which orders that cross are told apart by beating, with
what is known of the amplitudes as the prior. What the amplitudes still turn tells how far the pitch was off.

What the sinusoids leave of the mixture is shared by the masks as before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from stemless.spectrum import Grid, frame_times, istft, stft
from stemless.voices.echo import NO_ECHO, Echo
from stemless.voices.partials import local_mean, partials_of_versions
from stemless.voices.tracks import PitchTracks

HIGHEST_HZ: Final = 3000.0
"""Partials above it are left to the masks."""
BAND_HZ: Final = 4000.0
"""Width of the band that is solved in, or a little more."""
PARTIALS: Final = 40
FRAMES_A_KNOT: Final = 2
"""Knots are so many frames of the masks apart."""
STEADINESS: Final = 0.95
"""Correlation of an amplitude with itself from knot to knot."""
NOISE: Final = 1.0
"""Power of what is no partial, of that of all sound around a knot: the pitch is not known to the degree."""
POWER_KNOTS: Final = 4
EMPHASIS: Final = 0.5
"""Exponent of the frequency by which the spectrum is tilted, so that weak partials count as well."""
EMPHASISED_FROM_HZ: Final = 100.0
ROUNDS: Final = 3
"""How often the pitch is corrected by the turning of the amplitudes."""
EXPECTED_EXPONENT: Final = 0.75
"""Of the masks in what is expected at first: they are too sure of what they take for silent."""
REFINING_KNOTS: Final = 0.5
"""Standard deviation of the bell under which corrections are averaged."""
LARGEST_CORRECTION: Final = 0.03
"""Of the pitch, half a semitone."""
DRY, REVERBERANT, SHARE_IN_ECHO = 0.1, 0.2, 0.3
"""What rings on has another phase than what is sung. Where it has at least `REVERBERANT` of the power, the
corrections are taken by this share alone; up to `DRY` whole."""
WINDOW_SECONDS: Final = 4.096
MARGIN_SECONDS: Final = 1.024
FADE_SECONDS: Final = 0.128
SPANS_AT_A_TIME: Final = 16
"""Between knots, whose equations are made together."""
TINY: Final = 1e-20
"""Power that nobody hears."""

REACH_SECONDS: Final = MARGIN_SECONDS + FADE_SECONDS
"""How far a sample hears around itself."""


def corrections(
    audio: Tensor, masks: Tensor, tracks: PitchTracks, *, grid: Grid, sample_rate: int, echo: Echo = NO_ECHO
) -> Tensor:
    """What is to be added to masked voices so that their partials have phases of their own.

    Args:
        audio: the mixture, [channels, time].
        masks: [voices, bins, frames].
        tracks: cut to this stretch; of several versions, every frame goes by the one that sounds most.
        grid: of the masks, at `sample_rate`.
        echo: of the room.

    Returns:
        [voices, channels, time]; where masks sum to 1, it sums to 0.
    """
    samples, bin_hz = audio.shape[-1], sample_rate / grid.n_fft
    times = frame_times(grid.frames(samples), grid.hop_length, sample_rate)
    f0_hz = torch.stack([torch.from_numpy(version.at(times)) for version in tracks.versions])
    magnitude = stft(audio.mean(0), grid).abs()
    f0_hz = partials_of_versions(f0_hz, masks, magnitude, bin_hz).f0_bins * bin_hz
    origin = round(tracks.origin_seconds * sample_rate / grid.hop_length) * grid.hop_length
    total = audio.new_zeros(len(masks), *audio.shape)
    for window in windows(samples, origin, grid, sample_rate):
        frames = slice(window.first // grid.hop_length, window.last // grid.hop_length + 1)
        for number, channel in enumerate(audio[:, window.first : window.last]):
            found = _of_window(channel, masks[..., frames], f0_hz[:, frames], grid, sample_rate)
            total[:, number, window.first : window.last] += found * window.weight
    return total * share_in(echo.ratio(grid.hop_length / sample_rate))


def share_in(ringing: float) -> float:
    """How much of the corrections holds, by the power that rings on, of that which is sung.

    >>> share_in(0.05), round(share_in(0.15), 3), round(share_in(0.4), 3)
    (1.0, 0.65, 0.3)
    """
    there = min(max((ringing - DRY) / (REVERBERANT - DRY), 0.0), 1.0)
    return 1.0 - there * (1.0 - SHARE_IN_ECHO)


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch that is solved by itself: samples from `first` to `last`, and how much each counts."""

    first: int
    last: int
    weight: Tensor


def windows(samples: int, origin: int, grid: Grid, sample_rate: int) -> Iterator[Window]:
    """Windows over a stretch that begins at sample `origin` of a recording, a multiple of the hop.

    They lie alike wherever the recording was cut, and their weights sum to 1.

    >>> [(w.first, w.last) for w in windows(160000, 0, Grid(2048, 256), 16000)]
    [(0, 81920), (49152, 147456), (114688, 160000)]
    """
    knot = FRAMES_A_KNOT * grid.hop_length
    length, margin, fade = (
        knot * round(seconds * sample_rate / knot)
        for seconds in (WINDOW_SECONDS, MARGIN_SECONDS, FADE_SECONDS)
    )
    for number in range(origin // length, (origin + max(samples, 1) - 1) // length + 1):
        begin, end = number * length - origin, (number + 1) * length - origin
        first, last = max(0, begin - margin), min(samples, end + margin)
        time = torch.arange(first, last, dtype=torch.float32) + 0.5
        rising = ((time - begin) / fade + 0.5).clamp(0, 1) if begin > 0 else torch.ones_like(time)
        falling = ((end - time) / fade + 0.5).clamp(0, 1) if end < samples else torch.ones_like(time)
        yield Window(first, last, rising * falling)


def _of_window(audio: Tensor, masks: Tensor, f0_hz: Tensor, grid: Grid, sample_rate: int) -> Tensor:
    """Corrections of one window, [time] -> [voices, time]."""
    band = Band.of(audio.shape[-1], grid, sample_rate)
    low, spectrum = band.down(audio), stft(audio, grid)

    def heard(f0_hz: Tensor, magnitudes: Tensor) -> tuple[Sinusoids, Tensor]:
        partials = Sinusoids.of(f0_hz, band)
        return partials, most_probable(low, partials, expected(magnitudes, f0_hz, partials, band), band)

    def added(partials: Sinusoids, amplitudes: Tensor) -> Tensor:
        voices = band.up(sung(amplitudes, partials, len(masks), band))
        return voices - istft(masks * stft(voices.sum(0), grid), grid, band.samples)

    if not bool(((f0_hz > 0) & (f0_hz < band.highest_hz)).any()):
        return audio.new_zeros(len(masks), band.samples)
    magnitudes = masks**EXPECTED_EXPONENT * spectrum.abs()
    for _ in range(ROUNDS):
        partials, amplitudes = heard(f0_hz, magnitudes)
        f0_hz = corrected(f0_hz, amplitudes, partials, band)
    # What came out is a better guess than masks of what the voices are.
    voices = istft(masks * spectrum, grid, band.samples) + added(partials, amplitudes)
    return added(*heard(f0_hz, stft(voices, grid).abs()))


@dataclass(frozen=True)
class Band:
    """The lowest frequencies of a signal, as a complex signal of few samples.

    Attributes:
        samples: of the signal.
        knots: knots of the amplitudes; the first one at the first sample.
        step: samples of the complex signal from knot to knot.
        every: samples of the signal to one of these.
    """

    samples: int
    knots: int
    step: int
    every: int
    grid: Grid
    sample_rate: int

    @classmethod
    def of(cls, samples: int, grid: Grid, sample_rate: int) -> Band:
        knot = FRAMES_A_KNOT * grid.hop_length
        every = max(2, int(sample_rate / BAND_HZ))
        while knot % every:
            every -= 1
        return cls(samples, -(-samples // knot) + 1, knot // every, every, grid, sample_rate)

    @property
    def length(self) -> int:
        """Samples of the complex signal."""
        return (self.knots - 1) * self.step

    @property
    def rate(self) -> float:
        return self.sample_rate / self.every

    @property
    def highest_hz(self) -> float:
        """Where partials end: between there and the end of the band lies what they are modulated by."""
        return min(HIGHEST_HZ, 0.75 * self.rate)

    @property
    def rising(self) -> Tensor:
        """The hat of the next knot over the samples between two: [step]."""
        return 0.5 - 0.5 * torch.cos(math.pi * (torch.arange(self.step) + 0.5) / self.step)

    def tilt(self, frequencies: Tensor) -> Tensor:
        """Gain at frequencies in Hz."""
        return torch.pow(frequencies.clamp_min(EMPHASISED_FROM_HZ) / EMPHASISED_FROM_HZ, EMPHASIS)

    def _tilts(self) -> Tensor:
        return self.tilt(torch.arange(self.length) * (self.rate / self.length))

    def down(self, audio: Tensor) -> Tensor:
        """The positive frequencies of the band, tilted: [time] -> complex [length]."""
        spectrum = torch.fft.fft(audio, self.length * self.every)[: self.length]
        low: Tensor = torch.fft.ifft(spectrum * (2.0 / self.every) * self._tilts())
        return low

    def up(self, low: Tensor) -> Tensor:
        """The real signal with these positive frequencies: complex [*, length] -> [*, time]."""
        spectrum = torch.fft.fft(low) * (self.every / self._tilts())
        whole = self.length * self.every
        spectrum = pad(spectrum, (0, whole - self.length))
        audio: Tensor = torch.fft.ifft(spectrum).real
        return audio[..., : self.samples]


@dataclass(frozen=True, eq=False)
class Sinusoids:
    """The partials that are anywhere in a stretch.

    Attributes:
        voice, number: of each, [partials].
        waves: exp(i k phi_j), 0 where there is none: complex [partials, length].
    """

    voice: Tensor
    number: Tensor
    waves: Tensor

    @classmethod
    def of(cls, f0_hz: Tensor, band: Band) -> Sinusoids:
        pitch = at_samples(f0_hz, band)
        turned = torch.cumsum(pitch.double() * (2 * math.pi / band.rate), -1).remainder(2 * math.pi).float()
        first = torch.polar(torch.ones_like(turned), turned)
        waves, voice, number = [], [], []
        wave = torch.ones_like(first)
        for k in range(1, PARTIALS + 1):
            wave = wave * first
            there = (pitch > 0) & (k * pitch < band.highest_hz)
            some = there.any(-1).nonzero()[:, 0]
            waves.append(wave[some] * there[some])
            voice.append(some)
            number.append(torch.full_like(some, k))
        return cls(torch.cat(voice), torch.cat(number), torch.cat(waves))


def at_samples(f0_hz: Tensor, band: Band) -> Tensor:
    """f0 at the samples of a band, linear between voiced frames: [voices, frames] -> [voices, length]."""
    frames = f0_hz.shape[-1]
    place = torch.arange(band.length) * (band.every / band.grid.hop_length)
    before = place.floor().long().clamp_max(frames - 1)
    after = (before + 1).clamp_max(frames - 1)
    weight = (place - before).clamp(0, 1)
    left, right = f0_hz[:, before], f0_hz[:, after]
    nearest = torch.where(weight < 0.5, left, right)
    return torch.where((left > 0) & (right > 0), torch.lerp(left, right, weight), nearest)


def expected(magnitudes: Tensor, f0_hz: Tensor, partials: Sinusoids, band: Band) -> Tensor:
    """Power that the amplitudes are expected to have, in the tilted band: [partials, knots]."""
    bins, frames = magnitudes.shape[-2:]
    frame = (torch.arange(band.knots) * FRAMES_A_KNOT).clamp_max(frames - 1)
    frequency = partials.number[:, None] * f0_hz[partials.voice][:, frame]
    centre = (frequency * (band.grid.n_fft / band.sample_rate)).round().long().clamp(1, bins - 2)
    peak = torch.stack([magnitudes[partials.voice[:, None], centre + beside, frame] for beside in (-1, 0, 1)])
    amplitude = peak.amax(0) * 2.0 / band.grid.window().sum()
    return (amplitude * band.tilt(frequency)).square()


def most_probable(low: Tensor, partials: Sinusoids, prior: Tensor, band: Band) -> Tensor:
    """Amplitudes at the knots, complex [partials, knots], of waves in a complex signal [length].

    Args:
        prior: their expected power, [partials, knots].
    """
    scale = prior.T.clamp_min(TINY).sqrt().to(low.dtype)
    return (solved(_equations(low, partials, scale, band)) * scale).T


def _equations(
    low: Tensor, partials: Sinusoids, scale: Tensor, band: Band
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """For each knot its block of the least squares, that beside it, and the right side (see `solved`).

    The unknowns are amplitudes by `scale` [knots, partials], expected to have power 1.
    """
    count, spans = len(partials.number), band.knots - 1
    waves = partials.waves.view(count, spans, band.step).transpose(0, 1)
    sound = low.view(spans, band.step)
    power = local_mean(sound.abs().square().mean(-1)[None, :, None], POWER_KNOTS)[0, :, 0]
    weight = 1.0 / (NOISE * power + TINY)
    rising = band.rising
    hats = torch.stack((1.0 - rising, rising))[:, None]
    pairs = torch.stack((hats[0].square(), hats[0] * hats[1], hats[1].square()))
    stays = torch.eye(count, dtype=low.dtype) / (1.0 - STEADINESS**2)
    block, right = stays, low.new_zeros(count)
    for first in range(0, spans, SPANS_AT_A_TIME):
        group = slice(first, first + SPANS_AT_A_TIME)
        there = waves[group, None]
        conjugate = there.conj() * weight[group, None, None, None]
        products = (conjugate * pairs) @ there.mT
        heard = ((conjugate * hats) @ sound[group, None, :, None])[..., 0]
        here, beyond = scale[:-1][group], scale[1:][group]
        begins = here[:, :, None] * products[:, 0] * here[:, None]
        meets = here[:, :, None] * products[:, 1] * beyond[:, None] - STEADINESS * stays
        ends = beyond[:, :, None] * products[:, 2] * beyond[:, None]
        for span in range(len(begins)):
            yield block + begins[span], meets[span], right + here[span] * heard[span, 0]
            last = first + span == spans - 1
            block = (1.0 if last else 1.0 + STEADINESS**2) * stays + ends[span]
            right = beyond[span] * heard[span, 1]
    yield block, low.new_zeros(count, 0), right


def solved(equations: Iterable[tuple[Tensor, Tensor, Tensor]]) -> Tensor:
    """Solution of a Hermitian, block tridiagonal system, which is taken block by block.

    Args:
        equations: for each row of blocks that on the diagonal [n, n], that to the right of it [n, n] ([n, 0]
            in the last row), and the right side [n]. The blocks left of the diagonal follow by symmetry.

    Returns:
        [blocks, n].
    """
    through: list[Tensor] = []
    values: list[Tensor] = []
    left: Tensor | None = None
    for block, beside, right in equations:
        if left is not None:
            block = block - left @ through[-1]
            right = right - left @ values[-1]
        both = torch.cholesky_solve(torch.cat((beside, right[:, None]), 1), torch.linalg.cholesky(block))
        through.append(both[:, :-1])
        values.append(both[:, -1])
        left = beside.mH
    for number in range(len(values) - 2, -1, -1):
        values[number] = values[number] - through[number] @ values[number + 1]
    return torch.stack(values)


def corrected(f0_hz: Tensor, amplitudes: Tensor, partials: Sinusoids, band: Band) -> Tensor:
    """The pitch moved by what amplitudes turn from knot to knot: [voices, frames]."""
    turn = amplitudes[:, 1:] * amplitudes[:, :-1].conj()
    number = partials.number[:, None]
    weight = turn.abs() * number.square()
    shape = (len(f0_hz), turn.shape[1])
    pulled = weight.new_zeros(shape).index_add_(0, partials.voice, weight * turn.angle() / number)
    total = weight.new_zeros(shape).index_add_(0, partials.voice, weight)
    reach = round(4 * REFINING_KNOTS)
    steps = torch.arange(-reach, reach + 1)
    bell = torch.exp(-0.5 * (steps / REFINING_KNOTS).square())[None, None]
    pulled, total = (conv1d(each[:, None], bell, padding=reach) for each in (pulled, total))
    offset = pulled / total.clamp_min(TINY) * (band.rate / (2 * math.pi * band.step))
    # Between two knots, so half a knot after the first of them.
    place = (torch.arange(f0_hz.shape[-1]) / FRAMES_A_KNOT - 0.5).clamp(0, shape[1] - 1)
    before = place.floor().long()
    after = (before + 1).clamp_max(shape[1] - 1)
    moved = torch.lerp(offset[:, 0, before], offset[:, 0, after], place - before)
    limit = LARGEST_CORRECTION * f0_hz
    return f0_hz + torch.maximum(torch.minimum(moved, limit), -limit)


def sung(amplitudes: Tensor, partials: Sinusoids, voices: int, band: Band) -> Tensor:
    """The partials of each voice together, in the tilted band: complex [voices, length]."""
    rising = band.rising
    between = amplitudes[:, :-1, None] * (1.0 - rising) + amplitudes[:, 1:, None] * rising
    waves = between.flatten(1) * partials.waves
    return waves.new_zeros(voices, band.length).index_add_(0, partials.voice, waves)
