"""What the benchmark of speed makes of its measurements, and the networks that it times."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import query_speed
from cost_tables import query_speed_section
from query_speed import FIRST_STEM, IMPORT, LIMITS, MANY_MASKS, MANY_STEMS, MEMORY, SPEED, lines, timed
from stemless.query.compact_unet import CompactConfig, CompactUNet
from untrained import settle

TINY = CompactConfig(
    n_fft=62, hop_length=16, bands=16, channels=(4, 4, 8), shared_channels=(4, 4), prompt_channels=(2, 4),
    output_channels=3, heads=2, text_width=6, text_dimension=5,
)  # fmt: skip


def costs(one: float, eight: float, parameters: int = 1000) -> dict[str, object]:
    return {
        "masks": {"parameters": parameters, "1": {"seconds": one / 2}, "8": {"seconds": eight / 2}},
        "separation": {"1": {"seconds": one}, "8": {"seconds": eight}},
        "command": {"1": {"peak_memory_mb": 512.4}, "8": {"peak_memory_mb": 600.0}},
    }


def result() -> dict[str, object]:
    start = {"import stemless": {"seconds": 0.125}, "ten seconds": {"seconds": 2.5}}
    return {"default": costs(0.01, 0.025), "paper": costs(0.4, 2.0, 87_697_666), "start": start}


def test_lines_have_limits_and_are_taken_from_their_measurements() -> None:
    found = lines(result())
    assert found == pytest.approx(
        {SPEED: 0.01, MANY_MASKS: 2.5, MANY_STEMS: 2.5, MEMORY: 512.4, IMPORT: 0.125, FIRST_STEM: 2.5}
    )
    assert found.keys() == LIMITS.keys()


def test_the_table_shows_both_networks_and_every_limit(tmp_path: Path) -> None:
    whole = result() | {"command": "python x", "threads": 2, "load_before": [0.25], "seconds_of_audio": 60}
    whole["lines"] = {
        name: {"value": value, "limit": LIMITS[name]} for name, value in lines(result()).items()
    }
    path = tmp_path / "query_speed.json"
    path.write_text(json.dumps(whole))
    section = query_speed_section(path)
    assert "| default | 1,000 | 0.0050 | 0.0125 | 0.0100 | 0.0250 | 512 |" in section
    assert "| the paper's | 87,697,666 | 0.2000 | 1.0000 | 0.4000 | 2.0000 | 512 |" in section
    for name, limit in LIMITS.items():
        assert any(name in line and f" {limit:g} |" in line for line in section.splitlines())


def test_works_are_timed_in_turn_after_one_warm_up() -> None:
    calls: list[str] = []

    def work(name: str) -> None:
        calls.append(name)
        sum(range(20000))

    found = timed({"one": lambda: work("one"), "other": lambda: work("other")}, 3)
    assert calls == ["one", "other"] * 4
    for measured in found.values():
        assert 0 < measured["fastest_seconds"] <= measured["seconds"] <= measured["slowest_seconds"]


def from_a_fresh_process(code: str) -> str:
    """What a process prints that imports the benchmark alone: children inherit how large this one is."""
    path = str(Path(query_speed.__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); import query_speed; {code}"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def test_a_process_is_measured_by_itself() -> None:
    large = "bytearray(b'x') * 120_000_000"
    code = f"print(*(query_speed.whole_process(c)['peak_memory_mb'] for c in ('pass', {large!r})))"
    without, beside = map(float, from_a_fresh_process(code).split())
    assert beside - without == pytest.approx(120, abs=15)
    with pytest.raises(subprocess.CalledProcessError):
        query_speed.whole_process("raise SystemExit(3)")


def test_nothing_heavy_is_imported_by_the_process_that_starts_the_others() -> None:
    assert from_a_fresh_process("print({'torch', 'numpy', 'stemless'} & set(sys.modules))") == "set()"


def test_numbers_in_an_untrained_network_neither_grow_nor_vanish() -> None:
    torch.manual_seed(0)
    network = CompactUNet(TINY)
    settle(network)
    assert not network.training and all(
        norm.momentum == 0.1 for norm in network.modules() if isinstance(norm, torch.nn.BatchNorm2d)
    )
    seen: list[float] = []
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_hook(
                lambda _module, _input, output: seen.append(output.detach().std().item())
            )
    tokens, vector = torch.randn(1, 1, 3, 6), torch.nn.functional.normalize(torch.randn(1, 1, 5), dim=-1)
    network(torch.rand(1, 32, 40) * 3, tokens, torch.ones(1, 1, 3, dtype=torch.bool), vector)
    assert seen and min(seen) > 0.2 and max(seen) < 5
