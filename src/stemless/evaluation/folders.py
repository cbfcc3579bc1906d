"""Two folders of audio files, paired by name and brought to one rate, length and number of channels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from stemless import audio
from stemless.errors import AudioError, StemlessError, UsageError
from stemless.evaluation import Status
from stemless.naming import slug

LENGTH_TOLERANCE_SECONDS: Final = 0.1
AUDIO_SUFFIXES: Final = frozenset(
    {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".au", ".caf", ".opus", ".w64", ".m4a", ".mp4"}
)


@dataclass(frozen=True)
class LoadedFolders:
    """References and estimates [stems, channels, time], mixture [channels, time], all at `sample_rate`.

    `failures` names the stems whose estimate is missing or unreadable; theirs is silence here.
    """

    names: tuple[str, ...]
    references: Tensor
    estimates: Tensor
    mixture: Tensor
    sample_rate: int
    failures: Mapping[str, Status]
    notes: tuple[str, ...]


def load_folders(references: Path, estimates: Path) -> LoadedFolders:
    """Read both folders; what is paired, forgiven and refused is said in `scores.evaluate_folders`."""
    reference_paths = _stems_in(references)
    estimate_paths = _stems_in(estimates)
    mixture_path = reference_paths.pop("mixture", None)
    _check_some_match(references, reference_paths, estimates, estimate_paths)
    notes = [
        f"{path.name} has no reference and is left out"
        for key, path in estimate_paths.items()
        if key not in reference_paths and key not in ("mixture", "residual")
    ]

    sources, sample_rate = _read_references(reference_paths, mixture_path)
    length = max(source.shape[-1] for source in sources.values())
    for path, source in sources.items():
        _check_length(path, source.shape[-1], length, sample_rate)

    heard: dict[str, Tensor] = {}
    failures: dict[str, Status] = {}
    for key, reference_path in reference_paths.items():
        name = reference_path.stem
        if key not in estimate_paths:
            failures[name] = "missing estimate"
            notes.append(f"no estimate of {name} in {estimates}")
            continue
        path = estimate_paths[key]
        try:
            estimate, rate = audio.read(path)
        except AudioError as error:
            failures[name] = "unreadable estimate"
            notes.append(str(error))
            continue
        if rate != sample_rate:
            estimate = audio.resample(estimate, rate, sample_rate)
            notes.append(f"{path.name} resampled from {rate} to {sample_rate} Hz")
        _check_length(path, estimate.shape[-1], length, sample_rate)
        if estimate.shape[-1] != length:
            word = "padded" if estimate.shape[-1] < length else "cut"
            notes.append(f"{path.name} {word} by {abs(estimate.shape[-1] - length)} samples at the end")
        heard[key] = estimate

    channels = {signal.shape[0] for signal in [*sources.values(), *heard.values()]}
    if len(channels) > 1:
        notes.append(f"files have {' and '.join(map(str, sorted(channels)))} channels: compared as mono")
    count = 1 if len(channels) > 1 else channels.pop()

    silence = torch.zeros(count, length)
    stacked = torch.stack([_fitted(sources[path], length, count) for path in reference_paths.values()])
    mixture = stacked.sum(0) if mixture_path is None else _fitted(sources[mixture_path], length, count)
    return LoadedFolders(
        names=tuple(path.stem for path in reference_paths.values()),
        references=stacked,
        estimates=torch.stack(
            [_fitted(heard[key], length, count) if key in heard else silence for key in reference_paths]
        ),
        mixture=mixture,
        sample_rate=sample_rate,
        failures=failures,
        notes=tuple(notes),
    )


def _stems_in(folder: Path) -> dict[str, Path]:
    """The audio files of a folder by the name they are paired under, in the order of their names."""
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "does not exist"
        raise UsageError(f"{folder}: the folder {problem}; give a folder of stems, one audio file each")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in AUDIO_SUFFIXES or path.name.startswith(".") or not path.is_file():
            continue
        key = slug(path.stem)
        if key in found:
            raise StemlessError(f"{folder}: {found[key].name} and {path.name} are the same stem; remove one")
        found[key] = path
    return found


def _check_some_match(
    references: Path, reference_paths: Mapping[str, Path], estimates: Path, estimate_paths: Mapping[str, Path]
) -> None:
    if not reference_paths:
        raise StemlessError(f"{references}: no audio files of stems in this folder{_hint(references)}")
    if not estimate_paths:
        raise StemlessError(f"{estimates}: no audio files in this folder{_hint(estimates)}")
    if reference_paths.keys().isdisjoint(estimate_paths):
        raise StemlessError(
            f"{estimates}: no file is named like a reference ({_some(reference_paths.values())}); "
            f"found {_some(estimate_paths.values())}; rename them to match"
        )


def _hint(folder: Path) -> str:
    """The separator writes into a folder of the input's name: say so when the folder above was given."""
    inside = [
        path
        for path in sorted(folder.iterdir())
        if path.is_dir() and any(file.suffix.lower() in AUDIO_SUFFIXES for file in path.iterdir())
    ]
    return f"; did you mean {inside[0]}?" if inside else ""


def _some(paths: Iterable[Path]) -> str:
    names = [path.name for path in paths]
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _read_references(
    reference_paths: Mapping[str, Path], mixture_path: Path | None
) -> tuple[dict[Path, Tensor], int]:
    sources: dict[Path, Tensor] = {}
    rates: dict[int, Path] = {}
    for path in [*reference_paths.values(), *([] if mixture_path is None else [mixture_path])]:
        sources[path], rate = audio.read(path)
        rates.setdefault(rate, path)
    if len(rates) > 1:
        (first_rate, first), (other_rate, other) = list(rates.items())[:2]
        raise StemlessError(
            f"{other}: {other_rate} Hz, but {first.name} has {first_rate} Hz; "
            "references must share one rate, convert one of them"
        )
    return sources, next(iter(rates))


def _check_length(path: Path, samples: int, expected: int, sample_rate: int) -> None:
    seconds = (samples - expected) / sample_rate
    if abs(seconds) > LENGTH_TOLERANCE_SECONDS:
        word = "longer" if seconds > 0 else "shorter"
        raise StemlessError(
            f"{path}: {abs(seconds):.2f} s {word} than the references ({expected / sample_rate:.2f} s); "
            "are these stems of the same recording?"
        )


def _fitted(signal: Tensor, length: int, channels: int) -> Tensor:
    """[any, any] -> [channels, length]: mixed down if there are more channels, cut or padded at the end."""
    if signal.shape[0] != channels:
        signal = signal.mean(0, keepdim=True)
    return torch.nn.functional.pad(signal[:, :length], (0, max(0, length - signal.shape[-1])))
