"""The short-time Fourier transform, its inverse, and masks carried from one grid to another.

Conventions: periodic Hann window, signal padded with zeros by half a window on both sides, frame `t`
centred at sample `t * hop_length`, `1 + samples // hop_length` frames. Spectra are [*, bins, frames].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# A model hears nothing above its band, and a single bin at the very top of it flickers between sources
# from frame to frame; what continues above the band is therefore the mean of this share of it.
TOP_OF_BAND = 1 / 8


@dataclass(frozen=True)
class Grid:
    """Where the frames and bins of a short-time spectrum lie, in samples of the rate it is used at.

    Args:
        n_fft: length of the window and of the transform, even.
        hop_length: samples from one frame to the next, at most half a window.

    >>> Grid(2048, 256).bins, Grid(2048, 256).frames(16000)
    (1025, 63)
    """

    n_fft: int
    hop_length: int

    def __post_init__(self) -> None:
        if self.n_fft < 4 or self.n_fft % 2:
            raise ValueError(f"n_fft must be even and at least 4, not {self.n_fft}")
        if not 1 <= self.hop_length <= self.n_fft // 2:
            raise ValueError(f"hop_length must be 1 to n_fft / 2 = {self.n_fft // 2}, not {self.hop_length}")

    @property
    def bins(self) -> int:
        """Number of frequencies, 0 and Nyquist included."""
        return self.n_fft // 2 + 1

    @property
    def strips(self) -> int:
        """Number of hops that a window spans, the last one perhaps in part."""
        return -(-self.n_fft // self.hop_length)

    def frames(self, samples: int) -> int:
        """Number of frames of a signal of that many samples."""
        return 1 + samples // self.hop_length

    def window(self, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None) -> Tensor:
        """The analysis and synthesis window [n_fft]."""
        return torch.hann_window(self.n_fft, periodic=True, dtype=dtype, device=device)


def frame_times(frames: int, hop_length: int, sample_rate: int) -> NDArray[np.float64]:
    """Seconds at which the frames of a centred STFT lie.

    >>> frame_times(3, 256, 16000).tolist()
    [0.0, 0.016, 0.032]
    """
    return np.arange(frames, dtype=np.float64) * hop_length / sample_rate


def stft(audio: Tensor, grid: Grid) -> Tensor:
    """Short-time Fourier transform.

    Args:
        audio: [*, time], real.
        grid: the grid to compute it on.

    Returns:
        [*, bins, frames], complex.

    >>> stft(torch.zeros(2, 1000), Grid(256, 64)).shape
    torch.Size([2, 129, 16])
    """
    flat = audio.reshape(-1, audio.shape[-1])
    spectrum = torch.stft(
        flat,
        grid.n_fft,
        grid.hop_length,
        window=grid.window(audio.dtype, audio.device),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    return spectrum.reshape(*audio.shape[:-1], *spectrum.shape[-2:])


def istft(spectrum: Tensor, grid: Grid, length: int) -> Tensor:
    """Inverse of `stft`: windowed overlap-add over the sum of squared windows (Griffin and Lim 1984, eq. 6).

    Args:
        spectrum: [*, bins, frames], complex.
        grid: the grid it was computed on.
        length: samples of the signal.

    Returns:
        [*, length], real.

    >>> x = torch.sin(torch.arange(1000.0))
    >>> bool((istft(stft(x, Grid(256, 64)), Grid(256, 64), 1000) - x).abs().max() < 1e-5)
    True
    """
    flat = spectrum.reshape(-1, *spectrum.shape[-2:])
    audio = torch.istft(
        flat,
        grid.n_fft,
        grid.hop_length,
        window=grid.window(spectrum.real.dtype, spectrum.device),
        center=True,
        length=length,
    )
    return audio.reshape(*spectrum.shape[:-2], length)


def matching_grid(grid: Grid, from_rate: int, to_rate: int) -> Grid:
    """The grid at another rate whose window lasts as long as that of `grid`, to the next quick transform.

    At the same rate it is `grid` itself, so that nothing needs to be interpolated. The frames overlap as
    they do there, and by three quarters at least: with less, masked frames no longer join smoothly.

    >>> matching_grid(Grid(2048, 256), 16000, 48000)
    Grid(n_fft=6144, hop_length=768)
    >>> matching_grid(Grid(2048, 256), 16000, 44100)
    Grid(n_fft=5600, hop_length=700)
    """
    n_fft = grid.n_fft if from_rate == to_rate else _quick_size(grid.n_fft * to_rate / from_rate)
    hop_length = round(n_fft * grid.hop_length / grid.n_fft)
    return Grid(n_fft, max(1, min(hop_length, n_fft // 4)))


def quick_grid(grid: Grid, every: int) -> Grid:
    """A grid that costs little, for what is only listened to: every so many of the frames, a quick transform.

    The window is as long, or nearly; a bin lies off by as much as the lengths differ.

    Raises:
        ValueError: the frames left do not overlap by half a window.

    >>> quick_grid(Grid(1022, 256), 2), quick_grid(Grid(2048, 256), 1)
    (Grid(n_fft=1024, hop_length=512), Grid(n_fft=2048, hop_length=256))
    """
    return Grid(_quick_size(grid.n_fft), grid.hop_length * every)


def _quick_size(target: float) -> int:
    """The multiple of 8 without prime factors above 7 that is nearest to the target."""
    centre = max(1, round(target / 8))
    for distance in range(centre + 1):
        for eighth in (centre - distance, centre + distance):
            if eighth >= 1 and _is_smooth(eighth):
                return 8 * eighth
    raise AssertionError("1 is smooth")


def _is_smooth(number: int) -> bool:
    for prime in (2, 3, 5, 7):
        while number % prime == 0:
            number //= prime
    return number == 1


def stretch_masks(
    masks: Tensor,
    from_grid: Grid,
    from_rate: int,
    to_grid: Grid,
    to_rate: int,
    frames: int,
    *,
    from_first: int = 0,
    to_first: int = 0,
) -> Tensor:
    """Carry masks to another grid and rate: bilinear between frame centres in seconds and bins in Hz.

    Before the first frame and after the last one they are held. Above the band of `from_rate` every bin
    takes the mean of the top eighth of that band. All of it is a convex combination, so a sum over sources
    that stays within 1 still does.

    Args:
        masks: [*, from_bins, from_frames].
        from_grid, from_rate: where they are.
        to_grid, to_rate: where they go.
        frames: number of frames wanted.
        from_first: index on its own grid of the first frame given, for masks that come in pieces.
        to_first: index on its own grid of the first frame wanted.

    Returns:
        [*, to_bins, frames], the bins of a frame beside each other in memory; quickest where they are so in
        what is given.

    >>> ramp = torch.linspace(0, 1, 5).expand(3, 5).T
    >>> stretch_masks(ramp, Grid(8, 2), 8000, Grid(16, 4), 8000, 2)[:, 0].tolist()
    [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0]
    """
    steps = torch.arange(frames, dtype=torch.float64) + to_first
    if from_grid.hop_length * to_rate == to_grid.hop_length * from_rate:
        position = steps - from_first
    else:
        position = steps * (to_grid.hop_length * from_rate / (to_rate * from_grid.hop_length)) - from_first
    # Frame by frame, as rows of bins: what is picked then lies in one piece.
    rows = _interpolate(masks.transpose(-1, -2), position, dim=-2)
    if from_grid.n_fft * to_rate == to_grid.n_fft * from_rate and to_grid.bins <= from_grid.bins:
        return rows[..., : to_grid.bins].transpose(-1, -2)
    position = torch.arange(to_grid.bins, dtype=torch.float64)
    position = position * (to_rate * from_grid.n_fft / (to_grid.n_fft * from_rate))
    inside = int((position <= from_grid.bins - 1 + 1e-9).sum())
    result = _interpolate(rows, position[:inside], dim=-1)
    if inside < to_grid.bins:
        top_bins = max(1, int(from_grid.bins * TOP_OF_BAND))
        top = rows[..., -top_bins:].mean(-1, keepdim=True)
        result = torch.cat((result, top.expand(*top.shape[:-1], to_grid.bins - inside)), dim=-1)
    return result.transpose(-1, -2)


def _interpolate(values: Tensor, position: Tensor, dim: int) -> Tensor:
    """Linear interpolation along one dimension at fractional indices, held at both ends."""
    position = position.clamp(0, values.shape[dim] - 1).to(values.device)
    low = position.floor().long()
    weight = (position - low).to(values.dtype)
    if not bool(weight.any()):
        return values.index_select(dim, low)
    high = (low + 1).clamp(max=values.shape[dim] - 1)
    if dim == -2:
        weight = weight[:, None]
    return torch.lerp(values.index_select(dim, low), values.index_select(dim, high), weight)
