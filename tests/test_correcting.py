"""Corrections that separators give: brought to the recording's rate, added to masked stems, no seams."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from stemless.correcting import StreamCorrecting
from stemless.engine import separate_audio
from stemless.resampling import resample
from toy_separators import Named, Shares, error_db, noise

TWO = Named(("a", "b"))


@dataclass
class Moved(Shares):
    """Shares the mixture, and moves some of every channel from the second source to the first."""

    shares: tuple[float, ...] = (0.5, 0.5)

    def corrections(self, audio: Tensor, masks: Tensor, condition: Named, survey: object) -> Tensor:
        assert masks.shape == (2, self.grid.bins, self.grid.frames(audio.shape[-1]))
        return torch.stack((0.25 * audio, -0.25 * audio))


@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_channel_is_corrected_and_the_sum_is_kept(sample_rate: int, channels: int) -> None:
    audio = noise(channels, 5 * sample_rate + 11)
    # What the separator hears of it: nothing above 7 kHz.
    audio = resample(resample(audio, sample_rate, 14000), 14000, sample_rate)
    stems = separate_audio(audio, sample_rate, Moved(chunk_seconds=1.3), TWO)
    assert stems.audio.shape == (2, *audio.shape)
    inside = slice(sample_rate // 10, -sample_rate // 10)
    assert error_db(stems["a"][:, inside], 0.75 * audio[:, inside]) < -50
    assert error_db(stems["b"][:, inside], 0.25 * audio[:, inside]) < -50
    torch.testing.assert_close(stems.audio.sum(0) + stems.residual, audio)


def test_chunks_give_what_the_whole_gives() -> None:
    audio = noise(2, 90_000)
    whole = separate_audio(audio, 16000, Moved(), TWO, chunk_seconds=100).audio
    assert error_db(separate_audio(audio, 16000, Moved(), TWO, chunk_seconds=0.7).audio, whole) < -100


@pytest.mark.parametrize("only", [("b",), ("b", "a")])
def test_chosen_sources_are_corrected_as_among_all(only: tuple[str, ...]) -> None:
    audio = noise(2, 50_000)
    everyone = separate_audio(audio, 16000, Moved(), TWO, chunk_seconds=0.7)
    chosen = separate_audio(audio, 16000, Moved(), TWO, only=only, chunk_seconds=0.7)
    assert chosen.names == only
    for name in only:
        assert torch.equal(chosen[name], everyone[name])
    torch.testing.assert_close(chosen.audio.sum(0) + chosen.residual, audio)


@pytest.mark.parametrize("samples", [1, 100])
def test_recordings_of_hardly_any_length(samples: int) -> None:
    audio = noise(1, samples)
    stems = separate_audio(audio, 44100, Moved(), TWO)
    assert stems.audio.shape == (2, 1, samples)
    assert torch.isfinite(stems.audio).all()


def test_pieces_come_out_in_order_however_late_corrections_are() -> None:
    corrections, mixture = noise(2, 16000, 1)[:, None], noise(1, 48000, 2)
    stems = mixture.expand(2, 1, -1)
    stream = StreamCorrecting(16000, 48000, 2, 1)
    given = []
    for start in range(0, 48000, 6000):
        piece = slice(start, start + 6000)
        given += stream.apply(mixture[:, piece], stems[..., piece])
        if start == 18000:
            stream.hear(corrections[..., :9000])
    stream.hear(corrections[..., 9000:])
    given += stream.finish()
    assert torch.equal(torch.cat([each for each, _ in given], -1), mixture)
    expected = stems + resample(corrections[:, 0], 16000, 48000)[:, None]
    torch.testing.assert_close(torch.cat([each for _, each in given], -1), expected)
