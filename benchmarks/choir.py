"""Voices of a real choir, separated without stems: the tables "Choir" in docs/results.md.

    python benchmarks/choir.py train --voices 4 --learner unsupervised     # resumes when called again
    python benchmarks/choir.py score --voices 4                            # cached scores are kept
    python benchmarks/choir.py score --voices 4 --room                     # the singers in a church
    python benchmarks/choir.py table                                       # results/*.json -> docs/results.md

Recordings come from STEMLESS_DATA. Runs are kept in runs/choir, scores in benchmarks/results/choir.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from choir_again import write_corpus_again
from choir_data import (
    EXCERPT_SECONDS,
    RUNS,
    SAMPLE_RATE,
    TEST_STARTS_SECONDS,
    given_tracks,
    stems_in_room,
    test_keys,
    write_corpus,
)
from choir_data import stems_of as dry_stems_of
from choir_pitch import own_estimator, pitch_run
from choir_tables import write_tables
from choir_tracks import tracks_of_stems
from stemless.configuration import load_configuration
from stemless.engine import separate_audio
from stemless.evaluation.metrics import si_sdr, status_of
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.baselines.ideal import ideal_stems
from stemless.voices.baselines.nmf import NMFSeparator
from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator
from stemless.voices.estimation import PitchEstimator
from stemless.voices.methods import make_separator
from stemless.voices.second_hearing import in_tune, listen_again, with_heard
from stemless.voices.tracks import PitchTracks
from stemless.voices.training import TrainingConfig, train
from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "choir"
LEARNERS = {
    "unsupervised": ("choir_unsupervised.yaml", "given"),
    "supervised": ("choir_supervised.yaml", "given"),
    "unet": ("choir_unet.yaml", "given"),
    "fitted": ("choir_fitted.yaml", "again"),
    "again": ("choir_again.yaml", "again"),
    "pitched": ("choir_again.yaml", "pitched"),
}
"""Settings, and the tracks to learn with: given, or heard again (`choir_again.py`), by the pitch that ships
or that of this choir (`choir_pitch.py`)."""
TRACKS = ("given", "stems", "heard", "refined", "both", "twice", "tuned-own", "alone-own")
"""Multi-f0 that came with it; pYIN of the isolated singers; `stemless pitch` with --voices, and with --f0;
the first with what is heard beside it; heard, and heard again in each voice alone. The last two are these two
with the choir's own pitch (`choir_pitch.py`), and in tune (`stemless.in_tune`)."""
MODELS = {
    "start": "as it ships",
    "fitted": "fitted for 10 minutes",
    "again": "fitted for an hour",
    "pitched": "fitted for an hour by its own pitch",
}
"""The runs whose model the rows "network, ..." and "blend, ..." use."""
POWERS = (1.0, 2.0)
SEED = 0
START = "voices"

Stems = Callable[[str], Tensor]
"""A mixture such as "S2_A3_T4_B2" -> its singers, [voices, time]."""
Estimator = Callable[[Tensor, Tensor, PitchTracks], Tensor]
"""(mixture [time], stems [voices, time], tracks) -> estimates [voices, time]."""


def run_folder(voices: int, learner: str) -> Path:
    return RUNS / f"{learner}_{voices}_voices"


def model_of(voices: int, learner: str) -> Path:
    """The model of a run; duets are learned with the quartets too, where there is no run for them alone."""
    own = run_folder(voices, learner) / "model"
    return own if own.exists() else run_folder(4, learner) / "model"


def train_one(voices: int, learner: str, overrides: list[str]) -> None:
    """Train with the settings of the learner; the minutes it took go to results/choir."""
    settings, tracks = LEARNERS[learner]
    if tracks == "given":
        manifest = write_corpus(voices, RUNS / "corpus")
    else:
        pitch_model = pitch_run() / "model" if tracks == "pitched" else None
        manifest = write_corpus_again(voices, RUNS / "corpus", START, pitch_model, tracks)
    config = load_configuration(
        TrainingConfig,
        ROOT / "configs" / "voices" / settings,
        [f"corpus={manifest}", f"output={run_folder(voices, learner)}", *overrides],
    )
    record = RESULTS / f"training_{learner}_{voices}_voices.json"
    earlier = (
        json.loads(record.read_text())["seconds"]
        if record.exists() and run_folder(voices, learner).exists()
        else 0.0
    )
    began = time.monotonic()

    def progress(done: float, total: float) -> None:
        if int(done) % config.steps_per_epoch == 0:
            seconds = earlier + time.monotonic() - began
            print(
                f"{learner}, {voices} voices: step {done:.0f} of {total:.0f}, {seconds / 60:.1f} min",
                flush=True,
            )
            write_json(
                record, {"seconds": seconds, "steps": int(done), "threads": torch.get_num_threads()}, indent=1
            )

    train(config, on_progress=progress)


def methods(voices: int, names: list[str]) -> Iterator[tuple[str, float | None, Estimator]]:
    """Every (method, p) of the table that can run here; a model is loaded when its turn comes.

    names: only these; all if there are none.
    """
    for method, power, make in offered(voices):
        if not names or method in names:
            yield method, power, make()


