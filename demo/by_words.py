"""A scene taken apart by words: someone speaks over an instrument, and a dog barks.

The sounds are in demo/assets, dry and mono; here they are put into one room and mixed, so that what went in
is known.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from showing import STEMLESS, run, score_table, shown
from stemless import audio, checkpoint
from stemless.data.room import Room, half_circle, place_voices
from stemless.encoding import write
from stemless.evaluation.scores import evaluate_folders
from stemless.naming import slug
from stemless.pictures import prompts_picture
from stemless.query.model import KIND

ASSETS = Path(__file__).resolve().parent / "assets"
ROOM = Room(size_m=(7.0, 5.0, 3.0), rt60_seconds=0.3, microphone_m=(3.5, 1.5, 1.6))
PEAK = 0.7


@dataclass(frozen=True)
class Source:
    """A sound of the scene: what it is asked for by, its file, and its level against the others."""

    prompt: str
    asset: str
    level_db: float = 0.0


SCENE = (
    Source("a woman speaking", "woman-speaking"),
    Source("a cello", "cello"),
    Source("a dog barking", "dog-barking", -2.0),
)


def show(out: Path, console: Console, model: str | None = None) -> None:
    """Mix the scene into `out`, separate it, print the scores and draw a picture.

    Args:
        model: a separator in place of the one that ships.
    """
    prompts = [source.prompt for source in SCENE]
    if model is None and not any(entry.config.get("kind") == KIND for entry in checkpoint.shipped()):
        console.print(
            "[bold]By words[/bold]: left out, since no separator for words ships with this version "
            "(with one of yours: DEMO_OPTIONS='--model FOLDER')\n"
        )
        return
    mix(out)
    console.print(f"[bold]By words[/bold]: {', '.join(prompts)}, in one room\n")
    start = time.perf_counter()
    asked = [part for prompt in prompts for part in ("--prompt", prompt)]
    chosen = [] if model is None else ["--model", model]
    run("separate", shown(out / "mixture.wav"), *asked, *chosen, "-o", shown(out))
    taken = time.perf_counter() - start

    separated = out / "mixture"
    report = json.loads((separated / "report.json").read_text(encoding="utf-8"))
    draw(out, report["stems"])
    scores = evaluate_folders(out / "parts", separated)
    presence = [f"{stem['presence']:.2f}" for stem in report["stems"]]
    console.print()
    names = {slug(prompt): prompt for prompt in prompts}
    console.print(score_table(names, {"separated": scores}, {"presence": presence}))
    console.print(f"\nIn {taken:.0f} s, loading included.")
    place = shown(separated)
    console.print(f"Listen and look: {place}: stems, residual, report.json, picture.png", soft_wrap=True)
    console.print("With a recording of your own:\n")
    command = f"{shown(STEMLESS)} separate street.wav --prompt 'a dog barking' --prompt rain -o stems"
    console.print(f"    [bold]{command}[/bold]\n", highlight=False, soft_wrap=True)


def mix(out: Path) -> None:
    """Write mixture.wav, and in parts/ what each source is of it."""
    parts = out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    dry, sample_rate = read_assets()
    places = half_circle(len(SCENE), ROOM, 1.2)
    placed = place_voices(dry, ROOM, places, sample_rate, np.random.default_rng(0))
    placed = placed * (PEAK / max(float(placed.sum(0).abs().max()), float(placed.abs().max())))
    for source, part in zip(SCENE, placed, strict=True):
        write(parts / f"{slug(source.prompt)}.wav", part, sample_rate, subtype="PCM_16", overwrite=True)
    write(out / "mixture.wav", placed.sum(0), sample_rate, subtype="PCM_16", overwrite=True)


def read_assets() -> tuple[Tensor, int]:
    """The sources at their levels, root mean square over all of their time: [sources, time], and the rate."""
    sounds, rates = zip(*(audio.read(ASSETS / f"{source.asset}.ogg") for source in SCENE), strict=True)
    levelled = [
        sound[0] / sound.square().mean().sqrt() * 10 ** (source.level_db / 20)
        for source, sound in zip(SCENE, sounds, strict=True)
    ]
    return torch.stack(levelled), rates[0]


def draw(out: Path, stems: list[dict[str, object]]) -> None:
    """The picture: the mixture, and each stem beside what went in."""
    separated = out / "mixture"
    mixture, sample_rate = audio.read(out / "mixture.wav")
    prompts_picture(
        mixture,
        sample_rate,
        {str(stem["name"]): audio.read(separated / str(stem["file"]))[0] for stem in stems},
        {str(stem["name"]): stem["activity"] for stem in stems},  # type: ignore[misc]
        separated / "picture.png",
        references={
            source.prompt: audio.read(out / "parts" / f"{slug(source.prompt)}.wav")[0] for source in SCENE
        },
        overwrite=True,
    )
