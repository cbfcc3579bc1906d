"""A gated recurrent unit whose training step is fast on few cores.

The arithmetic and the parameters are those of `torch.nn.GRU` with one layer. What differs is the
bookkeeping: the loop over time holds one small matrix product a step and everything that can be
taken out of it is: the input products forward, and the weight gradients backward, are one large
product each, where autograd would add up a full-size weight gradient at every time step.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from stemless.voices.products import linear


class _Recurrence(torch.autograd.Function):
    """h_t from the input products of all steps: gates r, z, n as in Cho et al., 2014."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, initial: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        # projected [time, batch, 3 size], initial [batch, size], weight [3 size, size], bias [3 size]
        steps, batch, triple = projected.shape
        size = triple // 3
        states = projected.new_empty(steps + 1, batch, size)
        states[0] = initial
        reset_update = projected.new_empty(steps, batch, 2 * size)
        candidate = projected.new_empty(steps, batch, size)
        recurrent_candidate = projected.new_empty(steps, batch, size)
        transposed = weight.t().contiguous()
        product = projected.new_empty(batch, triple)
        for step in range(steps):
            torch.addmm(bias, states[step], transposed, out=product)
            gates = reset_update[step]
            torch.add(projected[step, :, : 2 * size], product[:, : 2 * size], out=gates)
            gates.sigmoid_()
            recurrent_candidate[step] = product[:, 2 * size :]
            new = candidate[step]
            torch.addcmul(projected[step, :, 2 * size :], gates[:, :size], product[:, 2 * size :], out=new)
            new.tanh_()
            torch.lerp(new, states[step], gates[:, size:], out=states[step + 1])
        ctx.save_for_backward(states, reset_update, candidate, recurrent_candidate, weight)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        states, reset_update, candidate, recurrent_candidate, weight = ctx.saved_tensors
        (outer,) = gradients
        steps, batch, size = candidate.shape
        reset, update = reset_update[..., :size], reset_update[..., size:]
        # Everything that does not depend on the gradient passed back in time, at once.
        keep = (1.0 - update) * (1.0 - candidate.square())
        of_update = (states[:-1] - candidate) * update * (1.0 - update)
        of_reset = recurrent_candidate * reset * (1.0 - reset)
        d_recurrent = states.new_empty(steps, batch, 3 * size)
        d_candidate = states.new_empty(steps, batch, size)
        d_state = torch.zeros_like(states[0])
        for step in range(steps - 1, -1, -1):
            d_state.add_(outer[step])
            d_new = torch.mul(d_state, keep[step], out=d_candidate[step])
            row = d_recurrent[step]
            torch.mul(d_new, of_reset[step], out=row[:, :size])
            torch.mul(d_state, of_update[step], out=row[:, size : 2 * size])
            torch.mul(d_new, reset[step], out=row[:, 2 * size :])
            d_state = torch.addmm(d_state * update[step], row, weight)
        d_projected = torch.cat([d_recurrent[..., : 2 * size], d_candidate], -1)
        flat = d_recurrent.flatten(0, 1)
        return d_projected, d_state, linear(flat.t(), states[:-1].flatten(0, 1).t()), flat.sum(0)


def gru(projected: Tensor, initial: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """States of a GRU at all steps.

    Args:
        projected: products of the inputs with the input weights, bias included: [batch, time, 3 size],
            in the order reset, update, candidate. They may come in a lower precision (autocast); the
            recurrence, which adds up its own errors, runs in the precision of its weights.
        initial: [batch, size], state before the first step.
        weight: recurrent, [3 size, size]. bias: [3 size].

    Returns:
        [batch, time, size].
    """
    by_time = projected.transpose(0, 1).to(weight.dtype)
    states: Tensor = _Recurrence.apply(by_time, initial, weight, bias)  # type: ignore[no-untyped-call]
    return states.transpose(0, 1)


class GRU(nn.Module):
    """One layer of `torch.nn.GRU(batch_first=True)` by other means: same names, shapes and start values."""

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        self.size = size
        bound = 1.0 / math.sqrt(size)
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * size, features).uniform_(-bound, bound))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * size, size).uniform_(-bound, bound))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * size).uniform_(-bound, bound))
        self.bias_hh_l0 = nn.Parameter(torch.empty(3 * size).uniform_(-bound, bound))

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, time, features] -> [batch, time, size], from a state of zero."""
        return self.recur(linear(inputs, self.weight_ih_l0, self.bias_ih_l0))

    def forward_joined(self, own: Tensor, shared: Tensor) -> Tensor:
        """Inputs of two halves, the second shared by groups of the batch: multiplied once a group.

        Args:
            own: [batch * group, time, features_own].
            shared: [batch, time, features_shared].

        Returns:
            what `forward` makes of `cat([own, shared.repeat_interleave(group, 0)], -1)`.
        """
        features = own.shape[-1]
        projected = linear(own, self.weight_ih_l0[:, :features], self.bias_ih_l0)
        common = linear(shared, self.weight_ih_l0[:, features:])
        grouped = projected.unflatten(0, (shared.shape[0], -1)) + common.unsqueeze(1)
        return self.recur(grouped.flatten(0, 1))

    def recur(self, projected: Tensor) -> Tensor:
        """States from inputs already multiplied: [batch, time, 3 size] -> [batch, time, size]."""
        initial = self.weight_hh_l0.new_zeros(projected.shape[0], self.size)
        return gru(projected, initial, self.weight_hh_l0, self.bias_hh_l0)
