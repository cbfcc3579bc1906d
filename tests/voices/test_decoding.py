"""Voices through candidates: against trying all ways, and on lines that one can follow by eye."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from stemless.voices.decoding import DecodingConfig, Peaks, decode, decode_near, find_peaks


def bells(lines: list[np.ndarray], bins: int = 264, height: float = 4.0) -> np.ndarray:
    """Logits [bins, frames] with a bell around each line, in bins; NaN where there is none."""
    at = np.arange(bins)[:, None]
    logits = np.full((bins, len(lines[0])), -6.0)
    for line in lines:
        bell = height - (at - np.nan_to_num(line, nan=-1e6)) ** 2 / 2
        logits = np.maximum(logits, bell)
    return logits.astype(np.float32)


def pitches(peaks: Peaks, chosen: np.ndarray) -> np.ndarray:
    """Bins of 20 cents that were chosen, NaN for rests."""
    frames = np.arange(chosen.shape[1])
    return np.where(chosen >= 0, peaks.semitones[frames, np.maximum(chosen, 0)] * 5, np.nan)


def test_the_vertex_of_a_bell_is_found_between_bins() -> None:
    line = np.linspace(60.0, 61.0, 21)
    peaks = find_peaks(bells([line]), 60)
    np.testing.assert_allclose(peaks.semitones[:, 0] * 5, line, atol=1e-3)
    assert (peaks.log_odds[:, 1:] == -math.inf).all()


def test_peaks_come_by_rising_pitch_and_only_the_highest() -> None:
    logits = bells([np.full(1, place) for place in (200.0, 40.0, 120.0)])
    logits[:, 0] += np.linspace(0, 1, 264)
    peaks = find_peaks(logits, 60, DecodingConfig(candidates=2))
    np.testing.assert_allclose(peaks.semitones[0] * 5, [120, 200], atol=0.1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("voices", [1, 2, 3])
def test_no_other_way_is_better(seed: int, voices: int) -> None:
    """The sum of what speaks for and against a way, written down plainly, over all ways there are."""
    random = np.random.default_rng(seed)
    frames, candidates = 4, 2
    semitones = np.sort(random.uniform(0, 12, (frames, candidates)), axis=1).astype(np.float32)
    log_odds = random.normal(0, 3, (frames, candidates)).astype(np.float32)
    log_odds[random.random((frames, candidates)) < 0.2] = -np.inf
    said = random.uniform(0, 12, (voices, frames)).astype(np.float32)
    said[random.random((voices, frames)) < 0.3] = np.nan
    config = DecodingConfig(bias=0.7)

    def value(way: tuple[tuple[int, ...], ...]) -> float:
        total = 0.0
        for frame, state in enumerate(way):
            sounding = [c for c in state if c >= 0]
            total += sum(log_odds[frame, c] for c in set(sounding)) + config.bias * len(sounding)
            for upper, lower in itertools.combinations(state, 2):
                if upper >= 0 and lower >= 0:
                    total -= config.unison_cost * (upper == lower) + config.crossing_cost * (upper < lower)
            for voice, c in enumerate(state):
                near = said[voice, frame]
                if c < 0:
                    total -= 0.0 if np.isnan(near) else config.near_rest_cost
                elif np.isnan(near):
                    total -= config.rest_cost
                else:
                    away = (semitones[frame, c] - near) / config.near_semitones
                    total -= min(0.5 * away**2, config.far_cost)
                if frame:
                    before = way[frame - 1][voice]
                    if before >= 0 and c >= 0:
                        step = abs(semitones[frame, c] - semitones[frame - 1, before])
                        total -= min(config.glide_cost * step, config.jump_cost)
                    elif before >= 0:
                        total -= config.end_cost
                    elif c >= 0:
                        total -= config.start_cost
        return total

    states = list(itertools.product(range(-1, candidates), repeat=voices))
    if voices == 3:
        # All ways would be 500,000: those that differ from the found one in two frames at most.
        found = decode_near(Peaks(semitones, log_odds), said, config).T
        ways = (
            tuple(tuple(found[t]) if t not in at else new[at.index(t)] for t in range(frames))
            for at in itertools.combinations(range(frames), 2)
            for new in itertools.product(states, repeat=2)
        )
    else:
        found = decode_near(Peaks(semitones, log_odds), said, config).T
        ways = itertools.product(states, repeat=frames)
    best = max(value(way) for way in ways)
    assert value(tuple(map(tuple, found))) == pytest.approx(best, abs=1e-3)


def test_long_ways_are_traced_over_the_blocks_that_are_kept() -> None:
    times = np.arange(1000)
    lines = [200 + 6 * np.sin(times / 40), 120 + 4 * np.cos(times / 30), np.full(1000, 50.0)]
    peaks = find_peaks(bells(lines), 60)
    found = pitches(peaks, decode(peaks, 3))
    np.testing.assert_allclose(found, np.stack(lines), atol=0.2)


def test_voices_that_cross_go_on_as_they_went() -> None:
    times = np.arange(200)
    lines = [150 - 0.2 * times, 110 + 0.2 * times]
    peaks = find_peaks(bells(lines), 60)
    # Crossing costs, and a jump costs more; it is weighed for as long as they are crossed.
    found = pitches(peaks, decode(peaks, 2, DecodingConfig(crossing_cost=0.0, range_cost=0.0)))
    np.testing.assert_allclose(found[:, :80], np.stack(lines)[:, :80], atol=0.5)
    np.testing.assert_allclose(found[:, -80:], np.stack(lines)[:, -80:], atol=0.5)


def test_a_voice_rests_where_nothing_is_heard() -> None:
    line = np.where(np.arange(300) // 100 == 1, np.nan, 100.0)
    peaks = find_peaks(bells([line]), 60)
    resting = decode(peaks, 1)[0] < 0
    assert (resting == np.isnan(line)).all()


def test_an_octave_error_of_the_given_track_is_repaired_only_within_reach() -> None:
    line = np.full(100, 100.0)
    peaks = find_peaks(bells([line]), 60)
    said = np.full((1, 100), 100.0 / 5 + 0.3, dtype=np.float32)
    said[0, 40:60] += 12
    found = pitches(peaks, decode_near(peaks, said))
    np.testing.assert_allclose(found[0], line, atol=0.2)


def test_the_same_peaks_give_the_same_voices() -> None:
    random = np.random.default_rng(0)
    peaks = find_peaks(random.normal(-2, 2, (264, 300)).astype(np.float32), 60)
    assert (decode(peaks, 4) == decode(peaks, 4)).all()
