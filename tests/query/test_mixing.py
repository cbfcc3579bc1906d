from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from clips import RATE, recording

from stemless.errors import StemlessError
from stemless.query.collation import Item, MixedBatch, collate, phrase_id, prompt_grid
from stemless.query.manifest import Recording
from stemless.query.mixing import MixingConfig, MixtureSampler, draw_item, joined_caption
from stemless.query.objectives import consistency_loss, contrastive_loss, unsupervised_loss
from stemless.query.recordings import RecordingPool, level_db
from stemless.spectrum import Grid, stft

WORDS = ("dog", "rain", "bell", "crow", "wind", "train", "cello", "engine", "horn", "frog", "piano", "door")
SAMPLES = 2000


@pytest.fixture(scope="module")
def singles(tmp_path_factory: pytest.TempPathFactory) -> RecordingPool:
    """Twelve kinds of sound, two recordings each."""
    folder = tmp_path_factory.mktemp("singles")
    return RecordingPool(
        [recording(folder, f"{word}{take}", word, (word,)) for word in WORDS for take in range(2)], RATE
    )


@pytest.fixture(scope="module")
def captioned(tmp_path_factory: pytest.TempPathFactory) -> RecordingPool:
    """Natural mixtures of one to six sounds."""
    folder = tmp_path_factory.mktemp("captioned")
    named = [WORDS[:1], WORDS[1:3], WORDS[3:6], WORDS[6:12], WORDS[2:4]]
    return RecordingPool(
        [recording(folder, str(n), f"scene {n}", phrases) for n, phrases in enumerate(named)], RATE
    )


def sampler(pool: RecordingPool, config: MixingConfig, **settings: int) -> MixtureSampler:
    values = {"batch_size": 4, "samples": SAMPLES, "first": 0, "batches": 20, "seed": 7} | settings
    return MixtureSampler(pool, config, **values)


def check(batch: MixedBatch) -> None:
    """What holds of every batch."""
    items, parts, phrases = len(batch.mixtures), len(batch.parts), len(batch.prompt_of_phrase)
    sums = torch.zeros_like(batch.mixtures).index_add(0, batch.item_of_part, batch.parts)
    assert torch.allclose(sums, batch.mixtures, atol=1e-7)
    assert len(batch.prompts) == parts + phrases == len(batch.item_of_prompt)
    assert bool((batch.item_of_prompt.diff() >= 0).all())
    assert set(batch.item_of_part.tolist()) == set(range(items))
    # Every prompt is the caption of one part or one phrase, and stands with its own item.
    places = torch.cat((batch.prompt_of_part, batch.prompt_of_phrase))
    assert sorted(places.tolist()) == list(range(len(batch.prompts)))
    assert torch.equal(batch.item_of_prompt[batch.prompt_of_part], batch.item_of_part)
    assert torch.equal(batch.item_of_prompt[batch.prompt_of_phrase], batch.item_of_part[batch.part_of_phrase])
    # No phrase twice in an item.
    asked = Counter(
        (int(batch.item_of_prompt[prompt]), batch.prompts[prompt])
        for prompt in batch.prompt_of_phrase.tolist()
    )
    assert not asked or max(asked.values()) == 1
    assert batch.phrase_ids.tolist() == [phrase_id(batch.prompts[p]) for p in batch.prompt_of_phrase.tolist()]
    grid, there = prompt_grid(batch.item_of_prompt)
    assert torch.equal(grid[there], torch.arange(len(batch.prompts)))
    assert torch.equal(batch.item_of_prompt[grid], torch.arange(items)[:, None].expand_as(grid))


def test_pairs_of_single_sources(singles: RecordingPool) -> None:
    for batch in sampler(singles, MixingConfig(contrasted=0)):
        check(batch)
        assert batch.item_of_part.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        assert len(batch.prompts) == 8 and not len(batch.phrase_ids) and set(batch.prompts) <= set(WORDS)


@pytest.mark.parametrize("equal_levels", [True, False])
@pytest.mark.parametrize("spread", [0.0, 12.0])
def test_targets_sum_to_the_mixture_at_its_level(
    singles: RecordingPool, equal_levels: bool, spread: float
) -> None:
    config = MixingConfig((3,), (2,), equal_levels=equal_levels, level_spread_db=spread, level_db=-26)
    for batch in sampler(singles, config, batches=5):
        check(batch)
        for mixture in batch.mixtures:
            assert level_db(mixture) == pytest.approx(-26, abs=1e-3)


def test_levels_of_the_parts(singles: RecordingPool) -> None:
    def differences(config: MixingConfig) -> torch.Tensor:
        parts = torch.cat([batch.parts for batch in sampler(singles, config)])
        levels = torch.tensor([level_db(part) for part in parts]).reshape(-1, 2)
        return levels[:, 0] - levels[:, 1]

    assert float(differences(MixingConfig()).abs().max()) < 1e-3
    spread = differences(MixingConfig(level_spread_db=6))
    assert 6 < float(spread.abs().max()) <= 12.001 and float(spread.mean().abs()) < 2
    assert float(differences(MixingConfig(equal_levels=False)).abs().max()) > 1


