"""The query separator as a checkpoint: a network, and which joint embedding it takes its prompts from.

    {"kind": "query/separator", "network": "compact", "model": {...}, "embedding": "embedding",
     "identity": "...", "sharing": "limit", "sharpness": 1.0, "level_db": -20.0, "clip_seconds": 8.192,
     "presence": {...}}

The embedding is a checkpoint of its own, which many separators may share: the name of one that ships with the
package, hf://USER/MODEL, or the path of a folder, relative to the separator's own folder or to that folder's
parent. So "embedding" is a sibling of that name.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from stemless import checkpoint
from stemless.configuration import from_mapping, near_name, to_mapping
from stemless.errors import CheckpointError, UsageError
from stemless.query.compact_unet import CompactConfig, CompactUNet
from stemless.query.embedding import JointEmbedding
from stemless.query.presence import Cohort, PresenceConfig
from stemless.query.sharing import Rule
from stemless.query.unet import ConditionalUNet, UNetConfig

KIND = "query/separator"
EMBEDDING_KIND = "query/embedding"
COHORT = ("presence.mean", "presence.covariance")
KNOWN = "names.vectors"
"""Tensors of a checkpoint that are not the network's."""

Network = CompactUNet | ConditionalUNet
NetworkConfig = CompactConfig | UNetConfig
CONFIGS: Mapping[str, type[NetworkConfig]] = MappingProxyType({"compact": CompactConfig, "unet": UNetConfig})


@dataclass(frozen=True)
class SeparatorSettings:
    """What a trained network needs beside its weights.

    embedding: reference of the joint embedding. identity: of its text side, as it was in training; another
    one is refused. Not checked where it is empty.
    sharing: how masks of one call share the mixture. sharpness: of the masks of what training asked for, and
    less for what it did not (`sharpness.py`). level_db: of the mixtures in training, root mean square
    re full scale. clip_seconds: their length.
    """

    embedding: str = "embedding"
    identity: str = ""
    sharing: Rule = "limit"
    sharpness: float = 1.0
    level_db: float = -20.0
    clip_seconds: float = 8.192
    presence: PresenceConfig = dataclasses.field(default_factory=PresenceConfig)

    def __post_init__(self) -> None:
        if self.clip_seconds < 1:
            raise ValueError("clip_seconds is at least 1")
        if not 0 < self.sharpness <= 1:
            raise ValueError("sharpness is above 0 and at most 1")


@dataclass(frozen=True)
class TrainedNetwork:
    """What a checkpoint holds, on the CPU.

    cohort: how other recordings sound to the embedding; presence is measured against it where it is there.
    known: vectors of the names that training asked for, [names, dimension].
    """

    network: Network
    settings: SeparatorSettings
    cohort: Cohort | None
    known: Tensor | None


@dataclass(frozen=True)
class StoredSeparator:
    """A loaded separator: network and embedding on one device, settings, and where it came from.

    cohort, known: as in `TrainedNetwork`.
    """

    network: Network
    embedding: JointEmbedding
    settings: SeparatorSettings
    source: str
    cohort: Cohort | None = None
    known: Tensor | None = None


def save_separator(
    directory: str | Path,
    network: Network,
    settings: SeparatorSettings,
    *,
    card: str,
    half: bool = False,
    known: Tensor | None = None,
) -> Path:
    """Store a separator; errors as of `checkpoint.save`.

    Args:
        directory: the folder to make; an earlier checkpoint there is replaced.
        settings: its `embedding`, where it is the path of a folder, is stored relative to `directory`.
        card: the text of README.md.
        half: store the weights in half precision, at half the size; statistics of norms stay as they are.
        known: vectors of the names that training asked for, [names, dimension].
    """
    directory, reference = Path(directory), settings.embedding
    folder = Path(reference).expanduser()
    if not reference.startswith(checkpoint.HUB_PREFIX) and folder.is_dir():
        reference = Path(os.path.relpath(folder.resolve(), directory.resolve())).as_posix()
    config = {
        "kind": KIND,
        "network": next(name for name, each in CONFIGS.items() if isinstance(network.config, each)),
        "model": to_mapping(network.config),
        **to_mapping(dataclasses.replace(settings, embedding=reference)),
    }
    tensors = network.state_dict()
    if half:
        tensors |= {name: weights.half() for name, weights in network.named_parameters()}
    if known is not None:
        tensors[KNOWN] = known.half()
    return checkpoint.save(directory, config, tensors, card)


