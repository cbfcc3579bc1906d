"""What a learner asks of its network, piece by piece."""

from __future__ import annotations

import math

import pytest
import torch
from tiny_training import COMPACT
from torch import nn
from toy_embedding import ToneEmbedding, tone

from stemless.configuration import from_mapping
from stemless.optimiser import OptimiserConfig
from stemless.query.batches import TrainingBatch
from stemless.query.collation import Item, MixedBatch, collate
from stemless.query.compact_unet import CompactConfig, CompactUNet
from stemless.query.embedding import JointEmbedding, PhraseCache
from stemless.query.learner import LearnerConfig, QueryLearner, follow, levelled
from stemless.query.objectives import LossScales, absent_loss, squared_error, unsupervised_loss
from stemless.query.teacher import RandomTeacher
from stemless.query.validation import Validation
from stemless.spectrum import Grid, istft, stft

SAMPLES = 47 * 64


def batch() -> MixedBatch:
    """Two items of two parts; one part is of two tones."""

    def part(*names: str) -> torch.Tensor:
        return sum((tone(name, SAMPLES / 8000, 8000) for name in names), torch.zeros(SAMPLES))

    def item(one: tuple[str, ...], other: tuple[str, ...]) -> Item:
        return Item(
            torch.stack([part(*one), part(*other)]),
            (" and ".join(one), " and ".join(other)),
            (one, other),
            (frozenset(range(len(one))), frozenset(range(len(other)))),
            absent=("3700 Hz",),
        )

    return collate([item(("300 Hz",), ("900 Hz", "2100 Hz")), item(("500 Hz",), ("1500 Hz",))])


def learner(teacher: JointEmbedding | None = None, **settings: object) -> QueryLearner:
    torch.manual_seed(0)
    sizes = from_mapping(CompactConfig, {**COMPACT, "text_width": 6, "text_dimension": 32})
    made = QueryLearner(
        CompactUNet(sizes),
        PhraseCache(ToneEmbedding()),
        teacher,
        from_mapping(LearnerConfig, {"bf16": False, **settings}),
        OptimiserConfig(),
        steps=10,
    )
    made.noted = {}
    made.log = lambda name, value, **_: made.noted.__setitem__(name, float(value))
    return made


def test_the_weak_loss_is_its_parts() -> None:
    made = learner(ToneEmbedding())
    loss = made.training_step(TrainingBatch(batch(), None), 0)
    noted = made.noted
    total = 0.1 * noted["train_contrastive"] + noted["train_consistency"] + noted["train_unsupervised"]
    assert float(loss.detach()) == pytest.approx(total + noted["train_absent"], rel=1e-5)
    loss.backward()
    assert all(p.grad is not None for p in made.network.parameters())
    assert made.average is not None and not any(p.requires_grad for p in made.average.parameters())
    assert not any("_outside" in name for name in made.state_dict())


def test_the_contrast_reaches_the_network() -> None:
    scales = {"consistency": 0, "unsupervised": 0, "absent": 0}
    for contrast in ("symmetric", "one-way"):
        made = learner(ToneEmbedding(), scales=scales, contrast=contrast)
        made.training_step(TrainingBatch(batch(), None), 0).backward()
        gradients = [p.grad for p in made.network.parameters() if p.grad is not None]
        assert sum(float(g.abs().sum()) for g in gradients) > 0
        assert all(bool(g.isfinite().all()) for g in gradients)


def test_scales_switch_losses_off() -> None:
    made = learner(None, scales={"contrastive": 0})
    made.training_step(TrainingBatch(batch(), None), 0)
    assert "train_contrastive" not in made.noted
    with pytest.raises(ValueError, match="teacher"):
        learner(None).training_step(TrainingBatch(batch(), None), 0)
    nothing = learner(ToneEmbedding(), scales={"weak": 0, "absent": 0})
    assert float(nothing.training_step(TrainingBatch(batch(), None), 0).detach()) == 0


def test_singles_count_beside_mixtures() -> None:
    made = learner(ToneEmbedding(), scales={"supervised": 0.5, "absent": 0})
    alone = float(made.training_step(TrainingBatch(batch(), None), 0).detach())
    made.network.load_state_dict(learner().network.state_dict())
    both = float(made.training_step(TrainingBatch(batch(), batch()), 0).detach())
    assert both == pytest.approx(alone + 0.5 * made.noted["train_supervised"], rel=0.02)


@pytest.mark.parametrize("rule", ["limit", "odds"])
def test_shared_masks_leave_no_more_than_the_mixture(rule: str) -> None:
    given = batch()
    made = learner(sharing=rule)
    with torch.no_grad():
        estimates = made.estimate(made.network, given)
    alone, shared = made._variants(estimates, given, given.prompt_of_phrase)
    assert torch.equal(alone, estimates.masks[given.prompt_of_phrase]) and made.rule == rule
    items = given.item_of_prompt[given.prompt_of_phrase]
    sums = torch.zeros(2, *shared.shape[1:]).index_add(0, items, shared)
    assert float(sums.max()) <= 1 + 1e-6 and float((shared - alone).abs().max()) > 1e-3
    assert len(learner(sharing=rule, alone=False)._variants(estimates, given, given.prompt_of_part)) == 1


