"""The verbs of the package: `separate` in its four forms, `load` and `fit`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from stemless import checkpoint
from stemless.devices import pick_device
from stemless.errors import StemlessError, UsageError
from stemless.inputs import Audio, OnProgress, PathLike
from stemless.query.separation import PromptSeparator, Words
from stemless.query.separation import load_prompt_separator as load_by_prompts
from stemless.separator import Stems
from stemless.voices.methods import METHODS, around_network, check_power, choose, make_separator
from stemless.voices.separation import F0, VoiceSeparator, as_tracks, heard_mono
from stemless.voices.tracks import PitchTracks

POWER = 2.0
FIT_STEPS = 300
FIT_RATE = 16000  # of a network that starts afresh


PROMPTS = "query"
"""What `load` takes for the model for prompts that ships."""


def load(
    what: PathLike | None = None, *, power: float | None = None, device: str = "auto", seed: int = 0
) -> VoiceSeparator | PromptSeparator:
    """A separator to use again and again: of voices, or by prompts.

    Args:
        what: a method for voices ("comb", "nmf", ...), or a model of either (a shipped name, a folder,
            hf://USER/MODEL); "query" for the shipped model for prompts. Without it a separator of voices: the
            network if its model ships with the package, else the comb.
        power: exponent p of the masks of voices |S_j|^p / sum |S_k|^p, by default 2.
        device: "auto", "cpu", "cuda" or "mps".
        seed: of the methods that learn from the recording; noted in the reports.

    Raises:
        UsageError: an impossible power or device, or a method that needs a model.
        CheckpointError: there is no such model, or it is damaged.
    """
    if what is not None and _takes_prompts(what):
        if power is not None:
            raise UsageError(f"{what}: takes prompts, and its masks have no exponent: leave out the power")
        return load_by_prompts(None if str(what) == PROMPTS else what, device=device, seed=seed)
    return _load_voices(what, power, device, seed)


def _takes_prompts(what: PathLike) -> bool:
    if str(what) in METHODS:
        return False
    return str(what) == PROMPTS or str(checkpoint.load_config(what).get("kind", "")).startswith("query/")


def _load_voices(what: PathLike | None, power: float | None, device: str, seed: int = 0) -> VoiceSeparator:
    named = what is not None and str(what) in METHODS
    method, model = choose(str(what) if named else None, None if named else what)
    power = POWER if power is None else power
    return VoiceSeparator(make_separator(method, model, power=power, device=device, seed=seed), seed=seed)


def fit(
    audio: Audio,
    sample_rate: int | None = None,
    *,
    f0: F0,
    model: PathLike | None = None,
    steps: int = FIT_STEPS,
    method: str = "network",
    power: float = POWER,
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
        method: "network", or "blend" for the network and source-filter NMF together.
        power, device: as of `load`.
        run: folder for the state of the fit, from which a stopped fit goes on.
        on_progress: called with the steps done and the steps there are.

    Raises:
        UsageError, CheckpointError, AudioError, TrackError: as of `load` and `VoiceSeparator.separate`.
        StemlessError: there is too little in the recording to learn from.
        MissingExtraError: the extra `train` is not installed.
    """
    from stemless.voices.fit import fit as fit_network
    from stemless.voices.network_separator import load_model

    check_power(power)
    device = pick_device(device)
    tracks = as_tracks(f0)
    chosen, reference = choose(method, model, fit=True)
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
    return VoiceSeparator(around_network(chosen, fitted, power=power, device=device, seed=seed), seed=seed)


def separate(
    audio: Audio,
    prompts: Words | int = (),
    sample_rate: int | None = None,
    *,
    without: Words = (),
    f0: F0 | None = None,
    model: PathLike | None = None,
    voices: Sequence[str] | None = None,
    power: float | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Stems:
    """Separate audio [channels, time], or a file: by what is heard in words, or by the pitch of its voices.

    Args:
        prompts, without: sounds that are wanted and sounds that are not, as of `PromptSeparator.separate`.
            With `f0` the sample rate may stand here.
        f0, voices, power: of voices, as of `VoiceSeparator.separate` and `load`.
        sample_rate: Hz; not needed for a path.
        model: what `load` takes.

    Raises:
        UsageError: neither words nor pitch were given, or both. Other errors as of `load` and `separate` of
            either separator.

    Example:
        stems = stemless.separate("street.wav", ["a dog barking", "rain"])
        stems = stemless.separate("choir.wav", f0="choir_f0.csv")
    """
    if isinstance(prompts, int):
        sample_rate, prompts = prompts, ()
    if _in_words(prompts, without, f0, voices, power):
        by_prompts = load_by_prompts(model, device=device)
        return by_prompts.separate(audio, prompts, sample_rate, without=without, on_progress=on_progress)
    assert f0 is not None
    of_voices = _load_voices(model, power, device)
    return of_voices.separate(audio, sample_rate, f0=f0, voices=voices, on_progress=on_progress)


def separate_from_file(path: PathLike, prompts: Words = (), **options: Any) -> Stems:
    """Separate a file into stems in memory; options as of `separate`."""
    return separate(Path(path), prompts, **options)


def separate_from_file_to_files(
    path: PathLike,
    output: PathLike,
    prompts: Words = (),
    *,
    without: Words = (),
    f0: F0 | None = None,
    model: PathLike | None = None,
    voices: Sequence[str] | None = None,
    power: float | None = None,
    device: str = "auto",
    **options: Any,
) -> dict[str, Any]:
    """Separate a file into files.

    Words or pitch as of `separate`; other options as of `separate_from_file_to_files` of either separator.
    """
    if _in_words(prompts, without, f0, voices, power):
        by_prompts = load_by_prompts(model, device=device)
        return by_prompts.separate_from_file_to_files(path, output, prompts, without=without, **options)
    assert f0 is not None
    of_voices = _load_voices(model, power, device)
    return of_voices.separate_from_file_to_files(path, output, f0=f0, voices=voices, **options)


def separate_from_files_to_files(
    paths: Sequence[PathLike],
    output: PathLike,
    prompts: Words = (),
    *,
    without: Words = (),
    f0: Sequence[F0] | None = None,
    model: PathLike | None = None,
    voices: Sequence[str] | None = None,
    power: float | None = None,
    device: str = "auto",
    **options: Any,
) -> list[dict[str, Any]]:
    """Separate files into files: all by the same words, or each by its own pitch.

    Everything else as of `separate_from_file_to_files`.
    """
    if _in_words(prompts, without, f0, voices, power):
        by_prompts = load_by_prompts(model, device=device)
        return by_prompts.separate_from_files_to_files(paths, output, prompts, without=without, **options)
    assert f0 is not None
    of_voices = _load_voices(model, power, device)
    return of_voices.separate_from_files_to_files(paths, output, f0=f0, voices=voices, **options)


def _in_words(
    prompts: Words, without: Words, f0: object, voices: Sequence[str] | None, power: float | None
) -> bool:
    """Whether sounds are named, and not the pitch of voices given; UsageError for both or neither."""
    words = bool(prompts) or bool(without)
    if words and f0 is not None:
        raise UsageError("give either prompts, the names of sounds, or f0, the pitch of voices: not both")
    if f0 is not None:
        return False
    if not words:
        raise UsageError(
            "say what to separate: prompts=['a dog barking', ...] for sounds, or f0=... for voices"
        )
    for name, value in (("voices", voices), ("power", power)):
        if value is not None:
            raise UsageError(f"{name} belongs to f0, not to prompts: leave it out")
    return True


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
