"""The network over a long recording, in overlapping segments at fixed places.

A recurrent network remembers for longer than any context that one would care to compute again, so a chunk
that began elsewhere would come out differently. Here every frame's parameters come from a segment whose
place in the recording is fixed: it starts from nothing two seconds before it is needed, as in training, and
neighbours are faded into each other half way between chunks. Whatever the chunks, the parameters are then
the same; and the segments of a chunk go through the network as one batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stemless.voices.network import Level, SourceFilterNetwork, SynthesisParameters


@dataclass(frozen=True)
class Segments:
    """Lengths in frames; a frame is 16 ms at the model's usual rate and hop.

    length: from one segment to the next. warm_up: computed before it and thrown away. fade: half the length
    of the fade around each border.
    """

    length: int = 500
    warm_up: int = 125
    fade: int = 16
    frame_seconds: float = 0.016

    @property
    def length_seconds(self) -> float:
        return self.length * self.frame_seconds

    @property
    def context_seconds(self) -> float:
        """What a chunk needs before it: half a segment, its warm-up and fade, and a moment for the STFT."""
        return (self.length // 2 + self.warm_up + self.fade) * self.frame_seconds + 0.25

    def borders(self, first: int, frames: int) -> list[int]:
        """Borders between segments inside a stretch, counted from its first frame.

        In the recording they lie at odd multiples of half a length, so that chunks of whole lengths begin
        in the middle of a segment.

        >>> Segments(length=100).borders(130, 200)
        [20, 120]
        """
        half = self.length // 2
        start = -(-(first - half) // self.length) * self.length + half - first
        return list(range(start, frames, self.length))


SEGMENTS = Segments()


def parameters_in_segments(
    network: SourceFilterNetwork,
    mixture: Tensor,
    f0_hz: Tensor,
    first: int,
    level: Level,
    noise_colour: Tensor,
    segments: Segments = SEGMENTS,
) -> SynthesisParameters:
    """Synthesis parameters of a stretch, the same as in any other stretch that holds its segments.

    Args:
        mixture: [batch, time]. f0_hz: [batch, voices, frames].
        first: number of the stretch's first frame in the recording.
        level: of the recording. noise_colour: [batch, voices, bands] of the recording.
    """
    frames = f0_hz.shape[-1]
    spectrum = network.normalised(mixture, level)
    borders = [0, *(border for border in segments.borders(first, frames) if border > 0), frames]
    # A segment may begin before its borders and end after them; the network is causal, so that what
    # is filled up at the end does not matter.
    starts = [max(0, border - segments.fade - segments.warm_up) for border in borders[:-1]]
    longest = max(end + segments.fade - start for start, end in zip(starts, borders[1:], strict=True))
    longest = min(longest, frames)
    heard = torch.cat([_piece(spectrum, start, longest, 1) for start in starts])
    told = torch.cat([_piece(f0_hz, start, longest, 2) for start in starts])
    parameters = network.from_spectrum(heard, told, noise_colour.repeat(len(starts), 1, 1))

    joined: list[Tensor] = []
    for values in (parameters.amplitude, parameters.noise_gain, parameters.lsf):
        pieces = values.chunk(len(starts))
        total = values.new_zeros(*pieces[0].shape[:2], frames, *values.shape[3:])
        for index, (piece, start) in enumerate(zip(pieces, starts, strict=True)):
            weight = _weight(index, borders, segments.fade, values)
            low = max(0, borders[index] - segments.fade)
            high = min(frames, borders[index + 1] + segments.fade)
            shape = (-1,) + (1,) * (values.ndim - 3)
            total[:, :, low:high] += weight[low:high].view(shape) * piece[:, :, low - start : high - start]
        joined.append(total)
    return SynthesisParameters(joined[0], joined[1], joined[2], noise_colour)


def _piece(values: Tensor, start: int, length: int, dim: int) -> Tensor:
    """`length` frames from `start` on, zeros past the end."""
    piece = values.narrow(dim, start, min(length, values.shape[dim] - start))
    missing = length - piece.shape[dim]
    if not missing:
        return piece
    shape = list(piece.shape)
    shape[dim] = missing
    return torch.cat([piece, piece.new_zeros(shape)], dim)


def _weight(index: int, borders: list[int], fade: int, like: Tensor) -> Tensor:
    """Weight of a segment at every frame: ramps around its borders, none at the ends of the stretch."""
    position = torch.arange(borders[-1], device=like.device, dtype=like.dtype) + 0.5
    weight = torch.ones_like(position)
    if index > 0:
        weight = ((position - borders[index]) / (2 * fade) + 0.5).clamp(0, 1)
    if index < len(borders) - 2:
        weight = weight - ((position - borders[index + 1]) / (2 * fade) + 0.5).clamp(0, 1)
    return weight