def test_parts_of_several_sources(singles: RecordingPool) -> None:
    sizes = set()
    for batch in sampler(singles, MixingConfig((2, 3), (1, 2, 4))):
        check(batch)
        counts = torch.bincount(batch.part_of_phrase, minlength=len(batch.parts))
        for part, count in enumerate(counts.tolist()):
            caption = batch.prompts[batch.prompt_of_part[part]]
            own = batch.prompt_of_phrase[batch.part_of_phrase == part].tolist()
            assert caption == joined_caption([batch.prompts[prompt] for prompt in own])
            sizes.add((int((batch.item_of_part == batch.item_of_part[part]).sum()), count))
    assert sizes == {(n, k) for n in (2, 3) for k in (1, 2, 4)}


def test_all_phrases_are_there_but_no_more_than_k_contrasted(captioned: RecordingPool) -> None:
    six = 0
    for batch in sampler(captioned, MixingConfig(contrasted=3)):
        check(batch)
        for part in range(len(batch.parts)):
            own = batch.part_of_phrase == part
            scene = int(batch.prompts[batch.prompt_of_part[part]].split()[1])
            texts = tuple(batch.prompts[prompt] for prompt in batch.prompt_of_phrase[own].tolist())
            assert texts == captioned.phrases[scene]
            assert int(batch.contrasted[own].sum()) == min(3, len(texts))
            six += len(texts) == 6
    assert six > 5


def test_which_phrases_are_contrasted_changes(captioned: RecordingPool) -> None:
    chosen = set()
    for batch in sampler(captioned, MixingConfig((1,), contrasted=1)):
        chosen |= {batch.prompts[p] for p in batch.prompt_of_phrase[batch.contrasted].tolist()}
    assert len(chosen) > 8


def test_draws_depend_on_seed_and_position_alone(singles: RecordingPool) -> None:
    config = MixingConfig((2, 3), (1, 2), level_spread_db=3)
    whole = sampler(singles, config)
    # In another order, from a later start, in a batch of another size, after other draws.
    other = sampler(singles, config, first=5, batches=3, batch_size=2)
    for position in (2, 0):
        one, two = whole[5 + position], other[position]
        parts = len(two.parts)
        assert torch.equal(one.mixtures[:2], two.mixtures) and torch.equal(one.parts[:parts], two.parts)
        assert one.prompts[: len(two.prompts)] == two.prompts
    assert not torch.equal(whole[0].mixtures, whole[1].mixtures)
    assert not torch.equal(whole[0].mixtures, sampler(singles, config, seed=8)[0].mixtures)
    assert not torch.equal(whole[0].mixtures[0], whole[0].mixtures[1])
    with pytest.raises(IndexError):
        other[3]
    # Two processes that share a batch draw what one would.
    halves = [sampler(singles, config, batch_size=2, first_place=place)[5] for place in (0, 2)]
    assert torch.equal(torch.cat([half.mixtures for half in halves]), whole[5].mixtures)


def test_an_unreadable_file_changes_no_other_draw_by_being_known(tmp_path: Path) -> None:
    recordings = [recording(tmp_path, word, word) for word in WORDS[:5]]
    recordings += [Recording(tmp_path / "none.wav", "none"), Recording(tmp_path / "text.wav", "text")]
    (tmp_path / "text.wav").write_text("no audio")
    said: list[str] = []
    long = sampler(RecordingPool(recordings, RATE, report=said.append), MixingConfig())
    batches = list(long)
    assert len(said) == 2
    fresh = sampler(RecordingPool(recordings, RATE, report=said.append), MixingConfig())
    assert torch.equal(fresh[15].mixtures, batches[15].mixtures)
    for batch in batches:
        check(batch)
        assert not {"none", "text"} & set(batch.prompts)


def test_nothing_readable_ends_with_an_error(tmp_path: Path) -> None:
    recordings = [Recording(tmp_path / f"{word}.wav", word) for word in WORDS]
    pool = RecordingPool(recordings, RATE, report=lambda _: None)
    with pytest.raises(StemlessError, match="none of 12 recordings can be read and heard"):
        sampler(pool, MixingConfig())[0]


def test_silent_recordings_are_not_drawn(tmp_path: Path) -> None:
    recordings = [recording(tmp_path, word, word) for word in WORDS[:3]]
    soundfile.write(recordings[1].audio, np.zeros(4000), RATE)
    for batch in sampler(RecordingPool(recordings, RATE), MixingConfig()):
        check(batch)
        assert WORDS[1] not in batch.prompts


def test_fewer_kinds_than_sources_ends(tmp_path: Path) -> None:
    # Three kinds for two parts of four: K gives way, and both parts are there.
    pool = RecordingPool(
        [recording(tmp_path, f"{word}{take}", word) for word in WORDS[:3] for take in range(3)], RATE
    )
    for batch in sampler(pool, MixingConfig((2,), (4,)), batches=5):
        check(batch)
        assert len(batch.parts) == 8 and len(batch.phrase_ids) == 12
    # For five parts: N gives way.
    for batch in sampler(pool, MixingConfig((5,)), batches=5):
        check(batch)
        assert len(batch.parts) == 12


