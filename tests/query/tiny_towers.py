"""Towers of the compact embedding that are small enough for tests, with random weights."""

from __future__ import annotations

import torch

from stemless.query.audio_tower import AudioConfig, AudioTower
from stemless.query.compact import CompactEmbedding
from stemless.query.text_tower import TextConfig, TextTower, pad_numbers
from stemless.query.vocabulary import CHARACTERS, INSIDE, SPECIAL

PIECES = (*SPECIAL, *CHARACTERS, *(INSIDE + character for character in CHARACTERS))
AUDIO = AudioConfig(
    sample_rate=8000, n_fft=128, hop_length=64, mel_bands=16, high_hz=4000.0, channels=(4, 6), blocks=(1, 1)
)


def text_tower(dimension: int = 8, seed: int = 0) -> TextTower:
    torch.manual_seed(seed)
    config = TextConfig(
        pieces=len(PIECES), positions=24, width=16, inner_width=16, layers=1, heads=2, dimension=dimension
    )
    tower = TextTower(config, PIECES)
    tower.eval().requires_grad_(False)
    # So that phrases lie apart, as with a trained head: their pieces differ, what they share is taken away.
    torch.nn.init.normal_(tower.piece_embedding.weight)
    words = ("dog", "cat", "rain", "siren", "clock", "engine", "the sound of wind")
    _, means = tower(*pad_numbers(tower.numbers_of(words)))
    tower.head.bias.copy_(-(means @ tower.head.weight.T).mean(0))
    return tower


def audio_tower(dimension: int = 8, seed: int = 0) -> AudioTower:
    import dataclasses

    torch.manual_seed(seed)
    return AudioTower(dataclasses.replace(AUDIO, dimension=dimension))


def embedding(seed: int = 0) -> CompactEmbedding:
    return CompactEmbedding(text_tower(seed=seed), audio_tower(seed=seed), 0.05, 0.5)
