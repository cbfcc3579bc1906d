"""A small sentence model with random weights and a small WordNet, both in their true formats."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import torch

from stemless.query.sound_words import KINDS
from stemless.query.vocabulary import SPECIAL

WORDS = ("dog", "cat", "rain", "bark", "the", "sound", "of", "noise", "recording", "can", "hear", "loud")
PIECES = [
    *SPECIAL,
    *string.ascii_lowercase,
    *string.digits,
    *string.punctuation,
    *("##" + character for character in string.ascii_lowercase + string.digits),
    *WORDS,
    "##ing",
]


def write_sentence_model(folder: Path, *, layers: int = 3, seed: int = 0) -> Any:
    """Write a BertModel of width 16 and its tokenizer into the folder; returns the model."""
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    torch.manual_seed(seed)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=40,
    )
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # beyond the tiny first weights, so that layers matter
            parameter.add_(0.3 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(PIECES)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    return model


def write_wordnet(folder: Path) -> None:
    """Write a WordNet that knows the roots of all kinds of sources, and one rare name of each."""
    folder.mkdir(parents=True, exist_ok=True)
    roots: dict[str, int] = {}
    for kind in KINDS.values():
        for root in kind.roots:
            name, _, sense = root.rpartition(".")
            roots[name] = max(roots.get(name, 1), int(sense))
    data, index, offset = ["  1 The notice of the licence"], ["  1 The notice"], 1000
    for name, senses in sorted(roots.items()):
        offsets = []
        for sense in range(1, senses + 1):
            word, rare = name.replace(" ", "_"), f"rare_{name.split()[0]}"
            offsets.append(offset)
            data.append(
                f"{offset:08d} 05 n 02 {word} 0 old_{word} 0 001 ~ {offset + 1:08d} n 0000 | "
                f'sense {sense} of {name}; "the {name} was heard"'
            )
            data.append(
                f"{offset + 1:08d} 05 n 01 {rare} 0 001 @ {offset:08d} n 0000 | a rare {name} ({sense})"
            )
            offset += 2
        numbers = " ".join(f"{place:08d}" for place in offsets)
        index.append(f"{name.replace(' ', '_')} n {senses} 1 ~ {senses} 0 {numbers}")
    _write(folder, "noun", data, index)
    for part in ("verb", "adj", "adv"):
        _write(folder, part, [f"00000100 29 {part[0]} 01 bark(a) 0 000 | to bark as a {part}"], [])


def write_teacher_config(folder: Path, **changes: Any) -> None:
    """Change settings of a written sentence model."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _write(folder: Path, part: str, data: list[str], index: list[str]) -> None:
    (folder / f"data.{part}").write_text("\n".join(data) + "\n")
    (folder / f"index.{part}").write_text("\n".join(index) + "\n")
