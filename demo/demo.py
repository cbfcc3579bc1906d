"""A choir taken apart by pitch, and a scene by words: `make demo`.

Makes both recordings, separates them with the command line that anyone would use, and scores the stems
against what went in. All of it ends up in demo/out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from rich.console import Console

import by_pitch
import by_words

OUT = Path(__file__).resolve().parent / "out"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make two recordings, separate them, score the stems.")
    parser.add_argument(
        "--fit-steps",
        type=int,
        default=0,
        metavar="N",
        help="also fit the network for voices to the choir, N steps of about two seconds",
    )
    parser.add_argument(
        "--model", metavar="FOLDER", help="a separator for words, in place of the shipped one"
    )
    options = parser.parse_args()
    console = Console()
    by_words.show(OUT / "scene", console, options.model)
    by_pitch.show(OUT / "choir", console, fit_steps=options.fit_steps)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # The command line has already said why.
        sys.exit(error.returncode)
