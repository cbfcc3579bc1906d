"""What is nobody's mistake: faults, full disks, Ctrl-C, signals, closed pipes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from command_line import RATE, Run, snapshot, usual


def test_a_fault_of_the_program_asks_for_a_report(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("one\ntwo")

    monkeypatch.setattr("stemless.voices.network_separator.NetworkSeparator.masks", broken)
    before = snapshot(place)
    outcome = run("voices", *usual(place))
    assert outcome.code == 1
    assert outcome.lines == [
        "stemless: unexpected ZeroDivisionError: one two; please rerun with STEMLESS_DEBUG=1 and report the "
        "traceback"
    ]
    assert snapshot(place) == before
    monkeypatch.setenv("STEMLESS_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run("voices", *usual(place))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError(), "out of memory"),
    ],
)
def test_faults_of_the_machine(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("stemless.voices.network_separator.NetworkSeparator.masks", broken)
    before = snapshot(place)
    outcome = run("voices", *usual(place))
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert message in outcome.stderr
    assert snapshot(place) == before


def test_ctrl_c_leaves_nothing(run: Run, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("stemless.voices.network_separator.NetworkSeparator.masks", interrupted)
    before = snapshot(place)
    outcome = run("voices", *usual(place))
    assert outcome.code == 130
    assert outcome.lines == ["stemless: interrupted; nothing was left half-written"]
    assert snapshot(place) == before


def stemless(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "stemless.cli.main", *map(str, arguments)]


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_leaves_nothing(place: Path, name: signal.Signals) -> None:
    seconds = 400
    soundfile.write(place / "long.wav", np.zeros(seconds * RATE, np.int16), RATE)
    (place / "f0.csv").write_text(f"time,alto,bass\n0,330,220\n{seconds},330,220\n")
    before = snapshot(place)
    process = subprocess.Popen(
        stemless("voices", *usual(place, song="long.wav")), stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list((place / "out").glob(".*.partial/*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.01)
    process.send_signal(name)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.splitlines() == ["stemless: interrupted; nothing was left half-written"]
    assert snapshot(place) == before


def test_the_process_itself(place: Path) -> None:
    """What main() returns is what the shell sees; nothing is printed around it."""
    (place / "text.wav").write_text("la la la")
    done = subprocess.run(stemless("voices", *usual(place, song="text.wav")), capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""
    assert not (place / "out").exists()


def test_a_terminal_without_accents(place: Path) -> None:
    done = subprocess.run(
        stemless("voices", *usual(place)),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert rb"Ni\xf1o Dios" in done.stdout
    assert (place / "out" / "song" / "alto.wav").exists()


@pytest.mark.skipif(shutil.which("true") is None, reason="needs the program true")
def test_a_closed_pipe_is_no_error_of_ours(place: Path) -> None:
    command = " ".join(f"'{word}'" for word in stemless("doctor"))
    done = subprocess.run(f"{command} | true", shell=True, capture_output=True, text=True)
    assert done.stderr == ""
