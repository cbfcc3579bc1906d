"""Mistakes in the commands beside `voices`: one line, and nothing left behind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from command_line import Prepare, Run, snapshot


def config_of(text: str, *overrides: str) -> Prepare:
    def prepare(place: Path) -> Sequence[object]:
        (place / "choir.yaml").write_text(text, encoding="utf-8")
        return ["voices", place / "choir.yaml", *overrides]

    return prepare


BAD_TRAININGS: dict[str, tuple[Prepare, str, str]] = {
    "missing": (lambda place: ["voices", place / "none.yaml"], "none.yaml", "no such configuration file"),
    "binary": (lambda place: ["voices", place / "song.wav"], "song.wav", "cannot be read"),
    "not yaml": (config_of("corpus: ["), "choir.yaml", "line"),
    "unknown key": (
        config_of("corpus: a\noutput: b\nbatchsize: 3"),
        "choir.yaml",
        "unknown key 'batchsize', did you mean 'batch_size'?",
    ),
    "unknown override": (config_of("corpus: a\noutput: b", "step=3"), "choir.yaml", "did you mean 'steps'?"),
    "wrong type": (config_of("corpus: a\noutput: b\nsteps: many"), "choir.yaml", "'steps' must be a whole"),
    "wrong value": (config_of("corpus: a\noutput: b", "batch_size=0"), "choir.yaml", "batch_size"),
    "malformed override": (config_of("corpus: a\noutput: b", "steps"), "'steps'", "key=value"),
    "key missing": (config_of("steps: 3"), "choir.yaml", "'corpus' is missing"),
    "no command": (lambda place: [], "train", "Missing command"),
}


@pytest.mark.parametrize(("prepare", "named", "message"), BAD_TRAININGS.values(), ids=BAD_TRAININGS)
def test_bad_trainings(run: Run, place: Path, prepare: Prepare, named: str, message: str) -> None:
    pytest.importorskip("lightning")
    arguments = prepare(place)
    before = snapshot(place)
    outcome = run("train", *arguments)
    assert (outcome.code, len(outcome.lines)) == (2, 1), outcome
    assert named in outcome.stderr
    assert message in outcome.stderr
    assert snapshot(place) == before


@pytest.mark.parametrize(
    ("manifest", "named", "message"),
    [
        (None, "corpus.csv", "no such"),
        ("audio\nsong.wav\n", "corpus.csv", "'f0' is missing"),
        ("audio,f0\nsong.wav,none.csv\n", "none.csv", "no such f0 file"),
        ("audio,f0\nnone.wav,f0.csv\n", "none.wav", "no such file"),
        ("audio,f0\n", "corpus.csv", "no mixture to train on"),
    ],
)
def test_bad_corpora(run: Run, place: Path, manifest: str | None, named: str, message: str) -> None:
    pytest.importorskip("lightning")
    if manifest is not None:
        (place / "corpus.csv").write_text(manifest)
    (place / "choir.yaml").write_text(f"corpus: '{place / 'corpus.csv'}'\noutput: '{place / 'run'}'\n")
    before = snapshot(place)
    outcome = run("train", "voices", place / "choir.yaml")
    assert (outcome.code, len(outcome.lines)) == (1, 1), outcome
    assert named in outcome.stderr
    assert message in outcome.stderr
    assert snapshot(place) == before


def test_bad_evaluations(run: Run, place: Path) -> None:
    (place / "empty").mkdir()
    for arguments, code in (
        ((place / "none", place), 2),
        ((place / "empty", place), 1),
        ((place, place / "empty"), 1),
        ((place,), 2),
    ):
        outcome = run("evaluate", *arguments)
        assert (outcome.code, len(outcome.lines)) == (code, 1), outcome
        assert outcome.stdout == ""


def test_unknown_commands(run: Run) -> None:
    outcome = run("voces")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "voices" in outcome.stderr
