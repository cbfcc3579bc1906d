"""The embedding that a training is given: words for the network, ears for the contrast, or random ones."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stemless import checkpoint
from stemless.query.collation import phrase_id
from stemless.query.embedding import JointEmbedding, TextEmbedding, TextEncoder
from stemless.query.model import load_embedding

TEXT_KIND = "query/text"
CLAP_PREFIX = "clap:"


def load_teacher(
    reference: str, device: torch.device | str = "cpu"
) -> tuple[TextEncoder, JointEmbedding | None]:
    """The text side behind a reference, and the whole embedding where it also hears.

    Args:
        reference: a joint embedding, ours or a CLAP: a shipped name, a folder or hf://USER/MODEL; a text
            tower alone; or clap:NAME of a CLAP on the hub.

    Raises:
        CheckpointError: there is none, or it is something else.
        MissingExtraError: it is a CLAP, and the extra `clap` is not installed.
    """
    if reference.startswith(CLAP_PREFIX):
        from stemless.query import clap

        embedding: JointEmbedding = clap.load(reference.removeprefix(CLAP_PREFIX), device=device)
        return embedding, embedding
    if checkpoint.load_config(reference).get("kind") == TEXT_KIND:
        from stemless.query import text_tower

        return text_tower.load(reference).to(device), None
    embedding = load_embedding(reference, device=device)
    return embedding, embedding


class RandomTeacher:
    """An embedding of the same build that knows nothing, for comparison.

    Every weight of its ears is drawn anew with the mean and spread of the tensor it replaces, every phrase
    has a random direction; both are fixed by the seed.

    Args:
        embedding: a module, or with one as `model`; it is left as it is.
    """

    def __init__(self, embedding: JointEmbedding, seed: int) -> None:
        self._embedding = copy.deepcopy(embedding)
        self._seed = seed
        module = self._embedding if isinstance(self._embedding, nn.Module) else self._embedding.model  # type: ignore[attr-defined]
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                spread = float(parameter.std()) if parameter.numel() > 1 else 0.0
                drawn = torch.randn(parameter.shape, generator=generator) * spread + float(parameter.mean())
                parameter.copy_(drawn)
        self.sample_rate, self.dimension = embedding.sample_rate, embedding.dimension
        self.token_width, self.temperature = embedding.token_width, float(embedding.temperature)
        self.identity = f"random {seed} of {embedding.identity}"

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """Token states of the random towers; vectors that point anywhere, the same for the same phrase."""
        text = self._embedding.embed_text(phrases)
        vectors = []
        for phrase in phrases:
            generator = torch.Generator().manual_seed((phrase_id(phrase) ^ self._seed) % 2**63)
            vectors.append(torch.randn(self.dimension, generator=generator))
        directions = nn.functional.normalize(torch.stack(vectors), dim=1)
        return TextEmbedding(text.tokens, text.mask, directions.to(text.vector))

    def embed_audio(self, audio: Tensor) -> Tensor:
        """[batch, time] -> [batch, dimension], of length 1."""
        return self._embedding.embed_audio(audio)

    def embed_recording(self, audio: Tensor) -> Tensor:
        """[time] -> [dimension], of length 1."""
        return self._embedding.embed_recording(audio)
