from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stemless.chunks import mask_chunks, plan_chunks
from stemless.spectrum import Grid
from toy_separators import Named, Split, noise


@given(
    frames=st.integers(1, 5000), chunk=st.integers(1, 400), context=st.integers(0, 50), fade=st.integers(1, 9)
)
def test_chunks_cover_the_recording_once(frames: int, chunk: int, context: int, fade: int) -> None:
    chunks = plan_chunks(frames, chunk, context, fade)
    assert chunks[0].keep[0] == 0 and chunks[-1].keep[1] == frames
    for one, following in itertools.pairwise(chunks):
        assert one.keep[1] == following.keep[0]
    for one in chunks:
        length = one.keep[1] - one.keep[0]
        assert length <= max(chunk, 4 * fade + 2)
        assert len(chunks) == 1 or length >= 2 * fade
        assert one.hear[0] == max(0, one.keep[0] - fade - context)
        assert one.hear[1] == min(frames, one.keep[1] + fade + context)


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(1, 30_000),
    block=st.integers(1, 9000),
    chunk_seconds=st.floats(0.05, 3),
    hop_length=st.sampled_from([64, 100, 128]),
)
def test_pieces_join_to_the_masks_of_the_whole(
    samples: int, block: int, chunk_seconds: float, hop_length: int
) -> None:
    audio, condition = noise(1, samples), Named(("a", "b"))
    separator = Split(sample_rate=8000, grid=Grid(256, hop_length), context_seconds=0.01)
    blocks = (audio[:, start : start + block] for start in range(0, samples, block))
    pieces = [
        piece.masks for piece in mask_chunks(blocks, samples, separator, condition, None, chunk_seconds)
    ]
    torch.testing.assert_close(
        torch.cat(pieces, dim=-1), separator.masks(audio, condition, None)[0], rtol=0, atol=1e-5
    )


def test_only_what_a_chunk_needs_is_taken_from_the_blocks() -> None:
    taken = 0

    def blocks() -> object:
        nonlocal taken
        for start in range(0, 80_000, 1000):
            taken += 1
            yield noise(1, 80_000)[:, start : start + 1000]

    separator = Split(sample_rate=8000, grid=Grid(256, 64), context_seconds=0.1)
    pieces = mask_chunks(blocks(), 80_000, separator, Named(("a", "b")), None, 1.0)
    next(pieces)
    assert taken == pytest.approx(8000 * (1 + 0.1 + 0.1 + 0.016) / 1000, abs=1)
