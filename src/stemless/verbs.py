"""Separating in four forms: from audio, from a file, from a file to files, from files to files.

The pitch of the voices, `f0`, is given as `PitchTracks`, as a path or several (see `voices.track_files`), or
as a pair (array [voices, frames] in Hz with 0 for unvoiced, step in seconds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from stemless import audio as audio_files
from stemless import engine
from stemless.errors import AudioError, UsageError
from stemless.separator import Separator, Stems
from stemless.voices.methods import METHODS, Choice, ChosenVoices, choose, make_separator, pick_device
from stemless.voices.tracks import PitchTracks

PathLike: TypeAlias = str | Path
F0: TypeAlias = PitchTracks | PathLike | Sequence[PathLike] | tuple[ArrayLike, float]
Audio: TypeAlias = Tensor | NDArray[Any] | PathLike
OnProgress: TypeAlias = Callable[[float, float], None]


class VoiceSeparator:
    """A separator of voices, loaded once and used for as many recordings as one likes.

    Args:
        separator: what makes the masks.
        seed: noted in the reports; the separators draw nothing at random.
    """

    def __init__(self, separator: Separator[PitchTracks], *, seed: int = 0) -> None:
        self.separator = separator
        self.seed = seed

    @property
    def name(self) -> str:
        """What reports call it, such as "voices/comb"."""
        return self.separator.name

    def separate(
        self,
        audio: Audio,
        sample_rate: int | None = None,
        *,
        f0: F0,
        voices: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Stems:
        """Separate a recording in memory (or, given a path, in a file).

        Args:
            audio: [channels, time] or [time] in floats, full scale at 1; or a path.
            sample_rate: Hz; not needed for a path.
            f0: the pitch of the voices, at least two.
            voices: names of the stems wanted; the others stay in the residual. All by default.
            on_progress: called with the seconds done and the seconds there are.

        Raises:
            AudioError: the audio cannot be used.
            TrackError: the tracks cannot be used, or are much shorter than the audio.
            UsageError: there is no voice of a name, or no sample rate.
        """
        if isinstance(audio, str | Path):
            return self.separate_from_file(audio, f0=f0, voices=voices, on_progress=on_progress)
        if sample_rate is None or sample_rate <= 0:
            raise UsageError("audio in memory needs its sample rate: separate(audio, sample_rate, f0=...)")
        samples = _as_tensor(audio)
        separator, condition = self._asked(as_tracks(f0), voices, samples.shape[-1] / sample_rate)
        return engine.separate_audio(samples, sample_rate, separator, condition, on_progress=on_progress)

    def separate_from_file(
        self,
        path: PathLike,
        *,
        f0: F0,
        voices: Sequence[str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Stems:
        """Separate a file that fits into memory; arguments and errors as of `separate`."""
        samples, sample_rate = audio_files.read(path)
        return self.separate(samples, sample_rate, f0=f0, voices=voices, on_progress=on_progress)

    def separate_from_file_to_files(
        self,
        path: PathLike,
        output: PathLike,
        *,
        f0: F0,
        voices: Sequence[str] | None = None,
        audio_format: str = "wav",
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """Separate a file of any length into `output/<its name>/`: stems, residual and report.json.

        Args:
            path: the recording.
            output: folder; made if it is not there.
            f0, voices, on_progress: as of `separate`.
            audio_format: wav, flac, ogg or mp3.
            overwrite: replace an earlier result.

        Returns:
            the report as it was written.

        Raises:
            UsageError: the result is there already, or the format cannot hold such audio.
            AudioError, TrackError: as of `separate`.
        """
        tracks = as_tracks(f0)
        separator, condition = self._asked(tracks, voices, audio_files.probe(path).duration_seconds)
        return engine.separate_file(
            path,
            separator,
            condition,
            output,
            audio_format=audio_format,
            overwrite=overwrite,
            seed=self.seed,
            on_progress=on_progress,
            details={name: {"voice": name} for name in condition.names},
        )

    def separate_from_files_to_files(
        self,
        paths: Sequence[PathLike],
        output: PathLike,
        *,
        f0: Sequence[F0],
        voices: Sequence[str] | None = None,
        audio_format: str = "wav",
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[dict[str, Any]]:
        """Separate one file after the other; `f0` holds one entry a file.

        Everything else as in `separate_from_file_to_files`.

        Raises:
            UsageError: besides, if the lengths differ or two files would write to one folder.
        """
        if len(paths) != len(f0):
            raise UsageError(f"{len(paths)} recordings and {len(f0)} f0: give one f0 for each")
        folders = [Path(path).stem.casefold() for path in paths]
        for path, folder in zip(paths, folders, strict=True):
            if folders.count(folder) > 1:
                raise UsageError(f"{path}: another recording has the same name; rename one of them")
        reports = []
        for number, (path, tracks) in enumerate(zip(paths, f0, strict=True)):
            report = self.separate_from_file_to_files(
                path,
                output,
                f0=tracks,
                voices=voices,
                audio_format=audio_format,
                overwrite=overwrite,
                on_progress=_share(on_progress, number, len(paths)),
            )
            reports.append(report)
        return reports

    def _asked(
        self, tracks: PitchTracks, voices: Sequence[str] | None, duration_seconds: float
    ) -> tuple[Separator[Any], PitchTracks | Choice]:
        """The separator and the condition for these voices of the tracks, once they fit the recording."""
        tracks.check(duration_seconds)
        if voices is None:
            return self.separator, tracks
        return ChosenVoices(self.separator), Choice(tracks, tracks.check_choice(voices))


def load(
    what: PathLike | None = None, *, power: float = 2.0, device: str = "auto", seed: int = 0
) -> VoiceSeparator:
    """A separator of voices to use again and again.

    Args:
        what: a method ("comb", "nmf", ...), or a model (a shipped name, a folder, hf://USER/MODEL). Without
            it the network runs if its model ships with the package, else the comb.
        power: exponent p of the masks |S_j|^p / sum |S_k|^p.
        device: "auto", "cpu", "cuda" or "mps".
        seed: noted in the reports.

    Raises:
        UsageError: an impossible power or device, or a method that needs a model.
        CheckpointError: there is no such model, or it is damaged.
    """
    named = what is not None and str(what) in METHODS
    method, model = choose(str(what) if named else None, None if named else what)
    return VoiceSeparator(make_separator(method, model, power=power, device=pick_device(device)), seed=seed)


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


def as_tracks(f0: F0) -> PitchTracks:
    """Tracks from whatever they were given as; errors as of `PitchTracks`."""
    if isinstance(f0, PitchTracks):
        return f0
    if isinstance(f0, str | Path):
        return PitchTracks.from_csv(f0)
    if isinstance(f0, tuple) and len(f0) == 2 and isinstance(f0[1], int | float | np.number):
        return PitchTracks.regular(np.asarray(f0[0]), float(f0[1]))
    return PitchTracks.from_files(f0)


def _as_tensor(audio: Tensor | NDArray[Any]) -> Tensor:
    """[channels, time] float32 on the CPU."""
    samples = torch.as_tensor(audio)
    if not samples.is_floating_point():
        raise AudioError(f"audio of type {samples.dtype} cannot be separated: give floats, full scale at 1")
    return samples[None] if samples.ndim == 1 else samples


def _share(on_progress: OnProgress | None, number: int, files: int) -> OnProgress | None:
    """Progress over several files, each counted alike."""
    if on_progress is None:
        return None
    return lambda done, total: on_progress(number + done / total, files)
