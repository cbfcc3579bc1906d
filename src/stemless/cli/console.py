"""What the commands say, and where: results on stdout, all else on stderr.

`--json` leaves stdout to one JSON document; `--quiet` leaves warnings, errors, and what was asked for.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

SHOWN_AFTER_SECONDS = 0.5  # by then the whole duration can be told
SHORTEST_SHOWN_SECONDS = 2.0
LINE_EVERY_SECONDS = 30.0


class OnProgress(Protocol):
    def __call__(self, done: float, total: float, /) -> None: ...


def one_line(text: object) -> str:
    """The text without line breaks, as errors are printed."""
    return " ".join(part.strip() for part in str(text).splitlines() if part.strip())


def say(text: object) -> None:
    """One line on stderr, with the name of the program."""
    print(f"stemless: {one_line(text)}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Printer:
    """How loud a command is."""

    as_json: bool = False
    quiet: bool = False

    def note(self, text: str) -> None:
        """Something the user should know, on stderr."""
        if not self.quiet:
            say(text)

    def warn(self, text: str) -> None:
        """Something that may spoil the result, on stderr, --quiet or not."""
        say(f"warning: {text}")

    def result(self, text: str, document: Mapping[str, Any] | list[Any]) -> None:
        """What was asked for, on stdout: the document with --json, else the text."""
        if self.as_json:
            print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False), flush=True)
        else:
            print(text, flush=True)

    def done(self, text: str, document: Mapping[str, Any] | list[Any]) -> None:
        """What was done, on stdout; the files are the result, so --quiet needs no words."""
        if self.as_json or not self.quiet:
            self.result(text, document)

    @contextmanager
    def progress(self, label: str) -> Iterator[OnProgress | None]:
        """A function to report progress to, or None when nothing is to be shown.

        On a terminal a bar with the time left, for what takes longer than two seconds; elsewhere a line every
        half minute.
        """
        if self.quiet:
            yield None
        elif sys.stderr.isatty():
            with _Bar(label) as bar:
                yield bar
        else:
            yield _Lines(label)

    @contextmanager
    def working(self, label: str) -> Iterator[None]:
        """A sign of life on a terminal, for work that cannot tell how far it is."""
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status(label):
            yield


class _Bar:
    """A rich progress bar that appears once the work turns out to be long."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.start = time.monotonic()
        self.bar: Any = None

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def __call__(self, done: float, total: float) -> None:
        if self.bar is None and not takes_long(time.monotonic() - self.start, done, total):
            return
        if self.bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(elapsed_when_finished=True),
                console=Console(stderr=True),
                transient=True,
            )
            self.bar.start()
            # What an earlier run has done took no time of this one.
            self.task = self.bar.add_task(self.label, total=total, completed=done)
        self.bar.update(self.task, completed=done, total=total)


class _Lines:
    """Progress for logs: a line now and then."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.last = time.monotonic()
        self.first: tuple[float, float] | None = None

    def __call__(self, done: float, total: float) -> None:
        now = time.monotonic()
        # The time left goes by what was done since the first report: earlier runs may have done the rest.
        since, before = self.first = self.first or (now, done)
        if now - self.last < LINE_EVERY_SECONDS or done <= before or total <= 0:
            return
        self.last = now
        left = (now - since) * max(total - done, 0) / (done - before)
        say(f"{self.label}: {100 * done / total:.0f} %, {clock(left)} left")


def takes_long(elapsed_seconds: float, done: float, total: float) -> bool:
    """Whether the whole of the work will take longer than two seconds, as far as one can tell.

    >>> takes_long(0.1, 1, 100), takes_long(1.0, 10, 100), takes_long(1.0, 90, 100)
    (False, True, False)
    """
    if elapsed_seconds < SHOWN_AFTER_SECONDS or done <= 0:
        return elapsed_seconds >= SHORTEST_SHOWN_SECONDS
    return elapsed_seconds * total / done > SHORTEST_SHOWN_SECONDS


def clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock(75), clock(3725)
    ('1:15', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
