"""Pitch of real singers, from their mixtures alone: the table "Pitch" in docs/results.md.

    python benchmarks/pitch.py development       # 0 to 68 s, to choose by
    python benchmarks/pitch.py test              # 68 s on
    python benchmarks/pitch.py table             # results/pitch.json -> docs/results.md

`stemless pitch` hears the mixture from its beginning, and the frames of the split are scored: a voiced frame
of an isolated singer is right when the voice of that place has a pitch within 50 cents. What the singers
sang is told by pYIN on their recordings, which errs itself: with windows of 1024 and of 2048 samples it
agrees in nine frames of ten. Both are scored: the frames of the short window, and those where the two agree.
Beside it stand the multi-f0 tracks that come with the recordings, these tracks after `--refine`, both kinds
of tracks after a second hearing (`--again`), and what a model hears that has learned from this choir's own
mixtures (`choir_pitch.py`), where there is one. Voicing that is false is the share of the frames without
pitch in which a voice has one.
"""

from __future__ import annotations

import argparse
import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from choir_data import HOP_LENGTH, PARTS, SAMPLE_RATE, given_tracks, stems_of, test_keys
from choir_pitch import pitch_run
from choir_tracks import f0_of, tracks_of_stems
from stemless.evaluation.bootstrap import bootstrap_interval
from stemless.evaluation.tables import markdown_table, update_section
from stemless.voices.estimation import PitchEstimator
from stemless.voices.second_hearing import agreeing, listen_again
from stemless.voices.tracks import PitchTracks
from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "pitch.json"
SPLITS = {"development": (0.0, 68.0), "test": (68.0, 100.0)}
TOLERANCE_CENTS = 50.0
LONG_WINDOW = 2048
BLOCK_SECONDS = 4.0  # what is drawn again for the intervals
METHODS = {
    "given": "multi-f0 that came with it",
    "heard": "stemless pitch",
    "heard again": "stemless pitch --again",
    "refined": "given, refined",
    "given again": "given, --again",
    "own": "stemless pitch, learned from the choir",
    "own again": "the same, --again",
}

Array = NDArray[np.float32]


def agreed_with(key: str, f0_hz: Array) -> Array:
    """The frames in which pYIN with a longer window says the same, [voices, frames]; 0 elsewhere."""
    kept = np.zeros_like(f0_hz)
    for row, held, name in zip(kept, f0_hz, key.split("_"), strict=True):
        other = f0_of(name, LONG_WINDOW)[: len(held)]
        row[:] = np.where(agreeing(held, other, TOLERANCE_CENTS), held, 0)
    return kept


def rows_of(key: str, method: str, found: Array, start: int, end: int) -> list[dict[str, Any]]:
    """Counts of frames for every voice and block of a mixture."""
    sung = tracks_of_stems(key).f0_hz
    sure = agreed_with(key, sung)
    length = min(end, sung.shape[1])
    found = np.pad(found, ((0, 0), (0, max(0, length - found.shape[1]))))
    block = round(BLOCK_SECONDS * SAMPLE_RATE / HOP_LENGTH)
    rows = []
    for first in range(start, length, block):
        part = slice(first, min(first + block, length))
        for name, pyin, both, ours in zip(
            key.split("_"), sung[:, part], sure[:, part], found[:, part], strict=True
        ):
            rows.append(
                {
                    "method": method,
                    "mixture": key,
                    "block": f"{key}_{first}",
                    "part": PARTS[name[0]],
                    "voiced": int((pyin > 0).sum()),
                    "right": int(agreeing(pyin, ours, TOLERANCE_CENTS).sum()),
                    "agreed": int((both > 0).sum()),
                    "agreed_right": int(agreeing(both, ours, TOLERANCE_CENTS).sum()),
                    "unvoiced": int((pyin == 0).sum()),
                    "false": int(((pyin == 0) & (ours > 0)).sum()),
                }
            )
    return rows


