"""Network and source-filter NMF together: where both agree, the voice is there.

The network knows from training how voices sound, and the NMF takes filters and loudness of every frame from
the recording itself; they err in different places. Their masks are joined by the geometric mean, so that one
of them that is sure of a rest counts. Of tracks that come in several versions (`PitchTracks.others`) the
network goes by each in turn, and the NMF lets every frame choose. The NMF has no room of its own; it rings on
as the network found the recording to do (`echo`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid
from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator
from stemless.voices.echo import with_echo
from stemless.voices.network_separator import NetworkSeparator, VoicesSurvey
from stemless.voices.tracks import PitchTracks

FLOOR: Final = 1e-3
"""Masks below it are all the same to the geometric mean."""


@dataclass(frozen=True)
class BlendSurvey:
    """What the parts measured: the network for every version of the tracks, and the filters of the NMF."""

    networks: tuple[VoicesSurvey, ...]
    filters: Tensor


class BlendSeparator:
    """A network and a source-filter NMF as one separator.

    Args:
        network, nmf: on the same grid; the network's weight is that of all its versions together, a half.
    """

    name = "voices/blend"

    def __init__(self, network: NetworkSeparator, nmf: SourceFilterNMFSeparator) -> None:
        if network.grid != nmf.grid or network.sample_rate != nmf.sample_rate:
            raise ValueError("the parts of a blend need one grid and one rate")
        self.network, self.nmf = network, nmf
        self.context_seconds = max(network.context_seconds, nmf.context_seconds)
        self.chunk_seconds = network.chunk_seconds

    @property
    def sample_rate(self) -> int:
        return self.network.sample_rate

    @property
    def grid(self) -> Grid:
        return self.network.grid

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> BlendSurvey:
        """What each part measures over the whole recording."""
        versions = condition.versions
        # One pass over the recording serves all: mono at 16 kHz is little beside what the masks take.
        heard = list(stretches)
        networks = tuple(
            self.network.survey(
                (replace(each, condition=each.condition.versions[number]) for each in heard),
                version,
                duration_seconds,
            )
            for number, version in enumerate(versions)
        )
        return BlendSurvey(networks, self.nmf.survey(iter(heard), condition, duration_seconds))

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        """Masks of a chunk: [batch, time] -> [batch, voices, bins, frames]."""
        if not isinstance(survey, BlendSurvey):
            raise TypeError("masks() needs what survey() returned")
        versions = zip(condition.versions, survey.networks, strict=True)
        masks = [self.network.masks(audio, version, measured) for version, measured in versions]
        shares = [0.5 / len(masks)] * len(masks) + [0.5]
        magnitudes, f0_hz = self.nmf.magnitudes(audio, condition, survey.filters)
        step_seconds = self.grid.hop_length / self.sample_rate
        powers = with_echo(magnitudes.square(), survey.networks[0].echo, step_seconds)
        by_nmf = torch.stack([self.nmf.masks_of(each, f0_hz) for each in powers.sqrt()])
        return blended([*masks, by_nmf.to(audio.device)], shares)


def blended(masks: Sequence[Tensor], shares: Sequence[float], floor: float = FLOOR) -> Tensor:
    """Geometric mean of masks, brought to the sum that they have on average.

    Args:
        masks: [..., voices, bins, frames] each, in [0, 1], their sum over the voices at most 1.
        shares: weights that sum to 1.
        floor: added below and taken off again, so that a single zero does not decide.

    >>> sure, unsure = torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.5])
    >>> [round(float(m), 3) for m in blended([each[:, None, None] for each in (sure, unsure)], [0.5, 0.5])]
    [0.971, 0.029]
    """
    mean = sum(share * (mask + floor).log() for mask, share in zip(masks, shares, strict=True))
    joined = (torch.as_tensor(mean).exp() - floor).clamp_min(0.0)
    total = torch.as_tensor(
        sum(share * mask.sum(-3, keepdim=True) for mask, share in zip(masks, shares, strict=True))
    )
    return joined * (total.clamp_max(1.0) / joined.sum(-3, keepdim=True).clamp_min(1e-12))
