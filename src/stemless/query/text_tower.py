"""The small text tower that ships: phrases to token states and to vectors of the joint space.

A transformer of the kind of BERT (Devlin et al., 2019: layers normalised after each residual sum), the mean
over its tokens, and a linear head to the joint space. `text_distillation` teaches it the space of a sentence
model; the audio tower is then trained towards it.

Stored in whole numbers of eight bits, each row of a matrix with a scale of its own (`row_scales`).
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize, scaled_dot_product_attention

from stemless import checkpoint
from stemless.configuration import from_mapping
from stemless.errors import CheckpointError, StemlessError
from stemless.query.attention import join_heads, split_heads
from stemless.query.embedding import TextEmbedding, pad_phrases
from stemless.query.vocabulary import make_tokenizer

KIND = "query/text"
SCALE_SUFFIX = ".scale"
SCALE_BITS = 11


@dataclass(frozen=True)
class TextConfig:
    """Shape of a text tower.

    Attributes:
        pieces: in the vocabulary.
        positions: most pieces of a phrase, its beginning and end marks included; more are not heard.
        width: of the token states.
        inner_width: of the perceptrons.
        dimension: of the joint space.
    """

    pieces: int
    positions: int = 32
    width: int = 384
    inner_width: int = 1536
    layers: int = 4
    heads: int = 12
    dimension: int = 256
    norm_epsilon: float = 1e-12

    def __post_init__(self) -> None:
        for name in ("pieces", "width", "inner_width", "layers", "heads", "dimension"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if self.positions < 3:
            raise ValueError("positions is at least 3")
        if self.width % self.heads:
            raise ValueError("width is a multiple of heads")


class TextLayer(nn.Module):
    """Attention and perceptron, each added to its input and then normalised."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query_key_value = nn.Linear(config.width, 3 * config.width)
        self.attended = nn.Linear(config.width, config.width)
        self.attended_norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.inner = nn.Linear(config.width, config.inner_width)
        self.outer = nn.Linear(config.inner_width, config.width)
        self.outer_norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """[batch, tokens, width] and [batch, tokens], True where there is a token -> states."""
        query, key, value = (
            split_heads(part, self.heads) for part in self.query_key_value(states).chunk(3, dim=-1)
        )
        heard = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None])
        states = self.attended_norm(states + self.attended(join_heads(heard)))
        out: Tensor = self.outer_norm(states + self.outer(gelu(self.inner(states))))
        return out


