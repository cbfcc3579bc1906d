from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from stemless.audio import read
from stemless.engine import separate_audio
from stemless.errors import UsageError
from stemless.separator import Stems
from toy_separators import Split, noise


def stems() -> Stems:
    audio = noise(4, 1000).reshape(2, 2, 1000)
    return Stems(("Alto", "Bass"), audio, noise(2, 1000, seed=1), 8000)


def test_stems_are_found_by_name() -> None:
    assert torch.equal(stems()["Bass"], stems().audio[1])
    with pytest.raises(UsageError, match="no stem is called 'alto': did you mean 'Alto'"):
        stems()["alto"]
    with pytest.raises(UsageError, match="there are none"):
        Stems((), torch.zeros(0, 1, 5), torch.zeros(1, 5), 8000)["x"]


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="audio must be"):
        Stems(("a",), torch.zeros(2, 1, 5), torch.zeros(1, 5), 8000)
    with pytest.raises(ValueError, match="residual must be"):
        Stems(("a",), torch.zeros(1, 2, 5), torch.zeros(1, 5), 8000)


def test_saved_stems_are_the_stems(tmp_path: Path) -> None:
    paths = stems().save(tmp_path / "out")
    assert [path.name for path in paths] == ["alto.wav", "bass.wav", "residual.wav"]
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "out", *paths])
    assert torch.equal(read(paths[1])[0], stems()["Bass"])
    assert (read(paths[2])[0] - stems().residual).abs().max() < 1e-6


def test_save_takes_a_format_and_overwrites_only_when_asked(tmp_path: Path) -> None:
    stems().save(tmp_path, audio_format="flac", subtype="PCM_16")
    assert soundfile.info(tmp_path / "alto.flac").subtype == "PCM_16"
    with pytest.raises(UsageError, match=r"alto\.flac: exists already"):
        stems().save(tmp_path, audio_format="flac")
    stems().save(tmp_path, audio_format="flac", overwrite=True)
    assert soundfile.info(tmp_path / "alto.flac").subtype == "PCM_24"
    with pytest.raises(UsageError, match="choose one of wav, flac, ogg, mp3"):
        stems().save(tmp_path, audio_format="aac")


def test_stems_too_loud_for_the_format_are_scaled_with_a_warning(tmp_path: Path) -> None:
    loud = Stems(("a",), torch.full((1, 1, 100), 2.0), torch.full((1, 100), 0.5), 8000)
    with pytest.warns(UserWarning, match=r"all files scaled by -6\.02 dB"):
        paths = loud.save(tmp_path, audio_format="flac")
    torch.testing.assert_close(read(paths[0])[0] / read(paths[1])[0], torch.full((1, 100), 4.0))


def test_stems_of_a_separation_can_be_saved(tmp_path: Path) -> None:
    class TwoNames:
        names = ("a/b", "a b")

        def cut(self, start_seconds: float, end_seconds: float) -> TwoNames:
            return self

    paths = separate_audio(noise(1, 5000), 22050, Split(), TwoNames()).save(tmp_path)
    assert [path.name for path in paths] == ["a-b.wav", "a-b-2.wav", "residual.wav"]
