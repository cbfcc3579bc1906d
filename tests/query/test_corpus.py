"""Which recordings are drawn how often, what divides them, and what is asked for that is not there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import RATE, recording
from toy_embedding import ToneEmbedding

from stemless.errors import StemlessError
from stemless.query.absence import AbsentNames
from stemless.query.asking import AskingConfig
from stemless.query.collation import collate
from stemless.query.corpus import DataConfig, Drawn, drawing_shares, read_corpus, set_aside
from stemless.query.manifest import Recording, write_manifest
from stemless.query.mixing import MixingConfig, draw_item
from stemless.query.recordings import RecordingPool


def rows(*names: str) -> list[Recording]:
    return [Recording(Path(f"{n}.wav"), name, (name,)) for n, name in enumerate(names)]


def test_labels_are_balanced_within_a_manifest_and_manifests_by_weight() -> None:
    drawn = [Drawn(row, 0, 3.0) for row in rows("dog", "dog", "dog", "rain")]
    drawn += [Drawn(row, 1, 1.0) for row in rows("cello", "cello")]
    assert drawing_shares(drawn, 1.0) == pytest.approx([0.5, 0.5, 0.5, 1.5, 0.5, 0.5])
    assert drawing_shares(drawn, 0.0) == pytest.approx([0.75] * 4 + [0.5] * 2)


def test_a_pool_draws_by_its_shares() -> None:
    pool = RecordingPool(rows("a", "b", "c"), RATE, shares=[0, 1, 3])
    firsts = Counter(next(pool.candidates(np.random.default_rng(seed))) for seed in range(2000))
    assert firsts[0] == 0 and firsts[2] / 2000 == pytest.approx(0.75, abs=0.04)
    # What is never drawn at random is still there when nothing else will do.
    assert set(pool.candidates(np.random.default_rng(0))) == {0, 1, 2}
    for wrong in ([1, 1], [0, 0, 0]):
        with pytest.raises(ValueError, match="shares"):
            RecordingPool(rows("a", "b", "c"), RATE, shares=wrong)


def test_held_recordings_sound_as_files_do(tmp_path: Path) -> None:
    made = [recording(tmp_path, word, word, seconds=1.0) for word in ("dog", "rain")]
    held, read = (RecordingPool(made, RATE, hold=hold) for hold in (True, False))
    for index in (0, 1, 0):
        one, two = (pool.stretch(index, 3000, np.random.default_rng(index)) for pool in (held, read))
        assert one is not None and two is not None and torch.allclose(one, two, atol=1e-4)
    for row in made:
        row.audio.unlink()
    assert held.stretch(0, 3000, np.random.default_rng(0)) is not None


def manifest(folder: Path, name: str, recordings: list[Recording]) -> str:
    write_manifest(recordings, folder / name)
    return str(folder / name)


def test_manifests_are_joined_and_divided(tmp_path: Path) -> None:
    first = manifest(tmp_path, "a.csv", rows(*"abcdefgh"))
    judged = [Recording(Path("x.wav"), "x", split="validation"), Recording(Path("y.wav"), "y", split="test")]
    second = manifest(tmp_path, "b.csv", [*rows("a")[:0], Recording(Path("z.wav"), "z"), *judged])
    corpus = read_corpus([first, DataConfig(second, 2.0)], (), RATE, validation_fraction=0.5)
    assert corpus.pools.mixed is not None and len(corpus.pools.mixed) == 9 and corpus.pools.single is None
    assert corpus.validation is not None and [row.caption for row in corpus.validation.recordings] == ["x"]
    # Without rows for validation a fraction is set aside.
    corpus = read_corpus([first], (), RATE, validation_fraction=0.25)
    assert corpus.pools.mixed is not None and corpus.validation is not None
    assert len(corpus.pools.mixed) == 6 and len(corpus.validation) == 2
    kept, aside = ({row.audio for row in p.recordings} for p in (corpus.pools.mixed, corpus.validation))
    assert not kept & aside
    assert read_corpus([first], (), RATE).validation is None


def test_one_side_only(tmp_path: Path) -> None:
    first = manifest(tmp_path, "a.csv", rows("a", "b"))
    with pytest.raises(StemlessError, match="in training and in validation"):
        read_corpus([first], [first], RATE)
    bare = manifest(tmp_path, "v.csv", [Recording(Path("v.wav"), "v", split="validation")])
    with pytest.raises(StemlessError, match=r"v\.csv: has no row for training"):
        read_corpus([first, bare], (), RATE)


def test_absent_names_mean_something_else() -> None:
    vectors = torch.nn.functional.normalize(torch.tensor([[1.0, 0], [0.9, 0.3], [0, 1], [-1, 0]]), dim=1)
    absent = AbsentNames(["dog", "puppy", "rain", "bell"], vectors)
    random = np.random.default_rng(0)
    drawn = {absent.draw({"Dog"}, 1, random) for _ in range(50)}
    assert drawn == {("rain",), ("bell",)}
    assert sorted(absent.draw({"dog"}, 5, random)) == ["bell", "rain"]
    assert absent.draw({"dog", "rain", "bell"}, 2, random) == ()


def test_items_are_asked_for_what_they_do_not_hold(tmp_path: Path) -> None:
    words = ("dog", "rain", "bell", "crow", "wind", "cello", "horn")
    made = [recording(tmp_path, f"{n}", f"a tone for {word}", (word,)) for n, word in enumerate(words)]
    corpus = read_corpus([manifest(tmp_path, "a.csv", made)], (), RATE)
    asked = corpus.words(AskingConfig(caption=1.0, template=0.5), ToneEmbedding(), 0.6)
    assert corpus.pools.mixed is not None
    asked_for = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        item = draw_item(corpus.pools.mixed, MixingConfig(absent=2), 2000, random, asked)
        held = {label for labels in item.labels for label in labels}
        batch = collate([item])
        assert batch.prompt_of_absent.tolist() == list(range(4, 4 + len(item.absent)))
        for prompt in item.absent:
            (name,) = [word for word in words if word in prompt]
            assert name not in held
        asked_for += len(item.absent)
        assert len(batch.phrase_ids) == 2 and len(set(batch.phrase_ids.tolist())) == 2
    assert asked_for > 12


@pytest.mark.parametrize("place", range(30))
def test_what_is_set_aside_can_be_mixed_wherever_the_folder_lies(place: int) -> None:
    names = ("dog", "rain", "dog", "dog")
    rows = [Recording(Path(f"/{place}/{n}.wav"), names[n % 4]) for n in range(20)]
    aside = set_aside(rows, 0.1)
    assert len(aside) == 2 and {row.caption for row in aside} == {"dog", "rain"}
    # Where all name the same there is nothing to choose.
    assert len(set_aside(rows[2:4], 0.1)) == 1
