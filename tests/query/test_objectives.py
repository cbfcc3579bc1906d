from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from stemless.query.objectives import (
    LossScales,
    consistency_loss,
    contrastive_loss,
    semi_supervised_loss,
    supervised_loss,
    unsupervised_loss,
    weak_loss,
    weight,
    weighted_l1,
)

ITEM_OF_PART = torch.tensor([0, 0, 1, 1, 1])
PART_OF_PHRASE = torch.tensor([0, 1, 1, 2, 3, 3, 3])


def magnitudes(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, dtype=torch.float64, generator=generator) * 4


def vectors(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(count, 6, dtype=torch.float64, generator=generator), dim=1)


def plain_weighted_l1(estimate: Tensor, target: Tensor, weighed_by: Tensor) -> float:
    total = 0.0
    for y, z, a in zip(
        estimate.flatten().tolist(), target.flatten().tolist(), weighed_by.flatten().tolist(), strict=True
    ):
        total += min(max(math.log(1 + a), 1e-3), 10.0) * abs(y - z)
    return total / estimate.numel()


def plain_contrast(
    audio: Tensor,
    text: Tensor,
    ids: list[int],
    temperature: float,
    mask: list[bool] | None = None,
    one_way: bool = False,
    slots: list[int] | None = None,
) -> float:
    there = [i for i in range(len(ids)) if mask is None or mask[i]]
    total = 0.0
    for i in there:
        others = [
            j for j in there if j == i or (ids[j] != ids[i] and (slots is None or slots[i] == slots[j]))
        ]
        own = float(audio[i] @ text[i]) / temperature
        to_text = sum(math.exp(float(audio[i] @ text[j]) / temperature) for j in others)
        to_audio = sum(math.exp(float(audio[j] @ text[i]) / temperature) for j in others)
        total -= own - math.log(to_text)
        if not one_way:
            total -= own - math.log(to_audio)
    return total / len(there) / (1 if one_way else 2)


def test_weight_between_its_bounds() -> None:
    amounts = torch.tensor([0.0, 5e-4, math.e - 1, math.e**3 - 1, math.e**12])
    assert torch.allclose(weight(amounts), torch.tensor([1e-3, 1e-3, 1.0, 3.0, 10.0]))


def test_weighted_l1_by_hand() -> None:
    estimates = torch.tensor([[[1.0, 2.0]], [[0.0, 0.0]]])
    targets = torch.tensor([[[3.0, 2.0]], [[1.0, -1.0]]])
    weights = torch.tensor([[[0.5, 7.0]], [[1.0, 2.0]]])
    assert weighted_l1(estimates, targets, weights).tolist() == [0.5, 1.5]


def test_unsupervised_by_hand() -> None:
    # Two items of constant magnitude e - 1, so the weight is 1; errors of 1, 2 and 3 in their three parts.
    mixtures = torch.full((2, 2, 3), math.e - 1)
    targets = torch.zeros(3, 2, 3)
    estimates = torch.tensor([1.0, 2.0, 3.0])[:, None, None].expand(3, 2, 3)
    loss = unsupervised_loss(estimates, targets, mixtures, torch.tensor([0, 0, 1]))
    assert float(loss) == pytest.approx((1 + 2 + 3) / 2, rel=1e-6)


def test_unsupervised_equals_the_plain_form() -> None:
    estimates, targets, mixtures = (
        magnitudes(5, 4, 6),
        magnitudes(5, 4, 6, seed=1),
        magnitudes(2, 4, 6, seed=2),
    )
    wanted = sum(
        plain_weighted_l1(estimates[part], targets[part], mixtures[item])
        for part, item in enumerate(ITEM_OF_PART.tolist())
    )
    loss = unsupervised_loss(estimates, targets, mixtures, ITEM_OF_PART)
    assert float(loss) == pytest.approx(wanted / 2, rel=1e-12)
    assert torch.equal(loss, supervised_loss(estimates, targets, mixtures, ITEM_OF_PART))
    assert unsupervised_loss(targets, targets, mixtures, ITEM_OF_PART) == 0


