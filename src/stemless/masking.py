"""Masks applied to every channel at the recording's own rate, as both arrive piece by piece.

The short-time spectra lie on the grid that the whole recording has, so that the result does not depend on
how the pieces are cut.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from stemless.spectrum import Grid, matching_grid, stretch_masks

# Frames transformed at once: enough to keep the transforms busy, few enough to stay in the cache.
GROUP_FRAMES = 32


class StreamMasking:
    """Overlap-add of masked spectra.

    Args:
        sample_rate: of the recording, in Hz.
        samples: of one channel of the recording.
        mask_grid, mask_rate: where the masks lie.
        mask_frames: how many frames of masks will come.
    """

    def __init__(
        self, sample_rate: int, samples: int, mask_grid: Grid, mask_rate: int, mask_frames: int
    ) -> None:
        self.grid = matching_grid(mask_grid, mask_rate, sample_rate)
        self._rate, self._samples = sample_rate, samples
        self._mask_grid, self._mask_rate, self._mask_frames = mask_grid, mask_rate, mask_frames
        self._frames = self.grid.frames(samples)
        self._window = self.grid.window()
        self._frame = 0  # the next one to be masked
        self._blocks: list[Tensor] = []
        # Everything below counts samples from half a window before the recording, where frame 0 begins.
        self._heard = self.grid.n_fft // 2
        self._given = 0
        self._audio: Tensor | None = None
        self._masks: Tensor | None = None  # [sources, frames, bins]
        self._first_mask = 0
        self._masked = torch.empty(0, dtype=torch.complex64)  # [sources, channels, frames, bins]
        self._tail: Tensor | None = None
        self._weight = torch.zeros(self.grid.n_fft)

    def hear(self, block: Tensor) -> None:
        """Take the next block of the recording, [channels, time]."""
        if not self._blocks and self._audio is None:
            block = pad(block, (self.grid.n_fft // 2, 0))
        self._blocks.append(block)

    def apply(self, masks: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Take the next masks [sources, bins, frames]; give what is finished.

        Whatever a mask concerns must have been heard before it is given.

        Yields:
            mixture [channels, time] and stems [sources, channels, time], one after the other.
        """
        masks = masks.transpose(-1, -2)
        self._masks = masks.contiguous() if self._masks is None else torch.cat((self._masks, masks), dim=-2)
        end = self._first_mask + self._masks.shape[-2]
        complete = end >= self._mask_frames
        held = [] if self._audio is None else [self._audio]
        self._audio = torch.cat((*held, *self._blocks), dim=1)
        self._blocks.clear()
        if complete:
            self._audio = pad(self._audio, (0, self.grid.n_fft))
        ready = self._frames if complete else self._frames_before(end - 1)
        offset = self._frame * self.grid.hop_length
        start = offset
        while self._frame < ready:
            count = min(GROUP_FRAMES, ready - self._frame)
            span = (count - 1) * self.grid.hop_length + self.grid.n_fft
            yield from self._group(self._audio[:, start - offset : start - offset + span], count)
            self._frame += count
            start += count * self.grid.hop_length
        if complete:
            yield from self._emit(self._audio[:, start - offset :], self._rest())
        self._audio = self._audio[:, start - offset :].clone()
        self._forget()

    def _frames_before(self, mask: int) -> int:
        """How many frames lie at or before the time of that frame of masks."""
        samples = mask * self._mask_grid.hop_length * self._rate
        return min(self._frames, samples // (self.grid.hop_length * self._mask_rate) + 1)

    def _forget(self) -> None:
        """Drop the masks that no later frame needs."""
        assert self._masks is not None
        samples = self._frame * self.grid.hop_length * self._mask_rate
        needed = samples // (self._mask_grid.hop_length * self._rate)
        drop = min(max(0, needed - self._first_mask), self._masks.shape[-2] - 1)
        self._masks = self._masks[:, drop:].clone()
        self._first_mask += drop

    def _group(self, audio: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Mask `count` frames; audio [channels, time] spans them."""
        assert self._masks is not None
        grid = self.grid
        spectrum = torch.fft.rfft(audio.unfold(-1, grid.n_fft, grid.hop_length) * self._window)
        masks = stretch_masks(
            self._masks.transpose(-1, -2),
            self._mask_grid,
            self._mask_rate,
            grid,
            self._rate,
            count,
            from_first=self._first_mask,
            to_first=self._frame,
        ).transpose(-1, -2)
        # The same memory for every group: to get it anew costs more than the product does.
        self._masked.resize_(len(masks), *spectrum.shape)
        torch.mul(spectrum, masks[:, None], out=self._masked)
        frames = torch.fft.irfft(self._masked, grid.n_fft)
        strips = count + grid.strips - 1
        sums = audio.new_zeros(len(masks), len(audio), strips, grid.hop_length)
        _overlap_add(frames, self._window, sums)
        weight = audio.new_zeros(strips, grid.hop_length)
        _overlap_add(self._window.expand(count, -1), self._window, weight)
        span = audio.shape[-1]
        sums, weight = sums.flatten(-2)[..., :span], weight.flatten()[:span]
        done = count * grid.hop_length
        if self._tail is not None:
            sums[..., : self._tail.shape[-1]] += self._tail
        weight[: self._weight.shape[-1]] += self._weight[: weight.shape[-1]]
        self._tail, self._weight = sums[..., done:].clone(), weight[done:].clone()
        stems = sums[..., :done].mul_(weight[:done].clamp(min=1e-12).reciprocal())
        yield from self._emit(audio[:, :done], stems)

    def _rest(self) -> Tensor:
        assert self._tail is not None
        return self._tail / self._weight.clamp(min=1e-12)

    def _emit(self, audio: Tensor, stems: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """What of these consecutive samples lies inside the recording."""
        start = self._given - self.grid.n_fft // 2
        self._given += stems.shape[-1]
        inside = slice(max(0, -start), max(0, min(stems.shape[-1], self._samples - start)))
        if inside.start < inside.stop:
            yield audio[:, inside], stems[..., inside]


def _overlap_add(frames: Tensor, window: Tensor, total: Tensor) -> None:
    """Add windowed frames [*, count, length] placed a hop apart to `total` [*, count + strips - 1, hop].

    Added as a few long strips, one for each hop that a frame spans, instead of frame by frame.

    >>> total = torch.zeros(4, 2)
    >>> _overlap_add(torch.ones(3, 4), torch.ones(4), total)
    >>> total.flatten().tolist()
    [1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    """
    count, hop_length = frames.shape[-2], total.shape[-1]
    for i in range(total.shape[-2] - count + 1):
        part = slice(i * hop_length, (i + 1) * hop_length)
        strip = frames[..., part]
        total[..., i : i + count, : strip.shape[-1]].addcmul_(strip, window[part])
