import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from stemless.errors import MissingExtraError, StemlessError, UsageError
from stemless.pictures import (
    HIGHEST_HZ,
    LOWEST_HZ,
    ROWS_PER_OCTAVE,
    learning_curve_picture,
    log_spectrogram,
    prompts_picture,
    voices_picture,
)
from stemless.voices.tracks import PitchTracks

RATE = 16000


def tone(f0_hz: float, seconds: float = 2.0, rate: int = RATE) -> torch.Tensor:
    return 0.5 * torch.sin(2 * np.pi * f0_hz * torch.arange(int(seconds * rate)) / rate)[None]


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("f0_hz", [110.0, 1000.0])
def test_spectrogram_shows_a_tone_at_its_place_and_level(rate: int, f0_hz: float) -> None:
    spectrogram = log_spectrogram(tone(f0_hz, rate=rate), rate)
    middle = spectrogram[:, spectrogram.shape[1] // 2]
    found = LOWEST_HZ * 2 ** (np.argmax(middle) / ROWS_PER_OCTAVE)
    assert found == pytest.approx(f0_hz, rel=0.05)
    assert middle.max() == pytest.approx(20 * np.log10(0.5), abs=1.6)
    assert len(middle) == int(np.log2(HIGHEST_HZ / LOWEST_HZ) * ROWS_PER_OCTAVE) + 1


def test_spectrogram_of_a_long_recording_stays_small() -> None:
    assert log_spectrogram(tone(440.0, 120.0), RATE).shape[1] <= 1602


def test_spectrogram_of_one_sample() -> None:
    assert np.isfinite(log_spectrogram(torch.zeros(1, 1), RATE)).all()


def test_prompts_picture_with_and_without_what_went_in(tmp_path: Path) -> None:
    from matplotlib.image import imread

    stems = {name: tone(f0_hz) for name, f0_hz in (("rain", 200.0), ("a dog", 500.0), ("bells", 1500.0))}
    activity = {"rain": [[0.0, 2.0]], "a dog": [[0.5, 1.0], [1.5, 9.0]]}
    mixture = torch.stack(list(stems.values())).sum(0)
    prompts_picture(mixture, RATE, stems, activity, tmp_path / "stems.png")
    references = {name: audio for name, audio in stems.items() if name != "bells"}
    both = tmp_path / "both.png"
    prompts_picture(mixture, RATE, stems, activity, both, references=references)
    without, beside = imread(tmp_path / "stems.png"), imread(both)
    # Three panels under the mixture, or five: a row more.
    assert beside.shape[0] - without.shape[0] == pytest.approx(240, abs=2)
    assert 0.02 < (beside[..., :3].min(-1) < 0.9).mean() < 0.6


@pytest.mark.parametrize("voices", [2, 3])
def test_voices_picture(tmp_path: Path, voices: int) -> None:
    f0_hz = [220.0 * (index + 1) for index in range(voices)]
    names = [f"voice {index}" for index in range(voices)]
    stems = {name: tone(f0).expand(2, -1) for name, f0 in zip(names, f0_hz, strict=True)}
    tracks = PitchTracks.regular(np.tile(np.array(f0_hz)[:, None], 200), 0.01, names)
    mixture = torch.stack(list(stems.values())).sum(0)
    path = tmp_path / "voices.png"
    voices_picture(mixture, RATE, tracks, stems, path)
    from matplotlib.image import imread

    image = imread(path)
    assert image.shape[1] == 1440 and image.shape[0] > 600
    assert 0.02 < (image[..., :3].min(-1) < 0.9).mean() < 0.6  # neither empty nor filled
    assert [file.name for file in tmp_path.iterdir()] == ["voices.png"]
    with pytest.raises(UsageError, match="exists already"):
        voices_picture(mixture, RATE, tracks, stems, path)
    voices_picture(mixture, RATE, tracks, stems, path, overwrite=True)


def test_pictures_leave_no_global_figure_behind(tmp_path: Path) -> None:
    learning_curve_picture({"loss": {"training": ([1, 2, 3], [3.0, 2.0, float("nan")])}}, tmp_path / "a.svg")
    assert (tmp_path / "a.svg").read_text().count("<path") > 5
    import matplotlib.pyplot

    assert not matplotlib.pyplot.get_fignums()


def test_mistakes_are_told(tmp_path: Path) -> None:
    curve = {"loss": {"training": ([1.0, 2.0], [1.0, 0.5])}}
    with pytest.raises(UsageError, match=r"ends in \.png"):
        learning_curve_picture(curve, tmp_path / "a.gif")
    with pytest.raises(UsageError, match="no curve"):
        learning_curve_picture({}, tmp_path / "a.png")
    with pytest.raises(UsageError, match="no curve"):
        learning_curve_picture(curve | {"dB": {}}, tmp_path / "a.png")
    with pytest.raises(UsageError, match="1 places but 2 values"):
        learning_curve_picture({"loss": {"training": ([1.0], [1.0, 2.0])}}, tmp_path / "a.png")
    with pytest.raises(StemlessError, match="cannot be written"):
        learning_curve_picture(curve, tmp_path / "none/a.png")


def test_missing_matplotlib_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="stemless\\[picture\\]"):
        learning_curve_picture({"loss": ([1.0], [1.0])}, tmp_path / "a.png")
