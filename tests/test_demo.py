"""The demo, at a low rate and with a tiny separator to be quick; `make demo` takes what ships."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from rich.console import Console
from tiny_towers import embedding

from stemless import audio, checkpoint
from stemless.query import compact
from stemless.query.compact_unet import CompactConfig, CompactUNet
from stemless.query.model import SeparatorSettings, save_separator
from stemless.query.presence import PresenceConfig

DEMO = Path(__file__).parents[1] / "demo"
NETWORK = CompactConfig(
    sample_rate=8000, n_fft=254, hop_length=64, bands=64, channels=(4, 8, 8), shared_channels=(4, 4),
    prompt_channels=(4, 4), output_channels=4, heads=2, text_width=16, text_dimension=8,
)  # fmt: skip


@pytest.fixture
def separator(tmp_path: Path) -> Path:
    """A separator that has learned nothing, and its embedding beside it."""
    torch.manual_seed(0)
    compact.save(tmp_path / "embedding", embedding(), "# Tiny\n")
    settings = SeparatorSettings(
        embedding=str(tmp_path / "embedding"),
        presence=PresenceConfig(bias=4.0, background=("rain", "wind", "bells", "hum")),
    )
    return save_separator(tmp_path / "separator", CompactUNet(NETWORK), settings, card="# Tiny\n")


@pytest.fixture
def part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DEMO))
    return importlib.import_module(request.param)


def rows_of(shown: str, *names: str) -> dict[str, list[str]]:
    """The numbers after the name in each line of the table that begins with one of the names."""
    lines = shown.splitlines()
    return {
        name: line[len(name) :].split() for name in names for line in lines if line.startswith(name + " ")
    }


@pytest.mark.slow
@pytest.mark.parametrize("part", ["by_pitch"], indirect=True)
def test_a_choir_is_separated_and_scored(
    part: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part.show(tmp_path, Console(width=200), sample_rate=16000)
    folder = tmp_path / "mixture"
    voices = ["soprano", "alto", "tenor", "bass"]
    assert {f"{voice}.wav" for voice in voices} | {"residual.wav", "report.json", "picture.png"} <= {
        path.name for path in folder.iterdir()
    }
    assert [stem["name"] for stem in json.loads((folder / "report.json").read_text())["stems"]] == voices
    shown = capsys.readouterr().out
    rows = rows_of(shown, "mean", "bass")
    mixture_db, *separated_db = (float(cell) for cell in rows["mean"])
    network_db, alone_db, comb_db = separated_db
    assert mixture_db < 0 and min(network_db, comb_db) > mixture_db + 8
    assert alone_db > mixture_db + 3
    assert (tmp_path / "heard.png").stat().st_size > 10_000
    assert len(rows["bass"]) == len(rows["mean"])
    assert "voices choir.wav --f0 f0.csv" in shown

    # Once more over its own results.
    part.render(tmp_path, 16000)
    assert part.separate(tmp_path, tmp_path, "--method", "comb").stems[0].si_sdr_db > 0


@pytest.mark.parametrize("part", ["by_words"], indirect=True)
def test_a_scene_is_mixed_from_what_is_there(part: ModuleType, tmp_path: Path) -> None:
    part.mix(tmp_path)
    part.mix(tmp_path)
    mixture, sample_rate = audio.read(tmp_path / "mixture.wav")
    parts = [audio.read(path)[0] for path in sorted((tmp_path / "parts").iterdir())]
    assert len(parts) == len(part.SCENE) and mixture.shape[0] == 2 and mixture.shape[1] > 8 * sample_rate
    assert 0.3 < mixture.abs().max() < 1
    assert (sum(parts) - mixture).abs().max() < 1e-4
    powers = [float(each.square().mean()) for each in parts]
    assert min(powers) > 0 and max(powers) < 10 * min(powers)


def test_the_sounds_are_small() -> None:
    sizes = [path.stat().st_size for path in (DEMO / "assets").glob("*.ogg")]
    assert sizes and sum(sizes) < 600_000


@pytest.mark.slow
@pytest.mark.parametrize("part", ["by_words"], indirect=True)
def test_a_scene_is_separated_and_scored(
    part: ModuleType, tmp_path: Path, separator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    part.show(out, Console(width=200), str(separator))
    folder, prompts = out / "mixture", [source.prompt for source in part.SCENE]
    stems = json.loads((folder / "report.json").read_text())["stems"]
    assert [stem["prompt"] for stem in stems] == prompts
    assert {stem["file"] for stem in stems} | {"residual.wav", "report.json", "picture.png"} == {
        path.name for path in folder.iterdir()
    }
    shown = capsys.readouterr().out
    rows = rows_of(shown, *prompts, "mean")
    for stem in stems:
        mixture_db, separated_db, presence = (float(cell) for cell in rows[stem["prompt"]])
        assert -30 < mixture_db < 10 and -80 <= separated_db < 40
        assert presence == pytest.approx(stem["presence"], abs=0.006)
    assert len(rows["mean"]) == 2
    assert "separate street.wav --prompt" in shown


@pytest.mark.parametrize("part", ["by_words"], indirect=True)
def test_without_a_separator_one_line_says_so(
    part: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path / "none")
    part.show(tmp_path / "out", Console(width=200))
    shown = capsys.readouterr().out.strip()
    assert "no separator for words ships" in shown and "\n" not in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", ["demo"], indirect=True)
def test_both_are_shown(part: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(part.by_words, "show", lambda out, _, model: asked.append((out.name, model)))
    monkeypatch.setattr(
        part.by_pitch, "show", lambda out, _, *, fit_steps: asked.append((out.name, fit_steps))
    )
    monkeypatch.setattr(sys, "argv", ["demo.py", "--model", "mine", "--fit-steps", "3"])
    assert part.main() == 0
    assert asked == [("scene", "mine"), ("choir", 3)]
