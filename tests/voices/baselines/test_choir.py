"""The baselines on a real choir, where its recordings are at hand (STEMLESS_DATA)."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from stemless.spectrum import istft, stft
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.baselines.ideal import ideal_stems
from stemless.voices.baselines.nmf import NMFSeparator
from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator
from stemless.voices.tracks import PitchTracks

CHOIR = Path(os.environ.get("STEMLESS_DATA", "nowhere")) / "choir"
PARTS = {"S": "soprano", "A": "alto", "T": "tenor", "B": "bass"}
RATE, HOP, SECONDS = 16000, 256, 4


def excerpts(quartet: str, starts: tuple[int, ...]) -> list[tuple[Tensor, PitchTracks]]:
    singers = quartet.split("_")
    tracks = np.load(CHOIR / "multif0_4_voices.npz")[quartet].T
    tracks = np.where(tracks < 20, 0, tracks)
    stems = torch.stack(
        [
            torch.from_numpy(
                soundfile.read(CHOIR / f"nino_dios_{PARTS[s[0]]}_{s[1]}.flac", dtype="float32")[0]
            )[: 103 * RATE]
            for s in singers
        ]
    )
    found = []
    for start in starts:
        first = start * RATE // HOP
        cut = PitchTracks.regular(tracks[:, first : first + SECONDS * RATE // HOP + 1], HOP / RATE, singers)
        found.append((stems[:, start * RATE : (start + SECONDS) * RATE], cut))
    return found


def si_sdr_db(reference: Tensor, estimate: Tensor) -> Tensor:
    scale = (reference * estimate).sum(-1, keepdim=True) / (reference**2).sum(-1, keepdim=True)
    target = scale * reference
    return 10 * torch.log10((target**2).sum(-1) / ((estimate - target) ** 2).sum(-1))


@pytest.mark.skipif(not CHOIR.is_dir(), reason="the choir recordings are not here: set STEMLESS_DATA")
def test_order_of_the_baselines() -> None:
    separators = {"comb": CombSeparator(), "nmf": NMFSeparator(), "source-filter": SourceFilterNMFSeparator()}
    scores: dict[str, list[Tensor]] = {name: [] for name in (*separators, "ideal")}
    for stems, tracks in excerpts("S3_A3_T3_B3", (68, 84)):
        mixture = stems.sum(0)
        for name, separator in separators.items():
            masks = separator.masks(mixture[None], tracks, None)[0]
            found = istft(masks * stft(mixture, separator.grid), separator.grid, len(mixture))
            scores[name].append(si_sdr_db(stems, found))
        scores["ideal"].append(si_sdr_db(stems, ideal_stems(stems)))
    mean = {name: float(torch.stack(values).mean()) for name, values in scores.items()}
    assert mean["comb"] < mean["nmf"] < mean["source-filter"] < mean["ideal"]
