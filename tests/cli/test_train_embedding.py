"""`stemless train embedding`: from a manifest of one's own to a model, and its errors in one line."""

import json
from pathlib import Path

import clips
import pytest
import tiny_towers

from command_line import Run, snapshot
from stemless.query import compact, text_tower
from stemless.query.manifest import write_manifest

CONFIG = """
text: '{place}/text'
sources:
  - manifest: '{place}/manifest.csv'
output: '{place}/run'
audio:
  {{sample_rate: 8000, n_fft: 128, hop_length: 64, mel_bands: 16, high_hz: 4000, channels: [4], blocks: [1]}}
sound: {{clip_seconds: 0.25}}
batch_size: 4
steps: 2
steps_per_epoch: 1
"""


@pytest.fixture
def prepared(place: Path) -> Path:
    pytest.importorskip("lightning")
    write_manifest(
        [clips.recording(place, word, f"a {word}", [word]) for word in ("dog", "siren")],
        place / "manifest.csv",
    )
    text_tower.save(place / "text", tiny_towers.text_tower(), "# text\n")
    (place / "mine.yaml").write_text(CONFIG.format(place=place), encoding="utf-8")
    return place


def test_a_folder_of_recordings_becomes_an_embedding(run: Run, prepared: Path) -> None:
    outcome = run("train", "embedding", prepared / "mine.yaml", "--json")
    assert outcome.code == 0, outcome
    folder = Path(json.loads(outcome.stdout)["model"])
    assert compact.load(folder).sample_rate == 8000
    assert "2 labels learned from 2 recordings" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("override", "message", "code"),
    [
        ("sources=[]", "at least one manifest", 2),
        ("sound.mixd=0.5", "did you mean 'sound.mixed'", 2),
        ("text=nowhere", "nowhere", 1),
        ("credits=nothing.md", "nothing.md", 1),
    ],
)
def test_mistakes_are_told_in_one_line(
    run: Run, prepared: Path, override: str, message: str, code: int
) -> None:
    before = snapshot(prepared)
    outcome = run("train", "embedding", prepared / "mine.yaml", override)
    assert (outcome.code, len(outcome.lines)) == (code, 1), outcome
    assert message in outcome.stderr
    assert snapshot(prepared) == before


def test_a_manifest_without_readable_recordings(run: Run, prepared: Path) -> None:
    for path in prepared.glob("*.wav"):
        path.write_bytes(b"RIFF")
    outcome = run("train", "embedding", prepared / "mine.yaml", "--quiet")
    assert outcome.code == 1
    assert "hardly a recording can be read" in outcome.lines[-1]
    assert "Traceback" not in outcome.stderr
