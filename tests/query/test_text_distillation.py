import dataclasses
import json
from pathlib import Path

import pytest
import torch
from tiny_sentences import PIECES, write_sentence_model, write_wordnet
from typer.testing import CliRunner

from stemless.cli.main import app
from stemless.configuration import load_configuration
from stemless.errors import StemlessError
from stemless.optimiser import OptimiserConfig
from stemless.query import text_distillation
from stemless.query.sentence_model import load_sentence_model
from stemless.query.text_corpus import CorpusConfig
from stemless.query.text_distillation import DistillationConfig, make_sounds, make_student, train
from stemless.query.text_figures import found_labels
from stemless.query.text_head import HeadConfig
from stemless.query.text_targets import mean_states, stored_targets
from stemless.query.text_tower import load

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_wordnet(folder / "wordnet")
    (folder / "teacher").mkdir()
    write_sentence_model(folder / "teacher")
    return folder


def make_config(sources: Path, output: Path, **changes: object) -> DistillationConfig:
    config = DistillationConfig(
        teacher=sources / "teacher",
        output=output,
        corpus=CorpusConfig(
            sources / "wordnet", phrases=60, glosses=10, names=5, held_out=10, held_wordings=9
        ),
        head=HeadConfig(phrases=40, asked_phrases=8),
        optimiser=OptimiserConfig(rate=1e-2, weight_decay=0.0, warm_up_steps=2),
        pieces=100,
        kept_layers=(0, 2),
        positions=12,
        dimension=8,
        batch_size=256,
        names=16,
        steps=12,
        steps_per_epoch=3,
        bf16=False,
        device="cpu",
        licence_of_teacher="none: random",
    )
    return dataclasses.replace(config, **changes)  # type: ignore[arg-type]


def test_the_student_learns_and_is_written_with_its_card(sources: Path, tmp_path: Path) -> None:
    seen: list[float] = []
    config = make_config(sources, tmp_path / "run", steps=30, steps_per_epoch=10, names=0)
    folder = train(config, on_progress=lambda done, of: seen.append(done / of))
    curve = json.loads((tmp_path / "run" / "curve.json").read_text())
    assert curve[-1]["train_loss"] < 0.5 * curve[0]["train_loss"]
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)
    tower = load(folder)
    assert tower.config.layers == 2 and tower.config.pieces <= 110
    assert tower.embed_text(["a dog barking"]).vector.shape == (1, 8)
    card = (folder / "README.md").read_text()
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    for expected in (
        "none: random",
        "WordNet",
        "SHA-256",
        "stemless train text",
        *map(str, figures.values()),
    ):
        assert expected in card


def test_a_stopped_run_goes_on_to_the_same_tower(sources: Path, tmp_path: Path) -> None:
    whole = load(train(make_config(sources, tmp_path / "whole")))

    def stop(done: float, of: float) -> None:
        if done / of > 0.6:
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        train(make_config(sources, tmp_path / "parts"), on_progress=stop)
    assert not (tmp_path / "parts" / "model").exists()
    assert load(train(make_config(sources, tmp_path / "parts"))).identity == whole.identity


def test_other_settings_do_not_go_on(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(StemlessError, match="no training run"):
        train(make_config(sources, tmp_path / "run"))
    (tmp_path / "run" / "notes.txt").unlink()
    (tmp_path / "run" / "training.json").write_text("{}")
    with pytest.raises(StemlessError, match="other settings"):
        train(make_config(sources, tmp_path / "run"))


def test_a_student_of_all_pieces_and_layers_is_the_teacher(sources: Path, tmp_path: Path) -> None:
    teacher = load_sentence_model(sources / "teacher", 12)
    config = make_config(sources, tmp_path, pieces=1000, kept_layers=(0, 1, 2))
    corpus = text_distillation.make_corpus(config.corpus, 20, 5, 0)
    corpus = dataclasses.replace(corpus, train=[" ".join(PIECES), "barking"])
    student = make_student(teacher, corpus, config)
    texts = ["the sound of a dog", "rain", "Barks!"]
    own, wanted = (mean_states(tower, texts, bf16=False) for tower in (student, teacher))
    assert torch.allclose(own, wanted, atol=1e-5)


def test_sounds_lie_between_label_and_wordings(sources: Path, tmp_path: Path) -> None:
    config = make_config(sources, tmp_path)
    corpus = text_distillation.make_corpus(config.corpus, 20, 5, 0)
    corpus = dataclasses.replace(corpus, called=[["dog", "hound"], ["rain"]])
    vectors = torch.eye(3)
    sounds = make_sounds(corpus, vectors)
    assert sounds.sound == [0, 0, 1]
    assert torch.allclose(sounds.centres[1], vectors[2])
    label, wording = sounds.centres[0] @ vectors[0], sounds.centres[0] @ vectors[1]
    assert label > wording > 0.3


def test_targets_are_kept(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher = load_sentence_model(sources / "teacher", 12)
    texts = ["dog", "the sound of rain", "x"]
    made = stored_targets(teacher, texts, tmp_path / "kept", bf16=False)
    assert torch.allclose(made.float(), mean_states(teacher, texts, bf16=False), atol=2e-3)
    monkeypatch.setattr("stemless.query.text_targets.mean_states", None)
    assert torch.equal(stored_targets(teacher, texts, tmp_path / "kept", bf16=False), made)
    next((tmp_path / "kept").iterdir()).write_bytes(b"cut")
    with pytest.raises(StemlessError, match="damaged"):
        stored_targets(teacher, texts, tmp_path / "kept", bf16=False)


def test_layers_that_the_teacher_lacks(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(StemlessError, match="has 3 layers"):
        train(make_config(sources, tmp_path / "run", kept_layers=(0, 3)))


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    config = CONFIGS / "query" / "text.yaml"
    assert load_configuration(DistillationConfig, config).corpus.wordings
    outcome = CliRunner().invoke(
        app, ["train", "text", str(config), f"teacher={tmp_path}", f"output={tmp_path / 'run'}"]
    )
    assert outcome.exit_code != 0
    assert not (tmp_path / "run").exists()


def test_wordings_find_their_labels() -> None:
    labels = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), dim=-1)
    wordings = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.6, 0.8]])
    assert found_labels(labels, wordings, [0, 2, 1]) == pytest.approx((2 / 3, 1.0, 2 / 3))
