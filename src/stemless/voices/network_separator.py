"""The network as a separator: synthesised voices define masks on the mixture."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times, stft
from stemless.voices.demodulation import corrections
from stemless.voices.echo import NO_ECHO, Echo, find_echo, with_echo
from stemless.voices.model import MASK_GRID, VoicesModel, masks_from_powers, power_of, voice_powers
from stemless.voices.network import LOG_FLOOR, Level, NetworkConfig, SynthesisParameters
from stemless.voices.oscillator import phases_at_frames
from stemless.voices.partials import REACH_SECONDS, steadied
from stemless.voices.segments import SEGMENTS, parameters_in_segments
from stemless.voices.stored import load_network
from stemless.voices.tracks import PitchTracks

CONSONANT_SECONDS = 0.3
"""A voice is heard without pitch so long before it sings and after it: consonants and breaths, no more."""
STEADY_SHARE = 0.6
"""Of the masks that are made of steady partials alone (`partials`)."""
COLOUR_SECONDS = 4.0
"""Length of the stretch from which the colour of each voice's noise is taken."""


@dataclass(frozen=True)
class VoicesSurvey:
    """What stays the same over a whole recording.

    level: of the recording. noise_colour: [1, voices, bands] of each voice. phases: [voices, frames] of
    the oscillators at every frame of the recording. origin_seconds: where the recording begins in its tracks.
    echo: of the room.
    """

    level: Level
    noise_colour: Tensor
    phases: Tensor
    origin_seconds: float
    echo: Echo = NO_ECHO


