"""A network that knows what a trained one would: the bins of the tone that a prompt names.

Asked for a tone that is not there it answers as trained ones do, with a share of everything.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from toy_embedding import BANDS, HIGHEST_HZ, LOWEST_HZ, ToneEmbedding

from stemless.query.model import SeparatorSettings, StoredSeparator
from stemless.query.presence import PresenceConfig
from stemless.query.separator import QuerySeparator
from stemless.query.unet import UNetConfig


class ToneNetwork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.config = UNetConfig(
            width=2, multiples=(1, 2, 2), modulated_levels=1, heads=2, text_width=6, text_dimension=BANDS
        )
        self.nothing = nn.Parameter(torch.zeros(1))

    def encode(self, magnitude: Tensor) -> Tensor:
        return magnitude

    def decode(self, heard: Tensor, tokens: Tensor, mask: Tensor, vector: Tensor) -> Tensor:
        hz = torch.linspace(0, self.config.sample_rate / 2, heard.shape[-2])
        place = torch.log(hz.clamp_min(1.0) / LOWEST_HZ) / torch.log(torch.tensor(HIGHEST_HZ / LOWEST_HZ))
        own = place * (BANDS - 1) - vector.argmax(-1)[..., None]  # [batch, prompts, bins]
        logits = torch.where(own.abs() < 1.5, 7.0, -7.0)[..., None].expand(*own.shape, heard.shape[-1])
        power = heard.square()[:, None]
        share = (power * (own.abs() < 1.5)[..., None]).sum(-2) / power.sum(-2).clamp_min(1e-9)
        return torch.where(share.mean(-1)[..., None, None] > 0.01, logits, -0.5)


def separator(
    *, gated: bool = True, sample_rate: int = 16000, presence: dict[str, Any] | None = None, **settings: Any
) -> QuerySeparator:
    embedding = ToneEmbedding(sample_rate)
    tones = tuple(f"{200 * 2 ** (step / 4):.0f} Hz" for step in range(18))
    config = PresenceConfig(**{"background": tones} | (presence or {}))
    stored = StoredSeparator(
        ToneNetwork(),  # type: ignore[arg-type]
        embedding,
        SeparatorSettings(presence=config, **settings),
        "toy",
    )
    return QuerySeparator(stored, gated=gated)