class TextTower(nn.Module):
    """A `TextEncoder`: phrases -> token states [width] and vectors [dimension].

    Args:
        config: the shape.
        pieces: the vocabulary, in the order of the rows of the piece embedding.
        batch_size: phrases that go through at a time.
    """

    def __init__(self, config: TextConfig, pieces: Sequence[str], *, batch_size: int = 64) -> None:
        super().__init__()
        if len(pieces) != config.pieces:
            raise ValueError(f"{len(pieces)} pieces for an embedding of {config.pieces}")
        self.config = config
        self.pieces = tuple(pieces)
        self.batch_size = batch_size
        self.tokenizer = make_tokenizer(self.pieces, config.positions)
        self.piece_embedding = nn.Embedding(config.pieces, config.width)
        self.position_embedding = nn.Embedding(config.positions, config.width)
        self.embedding_norm = nn.LayerNorm(config.width, eps=config.norm_epsilon)
        self.layers = nn.ModuleList(TextLayer(config) for _ in range(config.layers))
        self.head = nn.Linear(config.width, config.dimension)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.head.weight.device
        return device

    @cached_property
    def identity(self) -> str:
        """A digest of all that a phrase's vector depends on; read when the weights are final."""
        digest = hashlib.sha256(repr((self.config, self.pieces)).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name}:{tensor.dtype}{list(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return f"text:{digest.hexdigest()}"

    def states(self, numbers: Tensor, mask: Tensor) -> Tensor:
        """Numbers of pieces [batch, tokens] and their mask -> token states [batch, tokens, width]."""
        embedded = self.piece_embedding(numbers) + self.position_embedding.weight[: numbers.shape[1]]
        states: Tensor = self.embedding_norm(embedded)
        for layer in self.layers:
            states = layer(states, mask)
        return states

    def forward(self, numbers: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers of pieces [batch, tokens] and their mask -> token states and mean state [batch, width]."""
        states = self.states(numbers, mask)
        return states, mean_state(states, mask)

    def vectors(self, mean: Tensor) -> Tensor:
        """Mean states [batch, width] -> vectors [batch, dimension] of length 1."""
        return normalize(self.head(mean), dim=-1)

    def numbers_of(self, phrases: Sequence[str]) -> list[list[int]]:
        """Pieces of each phrase by number, cut at the last position."""
        # Half a surrogate pair is no character; it counts as one that is not known.
        whole = [phrase.encode("utf-8", "replace").decode("utf-8") for phrase in phrases]
        return [encoded.ids for encoded in self.tokenizer.encode_batch(whole)]

    @torch.no_grad()
    def embed_text(self, phrases: Sequence[str]) -> TextEmbedding:
        """Phrases, at least one -> last states, mask, and vectors of length 1; without gradient.

        An empty phrase is two marks without words, and has a vector too.

        Raises:
            ValueError: a single string, or no phrase at all, was given.
        """
        if isinstance(phrases, str) or not phrases:
            raise ValueError("give a list of phrases, at least one")
        numbers = self.numbers_of(phrases)
        # Neighbours in length share a batch, so that little of it is padding.
        order = sorted(range(len(numbers)), key=lambda index: len(numbers[index]))
        embedded: dict[int, Any] = {}
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            padded, mask = pad_numbers([numbers[index] for index in chosen], self.device)
            states, mean = self(padded, mask)
            batch = TextEmbedding(states * mask[..., None], mask, self.vectors(mean)).phrases()
            embedded.update(zip(chosen, batch, strict=True))
        return pad_phrases([embedded[index] for index in range(len(numbers))])


def pad_numbers(
    numbers: Sequence[Sequence[int]], device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """Lists of piece numbers -> [batch, tokens] padded with 0, and the mask of what is no padding.

    >>> pad_numbers([[2, 3], [2, 7, 3]])[0].tolist()
    [[2, 3, 0], [2, 7, 3]]
    """
    lengths = torch.tensor([len(row) for row in numbers])
    padded = nn.utils.rnn.pad_sequence([torch.tensor(list(row)) for row in numbers], batch_first=True)
    mask = torch.arange(padded.shape[1]) < lengths[:, None]
    return padded.to(device), mask.to(device)


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens of each phrase: [batch, tokens, width] and mask -> [batch, width]."""
    weight = mask[..., None].to(states.dtype)
    return (states * weight).sum(dim=1) / weight.sum(dim=1)


def row_scales(matrix: Tensor) -> Tensor:
    """For each row [rows, columns], the step that puts its largest value at 127: [rows].

    A step has eleven bits, so that 127 steps are exact in float32: what was read back from whole numbers and
    is stored again gives the same numbers and the same steps.
    """
    largest = matrix.abs().amax(dim=1).float()
    mantissa, exponent = torch.frexp(largest / 127)
    step = torch.ldexp(torch.ceil(mantissa * 2**SCALE_BITS) / 2**SCALE_BITS, exponent)
    return torch.where(largest > 0, step, torch.ones_like(step))


def pack(tower: TextTower) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A tower as configuration (plain values) and tensors to store, for this or a larger checkpoint.

    Matrices become int8 with `row_scales`; the head, norms and biases stay as they are.
    """
    tensors: dict[str, Tensor] = {}
    for name, tensor in tower.state_dict().items():
        tensor = tensor.detach().cpu().float()
        if tensor.ndim == 2 and not name.startswith("head."):
            scale = row_scales(tensor)
            tensors[name] = torch.round(tensor / scale[:, None]).clamp(-127, 127).to(torch.int8)
            tensors[name + SCALE_SUFFIX] = scale
        else:
            tensors[name] = tensor
    # One line of the file in place of ten thousand; no piece holds a blank.
    return {"shape": dataclasses.asdict(tower.config), "pieces": " ".join(tower.pieces)}, tensors


def unpack(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> TextTower:
    """The tower that was packed, frozen, in evaluation mode, on the CPU.

    Raises:
        StemlessError: configuration and tensors do not describe a text tower.
    """
    state = {
        name: tensor.float() * tensors[name + SCALE_SUFFIX][:, None] if tensor.dtype == torch.int8 else tensor
        for name, tensor in tensors.items()
        if not name.endswith(SCALE_SUFFIX)
    }
    try:
        shape = from_mapping(TextConfig, config["shape"])
        tower = TextTower(shape, config["pieces"].split(" "))
        tower.load_state_dict(state)
    except (KeyError, AttributeError, ValueError, RuntimeError, StemlessError) as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise StemlessError(f"the text tower does not fit this version ({reason}); train it again") from None
    return tower.eval().requires_grad_(False)


def save(directory: str | Path, tower: TextTower, card: str) -> Path:
    """Write a tower as a checkpoint folder; errors as of `checkpoint.save`."""
    config, tensors = pack(tower)
    return checkpoint.save(directory, {"kind": KIND, "text": config}, tensors, card)


def load(reference: str | Path) -> TextTower:
    """The text tower behind a shipped name, a folder or hf://USER/MODEL, frozen and on the CPU.

    Raises:
        CheckpointError: nothing is there, or it is no text tower of this version.
    """
    stored = checkpoint.load(reference)
    if stored.config.get("kind") != KIND:
        raise CheckpointError(
            f"{reference}: holds a {stored.config.get('kind', 'model of unknown kind')}, "
            f"not a {KIND}; give the folder of a text tower"
        )
    try:
        return unpack(stored.config["text"], stored.tensors)
    except (KeyError, StemlessError) as error:
        raise CheckpointError(f"{reference}: {error}") from None
