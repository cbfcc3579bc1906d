"""Freed memory that stays: seen from outside, in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import torch
from stemless.memory import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(20_000_000)
before = faults()
for _ in range(5):
    torch.ones(5_000_000)
print(faults() - before)
"""


def faults(how: str) -> int:
    ran = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, check=False)
    if ran.returncode == 3:
        pytest.skip("the C library has no such option")
    return int(ran.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc alone")
def test_large_blocks_are_not_asked_for_anew() -> None:
    # A page is 4 kB or, where the kernel likes it, 2 MB: 5 times 20 MB are 50 faults at least.
    assert faults("keep") < 20 < 50 <= faults("leave")