def test_consistency_equals_the_plain_form() -> None:
    # Part 4 has no phrase: it is left out. Part 3 has three: all of them count.
    estimates, targets = magnitudes(7, 4, 6), magnitudes(5, 4, 6, seed=1)
    wanted = 0.0
    for part in range(4):
        total = sum(estimates[k] for k in range(7) if PART_OF_PHRASE[k] == part)
        assert isinstance(total, Tensor)
        wanted += plain_weighted_l1(total, targets[part], targets[part])
    loss = consistency_loss(estimates, PART_OF_PHRASE, targets, items=2)
    assert float(loss) == pytest.approx(wanted / 2, rel=1e-12)


def test_consistency_is_zero_where_sources_add_up_and_one_left_out_is_seen() -> None:
    sources = magnitudes(3, 4, 6)
    whole, owner = sources.sum(0, keepdim=True), torch.zeros(3, dtype=torch.long)
    assert float(consistency_loss(sources, owner, whole, items=1)) < 1e-12
    assert float(consistency_loss(sources[:2], owner[:2], whole, items=1)) > 0.1


def test_consistency_with_missing_phrases() -> None:
    estimates, targets = magnitudes(7, 4, 6), magnitudes(5, 4, 6, seed=1)
    mask = torch.tensor([True, True, False, True, False, True, True])
    estimates[~mask] = torch.nan
    estimates.requires_grad_()
    loss = consistency_loss(estimates, PART_OF_PHRASE, targets, items=2, mask=mask)
    assert torch.equal(loss, consistency_loss(estimates[mask], PART_OF_PHRASE[mask], targets, items=2))
    loss.backward()
    assert estimates.grad is not None and torch.isfinite(estimates.grad).all()
    assert not estimates.grad[~mask].any() and estimates.grad[mask].any()
    assert consistency_loss(estimates, PART_OF_PHRASE, targets, items=2, mask=mask & False) == 0


def test_silence_costs_nothing_and_has_a_gradient() -> None:
    silence = torch.zeros(2, 3, 4)
    one_item, owner = torch.tensor([0, 0]), torch.tensor([0, 1])
    estimates = torch.zeros(2, 3, 4, requires_grad=True)
    loss = unsupervised_loss(estimates, silence, silence[:1], one_item)
    loss = loss + consistency_loss(estimates, owner, silence, items=1)
    loss.backward()
    assert loss == 0 and estimates.grad is not None and torch.isfinite(estimates.grad).all()


def test_magnitude_losses_do_not_see_the_order() -> None:
    estimates, targets, mixtures = (
        magnitudes(5, 4, 6),
        magnitudes(5, 4, 6, seed=1),
        magnitudes(2, 4, 6, seed=2),
    )
    sources = magnitudes(7, 4, 6, seed=3)
    order, phrase_order = torch.tensor([3, 0, 4, 2, 1]), torch.tensor([6, 2, 0, 4, 1, 3, 5])
    new_place = order.argsort()
    first = unsupervised_loss(estimates, targets, mixtures, ITEM_OF_PART)
    again = unsupervised_loss(estimates[order], targets[order], mixtures.flip(0), 1 - ITEM_OF_PART[order])
    assert torch.allclose(first, again, rtol=1e-12)
    first = consistency_loss(sources, PART_OF_PHRASE, targets, items=2)
    moved = new_place[PART_OF_PHRASE][phrase_order]
    again = consistency_loss(sources[phrase_order], moved, targets[order], items=2)
    assert torch.allclose(first, again, rtol=1e-12)


def test_contrast_by_hand() -> None:
    # Two pairs, own similarity 1 and crossed 0: each row is log(1 + exp(-1 / temperature)).
    axes = torch.eye(2, dtype=torch.float64)
    loss = contrastive_loss(axes, axes, torch.tensor([1, 2]), 0.5)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-12)
    # Answers crossed over: log(1 + exp(1 / temperature)).
    loss = contrastive_loss(axes, axes.flip(0), torch.tensor([1, 2]), 0.5)
    assert float(loss) == pytest.approx(math.log(1 + math.exp(2)), rel=1e-12)
    # All estimates alike: the texts are told apart by nobody, log n, and no text prefers an audio, log n.
    alike = vectors(1).expand(5, -1)
    assert float(contrastive_loss(alike, alike, torch.arange(5), 0.07)) == pytest.approx(math.log(5))