def test_estimates_are_as_loud_as_their_mixtures_but_silence_stays() -> None:
    mixtures = torch.randn(3, 1000)
    heard = levelled(mixtures * torch.tensor([[0.5], [0.01], [0.0]]), mixtures)
    levels = heard.square().mean(1).sqrt() / mixtures.square().mean(1).sqrt()
    assert float(levels[0]) == pytest.approx(1, abs=0.01)
    assert 0.2 < float(levels[1]) < 0.4 and float(levels[2]) == 0


def test_an_average_follows_weights_and_statistics() -> None:
    ours, theirs = (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(2))
    theirs(torch.randn(8, 2) + 5)
    before = ours[0].weight.clone()
    follow(ours, theirs, 0.75)
    assert torch.allclose(ours[0].weight, 0.75 * before + 0.25 * theirs[0].weight)
    assert torch.allclose(ours[1].running_mean, 0.25 * theirs[1].running_mean)
    assert int(ours[1].num_batches_tracked) == 1


def test_errors_by_hand() -> None:
    mixture, target = torch.full((1, 2, 2), 2.0), torch.tensor([[[2.0, 0.0], [0.0, 0.0]]])
    # The half of everything: 4 * mean([1, 1, 1, 1]) / 4.
    assert float(squared_error(mixture / 2, target, mixture)) == pytest.approx(1.0)
    one_part = unsupervised_loss(mixture / 2, target, mixture, torch.tensor([0]), kind="squared")
    assert float(one_part) == pytest.approx(1.0)
    asked = torch.tensor([0, 0])
    twice = absent_loss(torch.cat((mixture, mixture / 2)), mixture, asked)
    assert float(twice) == pytest.approx(math.log(3) * (2 + 1), rel=1e-5)
    assert float(absent_loss(torch.zeros(0, 2, 2), mixture, asked[:0])) == 0


def test_least_squares_are_unsure_and_least_l1_is_not() -> None:
    """A bin that belongs to a prompt in one case of four: a quarter, or nothing."""
    masks = torch.linspace(0, 1, 101)[:, None, None]
    ones = torch.ones(101, 1, 1)
    cases = [ones, *[torch.zeros_like(ones)] * 3]
    squares = sum(squared_error(masks, case, ones) for case in cases)
    absolute = sum((masks - case).abs().mean((-2, -1)) for case in cases)
    assert int(squares.argmin()) == 25 and int(absolute.argmin()) == 0


def test_a_random_teacher_is_fixed_and_knows_nothing() -> None:
    class Ears(nn.Module):
        sample_rate, token_width, dimension, temperature, identity = 8000, 6, 32, 0.1, "ears"

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(100, 32)

        def embed_text(self, phrases):  # type: ignore[no-untyped-def]
            return ToneEmbedding().embed_text(phrases)

        def embed_audio(self, audio: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(self.linear(audio), dim=1)

    ears, audio = Ears().requires_grad_(False), torch.randn(3, 100)
    true = ears.embed_audio(audio)
    one, two, other = (RandomTeacher(ears, seed) for seed in (1, 1, 2))  # type: ignore[arg-type]
    assert torch.equal(ears.embed_audio(audio), true)
    assert torch.equal(one.embed_audio(audio), two.embed_audio(audio))
    assert float((one.embed_audio(audio) - true).abs().max()) > 0.1
    assert float((one.embed_audio(audio) - other.embed_audio(audio)).abs().max()) > 0.1
    vectors = one.embed_text(["dog", "rain", "dog"]).vector
    assert torch.equal(vectors[0], vectors[2]) and float((vectors[0] @ vectors[1]).abs()) < 0.7
    assert torch.equal(vectors, two.embed_text(["dog", "rain", "dog"]).vector)


def test_validation_knows_perfect_and_useless_masks() -> None:
    given, grid = batch(), Grid(254, 64)
    spectra = stft(given.mixtures, grid)
    parts = stft(given.parts, grid).abs()
    nothing = torch.full((len(given.prompts), *parts.shape[1:]), 0.5)
    perfect = torch.zeros_like(nothing)
    perfect[given.prompt_of_part] = (
        parts / (parts.reshape(2, 2, *parts.shape[1:]).sum(1) + 1e-9)[given.item_of_part]
    )
    useless, good = Validation(judged_by="sdr"), Validation()
    useless.add(given, spectra, nothing, grid)
    good.add(given, spectra, perfect, grid)
    assert useless.scores()["si_sdr_gain_db"] == pytest.approx(0, abs=0.05)
    assert useless.scores()["loss"] == -useless.scores()["sdr_db"] != 0
    assert useless.scores()["absent_db"] == pytest.approx(-6.02, abs=0.05)
    assert good.scores()["si_sdr_gain_db"] > 10 and good.scores()["loss"] < -10
    # By hand, for the first part, alone in its call.
    heard = istft(spectra[:1] * perfect[:1], grid, SAMPLES)[0]
    error = (heard - given.parts[0]).square().sum()
    own_db = 10 * math.log10(float(given.parts[0].square().sum() / error))
    assert min(own_db, 40) > 10 and good.scores()["sdr_db"] > 10


def test_scales_are_at_least_nothing() -> None:
    with pytest.raises(ValueError):
        LossScales(absent=-1)
    with pytest.raises(ValueError):
        LearnerConfig(average_decay=1.0)
