"""Separators by prompts at full size that have learned nothing: how long they take is known before that.

The norms have seen noise, so that numbers stay in the range that they have in a trained network: a processor
is slow where they all but vanish.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from stemless.query import compact
from stemless.query.audio_tower import AudioConfig, AudioTower
from stemless.query.compact_unet import CompactConfig
from stemless.query.model import Network, NetworkConfig, SeparatorSettings, make_network, save_separator
from stemless.query.text_tower import TextConfig, TextTower
from stemless.query.unet import UNetConfig
from stemless.query.vocabulary import CHARACTERS, SPECIAL

CARD = "# Untrained\n\nHas learned nothing, and is to be timed.\n"
NETWORKS: dict[str, NetworkConfig] = {
    "compact": CompactConfig(text_width=384, text_dimension=256),
    "unet": UNetConfig(),
}
PIECES = 10_000
SECONDS = 2.0
TEMPERATURE = 0.05


def write_untrained(folder: Path, name: str, words: Sequence[str]) -> Path:
    """Write a separator into `folder/<name>`, and the embedding that it takes its prompts from beside it.

    Args:
        folder: made if it is not there.
        name: "compact" for the default network, "unet" for the paper's.
        words: whole pieces of the vocabulary, so that prompts made of them are as long as they would be.

    Returns:
        The folder of the separator.
    """
    config = NETWORKS[name]
    torch.manual_seed(0)
    embedding = folder / f"{name}-embedding"
    compact.save(embedding, _embedding(config, words), CARD)
    network = make_network(config)
    settle(network)
    settings = SeparatorSettings(embedding=str(embedding))
    return save_separator(folder / name, network, settings, card=CARD)


def settle(network: Network) -> None:
    """Let the norms see noise in place of a mixture, and random prompts."""
    config = network.config
    norms = [each for each in network.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = None  # the mean of all that is seen
    frames = config.grid.frames(round(SECONDS * config.sample_rate))
    magnitude = torch.rand(1, config.grid.bins, frames) * 3
    tokens = torch.randn(1, 2, 4, config.text_width)
    vector = torch.nn.functional.normalize(torch.randn(1, 2, config.text_dimension), dim=-1)
    network.train()
    with torch.no_grad():
        network(magnitude, tokens, torch.ones(tokens.shape[:-1], dtype=torch.bool), vector)
    network.eval()
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum


def _embedding(config: NetworkConfig, words: Sequence[str]) -> compact.CompactEmbedding:
    pieces = list(dict.fromkeys((*SPECIAL, *CHARACTERS, *words)))
    # The others are never met, but take their time to be read from the disk.
    pieces += [f"[{number}]" for number in range(PIECES - len(pieces))]
    text = TextTower(
        TextConfig(len(pieces), width=config.text_width, dimension=config.text_dimension), pieces
    )
    audio = AudioTower(AudioConfig(dimension=config.text_dimension))
    return compact.CompactEmbedding(text, audio, TEMPERATURE, SECONDS)
