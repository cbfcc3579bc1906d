"""The demo, at a low rate to be quick; `make demo` itself runs at 44.1 kHz."""

import functools
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

DEMO = Path(__file__).parents[1] / "demo" / "demo.py"


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    out = tmp_path / "out"
    monkeypatch.setattr(module, "OUT", out)
    monkeypatch.setattr(module, "PARTS", out / "parts")
    monkeypatch.setattr(module, "sing_chorale", functools.partial(module.sing_chorale, sample_rate=16000))
    monkeypatch.setattr(sys, "argv", ["demo.py"])
    return module


@pytest.mark.slow
def test_demo_separates_and_scores(demo: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.main() == 0
    folder = demo.OUT / "mixture"
    voices = ["soprano", "alto", "tenor", "bass"]
    assert {f"{voice}.wav" for voice in voices} | {"residual.wav", "report.json", "picture.png"} <= {
        path.name for path in folder.iterdir()
    }
    assert [stem["name"] for stem in json.loads((folder / "report.json").read_text())["stems"]] == voices
    shown = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line[:4] in ("mean", "bass")}
    mixture_db, *separated_db = (float(cell) for cell in rows["mean"])
    assert mixture_db < 0 and min(separated_db) > mixture_db + 8
    assert len(rows["bass"]) == len(rows["mean"])
    assert "voices choir.wav --f0 f0.csv" in shown

    # Once more over its own results.
    demo.render()
    assert demo.separate(demo.OUT, "--method", "comb").stems[0].si_sdr_db > 0
