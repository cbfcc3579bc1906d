"""Training of the joint embedding at toy size: it learns, is averaged, resumes, and ends as a checkpoint."""

import dataclasses
from pathlib import Path

import clips
import pytest
import torch
from tiny_towers import AUDIO, audio_tower, text_tower

from stemless.configuration import from_mapping
from stemless.errors import StemlessError, UsageError
from stemless.optimiser import OptimiserConfig
from stemless.query import compact
from stemless.query import text_tower as text_towers
from stemless.query.embedding_data import SoundBatch
from stemless.query.embedding_learner import EmbeddingLearner, ObjectiveConfig, WordingBank, mask_features
from stemless.query.embedding_training import EmbeddingConfig, train
from stemless.query.manifest import write_manifest
from stemless.runner import read_curve

WORDS = ("dog", "lantern", "lark", "heron")
"""Words without wordings, which an untrained text tower cannot relate; tones at 695, 370, 925 and 1405 Hz."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of each of four tones, another four for validation, and a text tower."""
    place = tmp_path_factory.mktemp("sounds")
    rows = [clips.recording(place, f"{word}{n}", word, [word], 0.4) for word in WORDS for n in range(3)]
    rows = [dataclasses.replace(r, split="validation") if r.audio.stem[-1] == "2" else r for r in rows]
    write_manifest(rows, place / "manifest.csv")
    text_towers.save(place / "text", text_tower(), "# text\n")
    (place / "credits.md").write_text("Tones by nobody, CC0.\n")
    return place


def settings(folder: Path, output: Path, **changes: object) -> EmbeddingConfig:
    values: dict[str, object] = {
        "text": str(folder / "text"),
        "sources": [{"manifest": str(folder / "manifest.csv")}],
        "output": str(output),
        "audio": dataclasses.asdict(AUDIO),
        "sound": {"clip_seconds": 0.25, "mixed": 0.2},
        "augmentation": {"equaliser_db": 1.0},
        "objective": {"average": 0.8, "finding": 0.5, "near": 1.0},
        "optimiser": {"rate": 0.01, "warm_up_steps": 2},
        "batch_size": 8,
        "steps": 6,
        "steps_per_epoch": 2,
        "validation_batches": 1,
        "bf16": False,
        "credits": str(folder / "credits.md"),
        **changes,
    }
    return from_mapping(EmbeddingConfig, values, where="test")


def test_it_learns_which_word_is_which_tone(folder: Path, tmp_path: Path) -> None:
    model = compact.load(train(settings(folder, tmp_path, steps=240, steps_per_epoch=80)))
    curve = read_curve(tmp_path)
    assert curve[-1]["validation_loss"] < curve[0]["validation_loss"]
    heard = torch.stack([torch.from_numpy(clips.tone(word, 0.4)).float() for word in WORDS])
    similarity = model.embed_audio(heard) @ model.embed_text(WORDS).vector.T
    assert similarity.argmax(1).tolist() == [0, 1, 2, 3]
    card = (tmp_path / "model" / "README.md").read_text()
    assert "4 labels learned from 8 recordings" in card and "Tones by nobody" in card
    assert card.endswith("The card of the text tower follows.\n\n# text\n")


def test_a_resumed_run_ends_alike(folder: Path, tmp_path: Path) -> None:
    whole = compact.load(train(settings(folder, tmp_path / "whole")))

    def stop(done: float, total: float) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, SystemExit)):
        train(settings(folder, tmp_path / "halves"), on_progress=stop)
    halves = compact.load(train(settings(folder, tmp_path / "halves")))
    assert read_curve(tmp_path / "halves") == read_curve(tmp_path / "whole")
    assert halves.audio_identity == whole.audio_identity and halves.temperature == whole.temperature


def test_all_recordings_leave_none_for_validation(folder: Path, tmp_path: Path) -> None:
    train(settings(folder, tmp_path, all_recordings=True, steps=1))
    assert "validation_loss" not in read_curve(tmp_path)[0]
    assert "from 12 recordings" in (tmp_path / "model" / "README.md").read_text()


def test_other_settings_need_another_folder(folder: Path, tmp_path: Path) -> None:
    train(settings(folder, tmp_path, steps=1))
    with pytest.raises(StemlessError, match="other settings"):
        train(settings(folder, tmp_path, steps=1, seed=1))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    with pytest.raises(StemlessError, match="no training run"):
        train(settings(folder, tmp_path / "full", steps=1))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"credits": "missing.md"}, "missing.md"),
        ({"sources": [{"manifest": "missing.csv"}]}, "missing.csv"),
        ({"text": "missing"}, "missing"),
    ],
)
def test_missing_files_are_named(folder: Path, tmp_path: Path, change: dict[str, object], says: str) -> None:
    with pytest.raises(StemlessError, match=says):
        train(settings(folder, tmp_path / "run", **change))
    assert not (tmp_path / "run").exists()


def test_impossible_settings_are_refused(folder: Path, tmp_path: Path) -> None:
    for change in (
        {"sources": []},
        {"batch_size": 1},
        {"steps": 0},
        {"device": "abacus"},
        {"objective": {"near": 0}},
    ):
        with pytest.raises(UsageError):
            settings(folder, tmp_path, **change)


def test_the_kept_weights_are_a_running_average() -> None:
    bank = WordingBank([torch.eye(8)[:2], torch.eye(8)[2:3]])
    learner = EmbeddingLearner(
        audio_tower(), bank, ObjectiveConfig(average=0.9), OptimiserConfig(), steps=4, seed=0, bf16=False
    )
    before = learner.kept.head.weight.clone()
    with torch.no_grad():
        learner.tower.head.weight += 1.0
    learner.on_train_batch_end()
    # Of the first step a tenth is left: (0 + 1) / (0 + 10).
    assert torch.allclose(learner.kept.head.weight, before + 0.9)
    assert not learner.train().kept.training and learner.tower.training