def test_one_kind_is_an_error_unless_nothing_is_mixed(tmp_path: Path) -> None:
    pool = RecordingPool([recording(tmp_path, str(n), "rain") for n in range(3)], RATE)
    with pytest.raises(StemlessError, match="all 3 recordings name the same sounds"):
        sampler(pool, MixingConfig())
    (batch,) = sampler(pool, MixingConfig((1,)), batches=1)
    check(batch)
    assert torch.equal(batch.parts, batch.mixtures)


def test_a_part_that_names_no_source(tmp_path: Path) -> None:
    pool = RecordingPool([recording(tmp_path, "a", "Silence"), recording(tmp_path, "b", "A dog barks")], RATE)
    (batch,) = sampler(pool, MixingConfig(), batches=1)
    check(batch)
    assert sorted(set(batch.prompts)) == ["A dog barks", "Silence", "dog barking"]
    assert len(batch.phrase_ids) == 4 and len(batch.parts) == 8


def test_the_truth_has_no_magnitude_loss(captioned: RecordingPool) -> None:
    """Targets and indices fit the losses: what separates perfectly loses nothing, also with six phrases."""
    (batch,) = sampler(captioned, MixingConfig(contrasted=2), batches=1)
    grid = Grid(256, 64)
    mixtures, parts = stft(batch.mixtures, grid).abs(), stft(batch.parts, grid).abs()
    estimates = torch.zeros(len(batch.prompts), *parts.shape[1:])
    estimates[batch.prompt_of_part] = parts
    counts = torch.bincount(batch.part_of_phrase)
    estimates[batch.prompt_of_phrase] = (parts / counts[:, None, None])[batch.part_of_phrase]
    whole = unsupervised_loss(estimates[batch.prompt_of_part], parts, mixtures, batch.item_of_part)
    sources = estimates[batch.prompt_of_phrase]
    added = consistency_loss(sources, batch.part_of_phrase, parts, items=len(mixtures))
    assert float(whole) == 0 and float(added) < 1e-5
    text = torch.nn.functional.normalize(torch.randn(len(sources), 8), dim=1)
    for slots in (None, batch.slot_of_phrase):
        loss = contrastive_loss(text, text, batch.phrase_ids, 0.05, mask=batch.contrasted, slots=slots)
        assert float(loss) < 1


def item(captions: tuple[str, ...], phrases: tuple[tuple[str, ...], ...]) -> Item:
    parts = torch.randn(len(captions), 10)
    return Item(parts, captions, phrases, tuple(frozenset(range(min(2, len(p)))) for p in phrases))


def test_collate_by_hand() -> None:
    batch = collate(
        [item(("A", "B"), (("a", "b", "c"), ("d",))), item(("C",), ((),)), item(("D", "E"), (("a",), ("f",)))]
    )
    check(batch)
    assert batch.prompts == ("A", "B", "a", "b", "c", "d", "C", "D", "E", "a", "f")
    assert batch.item_of_prompt.tolist() == [0] * 6 + [1] + [2] * 4
    assert batch.item_of_part.tolist() == [0, 0, 1, 2, 2]
    assert batch.prompt_of_part.tolist() == [0, 1, 6, 7, 8]
    assert batch.prompt_of_phrase.tolist() == [2, 3, 4, 5, 9, 10]
    assert batch.part_of_phrase.tolist() == [0, 0, 0, 1, 3, 4]
    assert batch.slot_of_phrase.tolist() == [0, 0, 0, 1, 0, 1]
    assert batch.contrasted.tolist() == [True, True, False, True, True, True]
    assert batch.phrase_ids[0] == batch.phrase_ids[4] and len(set(batch.phrase_ids.tolist())) == 5
    grid, there = prompt_grid(batch.item_of_prompt)
    assert grid.tolist() == [[0, 1, 2, 3, 4, 5], [6] * 6, [7, 8, 9, 10, 7, 7]]
    assert there.sum(1).tolist() == [6, 1, 4]


def test_phrase_ids_are_fixed_numbers() -> None:
    # They have to agree between processes and machines.
    assert phrase_id("dog barking") == phrase_id(" Dog  Barking. ") == 1421066467956148118
    assert phrase_id("dogs barking") != phrase_id("dog barking")


def test_captions_joined() -> None:
    assert joined_caption(["a dog."]) == "a dog." and joined_caption(["a dog.", "rain"]) == "a dog and rain"


@pytest.mark.parametrize(
    "settings",
    [
        {"mixtures": ()},
        {"mixtures": (0, 2)},
        {"sources": (0,)},
        {"contrasted": -1},
        {"level_spread_db": -1.0},
    ],
)
def test_impossible_settings(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at least"):
        MixingConfig(**settings)  # type: ignore[arg-type]


def test_the_same_random_state_draws_the_same_item(singles: RecordingPool) -> None:
    one, two = (draw_item(singles, MixingConfig(), SAMPLES, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(one.parts, two.parts) and one.captions == two.captions
