"""`stemless phrases`: the sources that a caption names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from stemless.cli.console import Printer
from stemless.cli.options import Json, Quiet


class Parser(StrEnum):
    rules = "rules"
    spacy = "spacy"


def phrases(
    caption: Annotated[str, typer.Argument(metavar="CAPTION", help="A sentence about what is heard.")],
    parser: Annotated[
        Parser, typer.Option("--parser", help="rules, or the grammar as spaCy reads it (extra 'phrases').")
    ] = Parser.rules,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many phrases.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Take a caption apart into phrases, one for each source of sound: what training asks for.

    Silence is no source; a caption that names none gives no line.
    """
    from stemless.query.phrases import phrases as phrases_of

    found = phrases_of(caption, parser=parser.value, limit=limit)
    say = Printer(as_json, quiet)
    if found or as_json:
        say.result("\n".join(found), {"caption": caption, "phrases": found})
    else:
        say.note("the caption names no source of sound")