def measure(split: str, voices: int) -> dict[str, Any]:
    """All mixtures of so many voices."""
    start, end = (round(seconds * SAMPLE_RATE / HOP_LENGTH) for seconds in SPLITS[split])
    estimator = PitchEstimator(device="cpu")
    own_model = pitch_run() / "model"
    own = PitchEstimator(own_model, device="cpu") if own_model.exists() else None
    given = given_tracks(voices)
    rows: list[dict[str, Any]] = []
    seconds = spent = spent_again = 0.0
    for key in test_keys(voices):
        mixture = stems_of(key).sum(0)
        began = time.process_time()
        heard = estimator.estimate(mixture, voices, SAMPLE_RATE)
        spent += time.process_time() - began
        seconds += len(mixture) / SAMPLE_RATE
        again = partial(listen_again, mixture, sample_rate=SAMPLE_RATE, estimator=estimator)
        found = {
            "given": given[key],
            "heard": heard.tracks,
            "refined": estimator.refine(mixture, given[key], SAMPLE_RATE).tracks,
            "given again": again(given[key]).tracks,
        }
        began = time.process_time()
        found["heard again"] = again(heard.tracks).tracks
        spent_again += time.process_time() - began
        if own is not None:
            found["own"] = own.estimate(mixture, voices, SAMPLE_RATE).tracks
            found["own again"] = listen_again(mixture, found["own"], SAMPLE_RATE, estimator=own).tracks
        for method, tracks in found.items():
            rows += rows_of(key, method, on_frames(tracks), start, end)
    return {
        "command": f"python benchmarks/pitch.py {split}",
        "split": split,
        "voices": voices,
        "mixtures": len(test_keys(voices)),
        "processor_seconds_a_second": spent / seconds,
        "again_processor_seconds_a_second": spent_again / seconds,
        "rows": rows,
    }


def with_earlier(held: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was measured, and earlier rows of methods whose model is not here now."""
    rows = {one["voices"]: one["rows"] for one in earlier}
    joined = []
    for one in held:
        measured = {row["method"] for row in one["rows"]}
        others = [row for row in rows.get(one["voices"], []) if row["method"] not in measured]
        joined.append({**one, "rows": one["rows"] + others})
    return joined


def on_frames(tracks: PitchTracks) -> Array:
    times = np.arange(round(tracks.duration_seconds * SAMPLE_RATE / HOP_LENGTH)) * (HOP_LENGTH / SAMPLE_RATE)
    return tracks.at(times)


def shares(rows: list[dict[str, Any]], counted: str, right: str) -> list[float]:
    """Of every block the share that is right, the mean over its parts."""
    values = []
    for block in dict.fromkeys(row["block"] for row in rows):
        own = [row for row in rows if row["block"] == block and row[counted] > 0]
        if own:
            values.append(float(np.mean([row[right] / row[counted] for row in own])))
    return values


def over_parts(rows: list[dict[str, Any]], counted: str, right: str) -> dict[str, float]:
    """The share that is right, of each part."""
    parts = dict.fromkeys(row["part"] for row in rows)
    sums = {
        part: [sum(row[name] for row in rows if row["part"] == part) for name in (right, counted)]
        for part in parts
    }
    return {part: good / max(1, whole) for part, (good, whole) in sums.items()}


def table(held: list[dict[str, Any]]) -> str:
    """One line a method and number of voices."""
    cells = []
    for one in held:
        for method, said in METHODS.items():
            rows = [row for row in one["rows"] if row["method"] == method]
            if not rows:
                continue
            values = shares(rows, "agreed", "agreed_right")
            interval = bootstrap_interval(values, np.random.default_rng(0))
            pyin, both = over_parts(rows, "voiced", "right"), over_parts(rows, "agreed", "agreed_right")
            cells.append(
                [
                    one["split"],
                    str(one["voices"]),
                    said,
                    f"{100 * np.mean(list(pyin.values())):.1f}",
                    f"{100 * np.mean(list(both.values())):.1f} "
                    f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]",
                    " / ".join(f"{100 * both[part]:.0f}" for part in PARTS.values()),
                    f"{100 * np.mean(list(over_parts(rows, 'unvoiced', 'false').values())):.0f}",
                ]
            )
    head = [
        "split",
        "voices",
        "tracks",
        "right, % of pYIN's frames",
        "right, % of the agreed frames",
        "S / A / T / B",
        "false voicing, %",
    ]
    cost = ", ".join(
        f"{one['processor_seconds_a_second']:.3f} s a second of audio with {one['voices']} voices "
        f"({one['again_processor_seconds_a_second']:.3f} s more with --again)"
        for one in held
    )
    numbers = " and ".join(f"{one['mixtures']} mixtures of {one['voices']} voices" for one in held)
    text = [f"`{held[0]['command']}`: {numbers}, means over the parts; intervals draw stretches of 4 s. "]
    text.append(f"`stemless pitch` took {cost}, on one thread.")
    return markdown_table(head, cells) + "\n\n" + "".join(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=(*SPLITS, "table"))
    what = parser.parse_args().what
    if what == "table":
        update_section(ROOT / "docs" / "results.md", "pitch", table(json.loads(RESULTS.read_text())))
        return
    torch.set_num_threads(1)
    held = [measure(what, voices) for voices in (2, 4)]
    print(table(held))
    if what == "test":
        held = with_earlier(held, json.loads(RESULTS.read_text()) if RESULTS.exists() else [])
        write_json(RESULTS, held, indent=0)


if __name__ == "__main__":
    main()
