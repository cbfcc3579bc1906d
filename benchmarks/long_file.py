"""An hour of stereo through `stemless voices`: memory, time, length and sum.

    python benchmarks/long_file.py [--minutes 60]

Writes a self-made four-voice recording and its pitch into a temporary folder (about 4 GB with the stems),
separates it in a process of its own, checks the files, and writes benchmarks/results/long_file.json.
Ends with an error if the memory, the length or the sum is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from writing import write_json

RESULT = Path(__file__).parent / "results" / "long_file.json"
SAMPLE_RATE = 44100
PEAK_LIMIT_MB = 1000
F0_STEP_SECONDS = 0.01
NOTE_SECONDS = 0.6
VOICES = {"soprano": 523.3, "alto": 349.2, "tenor": 261.6, "bass": 130.8}
PAN = {"soprano": 0.3, "alto": 0.45, "tenor": 0.55, "bass": 0.7}
SCALE = np.array([0, 2, 4, 5, 7])


def f0_of(voice: int, base_hz: float, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Notes of a wandering melody with vibrato, and a rest now and then; Hz, 0 where the voice rests."""
    note = (seconds / NOTE_SECONDS + voice / 4).astype(np.int64)
    degree = (note * (voice + 2) * 7 + note // 5) % len(SCALE)
    vibrato = 0.3 * np.sin(2 * np.pi * (5.1 + 0.2 * voice) * seconds)
    rests = note % 11 == voice
    return np.where(rests, 0.0, base_hz * 2 ** ((SCALE[degree] + vibrato) / 12))


def write_recording(path: Path, minutes: float) -> int:
    """Write the choir second by second; return its frames."""
    partials = np.arange(1, 13)[:, None]
    cycle = np.arange(8192) / 8192
    wave = (np.sin(2 * np.pi * partials * cycle) / partials**1.2).sum(0)
    phase = np.zeros(len(VOICES))
    generator = np.random.default_rng(0)
    total = round(minutes * 60 * SAMPLE_RATE)
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, "PCM_16") as file:
        for start in range(0, total, SAMPLE_RATE):
            count = min(SAMPLE_RATE, total - start)
            seconds = (start + np.arange(count)) / SAMPLE_RATE
            block = 0.002 * generator.standard_normal((count, 2))
            for i, (name, base_hz) in enumerate(VOICES.items()):
                f0_hz = f0_of(i, base_hz, seconds)
                turns = phase[i] + np.cumsum(f0_hz) / SAMPLE_RATE
                phase[i] = turns[-1] % 1
                tone = 0.07 * wave[(turns % 1 * 8192).astype(np.int64)] * (f0_hz > 0)
                block += tone[:, None] * np.array([1 - PAN[name], PAN[name]])
            file.write(block)
    return total


def write_f0(path: Path, minutes: float) -> None:
    seconds = np.arange(0, minutes * 60, F0_STEP_SECONDS)
    tracks = [f0_of(i, base_hz, seconds) for i, base_hz in enumerate(VOICES.values())]
    np.savetxt(
        path,
        np.stack((seconds, *tracks), axis=1),
        fmt=["%.3f"] + ["%.2f"] * len(VOICES),
        delimiter=",",
        header=",".join(["time", *VOICES]),
        comments="",
    )


def largest_error_steps(recording: Path, parts: list[Path]) -> int:
    """Largest difference between the recording and the sum of its parts, in steps of 16 bits."""
    worst = 0
    files = [soundfile.SoundFile(part) for part in parts]
    with soundfile.SoundFile(recording) as mixture:
        while len(block := mixture.read(1 << 18, dtype="int16")):
            total = sum(file.read(len(block), dtype="int16").astype(np.int64) for file in files)
            worst = max(worst, int(np.abs(total - block).max()))
    for file in files:
        file.close()
    return worst


def measure(minutes: float, folder: Path) -> dict[str, object]:
    """Make, separate and check; what goes into the results."""
    frames = write_recording(folder / "choir.wav", minutes)
    write_f0(folder / "f0.csv", minutes)
    arguments = ["voices", "choir.wav", "--f0", "f0.csv", "--method", "comb", "-o", "out", "--json"]
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", "from stemless.cli.main import main; main()", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    stems = [folder / "out" / "choir" / stem["file"] for stem in report["stems"]]
    parts = [*stems, folder / "out" / "choir" / report["residual"]]
    headers = [soundfile.info(part) for part in parts]
    return {
        "command": " ".join(["stemless", *arguments]),
        "input": f"{minutes:g} minutes, stereo, {SAMPLE_RATE} Hz, 16 bits, {len(VOICES)} voices",
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        # Linux counts in KiB, macOS in bytes.
        "peak_memory_mb": round(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6, 1),
        "peak_memory_limit_mb": PEAK_LIMIT_MB,
        "exact_length": all(
            (header.frames, header.samplerate, header.channels) == (frames, SAMPLE_RATE, 2)
            for header in headers
        ),
        "largest_error_of_the_sum_in_steps_of_16_bits": largest_error_steps(folder / "choir.wav", parts),
        "presence": {stem["name"]: stem["presence"] for stem in report["stems"]},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the recording")
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        result = measure(minutes, Path(folder))
    print(json.dumps(result, indent=2))
    if minutes >= 60:
        write_json(RESULT, result, indent=2)
    else:
        print(f"{minutes:g} minutes are a trial: {RESULT.name} is left as it was")
    within = float(str(result["peak_memory_mb"])) < PEAK_LIMIT_MB
    if not (
        within and result["exact_length"] and result["largest_error_of_the_sum_in_steps_of_16_bits"] == 0
    ):
        sys.exit("the memory, the length or the sum is not what it should be")


if __name__ == "__main__":
    main()
