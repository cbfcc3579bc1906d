"""What separating by prompts costs: the table "Separating by prompts" in docs/results.md.

    python benchmarks/query_speed.py [--model MODEL]

The default network and the paper's (87,681,250 parameters, untrained) do the same work in one run, each
measurement in a process of its own, with two threads:

- masks: the network alone, from the spectrum of a clip of 8.192 s to the masks of its bins;
- separation: all of it, from stereo at 44.1 kHz in memory to stems in memory, presence included;
- command: `stemless separate` from file to files as a whole process, with its peak of memory; and how long a
  process takes that imports the package, or that separates ten seconds and ends.

Without --model the separator that ships is measured, or an untrained one where none does: time does not
depend on what was learned. Ends with an error where a limit is not kept. On a machine that does other things
besides, only the processor seconds mean something: the load before the run stands in the result.

Nothing but the standard library is imported out here: a process inherits the peak of memory of the one that
starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from writing import write_json

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "benchmarks" / "results" / "query_speed.json"
THREADS = 2
RATE, CHANNELS = 44100, 2
CLIP_SECONDS = 8.192
FILE_SECONDS, SHORT_SECONDS = 60, 10
REPEATS = 9
PROMPTS = (
    "a dog barking",
    "rain",
    "a man speaking",
    "a violin",
    "church bells",
    "a car engine",
    "footsteps",
    "birds singing",
)
MANY = len(PROMPTS)
COMMAND = "import sys; from stemless.cli.main import main; sys.exit(main())"

SPEED = "separation, one prompt: seconds a second of audio"
MANY_MASKS = "masks, eight prompts: times the cost of one"
MANY_STEMS = "separation, eight prompts: times the cost of one"
MEMORY = "command, 60 s of stereo, one prompt: peak of memory, MB"
IMPORT = "import stemless: seconds"
FIRST_STEM = "command, 10 s of stereo: seconds from start to end"
LIMITS = {
    SPEED: 0.015,
    MANY_MASKS: 3.0,
    MANY_STEMS: 3.0,
    MEMORY: 700.0,
    IMPORT: 0.5,
    FIRST_STEM: 4.0,
}


def timed(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, dict[str, float]]:
    """Seconds of some works, in turn, after one time to warm up; those of the processor count all threads.

    In turn, so that a machine that is slow for a while is slow for all of them.
    """
    spans: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            began, spent = time.perf_counter(), time.process_time()
            work()
            if turn:
                spans[name].append((time.perf_counter() - began, time.process_time() - spent))
    found = {}
    for name, both in spans.items():
        wall, processor = zip(*both, strict=True)
        found[name] = {
            "seconds": statistics.median(wall),
            "fastest_seconds": min(wall),
            "slowest_seconds": max(wall),
            "cpu_seconds": statistics.median(processor),
        }
    return found


def measure_masks(model: str, repeats: int, seconds: float) -> dict[str, Any]:
    """The network alone on a clip, for one prompt and for many."""
    import torch

    from stemless.query.model import load_separator
    from stemless.query.separator import QuerySeparator
    from stemless.spectrum import stft

    stored = load_separator(model)
    separator = QuerySeparator(stored)
    torch.manual_seed(0)
    noise = 0.1 * torch.randn(1, round(min(seconds, CLIP_SECONDS) * separator.sample_rate))
    magnitude = stft(noise, separator.grid).abs()
    texts = {str(count): separator.embedding.embed_text(PROMPTS[:count]) for count in (1, MANY)}
    works = {name: partial(separator.network_masks, magnitude, text) for name, text in texts.items()}
    with torch.inference_mode():
        spans = timed(works, repeats)
    seconds = noise.shape[1] / separator.sample_rate
    return {
        "parameters": sum(each.numel() for each in stored.network.parameters()),
        **{name: per_second(span, seconds) for name, span in spans.items()},
    }


def measure_separation(model: str, repeats: int, seconds: float) -> dict[str, Any]:
    """Audio to stems in memory, for one prompt and for many."""
    import torch

    from stemless.query.separation import load_prompt_separator

    separator = load_prompt_separator(model, device="cpu")
    torch.manual_seed(0)
    audio = 0.1 * torch.randn(CHANNELS, round(seconds * RATE))
    works = {str(count): partial(separator.separate, audio, PROMPTS[:count], RATE) for count in (1, MANY)}
    return {name: per_second(span, seconds) for name, span in timed(works, repeats).items()}


def write_noise(path: str, repeats: int, seconds: float) -> dict[str, Any]:
    """A recording on the disk; `repeats` is of no use here."""
    import numpy as np
    import soundfile

    random = np.random.default_rng(0)
    noise = 0.1 * random.standard_normal((round(seconds * RATE), CHANNELS))
    soundfile.write(path, noise, RATE, subtype="PCM_16")
    return {}


def write_model(path: str, repeats: int, seconds: float) -> dict[str, Any]:
    """An untrained separator; the last part of the path says which network."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from untrained import write_untrained

    write_untrained(Path(path).parent, Path(path).name, " ".join(PROMPTS).split())
    return {}


INSIDE: Mapping[str, Callable[[str, int, float], dict[str, Any]]] = {
    "masks": measure_masks,
    "separation": measure_separation,
    "noise": write_noise,
    "model": write_model,
}