class NetworkSeparator:
    """Masks from the voices that a trained model synthesises (TASLP 2023, section IV-C), made steady.

    Args:
        model: trained; not changed.
        power: p in |S_j|^p / sum_k |S_k|^p.
        device: where to compute.
    """

    name = "voices/network"
    context_seconds = SEGMENTS.context_seconds + REACH_SECONDS
    chunk_seconds = 8 * SEGMENTS.length_seconds

    def __init__(self, model: VoicesModel, power: float = 2.0, device: str | torch.device = "cpu") -> None:
        self.model = model.eval().to(device)
        self.power = power
        self.device = torch.device(device)

    @property
    def sample_rate(self) -> int:
        return self.model.config.sample_rate

    @property
    def grid(self) -> Grid:
        return MASK_GRID

    @torch.no_grad()
    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> VoicesSurvey:
        """Level of the whole recording; noise colours and echo from where the voices sound together most."""
        start_seconds = densest_stretch(condition, COLOUR_SECONDS, duration_seconds)
        start = round(start_seconds * self.sample_rate)
        excerpt = torch.zeros(max(1, round(min(COLOUR_SECONDS, duration_seconds) * self.sample_rate)))
        meter = LevelMeter(self.model.config.grid)
        for stretch in stretches:
            audio = stretch.audio[0]
            meter.hear(audio)
            offset = round(stretch.start_seconds * self.sample_rate) - start
            first, last = max(offset, 0), min(offset + len(audio), len(excerpt))
            if first < last:
                excerpt[first:last] = audio[first - offset : last - offset]
        level = meter.level()
        f0_hz = self._f0(condition.cut(start_seconds, start_seconds + COLOUR_SECONDS), len(excerpt))
        parameters = self.model.parameters_of(excerpt.to(self.device).unsqueeze(0), f0_hz, level)
        whole = self._f0(condition, round(duration_seconds * self.sample_rate))
        phases = phases_at_frames(whole, self.model.config.hop_length, self.sample_rate)[0]
        frame = round(start / self.model.config.hop_length)
        powers = self._powers(parameters, f0_hz, phases[:, min(frame, phases.shape[1] - 1)], len(excerpt))
        echo = find_echo(power_of(stft(excerpt.to(self.device), self.grid)), powers[0], self.step_seconds)
        return VoicesSurvey(level, parameters.noise_colour, phases, condition.origin_seconds, echo)

    @torch.no_grad()
    def masks(self, audio: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        """Masks of a chunk: [batch, time] -> [batch, voices, bins, frames]."""
        if not isinstance(survey, VoicesSurvey):
            raise TypeError("masks() needs what survey() returned")
        masks = self.masks_of(self.powers(audio, condition, survey), survey)
        magnitude = stft(audio.to(masks.device) / survey.level.peak, self.grid).abs() / (self.grid.n_fft / 4)
        times = frame_times(self.grid.frames(audio.shape[-1]), self.grid.hop_length, self.sample_rate)
        f0_hz = torch.from_numpy(condition.at(times)).to(masks.device)[None]
        steady = steadied(
            masks,
            magnitude,
            f0_hz,
            share=STEADY_SHARE,
            power=self.power,
            grid=self.grid,
            sample_rate=self.sample_rate,
        )
        return steady.to(audio.device)

    def corrections(self, audio: Tensor, masks: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        """What partials with phases of their own add to masked voices (`demodulation`)."""
        if not isinstance(survey, VoicesSurvey):
            raise TypeError("corrections() needs what survey() returned")
        return corrections(
            audio, masks, condition, grid=self.grid, sample_rate=self.sample_rate, echo=survey.echo
        )

    def masks_of(self, powers: Tensor, survey: VoicesSurvey) -> Tensor:
        """Masks from what `powers` gave, with what the room makes of it."""
        return masks_from_powers(with_echo(powers, survey.echo, self.step_seconds), self.power)

    @torch.no_grad()
    def powers(self, audio: Tensor, condition: PitchTracks, survey: VoicesSurvey) -> Tensor:
        """What each voice is expected to sound, without the room, as power on the grid of the masks.

        [batch, time] -> [batch, voices, bins, frames].
        """
        # A sample at a higher rate may be none at this one, and a frame all the same.
        audio = torch.nn.functional.pad(audio, (0, max(0, 1 - audio.shape[-1])))
        samples = audio.shape[-1]
        f0_hz = self._f0(condition, samples).expand(audio.shape[0], -1, -1)
        start_seconds = condition.origin_seconds - survey.origin_seconds
        frame = round(start_seconds * self.sample_rate / self.model.config.hop_length)
        parameters = parameters_in_segments(
            self.model.network,
            audio.to(self.device),
            f0_hz,
            frame,
            survey.level,
            survey.noise_colour.expand(audio.shape[0], -1, -1),
        )
        phase = survey.phases[:, min(max(frame, 0), survey.phases.shape[1] - 1)]
        return self._powers(parameters, f0_hz, phase, samples)

    @property
    def step_seconds(self) -> float:
        return self.grid.hop_length / self.sample_rate

    def _powers(self, parameters: SynthesisParameters, f0_hz: Tensor, phase: Tensor, samples: int) -> Tensor:
        """Powers of the voices without the room, [batch, voices, bins, frames], from phases [voices]."""
        phases = phase.expand(f0_hz.shape[0], -1)
        powers = voice_powers(parameters, f0_hz, phases, samples, self.model.grid)
        return powers * near_voicing(f0_hz, self.model.config)

    def _f0(self, tracks: PitchTracks, samples: int) -> Tensor:
        times = frame_times(self.grid.frames(samples), self.grid.hop_length, self.sample_rate)
        return torch.from_numpy(tracks.at(times)).unsqueeze(0).to(self.device)


def near_voicing(f0_hz: Tensor, config: NetworkConfig) -> Tensor:
    """1 where a voice has a pitch or is about to or just had, else 0: [..., frames] -> [..., 1, frames].

    The noise of a voice that rests would take its share of what the others sing.
    """
    reach = round(CONSONANT_SECONDS * config.sample_rate / config.hop_length)
    voiced = (f0_hz > 0).float().flatten(0, -2)
    near = torch.nn.functional.max_pool1d(voiced[:, None], 2 * reach + 1, 1, reach)[:, 0]
    return near.view(f0_hz.shape).unsqueeze(-2)


def densest_stretch(tracks: PitchTracks, length_seconds: float, duration_seconds: float) -> float:
    """Start of the stretch in which the voice that rests most rests least, in steps of a quarter length."""
    best, best_share = 0.0, -1.0
    start = 0.0
    while start == 0.0 or start + length_seconds <= duration_seconds:
        times = start + torch.arange(0.0, length_seconds, 0.05, dtype=torch.float64).numpy()
        share = float((tracks.at(times) > 0).mean(1).min())
        if share > best_share:
            best, best_share = start, share
        start += length_seconds / 4
    return best


LOG_OF_FLOOR = math.log(LOG_FLOOR)


class LevelMeter:
    """Peak, and mean and deviation of the log magnitude, of a recording that comes block by block.

    The floor of the log magnitude lies under the peak, which is known last; a histogram keeps the
    magnitudes until then, to a hundredth of a neper.
    """

    LOWEST, HIGHEST, STEP = -40.0, 20.0, 0.01

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.peak = 0.0
        self.counts = torch.zeros(round((self.HIGHEST - self.LOWEST) / self.STEP) + 1, dtype=torch.int64)
        # Frames are centred: half a window of silence comes before the first sample and after the last.
        self.pending = torch.zeros(grid.n_fft // 2)

    def hear(self, audio: Tensor) -> None:
        """The next block, [time]."""
        if audio.shape[-1]:
            self.peak = max(self.peak, float(audio.abs().max()))
        self.pending = torch.cat([self.pending, audio])
        n_fft, hop = self.grid.n_fft, self.grid.hop_length
        frames = (len(self.pending) - n_fft) // hop + 1
        if frames < 1:
            return
        windowed = self.pending.unfold(0, n_fft, hop) * self.grid.window()
        self.pending = self.pending[frames * hop :]
        magnitude = torch.fft.rfft(windowed).abs().clamp_min(1e-17).log()
        index = ((magnitude - self.LOWEST) / self.STEP).round().long().clamp(0, len(self.counts) - 1)
        self.counts += torch.bincount(index.flatten(), minlength=len(self.counts))

    def level(self) -> Level:
        """Of all that was heard, after the last block; of silence, a level that leaves silence as it is."""
        self.hear(torch.zeros(self.grid.n_fft // 2))
        if self.peak == 0.0:
            return Level(1.0, LOG_OF_FLOOR, 1.0)
        values = self.LOWEST + self.STEP * torch.arange(len(self.counts), dtype=torch.float64)
        values = (values - math.log(self.peak)).clamp_min(LOG_OF_FLOOR)
        weights = self.counts.double() / self.counts.sum()
        mean = float((weights * values).sum())
        return Level(self.peak, mean, float((weights * (values - mean).square()).sum().sqrt()))


def load_model(reference: str | Path) -> VoicesModel:
    """A voices model behind a shipped name, a folder or hf://USER/MODEL; errors of `load_network`."""
    return load_network(
        reference,
        kind=NetworkSeparator.name,
        what="a voices network",
        config=NetworkConfig,
        build=VoicesModel,
    )
