"""What a training step and a separation of the voices model cost: the table "Speed" in docs/results.md.

    python benchmarks/voices_speed.py

One thread; the fast form and the plain form (tests/voices/plain.py: a loop over the samples of a frame,
every partial of every sample in memory, the library's GRU, float32) do the same work in turn, in
processes of their own, so that each peak of memory is its own.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "voices_speed.json"
BATCH, VOICES, SECONDS, RATE = 4, 4, 4.0, 16000
SEPARATED_SECONDS = 60


@dataclass(frozen=True)
class Separation:
    """What is separated, how, and how often after a first time that does not count."""

    method: str
    sample_rate: int
    channels: int
    repeats: int


SEPARATIONS = {
    "`--method network`, 60 s, 16 kHz, mono": Separation("network", 16000, 1, 3),
    "`--method network`, 60 s, 44.1 kHz, stereo": Separation("network", 44100, 2, 3),
    "`--method blend`, 60 s, 16 kHz, mono": Separation("blend", 16000, 1, 1),
}


def peak_gigabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure_step(form: str, steps: int) -> dict[str, float]:
    """Seconds of a step (forward, backward, Adam) after one to warm up, and the peak of memory."""
    from stemless.optimiser import OptimiserConfig
    from stemless.voices.corpus import Batch
    from stemless.voices.learner import VoicesLearner
    from stemless.voices.model import VoicesModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    samples = int(SECONDS * RATE)
    audio = 0.1 * torch.randn(BATCH, samples)
    f0_hz = 100.0 + 300.0 * torch.rand(BATCH, VOICES, 1 + samples // 256)
    model = VoicesModel()
    if form == "fast":
        learner = VoicesLearner(model, "unsupervised", OptimiserConfig(), steps=100, seed=0, bf16=True)

        def loss(step: int) -> torch.Tensor:
            return learner.loss(Batch(audio, f0_hz, None), step)
    else:
        sys.path.insert(0, str(ROOT / "tests" / "voices"))
        plain = importlib.import_module("plain")
        model = plain.with_library_gru(model)

        def loss(step: int) -> torch.Tensor:
            noise = torch.rand(BATCH, VOICES, samples) * 2 - 1
            voices = plain.synthesise(model.parameters_of(audio, f0_hz), f0_hz, noise)
            made: torch.Tensor = plain.multi_scale_loss(voices.sum(1), audio)
            return made

    optimiser = torch.optim.Adam(model.parameters(), 1e-5)
    seconds = []
    for step in range(steps + 1):
        began = time.perf_counter()
        optimiser.zero_grad()
        loss(step).backward()
        optimiser.step()
        seconds.append(time.perf_counter() - began)
    return {
        "median_seconds": statistics.median(seconds[1:]),
        "fastest_seconds": min(seconds[1:]),
        "slowest_seconds": max(seconds[1:]),
        "peak_gigabytes": peak_gigabytes(),
    }


def measure_separation(work: Separation) -> dict[str, float]:
    """Seconds to separate four voices through the engine, file to stems in memory."""
    from stemless.engine import separate_audio
    from stemless.voices.methods import around_network
    from stemless.voices.model import VoicesModel
    from stemless.voices.tracks import PitchTracks

    torch.set_num_threads(1)
    torch.manual_seed(0)
    audio = 0.1 * torch.randn(work.channels, SEPARATED_SECONDS * work.sample_rate)
    frames = int(SEPARATED_SECONDS / 0.016) + 1
    f0_hz = np.array([440.0, 330.0, 220.0, 110.0])[:, None] * np.ones(frames)
    tracks = PitchTracks.regular(f0_hz, 0.016, ["soprano", "alto", "tenor", "bass"])
    separator = around_network(work.method, VoicesModel(), power=2.0, device="cpu", seed=0)
    taken = []
    for _ in range(work.repeats + 1):
        began = time.perf_counter()
        separate_audio(audio, work.sample_rate, separator, tracks)
        taken.append(time.perf_counter() - began)
    return {
        "median_seconds_per_second": statistics.median(taken[1:]) / SEPARATED_SECONDS,
        "peak_gigabytes": peak_gigabytes(),
    }


def in_own_process(*arguments: str) -> dict[str, float]:
    """Run one measurement of this script in a fresh process."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        subprocess.run([sys.executable, __file__, *arguments, "--to", file.name], check=True)
        measured: dict[str, float] = json.loads(Path(file.name).read_text(encoding="utf-8"))
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", choices=("fast", "plain", *SEPARATIONS), help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    parser.add_argument(
        "--steps", type=int, default=9, help="counted steps of the fast form (the plain one: 2)"
    )
    arguments = parser.parse_args()
    if arguments.measure:
        if arguments.measure in SEPARATIONS:
            measured = measure_separation(SEPARATIONS[arguments.measure])
        else:
            measured = measure_step(arguments.measure, arguments.steps)
        arguments.to.write_text(json.dumps(measured), encoding="utf-8")
        return
    fast = in_own_process("--measure", "fast", "--steps", str(arguments.steps))
    plain = in_own_process("--measure", "plain", "--steps", "2")
    result = {
        "command": "python benchmarks/voices_speed.py",
        "threads": 1,
        "step": {"fast": fast, "plain": plain, "ratio": plain["median_seconds"] / fast["median_seconds"]},
        "separation": {name: in_own_process("--measure", name) for name in SEPARATIONS},
    }
    write_json(RESULT, result, indent=1)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
