"""A singing synthesiser: notes and a singer in, the sound of the voice and its exact pitch out.

Glottal pulses (`glottis`) and breath enter a vocal tract that moves (`tract`), as the performance asks
(`performance`). It is a source-filter voice with vibrato, glides, consonants and breath; the f0 that comes
with the sound is the one that drove the pulses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.data.curves import STEP_SECONDS, Floats, decibels, read
from stemless.data.glottis import glottal_tables
from stemless.data.mouth import NASAL_POLE_HZ
from stemless.data.notes import Note
from stemless.data.performance import Performance, bandwidths_hz, hertz, perform
from stemless.data.singer import Singer
from stemless.data.tract import FRAME_SECONDS, filter_frames, frame_count, upper_resonances

# RMS of a voice where it sounds: -20 dB of full scale, which leaves room for the peaks.
VOICE_RMS = 0.1


@dataclass(frozen=True)
class Sung:
    """One voice, sung."""

    audio: Tensor
    """[time] float32."""
    sample_rate: int
    f0_hz: NDArray[np.float32]
    """[frames], 0 where nothing is voiced; frame t is at t * step_seconds."""
    step_seconds: float = STEP_SECONDS


def sing(
    notes: Sequence[Note],
    singer: Singer,
    duration_seconds: float,
    *,
    sample_rate: int = 44100,
    generator: np.random.Generator,
) -> Sung:
    """Sing the notes of one part.

    Args:
        notes: in order of time, without overlap.
        singer: the voice.
        duration_seconds: length of the result.
        sample_rate: in Hz.
        generator: what is left to chance; the same state gives the same sound.

    Returns:
        Sound with an RMS of `VOICE_RMS` where it is voiced, and its f0.
    """
    performance = perform(notes, singer, duration_seconds, generator)
    samples = round(duration_seconds * sample_rate)
    pulses, breath, hiss = _sources(performance, singer, samples, sample_rate, generator)
    at = np.arange(frame_count(samples, sample_rate)) * FRAME_SECONDS / STEP_SECONDS
    formants = np.stack([read(column, at) for column in performance.formants_hz.T], axis=-1)
    top_hz = float(np.mean([row[-1] for row in singer.formants_hz.values()]))
    audio = filter_frames(
        torch.from_numpy(pulses + breath),
        torch.from_numpy(hiss),
        formants_hz=torch.from_numpy(formants),
        bandwidths_hz=torch.from_numpy(bandwidths_hz(formants, singer)),
        nasal_zero_hz=torch.from_numpy(read(performance.nasal_zero_hz, at)),
        nasal_pole_hz=NASAL_POLE_HZ,
        frication_hz=torch.from_numpy(read(performance.frication_hz, at)),
        frication_width_hz=torch.from_numpy(read(performance.frication_width_hz, at)),
        fixed=upper_resonances(top_hz, 1000.0, sample_rate),
        sample_rate=sample_rate,
    )
    f0_hz = np.where(performance.voiced, performance.f0_hz, 0).astype(np.float32)
    return Sung(_even_out(audio, performance.voicing, sample_rate), sample_rate, f0_hz)


def _even_out(audio: Tensor, voicing: Floats, sample_rate: int) -> Tensor:
    """Bring the voice to `VOICE_RMS`, and vowels and pitches nearer to each other, as a trained singer does.

    A resonance that meets a harmonic can lift one note by 15 dB; four tenths of such differences are taken
    out, slowly enough to leave consonants and vibrato alone.
    """
    step = round(STEP_SECONDS * sample_rate)
    power = torch.nn.functional.avg_pool1d(audio.square()[None], step, ceil_mode=True)[0]
    voiced = torch.from_numpy(voicing > 0.5)[: len(power)]
    power = power[: len(voiced)]
    if not voiced.any():
        return audio
    mean = power[voiced].mean().clamp_min(1e-12)
    width = 2 * round(0.15 / STEP_SECONDS) + 1
    kernel = torch.hann_window(width + 2, periodic=False)[1:-1][None, None]

    def glide(values: Tensor) -> Tensor:
        return torch.nn.functional.conv1d(values[None, None], kernel, padding=width // 2)[0, 0]

    slow = glide(power * voiced) / glide(voiced.float()).clamp_min(1e-3)
    gain = glide((slow / mean).clamp(0.05, 20.0).pow(-0.2)) / kernel.sum()
    at = np.arange(len(audio)) / step - 0.5
    audio = audio * torch.from_numpy(np.interp(at, np.arange(len(gain)), gain.numpy()).astype(np.float32))
    heard = voiced.repeat_interleave(step)[: len(audio)]
    return audio * (VOICE_RMS / audio[: len(heard)][heard].square().mean().sqrt().clamp_min(1e-6))


def _sources(
    performance: Performance,
    singer: Singer,
    samples: int,
    sample_rate: int,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Pulses, breath and frication, [time] each."""
    at = np.arange(samples) / (sample_rate * STEP_SECONDS)
    f0_hz = hertz(read(performance.pitch_midi, at))
    phase = np.cumsum(f0_hz / sample_rate)
    cycles = int(phase[-1]) + 3 if samples else 3
    # Each period comes a little early or late, and a little soft or loud.
    late = np.interp(phase, np.arange(cycles), generator.normal(0, singer.jitter, cycles))
    uneven = np.interp(phase, np.arange(cycles), generator.normal(0, singer.shimmer_db, cycles))
    level = read(performance.level_db, at)
    loudness = decibels(level + uneven)
    rd = singer.rd * np.exp(singer.rd_per_db * level)
    tables = glottal_tables(
        sample_rate, even_gain=singer.even_gain, tilt_db_per_octave=singer.tilt_db_per_octave
    )
    pulses = tables.lookup(phase + late, f0_hz, rd) * (read(performance.voicing, at) * loudness)
    # Air escapes while the glottis is open, which ends at the closing instant (phase 0).
    voicing = read(performance.voicing, at)
    gate = 1 + 0.7 * voicing * np.cos(2 * np.pi * (phase - 0.8))
    noise = generator.standard_normal((2, samples), dtype=np.float32)
    breath = noise[0] * (read(performance.aspiration, at) * gate * decibels(level / 2))
    hiss = noise[1] * (read(performance.frication, at) * decibels(level / 2))
    return pulses.astype(np.float32), breath.astype(np.float32), hiss.astype(np.float32)
