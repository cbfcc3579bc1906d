"""Change of sample rate, for a whole signal or block by block with the same result."""

from __future__ import annotations

import numpy as np
import soxr
import torch
from torch import Tensor


def resampled_length(samples: int, from_rate: int, to_rate: int) -> int:
    """Samples after a change of rate: the same duration to the nearest sample, and never none at all.

    >>> resampled_length(44100, 44100, 16000), resampled_length(1, 44100, 16000)
    (16000, 1)
    """
    return max(1, (2 * samples * to_rate + from_rate) // (2 * from_rate))


def resample(audio: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """Resample a whole signal; sample `i` of either rate lies at `i / rate` seconds.

    Args:
        audio: [channels, time] float32.
        from_rate, to_rate: Hz.

    Returns:
        [channels, resampled_length(time, from_rate, to_rate)] float32.

    >>> resample(torch.zeros(2, 441), 44100, 16000).shape
    torch.Size([2, 160])
    """
    stream = StreamResampler(from_rate, to_rate, audio.shape[0])
    return torch.cat((stream.push(audio), stream.finish()), dim=1)


class StreamResampler:
    """Resample a signal that comes in blocks; the joined output is that of `resample`, to the bit.

    Args:
        from_rate, to_rate: Hz; when they are equal the blocks pass through untouched.
        channels: number of channels.
    """

    def __init__(self, from_rate: int, to_rate: int, channels: int) -> None:
        self._rates = (from_rate, to_rate)
        self._channels = channels
        self._taken = 0
        self._given = 0
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="HQ")

    def push(self, block: Tensor) -> Tensor:
        """Take the next block [channels, time]; give what is ready, [channels, some time], perhaps none."""
        self._taken += block.shape[1]
        if self._stream is None:
            return block
        samples = np.ascontiguousarray(block.numpy().T, dtype=np.float32)
        return self._give(self._stream.resample_chunk(samples))

    def finish(self) -> Tensor:
        """The rest [channels, some time], after the last block."""
        if self._stream is None:
            return torch.zeros(self._channels, 0)
        none = np.zeros((0, self._channels), dtype=np.float32)
        rest = self._give(self._stream.resample_chunk(none, last=True))
        # The library rounds a length below half a sample to nothing, and exact halves either way.
        missing = resampled_length(self._taken, *self._rates) - self._given
        if missing < 0:
            return rest[:, :missing]
        return torch.nn.functional.pad(rest, (0, missing))

    def _give(self, samples: np.ndarray) -> Tensor:
        self._given += len(samples)
        return torch.from_numpy(np.ascontiguousarray(samples.T))
