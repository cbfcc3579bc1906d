from __future__ import annotations

import io
import json
import sys

import pytest

from stemless.cli import console
from stemless.cli.console import Voice, say


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
    for voice, stdout, stderr in (
        (Voice(), "text\n", "stemless: note\nstemless: warning: careful\n"),
        (Voice(quiet=True), "", "stemless: warning: careful\n"),
    ):
        voice.note("note")
        voice.warn("careful")
        voice.result("text", document)
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == (stdout, stderr)
    Voice(as_json=True, quiet=True).result("text", document)
    out = capsys.readouterr().out
    assert json.loads(out) == document
    assert "Niño" in out


def test_a_bar_appears_on_a_terminal_for_long_work_only(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    for step_seconds, appears in ((0.01, False), (0.5, True)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with Voice().progress("separating") as on_progress:
            assert on_progress is not None
            for step in range(1, 11):
                clock[0] += step_seconds
                on_progress(step, 10)
        assert ("separating" in terminal.getvalue()) is appears


def test_logs_get_a_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with Voice().progress("fitting") as on_progress:
        assert on_progress is not None
        for step in range(1, 11):
            clock[0] += 12
            on_progress(step, 10)
    assert capsys.readouterr().err.splitlines() == [
        "stemless: fitting: 30 %, 1:24 left",
        "stemless: fitting: 60 %, 0:48 left",
        "stemless: fitting: 90 %, 0:12 left",
    ]


def test_quiet_work_reports_nothing() -> None:
    with Voice(quiet=True).progress("separating") as on_progress:
        assert on_progress is None
