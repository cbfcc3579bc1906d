"""How well a separator takes foreign recordings apart, and what it gives for sounds that are not there.

    STEMLESS_DATA=... STEMLESS_RUNS=... python benchmarks/foreign.py --model MODEL [--half validation]

The mixtures are those of `foreign_data.py`. Each is separated by both prompts in one call, by each of them
alone, by the same network with words that mean nothing (`RandomTeacher`), and by the ideal ratio mask on the
separator's own grid. Scores are SDR (BSS Eval 3, 512 taps) and SI-SDR; an output of digital silence counts
with -80 dB. A third prompt names what is not there: how loud is the output, how sure the separator? A label
counts as seen where a phrase of the separator's training is the same sound (`foreign_data.seen_by`).

Hyper-parameters are chosen with the validation half, figures reported with the test half. Results go to
benchmarks/results/foreign_<half>.json; `query_tables.py` makes the tables.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import math
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foreign_data import (
    EFFECTS,
    HALVES,
    INSTRUMENT_FOLDERS,
    KINDS,
    SAMPLE_RATE,
    Mixture,
    Stock,
    draw_mixtures,
    foreign_stock,
    manifest_stock,
    prompt_for,
    seen_by,
    sources_of,
    trained_phrases,
)
from query_division import folder_of, read_pool
from stemless.cli.console import Printer
from stemless.evaluation.bss_eval import bss_eval_sources
from stemless.evaluation.metrics import is_silent, si_sdr
from stemless.query.model import load_separator
from stemless.query.separation import PromptSeparator
from stemless.query.separator import QuerySeparator
from stemless.query.teacher import RandomTeacher
from stemless.spectrum import Grid, istft, stft
from writing import write_json

RESULTS = Path(__file__).resolve().parent / "results"
METHODS = ("two prompts", "single prompts", "random words", "ideal ratio mask", "mixture")
COUNTS = dict(zip(KINDS, (100, 50, 50, 50, 100), strict=True))
TRAINING = ("pool_separator.csv", "renders_separator*/manifest.csv", "everyday_separator*/manifest.csv")
SEED = 0

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Contenders:
    """A separator, and the same network with random words."""

    separator: PromptSeparator
    random: PromptSeparator


@functools.cache
def loaded(model: str, gated: bool) -> Contenders:
    """Of a reference; once a process."""
    torch.set_num_threads(1)
    stored = load_separator(model)
    mute = dataclasses.replace(stored, embedding=RandomTeacher(stored.embedding, SEED))
    return Contenders(
        PromptSeparator(QuerySeparator(stored, gated=gated)),
        PromptSeparator(QuerySeparator(mute, gated=gated)),
    )


def oracle(sources: Tensor, grid: Grid) -> Tensor:
    """The mixture through the ideal ratio masks of its sources [sources, time]."""
    spectra = stft(sources, grid)
    magnitudes = spectra.abs()
    masks = magnitudes / magnitudes.sum(0, keepdim=True).clamp_min(1e-12)
    return istft(masks * spectra.sum(0), grid, sources.shape[-1])


def level_db(audio: Tensor, reference: Tensor) -> float:
    """Level of [time] re that of another, -100 dB at least.

    >>> round(level_db(torch.ones(4) / 10, torch.ones(4)))
    -20
    """
    power = float(audio.double().square().mean() / reference.double().square().mean())
    return max(10 * math.log10(power), -100.0) if power > 0 else -100.0


def score(contenders: Contenders, mixture: Mixture, sources: Tensor) -> list[Row]:
    """Two rows, one a source: scores of each method as [SDR, SI-SDR], presence, and the absent prompt."""
    audio = sources.sum(0)
    prompts = [prompt_for(source.label) for source in mixture.sources]
    vain = prompt_for(mixture.absent)
    both = contenders.separator.separate(audio, sample_rate=SAMPLE_RATE, prompts=prompts)
    alone = [
        contenders.separator.separate(audio, sample_rate=SAMPLE_RATE, prompts=prompt) for prompt in prompts
    ]
    missing = contenders.separator.separate(audio, sample_rate=SAMPLE_RATE, prompts=vain)
    nonsense = contenders.random.separate(audio, sample_rate=SAMPLE_RATE, prompts=prompts)
    estimates = {
        "two prompts": both.audio[:, 0],
        "single prompts": torch.stack([stems.audio[0, 0] for stems in alone]),
        "random words": nonsense.audio[:, 0],
        "ideal ratio mask": oracle(sources, contenders.separator.separator.grid),
        "mixture": audio.expand_as(sources),
    }
    sdr = {method: bss_eval_sources(sources, each).sdr_db.tolist() for method, each in estimates.items()}
    si = {method: si_sdr(sources, each).tolist() for method, each in estimates.items()}
    rows: list[Row] = []
    for place, prompt in enumerate(prompts):
        rows.append(
            {
                "mixture": mixture.name,
                "kind": mixture.kind,
                "label": mixture.sources[place].label,
                "scores": {m: [round(sdr[m][place], 2), round(si[m][place], 2)] for m in METHODS},
                "silent": [m for m in METHODS if bool(is_silent(estimates[m][place]))],
                "level_db": round(level_db(alone[place].audio[0, 0], audio), 1),
                "presence": float(_presence(alone[place].details, prompt)),
            }
        )
    rows[0]["absent"] = {
        "label": mixture.absent,
        "level_db": round(level_db(missing.audio[0, 0], audio), 1),
        "presence": float(_presence(missing.details, vain)),
    }
    return rows


def _presence(details: Any, prompt: str) -> Any:
    return details[prompt]["presence"]


def plan(
    data: Path, prepared: Path, half: str, counts: dict[str, int], trained: Sequence[Path]
) -> tuple[list[Mixture], dict[str, str]]:
    """The mixtures of one half, and which phrase of training knows each label.

    Kinds without recordings, such as unseen labels of which there are none, are left out.
    """
    foreign = foreign_stock(data / "foreign", half)
    # So few that a half would be one or two players: all are for the test.
    instruments = manifest_stock(prepared / "pool_test.csv", None, folders="|".join(INSTRUMENT_FOLDERS))
    real = instruments if half == "test" else Stock()
    bank = manifest_stock(prepared / "renders_test/manifest.csv", half)
    rendered = bank.only(bank.groups.keys() - EFFECTS)
    families = {clip.label: clip.family for clip in read_pool(data / "pool")}
    held_back = manifest_stock(prepared / "pool_heldback.csv", half, families)
    phrases = trained_phrases(trained)
    labels = {label for stock in (foreign, real, rendered, held_back) for label in stock.groups}
    seen = {label: seen_by(label, phrases) for label in sorted(labels)}

    def known(stock: Stock) -> Stock:
        return stock.only([label for label in stock.groups if seen[label]])

    familiar = known(foreign)
    unseen = foreign.only([label for label in foreign.groups if not seen[label]])
    absent = Stock(
        {**familiar.groups, **known(real).groups, **known(rendered).groups},
        {**familiar.family, **known(real).family, **known(rendered).family},
    )
    pairs = {
        "foreign": (familiar, familiar),
        "real instrument": (known(real), familiar),
        "rendered instrument": (known(rendered), familiar),
        "foreign unseen": (unseen, foreign),
        "held back": (held_back.only([label for label in held_back.groups if not seen[label]]), familiar),
    }
    mixtures = [
        mixture
        for kind, (first, second) in pairs.items()
        if first.groups and counts[kind]
        for mixture in draw_mixtures(kind, first, second, absent, counts[kind], SEED + HALVES.index(half))
    ]
    return mixtures, seen


def planned(
    half: str, counts: dict[str, int], trained_on: Sequence[Path] | None = None
) -> tuple[list[Mixture], dict[str, str]]:
    """`plan` with the folders that the environment names.

    Args:
        trained_on: manifests of the separator's training; where none are given, those of the one that ships.
    """
    prepared = folder_of("STEMLESS_RUNS") / "query/data"
    trained = trained_on or [path for pattern in TRAINING for path in sorted(prepared.glob(pattern))]
    return plan(folder_of("STEMLESS_DATA"), prepared, half, counts, trained)


def _scored(model: str, gated: bool, mixture: Mixture) -> list[Row]:
    return score(loaded(model, gated), mixture, sources_of(mixture))


def all_rows(
    scored: Callable[[Mixture], list[Row]],
    mixtures: Sequence[Mixture],
    seen: Mapping[str, str],
    processes: int,
    printer: Printer,
) -> list[Row]:
    """The rows of all mixtures, in their order, each with whether its label is `seen`.

    Args:
        scored: the rows of a mixture; called in so many processes.
    """
    rows: list[Row] = []
    with printer.progress("separating mixtures") as on_progress:
        for done, found in enumerate(_mapped(scored, mixtures, processes), start=1):
            rows += [row | {"seen": bool(seen[row["label"]])} for row in found]
            if on_progress:
                on_progress(done, len(mixtures))
    return rows


def _mapped(
    scored: Callable[[Mixture], list[Row]], mixtures: Sequence[Mixture], processes: int
) -> Iterator[list[Row]]:
    if processes == 1:
        yield from map(scored, mixtures)
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(scored, mixtures)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="separator: shipped name, folder or hf://USER/MODEL")
    parser.add_argument("--half", choices=HALVES, default="test", help="validation is to choose by")
    parser.add_argument("--share", type=float, default=1.0, help="of the mixtures, for a quick look")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--ungated", action="store_true", help="masks as the network gives them")
    parser.add_argument("--trained-on", type=Path, nargs="+", help="manifests of the separator's training")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    counts = {kind: math.ceil(count * options.share) for kind, count in COUNTS.items()}
    mixtures, seen = planned(options.half, counts, options.trained_on)
    scored = functools.partial(_scored, options.model, not options.ungated)
    rows = all_rows(scored, mixtures, seen, options.processes, Printer())
    result = {
        "command": f"python benchmarks/foreign.py --model {Path(options.model).name} --half {options.half}"
        + (" --ungated" if options.ungated else ""),
        "half": options.half,
        "seed": SEED,
        "seen": seen,
        "rows": rows,
    }
    output = options.output or RESULTS / f"foreign_{options.half}.json"
    write_json(output, result, indent=0)
    from query_tables import foreign_section

    print(foreign_section(result))


if __name__ == "__main__":
    main()
