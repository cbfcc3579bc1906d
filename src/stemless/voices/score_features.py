"""What a recording and a score have in common: strength and onsets of semitone bands, frame by frame.

A recording's bands come from its spectrum, a score's from the partials that its notes would have. Each frame
holds the bands at unit length (silence at zero length, so that silence fits silence), then how much each band
has just grown; the squared distance of two frames is the cost of matching them. The onsets follow S. Ewert,
M. Müller, P. Grosche, "High resolution audio synchronization using chroma onset features", ICASSP 2009, with
semitone bands in place of chroma, which tell octaves apart.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.spectrum import Grid, stft
from stemless.voices.scores import VoiceNotes

Features = NDArray[np.float32]

RATE = 8000
STEP_SECONDS = 0.02
GRID = Grid(1024, 160)
LOWEST_MIDI, HIGHEST_MIDI = 40, 100  # 82 Hz to 2.6 kHz
BANDS = HIGHEST_MIDI - LOWEST_MIDI + 1
PARTIALS = 10
PARTIAL_DECAY = 0.6
COMPRESSION = 30.0
ONSET_WEIGHT = 0.3
ONSET_FRAMES = 2  # a band has grown against so many frames before
ONSET_REACH_SECONDS = 0.5  # an onset counts against the strongest this near
# Quieter than this against the loud parts of the recording is silence.
SILENCE_DB = -40.0
_BLOCK_FRAMES = 1024


def recording_bands(mono: Tensor, tuning_cents: float = 0.0) -> Features:
    """Magnitudes in semitone bands.

    Args:
        mono: [time] at `RATE`.
        tuning_cents: how far above 440 Hz its a' is.

    Returns:
        [frames, BANDS], frame t centred at t * STEP_SECONDS.
    """
    filters = _semitone_filters(tuning_cents)
    hop, half = GRID.hop_length, GRID.n_fft // 2
    frames = 1 + mono.numel() // hop
    padded = torch.nn.functional.pad(mono, (half, half + hop))
    window = GRID.window(torch.float32, mono.device)
    bands = []
    for first in range(0, frames, _BLOCK_FRAMES):
        count = min(_BLOCK_FRAMES, frames - first)
        part = padded[first * hop : (first + count - 1) * hop + GRID.n_fft]
        magnitude = torch.fft.rfft(part.unfold(0, GRID.n_fft, hop) * window).abs()
        bands.append((magnitude @ filters).numpy())
    return np.concatenate(bands)


def score_bands(voices: Iterable[VoiceNotes], start_seconds: float, frames: int) -> Features:
    """The bands that the notes would have, were all partials as strong as in a typical voice.

    Args:
        voices: the notes, in seconds as they would be played.
        start_seconds: time of frame 0.
        frames: how many, one every STEP_SECONDS.

    Returns:
        [frames, BANDS]
    """
    rises = np.zeros((frames + 1, BANDS), dtype=np.float32)
    for voice in voices:
        first = np.clip(np.round((voice.onset_seconds - start_seconds) / STEP_SECONDS), 0, frames).astype(int)
        last = np.clip(np.round((voice.end_seconds - start_seconds) / STEP_SECONDS), 0, frames).astype(int)
        for partial in range(1, PARTIALS + 1):
            band = voice.pitch_midi + 12 * np.log2(partial) - LOWEST_MIDI
            below = np.floor(band).astype(int)
            for place, share in ((below, 1 - (band - below)), (below + 1, band - below)):
                inside = (place >= 0) & (place < BANDS) & (last > first)
                weight = (share * PARTIAL_DECAY ** (partial - 1)).astype(np.float32)[inside]
                np.add.at(rises, (first[inside], place[inside]), weight)
                np.add.at(rises, (last[inside], place[inside]), -weight)
    # In place and in float64 no rest of a note stays behind.
    bands = np.maximum(np.cumsum(rises[:-1], axis=0, dtype=np.float64), 0)
    # A recording is heard through a window; the score must be as blurred, or its onsets come late.
    reach = GRID.n_fft // 2 // GRID.hop_length
    blur = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(-reach, reach + 1) * GRID.hop_length / GRID.n_fft)
    padded = np.pad(bands, ((reach, reach), (0, 0)))
    blurred = sum(weight * padded[lag : lag + frames] for lag, weight in enumerate(blur / blur.sum()))
    return np.asarray(blurred, dtype=np.float32)


def features(bands: Features) -> Features:
    """Frames to be matched, from bands [frames, BANDS] -> [frames, 2 * BANDS]."""
    level = np.linalg.norm(bands, axis=1)
    loud = float(np.percentile(level, 90)) if level.size else 0.0
    squeezed = np.log1p(COMPRESSION * bands / max(loud, 1e-9))
    # What lies in every band alike (noise, consonants) tells nothing of the pitch.
    squeezed = np.maximum(squeezed - squeezed.mean(axis=1, keepdims=True), 0)
    before = np.concatenate([np.repeat(squeezed[:1], ONSET_FRAMES, axis=0), squeezed])[: len(squeezed)]
    growth = np.maximum(squeezed - before, 0)
    strength = np.linalg.norm(growth, axis=1)
    nearby = _moving_maximum(strength, round(ONSET_REACH_SECONDS / STEP_SECONDS))
    floor = 0.1 * float(strength.max(initial=0.0)) + 1e-6
    onsets = ONSET_WEIGHT * growth / np.maximum(nearby, floor)[:, None]
    heard = level > loud * 10 ** (SILENCE_DB / 20)
    length = np.linalg.norm(squeezed, axis=1)
    steady = squeezed * (heard / np.maximum(length, 1e-6))[:, None]
    return np.concatenate([steady, onsets], axis=1).astype(np.float32)


def pooled(frames: Features, count: int) -> Features:
    """Means of `count` frames each, the last of what is left: [frames, n] -> [ceil(frames / count), n]."""
    if count == 1:
        return frames
    missing = -len(frames) % count
    filled = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)])
    means: Features = filled.reshape(-1, count, frames.shape[1]).mean(axis=1)
    return means


def shifted(frames: Features, semitones: int) -> Features:
    """Features [frames, 2 * BANDS] moved up by so many bands, steady part and onsets each."""
    moved = np.zeros_like(frames).reshape(len(frames), 2, BANDS)
    source = frames.reshape(len(frames), 2, BANDS)
    if semitones >= 0:
        moved[:, :, semitones:] = source[:, :, : BANDS - semitones]
    else:
        moved[:, :, :semitones] = source[:, :, -semitones:]
    return moved.reshape(frames.shape)


def tuning_of(mono: Tensor) -> float:
    """How many cents above 440 Hz a recording is tuned, -50 to 50: the mean direction of its spectral peaks.

    Args:
        mono: [time] at `RATE`.
    """
    grid = Grid(4096, 2048)
    total = torch.zeros(2, dtype=torch.float64)
    for first in range(0, mono.numel(), 256 * grid.hop_length):
        magnitude = stft(mono[first : first + 256 * grid.hop_length], grid).abs()
        low, high = (round(f * grid.n_fft / RATE) for f in (150, 1500))
        left, peak, right = (magnitude[low + k : high + k].clamp(min=1e-9).log() for k in (-1, 0, 1))
        offset = 0.5 * (left - right) / (left - 2 * peak + right).clamp(max=-1e-6)
        is_peak = (peak > left) & (peak > right)
        bins = torch.arange(low, high)[:, None] + offset.clamp(-0.5, 0.5)
        angle = 2 * torch.pi * 12 * torch.log2(bins * RATE / grid.n_fft / 440)
        weight = torch.where(is_peak, peak.exp(), 0.0).double()
        total += torch.stack([(weight * angle.cos()).sum(), (weight * angle.sin()).sum()])
    return float(torch.atan2(total[1], total[0])) * 50 / np.pi


def _semitone_filters(tuning_cents: float) -> Tensor:
    """[bins, BANDS]: triangles a semitone to each side, no narrower than the window hears."""
    bin_hz = RATE / GRID.n_fft
    centre = 440 * 2 ** ((torch.arange(LOWEST_MIDI, HIGHEST_MIDI + 1) - 69 + tuning_cents / 100) / 12)
    width = (centre * (2 ** (1 / 12) - 1)).clamp(min=1.5 * bin_hz)
    distance = (torch.arange(GRID.n_fft // 2 + 1)[:, None] * bin_hz - centre).abs()
    filters = (1 - distance / width).clamp(min=0)
    return filters / filters.square().sum(0, keepdim=True).sqrt()


def _moving_maximum(values: NDArray[np.floating], radius: int) -> NDArray[np.floating]:
    """Maximum over `radius` values to each side, in logarithmically many passes."""
    padded = np.pad(values, radius)
    width, span = 1, 2 * radius + 1
    while width * 2 <= span:
        padded = np.maximum(padded[:-width], padded[width:])
        width *= 2
    rest = span - width
    return np.maximum(padded[: len(padded) - rest], padded[rest:]) if rest else padded
