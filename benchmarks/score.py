"""Scores against a real choir: how well they are aligned, and what the voices gain by it.

    python benchmarks/score.py development      # 0 to 60 s
    python benchmarks/score.py test             # 68 s on
    python benchmarks/score.py table            # results/score.json -> docs/results.md

For each of three quartets a MIDI file is made from the pitch of its isolated singers: rounded to notes, moved
up by two semitones, its tempo swaying by up to 15 %. It is aligned with the mixture; an onset counts as found
within 50 ms. The comb then separates 4-s excerpts with the tracks that come of it, with these tracks refined
by ear, as `stemless voices --score` does it, with those of a perfect alignment, and with the pitch of the
isolated singers itself; the network and the blend go by the refined tracks. Results go to
benchmarks/results/score.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import mido
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from choir import MODELS, START, run_folder
from choir_data import EXCERPT_SECONDS, HOP_LENGTH, SAMPLE_RATE, stems_of, test_keys
from choir_tracks import tracks_of_stems
from stemless.engine import separate_audio
from stemless.evaluation.metrics import si_sdr, status_of
from stemless.evaluation.tables import markdown_table, update_section
from stemless.separator import Separator
from stemless.voices.alignment import ScoreAlignment
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.estimation import PitchEstimator
from stemless.voices.methods import make_separator
from stemless.voices.note_tuning import tuned
from stemless.voices.score_tracks import follow_score, score_tracks
from stemless.voices.scores import read_score
from stemless.voices.second_hearing import with_heard
from stemless.voices.tracks import PitchTracks
from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "score.json"
SPLITS = {"development": (0.0, 60.0), "test": (68.0, 100.0)}
TRANSPOSITION_SEMITONES = 2
SWAY = 0.15
SWAY_SECONDS = 17.0
STEP_SECONDS = HOP_LENGTH / SAMPLE_RATE
SHORTEST_NOTE_FRAMES = 8
TOLERANCE_SECONDS = 0.05

Notes = list[tuple[float, float, int]]
"""(onset, end, MIDI number)"""


def notes_of(f0_hz: NDArray[np.float32]) -> Notes:
    """The notes in a tracked f0 [frames]: medians over a quarter of a second, rounded."""
    midi = np.where(f0_hz > 0, 69 + 12 * np.log2(np.maximum(f0_hz, 1) / 440), np.nan)
    steady = midi.copy()
    for frame in range(len(midi)):
        around = midi[max(0, frame - SHORTEST_NOTE_FRAMES) : frame + SHORTEST_NOTE_FRAMES + 1]
        around = around[~np.isnan(around)]
        if not np.isnan(midi[frame]):
            steady[frame] = np.median(around)
    rounded = np.where(np.isnan(steady), 0, np.round(np.nan_to_num(steady))).astype(int)
    runs: list[list[int]] = []
    at = 0
    for pitch, frames in itertools.groupby(rounded.tolist()):
        count = len(list(frames))
        if pitch and count >= SHORTEST_NOTE_FRAMES:
            # A short dip (a consonant, the turn of a vibrato) does not end a note.
            if runs and runs[-1][2] == pitch and at - runs[-1][1] < SHORTEST_NOTE_FRAMES:
                runs[-1][1] = at + count
            else:
                runs.append([at, at + count, pitch])
        at += count
    for run, following in itertools.pairwise(runs):
        # As written: a note lasts until the next, whatever the consonant or the glide between them.
        if following[0] - run[1] < 2 * SHORTEST_NOTE_FRAMES:
            run[1] = following[0]
    return [(first * STEP_SECONDS, last * STEP_SECONDS, pitch) for first, last, pitch in runs]


def swayed(seconds: NDArray[np.float64] | float, phase: float) -> Any:
    """Time in the score of a time in the recording: tempo between 1 - SWAY and 1 + SWAY."""
    turn = 2 * np.pi / SWAY_SECONDS
    return seconds + SWAY / turn * (np.cos(phase) - np.cos(turn * np.asarray(seconds) + phase))


def write_midi(path: Path, parts: dict[str, Notes]) -> None:
    """One track a part, 480 ticks a beat of half a second."""
    file = mido.MidiFile(type=1, ticks_per_beat=480)
    for name, notes in parts.items():
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        events = [(onset, 1, pitch) for onset, _, pitch in notes] + [
            (end, 0, pitch) for _, end, pitch in notes
        ]
        now = 0
        for seconds, on, pitch in sorted(events):
            tick = round(seconds * 960)
            kind = "note_on" if on else "note_off"
            track.append(mido.Message(kind, note=pitch, velocity=64, time=tick - now))
            now = tick
        file.tracks.append(track)
    file.save(path)


def measure(key: str, start: float, end: float, phase: float) -> dict[str, Any]:
    """Onsets and SI-SDR of one quartet."""
    stems = stems_of(key)[:, round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    sung = tracks_of_stems(key).cut(start, end)
    # Frames before the cut are kept by `cut`; times here start at the cut.
    f0_hz = sung.at(np.arange(round((end - start) / STEP_SECONDS)) * STEP_SECONDS)
    true = {name: notes_of(row) for name, row in zip(sung.names, f0_hz, strict=True)}
    moved = {
        name: [
            (float(swayed(on, phase)), float(swayed(off, phase)), pitch + TRANSPOSITION_SEMITONES)
            for on, off, pitch in notes
        ]
        for name, notes in true.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "score.mid"
        write_midi(path, moved)
        score = read_score(path)
    mixture = stems.sum(0, keepdim=True)
    began = time.process_time()
    tracks, alignment = follow_score(mixture, SAMPLE_RATE, score=score)
    seconds = time.process_time() - began
    errors = np.concatenate(
        [
            alignment.to_recording(voice.onset_seconds) - [onset for onset, _, _ in true[name]]
            for name, voice in zip(score.names, score.notes, strict=True)
        ]
    )
    fine = np.linspace(0, end - start, 20000)
    perfect = ScoreAlignment(
        swayed(fine, phase), fine, -TRANSPOSITION_SEMITONES, alignment.tuning_cents, 1.0, 1.0
    )
    heard = mixture[0]
    estimator = PitchEstimator(device="cpu")
    refined = estimator.refine(heard, tracks, SAMPLE_RATE).tracks
    both = with_heard(heard, refined, SAMPLE_RATE, estimator=estimator)
    conditions = {
        "score, aligned, written pitch": score_tracks(score, alignment, end - start),
        "score, aligned": tracks,
        "score, aligned, refined by ear": refined,
        "score, perfect times": tuned(score_tracks(score, perfect, end - start), heard),
        "pitch of the singers": PitchTracks.regular(f0_hz, STEP_SECONDS, sung.names),
    }
    return {
        "mixture": key,
        "notes": len(errors),
        "within_50_ms": round(float((abs(errors) <= TOLERANCE_SECONDS).mean()), 4),
        "median_error_ms": round(1000 * float(np.median(errors)), 1),
        "median_absolute_error_ms": round(1000 * float(np.median(abs(errors))), 1),
        "transposition_semitones": alignment.transposition_semitones,
        "tuning_cents": round(alignment.tuning_cents, 1),
        "tempo": round(alignment.tempo, 3),
        "confidence": round(alignment.confidence, 3),
        "cpu_seconds": round(seconds, 1),
        "si_sdr_db": {name: mean_db(stems, given, CombSeparator(2.0)) for name, given in conditions.items()},
        "separated_db": {
            "mixture": mean_db(stems, refined, None),
            "comb": mean_db(stems, refined, CombSeparator(2.0)),
            **{name: mean_db(stems, both, separator) for name, separator in separators().items()},
        },
    }


def separators() -> dict[str, Separator[PitchTracks]]:
    """Network and blend, with each model of the choir benchmark that is there."""
    found = {}
    for run, name in MODELS.items():
        model = START if run == "start" else str(run_folder(4, run) / "model")
        if run == "start" or Path(model).exists():
            for method in ("network", "blend"):
                found[f"{method}, {name}"] = make_separator(method, model, device="cpu")
    return found


def mean_db(stems: Tensor, tracks: PitchTracks, separator: Separator[PitchTracks] | None) -> float:
    """Mean SI-SDR over 4-s excerpts and voices; of the mixture itself without a separator."""
    values = []
    seconds = stems.shape[1] / SAMPLE_RATE
    for start in np.arange(0, seconds - EXCERPT_SECONDS + 1e-6, EXCERPT_SECONDS):
        cut = slice(round(start * SAMPLE_RATE), round((start + EXCERPT_SECONDS) * SAMPLE_RATE))
        excerpt = stems[:, cut]
        mixture = excerpt.sum(0, keepdim=True)
        estimates = mixture.expand_as(excerpt)
        if separator is not None:
            condition = tracks.cut(start, start + EXCERPT_SECONDS)
            estimates = separate_audio(mixture, SAMPLE_RATE, separator, condition).audio[:, 0]
        for wanted, made in zip(excerpt, estimates, strict=True):
            if status_of(wanted, made) != "silent reference":
                values.append(float(si_sdr(wanted, made)))
    return round(float(np.mean(values)), 2)


def table(results: dict[str, Any]) -> str:
    """Means over the quartets."""
    held = results["test"]
    tracks = {name: f"comb, {name}" for name in held["rows"][0]["si_sdr_db"]}
    cells = [
        [said, *_means([row["si_sdr_db"][name] for row in held["rows"]])] for name, said in tracks.items()
    ]
    cells += [
        [f"{name}, refined by ear", *_means([row["separated_db"][name] for row in held["rows"]])]
        for name in held["rows"][0]["separated_db"]
        if name not in ("comb",)
    ]
    head = ["method, tracks", "SI-SDR, dB", *(row["mixture"] for row in held["rows"])]
    onsets = ", ".join(f"{100 * row['within_50_ms']:.1f} %" for row in held["rows"])
    notes = sum(row["notes"] for row in held["rows"])
    return markdown_table(head, cells) + (
        f"\n\n`{held['command']}`: {len(held['rows'])} quartets, {notes} notes; "
        f"{100 * held['within_50_ms']:.1f} % of the onsets within 50 ms ({onsets})."
    )


def _means(values: list[float]) -> list[str]:
    return [f"{np.mean(values):.2f}", *(f"{value:.2f}" for value in values)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("split", choices=(*SPLITS, "table"))
    split = parser.parse_args().split
    if split == "table":
        page = ROOT / "docs" / "results.md"
        update_section(page, "score", table(json.loads(RESULTS.read_text())))
        return
    torch.set_num_threads(1)
    rows = [
        measure(key, *SPLITS[split], phase) for key, phase in zip(test_keys(4), (0.0, 2.0, 4.0), strict=True)
    ]
    for row in rows:
        print(json.dumps(row), flush=True)
    found = sum(row["within_50_ms"] * row["notes"] for row in rows) / sum(row["notes"] for row in rows)
    print(f"{split}: {100 * found:.1f} % of onsets within 50 ms")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[split] = {
        "command": f"python benchmarks/score.py {split}",
        "within_50_ms": round(found, 4),
        "rows": rows,
    }
    write_json(RESULTS, results, indent=1)


if __name__ == "__main__":
    main()
