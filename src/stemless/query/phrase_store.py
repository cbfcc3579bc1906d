"""Embedded phrases in files that any number of processes may read and write at the same time.

Below the folder lies one folder for each embedding. In it every batch of phrases that was added is a pair
of files that never change: NAME.safetensors holds the tensors, NAME.json says which phrases they are. The
name is made from the phrases; the index is written last and holds a digest of the tensors, so that a pair
is whole or is not there. Nobody waits for anybody: what two processes add at once is stored twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import uuid
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from stemless.query.embedding import PhraseEmbedding

FORMAT = 1


class CacheWarning(UserWarning):
    """The phrase cache could not be used as it should; the result is the same, only later."""


@dataclass(frozen=True)
class _Index:
    """Which phrases a pair of files holds, and how many tokens each."""

    phrases: list[str]
    lengths: list[int]
    sha256: str


class DiskPhraseStore:
    """Phrases of one embedding, in a folder.

    A pair of files that is damaged is taken away with a `CacheWarning`, and its phrases count as not
    stored. Where the folder cannot be written, a `CacheWarning` says so once.

    Args:
        directory: shared by all embeddings.
        identity: of the embedding; phrases of another one are never returned.
    """

    def __init__(self, directory: str | Path, identity: str) -> None:
        key = hashlib.sha256(f"{FORMAT}:{identity}".encode()).hexdigest()[:16]
        self.directory = Path(directory) / key
        self._identity = identity
        self._where: dict[str, str] = {}
        self._read: set[str] = set()
        self._writable = True

    def find(self, phrases: Iterable[str]) -> dict[str, PhraseEmbedding]:
        """Those of the phrases that are stored, by this or any other process."""
        wanted = list(dict.fromkeys(phrases))
        if any(phrase not in self._where for phrase in wanted):
            self._look_around()
        found: dict[str, PhraseEmbedding] = {}
        for name in dict.fromkeys(self._where[phrase] for phrase in wanted if phrase in self._where):
            stored = self._load(name)
            found.update({phrase: stored[phrase] for phrase in wanted if phrase in stored})
        return found

    def add(self, phrases: dict[str, PhraseEmbedding]) -> None:
        """Store phrases, all or none of them."""
        if not phrases or not self._writable:
            return
        tensors = save(
            {
                "tokens": torch.cat([phrase.tokens for phrase in phrases.values()]),
                "vectors": torch.stack([phrase.vector for phrase in phrases.values()]),
            }
        )
        index = {
            "format": FORMAT,
            "identity": self._identity,
            "sha256": hashlib.sha256(tensors).hexdigest(),
            "phrases": list(phrases),
            "lengths": [len(phrase.tokens) for phrase in phrases.values()],
        }
        name = hashlib.sha256(json.dumps(index["phrases"]).encode()).hexdigest()[:32]
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._write(f"{name}.safetensors", tensors)
            self._write(f"{name}.json", json.dumps(index).encode())
        except OSError as error:
            self._writable = False
            _warn(f"{self.directory}: phrases cannot be stored ({error.strerror or error})")

    def _write(self, name: str, content: bytes) -> None:
        temporary = self.directory / f".{uuid.uuid4().hex}"
        try:
            temporary.write_bytes(content)
            temporary.replace(self.directory / name)
        finally:
            temporary.unlink(missing_ok=True)

    def _look_around(self) -> None:
        """Read the indices that were not there the last time."""
        try:
            names = sorted(path.stem for path in self.directory.glob("*.json"))
        except OSError:
            return
        for name in names:
            if name not in self._read:
                index = self._read_index(name)
                if index is not None:
                    self._read.add(name)
                    self._where.update(dict.fromkeys(index.phrases, name))

    def _read_index(self, name: str) -> _Index | None:
        path = self.directory / f"{name}.json"
        try:
            content = json.loads(path.read_bytes())
            index = _Index(content["phrases"], content["lengths"], content["sha256"])
            if content["identity"] != self._identity or not all(isinstance(p, str) for p in index.phrases):
                raise ValueError
        except FileNotFoundError:
            return None
        except OSError as error:
            _warn(f"{path}: cannot be read ({error.strerror}); its phrases are embedded again")
            return None
        except (ValueError, KeyError, TypeError):
            self._remove(name, f"{path.name} is damaged")
            return None
        return index

    def _load(self, name: str) -> dict[str, PhraseEmbedding]:
        """The phrases of one pair of files; none, and no trace of it, where the pair is damaged."""
        index = self._read_index(name)
        path = self.directory / f"{name}.safetensors"
        stored: dict[str, PhraseEmbedding] = {}
        if index is not None:
            try:
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() == index.sha256:
                    tensors = load(content)
                    tokens = tensors["tokens"].split(index.lengths)
                    pairs = map(PhraseEmbedding, tokens, tensors["vectors"])
                    stored = dict(zip(index.phrases, pairs, strict=True))
            except (OSError, SafetensorError, KeyError, ValueError, RuntimeError, TypeError):
                stored = {}
            # The same phrases, written again by another process between the two reads, are no damage.
            if not stored and index == self._read_index(name):
                self._remove(name, f"{path.name} is damaged or missing")
        if not stored:
            self._read.discard(name)
            self._where = {phrase: where for phrase, where in self._where.items() if where != name}
        return stored

    def _remove(self, name: str, reason: str) -> None:
        _warn(f"{self.directory}: {reason}; its phrases are embedded again")
        for suffix in (".json", ".safetensors"):
            # What cannot be removed is found damaged the next time too.
            with contextlib.suppress(OSError):
                (self.directory / (name + suffix)).unlink(missing_ok=True)


def _warn(message: str) -> None:
    warnings.warn(message, CacheWarning, stacklevel=2)