def offered(voices: int) -> Iterator[tuple[str, float | None, Callable[[], Estimator]]]:
    """`methods`, and what makes each of them."""

    def masked(make: Callable[..., Any], *arguments: Any, power: float) -> Callable[[], Estimator]:
        return lambda: estimator_of(make(*arguments, power=power))

    yield "mixture", None, lambda: lambda mixture, stems, tracks: mixture.expand_as(stems)
    for power in POWERS:
        yield "comb", power, masked(CombSeparator, power=power)
        yield "nmf", power, masked(NMFSeparator, power=power)
        yield "source-filter nmf", power, masked(SourceFilterNMFSeparator, power=power)
        for learner in ("supervised", "unsupervised"):
            model = run_folder(voices, learner) / "model"
            if model.exists():
                yield f"network, {learner}", power, masked(make_separator, "network", str(model), power=power)
        for run, name in MODELS.items():
            model = Path(START) if run == "start" else model_of(voices, run)
            if run == "start" or model.exists():
                # The blend is slow; its exponent was chosen with the network's.
                for method in ("network", "blend") if power == 2.0 else ("network",):
                    yield f"{method}, {name}", power, masked(make_separator, method, str(model), power=power)
        unet = run_folder(voices, "unet") / "model"
        if unet.exists():
            yield "u-net, supervised", power, masked(make_separator, "unet", str(unet), power=power)
        yield "ideal ratio mask", power, partial(ideal, power)


def estimator_of(separator: Any) -> Estimator:
    """All voices of an excerpt by a separator."""

    def estimate(mixture: Tensor, stems: Tensor, tracks: PitchTracks) -> Tensor:
        return separate_audio(mixture.unsqueeze(0), SAMPLE_RATE, separator, tracks).audio[:, 0]

    return estimate


def ideal(power: float) -> Estimator:
    return lambda mixture, stems, tracks: ideal_stems(stems, power=power)


def tracks_by_key(voices: int, which: str, stems_of: Stems) -> dict[str, PitchTracks]:
    """Tracks of the test mixtures."""
    if which == "stems":
        return {key: tracks_of_stems(key) for key in test_keys(voices)}
    given = given_tracks(voices)
    if which == "given":
        return given
    way, _, pitch = which.partition("-")
    estimator = own_estimator() if pitch else PitchEstimator(device="cpu")
    found = {}
    for key in test_keys(voices):
        mixture = stems_of(key).sum(0)
        if way == "refined":
            found[key] = estimator.refine(mixture, given[key], SAMPLE_RATE).tracks
        elif way in ("both", "tuned"):
            found[key] = with_heard(mixture, given[key], SAMPLE_RATE, estimator=estimator)
        else:
            names = given[key].names
            heard = estimator.estimate(mixture, voices, SAMPLE_RATE, names=names).tracks
            found[key] = heard
            if way in ("twice", "alone"):
                again = listen_again(mixture, heard, SAMPLE_RATE, estimator=estimator).tracks
                found[key] = replace(heard, others=(again,))
        if way in ("tuned", "alone"):
            found[key] = in_tune(mixture, found[key], SAMPLE_RATE)
    return found


def score(voices: int, which_tracks: str, names: list[str], again: bool, room: bool) -> None:
    """Scores of all methods on the test excerpts, one JSON a method and p."""
    stems_of = stems_in_room if room else dry_stems_of
    tracks = tracks_by_key(voices, which_tracks, stems_of)
    place = f"{voices}_voices_{which_tracks}" + ("_room" if room else "")
    for method, power, estimate in methods(voices, names):
        slug = method.replace(", ", "-").replace(" ", "-") + ("" if power is None else f"-p{power:g}")
        path = RESULTS / place / f"{slug}.json"
        if path.exists() and not again:
            continue
        rows: list[dict[str, Any]] = []
        began = time.monotonic()
        for key in test_keys(voices):
            stems = stems_of(key)
            for start in TEST_STARTS_SECONDS:
                cut = slice(round(start * SAMPLE_RATE), round((start + EXCERPT_SECONDS) * SAMPLE_RATE))
                excerpt = stems[:, cut]
                condition = tracks[key].cut(start, start + EXCERPT_SECONDS)
                estimates = estimate(excerpt.sum(0), excerpt, condition)
                for name, wanted, made in zip(condition.names, excerpt, estimates, strict=True):
                    status = status_of(wanted, made)
                    value = None if status == "silent reference" else round(float(si_sdr(wanted, made)), 4)
                    rows.append(
                        {
                            "method": method,
                            "p": power,
                            "mixture": f"{key}_{start}s",
                            "part": name,
                            "status": status,
                            "si_sdr_db": value,
                        }
                    )
        write_json(
            path,
            {
                "command": f"python benchmarks/choir.py score --voices {voices} --tracks {which_tracks}"
                + (" --room" if room else ""),
                "seed": SEED,
                "split": f"{voices} voices, 4-s excerpts from 68 s on",
                "seconds": round(time.monotonic() - began, 2),
                "rows": rows,
            },
            indent=1,
        )
        values: list[float] = [row["si_sdr_db"] for row in rows if row["si_sdr_db"] is not None]
        print(
            f"{voices} voices, {which_tracks} tracks, {method}, p {power}: "
            f"mean {sum(values) / len(values):.2f} dB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--voices", type=int, choices=(2, 4), required=True)
    training.add_argument("--learner", choices=LEARNERS, required=True)
    training.add_argument("overrides", nargs="*", help="key=value, as in stemless train")
    scoring = commands.add_parser("score")
    scoring.add_argument("--voices", type=int, choices=(2, 4), required=True)
    scoring.add_argument("--tracks", choices=TRACKS, default="given")
    scoring.add_argument("--method", action="append", default=[], help="only these; all if not given")
    scoring.add_argument("--again", action="store_true", help="also what is cached")
    scoring.add_argument("--room", action="store_true", help="the singers in a church, with 1.5 s of echo")
    commands.add_parser("table")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    if arguments.command == "train":
        train_one(arguments.voices, arguments.learner, arguments.overrides)
    elif arguments.command == "score":
        torch.set_num_threads(1)
        score(arguments.voices, arguments.tracks, arguments.method, arguments.again, arguments.room)
    else:
        write_tables(RESULTS, ROOT / "docs" / "results.md", ROOT / "README.md")


if __name__ == "__main__":
    main()