def per_second(measured: dict[str, float], seconds: float) -> dict[str, float]:
    """Times of so many seconds of audio as times of one."""
    return {name: value / seconds for name, value in measured.items()}


def in_own_process(work: str, path: str | Path, repeats: int = 1, seconds: float = 0.0) -> dict[str, Any]:
    """One of `INSIDE` in a fresh process."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        options = ["--inside", work, "--model", str(path), "--repeats", str(repeats)]
        options += ["--seconds", str(seconds), "--to", file.name]
        subprocess.run([sys.executable, __file__, *options], check=True, env=environment())
        measured: dict[str, Any] = json.loads(Path(file.name).read_text(encoding="utf-8"))
    return measured


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": str(THREADS)}


def whole_process(code: str, *arguments: str, repeats: int = 1) -> dict[str, float]:
    """Python started anew, to its end: seconds, processor seconds and peak of memory, medians."""
    rows = []
    for _ in range(repeats):
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], env=environment())
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, arguments)
        # Linux counts in KiB, macOS in bytes.
        memory = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
        rows.append((time.perf_counter() - began, used.ru_utime + used.ru_stime, memory))
    seconds, processor, peaks = (statistics.median(column) for column in zip(*rows, strict=True))
    return {"seconds": seconds, "cpu_seconds": processor, "peak_memory_mb": peaks}


def command(model: str, recording: Path, prompts: int, repeats: int = 1) -> dict[str, float]:
    """`stemless separate` on a file."""
    with tempfile.TemporaryDirectory() as output:
        asked = [part for prompt in PROMPTS[:prompts] for part in ("--prompt", prompt)]
        options = ["--model", model, "--device", "cpu", "-o", output, "--overwrite", "--quiet"]
        return whole_process(COMMAND, "separate", str(recording), *asked, *options, repeats=repeats)


def measure(model: str | None, repeats: int, seconds: float) -> dict[str, Any]:
    """Everything, with whole files of `seconds` and separations in memory of half of that."""
    load = [round(value, 2) for value in os.getloadavg()]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        long, short = folder / "long.wav", folder / "short.wav"
        in_own_process("noise", long, seconds=seconds)
        in_own_process("noise", short, seconds=min(seconds, SHORT_SECONDS))
        for name in ("compact", "unet") if model is None else ("unet",):
            in_own_process("model", folder / name)
        models = {"default": model or str(folder / "compact"), "paper": str(folder / "unet")}
        result: dict[str, Any] = {
            "model": model or "untrained",
            "threads": THREADS,
            "processors": os.cpu_count(),
            "load_before": load,
            "seconds_of_audio": seconds,
        }
        for name, path in models.items():
            often = repeats if name == "default" else max(1, repeats // 5)
            result[name] = {
                "masks": in_own_process("masks", path, often, seconds),
                "separation": in_own_process("separation", path, often, seconds / 2),
                "command": {
                    str(count): command(path, long, count) for count in (1, MANY if name == "default" else 1)
                },
            }
        result["start"] = {
            "python": whole_process("pass", repeats=repeats),
            "import stemless": whole_process("import stemless", repeats=repeats),
            "ten seconds": command(models["default"], short, 1, repeats),
        }
    return result


def lines(result: Mapping[str, Any]) -> dict[str, float]:
    """What `LIMITS` is about."""
    masks, separation = result["default"]["masks"], result["default"]["separation"]
    return {
        SPEED: separation["1"]["seconds"],
        MANY_MASKS: masks[str(MANY)]["seconds"] / masks["1"]["seconds"],
        MANY_STEMS: separation[str(MANY)]["seconds"] / separation["1"]["seconds"],
        MEMORY: result["default"]["command"]["1"]["peak_memory_mb"],
        IMPORT: result["start"]["import stemless"]["seconds"],
        FIRST_STEM: result["start"]["ten seconds"]["seconds"],
    }


def shipped() -> str | None:
    """The name of the separator that ships, asked for in another process."""
    code = (
        "from stemless import checkpoint; from stemless.query.model import KIND;"
        "print(next((m.name for m in checkpoint.shipped() if m.config.get('kind') == KIND), ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip() or None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="a shipped name, a folder or hf://USER/MODEL")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of what takes little time")
    parser.add_argument("--seconds", type=float, default=FILE_SECONDS, help="of the recording")
    parser.add_argument("--inside", choices=INSIDE, help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        measured = INSIDE[options.inside](options.model, options.repeats, options.seconds)
        options.to.write_text(json.dumps(measured), encoding="utf-8")
        return
    model = options.model or shipped()
    asked = f" --model {options.model}" if options.model else ""
    asked += f" --repeats {options.repeats}" if options.repeats != REPEATS else ""
    result: dict[str, Any] = {"command": f"python benchmarks/query_speed.py{asked}"}
    result |= measure(model, options.repeats, options.seconds)
    found = lines(result)
    result["lines"] = {
        name: {"value": value, "limit": LIMITS[name], "kept": value <= LIMITS[name]}
        for name, value in found.items()
    }
    print(json.dumps(result, indent=1))
    if options.seconds >= FILE_SECONDS:
        write_json(RESULT, result, indent=1)
    else:
        print(f"{options.seconds:g} s are a trial: {RESULT.name} is left as it was")
    missed = [name for name, value in found.items() if value > LIMITS[name]]
    if missed:
        sys.exit(f"not kept: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
