"""The presence of prompts over a whole recording, gathered as its chunks come, and told in a report."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from torch import Tensor

from stemless.report import MIN_SOUND_SECONDS

# What counts as there in the times of a report.
PRESENT = 0.5


class PresenceLog:
    """The presence of all prompts over a whole recording, as the chunks come.

    Args:
        prompts: how many.
    """

    def __init__(self, prompts: int) -> None:
        # Not lists of tensors: many small ones that live long keep the heap from being given back.
        self._times = array("d")
        self._curves = [array("d") for _ in range(prompts)]

    def hear(self, start_seconds: float, middles_seconds: Tensor, presence: Tensor) -> None:
        """Take the stretches of the next chunk: [windows] and [prompts, windows]."""
        self._times.extend((start_seconds + middles_seconds).tolist())
        for curve, values in zip(self._curves, presence.tolist(), strict=True):
            curve.extend(values)

    def curves(self) -> tuple[list[float], list[list[float]]]:
        """Times in seconds, and of each prompt its presence there."""
        return list(self._times), [list(curve) for curve in self._curves]

    def overall(self) -> list[float]:
        """One number a prompt: how sure one is where one is surest."""
        return [max(curve, default=0.0) for curve in self.curves()[1]]

    def activities(self, sounding: Sequence[list[list[float]]]) -> list[list[list[float]]]:
        """The stretches [start, end] in which a stem sounds and its prompt is there.

        Args:
            sounding: of the first prompts, or of all, the stretches in which their stems sound.
        """
        times, curves = self.curves()
        result = []
        for spans, curve in zip(sounding, curves, strict=False):
            there = _stretches_above(times, curve, PRESENT)
            both = [
                [max(span[0], first), min(span[1], last)]
                for span in spans
                for first, last in there
                if min(span[1], last) - max(span[0], first) >= min(MIN_SOUND_SECONDS, span[1] - span[0])
            ]
            result.append([[round(first, 3), round(last, 3)] for first, last in both])
        return result


def _stretches_above(
    times: Sequence[float], values: Sequence[float], threshold: float
) -> list[tuple[float, float]]:
    """Where the broken line through the values, held at both ends, is above the threshold."""
    edges: list[float] = []
    inside = False
    for number, value in enumerate(values):
        if (value > threshold) == inside:
            continue
        if number == 0:
            edges.append(-math.inf)
        else:
            share = (threshold - values[number - 1]) / (value - values[number - 1])
            edges.append(times[number - 1] + share * (times[number] - times[number - 1]))
        inside = not inside
    if inside:
        edges.append(math.inf)
    return list(zip(edges[::2], edges[1::2], strict=True))
