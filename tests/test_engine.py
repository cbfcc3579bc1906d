from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from stemless.engine import separate_audio
from stemless.errors import AudioError, StemlessError
from stemless.resampling import resample
from stemless.separator import Stretch
from stemless.spectrum import Grid, istft, stft
from toy_separators import Bands, Named, Shares, Split, Toy, error_db, noise

ONE = Named(("all",))
TWO = Named(("a", "b"))


@pytest.mark.parametrize("sample_rate", [8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("seconds", [0, 1e-3, 0.11, 3.3])
def test_identity_gives_the_input_back(sample_rate: int, channels: int, seconds: float) -> None:
    audio = noise(channels, 1 + int(seconds * sample_rate))
    stems = separate_audio(audio, sample_rate, Shares(chunk_seconds=1.0), ONE)
    assert stems["all"].shape == audio.shape
    assert stems.sample_rate == sample_rate
    assert error_db(stems["all"], audio) < -100


@pytest.mark.parametrize("grid", [Grid(512, 256), Grid(1000, 300), Grid(64, 16)])
def test_identity_on_other_grids(grid: Grid) -> None:
    audio = noise(2, 30_000)
    for rate in (16000, 24000):
        assert error_db(separate_audio(audio, rate, Shares(grid=grid), ONE)["all"], audio) < -100


def test_identity_over_a_minute() -> None:
    audio = noise(2, 60 * 44100 + 1)
    stems = separate_audio(audio, 44100, Shares(shares=(0.25, 0.5), chunk_seconds=7.0), TWO)
    assert error_db(stems["a"], 0.25 * audio) < -100
    assert error_db(stems["b"], 0.5 * audio) < -100
    assert error_db(stems.residual, 0.25 * audio) < -100


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
def test_complementary_masks_leave_no_residual(sample_rate: int) -> None:
    audio = noise(2, 5 * sample_rate)
    stems = separate_audio(audio, sample_rate, Split(chunk_seconds=1.5), TWO)
    assert error_db(stems.audio.sum(0), audio) < -100
    assert torch.equal(stems.residual, audio - stems.audio.sum(0))
    assert -20 < error_db(stems["a"], audio) < -1  # It does split.


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 48000])
def test_chunks_give_what_the_whole_gives(sample_rate: int) -> None:
    audio = noise(1, 11 * sample_rate + 7)
    whole = separate_audio(audio, sample_rate, Split(), TWO, chunk_seconds=100)
    chunked = separate_audio(audio, sample_rate, Split(), TWO, chunk_seconds=1.3)
    assert error_db(chunked["a"], whole["a"]) < -100


def test_at_the_rate_of_the_model_it_is_plain_masking() -> None:
    audio, separator = noise(1, 50_001), Split(chunk_seconds=1.0)
    spectrum = stft(audio, separator.grid)
    mask = spectrum.abs() / (spectrum.abs() + 3.0)
    expected = istft(spectrum * mask, separator.grid, audio.shape[1])
    assert error_db(separate_audio(audio, 16000, separator, TWO)["a"], expected) < -100


def test_a_tone_goes_where_its_frequency_says() -> None:
    seconds = torch.arange(48000, dtype=torch.float64) / 48000
    low, high = (0.3 * torch.sin(2 * torch.pi * f * seconds).float() for f in (440, 3000))
    stems = separate_audio((low + high)[None], 48000, Bands(edge_hz=1000.0), TWO)
    inside = slice(6000, -6000)
    assert error_db(stems["a"][0, inside], low[inside]) < -60
    assert error_db(stems["b"][0, inside], high[inside]) < -60


def test_above_the_band_the_top_of_the_masks_continues() -> None:
    seconds = torch.arange(48000, dtype=torch.float64) / 48000
    whistle = 0.3 * torch.sin(2 * torch.pi * 15_000 * seconds).float()[None]
    stems = separate_audio(whistle, 48000, Bands(edge_hz=1000.0), TWO)
    inside = slice(6000, -6000)  # Its ends are clicks, and those have low parts too.
    assert error_db(stems["b"][:, inside], whistle[:, inside]) < -100
    assert stems["a"][:, inside].abs().max() < 1e-5


def test_below_the_rate_of_the_model_masks_are_cropped() -> None:
    seconds = torch.arange(16000, dtype=torch.float64) / 8000
    low, high = (0.3 * torch.sin(2 * torch.pi * f * seconds).float() for f in (440, 3000))
    stems = separate_audio((low + high)[None], 8000, Bands(edge_hz=1000.0), TWO)
    assert error_db(stems["b"][0, 1000:-1000], high[1000:-1000]) < -60