@pytest.mark.parametrize("one_way", [False, True])
@pytest.mark.parametrize("slots", [None, [0, 0, 1, 1, 0, 1, 0]])
@pytest.mark.parametrize("mask", [None, [True, False, True, True, True, True, False]])
def test_contrast_equals_the_plain_form(
    one_way: bool, slots: list[int] | None, mask: list[bool] | None
) -> None:
    audio, text = vectors(7), vectors(7, seed=1)
    ids = [1, 2, 1, 3, 4, 2, 2]
    loss = contrastive_loss(
        audio,
        text,
        torch.tensor(ids),
        0.2,
        one_way=one_way,
        slots=None if slots is None else torch.tensor(slots),
        mask=None if mask is None else torch.tensor(mask),
    )
    assert float(loss) == pytest.approx(
        plain_contrast(audio, text, ids, 0.2, mask, one_way, slots), rel=1e-10
    )


def test_equal_phrases_are_never_negatives() -> None:
    audio, text = vectors(3), vectors(1).expand(3, -1)
    assert contrastive_loss(audio, text, torch.tensor([7, 7, 7]), 0.1) == 0
    # A second pair of the same phrase, wherever it points, does not disturb the first.
    text = torch.cat((vectors(2, seed=1), vectors(1, seed=1)))
    audio.requires_grad_()
    loss = contrastive_loss(audio, text, torch.tensor([1, 2, 1]), 0.1, one_way=True)
    (grad,) = torch.autograd.grad(loss, audio)
    (wanted,) = torch.autograd.grad(-(audio @ text[:2].T / 0.1).log_softmax(1)[0, 0], audio)
    assert torch.allclose(grad[0] * 3, wanted[0], rtol=1e-10)


def test_contrast_does_not_see_the_order() -> None:
    audio, text, ids = vectors(6), vectors(6, seed=1), torch.tensor([1, 2, 3, 1, 4, 2])
    order = torch.tensor([5, 1, 3, 0, 2, 4])
    first = contrastive_loss(audio, text, ids, 0.1)
    assert torch.allclose(first, contrastive_loss(audio[order], text[order], ids[order], 0.1), rtol=1e-12)
    # Nor which side is which, when both ways count.
    assert torch.allclose(first, contrastive_loss(text, audio, ids, 0.1), rtol=1e-12)
    assert not torch.allclose(
        contrastive_loss(audio, text, ids, 0.1, one_way=True),
        contrastive_loss(text, audio, ids, 0.1, one_way=True),
    )


def test_contrast_of_one_pair_and_of_none() -> None:
    audio = vectors(2).requires_grad_()
    ids = torch.tensor([1, 2])
    for mask in ([True, False], [False, False]):
        loss = contrastive_loss(audio, vectors(2, seed=1), ids, 0.1, mask=torch.tensor(mask))
        (grad,) = torch.autograd.grad(loss, audio)
        assert loss == 0 and not grad.any()


def test_missing_pairs_may_hold_anything() -> None:
    audio, text, ids = vectors(3), vectors(3, seed=1), torch.tensor([1, 2, 3])
    wanted = contrastive_loss(audio[:2], text[:2], ids[:2], 0.1)
    audio[2], text[2] = torch.nan, torch.nan
    audio.requires_grad_()
    loss = contrastive_loss(audio, text, ids, 0.1, mask=torch.tensor([True, True, False]))
    loss.backward()
    assert torch.allclose(loss, wanted)
    assert audio.grad is not None and torch.isfinite(audio.grad).all()


def test_half_precision_does_not_blunt_the_logits() -> None:
    audio, text, ids = vectors(6).float(), vectors(6, seed=1).float(), torch.arange(6)
    with torch.autocast("cpu", torch.bfloat16):
        blunt = contrastive_loss(audio, text, ids, 0.01)
    assert torch.equal(blunt, contrastive_loss(audio, text, ids, 0.01))


