"""The small joint embedding that ships: a distilled text tower, and an audio tower trained towards it."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from stemless import checkpoint
from stemless.configuration import from_mapping
from stemless.errors import CheckpointError, StemlessError
from stemless.query import text_tower
from stemless.query.audio_tower import AudioConfig, AudioTower
from stemless.query.embedding import TextEmbedding
from stemless.query.text_tower import TextTower

KIND = "query/embedding"
TEXT, AUDIO = "text.", "audio."
"""What the names of either tower's tensors begin with in a checkpoint."""


class CompactEmbedding(nn.Module):
    """A `JointEmbedding` of a text tower and an audio tower, both frozen here.

    Args:
        text: the text tower.
        audio: the audio tower, whose vectors lie in the same space.
        temperature: similarities are logits after division by it.
        clip_seconds: length of the clips that the audio tower learned from.
    """

    def __init__(self, text: TextTower, audio: AudioTower, temperature: float, clip_seconds: float) -> None:
        super().__init__()
        if text.config.dimension != audio.config.dimension:
            raise ValueError(
                f"a text tower of {text.config.dimension} dimensions and an audio tower of "
                f"{audio.config.dimension} have no space in common"
            )
        if not temperature > 0:
            raise ValueError("temperature is above 0")
        if not clip_seconds > 0:
            raise ValueError("clip_seconds is above 0")
        self.text = text
        self.audio = audio
        self.temperature = temperature
        self.clip_seconds = clip_seconds
        self.eval().requires_grad_(False)

    def train(self, mode: bool = True) -> CompactEmbedding:
        """Stays as it was trained, also inside a model that is learning."""
        return super().train(False)

    @property
    def sample_rate(self) -> int:
        return self.audio.config.sample_rate

    @property
    def token_width(self) -> int:
        return self.text.config.width

    @property
    def dimension(self) -> int:
        return self.audio.config.dimension

    @property
    def device(self) -> torch.device:
        return self.audio.head.weight.device

    @property
    def identity(self) -> str:
        """That of the text tower: cached phrases stay good when the audio tower is trained again."""
        return self.text.identity

    @cached_property
    def audio_identity(self) -> str:
        """A digest of all that the vector of a sound depends on; read when the weights are final."""
        digest = hashlib.sha256(repr((self.audio.config, self.clip_seconds)).encode())
        for name, tensor in sorted(self.audio.state_dict().items()):
            digest.update(f"{name}:{tensor.dtype}{list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return f"audio:{digest.hexdigest()}"

    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """Phrases, at least one -> token states, mask and vectors of length 1, without gradient."""
        return self.text.embed_text(phrases)

    def embed_audio(self, audio: Tensor) -> Tensor:
        """Sounds [batch, time] at `sample_rate`, any length -> [batch, dimension] of length 1.

        Gradients reach the samples. Inside torch.autocast with bfloat16 it takes half the time.
        """
        vectors: Tensor = self.audio(audio)
        return vectors

    def embed_recording(self, audio: Tensor) -> Tensor:
        """A whole recording [time] at `sample_rate` -> [dimension], of length 1.

        What is shorter than a clip of training lies in the middle of silence, as it did there; what is longer
        is heard in clips that overlap by half or more, and the mean of their vectors counts.

        Raises:
            ValueError: the audio is not [time] with at least one sample.
        """
        if audio.ndim != 1 or not len(audio):
            raise ValueError(f"a recording must be [time] with at least one sample, not {list(audio.shape)}")
        length = round(self.clip_seconds * self.sample_rate)
        missing = max(0, length - len(audio))
        audio = pad(audio, (missing // 2, missing - missing // 2))
        starts = torch.linspace(0, len(audio) - length, math.ceil(2 * len(audio) / length) - 1).round()
        clips = [audio[None, start : start + length] for start in starts.int().tolist()]
        return normalize(torch.cat([self.embed_audio(clip) for clip in clips]).mean(0), dim=0)

    def forward(self, audio: Tensor) -> Tensor:
        """As `embed_audio`."""
        return self.embed_audio(audio)


def save(directory: str | Path, embedding: CompactEmbedding, card: str) -> Path:
    """Write both towers as a checkpoint folder, the audio tower in half precision.

    Raises:
        CheckpointError: as of `checkpoint.save`.
    """
    shape, text = text_tower.pack(embedding.text)
    config = {
        "kind": KIND,
        "temperature": embedding.temperature,
        "clip_seconds": embedding.clip_seconds,
        "audio": dataclasses.asdict(embedding.audio.config),
        "text": shape,
    }
    tensors = {TEXT + name: tensor for name, tensor in text.items()}
    for name, tensor in embedding.audio.state_dict().items():
        tensors[AUDIO + name] = tensor.half() if tensor.is_floating_point() else tensor
    return checkpoint.save(directory, config, tensors, card)


def load(reference: str | Path) -> CompactEmbedding:
    """The embedding behind a shipped name, a folder or hf://USER/MODEL, frozen and on the CPU.

    Raises:
        CheckpointError: nothing is there, or it is no embedding of this version.
    """
    stored = checkpoint.load(reference)
    kind = stored.config.get("kind", "a model of unknown kind")
    if kind != KIND:
        raise CheckpointError(f"{reference}: holds {kind} and not {KIND}; give the folder of an embedding")
    try:
        audio = AudioTower(from_mapping(AudioConfig, stored.config["audio"], where="audio"))
        audio.load_state_dict(_part(stored.tensors, AUDIO))
        text = text_tower.unpack(stored.config["text"], _part(stored.tensors, TEXT))
        return CompactEmbedding(
            text, audio, float(stored.config["temperature"]), float(stored.config["clip_seconds"])
        )
    except (KeyError, TypeError, ValueError, RuntimeError, StemlessError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise CheckpointError(
            f"{reference}: does not fit this version ({reason}); fetch or train it again"
        ) from None


def _part(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
