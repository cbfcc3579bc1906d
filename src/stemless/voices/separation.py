"""Separating voices in four forms: from audio, from a file, from a file to files, from files to files.

The pitch of the voices, `f0`, is given as `PitchTracks`, as a path or several (see `voices.track_files`), or
as a pair (array [voices, frames] in Hz with 0 for unvoiced, step in seconds).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from stemless import audio as audio_files
from stemless import checkpoint, engine
from stemless.configuration import to_mapping
from stemless.errors import UsageError
from stemless.inputs import (
    Audio,
    OnProgress,
    PathLike,
    as_samples,
    known_rate,
    refuse_equal_names,
    share_progress,
)
from stemless.separator import Separator, Stems
from stemless.voices.tracks import PitchTracks

F0: TypeAlias = PitchTracks | PathLike | Sequence[PathLike] | tuple[ArrayLike, float]


class VoiceSeparator:
    """A separator of voices, loaded once and used for as many recordings as one likes.

    Args:
        separator: what makes the masks.
        seed: what the separator was made with, for the reports.
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
        sample_rate = known_rate(sample_rate)
        samples = as_samples(audio)
        tracks = as_tracks(f0)
        return engine.separate_audio(
            samples,
            sample_rate,
            self.separator,
            tracks,
            only=_chosen(tracks, voices, samples.shape[-1] / sample_rate),
            on_progress=on_progress,
        )

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
        besides: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """Separate a file of any length into `output/<its name>/`: stems, residual and report.json.

        Args:
            path: the recording.
            output: folder; made if it is not there.
            f0, voices, on_progress: as of `separate`.
            audio_format: wav, flac, ogg or mp3.
            overwrite: replace an earlier result.
            besides: what the report is to hold besides, such as how the tracks came about.

        Returns:
            the report as it was written.

        Raises:
            UsageError: the result is there already, or the format cannot hold such audio.
            AudioError, TrackError: as of `separate`.
        """
        tracks = as_tracks(f0)
        chosen = _chosen(tracks, voices, audio_files.probe(path).duration_seconds)
        return engine.separate_file(
            path,
            self.separator,
            tracks,
            output,
            only=chosen,
            audio_format=audio_format,
            overwrite=overwrite,
            seed=self.seed,
            on_progress=on_progress,
            details={name: {"voice": name} for name in tracks.names},
            besides=besides,
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
        refuse_equal_names(paths)
        reports = []
        for number, (path, tracks) in enumerate(zip(paths, f0, strict=True)):
            report = self.separate_from_file_to_files(
                path,
                output,
                f0=tracks,
                voices=voices,
                audio_format=audio_format,
                overwrite=overwrite,
                on_progress=share_progress(on_progress, number, len(paths)),
            )
            reports.append(report)
        return reports

    def save_model(self, directory: PathLike, card: str) -> Path:
        """Store the network of this separator, such as one just fitted, with its model card.

        Raises:
            UsageError: this separator has learned nothing.
            CheckpointError: the folder cannot be written.
        """
        from stemless.voices.blend import BlendSeparator
        from stemless.voices.network_separator import NetworkSeparator

        network = self.separator.network if isinstance(self.separator, BlendSeparator) else self.separator
        if not isinstance(network, NetworkSeparator):
            raise UsageError(f"{self.name} has learned nothing that could be saved")
        model = network.model
        config = {"kind": network.name, "model": to_mapping(model.config)}
        return checkpoint.save(directory, config, model.state_dict(), card)


def _chosen(
    tracks: PitchTracks, voices: Sequence[str] | None, duration_seconds: float
) -> tuple[str, ...] | None:
    """The voices that are asked for, None for all of them, once the tracks fit the recording."""
    tracks.check(duration_seconds)
    return None if voices is None else tracks.check_choice(voices)


def as_tracks(f0: F0) -> PitchTracks:
    """Tracks from whatever they were given as; errors as of `PitchTracks`."""
    if isinstance(f0, PitchTracks):
        return f0
    if isinstance(f0, str | Path):
        return PitchTracks.from_csv(f0)
    if isinstance(f0, tuple) and len(f0) == 2 and isinstance(f0[1], int | float | np.number):
        return PitchTracks.regular(np.asarray(f0[0]), float(f0[1]))
    return PitchTracks.from_files(f0)


def heard_mono(audio: Audio, sample_rate: int | None, rate: int) -> tuple[Tensor, float]:
    """The recording as a network hears it, [time] mono at `rate`; and its duration in seconds."""
    with contextlib.ExitStack() as stack:
        blocks: Iterable[Tensor]
        if isinstance(audio, str | Path):
            reader = stack.enter_context(audio_files.BlockReader(audio))
            blocks, from_rate = reader.blocks(), reader.info.sample_rate
        else:
            blocks, from_rate = [as_samples(audio)], known_rate(sample_rate)
        resampler = audio_files.StreamResampler(from_rate, rate, 1)
        heard, samples = [], 0
        for block in blocks:
            samples += block.shape[1]
            heard.append(resampler.push(block.mean(dim=0, keepdim=True)))
        return torch.cat([*heard, resampler.finish()], dim=1)[0], samples / from_rate
