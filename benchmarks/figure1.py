"""Learning from mixtures and words, and from single sources: figure 1 of the paper, made here.

    python benchmarks/query_division.py
    python benchmarks/figure1.py all --processes 2           # goes on where it stopped; hours
    python benchmarks/figure1.py run --row 2 --variant weak --seed 0
    python benchmarks/figure1.py all --rows 0                # sounds that are never heard apart
    python benchmarks/figure1.py table                       # results/figure1/*.json -> docs/results.md

Each training (`figure1_plan.py`) is one core's, and a unit by itself: it is resumed when it was stopped, and
passed over when its result is there. The data (`figure1_data.py`) lie in STEMLESS_RUNS/query/data, the
teacher in STEMLESS_RUNS/query/embedding/model; the trainings are kept in STEMLESS_RUNS/figure1. With
`--mixtures validation` the mixtures are scored that hyper-parameters are chosen by, and what is found stays
beside the trainings; key=value behind `run` are settings to try, with a folder of their own in --runs.

Scores are SDR (BSS Eval 3, 512 taps) and SI-SDR of the masks of the network: of each prompt by itself, as in
the paper, and of both prompts sharing the mixture, as the separator does with the prompts of one call.
"""

from __future__ import annotations

import argparse
import fcntl
import itertools
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from figure1_data import label_of, mixtures_of, partner_mixtures, partners, write_manifests, write_together
from figure1_plan import (
    REFERENCE,
    REFERENCE_TOGETHER,
    ROWS,
    TOGETHER,
    VARIANTS,
    Places,
    Unit,
    configuration,
    order,
    unit_of,
)
from foreign import oracle
from foreign_data import Mixture, at_level, sources_of
from query_division import folder_of
from stemless.cli.console import Printer
from stemless.evaluation.bss_eval import bss_eval_sources
from stemless.evaluation.metrics import si_sdr
from stemless.query.embedding import TextEncoder
from stemless.query.model import Network, SeparatorSettings, load_network
from stemless.query.sharing import shared_masks
from stemless.query.teacher import load_teacher
from stemless.query.training import train
from stemless.spectrum import istft, stft
from writing import write_json

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "benchmarks" / "results" / "figure1"
HALVES: Final = ("test", "validation")

Row = dict[str, Any]


def places(runs: Path | None = None, embedding: Path | None = None) -> Places:
    """Where the table's trainings, the embedding and its text side are."""
    root = folder_of("STEMLESS_RUNS")
    heard = embedding or root / "query/embedding/model"
    text = root / "query/text2/model"
    return Places(runs or root / "figure1", root / "query/data", heard, text if text.is_dir() else heard)


@torch.no_grad()
def separated(
    network: Network, settings: SeparatorSettings, text: TextEncoder, sources: Tensor, prompts: Sequence[str]
) -> dict[str, Tensor]:
    """Estimates of the sources [sources, time], from the masks by themselves and from those that share."""
    # The level of the mixture is that of training; scores do not depend on it.
    audio = at_level(sources.sum(0), settings.level_db)
    spectrum = stft(audio[None], network.config.grid)
    asked = text.embed_text(prompts)
    masks = network(spectrum.abs(), asked.tokens[None], asked.mask[None], asked.vector[None])
    kinds = {"alone": masks, "together": shared_masks(masks, rule=settings.sharing)}
    return {
        kind: istft(each[0] * spectrum, network.config.grid, audio.shape[-1]) for kind, each in kinds.items()
    }


def scores(sources: Tensor, estimates: Mapping[str, Tensor]) -> list[dict[str, list[float]]]:
    """Of each source, [SDR, SI-SDR] in dB by kind of estimate."""
    found: list[dict[str, list[float]]] = [{} for _ in sources]
    for kind, each in estimates.items():
        sdr, si = bss_eval_sources(sources, each).sdr_db.tolist(), si_sdr(sources, each).tolist()
        for place in range(len(sources)):
            found[place][kind] = [round(sdr[place], 3), round(si[place], 3)]
    return found


def rows_of(mixture: Mixture, sources: Tensor, estimates: Mapping[str, Tensor]) -> list[Row]:
    """A row for each source of a mixture."""
    return [
        {"mixture": mixture.name, "label": source.label, "scores": found}
        for source, found in zip(mixture.sources, scores(sources, estimates), strict=True)
    ]


