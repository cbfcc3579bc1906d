"""A recording with its tracks, and the command line run in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import SECONDS, Outcome, Run, write_song
from stemless.cli.main import main


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The exit code and what reached the terminal, libraries in C included."""
    monkeypatch.delenv("STEMLESS_DEBUG", raising=False)

    def run_main(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_main


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder whose name has blanks and accents, with song.wav and f0.csv."""
    folder = tmp_path / "Niño Dios, été 1"
    folder.mkdir()
    write_song(folder / "song.wav")
    rows = "".join(f"{frame / 100:.2f},330,220\n" for frame in range(int(100 * SECONDS)))
    (folder / "f0.csv").write_text("time,alto,bass\n" + rows, encoding="utf-8")
    return folder
