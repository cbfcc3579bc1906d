"""Beyond choirs: string quartets, wind duets and two speakers, from the recording alone.

    python benchmarks/ensembles.py score     # results/ensembles.json
    python benchmarks/ensembles.py table     # -> docs/results.md

The music is made up (`data.quartets.random_parts`), each part played by a sound bank that no model of voices
has heard (MuseScore General, through FluidSynth); the speakers are espeak-ng. Nothing but the mixture and the
number of voices is given. Estimates are named by the part that they are nearest to, as pitch alone says which
voice is the highest, not which is the viola.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemless.data.everyday.speech import sentence, spoken
from stemless.data.everyday.stage import Stage
from stemless.data.instruments.expression import random_expression
from stemless.data.instruments.midi_file import Piece, start_of, write_midi
from stemless.data.instruments.music import Music, Note, Traits
from stemless.data.instruments.sound_bank import PLAYED_RATE, find_bank, play
from stemless.data.quartets import in_some_room, random_parts
from stemless.engine import separate_audio
from stemless.evaluation.metrics import si_sdr, status_of
from stemless.evaluation.tables import benchmark_section, update_section
from stemless.resampling import resample
from stemless.voices.baselines.ideal import ideal_stems
from stemless.voices.estimation import PitchEstimator
from stemless.voices.methods import choose, make_separator
from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "ensembles.json"
SAMPLE_RATE = 16000
SECONDS = 8.0
COUNT = 8
SEED = 5
BANK = "MuseScore_General.sf3"
# (General MIDI program from 0, lowest and highest note)
STRINGS = ((40, 64, 84), (40, 57, 76), (41, 52, 70), (42, 38, 60))
WINDS = (((73, 67, 84), (71, 53, 72)), ((68, 62, 81), (70, 38, 60)))
Parts = tuple[tuple[int, int, int], ...]


def played(parts: Parts, generator: np.random.Generator) -> Tensor:
    """Made-up music, each part by itself in one room: [parts, time]."""
    music = random_parts(generator, SECONDS, [(low, high) for _, low, high in parts])
    pieces = []
    for (program, _, _), notes in zip(parts, music, strict=True):
        written = Music(
            tuple(
                Note(
                    note.start_seconds,
                    note.duration_seconds,
                    round(note.midi),
                    int(generator.integers(60, 110)),
                )
                for note in notes
            ),
            Traits(texture="melody"),
        )
        style = "bowed" if program < 56 else "wind"
        pieces.append(Piece((0, program), written, random_expression(written, style, SECONDS, generator)))
    with tempfile.TemporaryDirectory() as place:
        midi, wav = Path(place) / "parts.mid", Path(place) / "parts.wav"
        write_midi(pieces, SECONDS, midi)
        play(midi, find_bank(BANK), wav, PLAYED_RATE)
        sound, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    dry = []
    for index in range(len(pieces)):
        first = round(start_of(index, SECONDS) * rate)
        part = np.ascontiguousarray(sound[first : first + round(SECONDS * rate)].mean(1))
        dry.append(resample(torch.from_numpy(part)[None], rate, SAMPLE_RATE)[0])
    return in_some_room(torch.stack(dry), SAMPLE_RATE, 1, generator)[:, 0]


def speakers(generator: np.random.Generator) -> Tensor:
    """A man and a woman who talk at once: [2, time]."""
    samples = round(SECONDS * SAMPLE_RATE)
    voices = []
    for kind in ("woman", "man"):
        person = int(generator.integers(2**32))
        said = np.zeros(0)
        while len(said) < samples:
            text = sentence(Stage(generator, SECONDS, SAMPLE_RATE, "all"))
            same = Stage(np.random.default_rng(person), SECONDS, SAMPLE_RATE, "all")
            said = np.concatenate([said, spoken(same, kind, text), np.zeros(SAMPLE_RATE // 5)])
        voice = said[:samples]
        voices.append(torch.from_numpy(0.1 * voice / np.sqrt(np.mean(voice**2))).float())
    return in_some_room(torch.stack(voices), SAMPLE_RATE, 1, generator)[:, 0]


KINDS: dict[str, Callable[[int, np.random.Generator], Tensor]] = {
    "string quartets": lambda number, generator: played(STRINGS, generator),
    "wind duets": lambda number, generator: played(WINDS[number % len(WINDS)], generator),
    "two speakers": lambda number, generator: speakers(generator),
}


def nearest(stems: Tensor, estimates: Tensor) -> Tensor:
    """The estimates in the order of the stems that makes the mean SI-SDR the highest."""
    ways = list(itertools.permutations(range(len(stems))))
    scores = [float(si_sdr(stems, estimates[list(way)]).clamp_min(-80).mean()) for way in ways]
    return estimates[list(ways[int(np.argmax(scores))])]


def score() -> None:
    """All methods on all mixtures."""
    estimator = PitchEstimator(device="cpu")
    separators = {method: make_separator(*choose(method, None)) for method in ("comb", "network", "blend")}
    rows: dict[str, list[dict[str, Any]]] = {}
    for kind_index, (kind, make) in enumerate(KINDS.items()):
        rows[kind] = []
        for number in range(COUNT):
            stems = make(number, np.random.default_rng((SEED, kind_index, number)))
            mixture = stems.sum(0)
            tracks = estimator.estimate(mixture, len(stems), SAMPLE_RATE).tracks
            made = {"mixture": mixture.expand_as(stems), "ideal ratio mask": ideal_stems(stems, power=2.0)}
            for method, separator in separators.items():
                made[method] = separate_audio(mixture[None], SAMPLE_RATE, separator, tracks).audio[:, 0]
            for method, estimates in made.items():
                for part, (wanted, found) in enumerate(zip(stems, nearest(stems, estimates), strict=True)):
                    status = status_of(wanted, found)
                    value = None if status == "silent reference" else round(float(si_sdr(wanted, found)), 4)
                    rows[kind].append(
                        {
                            "method": method,
                            "p": None if method == "mixture" else 2.0,
                            "mixture": f"{kind} {number}",
                            "part": str(part + 1),
                            "status": status,
                            "si_sdr_db": value,
                        }
                    )
            print(f"{kind}: {number + 1} of {COUNT}", flush=True)
    write_json(
        RESULTS, {"command": "python benchmarks/ensembles.py score", "seed": SEED, "rows": rows}, indent=1
    )


def table(results: dict[str, Any]) -> str:
    """One table a kind."""
    sections = []
    for kind, rows in results["rows"].items():
        split = f"{kind}, {SECONDS:g} s each, made up"
        head = {"command": results["command"], "seed": results["seed"], "split": split, "rows": rows}
        sections.append(f"{kind.capitalize()}:\n\n{benchmark_section(head)}")
    return "\n\n".join(sections)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("score", "table"))
    if parser.parse_args().what == "score":
        torch.set_num_threads(1)
        score()
    else:
        update_section(ROOT / "docs" / "results.md", "ensembles", table(json.loads(RESULTS.read_text())))


if __name__ == "__main__":
    main()
