"""Networks for voices as checkpoints hold them: {"kind": "voices/...", "model": {its configuration}}."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import nn

from stemless import checkpoint
from stemless.configuration import from_mapping
from stemless.errors import CheckpointError

Config = TypeVar("Config")
Network = TypeVar("Network", bound=nn.Module)


def load_network(
    reference: str | Path, *, kind: str, what: str, config: type[Config], build: Callable[[Config], Network]
) -> Network:
    """The network behind a shipped name, a folder or hf://USER/MODEL.

    Args:
        kind: that of its checkpoints.
        what: what such a network is to whoever gives another one.
        config: of the network, made from what is stored.
        build: the network from its configuration.

    Raises:
        CheckpointError: there is none, it is damaged, or it is a model of something else.
    """
    stored = checkpoint.load(reference)
    if stored.config.get("kind") != kind:
        raise CheckpointError(
            f"{stored.source}: holds '{stored.config.get('kind')}', not {what}; choose another model"
        )
    settings = from_mapping(config, stored.config.get("model", {}), where=f"{stored.source}/config.json")
    network = build(settings)
    checkpoint.fill(network, stored.tensors, stored.source)
    return network
