"""The paraphrase test asks for what no one was told: its wordings are not those that training reads."""

import csv
import re
from pathlib import Path

from stemless.query.wording_division import content_stems
from stemless.query.wordings import all_wordings, wordings_of

PARAPHRASES = Path(__file__).resolve().parents[2] / "benchmarks" / "paraphrases.csv"
ARTICLES = {"a", "an", "the", "some", "someone", "somebody"}


def rows() -> list[dict[str, str]]:
    with PARAPHRASES.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def content(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.findall(r"[a-z]+", text.lower()) if word not in ARTICLES)


def test_there_are_sixty_pairs_among_a_hundred_labels() -> None:
    pairs = [row for row in rows() if row["paraphrase"]]
    labels = [row["label"] for row in rows()]
    assert len(pairs) == 60
    assert len(labels) == len(set(labels)) >= 100


def test_no_paraphrase_holds_a_word_of_its_label() -> None:
    for row in rows():
        assert not set(content(row["paraphrase"])) & set(content(row["label"])), row


def test_no_paraphrase_is_among_the_wordings_of_training() -> None:
    known = {content(wording) for label in all_wordings() for wording in wordings_of(label)}
    for row in rows():
        assert not row["paraphrase"] or content(row["paraphrase"]) not in known, row


def test_no_wording_of_training_is_a_paraphrase_in_another_order() -> None:
    asked = {row["paraphrase"]: content_stems(row["paraphrase"]) for row in rows() if row["paraphrase"]}
    for label, wordings in all_wordings().items():
        for wording in wordings:
            known = content_stems(wording)
            # A single word, such as "toad", is what the test may expect to be known.
            for paraphrase, stems in asked.items():
                shared = len(known & stems) / len(known | stems) if len(known) > 1 else 0.0
                assert shared < 0.5, (label, wording, paraphrase)


def test_every_label_has_wordings() -> None:
    assert {row["label"] for row in rows()} <= set(all_wordings())
