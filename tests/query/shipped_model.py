"""A separator by prompts on the disk, that has learned nothing, and its embedding of tones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toy_embedding import BANDS, ToneEmbedding

from stemless.query import model
from stemless.query.compact_unet import CompactConfig, CompactUNet
from stemless.query.embedding import JointEmbedding
from stemless.query.model import SeparatorSettings, save_separator
from stemless.query.presence import PresenceConfig

CONFIG = CompactConfig(
    sample_rate=8000, n_fft=254, hop_length=64, bands=64, channels=(4, 8, 8), shared_channels=(4, 4),
    prompt_channels=(4, 4), output_channels=4, heads=2, text_width=6, text_dimension=BANDS,
)  # fmt: skip


def write_model(folder: Path) -> Path:
    torch.manual_seed(0)
    settings = SeparatorSettings(
        identity="tones:6", presence=PresenceConfig(bias=4.0, background=("rain", "wind", "bells", "hum"))
    )
    return save_separator(folder, CompactUNet(CONFIG), settings, card="# Tiny\n\nKnows nothing.\n")


def lend_embedding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedding that the model names is found, wherever it is."""

    def found(reference: object, **_: object) -> JointEmbedding:
        return ToneEmbedding(8000)

    monkeypatch.setattr(model, "load_embedding", found)
