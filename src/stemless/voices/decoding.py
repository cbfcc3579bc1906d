"""From the salience of pitches to voices: all voices of a frame are decided together, over all frames.

Every frame has a few candidates, the peaks of the salience. Each voice takes one of them or rests, so that a
frame has (candidates + 1) ^ voices states. Going from frame to frame costs each voice by itself, so the best
way into all states is found voice by voice (max-plus products along one axis each) and stays exact.

What speaks for a state is the salience of the candidates it uses, counted once. What speaks against it: a
candidate used twice (unison), a higher voice below a lower one (crossing), and pitches far from where the
voice sings in the rest of the recording, which is known after a first pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_KEPT_FRAMES = 64
Array = NDArray[np.float32]


@dataclass(frozen=True)
class DecodingConfig:
    """Costs in nats, as salience is in log odds.

    Attributes:
        candidates: of a frame. lowest_salience: probability below which a peak is none.
        bias: what every sounding voice gets on top of its log odds; above 0, voices rest less.
        glide_cost: of a semitone from one frame to the next, while a voice goes on.
        jump_cost: the most that going on costs, however far it is.
        start_cost, end_cost: of a voice that begins or stops to sound.
        unison_cost, crossing_cost: of each pair of voices, each frame.
        range_semitones: deviation of a voice's pitch from its own middle that costs half a nat.
        range_cost: the most that the range costs a frame.
        near_semitones, far_cost: the same of the distance from a pitch that was given, where one was.
        rest_cost: of sounding where a voice is said to rest. near_rest_cost: the other way round.
    """

    candidates: int = 6
    lowest_salience: float = 0.02
    bias: float = 2.0
    glide_cost: float = 2.0
    jump_cost: float = 10.0
    start_cost: float = 3.0
    end_cost: float = 3.0
    unison_cost: float = 1.5
    crossing_cost: float = 2.0
    range_semitones: float = 9.0
    range_cost: float = 6.0
    near_semitones: float = 0.4
    far_cost: float = 6.0
    rest_cost: float = 3.0
    near_rest_cost: float = 2.0


@dataclass(frozen=True)
class Peaks:
    """Candidates of every frame, by rising pitch; what is missing has a log odds of -inf.

    semitones, log_odds: [frames, candidates]. The semitones count from anywhere.
    """

    semitones: Array
    log_odds: Array


def find_peaks(logits: Array, bins_per_octave: int, config: DecodingConfig | None = None) -> Peaks:
    """The highest peaks along the first axis of logits [bins, frames], to a fraction of a bin."""
    config = config or DecodingConfig()
    bins = len(logits)
    padded = np.pad(logits, ((1, 1), (0, 0)), constant_values=-np.inf)
    low, here, high = padded[:-2], padded[1:-1], padded[2:]
    lowest = math.log(config.lowest_salience / (1 - config.lowest_salience))
    is_peak = (here >= low) & (here > high) & (here > lowest)
    heights = np.where(is_peak, here, -np.inf)
    count = min(config.candidates, bins)
    best = np.argpartition(-heights, count - 1, axis=0)[:count]
    best = np.sort(np.where(np.take_along_axis(heights, best, 0) > -np.inf, best, bins), axis=0)
    inside = np.minimum(best, bins - 1)
    at = np.take_along_axis(here, inside, 0)
    log_odds = np.where(best < bins, at, -np.inf)
    # The vertex of a parabola: bells have logs that are parabolas.
    left = np.take_along_axis(np.maximum(low, here - 20), inside, 0)
    right = np.take_along_axis(np.maximum(high, here - 20), inside, 0)
    curvature = np.minimum(left - 2 * at + right, -1e-3)
    offset = np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)
    semitones = (inside + offset) * (12 / bins_per_octave)
    return Peaks(semitones.T.astype(np.float32), log_odds.T.astype(np.float32))


Chosen = NDArray[np.int64]
"""What each voice takes: [voices, frames], the number of a candidate, or -1 for a rest."""


def decode(peaks: Peaks, voices: int, config: DecodingConfig | None = None) -> Chosen:
    """The best voices through the candidates, the highest voice first.

    Two passes: the first knows no ranges, and finds them.
    """
    config = config or DecodingConfig()
    nothing = np.zeros((*peaks.semitones.shape[:1], voices, peaks.semitones.shape[1] + 1), dtype=np.float32)
    first = _decode(peaks, voices, config, nothing)
    away = (peaks.semitones[:, None, :] - ranges_of(peaks, first)[None, :, None]) / config.range_semitones
    own = nothing
    own[:, :, :-1] = -np.minimum(np.nan_to_num(0.5 * away**2), config.range_cost)
    return _decode(peaks, voices, config, own)


def decode_near(peaks: Peaks, semitones: Array, config: DecodingConfig | None = None) -> Chosen:
    """The best voices through the candidates, given what they are said to sing.

    Args:
        semitones: [voices, frames], counted as those of the peaks; NaN where a voice is said to rest.
    """
    config = config or DecodingConfig()
    said = semitones.T[:, :, None]
    away = (peaks.semitones[:, None, :] - said) / config.near_semitones
    own = np.zeros((*away.shape[:2], away.shape[2] + 1), dtype=np.float32)
    own[:, :, :-1] = -np.where(np.isnan(said), config.rest_cost, np.minimum(0.5 * away**2, config.far_cost))
    own[:, :, -1] = -np.where(np.isnan(said[:, :, 0]), 0.0, config.near_rest_cost)
    return _decode(peaks, semitones.shape[0], config, own)


def ranges_of(peaks: Peaks, chosen: Chosen) -> Array:
    """Where each voice sings: the median of its semitones, [voices]; NaN for a voice that always rests."""
    middles = np.full(len(chosen), np.nan, dtype=np.float32)
    for voice, numbers in enumerate(chosen):
        sounding = np.flatnonzero(numbers >= 0)
        if sounding.size:
            middles[voice] = np.median(peaks.semitones[sounding, numbers[sounding]])
    return middles


class _States:
    """All that is the same for every frame of so many candidates and voices."""

    def __init__(self, candidates: int, voices: int, config: DecodingConfig) -> None:
        self.shape = (candidates + 1,) * voices
        taken = np.indices(self.shape).reshape(voices, -1)
        self.used = np.stack([(taken == each).any(0) for each in range(candidates)]).astype(np.float32)
        cost = np.zeros(taken.shape[1], dtype=np.float32)
        for upper in range(voices):
            for lower in range(upper + 1, voices):
                both = (taken[upper] < candidates) & (taken[lower] < candidates)
                cost += config.unison_cost * (both & (taken[upper] == taken[lower]))
                cost += config.crossing_cost * (both & (taken[upper] < taken[lower]))
        sounding = (taken < candidates).sum(0).astype(np.float32)
        # The log odds of a candidate that two voices share count once: it is heard once.
        self.fixed = config.bias * sounding - cost


def _decode(peaks: Peaks, voices: int, config: DecodingConfig, own: Array) -> Chosen:
    """With what speaks for each voice's choice by itself, own [frames, voices, candidates + 1]."""
    frames, candidates = peaks.log_odds.shape
    states = _States(candidates, voices, config)
    log_odds = np.where(np.isfinite(peaks.log_odds), peaks.log_odds, -1e9).astype(np.float32)
    steps = np.abs(peaks.semitones[1:, None, :] - peaks.semitones[:-1, :, None])
    between = np.zeros((frames - 1, candidates + 1, candidates + 1), dtype=np.float32)
    between[:, :candidates, :candidates] = -np.minimum(config.glide_cost * steps, config.jump_cost)
    between[:, candidates, :candidates] = -config.start_cost
    between[:, :candidates, candidates] = -config.end_cost

    def speaks(frame: int) -> Array:
        value = (log_odds[frame] @ states.used + states.fixed).reshape(states.shape)
        for voice in range(voices):
            value = value + own[frame, voice].reshape((-1,) + (1,) * (voices - 1 - voice))
        flat: Array = value.reshape(-1)
        return flat

    # Kept every so often, and computed again on the way back: all of it would be 10 kB a frame.
    kept = {0: speaks(0)}
    total = kept[0]
    for frame in range(1, frames):
        for _ in range(voices):
            total = _turn(total, between[frame - 1])
        total = total + speaks(frame)
        if frame % _KEPT_FRAMES == 0:
            kept[frame] = total
    chosen = np.empty((voices, frames), dtype=np.int64)
    state = [int(axis) for axis in np.unravel_index(int(total.argmax()), states.shape)]
    for first in sorted(kept, reverse=True):
        last = min(first + _KEPT_FRAMES, frames)
        turns, total = [], kept[first]
        for frame in range(first + 1, last):
            for _ in range(voices):
                turns.append(total)
                total = _turn(total, between[frame - 1])
            total = total + speaks(frame)
        if last < frames:
            # From the first frame of the block behind back into this one.
            for _ in range(voices):
                turns.append(total)
                total = _turn(total, between[last - 1])
        for frame in range(min(last, frames - 1), first, -1):
            chosen[:, frame] = state
            state = _turn_back(state, turns[-voices:], between[frame - 1])
            del turns[-voices:]
        chosen[:, first] = state
    return np.where(chosen == candidates, -1, chosen)


def _turn(total: Array, move: Array) -> Array:
    """Let the voice of the first axis move: that axis becomes the last one.

    After as many turns as there are voices all have moved, and the axes are where they were.

    Args:
        total: [from * others], the best way into each state. move: [from, to].
    """
    ways = total.reshape(len(move), -1, 1) + move[:, None, :]
    best: Array = ways.max(0).reshape(-1)
    return best


def _turn_back(state: list[int], turns: list[Array], move: Array) -> list[int]:
    """The state of the frame before: where the best way into `state` came from."""
    many = len(move)
    axes = list(state)
    for total in reversed(turns):
        to, others = axes[-1], axes[:-1]
        rest = int(np.ravel_multi_index(others, (many,) * len(others))) if others else 0
        axes = [int((total.reshape(many, -1)[:, rest] + move[:, to]).argmax()), *others]
    return axes