def test_channels_stay_apart() -> None:
    audio = noise(3, 20_000)
    audio[1] = 0
    stems = separate_audio(audio, 22050, Split(), TWO)
    assert stems.audio[:, 1].abs().max() == 0
    assert stems["a"][0].abs().max() > 0.01


def test_silence_gives_silence() -> None:
    stems = separate_audio(torch.zeros(2, 10_000), 44100, Split(), TWO)
    assert stems.audio.abs().max() == 0 and stems.residual.abs().max() == 0


@dataclass
class Restless(Toy):
    """Changes its mind with every chunk: all, nothing, all, ..."""

    chunks: list[int] = field(default_factory=list)

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        self.chunks.append(audio.shape[1])
        return self.spread(torch.tensor([float(len(self.chunks) % 2)]), audio)


def test_chunks_that_disagree_are_faded() -> None:
    separator = Restless(chunk_seconds=1.0)
    stems = separate_audio(torch.ones(1, 5 * 16000), 16000, separator, ONE)
    level = stems["all"][0]
    assert len(separator.chunks) == 6  # 5 seconds and a frame
    assert level.max() > 0.99 and level[16000:].min() < 0.01
    # A fade over 0.2 seconds climbs by 1 / 3200 a sample; a click would jump.
    assert level[2000:-2000].diff().abs().max() < 1e-3


@dataclass
class Listening(Toy):
    """Hears the recording in its survey and remembers what came."""

    stretches: list[Stretch[Named]] = field(default_factory=list)
    surveys: list[object] = field(default_factory=list)

    def survey(
        self, stretches: Iterable[Stretch[Named]], condition: Named, duration_seconds: float
    ) -> object:
        self.stretches += stretches
        return duration_seconds

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        self.surveys.append(survey)
        return self.spread(torch.ones(1), audio)


@pytest.mark.parametrize("sample_rate", [16000, 44100])
def test_the_survey_hears_the_whole_recording_once(sample_rate: int) -> None:
    audio, separator = noise(2, 3 * sample_rate + 5), Listening(chunk_seconds=0.7)
    separate_audio(audio, sample_rate, separator, ONE)
    heard = torch.cat([stretch.audio for stretch in separator.stretches], dim=1)
    assert torch.equal(heard, resample(audio.mean(0, keepdim=True), sample_rate, 16000))
    assert [stretch.start_seconds for stretch in separator.stretches] == pytest.approx(
        [0, 0.7, 1.4, 2.1, 2.8]
    )
    assert set(separator.surveys) == {audio.shape[1] / sample_rate}


def test_conditions_are_cut_to_what_is_heard() -> None:
    condition = Named(("all",))
    separate_audio(noise(1, 16000 * 10), 16000, Shares(chunk_seconds=3.0, context_seconds=0.5), condition)
    assert condition.cuts[0][0] == 0
    assert condition.cuts[-1][1] == 10
    for (_, end), (start, _) in zip(condition.cuts, condition.cuts[1:], strict=False):
        assert 1.0 < end - start < 1.6  # context on both sides, the fade and a window


@pytest.mark.parametrize("separator", [Shares(), Listening(chunk_seconds=0.5)])
def test_progress_climbs_to_the_end(separator: Toy) -> None:
    calls: list[tuple[float, float]] = []
    separate_audio(noise(1, 48000), 16000, separator, ONE, on_progress=lambda *call: calls.append(call))
    done = [call[0] for call in calls]
    assert done == sorted(done) and len(done) > 3
    assert len({total for _, total in calls}) == 1
    assert done[-1] == pytest.approx(calls[-1][1])


@dataclass
class Broken(Toy):
    value: float = float("nan")
    sources: int = 1

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        return self.spread(torch.full((self.sources,), self.value), audio)


def test_masks_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(StemlessError, match="toy gave masks that are not finite"):
        separate_audio(noise(1, 1000), 16000, Broken(), ONE)


def test_masks_of_a_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        separate_audio(noise(1, 1000), 16000, Broken(value=1.0, sources=2), ONE)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (torch.zeros(1, 0), "at least one sample"),
        (torch.zeros(100), "channels, time"),
        (torch.zeros(9, 100), "1 to 8 channels"),
        (torch.tensor([[0.0, float("inf")]]), "not finite"),
    ],
)
def test_audio_that_cannot_be_separated(audio: Tensor, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        separate_audio(audio, 16000, Shares(), ONE)