def test_wordings_are_drawn_within_their_label() -> None:
    bank = WordingBank([torch.eye(4)[:3], torch.eye(4)[3:]])
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([bank.draw(generator) for _ in range(50)])
    assert (drawn[:, 1] == torch.eye(4)[3]).all()
    assert drawn[:, 0].sum(0)[:3].min() > 5 and drawn[:, 0, 3].max() == 0
    assert torch.allclose(bank.means()[0], torch.tensor([1.0, 1.0, 1.0, 0.0]) / 3**0.5)


def test_it_goes_on_from_an_embedding(folder: Path, tmp_path: Path) -> None:
    first = train(settings(folder, tmp_path / "first", steps=80, steps_per_epoch=80))
    again = {"start": str(first), "steps": 1, "steps_per_epoch": 1, "optimiser": {"rate": 1e-9}}
    model = compact.load(train(settings(folder, tmp_path / "again", **again)))
    known = compact.load(first)
    assert model.temperature == pytest.approx(known.temperature, rel=1e-3)
    heard = torch.from_numpy(clips.tone("dog", 0.4)).float()[None]
    torch.testing.assert_close(model.embed_audio(heard), known.embed_audio(heard), atol=0.02, rtol=0)
    text_towers.save(tmp_path / "other", text_tower(seed=3), "# other\n")
    with pytest.raises(UsageError, match="another text tower"):
        train(settings(folder, tmp_path / "no", **again, text=str(tmp_path / "other")))
    with pytest.raises(UsageError, match="another shape"):
        train(
            settings(
                folder, tmp_path / "no", **again, audio={**dataclasses.asdict(AUDIO), "channels": [4, 8]}
            )
        )
    assert not (tmp_path / "no").exists()


def test_another_embedding_lends_it_a_tower(folder: Path, tmp_path: Path) -> None:
    first = train(settings(folder, tmp_path / "first", steps=1))
    beside = {"beside": [{"model": str(first), "weight": 0.5}]}
    train(settings(folder, tmp_path / "both", steps=1, seed=1))
    both = compact.load(train(settings(folder, tmp_path / "both", steps=1, seed=1, **beside)))
    [other] = both.beside
    lent = compact.load(first).audio.state_dict()
    assert other.weight == 0.5
    assert all(torch.equal(tensor, lent[name]) for name, tensor in other.tower.state_dict().items())
    card = (tmp_path / "both" / "model" / "README.md").read_text()
    assert "A tower beside it counts 0.5. Its card:\n\n# Joint embedding" in card
    text_towers.save(tmp_path / "other", text_tower(seed=3), "# other\n")
    with pytest.raises(UsageError, match="another text tower"):
        train(settings(folder, tmp_path / "no", **beside, text=str(tmp_path / "other")))
    with pytest.raises(UsageError, match="hears 8000 Hz"):
        rate = {**dataclasses.asdict(AUDIO), "sample_rate": 16000}
        train(settings(folder, tmp_path / "no", **beside, audio=rate))
    with pytest.raises(UsageError, match="weight is above 0"):
        settings(folder, tmp_path / "no", beside=[{"model": str(first), "weight": 0}])
    assert not (tmp_path / "no").exists()


def test_the_head_is_fitted_once_more_where_that_is_wanted(folder: Path, tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    as_learned = compact.load(train(settings(folder, tmp_path / "plain")))
    fitted = compact.load(
        train(
            settings(folder, tmp_path / "fitted", head={"share": 1.0}),
            on_progress=lambda done, total: told.append((done, total)),
        )
    )
    ours, theirs = fitted.audio.state_dict(), as_learned.audio.state_dict()
    assert {name for name in ours if not torch.equal(ours[name], theirs[name])} == {
        "head.weight",
        "head.bias",
    }
    assert told[-1][0] == pytest.approx(told[-1][1]) and told[0][0] < told[-1][0]


def test_masks_are_no_longer_than_said() -> None:
    features = torch.ones(64, 16, 40)
    config = ObjectiveConfig(masked=0.5, masked_frames=5, masked_bands=3)
    masked = mask_features(features, config, torch.Generator().manual_seed(0))
    lost_frames = (masked == 0).all(1).sum(1)
    lost_bands = (masked == 0).all(2).sum(1)
    assert int(lost_frames.max()) <= 12 and int(lost_bands.max()) <= 4
    touched = (masked == 0).flatten(1).any(1)
    assert 16 < int(touched.sum()) < 48


def test_the_loss_ignores_nothing_it_should_count() -> None:
    """A batch of what the tower already says costs less than one with the labels exchanged."""
    tower = audio_tower().eval()
    audio = torch.stack([torch.from_numpy(clips.tone(word)).float() for word in WORDS[:2]])
    vectors = tower(audio).detach()
    bank = WordingBank([vectors[:1], vectors[1:]])
    learner = EmbeddingLearner(
        tower, bank, ObjectiveConfig(near=1.0, masked=0.0), OptimiserConfig(), steps=4, seed=0, bf16=False
    )
    learner.log = lambda *_, **__: None  # type: ignore[method-assign]
    learner.eval()
    right = learner.training_step(SoundBatch(audio, torch.eye(2)), 0)
    wrong = learner.training_step(SoundBatch(audio, torch.eye(2).flip(0)), 0)
    assert right < wrong