def test_processes_share_their_negatives() -> None:
    """Two processes with three pairs each, one of them masked: the loss and gradients of one with all six."""
    audio, text = vectors(6).requires_grad_(), vectors(6, seed=1)
    ids, mask = torch.tensor([1, 2, 3, 1, 4, 5]), torch.tensor([True, True, False, True, True, True])
    slots = torch.tensor([0, 1, 0, 0, 1, 0])
    whole = contrastive_loss(audio, text, ids, 0.1, mask=mask, slots=slots)
    (wanted,) = torch.autograd.grad(whole, audio)
    halves = [audio.detach()[:3].requires_grad_(), audio.detach()[3:].requires_grad_()]
    shared = {id(text): text, id(ids): ids, id(mask): mask, id(slots): slots}
    for rank, rows in enumerate((slice(0, 3), slice(3, 6))):
        own = {name: whole_tensor[rows] for name, whole_tensor in shared.items()}

        def gather(part: Tensor, own: dict[int, Tensor] = own) -> Tensor:
            if part.requires_grad:
                return torch.cat(halves)
            return next(shared[name] for name, tensor in own.items() if tensor is part)

        loss = contrastive_loss(
            halves[rank],
            own[id(text)],
            own[id(ids)],
            0.1,
            mask=own[id(mask)],
            slots=own[id(slots)],
            gather=gather,
        )
        assert torch.equal(loss, whole)
        loss.backward()  # The gradients of both processes add up in `halves`; DDP then takes the mean.
    made = torch.cat([half.grad for half in halves if half.grad is not None])
    assert torch.allclose(made / 2, wanted, rtol=1e-12)


def test_totals() -> None:
    contrast, consistency, unsupervised = torch.tensor(3.0), torch.tensor(5.0), torch.tensor(7.0)
    assert float(weak_loss(contrast, consistency, unsupervised)) == pytest.approx(12.3)
    scales = LossScales(contrastive=2, consistency=0, unsupervised=1, supervised=3, weak=0.5)
    weak = weak_loss(contrast, consistency, unsupervised, scales)
    assert float(weak) == 13 and float(semi_supervised_loss(torch.tensor(1.0), weak, scales)) == 9.5
    with pytest.raises(ValueError, match="at least 0"):
        LossScales(weak=-1)


IDS = torch.tensor([1, 2, 1, 3])
CHECKED: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "weighted_l1": (lambda x: weighted_l1(x, magnitudes(2, 3, seed=1), magnitudes(2, 3, seed=2)), (2, 3)),
    "unsupervised": (
        lambda x: unsupervised_loss(
            x, magnitudes(5, 2, 3, seed=1), magnitudes(2, 2, 3, seed=2), ITEM_OF_PART
        ),
        (5, 2, 3),
    ),
    "supervised": (
        lambda x: supervised_loss(x, magnitudes(5, 2, 3, seed=1), magnitudes(2, 2, 3, seed=2), ITEM_OF_PART),
        (5, 2, 3),
    ),
    "consistency": (
        lambda x: consistency_loss(x, PART_OF_PHRASE, magnitudes(5, 2, 3, seed=1), items=2),
        (7, 2, 3),
    ),
    "contrastive": (lambda x: contrastive_loss(x, vectors(4, seed=1), IDS, 0.3), (4, 6)),
    "one way": (lambda x: contrastive_loss(x, vectors(4, seed=1), IDS, 0.3, one_way=True), (4, 6)),
    "total": (
        lambda x: semi_supervised_loss(
            unsupervised_loss(x[:5], magnitudes(5, 2, 3, seed=1), magnitudes(2, 2, 3, seed=2), ITEM_OF_PART),
            weak_loss(
                contrastive_loss(x[:4].flatten(1), vectors(4, seed=1), IDS, 0.3),
                consistency_loss(x, PART_OF_PHRASE, magnitudes(5, 2, 3, seed=1), items=2),
                x.square().mean(),
            ),
        ),
        (7, 2, 3),
    ),
}


@pytest.mark.parametrize("name", CHECKED)
def test_gradients(name: str) -> None:
    loss, shape = CHECKED[name]
    estimates = magnitudes(*shape, seed=5).requires_grad_()
    assert torch.autograd.gradcheck(loss, (estimates,))


def test_gradients_of_the_text_and_the_temperature() -> None:
    # A head that is trained on top of the text tower, or a temperature of one's own, can learn as well.
    text, temperature = (
        vectors(4).requires_grad_(),
        torch.tensor(0.3, dtype=torch.float64, requires_grad=True),
    )
    assert torch.autograd.gradcheck(
        lambda text, temperature: contrastive_loss(vectors(4, seed=1), text, IDS, temperature),
        (text, temperature),
    )
