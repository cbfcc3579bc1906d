"""Ensembles of recorded solos: real voices and instruments, shifted and mixed, with their pitch as tracked.

What one singer or player sounds alone can be tracked well (pYIN, Mauch and Dixon, ICASSP 2014). Cut up,
moved by some semitones and put together, such recordings are mixtures whose pitch is known: no music, but
the sounds of real throats and rooms, which a synthesiser does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from stemless.audio import read
from stemless.data.curves import STEP_SECONDS
from stemless.data.quartets import Ensemble, in_some_room
from stemless.data.rendering import claim, random_number, write_ensemble, write_manifest
from stemless.errors import AudioError, MissingExtraError, StemlessError, UsageError
from stemless.query.manifest import Recording
from stemless.resampling import resample

RATE = 16000
LONGEST_SECONDS = 12.0
LOWEST_HZ, HIGHEST_HZ = 55.0, 1100.0
FEWEST_VOICED = 0.4
LARGEST_SHIFT_SEMITONES = 5.0
_FADE_SECONDS = 0.02
_FRAME_LENGTH = 1024
_HOP_LENGTH = 80


@dataclass(frozen=True)
class Solo:
    """One voice or instrument alone.

    audio: [time] at `RATE`. f0_hz: [frames], every `STEP_SECONDS`, 0 where it is unvoiced. kind:
    recordings of one kind take turns in one voice.
    """

    audio: NDArray[np.float32]
    f0_hz: NDArray[np.float32]
    kind: str


def track_solos(
    recordings: Sequence[Recording], *, on_progress: Callable[[int, int], None] | None = None
) -> tuple[list[Solo], list[str]]:
    """Recordings that have a pitch most of the time; and what is to be said of the others, a line each.

    Raises:
        MissingExtraError: librosa is not installed.
    """
    solos: list[Solo] = []
    remarks: list[str] = []
    for number, recording in enumerate(recordings, start=1):
        try:
            solo = track_solo(recording.audio, recording.caption)
        except AudioError as error:
            remarks.append(str(error))
        else:
            if (solo.f0_hz > 0).mean() >= FEWEST_VOICED:
                solos.append(solo)
            else:
                remarks.append(f"{recording.audio}: has no pitch most of the time, and is left out")
        if on_progress:
            on_progress(number, len(recordings))
    return solos, remarks


def track_solo(path: str | Path, kind: str) -> Solo:
    """The pitch of one recording, of its first seconds at least."""
    try:
        import librosa
    except ImportError:
        raise MissingExtraError("librosa", "pitch") from None
    audio, sample_rate = read(path)
    mono = resample(audio.mean(0, keepdim=True), sample_rate, RATE)[0, : round(LONGEST_SECONDS * RATE)]
    peak = float(mono.abs().max())
    if peak < 1e-4 or mono.numel() < _FRAME_LENGTH:
        raise AudioError(f"{path}: is silent or too short to have a pitch, and is left out")
    samples = (mono / (2 * peak)).numpy()
    f0_hz, voiced, _ = librosa.pyin(
        samples,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=RATE,
        frame_length=_FRAME_LENGTH,
        hop_length=_HOP_LENGTH,
        fill_na=0.0,
    )
    return Solo(samples, np.where(voiced, f0_hz, 0.0).astype(np.float32), kind)


def random_solos(
    generator: np.random.Generator, solos: Sequence[Solo], duration_seconds: float, *, voices: int
) -> Ensemble:
    """Make up an ensemble of solos.

    Args:
        generator: what it is drawn from; the same state gives the same ensemble.
        solos: to draw from; the voices are of different kinds as far as there are enough.
        duration_seconds: its length.
        voices: how many.
    """
    kinds = sorted({solo.kind for solo in solos})
    chosen = generator.choice(len(kinds), voices, replace=len(kinds) < voices)
    samples = round(duration_seconds * RATE)
    frames = 1 + int(duration_seconds / STEP_SECONDS)
    dry = torch.zeros(voices, samples)
    f0_hz = np.zeros((voices, frames), dtype=np.float32)
    for voice, kind in enumerate(chosen):
        own = [solo for solo in solos if solo.kind == kinds[kind]]
        _fill(generator, own, dry[voice], f0_hz[voice])
        dry[voice] *= 10 ** (float(generator.normal(0, 3.5)) / 20)
    stems = in_some_room(dry, RATE, 1, generator)
    gain = 10 ** (float(generator.uniform(-20, -1)) / 20) / max(float(stems.sum(0).abs().max()), 1e-6)
    names = tuple(f"voice {number + 1}" for number in range(voices))
    return Ensemble(names, stems * gain, f0_hz, RATE)


def _fill(
    generator: np.random.Generator, solos: Sequence[Solo], audio: torch.Tensor, f0_hz: NDArray[np.float32]
) -> None:
    """Put solos one after the other into the audio [time] and the pitch [frames] of one voice."""
    at = float(generator.uniform(0, 0.7))
    while at * RATE < len(audio) - _FRAME_LENGTH:
        solo = solos[int(generator.integers(len(solos)))]
        ratio = 2 ** (float(generator.uniform(-1, 1)) * LARGEST_SHIFT_SEMITONES / 12)
        piece = soxr.resample(solo.audio, RATE * ratio, RATE)
        voiced = solo.f0_hz[solo.f0_hz > 0] * ratio
        if voiced.min() < LOWEST_HZ or voiced.max() > HIGHEST_HZ:
            ratio, piece = 1.0, solo.audio
        longest = int(min(len(piece), len(audio) - at * RATE, RATE * float(generator.uniform(0.4, 4.0))))
        skipped = int(generator.integers(max(1, len(piece) - longest)))
        piece = piece[skipped : skipped + longest].astype(np.float32)
        fade = min(round(_FADE_SECONDS * RATE), len(piece) // 2)
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        piece[:fade] *= ramp
        piece[len(piece) - fade :] *= ramp[::-1]
        level = float(np.sqrt(np.mean(piece**2)))
        first = round(at * RATE)
        if level > 1e-4:
            audio[first : first + len(piece)] += torch.from_numpy(piece * (0.1 / level))
            times = np.arange(int(at / STEP_SECONDS) + 1, int((first + len(piece)) / RATE / STEP_SECONDS))
            places = np.round((times * STEP_SECONDS - at + skipped / RATE) * ratio / STEP_SECONDS).astype(int)
            inside = (places < len(solo.f0_hz)) & (times < len(f0_hz))
            f0_hz[times[inside]] = solo.f0_hz[places[inside]] * ratio
        rest = float(generator.exponential(0.4)) if generator.random() < 0.3 else 0.0
        at += len(piece) / RATE + rest


def render_solos(
    path: str | Path,
    recordings: Sequence[Recording],
    count: int,
    seconds: float,
    seed: int,
    *,
    stems: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, list[str]]:
    """Render ensembles of recorded solos into a folder, laid out as `rendering.render_corpus` does.

    Args:
        path: the folder.
        recordings: solos; the caption says what is heard, and is the kind.
        count, seconds, seed: of the ensembles.
        stems: write the voices too.
        on_progress: called with (done, count), recordings to track counted as ensembles to render.

    Returns:
        The path of the manifest, and a line for each recording that was left out.

    Raises:
        UsageError: the folder holds a corpus that was asked for otherwise, or other things.
        StemlessError: no recording has a pitch, or the folder cannot be written.
    """
    if count < 1 or seconds < 0.5:
        raise UsageError(f"a corpus has at least 1 ensemble of 0.5 s, not {count} of {seconds:g} s")
    folder = Path(path)
    claim(folder, {"seed": seed, "seconds": seconds, "recordings": len(recordings), "stems": stems})
    whole = len(recordings) + count

    def progress(done: int) -> None:
        if on_progress:
            on_progress(done, whole)

    solos, remarks = track_solos(recordings, on_progress=lambda done, _: progress(done))
    if not solos:
        raise StemlessError(
            f"none of {len(recordings)} recordings has a pitch: give solos of voices or instruments"
        )
    for index in range(count):
        if not (folder / f"{index:05d}" / "mixture.flac").exists():
            generator = np.random.default_rng((seed, index))
            voices = random_number(generator)
            write_ensemble(folder, index, random_solos(generator, solos, seconds, voices=voices), stems=stems)
        progress(len(recordings) + index + 1)
    return write_manifest(folder, count, stems), remarks
