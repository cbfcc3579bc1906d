"""Where in a recording the notes of a score are: one time map, one transposition, one tuning.

From coarse to fine: at steps of a tenth of a second or more every transposition is tried over the whole of
both; then the score, played in the tempo found, is matched frame by frame in a narrow band. Memory grows with
the duration alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from stemless.errors import ScoreError
from stemless.voices import score_features as sf
from stemless.voices.scores import Floats, ScoreVoices, VoiceNotes
from stemless.voices.time_warping import Indices, Penalties, band_around, warp, whole

TRANSPOSITIONS = tuple(range(-6, 7))
COARSE_STEP_SECONDS = 0.1
MOST_COARSE_FRAMES = 4000
LARGEST_REFINEMENT = 10  # from one level to the next
MARGIN_FRAMES = 50  # of silence before and after the score, for what the recording has besides
LARGEST_RATIO = 4.0  # of the durations; beyond, it is the score of something else
LOOSE = Penalties(0.05, 0.05, 0.15)
STRICT = Penalties(0.2, 0.2, 0.4)
# Chosen on a choir: a path that may follow every frame does, and onsets scatter.
COARSE_SMOOTHING_SECONDS = 4.0
SMOOTHING_SECONDS = 1.0
BAND_SECONDS = 2.0
LOWEST_CONFIDENCE = 0.25  # the right score of a choir has 0.4 and more, a wrong one up to 0.17


Knots = tuple[Floats, Floats]
"""(seconds in the score, seconds in the recording), both rising."""


@dataclass(frozen=True, eq=False)
class ScoreAlignment:
    """How a score goes with a recording.

    Args:
        score_seconds, recording_seconds: [points], both rising: the same moment in either.
        transposition_semitones: from the pitch as written to the recording.
        tuning_cents: what remains, -50 to 50.
        tempo: of the recording in tempi of the score; 2 is twice as fast.
        confidence: 0 (any other score would fit as well) to 1.
    """

    score_seconds: Floats
    recording_seconds: Floats
    transposition_semitones: int
    tuning_cents: float
    tempo: float
    confidence: float

    def to_recording(self, score_seconds: ArrayLike) -> Floats:
        """Times in the recording; what the recording leaves out falls on its beginning or end."""
        wanted = np.asarray(score_seconds, dtype=np.float64)
        return np.interp(wanted, self.score_seconds, self.recording_seconds)

    def summary(self) -> dict[str, float]:
        """What was found, as numbers for a report."""
        return {
            "transposition_semitones": self.transposition_semitones,
            "tuning_cents": round(self.tuning_cents, 1),
            "tempo": round(self.tempo, 3),
            "confidence": round(self.confidence, 3),
        }

    @property
    def semitones(self) -> float:
        """Transposition and tuning together."""
        return self.transposition_semitones + self.tuning_cents / 100


def align(score: ScoreVoices, mono: Tensor) -> ScoreAlignment:
    """Find the score in the recording.

    Args:
        score: two voices or more.
        mono: [time] the recording at `score_features.RATE`.

    Raises:
        ScoreError: the recording is silent, or its length cannot be that of the score.
    """
    tuning_cents = sf.tuning_of(mono)
    bands = sf.recording_bands(mono, tuning_cents)
    heard = sf.features(bands)
    knots = _stretched(score, bands)
    semitones, path = _coarse(heard, _written(score, knots))
    knots = _composed(knots, path, COARSE_SMOOTHING_SECONDS)
    heard = sf.shifted(heard, -semitones)
    written = _written(score, knots)
    straight = np.arange(len(heard)) + float(MARGIN_FRAMES)
    first, width = band_around(straight, len(written), round(BAND_SECONDS / sf.STEP_SECONDS))
    path = warp(heard, written, first, width, STRICT)[0].astype(np.float64)
    at_score, at_recording = _composed(knots, path, SMOOTHING_SECONDS)
    inside = (at_score >= score.start_seconds) & (at_score <= score.end_seconds)
    return ScoreAlignment(
        at_score,
        at_recording,
        semitones,
        tuning_cents,
        _tempo(at_score[inside], at_recording[inside]),
        _confidence(heard, written, path),
    )


def _stretched(score: ScoreVoices, bands: sf.Features) -> Knots:
    """The score stretched over all of the recording that sounds."""
    level = np.linalg.norm(bands, axis=1)
    if not level.any():
        raise ScoreError(f"{score.source}: nothing is heard in the recording that it should be aligned with")
    audible = np.flatnonzero(level > np.percentile(level, 90) * 10 ** (sf.SILENCE_DB / 20))
    start, end = audible[0] * sf.STEP_SECONDS, (audible[-1] + 1) * sf.STEP_SECONDS
    length = score.end_seconds - score.start_seconds
    ratio = (end - start) / length
    if not 1 / LARGEST_RATIO < ratio < LARGEST_RATIO:
        raise ScoreError(
            f"{score.source}: the score lasts {length:.1f} s and the recording {end - start:.1f} s, far "
            f"{'longer' if ratio > 1 else 'shorter'}: give the score of this recording, or cut one of them"
        )
    return np.array([score.start_seconds, score.end_seconds]), np.array([start, end])


def _written(score: ScoreVoices, knots: Knots) -> sf.Features:
    """Features of the score as the recording would be after these knots, with margins around it."""
    played = [
        VoiceNotes(onset, _along(voice.end_seconds, *knots) - onset, voice.pitch_midi)
        for voice in score.notes
        for onset in [_along(voice.onset_seconds, *knots)]
    ]
    frames = int(np.ceil(max(voice.end_seconds.max() for voice in played) / sf.STEP_SECONDS))
    start = -MARGIN_FRAMES * sf.STEP_SECONDS
    return sf.features(sf.score_bands(played, start, frames + 2 * MARGIN_FRAMES))


def _composed(knots: Knots, path: Floats, smoothing_seconds: float) -> Knots:
    """Knots that also make good what the path found: its columns are those of `_written`."""
    reach = round(smoothing_seconds / sf.STEP_SECONDS / 2)
    kernel = np.hanning(2 * reach + 3)[1:-1]
    # Past its ends the path goes straight on.
    ends = np.arange(1, reach + 1)
    straight = np.concatenate([path[0] - ends[::-1], path, path[-1] + ends])
    smooth = np.convolve(straight, kernel / kernel.sum(), mode="valid")
    at_score = _along((smooth - MARGIN_FRAMES) * sf.STEP_SECONDS, *knots[::-1])
    # Where the recording waits, it goes on from the last of the moments.
    going_on = np.concatenate([np.diff(at_score) > 1e-6, [True]])
    return at_score[going_on], (np.arange(len(path)) * sf.STEP_SECONDS)[going_on]


def _along(values: Floats, source: Floats, target: Floats) -> Floats:
    """From one time axis to the other, straight on past the ends at the mean tempo."""
    slope = (target[-1] - target[0]) / (source[-1] - source[0])
    outside = np.minimum(values - source[0], 0) + np.maximum(values - source[-1], 0)
    moved: Floats = np.interp(values, source, target) + slope * outside
    return moved


def _coarse(heard: sf.Features, written: sf.Features) -> tuple[int, Floats]:
    """The best transposition, and the column of each frame of the recording at coarse steps."""
    count = max(round(COARSE_STEP_SECONDS / sf.STEP_SECONDS), -(-len(heard) // MOST_COARSE_FRAMES))
    rows, columns = sf.pooled(heard, count), sf.pooled(written, count)
    found = [
        warp(sf.shifted(rows, -semitones), columns, whole(len(rows)), len(columns), LOOSE)
        for semitones in TRANSPOSITIONS
    ]
    best = min(range(len(found)), key=lambda index: found[index][1])
    path = found[best][0]
    if count > LARGEST_REFINEMENT:
        finer = count // LARGEST_REFINEMENT
        rows, columns = sf.pooled(sf.shifted(heard, -TRANSPOSITIONS[best]), finer), sf.pooled(written, finer)
        first, width = band_around(
            _spread(path, count / finer, len(rows)), len(columns), 3 * -(-count // finer)
        )
        path, count = warp(rows, columns, first, width, LOOSE)[0], finer
    return TRANSPOSITIONS[best], _spread(path, count, len(heard))


def _spread(path: Indices, count: float, rows: int) -> Floats:
    """A path over frames that are means of `count`, for each of the rows before the means were taken."""
    centres = (np.arange(len(path)) + 0.5) * count - 0.5
    spread: Floats = np.interp(np.arange(rows), centres, (path + 0.5) * count - 0.5)
    return spread


def _tempo(at_score: Floats, at_recording: Floats) -> float:
    """Seconds of the score in a second of the recording."""
    if at_score.size < 2:
        return 0.0
    return float((at_score[-1] - at_score[0]) / (at_recording[-1] - at_recording[0]))


def _confidence(heard: sf.Features, written: sf.Features, path: Floats) -> float:
    """How much better the frames fit where they were put than where they were not."""
    columns = path.astype(int)
    steady = slice(0, sf.BANDS)
    sounding = heard[:, steady].any(axis=1) & written[columns, steady].any(axis=1)
    if sounding.sum() < 2:
        return 0.0
    rows, columns = heard[sounding, steady], columns[sounding]
    fit = float(np.einsum("ij,ij->i", rows, written[columns, steady]).mean())
    others = [np.roll(columns, round(part * len(columns))) for part in (0.2, 0.35, 0.5, 0.65, 0.8)]
    chance = float(np.mean([np.einsum("ij,ij->i", rows, written[other, steady]).mean() for other in others]))
    return float(np.clip((fit - chance) / max(1 - chance, 1e-6), 0, 1)) * float(sounding.mean())
