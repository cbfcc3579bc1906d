"""What a joint text-audio embedding offers, and a cache so that each phrase is embedded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class TextEmbedding:
    """Phrases as a joint embedding hears them, padded to the longest of the batch.

    tokens: [batch, tokens, width], the states of the text tower, 0 where padded.
    mask: [batch, tokens] bool, True where there is a token.
    vector: [batch, dimension], of length 1.
    """

    tokens: Tensor
    mask: Tensor
    vector: Tensor

    def __len__(self) -> int:
        return len(self.vector)

    def to(self, device: torch.device | str) -> TextEmbedding:
        return TextEmbedding(self.tokens.to(device), self.mask.to(device), self.vector.to(device))

    def phrases(self) -> list[PhraseEmbedding]:
        """Each phrase by itself, without padding and with memory of its own."""
        return [
            PhraseEmbedding(tokens[mask], vector.clone())
            for tokens, mask, vector in zip(self.tokens, self.mask, self.vector, strict=True)
        ]


@dataclass(frozen=True)
class PhraseEmbedding:
    """One phrase: tokens [tokens, width] and vector [dimension]."""

    tokens: Tensor
    vector: Tensor


def pad_phrases(phrases: Sequence[PhraseEmbedding]) -> TextEmbedding:
    """A batch of phrases, in order, padded to the longest.

    >>> short, long = (PhraseEmbedding(torch.ones(n, 4), torch.ones(2)) for n in (1, 3))
    >>> pad_phrases([short, long]).mask
    tensor([[ True, False, False],
            [ True,  True,  True]])
    """
    lengths = torch.tensor([len(phrase.tokens) for phrase in phrases])
    tokens = nn.utils.rnn.pad_sequence([phrase.tokens for phrase in phrases], batch_first=True)
    mask = torch.arange(tokens.shape[1]) < lengths[:, None]
    return TextEmbedding(tokens, mask.to(tokens.device), torch.stack([phrase.vector for phrase in phrases]))


class TextEncoder(Protocol):
    """The text side of a joint embedding; a phrase cache can stand in for it."""

    @property
    def identity(self) -> str:
        """Changes whenever a phrase would come out different: other weights, other tokens."""
        ...

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """Phrases, at least one -> token states, mask and vectors; text needs no gradient and has none."""
        ...


class JointEmbedding(TextEncoder, Protocol):
    """Text and audio in one space: what belongs together has vectors that point the same way.

    The network is frozen. Similarities are logits after division by `temperature`.
    """

    @property
    def sample_rate(self) -> int:
        """Of the audio that it hears."""
        ...

    @property
    def token_width(self) -> int:
        """Width of the token states."""
        ...

    @property
    def dimension(self) -> int:
        """Of the joint space."""
        ...

    @property
    def temperature(self) -> float:
        """Learned with the towers: logits = similarity / temperature."""
        ...

    def embed_audio(self, audio: Tensor) -> Tensor:
        """[batch, time] at `sample_rate`, any length -> [batch, dimension], of length 1.

        Gradients reach the samples.
        """
        ...

    def embed_recording(self, audio: Tensor) -> Tensor:
        """A whole recording [time] at `sample_rate`, of any length -> [dimension], of length 1.

        It is heard as recordings were in training, however short or long they are; a stretch that was cut out
        of something longer is for `embed_audio`.
        """
        ...


class PhraseStore(Protocol):
    """Where embedded phrases outlive the process."""

    def find(self, phrases: Iterable[str]) -> dict[str, PhraseEmbedding]:
        """Those of the phrases that are stored."""
        ...

    def add(self, phrases: dict[str, PhraseEmbedding]) -> None:
        """Store phrases."""
        ...


class PhraseCache:
    """The text side of an embedding, which computes each phrase once.

    Phrases are kept in memory, on the CPU, and where a folder is given in files there, for later runs
    and other processes (see `phrase_store.DiskPhraseStore`).

    Args:
        encoder: the joint embedding.
        directory: folder of the files, made when it is needed; may be shared by any number of embeddings
            and processes.
        batch_size: phrases that are embedded, and stored, at a time.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        directory: str | Path | None = None,
        *,
        batch_size: int = 256,
    ) -> None:
        self._encoder = encoder
        self._batch_size = batch_size
        self._known: dict[str, PhraseEmbedding] = {}
        self._store: PhraseStore | None = None
        if directory is not None:
            from stemless.query.phrase_store import DiskPhraseStore

            self._store = DiskPhraseStore(directory, encoder.identity)

    @property
    def identity(self) -> str:
        return self._encoder.identity

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """As `JointEmbedding.embed_text`, on the CPU.

        Raises:
            ValueError: a single string, or no phrase at all, was given.
        """
        if isinstance(phrases, str) or not phrases:
            raise ValueError("give a list of phrases, at least one")
        self.prepare(phrases)
        return pad_phrases([self._known[phrase] for phrase in phrases])

    def forget(self) -> None:
        """Free the memory; phrases in files stay there."""
        self._known.clear()

    def prepare(self, phrases: Iterable[str]) -> None:
        """Embed what is not known yet, for instance all phrases of a data set before its training."""
        missing = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._known]
        if missing and self._store is not None:
            self._known.update(self._store.find(missing))
            missing = [phrase for phrase in missing if phrase not in self._known]
        for start in range(0, len(missing), self._batch_size):
            batch = missing[start : start + self._batch_size]
            embedded = self._encoder.embed_text(batch).to("cpu").phrases()
            made = dict(zip(batch, embedded, strict=True))
            self._known.update(made)
            if self._store is not None:
                self._store.add(made)
