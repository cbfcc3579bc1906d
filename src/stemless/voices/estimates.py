"""Recordings of one's own as a corpus with stems, without stems: separated and heard, voice by voice.

Each recording is heard, separated by the blend, and every voice is heard once more alone, where it is told
best. What comes out is no truth, but it has the throats, the room and the microphone of the recordings. Put
together anew by `pitch_training.remixed`, such voices are mixtures whose pitch is known well, since each was
told where the others hardly sound (self-training by remixed estimates, after Tzinis et al., "RemixIT:
continual self-training of speech enhancement models via bootstrapped remixing", IEEE JSTSP 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stemless.audio import probe
from stemless.data.curves import frame_times
from stemless.data.quartets import Ensemble
from stemless.data.rendering import claim, write_ensemble, write_manifest
from stemless.errors import UsageError
from stemless.inputs import OnProgress, share_progress
from stemless.separator import Separator
from stemless.voices.estimation import PitchEstimator, check_voices
from stemless.voices.methods import choose, make_separator
from stemless.voices.second_hearing import heard_alone, listen_again, voices_of
from stemless.voices.separation import heard_mono
from stemless.voices.tracks import PitchTracks

PIECE_SECONDS = 8.0
"""Length of the pieces that a recording is written in; what is left at its end joins the last one."""


def write_estimates(
    path: str | Path,
    recordings: Sequence[str | Path],
    voices: int,
    *,
    pitch_model: str | Path | None = None,
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Path:
    """Separate recordings into a folder, laid out as `data.rendering.render_corpus` does.

    What is already there is kept, so a broken run can go on. A twentieth of the pieces is there to validate.

    Args:
        path: the folder.
        recordings: of as many voices each.
        voices: 2 to 6.
        pitch_model: what listens; the model that ships if not given.
        on_progress: called with the recordings done, in fractions, and those there are.

    Returns:
        The path of the manifest, for `stemless train pitch`.

    Raises:
        UsageError: an impossible number of voices, no recording, or a folder that holds something else.
        AudioError: a recording that cannot be used.
        StemlessError: the folder cannot be written.
    """
    if voices < 2 or not recordings:
        raise UsageError(f"{len(recordings)} recordings of {voices} voices: give at least one of two voices")
    check_voices(voices)
    counts = [pieces_of(probe(each).duration_seconds) for each in recordings]
    folder = Path(path)
    claim(
        folder,
        {
            "recordings": [str(each) for each in recordings],
            "voices": voices,
            "pitch_model": str(pitch_model or ""),
        },
    )
    estimator = PitchEstimator(pitch_model, device=device)
    network = make_separator(*choose("network", None), device=device)
    blend = make_separator(*choose("blend", None))
    first = 0
    for number, (recording, count) in enumerate(zip(recordings, counts, strict=True)):
        if not (folder / f"{first + count - 1:05d}" / "mixture.flac").exists():
            mono, _ = heard_mono(recording, None, blend.sample_rate)
            stems, tracks = estimate_voices(
                mono,
                blend.sample_rate,
                voices,
                estimator=estimator,
                network=network,
                blend=blend,
                on_progress=share_progress(on_progress, number, len(recordings)),
            )
            for place, piece in enumerate(cut(stems, tracks, blend.sample_rate, count)):
                write_ensemble(folder, first + place, piece, stems=True)
        first += count
        if on_progress:
            on_progress(number + 1, len(recordings))
    return write_manifest(folder, first, stems=True)


def estimate_voices(
    mono: Tensor,
    sample_rate: int,
    voices: int,
    *,
    estimator: PitchEstimator,
    network: Separator[PitchTracks],
    blend: Separator[PitchTracks],
    on_progress: OnProgress | None = None,
) -> tuple[Tensor, PitchTracks]:
    """A recording [time] as voices [voices, time], and the pitch that each has by itself.

    Args:
        estimator: hears. network: separates for the second hearing. blend: separates by both hearings.
    """
    parts = [share_progress(on_progress, number, 3) for number in range(3)]
    first = estimator.estimate(mono, voices, sample_rate, on_progress=parts[0]).tracks
    second = listen_again(
        mono, first, sample_rate, estimator=estimator, separator=network, on_progress=parts[1]
    ).tracks
    both = replace(first, others=(second,))
    stems = voices_of(mono, blend, both, parts[2])
    return stems, heard_alone(stems, sample_rate, first, estimator).tracks


def pieces_of(duration_seconds: float) -> int:
    """How many pieces a recording is written in.

    >>> pieces_of(3.0), pieces_of(16.0), pieces_of(23.0)
    (1, 2, 2)
    """
    return max(1, int(duration_seconds / PIECE_SECONDS))


def cut(stems: Tensor, tracks: PitchTracks, sample_rate: int, count: int) -> list[Ensemble]:
    """Voices [voices, time] and their pitch in so many pieces, the last of them the longest."""
    length = round(PIECE_SECONDS * sample_rate)
    pieces = []
    for place in range(count):
        last = stems.shape[1] if place == count - 1 else (place + 1) * length
        audio = stems[:, place * length : last]
        times = place * PIECE_SECONDS + frame_times(audio.shape[1] / sample_rate)
        f0_hz: NDArray[np.float32] = tracks.at(times)
        pieces.append(Ensemble(tracks.names, audio[:, None], f0_hz, sample_rate))
    return pieces
