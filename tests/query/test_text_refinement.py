import dataclasses
import json
from pathlib import Path

import pytest
import torch
from test_text_tower import make_tower
from tiny_sentences import write_wordnet
from typer.testing import CliRunner

from stemless.cli.main import app
from stemless.configuration import load_configuration
from stemless.errors import StemlessError
from stemless.optimiser import OptimiserConfig
from stemless.query.text_corpus import CorpusConfig
from stemless.query.text_refinement import RefinementConfig, refine
from stemless.query.text_tower import load, save

CONFIGS = Path(__file__).parents[2] / "configs"
KNOWN = {"dog": ("hound", "puppy"), "rain": ("downpour", "wet weather"), "cat": ("kitten", "tom", "mouser")}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RefinementConfig:
    monkeypatch.setattr("stemless.query.text_corpus.all_wordings", lambda: KNOWN)
    write_wordnet(tmp_path / "wordnet")
    save(tmp_path / "start", make_tower(positions=12, dimension=8), "# Start\n\nOf random weights.\n")
    return RefinementConfig(
        start=tmp_path / "start",
        output=tmp_path / "run",
        corpus=CorpusConfig(
            tmp_path / "wordnet", phrases=40, glosses=5, names=5, held_out=6, held_wordings=1, held_after=2
        ),
        optimiser=OptimiserConfig(rate=3e-3, weight_decay=0.0, warm_up_steps=2),
        batch_size=8,
        names=16,
        temperature=0.1,
        steps=12,
        decay_steps=20,
        steps_per_epoch=3,
        bf16=False,
        device="cpu",
    )


def test_names_come_to_their_sounds_and_the_head_stays(config: RefinementConfig, tmp_path: Path) -> None:
    seen: list[float] = []
    longer = dataclasses.replace(config, steps=40, steps_per_epoch=10)
    folder = refine(longer, on_progress=lambda done, of: seen.append(done / of))
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)
    start, tower = load(config.start), load(folder)
    assert torch.equal(start.head.weight, tower.head.weight)
    gains = []
    for label, wordings in KNOWN.items():
        pairs = [(label, wording) for wording in wordings[:2]]
        before, after = (
            [float(torch.prod(model.embed_text(list(pair)).vector, dim=0).sum()) for pair in pairs]
            for model in (start, tower)
        )
        gains += [new - old for old, new in zip(before, after, strict=True)]
    assert sum(gains) / len(gains) > 0.1
    card = (folder / "README.md").read_text()
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    assert "Of random weights." in card and start.identity in card and "stemless train wordings" in card
    assert all(str(figure) in card for figure in figures.values())
    assert figures["labels: cosine with the start"] < 1


def test_what_is_anchored_stays_nearer(config: RefinementConfig, tmp_path: Path) -> None:
    def drift(names: float, output: str) -> float:
        changed = dataclasses.replace(config, name_weight=names, output=tmp_path / output)
        refine(changed)
        figures = json.loads((tmp_path / output / "figures.json").read_text())
        return 1 - float(figures["phrases: cosine with the start"])

    assert drift(0.0, "still") < 0.5 * drift(10.0, "moved")


def test_a_stopped_run_goes_on_to_the_same_tower(config: RefinementConfig, tmp_path: Path) -> None:
    whole = load(refine(config))
    parts = dataclasses.replace(config, output=tmp_path / "parts")

    def stop(done: float, of: float) -> None:
        if done / of > 0.6:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        refine(parts, on_progress=stop)
    assert not (tmp_path / "parts" / "model").exists()
    assert load(refine(parts)).identity == whole.identity
    with pytest.raises(StemlessError, match="other settings"):
        refine(dataclasses.replace(parts, seed=1))


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    path = CONFIGS / "query" / "wordings.yaml"
    held = load_configuration(RefinementConfig, path).corpus
    assert held.held_wordings >= 600 and held.held_overlap < 0.5
    outcome = CliRunner().invoke(
        app, ["train", "wordings", str(path), f"start={tmp_path / 'none'}", f"output={tmp_path / 'run'}"]
    )
    assert outcome.exit_code != 0
    assert not (tmp_path / "run").exists()


def test_there_must_be_something_to_learn() -> None:
    with pytest.raises(ValueError, match="wordings"):
        RefinementConfig(Path("a"), Path("b"), corpus=CorpusConfig(wordings=False))