def score(model: Path, text: TextEncoder, mixtures: Sequence[Mixture]) -> list[Row]:
    """The rows of a trained separator."""
    trained = load_network(model)
    network, settings = trained.network, trained.settings
    if settings.identity != text.identity:
        raise SystemExit(f"{model}: was trained with the words of {settings.identity}, not {text.identity}")
    rows: list[Row] = []
    for mixture in mixtures:
        sources = sources_of(mixture)
        prompts = [source.label for source in mixture.sources]
        rows += rows_of(mixture, sources, separated(network, settings, text, sources, prompts))
    return rows


def reference_rows(mixtures: Sequence[Mixture]) -> list[Row]:
    """The mixture, and the mixture through ideal ratio masks."""
    from stemless.query.compact_unet import CompactConfig

    rows: list[Row] = []
    for mixture in mixtures:
        sources = sources_of(mixture)
        ideal = oracle(sources, CompactConfig().grid)
        rows += rows_of(
            mixture, sources, {"mixture": sources.sum(0).expand_as(sources), "ideal ratio mask": ideal}
        )
    return rows


def prepare(row: int, where: Places, half: str) -> list[Mixture]:
    """Write what the trainings of a row read, and draw the mixtures that they are scored with."""
    rows = write_manifests(where.data, where.manifests)
    if row != TOGETHER:
        return mixtures_of(rows[half], half)
    pairs = partners(label_of(each) for each in rows["training"])
    write_together(rows["training"], pairs, where.together)
    return partner_mixtures(rows[half], pairs, half)


def reference(row: int, half: str, mixtures: Sequence[Mixture], results: Path) -> None:
    """Score what all trainings of a row are compared with, once."""
    path = results / f"{REFERENCE_TOGETHER if row == TOGETHER else REFERENCE}.json"
    if not path.exists():
        write_json(path, {"half": half, "rows": reference_rows(mixtures)})


def make(unit: Unit, where: Places, overrides: Sequence[str], printer: Printer) -> float:
    """Train one unit, or go on with it, or find it done; returns the seconds of one core that it took."""
    folder = where.run(unit)
    clock = folder / "seconds.json"
    spent = float(json.loads(clock.read_text())["seconds"]) if clock.exists() else 0.0
    if (folder / "model").is_dir():
        return spent
    config = configuration(unit, where, overrides)
    began = time.process_time() - spent

    def stop_clock() -> float:
        seconds = round(time.process_time() - began, 1)
        write_json(clock, {"seconds": seconds})
        return seconds

    with printer.progress(unit.name) as on_progress:

        def told(done: float, total: float) -> None:
            if int(done) % config.steps_per_epoch == 0:
                stop_clock()
            if on_progress:
                on_progress(done, total)

        train(config, on_progress=told)
    # The optimiser's memory is several times the model, and nothing goes on from it any more.
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return stop_clock()


def run(unit: Unit, where: Places, half: str, results: Path, overrides: Sequence[str] = ()) -> None:
    """Do one unit: train it, its start first where that is not there, and score it where it is an end."""
    path = results / f"{unit.name}.json"
    if path.exists():
        return
    printer = Printer()
    with alone(where.manifests):
        mixtures = prepare(unit.row, where, half)
    spent = {}
    if unit.before is not None:
        with alone(where.run(unit.before)):
            spent["start"] = make(unit.before, where, overrides, printer)
    with alone(where.run(unit)):
        spent["start" if unit.start else "end"] = make(unit, where, overrides, printer)
    if unit.start:
        return
    reference(unit.row, half, mixtures, results)
    text, _ = load_teacher(str(where.text))
    config = configuration(unit, where, overrides)
    rows = score(where.run(unit) / "model", text, mixtures)
    write_json(
        path,
        {
            "row": unit.row,
            "variant": unit.variant,
            "seed": unit.seed,
            "half": half,
            "words": text.identity,
            "steps": config.steps,
            "seconds": spent,
            "rows": rows,
        },
    )
    means = {kind: mean_of(rows, kind) for kind in rows[0]["scores"]}
    print(
        unit.name, ", ".join(f"{kind} {sdr:.2f} / {si:.2f}" for kind, (sdr, si) in means.items()), flush=True
    )


