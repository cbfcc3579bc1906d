from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_bank import needs_fluidsynth, write_bank

from command_line import Run, snapshot
from stemless.data.instruments import sound_bank
from stemless.query.manifest import read_manifest


@needs_fluidsynth
def test_instruments_become_a_folder_with_a_manifest(run: Run, tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "tiny bank, é.sf2")
    arguments = ("data", "render", "-o", tmp_path / "r", "--bank", bank, "--count", 3, "--seconds", 1)
    outcome = run(*arguments)
    assert outcome.code == 0 and outcome.stderr == "", outcome
    assert "3 recordings of " in outcome.stdout
    assert len(read_manifest(tmp_path / "r" / "manifest.csv")) == 3
    document = json.loads(run(*arguments, "--json").stdout)
    assert document["manifest"] == str(tmp_path / "r" / "manifest.csv") and document["recordings"] == 3
    before = snapshot(tmp_path)
    outcome = run(*arguments, "--seed", 1)
    assert (outcome.code, len(outcome.lines)) == (2, 1) and "seed = 0, not 1" in outcome.stderr
    assert snapshot(tmp_path) == before


def test_singers_become_a_corpus(run: Run, tmp_path: Path) -> None:
    arguments = ("--count", 1, "--seconds", 0.5, "--voices", 2, "--stems", "--quiet")
    outcome = run("data", "choir", "-o", tmp_path / "c", *arguments)
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", ""), outcome
    assert (tmp_path / "c" / "manifest.csv").read_text().startswith("audio,f0,stems,split\n")
    assert len(list((tmp_path / "c" / "00000").glob("*.flac"))) == 3


def test_everyday_sounds_become_a_folder_with_a_manifest(run: Run, tmp_path: Path) -> None:
    outcome = run("data", "everyday", "-o", tmp_path / "e", "--count", 2, "--seconds", 1)
    assert outcome.code == 0, outcome
    assert f"{tmp_path / 'e' / 'manifest.csv'}: 2 recordings of 2 kinds of sound" in outcome.stdout
    assert len(read_manifest(tmp_path / "e" / "manifest.csv")) == 2


@needs_fluidsynth
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--bank", "none.sf2"], 2, "none.sf2: no such sound bank"),
        (["--bank", "FluidR3_GM.sf2"], 2, "apt install fluid-soundfont-gm"),
        (["--count", "0"], 2, "give 1 or more"),
        (["--seconds", "0.2"], 2, "1 to 120 seconds"),
        (["--workers", "0"], 2, "--workers"),
        (["--sample-rate", "44"], 2, "--sample-rate"),
    ],
)
def test_mistakes_get_one_line_and_no_folder(
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.setattr(sound_bank, "PLACES", ())
    bank = () if "--bank" in arguments else ("--bank", write_bank(tmp_path / "tiny.sf2"))
    outcome = run("data", "render", "-o", tmp_path / "r", *bank, *arguments)
    assert (outcome.code, len(outcome.lines)) == (code, 1), outcome
    assert message in outcome.stderr and outcome.stdout == ""
    assert not (tmp_path / "r").exists()


def test_without_the_program_its_package_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = run("data", "render", "-o", tmp_path / "r", "--bank", write_bank(tmp_path / "tiny.sf2"))
    assert (outcome.code, outcome.lines) == (
        1,
        ["stemless: fluidsynth is not installed: run  apt install fluidsynth"],
    )
