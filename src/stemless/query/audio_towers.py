"""Several audio towers as one: what each hears, and the mean of it.

Towers that were trained apart err apart. What one has learned by heart, another one of another size or that
stopped earlier has not, so that their mean knows more of sounds without a label than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from stemless.query.audio_tower import AudioConfig, AudioTower


class AudioTowers(nn.Module):
    """Sound [batch, time] -> vectors [batch, dimension] of length 1: the mean of what all towers say.

    Args:
        towers: at least one; of one rate and one dimension.
        shares: how much each counts; all alike when none are given.
    """

    def __init__(self, towers: Sequence[AudioTower], shares: Sequence[float] = ()) -> None:
        super().__init__()
        if not towers:
            raise ValueError("there must be an audio tower")
        self.shares = tuple(shares) or (1.0,) * len(towers)
        if len(self.shares) != len(towers) or min(self.shares) <= 0:
            raise ValueError("each audio tower needs a share above 0")
        if len({(tower.config.sample_rate, tower.config.dimension) for tower in towers}) > 1:
            raise ValueError("audio towers of different rates or dimensions have no vector in common")
        self.towers = nn.ModuleList(towers)

    @property
    def members(self) -> list[AudioTower]:
        """The towers, in order."""
        return cast("list[AudioTower]", list(self.towers))

    @property
    def configs(self) -> tuple[AudioConfig, ...]:
        """Shapes of the towers."""
        return tuple(tower.config for tower in self.members)

    @property
    def sample_rate(self) -> int:
        return self.configs[0].sample_rate

    @property
    def dimension(self) -> int:
        return self.configs[0].dimension

    def forward(self, audio: Tensor) -> Tensor:
        """As of `AudioTower`."""
        if len(self.towers) == 1:
            vector: Tensor = self.towers[0](audio)
            return vector
        vectors = [share * tower(audio) for share, tower in zip(self.shares, self.towers, strict=True)]
        return normalize(torch.stack(vectors).sum(0), dim=-1)
