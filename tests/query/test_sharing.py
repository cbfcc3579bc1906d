"""Masks that share the mixture: sums, order, a single prompt, missing prompts, gradients."""

import pytest
import torch
from torch import Tensor

from stemless.query.sharing import Rule, shared_masks

RULES: tuple[Rule, ...] = ("limit", "odds")


def some_masks(prompts: int = 3, seed: int = 0) -> Tensor:
    return torch.rand(2, prompts, 6, 7, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("rule", RULES)
def test_never_more_than_the_mixture(rule: Rule) -> None:
    for masks in (some_masks(), torch.ones(1, 5, 2, 2), torch.zeros(1, 5, 2, 2)):
        shares = shared_masks(masks, rule=rule)
        assert torch.isfinite(shares).all() and shares.min() >= 0 and shares.sum(1).max() <= 1 + 1e-6
        complete = shared_masks(masks, rule=rule, with_rest=True)
        assert torch.equal(complete[:, :-1], shares) and complete.min() >= 0
        assert torch.allclose(complete.sum(1), torch.ones(()), atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_single_prompt_keeps_its_mask(rule: Rule) -> None:
    masks = some_masks(1)
    assert torch.allclose(shared_masks(masks, rule=rule), masks, atol=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_order_of_masks_and_of_prompts_is_kept(rule: Rule) -> None:
    masks = some_masks(4)
    shares = shared_masks(masks, rule=rule)
    assert torch.equal(shares.argsort(dim=1), masks.argsort(dim=1))
    assert torch.allclose(shared_masks(masks.flip(1), rule=rule), shares.flip(1), atol=1e-7)


def test_limit_leaves_masks_alone_that_leave_room() -> None:
    masks = torch.tensor([0.2, 0.3, 0.1]).reshape(1, 3, 1, 1)
    assert torch.equal(shared_masks(masks), masks)
    assert torch.allclose(shared_masks(5 * masks), masks / 0.6)


def test_odds_are_the_softmax_of_the_logits_with_a_rest() -> None:
    logits = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3
    expected = torch.softmax(torch.cat((logits, torch.zeros(2, 1, 4, 5)), dim=1), dim=1)
    assert torch.allclose(shared_masks(torch.sigmoid(logits), rule="odds", with_rest=True), expected)


@pytest.mark.parametrize("rule", RULES)
def test_a_missing_prompt_takes_nothing(rule: Rule) -> None:
    masks = some_masks()
    valid = torch.tensor([[True, False, True], [True, True, True]])
    shares = shared_masks(masks, valid, rule=rule)
    assert (shares[0, 1] == 0).all()
    assert torch.allclose(shares[0, [0, 2]], shared_masks(masks[:1, [0, 2]], rule=rule)[0])
    assert torch.allclose(shares[1:], shared_masks(masks[1:], rule=rule))


@pytest.mark.parametrize("rule", RULES)
def test_gradients(rule: Rule) -> None:
    masks = (some_masks().double()[:1, :, :2, :2] * 0.8 + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: shared_masks(x, rule=rule, with_rest=True), (masks,))
    saturated = torch.tensor([1.0, 1.0, 0.0]).reshape(1, 3, 1, 1).requires_grad_()
    shared_masks(saturated, rule=rule).square().sum().backward()
    assert saturated.grad is not None and torch.isfinite(saturated.grad).all()


def test_an_unknown_rule() -> None:
    with pytest.raises(ValueError, match="limit"):
        shared_masks(some_masks(), rule="softmax")  # type: ignore[arg-type]
