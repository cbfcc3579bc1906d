"""What the teacher says to every text, computed once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from stemless.errors import StemlessError
from stemless.query.text_tower import TextTower, pad_numbers
from stemless.runner import OnProgress

SHARD = 8192


@torch.no_grad()
def mean_states(tower: TextTower, texts: Sequence[str], *, bf16: bool, batch_size: int = 128) -> Tensor:
    """Mean token states [texts, width] in float32, on the CPU."""
    numbers = tower.numbers_of(texts)
    order = sorted(range(len(numbers)), key=lambda index: len(numbers[index]))
    out = torch.empty(len(numbers), tower.config.width)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        with torch.autocast(tower.device.type, torch.bfloat16, enabled=bf16):
            _, mean = tower(*pad_numbers([numbers[index] for index in chosen], tower.device))
        out[torch.tensor(chosen)] = mean.float().cpu()
    return out


def stored_targets(
    teacher: TextTower,
    texts: Sequence[str],
    folder: Path,
    *,
    bf16: bool,
    on_progress: OnProgress | None = None,
) -> Tensor:
    """Mean token states of the teacher [texts, width], in float16; what is in the folder is not made again.

    Raises:
        StemlessError: the folder cannot be written, or a file in it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for start in range(0, len(texts), SHARD):
        part = list(texts[start : start + SHARD])
        digest = hashlib.sha256("\n".join([teacher.identity, str(bf16), *part]).encode()).hexdigest()[:16]
        path = folder / f"{digest}.safetensors"
        if not path.exists():
            states = mean_states(teacher, part, bf16=bf16).half()
            temporary = path.with_suffix(".part")
            try:
                save_file({"states": states}, temporary)
                temporary.replace(path)
            except OSError as error:
                raise StemlessError(f"{path}: cannot be written ({error.strerror or error})") from None
        try:
            shards.append(load_file(path)["states"])
        except (SafetensorError, OSError, KeyError):
            raise StemlessError(f"{path}: is damaged; delete it, and it is made again") from None
        if on_progress:
            on_progress(min(start + SHARD, len(texts)), len(texts))
    return torch.cat(shards)
