from __future__ import annotations

import io
import json
import sys

import pytest

from stemless.cli import console
from stemless.cli.console import Printer, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time the console sees; tests move it."""
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_errors_are_one_line_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\n  two\r\nthree")
    assert capsys.readouterr().err == "stemless: one two three\n"


def test_results_go_to_stdout_and_all_else_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"name": "Niño", "values": [1.5]}
    for printer, stdout, stderr in (
        (Printer(), "scores\nfiles\n", "stemless: note\nstemless: warning: careful\n"),
        (Printer(quiet=True), "scores\n", "stemless: warning: careful\n"),
    ):
        printer.note("note")
        printer.warn("careful")
        printer.result("scores", document)
        printer.done("files", document)
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == (stdout, stderr)
    Printer(as_json=True, quiet=True).done("text", document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert "Niño" in out


def test_a_bar_appears_on_a_terminal_for_long_work_only(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step_seconds, appears in ((0.01, False), (0.5, True)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with Printer().progress("separating") as on_progress:
            assert on_progress is not None
            for step in range(1, 11):
                clock[0] += step_seconds
                on_progress(step, 10)
        assert ("separating" in terminal.getvalue()) is appears


def test_logs_get_a_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Printer().progress("fitting") as on_progress:
        assert on_progress is not None
        for step in range(1, 11):
            clock[0] += 12
            on_progress(step, 10)
    assert capsys.readouterr().err.splitlines() == [
        "stemless: fitting: 30 %, 1:24 left",
        "stemless: fitting: 60 %, 0:48 left",
        "stemless: fitting: 90 %, 0:12 left",
    ]


def test_what_an_earlier_run_has_done_does_not_count(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Printer().progress("training") as on_progress:
        assert on_progress is not None
        for step in range(51, 56):
            clock[0] += 12
            on_progress(step, 100)
    assert capsys.readouterr().err == "stemless: training: 53 %, 9:24 left\n"


def test_work_of_unknown_length_shows_life_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for printer, stream, appears in (
        (Printer(), Terminal(), True),
        (Printer(quiet=True), Terminal(), False),
        (Printer(), io.StringIO(), False),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        with printer.working("scoring"):
            pass
        assert ("scoring" in stream.getvalue()) is appears


def test_quiet_work_reports_nothing() -> None:
    with Printer(quiet=True).progress("separating") as on_progress:
        assert on_progress is None
