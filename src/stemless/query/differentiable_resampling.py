"""Change of sample rate that gradients pass: estimates of a separator reach a teacher of another rate.

`stemless.resampling` resamples recordings, in soxr, where gradients stop. This is its twin in torch, for
batches in memory, with the same conventions of time and length and much the same filter.

Derivation. A band-limited signal x, sampled at rate F, is x(t) = sum_k x[k] sinc(F t - k). Read at n / F',
with F' / F = L / M in lowest terms, after a low-pass of c times the lower of both Nyquist frequencies, so
that nothing folds:

    y[n] = sum_k x[k] h(n M / L - k),    h(u) = b sinc(b u) w(b u),    b = c min(1, L / M)

with u in input samples and w a Kaiser window over `zeros` zero crossings to either side. With n = j L + r the
position is j M + r M / L: its fractional part depends on the phase r alone. So there are L short filters
h(r M / L - m), and y is what they give at every M-th input sample, interleaved: one convolution of stride M
with L output channels.

c is set by the window: its transition band, of width (A - 8) / (2.285 N) radians for N taps and A dB (Kaiser
1974), ends at the Nyquist frequency. With the default of 64 zero crossings, 91 % of the band pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stemless.query.precision import at_least_single, full_precision
from stemless.resampling import resampled_length

ZEROS = 64
STOP_BAND_DB = 90.0
MAX_TAPS = 1 << 24
"""Of all phases together; reached by rates that have next to no divisor in common."""


def resample(audio: Tensor, from_rate: int, to_rate: int, zeros: int = ZEROS) -> Tensor:
    """Resample; sample `i` of either rate lies at `i / rate` seconds. There is silence before and after.

    Args:
        audio: [*, time], at least one sample; half precision is computed and returned in single.
        from_rate, to_rate: Hz.
        zeros: zero crossings of the filter to either side; more of them, more of the band passes.

    Returns:
        [*, resampled_length(time, from_rate, to_rate)]; `audio` itself where the rates are equal.

    Raises:
        ValueError: impossible rates, or such as have next to no divisor in common.

    >>> resample(torch.zeros(2, 3, 160), 16000, 48000).shape
    torch.Size([2, 3, 480])
    >>> middle = resample(torch.ones(1000), 48000, 16000)[150:180]
    >>> torch.allclose(middle, torch.ones(30))
    True
    """
    if from_rate == to_rate:
        return audio
    audio = at_least_single(audio)
    filters, step, reach = sinc_filters(from_rate, to_rate, zeros)
    length = resampled_length(audio.shape[-1], from_rate, to_rate)
    return _in_phases(audio, filters.to(audio.dtype).to(audio.device), step, reach, length)


def _in_phases(audio: Tensor, filters: Tensor, step: int, reach: int, length: int) -> Tensor:
    """[*, time] by all filters at every step, interleaved: [*, length]."""
    if audio.shape[-1] == 0:
        raise ValueError("give at least one sample")
    phases, taps = filters.shape
    places = -(-length // phases)
    missing = max(0, (places - 1) * step + taps - reach - audio.shape[-1])
    flat = nn.functional.pad(audio.reshape(-1, 1, audio.shape[-1]), (reach, missing))
    with full_precision(audio.device):
        outputs = nn.functional.conv1d(flat, filters[:, None], stride=step)
    interleaved = outputs.transpose(1, 2).reshape(len(flat), -1)[:, :length]
    return interleaved.reshape(*audio.shape[:-1], length)


def sinc_filters(from_rate: int, to_rate: int, zeros: int = ZEROS) -> tuple[Tensor, int, int]:
    """The filters of all phases, and how they move.

    Returns:
        filters [L, taps] float64, each of sum 1; M, the step between their places in input samples; and the
        number of input samples that they reach back before their place.

    >>> filters, step, reach = sinc_filters(16000, 48000)
    >>> list(filters.shape), step, reach
    ([3, 135], 1, 67)
    """
    if min(from_rate, to_rate, zeros) < 1:
        raise ValueError(f"cannot resample {from_rate} Hz to {to_rate} Hz with {zeros} zero crossings")
    divisor = math.gcd(from_rate, to_rate)
    phases, step = to_rate // divisor, from_rate // divisor
    transition = (STOP_BAND_DB - 8.0) / (2.285 * 2.0 * zeros) / math.pi
    band = max(1.0 - transition / 2.0, 0.5) * min(1.0, phases / step)
    reach = math.ceil(zeros / band)
    if phases * (2 * reach + step) > MAX_TAPS:
        raise ValueError(
            f"{from_rate} Hz and {to_rate} Hz have only {divisor} Hz in common, which takes {phases} "
            "filters; choose rates with more in common"
        )
    inputs = torch.arange(-reach, reach + step, dtype=torch.float64)
    places = torch.arange(phases, dtype=torch.float64)[:, None] * (step / phases)
    crossings = band * (places - inputs)
    beta = 0.1102 * (STOP_BAND_DB - 8.7)
    inside = (1.0 - (crossings / zeros).square()).clamp_min(0.0)
    window = torch.special.i0(beta * inside.sqrt()) * (inside > 0)
    filters = torch.sinc(crossings) * window
    # Each phase passes a constant as it is, or it would come out with a ripple.
    return filters / filters.sum(1, keepdim=True), step, reach


class Resampler(nn.Module):
    """`resample` for many signals: the filters are made once and move with the module.

    Args:
        from_rate, to_rate: Hz.
        zeros: zero crossings of the filter to either side.
        dtype: of the filters, and of what comes out.
    """

    filters: Tensor

    def __init__(
        self, from_rate: int, to_rate: int, zeros: int = ZEROS, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        self.from_rate, self.to_rate = from_rate, to_rate
        filters, self.step, self.reach = sinc_filters(from_rate, to_rate, zeros)
        self.register_buffer("filters", filters.to(dtype), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """[*, time] -> [*, resampled_length(time, from_rate, to_rate)]; equal rates leave it as it is."""
        if self.from_rate == self.to_rate:
            return audio
        length = resampled_length(audio.shape[-1], self.from_rate, self.to_rate)
        return _in_phases(audio.to(self.filters.dtype), self.filters, self.step, self.reach, length)
