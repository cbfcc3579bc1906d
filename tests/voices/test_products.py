import pytest
import torch

from stemless.voices.products import ROWS_AT_ONCE, Linear, Stack, linear


@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 7, 5), (0, 5), (2, 0, 5)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_equals_the_plain_product(shape: tuple[int, ...], with_bias: bool) -> None:
    inputs, weight = torch.randn(shape), torch.randn(4, 5)
    bias = torch.randn(4) if with_bias else None
    wanted = inputs.double() @ weight.double().t() + (0 if bias is None else bias.double())
    with torch.no_grad():
        assert torch.allclose(linear(inputs, weight, bias).double(), wanted, atol=1e-5)
    assert torch.allclose(linear(inputs, weight, bias).double(), wanted, atol=1e-5)


def test_inputs_that_are_not_contiguous() -> None:
    inputs, weight = torch.randn(6, 3, 5).transpose(0, 1), torch.randn(4, 10)[:, 5:]
    with torch.no_grad():
        assert torch.allclose(linear(inputs, weight), torch.nn.functional.linear(inputs, weight), atol=1e-5)


def test_other_types_and_gradients_go_the_plain_way() -> None:
    layer = Linear(5, 4)
    inputs = torch.randn(3, 5, requires_grad=True)
    layer(inputs).sum().backward()
    assert inputs.grad is not None and layer.weight.grad is not None
    with torch.no_grad():
        assert layer.double()(torch.randn(3, 5, dtype=torch.float64)).dtype == torch.float64
        with torch.autocast("cpu", torch.bfloat16):
            assert Linear(5, 4)(torch.randn(3, 5)).dtype == torch.bfloat16


def test_a_stack_in_blocks_is_the_stack() -> None:
    layers = [Linear(5, 4), torch.nn.LayerNorm(4), torch.nn.LeakyReLU()]
    inputs = torch.randn(3, ROWS_AT_ONCE, 5)
    wanted = torch.nn.Sequential(*layers)(inputs)
    with torch.no_grad():
        assert torch.allclose(Stack(*layers)(inputs), wanted, atol=1e-5)
    assert torch.equal(Stack(*layers)(inputs), wanted)
