"""From a folder of one's own mixtures to a separator and its stems, and mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import clips
import pytest
import tiny_towers

from command_line import Run, snapshot
from stemless.query import compact

CONFIG = """
data: [nothing.csv]
output: '{place}/run'
embedding: '{place}/embedding'
regime: weak
device: cpu
batch_size: 2
steps: 3
steps_per_epoch: 2
stretch_seconds: 0.5
repeat_short: true
validation_items: 4
compact:
  {{sample_rate: 8000, n_fft: 254, hop_length: 64, bands: 16, channels: [8, 8, 8], shared_channels: [8, 8],
    prompt_channels: [8, 8], output_channels: 4, modulated_levels: 1, heads: 2}}
mixing: {{contrasted: 4, absent: 1}}
"""
SCENES = ("a dog barks while rain falls", "a man talks and a siren wails", "birds sing", "a car and a bell")


@pytest.fixture
def prepared(place: Path) -> Path:
    """A folder of twenty mixtures, each with a caption in a text beside it, and a configuration."""
    pytest.importorskip("lightning")
    (place / "mixtures").mkdir()
    for number in range(20):
        clips.recording(place / "mixtures", f"{number:02}", f"{number}", seconds=0.6)
        (place / "mixtures" / f"{number:02}.txt").write_text(SCENES[number % len(SCENES)], encoding="utf-8")
    compact.save(place / "embedding", tiny_towers.embedding(), "# embedding\n")
    # The commas in the name of this folder are why lists can also be written as in YAML.
    (place / "mine.yaml").write_text(CONFIG.format(place=place), encoding="utf-8")
    return place


def data_of(place: Path) -> str:
    return f'data=["{place / "manifest.csv"}"]'


def test_a_folder_of_mixtures_becomes_a_separator(run: Run, prepared: Path) -> None:
    assert run("data", "scan", prepared / "mixtures", "-o", prepared / "manifest.csv").code == 0
    (prepared / "thanks.md").write_text("Recorded by me.", encoding="utf-8")
    learned = run(
        "train", "query", prepared / "mine.yaml", data_of(prepared),
        f"credits={prepared / 'thanks.md'}", "--json",
    )  # fmt: skip
    assert learned.code == 0, learned
    model = Path(json.loads(learned.stdout)["model"])
    card = (model / "README.md").read_text(encoding="utf-8")
    assert "Trained on 18 recordings" in card and card.endswith("Recorded by me.\n")
    separated = run(
        "separate", prepared / "mixtures" / "00.wav", "--prompt", "dog barking", "--prompt", "rain",
        "--model", model, "-o", prepared / "out",
    )  # fmt: skip
    assert separated.code == 0, separated
    assert {path.name for path in (prepared / "out" / "00").glob("*.wav")} == {
        "dog-barking.wav", "rain.wav", "residual.wav"
    }  # fmt: skip
    # And on from there, on the same recordings.
    again = run(
        "train", "query", prepared / "mine.yaml", data_of(prepared), f"start={model}",
        f"output={prepared / 'further'}", "--quiet",
    )  # fmt: skip
    assert again.code == 0 and (prepared / "further" / "model" / "model.safetensors").is_file(), again


@pytest.mark.parametrize(
    ("override", "message", "code"),
    [
        ("regime=week", "weak", 2),
        ("mixing.contrastd=2", "did you mean 'mixing.contrasted'", 2),
        ("data=nothing.csv", "nothing.csv", 1),
        ("embedding=nowhere", "nowhere", 1),
        ("start=nowhere", "nowhere", 1),
        ("credits=nothing.md", "nothing.md", 1),
    ],
)
def test_mistakes_are_told_in_one_line(
    run: Run, prepared: Path, override: str, message: str, code: int
) -> None:
    assert run("data", "scan", prepared / "mixtures", "-o", prepared / "manifest.csv").code == 0
    before = snapshot(prepared)
    outcome = run("train", "query", prepared / "mine.yaml", data_of(prepared), override)
    assert outcome.code == code and not outcome.stdout
    assert message in outcome.stderr and len(outcome.stderr.strip().splitlines()) == 1, outcome
    assert snapshot(prepared) == before
