"""Cost in docs/results.md: what voices_speed.py, query_speed.py and long_file.py have measured.

python benchmarks/cost_tables.py
"""

from __future__ import annotations

import json
from pathlib import Path

from stemless.evaluation.tables import markdown_table, update_section

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def speed_section(path: Path) -> str:
    """A training step in its two forms and a separation."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    step = measured["step"]
    cells = [
        [
            form,
            f"{step[form]['median_seconds']:.2f}",
            f"{step[form]['fastest_seconds']:.2f} to {step[form]['slowest_seconds']:.2f}",
            f"{step[form]['peak_gigabytes']:.2f}",
        ]
        for form in ("fast", "plain")
    ]
    steps = markdown_table(["training step", "median, s", "range, s", "peak memory, GB"], cells)
    separation = markdown_table(
        ["four voices", "seconds a second of audio", "peak memory, GB"],
        [
            [name, f"{cost['median_seconds_per_second']:.3f}", f"{cost['peak_gigabytes']:.2f}"]
            for name, cost in measured["separation"].items()
        ],
    )
    return (
        f"A step is forward, backward and Adam at the paper's size: batch 4, 4 s, 4 voices; the plain form "
        f"loops over the samples of a frame, holds every partial of every sample and uses the library's "
        f"GRU, in float32. The fast form is {step['ratio']:.1f} times as fast.\n\n{steps}\n\n{separation}\n\n"
        f"Command: `{measured['command']}`, one thread, each measurement in a process of its own."
    )


def query_speed_section(path: Path) -> str:
    """Both networks that take prompts, doing the same work; then what has a limit."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    cells = []
    for name, label in (("default", "default"), ("paper", "the paper's")):
        costs = measured[name]
        cells.append(
            [
                label,
                f"{costs['masks']['parameters']:,}",
                *(
                    f"{costs[work][count]['seconds']:.4f}"
                    for work in ("masks", "separation")
                    for count in ("1", "8")
                ),
                f"{costs['command']['1']['peak_memory_mb']:.0f}",
            ]
        )
    header = ["network", "parameters", "masks, one prompt", "eight", "separation, one prompt", "eight"]
    header.append("peak memory of the command, MB")
    limits = [
        [name, f"{line['value']:.3g}", f"{line['limit']:g}"] for name, line in measured["lines"].items()
    ]
    return (
        f"Seconds a second of audio, both networks in one run with {measured['threads']} threads. Masks: the "
        f"network alone on 8 s. Separation: all of it, stereo at 44.1 kHz in memory to stems in memory, "
        f"presence included. Memory: of `stemless separate` on {measured['seconds_of_audio']:.0f} s of "
        f"stereo, one prompt.\n\n{markdown_table(header, cells)}\n\n"
        f"{markdown_table(['default separator', 'measured', 'at most'], limits)}\n\n"
        f"Command: `{measured['command']}`, each measurement in a process of its own; the load of the "
        f"machine before it was {measured['load_before'][0]:g}."
    )


def long_file_section(path: Path) -> str:
    """An hour of stereo."""
    measured = json.loads(path.read_text(encoding="utf-8"))
    error = measured["largest_error_of_the_sum_in_steps_of_16_bits"]
    table = markdown_table(
        ["input", "peak memory, MB", "CPU seconds", "length", "stems + residual - input"],
        [
            [
                measured["input"],
                f"{measured['peak_memory_mb']:.0f}",
                f"{measured['cpu_seconds']:.0f}",
                "exact" if measured["exact_length"] else "wrong",
                f"{error} steps of 16 bits",
            ]
        ],
    )
    return f"{table}\n\nCommand: `python benchmarks/long_file.py`, which runs `{measured['command']}`."


def main() -> None:
    page = ROOT / "docs" / "results.md"
    sections = {
        "voices_speed": speed_section,
        "query_speed": query_speed_section,
        "long_file": long_file_section,
    }
    for name, make in sections.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            update_section(page, name.replace("_", "-"), make(path))


if __name__ == "__main__":
    main()
