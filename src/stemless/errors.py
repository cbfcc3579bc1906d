"""The errors a user can cause, each with its fix in the message."""

from __future__ import annotations


class StemlessError(Exception):
    """The work could not be done; the message is one line: which file, what is wrong, what to do.

    The command line prints it as it is and exits with code 1.
    """


class UsageError(StemlessError):
    """The call itself is wrong (an unknown name, an impossible option); exit code 2."""


class AudioError(StemlessError):
    """An audio file cannot be read or written."""


class TrackError(StemlessError):
    """An f0 track cannot be used: wrong columns, times, range or length."""


class ScoreError(StemlessError):
    """A score cannot be read, or does not go with the recording."""


class CheckpointError(StemlessError):
    """A model cannot be found or does not fit the code."""


class MissingExtraError(StemlessError):
    """An optional dependency is not installed; the message names the extra."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: run  pip install 'stemless[{extra}]'")
