"""What separators add to masked stems, brought to the recording's own rate as both arrive piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from stemless.resampling import StreamResampler


class StreamCorrecting:
    """Adds corrections to stems.

    Args:
        from_rate: of the corrections, in Hz.
        to_rate: of the recording.
        sources, channels: of both.
    """

    def __init__(self, from_rate: int, to_rate: int, sources: int, channels: int) -> None:
        self._resampler = StreamResampler(from_rate, to_rate, sources * channels)
        self._shape = (sources, channels)
        self._corrections = torch.zeros(*self._shape, 0)
        self._waiting: list[tuple[Tensor, Tensor]] = []

    def hear(self, corrections: Tensor) -> None:
        """Take the next corrections, [sources, channels, time]."""
        self._take(self._resampler.push(corrections.flatten(0, 1)))

    def apply(self, mixture: Tensor, stems: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Take the next piece of the recording; give what corrections have come for.

        Args:
            mixture: [channels, time].
            stems: [sources, channels, time].

        Yields:
            mixture and stems, in the order in which they came.
        """
        self._waiting.append((mixture, stems))
        while self._waiting and self._waiting[0][0].shape[-1] <= self._corrections.shape[-1]:
            yield self._next()

    def finish(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The rest, after the last piece and the last corrections."""
        self._take(self._resampler.finish())
        # There and back again, a length may be rounded.
        missing = sum(mixture.shape[-1] for mixture, _ in self._waiting) - self._corrections.shape[-1]
        self._corrections = pad(self._corrections, (0, max(0, missing)))
        while self._waiting:
            yield self._next()

    def _take(self, corrections: Tensor) -> None:
        self._corrections = torch.cat((self._corrections, corrections.unflatten(0, self._shape)), -1)

    def _next(self) -> tuple[Tensor, Tensor]:
        mixture, stems = self._waiting.pop(0)
        length = mixture.shape[-1]
        corrections, self._corrections = self._corrections[..., :length], self._corrections[..., length:]
        return mixture, stems + corrections
