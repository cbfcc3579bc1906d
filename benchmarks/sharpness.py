"""How sharp the masks of a separator may be: what `foreign.py` measures, for several powers of their odds.

    STEMLESS_DATA=... STEMLESS_RUNS=... python benchmarks/sharpness.py --model separator

The same network is scored with each sharpness, once for all prompts alike and once less for what training did
not ask for (`stemless.query.sharpness`). Mixtures are those of the validation half of `foreign.py`, to choose
by. Results go to benchmarks/results/sharpness.json; `query_tables.py` makes the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
from pathlib import Path
from typing import Final

import torch

from foreign import COUNTS, RESULTS, SEED, Row, all_rows, level_db, planned
from foreign_data import SAMPLE_RATE, Mixture, prompt_for, sources_of
from stemless.cli.console import Printer
from stemless.evaluation.bss_eval import bss_eval_sources
from stemless.evaluation.metrics import si_sdr
from stemless.query.model import load_separator
from stemless.query.separation import PromptSeparator
from stemless.query.separator import QuerySeparator
from writing import write_json

HALF: Final = "validation"
SHARPNESS: Final = {"all alike": (1.0, 0.65, 0.5, 0.35), "by familiarity": (1.0, 0.8, 0.65, 0.5)}


@functools.cache
def loaded(model: str) -> dict[tuple[str, float], PromptSeparator]:
    """The separator with each sharpness; once a process."""
    torch.set_num_threads(1)
    stored = load_separator(model)
    return {
        (kind, sharpness): PromptSeparator(
            QuerySeparator(
                dataclasses.replace(
                    stored,
                    settings=dataclasses.replace(stored.settings, sharpness=sharpness),
                    known=stored.known if kind == "by familiarity" else None,
                )
            )
        )
        for kind, values in SHARPNESS.items()
        for sharpness in values
    }


def score(model: str, mixture: Mixture) -> list[Row]:
    """A row for each sharpness and source: [SDR, SI-SDR] of both prompts in a call, and the absent prompt."""
    sources = sources_of(mixture)
    audio = sources.sum(0)
    prompts, vain = [prompt_for(source.label) for source in mixture.sources], prompt_for(mixture.absent)
    rows: list[Row] = []
    for (kind, sharpness), separator in loaded(model).items():
        both = separator.separate(audio, prompts, SAMPLE_RATE).audio[:, 0]
        missing = separator.separate(audio, vain, SAMPLE_RATE).audio[0, 0]
        sdr, si = bss_eval_sources(sources, both).sdr_db.tolist(), si_sdr(sources, both).tolist()
        rows += [
            {
                "mixture": mixture.name,
                "kind": mixture.kind,
                "label": source.label,
                "power": kind,
                "sharpness": sharpness,
                "scores": [round(sdr[place], 2), round(si[place], 2)],
                "absent_db": round(level_db(missing, audio), 1),
            }
            for place, source in enumerate(mixture.sources)
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--model", required=True, help="separator: shipped name, folder or hf://USER/MODEL")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    mixtures, seen = planned(HALF, COUNTS)
    rows = all_rows(functools.partial(score, options.model), mixtures, seen, options.processes, Printer())
    command = f"python benchmarks/sharpness.py --model {Path(options.model).name}"
    content = {"command": command, "half": HALF, "seed": SEED, "rows": rows}
    write_json(RESULTS / "sharpness.json", content, indent=0)


if __name__ == "__main__":
    main()
