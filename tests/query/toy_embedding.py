"""A joint embedding that knows tones: every phrase is one, and a sound is where its energy lies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from stemless.query.embedding import PhraseEmbedding, TextEmbedding, pad_phrases

BANDS = 32
LOWEST_HZ, HIGHEST_HZ = 200.0, 6400.0


def frequency_hz(phrase: str) -> float:
    """The tone of a phrase: what it says, as in "440 Hz", or one drawn from its letters."""
    number, _, unit = phrase.partition(" ")
    if unit == "Hz":
        return float(number)
    place = int(hashlib.sha256(phrase.encode()).hexdigest()[:8], 16) / 16**8
    return float(LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** place)


def tone(phrase: str, seconds: float = 1.0, sample_rate: int = 16000, level: float = 0.1) -> Tensor:
    """[time]."""
    times = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    return (level * torch.sin(2 * torch.pi * frequency_hz(phrase) * times)).float()


class ToneEmbedding:
    """Phrases and sounds as energy over logarithmic bands; a state for every letter."""

    def __init__(self, sample_rate: int = 16000, token_width: int = 6) -> None:
        self.sample_rate = sample_rate
        self.token_width = token_width
        self.dimension = BANDS
        self.temperature = 0.1
        self.identity = f"tones:{token_width}"

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        return pad_phrases([self._phrase(phrase) for phrase in phrases])

    def _phrase(self, phrase: str) -> PhraseEmbedding:
        generator = torch.Generator().manual_seed(len(phrase))
        letters = torch.randn(len(phrase), self.token_width, generator=generator)
        sound = tone(phrase, 0.25, self.sample_rate)[None]
        return PhraseEmbedding(letters, self.embed_audio(sound)[0])

    def embed_audio(self, audio: Tensor) -> Tensor:
        window = torch.hann_window(audio.shape[-1])
        power = torch.fft.rfft(audio * window).abs().square()
        hz = torch.linspace(0, self.sample_rate / 2, power.shape[-1])
        place = torch.log(hz.clamp_min(1.0) / LOWEST_HZ) / torch.log(torch.tensor(HIGHEST_HZ / LOWEST_HZ))
        centres = torch.linspace(0, 1, BANDS)
        hats = (1 - (place - centres[:, None]).abs() * BANDS).clamp_min(0.0)
        bands = (power @ hats.T + 1e-12).sqrt()
        return torch.nn.functional.normalize(bands, dim=-1)