def make_network(config: NetworkConfig) -> Network:
    """A fresh network of that configuration."""
    return CompactUNet(config) if isinstance(config, CompactConfig) else ConditionalUNet(config)


def load_network(reference: str | Path) -> TrainedNetwork:
    """The network of a separator and what is stored with it; errors as of `load_separator`."""
    stored = checkpoint.load(reference)
    config, tensors = dict(stored.config), dict(stored.tensors)
    kind, name = config.pop("kind", None), config.pop("network", None)
    if kind != KIND:
        raise CheckpointError(f"{reference}: is a model of the kind {kind!r}, which takes no prompts")
    if name not in CONFIGS:
        raise CheckpointError(f"{reference}: no network is called {name!r}, {near_name(str(name), CONFIGS)}")
    where = f"{reference}/{checkpoint.CONFIG_FILE}"
    try:
        sizes = from_mapping(CONFIGS[name], config.pop("model", {}), where=where)
        settings = from_mapping(SeparatorSettings, config, where=where)
    except UsageError as error:  # the file is the model's and none of the user's doing
        raise CheckpointError(str(error)) from None
    network = make_network(sizes)
    mean, covariance, known = (tensors.pop(name, None) for name in (*COHORT, KNOWN))
    checkpoint.fill(network, tensors, reference)
    cohort = None if mean is None or covariance is None else Cohort(mean.float(), covariance.float())
    return TrainedNetwork(network.eval(), settings, cohort, None if known is None else known.float())


def load_separator(
    reference: str | Path,
    device: torch.device | str = "cpu",
    *,
    embedding: JointEmbedding | None = None,
) -> StoredSeparator:
    """The separator of a shipped name, a folder or hf://USER/MODEL[@revision].

    Args:
        device: for both the network and the embedding.
        embedding: in place of the one that the checkpoint names.

    Raises:
        CheckpointError: there is no such model or embedding, it is of another kind, or damaged.
        MissingExtraError: as of `load_embedding`.
    """
    trained = load_network(reference)
    settings = trained.settings
    if embedding is None:
        embedding = load_embedding(settings.embedding, beside=checkpoint.locate(reference), device=device)
    _check_fit(embedding, trained.network.config, settings, str(reference))
    return StoredSeparator(
        trained.network.to(device),
        embedding,
        settings,
        str(reference),
        None if trained.cohort is None else trained.cohort.to(device),
        None if trained.known is None else trained.known.to(device),
    )


def load_embedding(
    reference: str | Path, *, beside: Path | None = None, device: torch.device | str = "cpu"
) -> JointEmbedding:
    """A joint embedding, ours or a LAION CLAP, told apart by their config.json.

    Args:
        reference: a shipped name, a folder, or hf://USER/MODEL[@revision].
        beside: the folder of a checkpoint; a relative path is looked for there and in its parent first.

    Raises:
        CheckpointError: there is none, or it is something else.
        MissingExtraError: it is a CLAP, and the extra `clap` is not installed.
    """
    found = str(reference)
    if beside is not None and not found.startswith(checkpoint.HUB_PREFIX):
        places = [place / found for place in (beside, beside.resolve().parent)]
        found = str(next((place for place in places if (place / checkpoint.CONFIG_FILE).is_file()), found))
    folder = checkpoint.locate(found)
    config = checkpoint.load_config(folder)
    if config.get("model_type") == "clap":
        from stemless.query.clap import load

        return load(found, device=device)
    if config.get("kind") != EMBEDDING_KIND:
        kind = config.get("kind") or config.get("model_type")
        raise CheckpointError(f"{found}: is a model of the kind {kind!r}, which is no joint embedding")
    return load_compact(folder, device)


def load_compact(folder: Path, device: torch.device | str) -> JointEmbedding:
    """Our own embedding; imported when there is one to load."""
    from stemless.query.compact import load

    return load(folder).to(device)


def _check_fit(
    embedding: JointEmbedding, model: NetworkConfig, settings: SeparatorSettings, source: str
) -> None:
    """Raise where the embedding is not the one that the network has learned with."""
    widths = (embedding.token_width, embedding.dimension)
    if widths != (model.text_width, model.text_dimension):
        raise CheckpointError(
            f"{source}: hears text of widths {model.text_width} and {model.text_dimension}, its embedding "
            f"{settings.embedding} gives {widths[0]} and {widths[1]}: give it the one it was trained with"
        )
    if settings.identity and settings.identity != embedding.identity:
        raise CheckpointError(
            f"{source}: was trained with another version of the embedding {settings.embedding}: "
            "put that one there, or train again"
        )
