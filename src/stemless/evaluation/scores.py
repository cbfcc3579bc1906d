"""Scores of one set of stems, from tensors or from two folders of files.

Channels are scored together, as if they were one long signal: one scale (SI-SDR) or one filter (BSS Eval)
serves all of them. So a stem that sits in one channel alone is scored like any other, and nothing cancels
as it could in a downmix. For mono files this is the plain score.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final

from stemless.evaluation import FLOOR_DB, Status
from stemless.evaluation.bss_eval import bss_eval_sources
from stemless.evaluation.folders import load_folders
from stemless.evaluation.metrics import si_sdr, si_sdr_improvement, status_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

HEADINGS: Final[Mapping[str, str]] = {
    "si_sdr_db": "SI-SDR",
    "si_sdr_improvement_db": "SI-SDRi",
    "sdr_db": "SDR",
    "sir_db": "SIR",
    "sar_db": "SAR",
}


@dataclass(frozen=True)
class StemScore:
    """The scores of one stem in dB; `None` where a score has no meaning or was not asked for.

    Everything is `None` when the reference is silent. SIR is `None` when no other reference can interfere.
    """

    name: str
    status: Status
    si_sdr_db: float | None = None
    si_sdr_improvement_db: float | None = None
    sdr_db: float | None = None
    sir_db: float | None = None
    sar_db: float | None = None

    @property
    def failed(self) -> bool:
        """Whether there was something to separate and no usable estimate of it."""
        return self.status not in ("ok", "silent reference")


def score_stems(
    references: Tensor,
    estimates: Tensor,
    mixture: Tensor,
    names: Sequence[str],
    *,
    bss: bool = True,
) -> tuple[StemScore, ...]:
    """Score estimates against references of the same order.

    Args:
        references: [stems, time] or [stems, channels, time].
        estimates: the same shape.
        mixture: [time] or [channels, time], what the improvement is measured from.
        names: one a stem.
        bss: also BSS Eval v3 (SDR, SIR, SAR), by far the larger part of the work.

    Returns:
        One score a stem; see `stemless.evaluation` for silence and failures.

    Raises:
        ValueError: shapes do not agree, or references or mixture hold NaN.
    """
    if references.shape != estimates.shape or references.shape[1:] != mixture.shape:
        raise ValueError(
            f"references {list(references.shape)}, estimates {list(estimates.shape)} and mixture "
            f"{list(mixture.shape)} do not agree"
        )
    if len(names) != references.shape[0]:
        raise ValueError(f"{references.shape[0]} stems but {len(names)} names")
    statuses = [status_of(*pair) for pair in zip(references, estimates, strict=True)]
    filtered = bss_eval_sources(references, estimates) if bss else None
    can_interfere = sum(status != "silent reference" for status in statuses) > 1
    scores = []
    for index, (name, status) in enumerate(zip(names, statuses, strict=True)):
        if status == "silent reference":
            scores.append(StemScore(name, status))
            continue
        reference, estimate = references[index].flatten(), estimates[index].flatten()
        score = StemScore(
            name,
            status,
            si_sdr_db=si_sdr(reference, estimate).item(),
            si_sdr_improvement_db=si_sdr_improvement(reference, estimate, mixture.flatten()).item(),
        )
        if filtered is not None:
            score = replace(
                score,
                sdr_db=filtered.sdr_db[index].item(),
                sir_db=filtered.sir_db[index].item() if can_interfere else None,
                sar_db=filtered.sar_db[index].item(),
            )
        scores.append(score)
    return tuple(scores)


@dataclass(frozen=True)
class ScoreTable:
    """Scores of the stems of one recording, with what the reader should know about them.

    `notes` are one line each: what was resampled, padded, missing or left out.
    """

    stems: tuple[StemScore, ...]
    sample_rate: int
    duration_seconds: float
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[StemScore, ...]:
        """The stems without a usable estimate."""
        return tuple(stem for stem in self.stems if stem.failed)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: floats or null, never infinity or NaN. Means and medians include failed estimates."""
        return {
            "stems": [asdict(stem) for stem in self.stems],
            "mean": {key: fmean(values) if values else None for key, values in self._columns()},
            "median": {key: median(values) if values else None for key, values in self._columns()},
            "counts": dict(Counter(stem.status for stem in self.stems)),
            "sample_rate": self.sample_rate,
            "duration_seconds": self.duration_seconds,
            "notes": list(self.notes),
        }

    def to_text(self) -> str:
        """A plain aligned table: a line a stem, mean and median, then the notes."""
        from io import StringIO

        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        table.add_column("stem", no_wrap=True)
        for heading in HEADINGS.values():
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("status", no_wrap=True)
        for stem in self.stems:
            cells = [_two_digits(getattr(stem, key)) for key in HEADINGS]
            table.add_row(Text(stem.name), *cells, stem.status)
        for label, average in (("mean", fmean), ("median", median)):
            cells = [_two_digits(average(values) if values else None) for _, values in self._columns()]
            table.add_row(label, *cells, "")
        # Width and colour are fixed: the text is the same on a terminal, in a pipe and in a file.
        console = Console(file=StringIO(), width=1000, color_system=None, force_terminal=False)
        with console.capture() as capture:
            console.print(table)
        lines = [line.rstrip() for line in capture.get().splitlines()]
        lines.append(f"dB over {self.duration_seconds:.1f} s at {self.sample_rate} Hz, all channels together")
        silent = sum(stem.status == "silent reference" for stem in self.stems)
        if self.failed:
            lines.append(f"{len(self.failed)} of {len(self.stems)} failed, counted as {FLOOR_DB:g} dB")
        if silent:
            lines.append(f"{silent} of {len(self.stems)} references silent: no score, not in the means")
        lines.extend(f"note: {note}" for note in self.notes)
        return "\n".join(lines)

    def _columns(self) -> Iterator[tuple[str, list[float]]]:
        for field in fields(StemScore):
            if field.name in HEADINGS:
                values = [getattr(stem, field.name) for stem in self.stems]
                yield field.name, [value for value in values if value is not None]


def _two_digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def evaluate_folders(references: Path, estimates: Path) -> ScoreTable:
    """Score the stems in one folder against those of the same name in another.

    Names are compared without suffix and as the separator spells its files, so `Soprano 1.flac` is met by
    `soprano-1.wav`. The improvement is measured from `mixture.*` among the references, else from their sum.
    `residual` and `mixture` among the estimates are no stems unless the references have them too.

    An estimate that is missing or unreadable counts as failed. An estimate at another rate is resampled, one
    that is up to 0.1 s shorter or longer is padded or cut, one that has no reference is left out; each with
    a note. Where files differ in their number of channels, all are compared as mono. Whole files are held
    in memory.

    Raises:
        UsageError: a folder does not exist.
        StemlessError: no references, no estimate that matches, two files for one stem, references of
            different rates, or lengths that are too far apart.
        AudioError: a reference cannot be read.
    """
    loaded = load_folders(references, estimates)
    scores = score_stems(loaded.references, loaded.estimates, loaded.mixture, loaded.names)
    stems = tuple(
        replace(score, status=loaded.failures[score.name])
        if score.failed and score.name in loaded.failures
        else score
        for score in scores
    )
    duration_seconds = loaded.references.shape[-1] / loaded.sample_rate
    return ScoreTable(stems, loaded.sample_rate, duration_seconds, loaded.notes)
