"""A manifest from any folder of recordings: captions from what lies beside them, or from their names."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stemless.errors import StemlessError
from stemless.query.manifest import Recording

SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".wma", ".aif", ".aiff", ".aifc"}
    | {".au", ".caf", ".w64", ".mp4", ".webm", ".mkv"}
)
CAPTION_KEYS = ("caption", "captions", "text", "description", "label", "labels", "title")
# Names that say what a file is and not what is heard.
EMPTY_WORDS = frozenset(
    {"audio", "clip", "clips", "copy", "data", "dataset", "edit", "file", "files", "final", "left", "master"}
    | {"mix", "mixes", "mixture", "mixtures", "mono", "new", "output", "raw", "rec", "recorded", "recording"}
    | {"recordings", "right", "samples", "sound", "sounds", "stereo", "take", "takes", "test", "track"}
    | {"tracks", "train", "training", "untitled", "valid", "validation", "version", "wav", "wave", "wavs"}
    | {"flac", "mp", "ogg", "the", "of", "and"}
)


def scan(folder: str | Path, *, report: Callable[[str], None] | None = None) -> list[Recording]:
    """Every recording below a folder, with a caption, in the order of their names.

    The caption is what lies beside the audio under the same name: a .txt, or a .json with a "caption" (or
    text, description, label, title; phrases and group are taken from there as well); else the name of the
    file in words; where that has none ("0012.wav"), the name of its folder. The group is the folder, seen
    from `folder`, so that what lies together stays together; files at the top have none.

    Args:
        report: told, in one line each, of what is passed over; warnings when None.

    Raises:
        StemlessError: no such folder, or no audio in it that anything is known of.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise StemlessError(f"{folder}: is not a folder: give the one that holds the recordings")
    report = report or _warn
    recordings = []
    for path in audio_files(folder):
        try:
            beside = _sidecar(path)
        except StemlessError as error:
            report(f"{error}; the name of the file is used")
            beside = {}
        place = path.parent.relative_to(folder).as_posix()
        known_by = (path.stem, *reversed(path.relative_to(folder).parts[:-1]), folder.resolve().name)
        caption = beside.get("caption") or next(filter(None, map(name_words, known_by)), "")
        if not caption:
            report(
                f"{path}: passed over, nothing says what is heard; write it into {path.stem}.txt beside it"
            )
            continue
        group = beside.get("group") or ("" if place == "." else place)
        recordings.append(Recording(path, caption, tuple(beside.get("phrases", ())), group))
    if not recordings:
        raise StemlessError(f"{folder}: holds no recordings with a caption or a telling name")
    return recordings


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=3)


def audio_files(folder: Path) -> Iterator[Path]:
    """The audio and video files below a folder, hidden ones left out, in the order of their names."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in SUFFIXES and not name.startswith("."):
                yield path


def _sidecar(audio: Path) -> dict[str, Any]:
    """What the text or JSON file of the same name says: caption, phrases, group; nothing if there is none."""
    for path in (audio.with_suffix(".txt"), audio.with_suffix(".json")):
        try:
            text = path.read_text(encoding="utf-8-sig")
            found = {"caption": text} if path.suffix == ".txt" else _from_json(json.loads(text))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError):
            raise StemlessError(f"{path}: cannot be read as text in UTF-8 or JSON") from None
        found["caption"] = " ".join(found.get("caption", "").split())
        if any(letter.isalnum() for letter in found["caption"]):
            return found
    return {}


def _from_json(content: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(content, str):
        return {"caption": content}
    if not isinstance(content, dict):
        return found
    for key in reversed(CAPTION_KEYS):
        texts = _texts(content.get(key))
        if texts:
            found["caption"] = ", ".join(texts) if key == "labels" else texts[0]
    phrases = content.get("phrases")
    found["phrases"] = _texts(phrases.split(";") if isinstance(phrases, str) else phrases)
    if isinstance(content.get("group"), str):
        found["group"] = content["group"].strip()
    return found


def _texts(value: Any) -> list[str]:
    """Texts with words in them, of a text or a list."""
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [" ".join(v.split()) for v in values if isinstance(v, str) and any(c.isalnum() for c in v)]


def name_words(name: str) -> str:
    """The words in the name of a file or folder, without numbers, codes and what only says that it is audio.

    Behind a double underscore stand numbers and takes, as a rule; Freesound puts number and author in front.

    >>> [name_words(name) for name in ("dog_barking__1-1032-A", "babyCry-002", "1234__someone__rain-on-roof")]
    ['dog barking', 'baby cry', 'rain on roof']
    >>> name_words("Track 07 (final mix)")
    ''
    """
    parts = name.split("__")
    if parts[0].strip().isdigit():
        # Number, author, title.
        parts = parts[2:] or parts[1:]
    return next((words for words in map(_words, parts) if words), "")


def _words(text: str) -> str:
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    tokens = [token for token in re.split(r"[\W_]+", text) if _is_word(token)]
    return "" if EMPTY_WORDS.issuperset(token.lower() for token in tokens) else " ".join(tokens).lower()


def _is_word(token: str) -> bool:
    if any(letter.isdigit() for letter in token):
        return False
    if not token.isascii():
        return True
    return len(token) > 1 and re.search("[aeiouyAEIOUY]", token) is not None
