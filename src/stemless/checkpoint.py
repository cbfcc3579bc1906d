"""Checkpoints: a folder with `config.json`, `model.safetensors` and `README.md` (the model card).

Nothing else is read and no pickle is ever loaded. A reference to a model is the name of one that ships with
the package, the path of a folder, or hf://USER/MODEL[@revision].
"""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemless.configuration import near_name
from stemless.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
CARD_FILE = "README.md"
HUB_PREFIX = "hf://"
WEIGHTS_DIR = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Checkpoint:
    """A model as it is stored: configuration, tensors on the CPU, card, and where it came from."""

    config: dict[str, Any]
    tensors: dict[str, Tensor]
    card: str
    source: str


@dataclass(frozen=True)
class ShippedModel:
    """A model inside the package, without its tensors."""

    name: str
    path: Path
    config: dict[str, Any]
    card: str
    size_bytes: int

    @property
    def summary(self) -> str:
        """The first line of prose of the card."""
        return card_summary(self.card)


def save(directory: str | Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor], card: str) -> Path:
    """Write a checkpoint folder, complete or not at all; one that is already there is replaced.

    Args:
        directory: the folder to make.
        config: plain values that JSON can hold.
        tensors: the state of the model; stored on the CPU, each with memory of its own.
        card: the text of README.md.

    Raises:
        CheckpointError: the folder cannot be written, or holds files that are no checkpoint.
    """
    from safetensors.torch import save_file

    directory = Path(directory)
    if directory.exists():
        if not directory.is_dir():
            raise CheckpointError(
                f"{directory}: a file is in the way of the checkpoint folder; choose another"
            )
        strangers = {entry.name for entry in directory.iterdir()} - {CONFIG_FILE, TENSORS_FILE, CARD_FILE}
        if strangers:
            raise CheckpointError(
                f"{directory}: holds other files ({min(strangers)}); choose an empty or new folder"
            )
    try:
        text = json.dumps(dict(config), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{directory}: the configuration does not fit into JSON ({error})") from None
    # safetensors refuses tensors that share memory, as views and tied weights do.
    own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise CheckpointError(f"{directory}: cannot be written ({error.strerror})") from None
    try:
        temporary.chmod(0o755)
        (temporary / CONFIG_FILE).write_text(text, encoding="utf-8")
        save_file(own, temporary / TENSORS_FILE)
        # safetensors leaves it to its owner alone.
        (temporary / TENSORS_FILE).chmod(0o644)
        (temporary / CARD_FILE).write_text(card, encoding="utf-8")
        if directory.exists():
            # Folders cannot be exchanged in one step everywhere: the old one moves aside, the new one in.
            aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
            directory.rename(aside / "old")
            try:
                temporary.rename(directory)
            except OSError:
                (aside / "old").rename(directory)
                raise
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        else:
            temporary.rename(directory)
    except OSError as error:
        raise CheckpointError(f"{directory}: cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return directory


def load(reference: str | Path) -> Checkpoint:
    """The checkpoint behind a shipped name, a folder's path or hf://USER/MODEL[@revision].

    Raises:
        CheckpointError: nothing is there, a file is missing or damaged, or the hub cannot be reached.
    """
    directory = locate(reference)
    config = _read_config(directory)
    card = _read_card(directory)
    return Checkpoint(config, _read_tensors(directory / TENSORS_FILE), card, str(reference))


def fill(network: nn.Module, tensors: Mapping[str, Tensor], source: str | Path) -> None:
    """Put the weights of a checkpoint into a network.

    Args:
        source: whose weights they are, for the message.

    Raises:
        CheckpointError: they are of another network.
    """
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()[:160]
        raise CheckpointError(f"{source}: the weights do not fit the network ({reason})") from None


def load_config(reference: str | Path) -> dict[str, Any]:
    """The configuration of a model alone, without reading its tensors; errors as of `load`."""
    return _read_config(locate(reference))


def locate(reference: str | Path) -> Path:
    """The local folder of a reference; hub models are downloaded into the cache of huggingface_hub."""
    text = str(reference)
    if text.startswith(HUB_PREFIX):
        return _download(text)
    # A name is looked up in the package first, so that a folder of the same name needs ./name.
    if text in _shipped_names():
        return WEIGHTS_DIR / text
    directory = Path(reference).expanduser()
    if directory.name in (CONFIG_FILE, TENSORS_FILE) and directory.is_file():
        directory = directory.parent
    if directory.is_dir():
        return directory
    if directory.is_file():
        raise CheckpointError(
            f"{directory}: is a file; a model is a folder with {CONFIG_FILE} and {TENSORS_FILE} (no pickles)"
        )
    names = _shipped_names()
    shipped_hint = near_name(text, names) if names else "none ship with this version"
    raise CheckpointError(
        f"{text}: no model of this name and no such folder; {shipped_hint}; "
        "or give a folder or hf://USER/MODEL"
    )


def shipped() -> list[ShippedModel]:
    """The models inside the package, by name."""
    models = []
    for name in _shipped_names():
        path = WEIGHTS_DIR / name
        size_bytes = sum(entry.stat().st_size for entry in path.iterdir() if entry.is_file())
        models.append(ShippedModel(name, path, _read_config(path), _read_card(path), size_bytes))
    return models


def shipped_of(kind: str) -> str | None:
    """The name of the model of a kind that ships: of several the first by name; None where there is none."""
    return next((entry.name for entry in shipped() if entry.config.get("kind") == kind), None)


def read_credits(path: str | Path) -> str:
    """What a card says of whose recordings a model has learned from; nothing where no file is named.

    Raises:
        CheckpointError: the file cannot be read as text.
    """
    if not str(path):
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise CheckpointError(f"{path}: the credits cannot be read ({reason}); check the path") from None


def card_summary(card: str) -> str:
    """The first line of prose of a card, past its YAML head and headings.

    >>> card_summary("---\\nlicense: mit\\n---\\n# Model\\n\\nFour voices, 16 kHz.\\nMore.")
    'Four voices, 16 kHz.'
    """
    lines = card.splitlines()
    if lines and lines[0].strip() == "---":
        ends = [index for index, line in enumerate(lines[1:], 1) if line.strip() == "---"]
        lines = lines[ends[0] + 1 :] if ends else lines
    return next((line.strip() for line in lines if line.strip() and not line.startswith("#")), "")


def _shipped_names() -> list[str]:
    if not WEIGHTS_DIR.is_dir():
        return []
    return sorted(entry.name for entry in WEIGHTS_DIR.iterdir() if (entry / CONFIG_FILE).is_file())


def _read_config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{directory}: {CONFIG_FILE} is missing, so this is no model folder") from None
    except (OSError, ValueError):
        raise CheckpointError(f"{path}: is damaged (not JSON); fetch or save the model again") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{path}: is damaged (no keys); fetch or save the model again")
    return config


def _read_card(directory: Path) -> str:
    try:
        return (directory / CARD_FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _read_tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise CheckpointError(f"{path}: is missing; fetch or save the model again")
    try:
        tensors: dict[str, Tensor] = load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError, KeyError):
        raise CheckpointError(
            f"{path}: is damaged or no safetensors file; fetch or save the model again"
        ) from None
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not math.isfinite(
            float(tensor.abs().max() if tensor.numel() else 0)
        ):
            raise CheckpointError(f"{path}: the tensor {name} holds values that are not finite; train again")
    return tensors


def _download(reference: str) -> Path:
    """The local snapshot of hf://USER/MODEL[@revision]."""
    name, _, revision = reference.removeprefix(HUB_PREFIX).partition("@")
    if name.count("/") != 1 or not all(name.split("/")):
        raise CheckpointError(f"{reference}: write it as hf://USER/MODEL or hf://USER/MODEL@REVISION")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        return Path(
            snapshot_download(
                name,
                revision=revision or None,
                allow_patterns=[CONFIG_FILE, TENSORS_FILE, CARD_FILE],
            )
        )
    except RevisionNotFoundError:
        raise CheckpointError(f"{reference}: the hub has no revision {revision!r} of this model") from None
    except RepositoryNotFoundError:
        raise CheckpointError(f"{reference}: the hub has no such model, or it is private") from None
    except HFValidationError:
        raise CheckpointError(f"{reference}: is not a name the hub allows; write hf://USER/MODEL") from None
    except LocalEntryNotFoundError:
        raise CheckpointError(
            f"{reference}: the hub cannot be reached and the model is not in the local cache; "
            "connect once, or give the path of a folder"
        ) from None
    except Exception as error:  # the client's own errors differ between versions and transports
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{reference}: cannot be fetched ({first_line})") from None
