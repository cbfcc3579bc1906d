"""The command `stemless`: commands, exit codes, and errors in one line.

0: done. 1: could not be done. 2: wrong usage. 130: interrupted. With STEMLESS_DEBUG=1 errors come with their
traceback.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer

from stemless import __version__
from stemless.cli import data, doctor, evaluate, models, phrases, pitch, separate, train, voices
from stemless.cli.console import say
from stemless.errors import StemlessError, UsageError

DEBUG_VARIABLE = "STEMLESS_DEBUG"

app = typer.Typer(
    name="stemless",
    help="Source separation that learns without stems.",
    epilog="Exit codes: 0 done, 1 could not do it, 2 wrong usage.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("separate")(separate.separate)
app.command("voices")(voices.voices)
app.command("pitch")(pitch.pitch)
app.command("evaluate")(evaluate.evaluate)
app.command("phrases")(phrases.phrases)
app.add_typer(train.app, name="train")
app.add_typer(data.app, name="data")
app.command("models")(models.models)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def _stemless(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"stemless {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a letter of a file name must not end the run.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with _stoppable(), _spoken_warnings():
            command = typer.main.get_command(app)
            # Not command.main(): it prints errors and interrupts in its own way.
            with command.make_context("stemless", list(arguments)) as context:
                command.invoke(context)
            sys.stdout.flush()
        return 0
    except typer.Exit as leave:
        return leave.exit_code
    except KeyboardInterrupt:
        say("interrupted; nothing was left half-written")
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough; keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _tell(error)


def _tell(error: Exception) -> int:
    """Print the error in one line; return the exit code."""
    if isinstance(error, StemlessError):
        say(error)
        return 2 if isinstance(error, UsageError) else 1
    if hasattr(error, "format_message"):  # a usage error of click, whichever copy of it typer brings
        path = getattr(getattr(error, "ctx", None), "command_path", "stemless")
        say(f"{error.format_message().rstrip('. ')}; see  {path} --help")
        return 2
    if isinstance(error, MemoryError):
        say("out of memory; close other programs, or separate the recording in parts")
    elif isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        say(f"{where}{error.strerror}")
    else:
        say(
            f"unexpected {type(error).__name__}: {str(error)[:200]}; "
            f"please rerun with {DEBUG_VARIABLE}=1 and report the traceback"
        )
    return 1


@contextmanager
def _spoken_warnings() -> Iterator[None]:
    """Warnings of this package as lines on stderr; those of libraries only when debugging."""

    said: set[str] = set()

    def speak(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        ours = category.__module__.startswith("stemless") or os.environ.get(DEBUG_VARIABLE)
        if ours and str(message) not in said:
            said.add(str(message))
            say(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = speak
        yield


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does, so that what is half-written is removed."""

    def stop(signal_number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


if __name__ == "__main__":
    sys.exit(main())
