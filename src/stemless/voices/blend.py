"""Network and source-filter NMF together: where they agree, the voice is there.

Three models of the voices, each of which errs in another place, are joined by the geometric mean of their
masks, so that one of them that is sure of a rest counts:

- the network, which knows from training how voices sound;
- the network's spectra under smooth filters that are learned from the recording itself, as those of the
  source-filter NMF are: this voice, this vowel, this room;
- the source-filter NMF, which knows nothing but the pitch.

Each of them explains a frame by itself; that partials go on from frame to frame (`partials`) comes last.

Of tracks that come in several versions (`PitchTracks.others`) the network goes by each in turn, and both NMFs
let every frame choose. All ring on as the network found the room to do (`echo`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from stemless.separator import Stretch
from stemless.spectrum import Grid, stft
from stemless.voices.baselines.masking import unit_level
from stemless.voices.baselines.source_filter_nmf import (
    SourceFilterNMFSeparator,
    Sources,
    learn_shapes,
    voice_magnitudes,
)
from stemless.voices.demodulation import corrections
from stemless.voices.echo import with_echo
from stemless.voices.mask_means import blended
from stemless.voices.model import masks_from_powers
from stemless.voices.network_separator import NetworkSeparator, VoicesSurvey
from stemless.voices.partials import REACH_SECONDS, steadied
from stemless.voices.tracks import PitchTracks

NETWORK_SHARE, INFORMED_SHARE, NMF_SHARE = 0.3, 0.5, 0.2
STEADY_SHARE: Final = 0.3
"""Of the masks that are made of steady partials alone."""
INFORMED_ITERATIONS: Final = 40
PIECES, PIECE_SECONDS = 6, 4.0
"""The filters are learned on so many pieces of a recording that is longer than all of them."""


@dataclass(frozen=True)
class BlendSurvey:
    """What the parts measured.

    networks: for every version of the tracks. shapes: of the filters over the network's spectra. filters: of
    the NMF.
    """

    networks: tuple[VoicesSurvey, ...]
    shapes: Tensor
    filters: Tensor


class BlendSeparator:
    """A network and a source-filter NMF as one separator.

    Args:
        network, nmf: on the same grid.
    """

    name = "voices/blend"

    def __init__(self, network: NetworkSeparator, nmf: SourceFilterNMFSeparator) -> None:
        if network.grid != nmf.grid or network.sample_rate != nmf.sample_rate:
            raise ValueError("the parts of a blend need one grid and one rate")
        self.network, self.nmf = network, nmf
        self.context_seconds = max(network.context_seconds, nmf.context_seconds) + REACH_SECONDS
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
        """What each part measures over the whole recording, which is held for it: mono, 64 kB a second."""
        heard = list(stretches)
        networks = tuple(
            self.network.survey(
                (replace(each, condition=each.condition.versions[number]) for each in heard),
                version,
                duration_seconds,
            )
            for number, version in enumerate(condition.versions)
        )
        audio = torch.cat([stretch.audio for stretch in heard], -1)
        observed, sources = [], []
        for first, last in pieces(audio.shape[-1], round(PIECE_SECONDS * self.sample_rate)):
            piece = audio[:, first:last]
            tracks = condition.cut(first / self.sample_rate, last / self.sample_rate)
            observed.append(stft(piece[0].cpu(), self.grid).abs())
            sources.append(self._spectra(self._powers(piece, tracks, networks)[:, 0]))
        shapes = learn_shapes(
            unit_level(torch.cat(observed, -1)),
            by_block(torch.cat(sources, -1)),
            iterations=INFORMED_ITERATIONS,
            seed=self.nmf.seed,
        )
        return BlendSurvey(networks, shapes, self.nmf.survey(iter(heard), condition, duration_seconds))

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        """Masks of a chunk: [batch, time] -> [batch, voices, bins, frames]."""
        if not isinstance(survey, BlendSurvey):
            raise TypeError("masks() needs what survey() returned")
        powers = self._powers(audio, condition, survey.networks)
        versions = len(powers)
        parts = [
            self.network.masks_of(each, measured).cpu()
            for each, measured in zip(powers, survey.networks, strict=True)
        ]
        shares = [NETWORK_SHARE / versions] * versions + [INFORMED_SHARE, NMF_SHARE]
        echo = survey.networks[0].echo
        step_seconds = self.network.step_seconds
        magnitudes, f0_hz = self.nmf.magnitudes(audio, condition, survey.filters)
        observed = [unit_level(stft(each.cpu(), self.grid).abs()) for each in audio]
        informed, plain = [], []
        for number, found in enumerate(magnitudes):
            corrected = voice_magnitudes(
                observed[number],
                by_block(self._spectra(powers[:, number])),
                survey.shapes,
                iterations=INFORMED_ITERATIONS,
            )
            informed.append(
                masks_from_powers(with_echo(corrected.square(), echo, step_seconds), self.network.power)
            )
            plain.append(self.nmf.masks_of(with_echo(found.square(), echo, step_seconds).sqrt(), f0_hz))
        parts += [torch.stack(informed), torch.stack(plain)]
        steady = steadied(
            blended(parts, shares),
            observed,
            f0_hz,
            share=STEADY_SHARE,
            power=self.network.power,
            grid=self.grid,
            sample_rate=self.sample_rate,
        )
        return steady.to(audio.device)

    def corrections(self, audio: Tensor, masks: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        """What partials with phases of their own add to masked voices (`demodulation`)."""
        if not isinstance(survey, BlendSurvey):
            raise TypeError("corrections() needs what survey() returned")
        return corrections(
            audio,
            masks,
            condition,
            grid=self.grid,
            sample_rate=self.sample_rate,
            echo=survey.networks[0].echo,
        )

    def _powers(self, audio: Tensor, condition: PitchTracks, surveys: Sequence[VoicesSurvey]) -> Tensor:
        """The network's powers by each version of the tracks: [versions, batch, voices, bins, frames]."""
        versions = zip(condition.versions, surveys, strict=True)
        return torch.stack([self.network.powers(audio, each, survey) for each, survey in versions])

    @staticmethod
    def _spectra(powers: Tensor) -> Tensor:
        """Magnitudes of which only the form counts, [versions, voices, bins, frames] in and out."""
        magnitudes = powers.cpu().sqrt()
        return 100.0 * magnitudes / magnitudes.sum(-2, keepdim=True).clamp_min(1e-9)


def by_block(spectra: Tensor) -> Sources:
    """Sources that are there already, [candidates, voices, bins, frames]."""
    return lambda block: spectra[..., block]


def pieces(samples: int, length: int, most: int = PIECES) -> list[tuple[int, int]]:
    """First and last sample of pieces spread evenly over a recording; all of a short one is one piece.

    >>> pieces(100, 50), pieces(1000, 50, 3)
    ([(0, 100)], [(0, 50), (475, 525), (950, 1000)])
    """
    if samples <= most * length:
        return [(0, samples)]
    starts = [round(number * (samples - length) / (most - 1)) for number in range(most)]
    return [(start, start + length) for start in starts]
