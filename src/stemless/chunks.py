"""The masks of a long recording, made chunk by chunk so that nothing tells where one ends.

Chunks begin on frames of the grid that the whole recording would have. Each is heard with context on both
sides, whose masks are thrown away, and neighbours are faded into each other over a few frames. Where the
masks of neighbours agree, the result is that of the whole recording at once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.separator import C, CorrectingSeparator, Separator
from stemless.spectrum import Grid

FADE_SECONDS = 0.2


@dataclass(frozen=True)
class Chunk:
    """One chunk in frames of the whole recording, each range without its end.

    Attributes:
        keep: frames that this chunk answers for.
        fade: frames given to each neighbour beyond `keep`, and faded from `keep` towards it.
        hear: frames whose masks are computed.
    """

    keep: tuple[int, int]
    fade: int
    hear: tuple[int, int]


def plan_chunks(frames: int, chunk_frames: int, context_frames: int, fade_frames: int) -> list[Chunk]:
    """Chunks of equal length, at most `chunk_frames`, that cover a recording of that many frames.

    >>> [chunk.keep for chunk in plan_chunks(100, 40, 8, 4)]
    [(0, 34), (34, 67), (67, 100)]
    >>> plan_chunks(100, 40, 8, 4)[1].hear
    (22, 79)
    """
    # Division into equal parts at most halves the length, and a chunk is faded at both ends.
    count = math.ceil(frames / max(chunk_frames, 4 * fade_frames + 2))
    edges = [math.ceil(frames * i / count) for i in range(count + 1)]
    margin = fade_frames + context_frames
    return [
        Chunk((first, last), fade_frames, (max(0, first - margin), min(frames, last + margin)))
        for first, last in itertools.pairwise(edges)
    ]


@dataclass(frozen=True, eq=False)
class Piece:
    """What is known of the next stretch of a recording.

    Attributes:
        masks: [sources, bins, some frames].
        corrections: to the masked sources, where the separator gives any: [sources, channels, some samples].
    """

    masks: Tensor
    corrections: Tensor | None = None


def mask_chunks(
    blocks: Iterable[Tensor],
    samples: int,
    separator: Separator[C],
    condition: C,
    survey: object,
    chunk_seconds: float | None = None,
    only: Sequence[str] | None = None,
) -> Iterator[Piece]:
    """Masks of a whole recording in consecutive pieces; memory does not grow with its length.

    Args:
        blocks: the mixture at the separator's rate, [channels, time] each, in order. Masks are those of the
            mean of the channels; more than one is of use to separators that correct every channel.
        samples: how many they hold together.
        separator, condition, survey: who makes the masks, of what.
        chunk_seconds: length of a chunk if not the separator's own.
        only: the sources that are wanted, by name; all of them when None. The others still have their share.

    Yields:
        pieces that join to `separator.grid.frames(samples)` frames of masks, and to as many samples of
        corrections as there are of the mixture.
    """
    grid, rate = separator.grid, separator.sample_rate
    per_second = rate / grid.hop_length
    # Half a window more: the frames at either end of what is heard reach into the padding.
    context = math.ceil(separator.context_seconds * per_second) + math.ceil(grid.n_fft / 2 / grid.hop_length)
    fade = max(1, round(FADE_SECONDS / 2 * per_second))
    length = chunk_seconds or separator.chunk_seconds
    chunks = plan_chunks(grid.frames(samples), max(1, round(length * per_second)), context, fade)
    names = list(condition.names)
    wanted = slice(None) if only is None else [names.index(name) for name in only]
    queue = _Queue(blocks)
    masks_seam, corrections_seam = _Seam(2 * fade), _Seam(2 * fade * grid.hop_length)
    for chunk in chunks:
        last = chunk is chunks[-1]
        start = chunk.hear[0] * grid.hop_length
        # The last chunk takes all there is, so that whoever listens to the blocks has heard them all.
        audio = queue.take(start, None if last else chunk.hear[1] * grid.hop_length)
        cut = condition.cut(start / rate, (start + audio.shape[1]) / rate)
        with torch.no_grad():
            masks = separator.masks(audio.mean(0, keepdim=True), cut, survey)
            masks = _checked(masks, separator.name, len(names), grid, audio.shape[1])
            corrections = None
            if isinstance(separator, CorrectingSeparator):
                corrections = separator.corrections(audio, masks, cut, survey)
        first = max(0, chunk.keep[0] - fade) - chunk.hear[0]
        stop = None if last else chunk.keep[1] + fade - chunk.hear[0]
        masks = masks_seam.join(masks[..., first:stop][wanted], last)
        if corrections is not None:
            end = None if stop is None else stop * grid.hop_length
            stretch = corrections[..., first * grid.hop_length : end][wanted]
            corrections = corrections_seam.join(stretch, last)
        yield Piece(masks, corrections)


class _Seam:
    """Fades each piece into the next, over what they have in common at their ends."""

    def __init__(self, overlap: int) -> None:
        self._overlap = overlap
        self._held: Tensor | None = None

    def join(self, piece: Tensor, last: bool) -> Tensor:
        """The next piece from the end of the one before, without the overlap that the next one fades into."""
        overlap = self._overlap
        if self._held is not None:
            piece = torch.cat((_blend(self._held, piece[..., :overlap]), piece[..., overlap:]), dim=-1)
        if last:
            return piece
        self._held = piece[..., -overlap:].clone()
        return piece[..., :-overlap]


def _blend(old: Tensor, new: Tensor) -> Tensor:
    length = old.shape[-1]
    weight = (torch.arange(length, dtype=old.dtype) + 0.5) / length
    return torch.lerp(old, new, weight)


def _checked(masks: Tensor, name: str, sources: int, grid: Grid, samples: int) -> Tensor:
    """[sources, bins, frames] on the CPU, or an error: a separator that is wrong here is wrong inaudibly."""
    wanted = (1, sources, grid.bins, grid.frames(samples))
    if tuple(masks.shape) != wanted:
        raise ValueError(f"{name} gave masks of shape {list(masks.shape)} where {list(wanted)} is due")
    masks = masks[0].to("cpu", torch.float32)
    # A sum is finite where all that is summed is, and takes a single pass.
    if not math.isfinite(float(masks.sum())):
        raise StemlessError(f"{name} gave masks that are not finite numbers: try another method or model")
    return masks


class _Queue:
    """Random access, forwards only, to a signal that comes in blocks."""

    def __init__(self, blocks: Iterable[Tensor]) -> None:
        self._blocks = iter(blocks)
        self._held: list[Tensor] = []
        self._start = 0
        self._stop = 0

    def take(self, start: int, stop: int | None) -> Tensor:
        """Samples from `start` to `stop`, or to the end; what lies before `start` is forgotten."""
        while stop is None or self._stop < stop:
            block = next(self._blocks, None)
            if block is None:
                break
            self._held.append(block)
            self._stop += block.shape[1]
        joined = torch.cat(self._held, dim=1)[:, start - self._start :].clone()
        self._held, self._start = [joined], start
        return joined if stop is None else joined[:, : stop - start]
