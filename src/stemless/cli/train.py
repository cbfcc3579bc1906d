"""`stemless train`: learn from mixtures, recordings or texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from stemless.cli.console import Printer
from stemless.cli.options import Json, Quiet

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="YAML file with the settings.")]
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 (typer reads it at run time)
    typer.Argument(metavar="[KEY=VALUE ...]", help="Settings in place of those of the file."),
]

app = typer.Typer(help="Train a model.", rich_markup_mode=None)


@app.callback()
def _train() -> None:
    """Train a model."""


@app.command("voices")
def voices(config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Train a voices model on a corpus of mixtures with tracks; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.voices.training import TrainingConfig, train

    settings = load_configuration(TrainingConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("training") as on_progress:
        folder = train(settings, on_progress=on_progress)
    say.done(
        f"{folder}\ntry it with  stemless voices IN --f0 CSV --model {folder} -o DIR", {"model": str(folder)}
    )


@app.command("text")
def text(config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Distil the small text tower from a sentence model; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.query.text_distillation import DistillationConfig, train

    settings = load_configuration(DistillationConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("distilling") as on_progress:
        folder = train(settings, on_progress=on_progress)
    say.done(str(folder), {"model": str(folder)})


@app.command("wordings")
def wordings(
    config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Teach a text tower more of what people call sounds; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.query.text_refinement import RefinementConfig, refine

    settings = load_configuration(RefinementConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("learning wordings") as on_progress:
        folder = refine(settings, on_progress=on_progress)
    say.done(str(folder), {"model": str(folder)})


@app.command("query")
def query(config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Train a query separator on recordings with captions; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.memory import keep_freed_memory
    from stemless.query.training import TrainingConfig, train

    settings = load_configuration(TrainingConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    keep_freed_memory()
    with say.progress("training") as on_progress:
        folder = train(settings, on_progress=on_progress, report=say.warn)
    say.done(
        f"{folder}\ntry it with  stemless separate IN --prompt TEXT --model {folder} -o DIR",
        {"model": str(folder)},
    )


@app.command("embedding")
def embedding(
    config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Train the joint embedding's audio tower towards text; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.query.embedding_training import EmbeddingConfig, train

    settings = load_configuration(EmbeddingConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("training") as on_progress:
        folder = train(settings, on_progress=on_progress)
    say.done(str(folder), {"model": str(folder)})


@app.command("presence")
def presence(
    config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False
) -> None:
    """Calibrate how a query separator tells whether a sound is there; the model is rewritten."""
    from stemless.configuration import load_configuration
    from stemless.query.presence_training import PresenceTraining, train

    settings = load_configuration(PresenceTraining, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("calibrating") as on_progress:
        found = train(settings, on_progress=on_progress, report=say.warn)
    say.done(
        f"{settings.model}: what is there scores above what is not in {100 * found['auc']:.1f} % of pairs",
        {"model": settings.model} | found,
    )


@app.command("pitch")
def pitch(config: Config, overrides: Overrides = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Train what tells the pitch of several voices; run again, it goes on where it stopped."""
    from stemless.configuration import load_configuration
    from stemless.voices.pitch_training import PitchTrainingConfig, train

    settings = load_configuration(PitchTrainingConfig, config, overrides or ())
    say = Printer(as_json, quiet)
    with say.progress("training") as on_progress:
        folder = train(settings, on_progress=on_progress)
    say.done(str(folder), {"model": str(folder)})
