"""The verbs of the package: `separate` in its four forms, `load` and `fit`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from stemless.devices import pick_device
from stemless.errors import StemlessError, UsageError
from stemless.inputs import Audio, OnProgress, PathLike
from stemless.separator import Stems
from stemless.voices.methods import METHODS, check_power, choose, make_separator
from stemless.voices.separation import F0, VoiceSeparator, as_tracks, heard_mono
from stemless.voices.tracks import PitchTracks

FIT_STEPS = 300
FIT_RATE = 16000  # of a network that starts afresh


def load(
    what: PathLike | None = None, *, power: float = 2.0, device: str = "auto", seed: int = 0
) -> VoiceSeparator:
    """A separator of voices to use again and again.

    Args:
        what: a method ("comb", "nmf", ...), or a model (a shipped name, a folder, hf://USER/MODEL). Without
            it the network runs if its model ships with the package, else the comb.
        power: exponent p of the masks |S_j|^p / sum |S_k|^p.
        device: "auto", "cpu", "cuda" or "mps".
        seed: of the methods that learn from the recording; noted in the reports.

    Raises:
        UsageError: an impossible power or device, or a method that needs a model.
        CheckpointError: there is no such model, or it is damaged.
    """
    named = what is not None and str(what) in METHODS
    method, model = choose(str(what) if named else None, None if named else what)
    return VoiceSeparator(make_separator(method, model, power=power, device=device, seed=seed), seed=seed)


def fit(
    audio: Audio,
    sample_rate: int | None = None,
    *,
    f0: F0,
    model: PathLike | None = None,
    steps: int = FIT_STEPS,
    power: float = 2.0,
    device: str = "auto",
    seed: int = 0,
    run: PathLike | None = None,
    on_progress: OnProgress | None = None,
) -> VoiceSeparator:
    """A separator whose network has learned from this one recording, without its stems.

    Args:
        audio, sample_rate, f0: as of `VoiceSeparator.separate`.
        model: network to start from: a shipped name, a folder or hf://USER/MODEL. By default the one that
            ships with the package, or a fresh one if none does.
        steps: of training; the same steps and seed give the same model.
        power, device: as of `load`.
        run: folder for the state of the fit, from which a stopped fit goes on.
        on_progress: called with the steps done and the steps there are.

    Raises:
        UsageError, CheckpointError, AudioError, TrackError: as of `load` and `VoiceSeparator.separate`.
        StemlessError: there is too little in the recording to learn from.
        MissingExtraError: the extra `train` is not installed.
    """
    from stemless.voices.fit import fit as fit_network
    from stemless.voices.network_separator import NetworkSeparator, load_model

    check_power(power)
    device = pick_device(device)
    tracks = as_tracks(f0)
    _, reference = choose("network", model, fit=True)
    start = None if reference is None else load_model(reference)
    mono, duration_seconds = heard_mono(
        audio, sample_rate, FIT_RATE if start is None else start.config.sample_rate
    )
    tracks.check(duration_seconds)
    if run is not None:
        asked = {"steps": steps, "seed": seed, "model": reference, "recording": _fingerprint(mono, tracks)}
        _claim(Path(run), asked)
    try:
        fitted = fit_network(
            mono,
            tracks,
            steps=steps,
            model=start,
            seed=seed,
            run=None if run is None else Path(run),
            device=device,
            on_progress=on_progress,
        )
    except StemlessError as error:
        if type(error) is not StemlessError or not isinstance(audio, str | Path):
            raise
        raise StemlessError(f"{audio}: {error}") from None
    return VoiceSeparator(NetworkSeparator(fitted, power, device), seed=seed)


def separate(
    audio: Audio,
    sample_rate: int | None = None,
    *,
    f0: F0,
    model: PathLike | None = None,
    voices: Sequence[str] | None = None,
    power: float = 2.0,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Stems:
    """Separate audio [channels, time], or a file, into its voices.

    Args:
        model: what `load` takes: a method or a model. Other arguments and errors as of `load` and
            `VoiceSeparator.separate`.

    Example:
        stems = stemless.separate("choir.wav", f0="choir_f0.csv")
    """
    separator = load(model, power=power, device=device)
    return separator.separate(audio, sample_rate, f0=f0, voices=voices, on_progress=on_progress)


def separate_from_file(path: PathLike, *, f0: F0, model: PathLike | None = None, **options: Any) -> Stems:
    """Separate a file into stems in memory; options as of `separate`."""
    return separate(Path(path), f0=f0, model=model, **options)


def separate_from_file_to_files(
    path: PathLike,
    output: PathLike,
    *,
    f0: F0,
    model: PathLike | None = None,
    power: float = 2.0,
    device: str = "auto",
    **options: Any,
) -> dict[str, Any]:
    """Separate a file into files; options as of `VoiceSeparator.separate_from_file_to_files`."""
    separator = load(model, power=power, device=device)
    return separator.separate_from_file_to_files(path, output, f0=f0, **options)


def separate_from_files_to_files(
    paths: Sequence[PathLike],
    output: PathLike,
    *,
    f0: Sequence[F0],
    model: PathLike | None = None,
    power: float = 2.0,
    device: str = "auto",
    **options: Any,
) -> list[dict[str, Any]]:
    """Separate files into files; options as of `VoiceSeparator.separate_from_files_to_files`."""
    separator = load(model, power=power, device=device)
    return separator.separate_from_files_to_files(paths, output, f0=f0, **options)


def _fingerprint(mono: Tensor, tracks: PitchTracks) -> str:
    """Tells one recording and its tracks from all others."""
    digest = hashlib.sha256(mono.numpy().tobytes())
    for values in (tracks.times, tracks.f0_hz):
        digest.update(values.tobytes())
    return digest.hexdigest()


def _claim(run: Path, asked: dict[str, Any]) -> None:
    """Mark the folder of a fit with what is fitted; going on with anything else is refused."""
    marker = run / "fit.json"
    try:
        if marker.exists():
            if json.loads(marker.read_text(encoding="utf-8")) != asked:
                raise UsageError(
                    f"{run}: holds a fit of another recording or other settings: choose another folder"
                )
            return
        if run.exists() and (not run.is_dir() or any(run.iterdir())):
            raise UsageError(f"{run}: is no folder of a fit: choose an empty or new one")
        run.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise StemlessError(f"{run}: cannot be used ({error}): choose another folder") from None
