"""Whether what a prompt names is there at all, as a number from 0 to 1; and what follows for its mask.

A network that was asked for a sound gives one, whether it is there or not. Five measures of a stretch tell:

- mixture: how much nearer the mixture is to the prompt than to common sounds, in their deviations;
- separated: the same of what the mask takes;
- margin: log odds of the prompt against those sounds, for what the mask takes (a single source, so that they
  exclude each other);
- share: of the energy that the mask takes, in tens of dB;
- contrast: how near the mask is to one where it takes something.

A logistic regression makes one number of them, a probability once `calibrate` has fitted it.
"""

from __future__ import annotations

from dataclasses import dataclass

from stemless.query.background import BACKGROUND

FEATURES = ("mixture", "separated", "margin", "share", "contrast")
LOWEST_SHARE_DB = -40.0
SMALLEST_DEVIATION = 1e-4


@dataclass(frozen=True)
class PresenceConfig:
    """How presence is told, beside the model that it is told of.

    weights, bias: of the logistic regression, one weight a measure, in the order of `FEATURES`.
    gate_threshold: where a mask is halved. gate_slope: how sharply, in powers of the odds.
    window_seconds, hop_seconds: of the stretches that are judged.
    background: what a prompt is compared with. alike: sounds of it whose vectors are nearer than this to
    that of the prompt are not held against it.
    """

    weights: tuple[float, ...] = (0.8, 0.8, 0.4, 0.5, 2.0)
    bias: float = -1.0
    gate_threshold: float = 0.2
    gate_slope: float = 2.0
    window_seconds: float = 4.0
    hop_seconds: float = 2.0
    background: tuple[str, ...] = BACKGROUND
    alike: float = 0.7

    def __post_init__(self) -> None:
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"weights must be {len(FEATURES)}, one for each of {', '.join(FEATURES)}")
        if not 0 < self.gate_threshold < 1 or self.gate_slope <= 0:
            raise ValueError("gate_threshold must be between 0 and 1, and gate_slope above 0")
        if not 0 < self.hop_seconds <= self.window_seconds:
            raise ValueError("hop_seconds must be above 0 and at most window_seconds")
        if len(self.background) < 3:
            raise ValueError("background needs three phrases at least")
