from __future__ import annotations

import json

import pytest

from command_line import Run

CAPTION = "A man and woman talk and a dog barks, followed by silence"


def test_one_phrase_a_line(run: Run) -> None:
    outcome = run("phrases", CAPTION)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout == "man talking\nwoman talking\ndog barking\n"
    assert run("phrases", CAPTION, "--limit", 2).stdout == "man talking\nwoman talking\n"


def test_json(run: Run) -> None:
    found = json.loads(run("phrases", "Grésillement", "--json").stdout)
    assert found == {"caption": "Grésillement", "phrases": ["grésillement"]}
    assert json.loads(run("phrases", "Silence", "--json").stdout) == {"caption": "Silence", "phrases": []}


def test_a_caption_of_silence_gives_a_note_and_no_line(run: Run) -> None:
    outcome = run("phrases", "Silence")
    assert (outcome.code, outcome.stdout) == (0, "")
    assert outcome.lines == ["stemless: the caption names no source of sound"]
    assert run("phrases", "Silence", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([""], "holds no words"),
        (["🐶\n🐶"], "holds no words"),
        (["a dog", "--limit", "0"], "--limit"),
        (["a dog", "--parser", "stanza"], "--parser"),
        ([], "CAPTION"),
        (["a dog", "a cat"], "a cat"),
    ],
)
def test_wrong_usage_gets_one_line(run: Run, arguments: list[str], message: str) -> None:
    outcome = run("phrases", *arguments)
    assert (outcome.code, len(outcome.lines)) == (2, 1), outcome
    assert outcome.stdout == ""
    assert message in outcome.stderr


def test_odd_captions_come_out_safely(run: Run) -> None:
    assert run("phrases", "../../x").stdout == "x\n"
    assert run("phrases", "a dog\nbarks").stdout == "dog barking\n"
    assert run("phrases", "a dog barks and " * 625).stdout == "dog barking\n"
