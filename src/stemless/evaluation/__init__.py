"""Scores of separated sources, and the tables made of them.

Conventions of every score here:

- Scores are in dB, computed in float64, and lie between `FLOOR_DB` and `CEILING_DB`: nothing is ever
  infinite or NaN, so means, bootstraps and JSON need no special case.
- A signal is silent when its RMS is below `SILENCE_LEVEL_DB` re full scale, far under one step of 24 bits.
- An estimate that is silent, holds NaN, is missing or cannot be read counts as `FLOOR_DB`; it is never
  dropped, or a method could raise its mean by failing on what is hard.
- Against a silent reference no score has a meaning: it is reported as `None` with its status, and counted
  apart.
"""

from __future__ import annotations

from typing import Final, Literal

FLOOR_DB: Final = -80.0
CEILING_DB: Final = 120.0
SILENCE_LEVEL_DB: Final = -160.0

Status = Literal[
    "ok",
    "silent reference",
    "silent estimate",
    "non-finite estimate",
    "missing estimate",
    "unreadable estimate",
]
