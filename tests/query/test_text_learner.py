from collections.abc import Sequence

import pytest
import torch
from test_text_tower import make_tower

from stemless.optimiser import OptimiserConfig
from stemless.query.text_learner import Sounds, TextBatches, TextLearner, name_loss
from stemless.query.text_tower import pad_numbers


def directions(count: int, dimension: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=-1)


SOUNDS = Sounds(
    ["dog", "hound", "rain"],
    [0, 0, 1],
    [["dog", "a dog"], ["hound", "a hound"], ["rain", "the rain"]],
    directions(2, 6).float(),
)


def test_a_name_at_its_centre_costs_nothing() -> None:
    centres = directions(7, 5)
    sounds = torch.tensor([3, 0, 6])
    assert float(name_loss(centres[sounds], sounds, centres, 0.1)) == pytest.approx(0.0, abs=1e-9)
    assert float(name_loss(centres[[4, 1, 5]], sounds, centres, 0.1)) > 0.1


def test_name_loss_is_a_divergence_and_a_cosine() -> None:
    centres, vectors, sounds = directions(4, 3), directions(2, 3, 1), torch.tensor([2, 0])
    expected = 0.0
    for vector, sound in zip(vectors, sounds, strict=True):
        wanted = torch.softmax(centres @ centres[sound] / 0.2, 0)
        found = torch.softmax(centres @ vector / 0.2, 0)
        expected += float((wanted * (wanted / found).log()).sum() + 1 - vector @ centres[sound]) / 2
    assert float(name_loss(vectors, sounds, centres, 0.2)) == pytest.approx(expected, rel=1e-9)


def test_gradient_of_name_loss() -> None:
    centres, sounds = directions(5, 4), torch.tensor([1, 4, 1])
    vectors = directions(3, 4, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: name_loss(v, sounds, centres, 0.1), (vectors,))


def batches(first: int, count: int, names: int = 5, size: int = 4) -> TextBatches:
    tower = make_tower()
    numbers = [[2, *([7] * (1 + place % 5)), 3] for place in range(23)]
    targets = torch.arange(23.0)[:, None].expand(23, 16).half()
    return TextBatches(numbers, targets, size, first, count, 1, SOUNDS, tower.numbers_of, names)


def test_each_pass_takes_every_text_once_in_another_order() -> None:
    whole = [batch.targets[:, 0].int().tolist() for batch in batches(0, 12)]
    first, second = (sorted(number for part in half for number in part) for half in (whole[:6], whole[6:]))
    assert first == second == list(range(23))
    assert whole[:6] != whole[6:]


def test_a_batch_depends_on_its_place_alone() -> None:
    later = batches(7, 2)
    for index, place in enumerate((7, 8)):
        for ours, theirs in zip(later[index], batches(0, 12)[place], strict=True):
            assert torch.equal(ours, theirs)


def test_texts_of_a_batch_have_like_lengths() -> None:
    waste = [float((~batch.mask).float().mean()) for batch in batches(0, 6)]
    assert sum(waste) / 6 < 0.1


def test_names_go_with_their_sounds() -> None:
    tower = make_tower()

    def key(text: str) -> tuple[int, ...]:
        return tuple(tower.numbers_of([text])[0])

    sound_of = {key(way): s for ways, s in zip(SOUNDS.asked, SOUNDS.sound, strict=True) for way in ways}
    seen = set()
    for batch in batches(0, 12, names=20):
        for row, mask, sound in zip(batch.name_numbers, batch.name_mask, batch.sounds, strict=True):
            seen.add(tuple(row[mask].tolist()))
            assert sound_of[tuple(row[mask].tolist())] == sound
    assert len(seen) == 6
    assert batches(0, 1, names=0)[0].sounds.numel() == 0


def make_learner(name_weight: float) -> TextLearner:
    return TextLearner(
        make_tower().requires_grad_(True),
        torch.zeros(16),
        SOUNDS,
        OptimiserConfig(rate=3e-3, weight_decay=0.0, warm_up_steps=1),
        steps=40,
        name_weight=name_weight,
        temperature=0.1,
        bf16=False,
    )


def test_a_perfect_student_misses_nothing() -> None:
    learner = make_learner(0.0)
    numbers, mask = pad_numbers([[2, 7, 3], [2, 7, 8, 9, 3]])
    batch = batches(0, 1)[0]._replace(numbers=numbers, mask=mask, targets=learner.tower(numbers, mask)[1])
    missed, cosines = learner.compared(batch)
    assert missed.item() == 0.0
    assert torch.allclose(cosines, torch.ones(2))


def test_learning_brings_texts_and_names_where_they_belong() -> None:
    learner = make_learner(0.5)
    teacher = make_tower(seed=5)
    texts: Sequence[str] = [
        "dog",
        "rain",
        "cat",
        "the dog",
        "a cat barking",
        "hound",
        "loud rain",
        "can hear",
    ]
    numbers = learner.tower.numbers_of(texts)
    targets = teacher.embed_text(texts)
    mean = (targets.tokens.sum(dim=1) / targets.mask.sum(dim=1, keepdim=True)).half()
    data = TextBatches(numbers, mean, 8, 0, 40, 0, SOUNDS, learner.tower.numbers_of, 6)
    (optimiser,), _ = learner.configure_optimizers()
    head = learner.tower.head.weight.clone()
    learner.log = lambda *_, **__: None  # type: ignore[method-assign, assignment]
    losses = []
    for batch in data:
        optimiser.zero_grad()
        loss = learner.training_step(batch, 0)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert torch.equal(learner.tower.head.weight, head)