def mean_of(rows: Sequence[Row], kind: str) -> tuple[float, float]:
    """Mean SDR and SI-SDR in dB."""
    values = torch.tensor([row["scores"][kind] for row in rows]).mean(0)
    return float(values[0]), float(values[1])


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process works in a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _one(job: tuple[Unit, Places, str, Path]) -> None:
    torch.set_num_threads(1)
    run(*job)


def run_all(units: Sequence[Unit], where: Places, half: str, results: Path, processes: int) -> None:
    """Do all units in their order, each as soon as its start is done, so many at once."""
    todo = missing(units, lambda unit: _done(unit, where, results))
    running: dict[Future[None], Unit] = {}
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        while todo or running:
            while len(running) < processes and (unit := next_of(todo, list(running.values()))) is not None:
                todo.remove(unit)
                running[pool.submit(_one, (unit, where, half, results))] = unit
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                unit = running.pop(future)
                future.result()
                print(f"{unit.name}: done, {len(todo) + len(running)} to go", flush=True)


def missing(units: Sequence[Unit], done: Callable[[Unit], bool]) -> list[Unit]:
    """The ends that have no result, each start that these need before the first of them.

    >>> start, end = Unit(2, "mix-and-separate", 0, start=True), Unit(2, "weak", 0)
    >>> missing([start, end], lambda unit: unit == end)
    []
    >>> missing([start, end], lambda unit: False) == [start, end]
    True
    """
    ends = [unit for unit in units if not unit.start and not done(unit)]
    chained = itertools.chain.from_iterable((unit.before, unit) for unit in ends)
    return [unit for unit in dict.fromkeys(chained) if unit is not None and not done(unit)]


def next_of(todo: Sequence[Unit], running: Sequence[Unit]) -> Unit | None:
    """The first unit whose start is neither to do nor being done.

    >>> start, end = Unit(2, "mix-and-separate", 0, start=True), Unit(2, "weak", 0)
    >>> next_of([start, end], []) == start, next_of([end], [start])
    (True, None)
    """
    return next((unit for unit in todo if unit.before not in todo and unit.before not in running), None)


def _done(unit: Unit, where: Places, results: Path) -> bool:
    if unit.start:
        return (where.run(unit) / "model").is_dir()
    return (results / f"{unit.name}.json").exists()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("run", help="one training and its scores")
    one.add_argument("--row", type=int, choices=(*ROWS, TOGETHER), default=ROWS[0])
    one.add_argument("--variant", choices=VARIANTS, required=True)
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("overrides", nargs="*", help="key=value, as in stemless train query")
    every = commands.add_parser("all", help="all trainings that have no result yet")
    every.add_argument("--rows", type=numbers, default=(*ROWS, TOGETHER))
    every.add_argument("--seeds", type=numbers, default=(0, 1, 2))
    every.add_argument("--processes", type=int, default=2)
    for command in (one, every):
        command.add_argument("--mixtures", choices=HALVES, default="test", help="validation is to choose by")
        command.add_argument("--runs", type=Path, help="folder of the trainings and, with it, of the results")
        command.add_argument("--embedding", type=Path, help="the teacher")
    commands.add_parser("table")
    options = parser.parse_args()
    if options.command == "table":
        from figure1_tables import write_tables

        write_tables(RESULTS, ROOT / "docs" / "results.md")
        return
    torch.set_num_threads(1)
    where = places(options.runs, options.embedding)
    results = RESULTS
    if options.runs or options.mixtures != "test":
        results = where.runs / f"results_{options.mixtures}"
    if options.command == "run":
        if options.overrides and not options.runs:
            raise SystemExit("settings to try need a folder of their own: --runs FOLDER")
        unit = unit_of(options.row, options.variant, options.seed)
        run(unit, where, options.mixtures, results, options.overrides)
    else:
        run_all(order(options.rows, options.seeds), where, options.mixtures, results, options.processes)


def numbers(text: str) -> tuple[int, ...]:
    """Whole numbers as they are typed.

    >>> numbers("2,3,4")
    (2, 3, 4)
    """
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    main()
