"""The trained U-Net as a separator over pitch tracks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, frame_times, stft
from stemless.voices.baselines.masking import power_masks, rest_levels
from stemless.voices.baselines.unet import UNet, UNetConfig, pitch_bins
from stemless.voices.stored import load_network
from stemless.voices.tracks import PitchTracks

LEVEL_SECONDS = 4.0  # the length of the examples it is trained on, each divided by its own maximum
QUIET = 0.05  # stretches this far below the loudest tell nothing of the level


class UNetSeparator:
    """Masks of a trained `UNet`, each voice by itself, made to share the mixture.

    Args:
        model: trained; not changed.
        power: p of the shares m_j^p / sum_k m_k^p; None leaves the masks as the network gives them, only
            scaled down where together they would take more than there is, and the rest in the residual.
        device: where to compute.
    """

    name = "voices/unet"
    # The network hears about 230 frames to each side. When a chunk begins elsewhere than on its stride of 64
    # frames, the strides fall otherwise than in the whole recording: neighbours agree nearly, not exactly.
    context_seconds = 4.0
    chunk_seconds = 24.0

    def __init__(self, model: UNet, power: float | None = 2.0, device: str | torch.device = "cpu") -> None:
        if power is not None and not power > 0:
            raise ValueError(f"power is {power}: give a number above 0, or None")
        self.model = model.eval().to(device)
        self.power = power
        self.device = torch.device(device)

    @property
    def sample_rate(self) -> int:
        return self.model.config.sample_rate

    @property
    def grid(self) -> Grid:
        return self.model.config.grid

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> float:
        """Usual maximum of the magnitude over four seconds, which is what the examples were divided by."""
        largest = torch.zeros(1 + math.floor(duration_seconds / LEVEL_SECONDS) + 1)
        for stretch in stretches:
            peaks = stft(stretch.audio[0], self.grid).abs().amax(0)
            times = stretch.start_seconds + torch.arange(len(peaks)) * (
                self.grid.hop_length / self.sample_rate
            )
            slots = (times / LEVEL_SECONDS).long().clamp(0, len(largest) - 1)
            largest.scatter_reduce_(0, slots, peaks.to(largest), "amax")
        heard = largest[largest > QUIET * largest.max()]
        return float(heard.quantile(0.5)) if len(heard) else 1.0

    @torch.no_grad()
    def masks(self, audio: Tensor, condition: PitchTracks, survey: object = None) -> Tensor:
        """Masks of a chunk: [batch, time] -> [batch, voices, bins, frames].

        Without a survey each example is taken relative to its own maximum.
        """
        if survey is not None and not isinstance(survey, float):
            raise TypeError("masks() needs what survey() returned, or None")
        magnitude = stft(audio.to(self.device), self.grid).abs()
        batch, voices, frames = audio.shape[0], len(condition.names), magnitude.shape[-1]
        times = frame_times(frames, self.grid.hop_length, self.sample_rate)
        f0_hz = torch.from_numpy(condition.at(times)).to(self.device)
        level = magnitude.amax((1, 2)) if survey is None else magnitude.new_full((batch,), survey)
        masks: Tensor = self.model(
            magnitude.repeat_interleave(voices, 0),
            pitch_bins(f0_hz).repeat(batch, 1, 1),
            level.repeat_interleave(voices, 0),
        )
        masks = masks.reshape(batch, voices, *masks.shape[1:])
        masks = masks * rest_levels(f0_hz > 0, self.grid.hop_length / self.sample_rate)[:, None, :]
        if self.power is None:
            return (masks / masks.sum(1, keepdim=True).clamp_min(1.0)).to(audio.device)
        return power_masks(masks, self.power, dim=1).to(audio.device)


def load_unet(reference: str | Path) -> UNet:
    """A U-Net behind a shipped name, a folder or hf://USER/MODEL; errors of `load_network`."""
    return load_network(
        reference, kind=UNetSeparator.name, what="a voices U-Net", config=UNetConfig, build=UNet
    )
