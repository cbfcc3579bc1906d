import pytest
import torch

from stemless.query.text_head import HeadConfig, covariance, fit_head


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_without_shrinkage_the_ways_to_ask_become_round() -> None:
    """W S W' is a multiple of 1 when S, the spread within a thing, is all that is divided by."""
    mixing = draw(8, 8)
    asked = draw(400, 1, 8, seed=1) + draw(400, 5, 8, seed=2) @ mixing
    weight, _ = fit_head(draw(500, 8, seed=3), asked, 8, HeadConfig(spread_weight=0.0, shrinkage=0.0))
    within = covariance((asked - asked.mean(dim=1, keepdim=True)).flatten(0, 1))
    found = weight @ within @ weight.T
    assert torch.allclose(found, torch.eye(8) * within.trace(), atol=1e-3 * float(within.trace()))


def test_strong_shrinkage_is_principal_components() -> None:
    phrases = draw(1000, 6) * torch.tensor([5.0, 4.0, 3.0, 0.2, 0.1, 0.1]) + 7.0
    weight, _ = fit_head(phrases, phrases[:, None], 3, HeadConfig(shrinkage=1e9))
    directions = torch.linalg.svd(phrases - phrases.mean(dim=0)).Vh[:3]
    cosines = torch.nn.functional.cosine_similarity(weight, directions).abs()
    assert torch.allclose(cosines, torch.ones(3), atol=1e-4)


def test_phrases_are_centred() -> None:
    phrases = draw(300, 6) + 10.0
    weight, bias = fit_head(phrases, phrases[:, None], 4, HeadConfig())
    assert torch.allclose((phrases @ weight.T + bias).mean(dim=0), torch.zeros(4), atol=1e-3)


def test_what_ways_to_ask_share_counts_less() -> None:
    """Two things that differ along one axis, asked for in ways that differ along another, much wider."""
    things = draw(200, 1, 4) * torch.tensor([1.0, 1.0, 1.0, 0.0])
    ways = draw(1, 9, 4, seed=1) * torch.tensor([0.0, 0.0, 0.0, 5.0])
    asked = things + ways
    weight, bias = fit_head(asked.flatten(0, 1), asked, 3, HeadConfig(shrinkage=0.01))
    vectors = torch.nn.functional.normalize(asked @ weight.T + bias, dim=-1)
    same = (vectors[:, 0] * vectors[:, 1]).sum(dim=-1)
    other = (vectors[:-1, 0] * vectors[1:, 0]).sum(dim=-1)
    assert same.min() > 0.9 and abs(other.mean()) < 0.2


def test_no_more_directions_than_there_are() -> None:
    with pytest.raises(ValueError, match="make up"):
        fit_head(draw(9, 4), draw(3, 3, 4), 5, HeadConfig())
