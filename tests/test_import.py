from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stemless

IMPORT = """
import sys, time
start = time.perf_counter()
import stemless
seconds = time.perf_counter() - start
heavy = sorted({"torch", "numpy", "soundfile", "scipy", "typer", "rich"} & set(sys.modules))
print(seconds, *heavy)
"""


def test_the_import_is_light_and_fast() -> None:
    best = 9.0
    for _ in range(3):  # the machine may be busy once, not thrice
        seconds, *heavy = subprocess.run(
            [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
        ).stdout.split()
        assert heavy == []
        best = min(best, float(seconds))
    assert best < 0.5


def test_every_public_name_is_there() -> None:
    for name in stemless.__all__:
        assert getattr(stemless, name) is not None
        assert name in dir(stemless)
    with pytest.raises(AttributeError, match="no attribute 'seperate'"):
        stemless.seperate  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert stemless.__version__ == project["project"]["version"]
