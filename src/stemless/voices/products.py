"""Matrix products of layers, by the faster of the two libraries that torch carries for a processor.

On some processors the library behind torch's ordinary float32 product reaches less than half of what
oneDNN does at the same precision (89 against 220 GFLOP/s on one core where this was written). oneDNN is
reached through its own tensors; a copy in and out costs little beside a product of this size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear`, through oneDNN where no gradient is asked for.

    Args:
        inputs: [..., features]. weight: [size, features]. bias: [size].

    Returns:
        [..., size].

    >>> with torch.no_grad():
    ...     linear(torch.ones(2, 3), torch.ones(1, 3)).tolist()
    [[3.0], [3.0]]
    """
    plain = (
        torch.is_grad_enabled()
        or torch.is_autocast_enabled(inputs.device.type)
        or inputs.device.type != "cpu"
        or inputs.dtype != torch.float32
        or weight.dtype != torch.float32
        or not torch.backends.mkldnn.is_available()
        or inputs.numel() == 0
    )
    if plain:
        return nn.functional.linear(inputs, weight, bias)
    return nn.functional.linear(inputs.to_mkldnn(), weight, bias).to_dense()


ROWS_AT_ONCE = 2048
"""Rows that go through a stack of layers together, few enough to stay in the cache."""


class Stack(nn.Sequential):
    """`torch.nn.Sequential` of layers that treat every row alone; without a gradient, in blocks of rows."""

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.flatten(0, -2)
        if torch.is_grad_enabled() or len(rows) <= ROWS_AT_ONCE:
            return self._layers(inputs)
        made = [self._layers(block) for block in rows.split(ROWS_AT_ONCE)]
        return torch.cat(made).reshape(*inputs.shape[:-1], -1)

    def _layers(self, values: Tensor) -> Tensor:
        for layer in self:
            values = layer(values)
        return values


class Linear(nn.Linear):
    """`torch.nn.Linear` by `linear`: same parameters."""

    def forward(self, inputs: Tensor) -> Tensor:
        return linear(inputs, self.weight, self.bias)
