"""The vocal tract: all-pole filters that change from frame to frame, applied through the short-time spectrum.

Each windowed frame is filtered with the exact response of its own resonances and overlapped with its
neighbours, so that the filter glides from one shape to the next without steps. Zero-padding leaves room for
the ringing, which keeps the multiplication a linear convolution.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

FRAME_SECONDS = 0.010
RINGING_SECONDS = 0.040
_CHUNK = 512


def frame_count(samples: int, sample_rate: int) -> int:
    """Frames of `filter_frames` over so many samples; frame t is centred at t * FRAME_SECONDS."""
    return math.ceil(samples / hop_length(sample_rate)) + 1


def hop_length(sample_rate: int) -> int:
    """Samples from one frame to the next."""
    return max(1, round(FRAME_SECONDS * sample_rate))


def resonance_polynomial(frequencies_hz: Tensor, bandwidths_hz: Tensor, sample_rate: int) -> Tensor:
    """Denominator of a cascade of two-pole resonances with unit gain at 0 Hz.

    D. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67(3), 1980, eq. 2.

    Args:
        frequencies_hz: [..., resonances] centre frequencies.
        bandwidths_hz: [..., resonances] half-power widths.
        sample_rate: in Hz.

    Returns:
        [..., 2 * resonances + 1] float64 coefficients a of 1 / A(z); A(1) = 1.
    """
    radius = torch.exp(-math.pi * bandwidths_hz.double() / sample_rate)
    first = -2 * radius * torch.cos(2 * math.pi * frequencies_hz.double() / sample_rate)
    second = radius.square()
    # Frequencies at or above half the rate would fold back to a low resonance: take them out.
    inside = frequencies_hz < 0.5 * sample_rate
    first, second = first * inside, second * inside
    scale = 1 / (1 + first + second)
    result = torch.ones(*frequencies_hz.shape[:-1], 1, dtype=torch.float64)
    for index in range(frequencies_hz.shape[-1]):
        a1, a2, gain = (value[..., index : index + 1] for value in (first, second, scale))
        longer = torch.nn.functional.pad(result, (0, 2))
        longer[..., 1:-1] += a1 * result
        longer[..., 2:] += a2 * result
        result = longer * gain
    return result


def upper_resonances(above_hz: float, spacing_hz: float, sample_rate: int) -> tuple[Tensor, Tensor]:
    """The resonances of the tract above those that are steered, up to half the sample rate: even and wide.

    Without them a cascade of few resonances falls by 12 dB an octave for each, and the sound is dull.
    """
    count = max(0, int((0.5 * sample_rate - above_hz) / spacing_hz))
    frequencies = above_hz + spacing_hz * torch.arange(1, count + 1, dtype=torch.float64)
    return frequencies, 200.0 + 0.06 * (frequencies - above_hz)


def band_response(centre_hz: Tensor, width_hz: Tensor, n_fft: int, sample_rate: int) -> Tensor:
    """Response of a noise band: one resonance with zeros at 0 Hz and half the rate, unit noise power.

    Args:
        centre_hz: [frames]; width_hz: [frames].

    Returns:
        [frames, n_fft // 2 + 1] complex.
    """
    centre = centre_hz.clamp(max=0.42 * sample_rate)
    poles = resonance_polynomial(centre[:, None], width_hz[:, None], sample_rate)
    zeros = torch.zeros(n_fft, dtype=torch.float64)
    zeros[0], zeros[2] = 1.0, -1.0
    response = torch.fft.rfft(zeros) / torch.fft.rfft(poles, n=n_fft)
    power = response.abs().square().mean(-1, keepdim=True)
    unit: Tensor = response / power.sqrt()
    return unit


def filter_frames(
    tract_input: Tensor,
    constriction_input: Tensor,
    *,
    formants_hz: Tensor,
    bandwidths_hz: Tensor,
    nasal_zero_hz: Tensor,
    nasal_pole_hz: float,
    frication_hz: Tensor,
    frication_width_hz: Tensor,
    fixed: tuple[Tensor, Tensor],
    sample_rate: int,
) -> Tensor:
    """Filter pulses and breath through the whole tract, and frication through the cavity in front of it.

    Args:
        tract_input: [time] what enters at the glottis.
        constriction_input: [time] noise made at the constriction.
        formants_hz: [frames, formants] with frames = `frame_count`; bandwidths_hz the same.
        nasal_zero_hz: [frames]; equal to ``nasal_pole_hz`` the nose is closed.
        frication_hz, frication_width_hz: [frames] band of the frication.
        fixed: frequencies and widths of resonances that do not move.
        sample_rate: in Hz.

    Returns:
        [time] sound at the lips.
    """
    samples = tract_input.shape[-1]
    hop = hop_length(sample_rate)
    frames = frame_count(samples, sample_rate)
    size = 2 * hop
    blocks = math.ceil((size + RINGING_SECONDS * sample_rate) / hop)
    n_fft = _fast_length(blocks * hop)
    blocks = n_fft // hop
    window = torch.hann_window(size, periodic=True)
    ends = (hop, frames * hop - samples)
    inputs = torch.nn.functional.pad(torch.stack((tract_input, constriction_input)), ends)
    cut = inputs.unfold(-1, size, hop) * window

    still = torch.fft.rfft(resonance_polynomial(*fixed, sample_rate), n=n_fft)
    nasal_pole = torch.full((frames, 1), nasal_pole_hz)
    nasal_width = torch.full((frames, 1), 120.0)
    out = torch.zeros(frames + blocks, hop)
    for start in range(0, frames, _CHUNK):
        part = slice(start, min(start + _CHUNK, frames))
        poles = resonance_polynomial(
            torch.cat((formants_hz[part], nasal_pole[part]), -1),
            torch.cat((bandwidths_hz[part], nasal_width[part]), -1),
            sample_rate,
        )
        zero = resonance_polynomial(nasal_zero_hz[part, None], nasal_width[part], sample_rate)
        response = torch.fft.rfft(zero, n=n_fft) / (torch.fft.rfft(poles, n=n_fft) * still)
        band = band_response(frication_hz[part], frication_width_hz[part], n_fft, sample_rate)
        spectrum = torch.fft.rfft(cut[0, part], n=n_fft) * response.to(torch.complex64)
        spectrum += torch.fft.rfft(cut[1, part], n=n_fft) * band.to(torch.complex64)
        sound = torch.fft.irfft(spectrum, n=n_fft)
        for block in range(blocks):
            out[part.start + block : part.stop + block] += sound[:, block * hop : (block + 1) * hop]
    return out.flatten()[hop : hop + samples]


def _fast_length(length: int) -> int:
    """The next length whose only prime factors are 2, 3 and 5."""
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
