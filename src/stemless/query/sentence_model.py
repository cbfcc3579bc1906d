"""The teacher of the text tower: a sentence model in the layout of sentence-transformers, read from a folder.

`config.json` (a BertModel), `model.safetensors` and `tokenizer.json`; the vector of a text is the mean over
its tokens (Reimers and Gurevych, "Sentence-BERT", 2019). It is read into a `TextTower` without a trained
head, so that teacher and student are one network in two sizes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stemless.errors import CheckpointError
from stemless.query.text_tower import TextConfig, TextLayer, TextTower

FILES = ("config.json", "model.safetensors", "tokenizer.json")


def load_sentence_model(folder: str | Path, positions: int) -> TextTower:
    """The sentence model of a folder as a tower; its head means nothing.

    Args:
        folder: of the model.
        positions: longest text in pieces that is wanted.

    Raises:
        CheckpointError: a file is missing, or the folder holds another kind of network.
    """
    from safetensors.torch import load_file

    folder = Path(folder)
    for name in FILES:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder}: {name} is missing; give the folder of a sentence model")
    settings = _read(folder / "config.json")
    vocabulary = _read(folder / "tokenizer.json").get("model", {})
    if settings.get("model_type") != "bert" or vocabulary.get("type", "WordPiece") != "WordPiece":
        raise CheckpointError(f"{folder}: holds no BERT with WordPiece, the one kind of teacher there is")
    pieces = sorted(vocabulary["vocab"], key=vocabulary["vocab"].__getitem__)
    config = TextConfig(
        pieces=len(pieces),
        positions=min(positions, settings["max_position_embeddings"]),
        width=settings["hidden_size"],
        inner_width=settings["intermediate_size"],
        layers=settings["num_hidden_layers"],
        heads=settings["num_attention_heads"],
        dimension=1,
        norm_epsilon=settings["layer_norm_eps"],
    )
    tower = TextTower(config, pieces)
    tensors = load_file(folder / "model.safetensors", device="cpu")
    tensors = {name.removeprefix("bert."): tensor.float() for name, tensor in tensors.items()}
    try:
        _fill(tower, tensors)
    except (KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0][:120]
        raise CheckpointError(
            f"{folder}/model.safetensors: does not fit its config.json ({reason})"
        ) from None
    return tower.eval().requires_grad_(False)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: is damaged (no JSON object); fetch the sentence model again")
    return content


def digest_of(folder: str | Path) -> str:
    """SHA-256 of the weights of a sentence model."""
    with (Path(folder) / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@torch.no_grad()
def _fill(tower: TextTower, tensors: dict[str, Tensor]) -> None:
    def put(module: torch.nn.Module, *names: str) -> None:
        state = {
            part: torch.cat([tensors[f"{name}.{part}"] for name in names])
            for part, _ in module.named_parameters()
        }
        module.load_state_dict(state)

    # Every text is of the first type, so that embedding goes into that of the positions.
    positions = tensors["embeddings.position_embeddings.weight"][: tower.config.positions]
    tower.position_embedding.weight.copy_(positions + tensors["embeddings.token_type_embeddings.weight"][0])
    put(tower.piece_embedding, "embeddings.word_embeddings")
    put(tower.embedding_norm, "embeddings.LayerNorm")
    for number, layer in enumerate(tower.layers):
        assert isinstance(layer, TextLayer)
        path = f"encoder.layer.{number}"
        attention = f"{path}.attention.self"
        put(layer.query_key_value, *(f"{attention}.{part}" for part in ("query", "key", "value")))
        put(layer.attended, f"{path}.attention.output.dense")
        put(layer.attended_norm, f"{path}.attention.output.LayerNorm")
        put(layer.inner, f"{path}.intermediate.dense")
        put(layer.outer, f"{path}.output.dense")
        put(layer.outer_norm, f"{path}.output.LayerNorm")
