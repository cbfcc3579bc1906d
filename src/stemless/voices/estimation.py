"""The f0 of every voice from the mixture alone, in four forms; and tracks made better by listening.

audio -> salience of pitches -> peaks -> voices decoded together -> tracks, confidence, cautions
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stemless import checkpoint
from stemless.devices import pick_device
from stemless.errors import UsageError
from stemless.inputs import Audio, OnProgress, PathLike, share_progress
from stemless.voices.cautions import cautions
from stemless.voices.decoding import Chosen, DecodingConfig, Peaks, decode, decode_near, find_peaks
from stemless.voices.salience import KIND, SalienceNetwork, load_salience, salience_of
from stemless.voices.tracks import PitchTracks

MOST_VOICES = 6


@dataclass(frozen=True)
class Estimate:
    """Tracks, how sure they are, and what to be careful about.

    Attributes:
        tracks: of the voices, the highest first.
        confidence: [voices, frames] in 0 to 1, the salience of what a voice sings; 0 where it rests.
        warnings: a sentence each, with times.
    """

    tracks: PitchTracks
    confidence: NDArray[np.float32]
    warnings: tuple[str, ...] = ()


class PitchEstimator:
    """A network that hears pitches, loaded once and used for as many recordings as one likes.

    Args:
        model: a shipped name, a folder or hf://USER/MODEL; by default the one that ships with the package.
        device: "auto", "cpu", "cuda" or "mps".
        decoding: how the voices of a mixture choose among what is heard; a lower `bias` lets them rest more.

    Raises:
        UsageError: there is no such device, or no model was given and none ships.
        CheckpointError: there is no such model, or it is one of something else.
    """

    def __init__(
        self,
        model: PathLike | None = None,
        *,
        device: str = "auto",
        decoding: DecodingConfig | None = None,
    ) -> None:
        self.network: SalienceNetwork = load_salience(model or default_model()).to(pick_device(device))
        self.decoding = decoding or DecodingConfig()

    def estimate(
        self,
        audio: Audio,
        voices: int,
        sample_rate: int | None = None,
        *,
        names: Sequence[str] = (),
        on_progress: OnProgress | None = None,
    ) -> Estimate:
        """The voices of a recording in memory (or, given a path, in a file), the highest first.

        Args:
            audio: [channels, time] or [time] in floats, full scale at 1; or a path.
            voices: 1 to 6.
            sample_rate: Hz; not needed for a path.
            names: of the voices, from the highest down; "voice 1" and so on if not given.
            on_progress: called with the seconds done and the seconds there are.

        Raises:
            UsageError: an impossible number of voices, names that do not fit it, or no sample rate.
            AudioError: the audio cannot be used.
        """
        check_voices(voices, names)
        peaks = self.listen(audio, sample_rate, on_progress)
        f0_hz, confidence = self.pitches(peaks, decode(peaks, voices, self.decoding))
        tracks = PitchTracks.regular(f0_hz, self.network.config.step_seconds, names or None)
        return Estimate(tracks, confidence, tuple(cautions(tracks)))

    def refine(
        self,
        audio: Audio,
        tracks: PitchTracks,
        sample_rate: int | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> Estimate:
        """Tracks made better by listening: detunings, drift and vibrato followed, missed voicing found.

        All voices are decoded again, each willing to stay near what it is said to sing. Where nothing is
        heard near it, what was said stays, with a confidence of 0.

        Args:
            audio, sample_rate, on_progress: as of `estimate`.
            tracks: estimated, scored or drawn.
        """
        check_voices(tracks.voices, tracks.names)
        config = self.network.config
        peaks = self.listen(audio, sample_rate, on_progress)
        times = np.arange(len(peaks.semitones), dtype=np.float64) * config.step_seconds
        said_hz = tracks.at(times)
        with np.errstate(divide="ignore"):
            semitones = 12 * np.log2(said_hz / config.lowest_hz)
        said = np.where(said_hz > 0, semitones, np.nan).astype(np.float32)
        f0_hz, confidence = self.pitches(peaks, decode_near(peaks, said))
        f0_hz = np.where(f0_hz > 0, f0_hz, said_hz)
        refined = replace(tracks, times=times, f0_hz=f0_hz, step_seconds=config.step_seconds)
        return Estimate(refined, confidence, tuple(cautions(refined)))

    def listen(
        self, audio: Audio, sample_rate: int | None = None, on_progress: OnProgress | None = None
    ) -> Peaks:
        """The candidates of every frame, `config.step_seconds` of the network apart."""
        # Reading recordings is the business of separation, which needs torch's friends.
        from stemless.voices.separation import heard_mono

        config = self.network.config
        mono, _ = heard_mono(audio, sample_rate, config.sample_rate)
        logits = salience_of(mono, self.network, on_progress=on_progress)
        return find_peaks(logits, config.bins_per_octave)

    def pitches(self, peaks: Peaks, chosen: Chosen) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """f0 in Hz and confidence [voices, frames] of what was chosen."""
        frames = np.arange(peaks.semitones.shape[0])
        sounding = chosen >= 0
        chosen = np.maximum(chosen, 0)
        f0_hz = self.network.config.lowest_hz * 2 ** (peaks.semitones[frames, chosen] / 12)
        odds = np.clip(peaks.log_odds[frames, chosen], -20, 20)
        return (
            np.where(sounding, f0_hz, 0).astype(np.float32),
            np.where(sounding, 1 / (1 + np.exp(-odds)), 0).astype(np.float32),
        )


def pitch(
    audio: Audio,
    voices: int,
    sample_rate: int | None = None,
    *,
    names: Sequence[str] = (),
    model: PathLike | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Estimate:
    """The f0 of each voice of a recording; arguments and errors as of `PitchEstimator`.

    Example:
        found = stemless.pitch("choir.wav", 4)
        stems = stemless.separate("choir.wav", f0=found.tracks)
    """
    check_voices(voices, names)
    estimator = PitchEstimator(model, device=device)
    return estimator.estimate(audio, voices, sample_rate, names=names, on_progress=on_progress)


def pitch_from_file(path: PathLike, voices: int, **options: object) -> Estimate:
    """The f0 of each voice of a file; options as of `pitch`."""
    return pitch(Path(path), voices, **options)  # type: ignore[arg-type]


def pitch_from_file_to_file(
    path: PathLike, output: PathLike, voices: int, *, overwrite: bool = False, **options: object
) -> Estimate:
    """Write the f0 of each voice of a file as `time,<voice>,...`; options as of `pitch`.

    Raises:
        UsageError: besides, the output is there already.
    """
    refuse_to_replace(output, overwrite)
    found = pitch(Path(path), voices, **options)  # type: ignore[arg-type]
    found.tracks.to_csv(output, overwrite=overwrite)
    return found


def pitch_from_files_to_files(
    paths: Sequence[PathLike],
    outputs: Sequence[PathLike],
    voices: int,
    *,
    model: PathLike | None = None,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> list[Estimate]:
    """Write the f0 of file after file, with the model loaded once; everything else as of `pitch`.

    Raises:
        UsageError: besides, there are not as many outputs as recordings, or two are one.
    """
    check_voices(voices)
    if len(paths) != len(outputs) or len({str(output) for output in outputs}) < len(outputs):
        raise UsageError(f"{len(paths)} recordings and {len(outputs)} outputs: give each recording its own")
    for output in outputs:
        refuse_to_replace(output, overwrite)
    estimator = PitchEstimator(model, device=device)
    found = []
    for number, (path, output) in enumerate(zip(paths, outputs, strict=True)):
        progress = share_progress(on_progress, number, len(paths))
        found.append(estimator.estimate(Path(path), voices, on_progress=progress))
        found[-1].tracks.to_csv(output, overwrite=overwrite)
    return found


def refine_pitch(
    audio: Audio,
    tracks: PitchTracks,
    sample_rate: int | None = None,
    *,
    model: PathLike | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Estimate:
    """Given tracks, moved to where the recording has them; as `PitchEstimator.refine`."""
    check_voices(tracks.voices, tracks.names)
    return PitchEstimator(model, device=device).refine(audio, tracks, sample_rate, on_progress=on_progress)


def check_voices(voices: int, names: Sequence[str] = ()) -> None:
    """Raise a UsageError for a number of voices that cannot be tracked, or names that do not fit it."""
    if not 1 <= voices <= MOST_VOICES:
        raise UsageError(f"{voices} voices cannot be tracked: give 1 to {MOST_VOICES}")
    if names and len(names) != voices:
        raise UsageError(f"{len(names)} names for {voices} voices: name each, from the highest down")


def refuse_to_replace(output: PathLike, overwrite: bool) -> None:
    """Raise a UsageError if a file is there and is not to be overwritten."""
    if Path(output).exists() and not overwrite:
        raise UsageError(f"{output}: exists already: choose another name or overwrite it")


def default_model() -> str:
    """The name of the pitch model that ships: of several the first by name."""
    if name := checkpoint.shipped_of(KIND):
        return name
    raise UsageError(
        "no model for pitch ships with this version: give one (--model NAME|PATH|hf://USER/MODEL)"
    )
