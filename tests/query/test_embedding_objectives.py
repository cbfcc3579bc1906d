"""Losses of the joint embedding against hand counts and torch's own cross-entropy."""

import math

import torch

from stemless.query.embedding_objectives import finding_loss, kindred_loss, kinship, naming_loss, near_labels


def drawn(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    similarity = torch.rand(4, 6, generator=generator, dtype=torch.float64) * 2 - 1
    shares = torch.zeros(4, 6, dtype=torch.float64)
    shares[0, 1] = shares[1, 2] = shares[2, 1] = 1
    shares[3, 4], shares[3, 5] = 0.7, 0.3
    return similarity, shares


NONE_NEAR = torch.zeros(6, 6, dtype=torch.bool)


def test_naming_is_cross_entropy_with_shares() -> None:
    similarity, shares = drawn()
    expected = torch.nn.functional.cross_entropy(similarity / 0.1, shares)
    assert torch.allclose(naming_loss(similarity, shares, NONE_NEAR, 0.1), expected)


def test_near_labels_are_no_mistake() -> None:
    similarity, shares = drawn()
    near = NONE_NEAR.clone()
    near[1, 3] = near[3, 1] = True
    without = similarity[:1, [0, 1, 2, 4, 5]] / 0.1
    expected = torch.nn.functional.cross_entropy(without, torch.tensor([1]))
    assert torch.allclose(naming_loss(similarity[:1], shares[:1], near, 0.1), expected)
    # But a clip that holds both is near to both.
    shares[0, 3] = shares[0, 1] = 0.5
    expected = torch.nn.functional.cross_entropy(similarity[:1] / 0.1, shares[:1])
    assert torch.allclose(naming_loss(similarity[:1], shares[:1], near, 0.1), expected)


def test_clips_where_their_words_are_cost_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    words = torch.nn.functional.normalize(torch.randn(6, 5, generator=generator, dtype=torch.float64), dim=-1)
    kin = kinship(words, 0.3)
    shares = torch.eye(6, dtype=torch.float64)
    assert torch.allclose(kin.sum(1), torch.ones(6, dtype=torch.float64))
    assert float(kindred_loss(words @ words.T, shares, kin, 0.3)) < 1e-12
    turned = words.roll(1, 0).requires_grad_(True)
    loss = kindred_loss(turned @ words.T, shares, kin, 0.3)
    expected = torch.nn.functional.kl_div((turned @ words.T / 0.3).log_softmax(1), kin, reduction="batchmean")
    assert torch.allclose(loss, expected) and loss > 0.1
    assert torch.autograd.gradcheck(lambda x: kindred_loss(x @ words.T, shares, kin, 0.3), turned)


def test_a_mixture_is_kin_to_what_is_in_it_by_share() -> None:
    similarity, shares = drawn()
    kin = kinship(torch.eye(6, dtype=torch.float64), 0.2)
    wanted = 0.7 * kin[4] + 0.3 * kin[5]
    expected = (wanted * (wanted.log() - (similarity[3] / 0.2).log_softmax(0))).sum()
    assert torch.allclose(kindred_loss(similarity[3:], shares[3:], kin, 0.2), expected)


def test_finding_is_the_other_direction() -> None:
    similarity, shares = drawn()
    logits = (similarity / 0.1).log_softmax(0)
    hand = (
        -((logits[0, 1] + logits[2, 1]) / 2 + logits[1, 2] + logits[3, 4] + logits[3, 5]) / 4
    )  # labels 1, 2, 4, 5
    assert torch.allclose(finding_loss(similarity, shares, NONE_NEAR, 0.1), hand)


def test_finding_forgives_clips_of_near_labels() -> None:
    similarity, shares = drawn()
    near = NONE_NEAR.clone()
    near[1, 2] = near[2, 1] = True
    logits = similarity / 0.1
    one = -(logits[[0, 2, 3], 1].log_softmax(0)[:2]).mean()
    two = -(logits[[1, 3], 2].log_softmax(0)[0])
    rest = -(logits[:, 4].log_softmax(0)[3] + logits[:, 5].log_softmax(0)[3])
    assert torch.allclose(finding_loss(similarity, shares, near, 0.1), (one + two + rest) / 4)


def test_gradients() -> None:
    similarity, shares = drawn()
    near = near_labels(torch.nn.functional.normalize(similarity.T, dim=-1), 0.5)
    similarity.requires_grad_()
    temperature = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    for loss in (naming_loss, finding_loss):
        assert torch.autograd.gradcheck(lambda s, t, f=loss: f(s, shares, near, t), (similarity, temperature))


def test_equal_similarity_costs_the_logarithm_of_the_labels() -> None:
    shares, equal = torch.eye(6)[:4], torch.zeros(4, 6)
    assert math.isclose(float(naming_loss(equal, shares, NONE_NEAR, 0.1)), math.log(6), rel_tol=1e-6)
    assert math.isclose(float(finding_loss(equal, shares, NONE_NEAR, 1)), math.log(4), rel_tol=1e-6)
