"""Separators simple enough that what they must give is known beforehand, and signals to give them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, stft


@dataclass(frozen=True)
class Named:
    """Asks for nothing but names; remembers the stretches it was cut to."""

    names: tuple[str, ...]
    cuts: list[tuple[float, float]] = field(default_factory=list)

    def cut(self, start_seconds: float, end_seconds: float) -> Named:
        self.cuts.append((start_seconds, end_seconds))
        return self


@dataclass
class Toy:
    """What the toys have in common."""

    name: str = "toy"
    sample_rate: int = 16000
    grid: Grid = field(default_factory=lambda: Grid(2048, 256))
    context_seconds: float = 0.1
    chunk_seconds: float = 4.0

    def survey(
        self, stretches: Iterable[Stretch[Named]], condition: Named, duration_seconds: float
    ) -> object:
        return None

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        raise NotImplementedError

    def spread(self, shares: Tensor, audio: Tensor) -> Tensor:
        """[sources] or [sources, bins] to masks [1, sources, bins, frames]."""
        shares = shares if shares.ndim == 2 else shares[:, None].expand(-1, self.grid.bins)
        return shares[None, :, :, None].expand(-1, -1, -1, self.grid.frames(audio.shape[-1])).clone()


@dataclass
class Shares(Toy):
    """Gives every source a constant share of everything."""

    shares: tuple[float, ...] = (1.0,)

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        return self.spread(torch.tensor(self.shares), audio)


@dataclass
class Split(Toy):
    """Two sources, loud bins and quiet bins: each frame by itself, so that chunks cannot matter."""

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        level = stft(audio, self.grid).abs()
        loud = level / (level + 3.0)
        return torch.stack((loud, 1 - loud), dim=1)


@dataclass
class Bands(Toy):
    """Two sources, below and above a frequency."""

    edge_hz: float = 1000.0

    def masks(self, audio: Tensor, condition: Named, survey: object) -> Tensor:
        frequencies_hz = torch.linspace(0, self.sample_rate / 2, self.grid.bins)
        low = (frequencies_hz < self.edge_hz).float()
        return self.spread(torch.stack((low, 1 - low)), audio)


def noise(channels: int, samples: int, seed: int = 0) -> Tensor:
    return 0.2 * torch.randn(channels, samples, generator=torch.Generator().manual_seed(seed))


def error_db(estimate: Tensor, reference: Tensor) -> float:
    """Power of the difference against that of the reference."""
    difference = (estimate.double() - reference.double()).square().sum()
    return float(10 * torch.log10(difference / reference.double().square().sum() + 1e-30))
