"""What was done to one recording, as `report.json`; and when each stem sounds."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

FRAME_SECONDS = 0.05
# A stem is heard where it is within 40 dB of the loudest moment of any stem and above -70 dB full scale.
RANGE_DB = 40.0
FLOOR_DB = -70.0
# Shorter pauses belong to the sound around them, shorter sounds are leakage.
MIN_PAUSE_SECONDS = 0.25
MIN_SOUND_SECONDS = 0.1
PIECE_FRAMES = 20


class ActivityMeter:
    """When each stem sounds, measured as the stems come.

    Args:
        stems: how many.
        sample_rate: Hz.
    """

    def __init__(self, stems: int, sample_rate: int) -> None:
        self._rate = sample_rate
        self._hop = max(1, round(FRAME_SECONDS * sample_rate))
        # Not a list of tensors: many small ones that live long keep the heap from being given back.
        self._powers = [array("f") for _ in range(stems)]
        self._rest: Tensor | None = None  # [stems, channels, less than a frame]
        self._samples = 0

    def push(self, stems: Tensor) -> None:
        """Take the next block [stems, channels, time]."""
        # In short pieces, which stay in the cache: there may be much of it.
        for piece in stems.split(PIECE_FRAMES * self._hop, dim=-1):
            self._push(piece)

    def _push(self, stems: Tensor) -> None:
        self._samples += stems.shape[-1]
        heard = stems if self._rest is None else torch.cat((self._rest, stems), dim=-1)
        frames = heard.shape[-1] // self._hop
        whole = heard[..., : frames * self._hop].unflatten(-1, (frames, self._hop))
        for powers, row in zip(self._powers, _power(whole).tolist(), strict=True):
            powers.extend(row)
        self._rest = heard[..., frames * self._hop :].clone()

    def activities(self) -> list[list[list[float]]]:
        """For each stem the stretches [start, end] in seconds where it sounds, to the millisecond."""
        power = torch.tensor([list(powers) for powers in self._powers])
        if self._rest is not None and self._rest.shape[-1]:
            power = torch.cat((power, _power(self._rest)[:, None]), dim=1)
        level_db = 10 * torch.log10(power.clamp(min=1e-20))
        threshold_db = max(float(level_db.max()) - RANGE_DB, FLOOR_DB)
        return [self._stretches(row) for row in (level_db > threshold_db).tolist()]

    def _stretches(self, heard: Sequence[bool]) -> list[list[float]]:
        joined: list[list[int]] = []
        for i, sounds in enumerate(heard):
            if not sounds:
                continue
            if joined and (i - joined[-1][1]) * self._hop < MIN_PAUSE_SECONDS * self._rate:
                joined[-1][1] = i + 1
            else:
                joined.append([i, i + 1])
        # A recording that is itself shorter than the shortest sound may still hold one.
        shortest = min(MIN_SOUND_SECONDS * self._rate, self._samples)
        spans = [(first * self._hop, min(end * self._hop, self._samples)) for first, end in joined]
        return [
            [round(first / self._rate, 3), round(end / self._rate, 3)]
            for first, end in spans
            if end - first >= shortest
        ]


def _power(samples: Tensor) -> Tensor:
    """Mean square over channels and the last dimension: [stems, channels, *, time] -> [stems, *]."""
    # The norm needs no memory for squares.
    norm: Tensor = torch.linalg.vector_norm(samples, dim=-1)
    return norm.square().mean(1) / samples.shape[-1]


def build_report(
    *,
    input_path: str,
    sample_rate: int,
    duration_seconds: float,
    separator: str,
    seed: int,
    names: Sequence[str],
    files: Sequence[str],
    activities: Sequence[list[list[float]]],
    details: Mapping[str, Mapping[str, object]] | None = None,
    warnings: Sequence[str] = (),
    besides: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The content of `report.json`.

    Args:
        files: of the stems and, last, of the residual; relative to the report.
        activities: of the stems, from `ActivityMeter`; `presence` is the share of the duration they cover.
        details: by the name of a stem, what its entry holds besides; it also replaces what was measured.
        warnings: left out of the report when there are none.
        besides: what else is to be told of the recording, by name.
    """
    stems: list[dict[str, object]] = []
    for name, file, activity in zip(names, files, activities, strict=False):
        sounding = sum(end - start for start, end in activity)
        measured: dict[str, object] = {
            "file": file,
            "presence": round(min(1.0, sounding / duration_seconds), 4),
            "activity": activity,
        }
        given = dict((details or {}).get(name, {}))
        stems.append({"name": name} | given | {key: measured[key] for key in measured if key not in given})
    report: dict[str, object] = {
        "input": input_path,
        "sample_rate": sample_rate,
        "separator": separator,
        "seed": seed,
        "stems": stems,
        "residual": files[-1],
    } | dict(besides or {})
    if warnings:
        report["warnings"] = list(warnings)
    return report


def report_text(report: Mapping[str, object]) -> str:
    """The report as JSON: the same text for the same content."""
    return json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
