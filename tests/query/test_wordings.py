"""The wordings of labels: well formed, and of every sound that the system is to know."""

import csv
import os
from pathlib import Path

import pytest

from stemless.query.recordings import normalised_phrase
from stemless.query.wordings import all_wordings, wordings_of


def test_every_label_has_other_wordings_that_differ() -> None:
    assert len(all_wordings()) > 1000
    for label, wordings in all_wordings().items():
        assert 4 <= len(wordings) <= 40, label
        assert len({normalised_phrase(wording) for wording in wordings}) == len(wordings), label
        for wording in wordings:
            assert wording == " ".join(wording.split()) and any(letter.isalpha() for letter in wording), label


def test_a_wording_belongs_to_one_label() -> None:
    owners: dict[str, str] = {}
    for label, wordings in all_wordings().items():
        for wording in wordings:
            assert owners.setdefault(normalised_phrase(wording), label) == label, wording


def test_the_label_comes_first_and_letter_case_does_not_matter() -> None:
    assert wordings_of("Sea  Waves.")[0] == "Sea  Waves."
    assert wordings_of("Sea  Waves.")[1:] == wordings_of("sea waves")[1:]
    assert "ocean waves" in wordings_of("sea waves")


@pytest.mark.parametrize("folder", ["pool", "foreign"])
def test_every_label_of_the_recordings_has_wordings(folder: str) -> None:
    data = os.environ.get("STEMLESS_DATA")
    if not data or not (Path(data) / folder / "manifest.csv").is_file():
        pytest.skip(f"needs the recordings: set STEMLESS_DATA to the folder that holds {folder}/")
    with (Path(data) / folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        labels = {normalised_phrase(row["label"]) for row in csv.DictReader(file)}
    assert labels <= set(all_wordings())
