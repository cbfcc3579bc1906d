"""Hearing beside what is known: the recording beside given tracks, and each voice again, alone.

Given tracks and heard ones err at different times; a separator that can weigh versions (`blend`) takes both.
And what hides a voice in the mixture is mostly gone from its stem: a track that was a little wrong, or missed
a note, is put right, and notes of others that are left in the stem are fainter than its own.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from stemless import engine
from stemless.audio import resample
from stemless.inputs import Audio, OnProgress, share_progress
from stemless.separator import Separator
from stemless.voices.cautions import cautions
from stemless.voices.decoding import DecodingConfig, decode
from stemless.voices.estimation import Estimate, PitchEstimator, check_voices
from stemless.voices.fine_tuning import RATE, fine_tuned
from stemless.voices.methods import choose, make_separator
from stemless.voices.separation import heard_mono
from stemless.voices.tracks import PitchTracks

ALONE: Final = DecodingConfig(bias=1.0)
"""How one voice is decoded. What is left of the others in its stem is a reason to sound where it rests:
it needs to be surer than a voice in a mixture."""


def listen_again(
    audio: Audio,
    tracks: PitchTracks,
    sample_rate: int | None = None,
    *,
    estimator: PitchEstimator | None = None,
    separator: Separator[PitchTracks] | None = None,
    on_progress: OnProgress | None = None,
) -> Estimate:
    """Tracks made better by separating with them and listening to every voice alone.

    Args:
        audio: [channels, time] or [time] in floats, full scale at 1; or a path.
        tracks: heard, scored or drawn.
        sample_rate: Hz; not needed for a path.
        estimator: hears the pitches; with the model that ships if not given.
        separator: of voices; with the model that ships, or the comb, if not given.
        on_progress: called with the seconds done and the seconds there are.

    Returns:
        the tracks with the names and in the order of those given; a voice that is not heard rests.

    Raises:
        UsageError: one voice or more than six, or no sample rate.
        AudioError: the audio cannot be used.
    """
    check_voices(tracks.voices, tracks.names)
    estimator = estimator or PitchEstimator()
    separator = separator or make_separator(*choose(None, None))
    rate = separator.sample_rate
    mono, _ = heard_mono(audio, sample_rate, rate)
    stems = voices_of(mono, separator, tracks, share_progress(on_progress, 0, 2))
    return heard_alone(stems, rate, tracks, estimator, on_progress=share_progress(on_progress, 1, 2))


def voices_of(
    mono: Tensor,
    separator: Separator[PitchTracks],
    tracks: PitchTracks,
    on_progress: OnProgress | None = None,
) -> Tensor:
    """A recording [time] at the rate of the separator, as its voices [voices, time]."""
    rate = separator.sample_rate
    return engine.separate_audio(mono[None], rate, separator, tracks, on_progress=on_progress).audio[:, 0]


def heard_alone(
    stems: Tensor,
    sample_rate: int,
    tracks: PitchTracks,
    estimator: PitchEstimator,
    *,
    on_progress: OnProgress | None = None,
) -> Estimate:
    """The pitch of voices that have been separated, each by itself.

    Args:
        stems: [voices, time].
        tracks: whose names and order the voices have.
        on_progress: called with the seconds done and the seconds there are.
    """
    rows, sure = [], []
    for number, stem in enumerate(stems):
        peaks = estimator.listen(stem, sample_rate, share_progress(on_progress, number, len(stems)))
        f0_hz, confidence = estimator.pitches(peaks, decode(peaks, 1, ALONE))
        rows.append(f0_hz[0])
        sure.append(confidence[0])
    step = estimator.network.config.step_seconds
    times = np.arange(len(rows[0]), dtype=np.float64) * step
    heard = replace(tracks, times=times, f0_hz=np.stack(rows), step_seconds=step)
    tuned = fine_tuned(heard, resample(stems, sample_rate, RATE))
    found = replace(heard, f0_hz=tuned.at(times))
    return Estimate(found, np.stack(sure), tuple(cautions(found)))


def with_heard(
    audio: Audio,
    tracks: PitchTracks,
    sample_rate: int | None = None,
    *,
    estimator: PitchEstimator | None = None,
    on_progress: OnProgress | None = None,
) -> PitchTracks:
    """Given tracks, and as another version of them what is heard in the mixture without them.

    Args:
        audio, sample_rate, estimator, on_progress: as of `listen_again`.
        tracks: of all voices that sound; their names and order are kept.

    Raises:
        UsageError, AudioError: as of `listen_again`.
    """
    check_voices(tracks.voices, tracks.names)
    estimator = estimator or PitchEstimator()
    heard = estimator.estimate(audio, tracks.voices, sample_rate, on_progress=on_progress).tracks
    return replace(tracks, others=(*tracks.others, assigned(heard, tracks)))


def in_tune(
    audio: Audio,
    tracks: PitchTracks,
    sample_rate: int | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> PitchTracks:
    """Tracks, and every other version of them, to a few cents: separated with each, and moved by their stems.

    The source-filter NMF separates, which needs no model.

    Args:
        audio, sample_rate, on_progress: as of `listen_again`.
        tracks: a frame further than 40 cents from what is sung stays where it is, mostly.

    Raises:
        UsageError, AudioError: as of `listen_again`.
    """
    separator = make_separator("source-filter-nmf")
    rate = separator.sample_rate
    mono, _ = heard_mono(audio, sample_rate, rate)
    tuned = []
    for number, version in enumerate(tracks.versions):
        progress = share_progress(on_progress, number, len(tracks.versions))
        stems = voices_of(mono, separator, version, progress)
        tuned.append(fine_tuned(version, resample(stems, rate, RATE)))
    return replace(tuned[0], others=tuple(tuned[1:]))


def assigned(heard: PitchTracks, tracks: PitchTracks, cents: float = 50.0) -> PitchTracks:
    """Heard voices under the names of given ones: the way round in which most frames agree.

    >>> given = PitchTracks.regular([[220, 220], [330, 330]], 0.01, ["low", "high"])
    >>> heard = PitchTracks.regular([[331, 331], [221, 0]], 0.01)
    >>> found = assigned(heard, given)
    >>> found.names, found.f0_hz[:, 0].tolist()
    (('low', 'high'), [221.0, 331.0])
    """
    ours = tracks.at(heard.times)
    counts = np.array([[agreeing(given, row, cents).sum() for row in heard.f0_hz] for given in ours])
    ways = itertools.permutations(range(heard.voices))
    best = max(ways, key=lambda way: counts[np.arange(tracks.voices), list(way)].sum())
    return replace(heard, names=tracks.names, f0_hz=heard.f0_hz[list(best)])


def agreeing(a: NDArray[np.float32], b: NDArray[np.float32], cents: float) -> NDArray[np.bool_]:
    """Frames in which both have a pitch, and the same."""
    apart = 1200 * np.abs(np.log2(np.maximum(a, 1) / np.maximum(b, 1)))
    same: NDArray[np.bool_] = (a > 0) & (b > 0) & (apart < cents)
    return same
