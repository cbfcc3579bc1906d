"""The optimiser of every training, and how its rate goes up and down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class OptimiserConfig:
    """Adam with a linear warm-up and a cosine on the way down to `final_rate_share` of the rate."""

    rate: float = 4e-4
    weight_decay: float = 1e-5
    warm_up_steps: int = 100
    final_rate_share: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise ValueError("rate lies between 0 and 1")


def rate_at(step: int, steps: int, config: OptimiserConfig) -> float:
    """Share of the learning rate at a step of so many.

    >>> c = OptimiserConfig(warm_up_steps=10, final_rate_share=0.1)
    >>> [round(rate_at(step, 110, c), 2) for step in (0, 9, 10, 60, 110)]
    [0.1, 1.0, 1.0, 0.55, 0.1]
    """
    if step < config.warm_up_steps:
        return (step + 1) / config.warm_up_steps
    done = (step - config.warm_up_steps) / max(1, steps - config.warm_up_steps)
    return config.final_rate_share + (1.0 - config.final_rate_share) * 0.5 * (
        1.0 + math.cos(math.pi * min(done, 1.0))
    )


def make_optimiser(
    module: torch.nn.Module, config: OptimiserConfig, steps: int, *, fused: bool = False
) -> Any:
    """Optimiser and schedule in the form that Lightning takes.

    Args:
        fused: one kernel for all parameters: quicker, and other in the last digits.
    """
    optimiser = torch.optim.Adam(
        module.parameters(), config.rate, weight_decay=config.weight_decay, fused=fused or None
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: rate_at(step, steps, config))
    return [optimiser], [{"scheduler": schedule, "interval": "step"}]
