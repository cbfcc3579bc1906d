import torch

from stemless.voices.recurrence import GRU, gru


def test_equals_the_librarys_gru_forward_and_backward() -> None:
    torch.manual_seed(0)
    library = torch.nn.GRU(7, 11, batch_first=True).double()
    ours = GRU(7, 11).double()
    ours.load_state_dict(library.state_dict())
    inputs = torch.randn(3, 19, 7, dtype=torch.float64)
    weights = torch.randn(3, 19, 11, dtype=torch.float64)
    a, b = inputs.clone().requires_grad_(), inputs.clone().requires_grad_()
    (library(a)[0] * weights).sum().backward()
    (ours(b) * weights).sum().backward()
    assert torch.allclose(a.grad, b.grad, atol=1e-12)
    for wanted, made in zip(library.parameters(), ours.parameters(), strict=True):
        assert torch.allclose(wanted.grad, made.grad, atol=1e-11)
    assert torch.allclose(library(inputs)[0], ours(inputs), atol=1e-13)


def test_gradients() -> None:
    shapes = ((2, 5, 12), (2, 4), (12, 4), (12,))
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(gru, inputs)


def test_shared_half_of_the_input() -> None:
    layer = GRU(9, 6)
    own, shared = torch.randn(6, 7, 5), torch.randn(2, 7, 4)
    wanted = layer(torch.cat([own, shared.repeat_interleave(3, 0)], -1))
    assert torch.allclose(layer.forward_joined(own, shared), wanted, atol=1e-6)


def test_start_values_are_spread_like_the_librarys() -> None:
    torch.manual_seed(0)
    ours, library = GRU(40, 64), torch.nn.GRU(40, 64)
    for (name, made), wanted in zip(ours.named_parameters(), library.parameters(), strict=True):
        assert made.shape == wanted.shape and name in dict(library.named_parameters())
        assert abs(float((made.std() / wanted.std()).detach()) - 1) < 0.3 and made.abs().max() <= 1 / 8


def test_steps_do_not_depend_on_what_follows() -> None:
    layer = GRU(5, 6)
    inputs = torch.randn(2, 30, 5)
    assert torch.allclose(layer(inputs)[:, :10], layer(inputs[:, :10]), atol=1e-6)
