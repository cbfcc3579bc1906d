"""The small joint embedding that ships: a distilled text tower, and an audio tower trained towards it.

Others may stand beside the audio tower, for whole recordings alone: towers that learned apart from each other
err apart from each other, and each costs as much time as the first.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
TEXT, AUDIO, BESIDE = "text.", "audio.", "beside{}."
"""What the names of each tower's tensors begin with in a checkpoint."""


@dataclass(frozen=True)
class Beside:
    """A tower beside the first; what it hears counts `weight` times as much."""

    tower: AudioTower
    weight: float

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise ValueError("the weight of a tower is above 0")


class CompactEmbedding(nn.Module):
    """A `JointEmbedding` of a text tower and an audio tower, both frozen here.

    Args:
        text: the text tower.
        audio: the audio tower, whose vectors lie in the same space.
        temperature: similarities are logits after division by it.
        clip_seconds: length of the clips that the audio tower learned from.
        beside: towers that whole recordings are heard with as well, at the same rate and in the same space.
    """

    def __init__(
        self,
        text: TextTower,
        audio: AudioTower,
        temperature: float,
        clip_seconds: float,
        beside: Sequence[Beside] = (),
    ) -> None:
        super().__init__()
        for config in (audio.config, *(other.tower.config for other in beside)):
            if text.config.dimension != config.dimension:
                raise ValueError(
                    f"a text tower of {text.config.dimension} dimensions and an audio tower of "
                    f"{config.dimension} have no space in common"
                )
            if config.sample_rate != audio.config.sample_rate:
                raise ValueError("audio towers beside each other hear the same sample rate")
        if not temperature > 0:
            raise ValueError("temperature is above 0")
        if not clip_seconds > 0:
            raise ValueError("clip_seconds is above 0")
        self.text = text
        self.audio = audio
        self.others = nn.ModuleList(other.tower for other in beside)
        self.weights = tuple(other.weight for other in beside)
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

    @property
    def towers(self) -> list[AudioTower]:
        """The audio tower, and those beside it."""
        return [self.audio, *self.others]

    @property
    def beside(self) -> list[Beside]:
        return [Beside(*pair) for pair in zip(self.towers[1:], self.weights, strict=True)]

    @cached_property
    def audio_identity(self) -> str:
        """A digest of all that the vector of a sound depends on; read when the weights are final."""
        shapes = [tower.config for tower in self.towers]
        digest = hashlib.sha256(repr((shapes, self.weights, self.clip_seconds)).encode())
        named = [item for tower in self.towers for item in sorted(tower.state_dict().items())]
        for name, tensor in named:
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
        is heard in clips that overlap by half or more, and the mean of their vectors counts. All towers hear
        it: the sum of what each says, by its weight, has the direction that is returned.

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
        weighted = zip(self.towers, (1.0, *self.weights), strict=True)
        return normalize(sum(weight * tower(clip)[0] for tower, weight in weighted for clip in clips), dim=0)

    def forward(self, audio: Tensor) -> Tensor:
        """As `embed_audio`."""
        return self.embed_audio(audio)


def save(directory: str | Path, embedding: CompactEmbedding, card: str) -> Path:
    """Write all towers as a checkpoint folder, those for audio in half precision.

    Raises:
        CheckpointError: as of `checkpoint.save`.
    """
    shape, text = text_tower.pack(embedding.text)
    config = {
        "kind": KIND,
        "temperature": embedding.temperature,
        "clip_seconds": embedding.clip_seconds,
        "audio": dataclasses.asdict(embedding.audio.config),
        "beside": [
            {"weight": other.weight, "audio": dataclasses.asdict(other.tower.config)}
            for other in embedding.beside
        ],
        "text": shape,
    }
    tensors = {TEXT + name: tensor for name, tensor in text.items()}
    for start, tower in zip(_starts(len(embedding.beside)), embedding.towers, strict=True):
        for name, tensor in tower.state_dict().items():
            tensors[start + name] = tensor.half() if tensor.is_floating_point() else tensor
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
        beside = stored.config.get("beside", [])
        towers = []
        for start, part in zip(_starts(len(beside)), [stored.config, *beside], strict=True):
            tower = AudioTower(from_mapping(AudioConfig, part["audio"], where="audio"))
            tower.load_state_dict(_part(stored.tensors, start))
            towers.append(tower)
        return CompactEmbedding(
            text_tower.unpack(stored.config["text"], _part(stored.tensors, TEXT)),
            towers[0],
            float(stored.config["temperature"]),
            float(stored.config["clip_seconds"]),
            [Beside(tower, float(part["weight"])) for tower, part in zip(towers[1:], beside, strict=True)],
        )
    except (KeyError, TypeError, ValueError, RuntimeError, StemlessError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise CheckpointError(
            f"{reference}: does not fit this version ({reason}); fetch or train it again"
        ) from None


def _starts(beside: int) -> list[str]:
    """Of the names of the tensors of the audio tower, and of as many beside it."""
    return [AUDIO, *(BESIDE.format(number) for number in range(1, beside + 1))]


def _part(tensors: Mapping[str, Tensor], start: str) -> dict[str, Tensor]:
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}
