"""`stemless evaluate`: scores of separated stems against the true ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stemless.cli.console import Printer
from stemless.cli.options import Json, Quiet


def evaluate(
    references: Annotated[Path, typer.Argument(metavar="REFERENCES", help="Folder of the true stems.")],
    estimates: Annotated[Path, typer.Argument(metavar="ESTIMATES", help="Folder of the separated stems.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score separated stems: SI-SDR and its improvement, and SDR, SIR, SAR of BSS Eval v3, in dB.

    Files are paired by name. The improvement is measured from mixture.wav among the references, else from
    their sum. A missing or silent estimate counts as failed and is never left out.
    """
    from stemless.evaluation.scores import evaluate_folders

    say = Printer(as_json, quiet)
    with say.working("scoring"):
        table = evaluate_folders(references, estimates)
    say.result(table.to_text(), table.to_dict())
