"""Cost in docs/results.md: what benchmarks/voices_speed.py and benchmarks/long_file.py have measured.

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
        ["four voices, `--method network`", "seconds a second of audio", "peak memory, GB"],
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
    for name, make in (("voices_speed", speed_section), ("long_file", long_file_section)):
        path = RESULTS / f"{name}.json"
        if path.exists():
            update_section(page, name.replace("_", "-"), make(path))


if __name__ == "__main__":
    main()
