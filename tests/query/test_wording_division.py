import pytest

from stemless.query.wording_division import content_stems, unlike_wordings


@pytest.mark.parametrize(
    ("one", "other"),
    [("dogs", "a dog"), ("running", "runs"), ("hammered", "hammering"), ("the sound of chimes", "chime")],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert content_stems(one) == content_stems(other) != frozenset()


def test_words_that_say_nothing_have_no_stem() -> None:
    assert content_stems("The sound of something like that!") == frozenset()


def test_a_wording_with_a_word_of_its_label_is_no_question() -> None:
    called = [["cow mooing", "cows in a field", "cattle lowing", "a herd calls"], ["rain", "cows"]]
    assert unlike_wordings(called, 0.0) == [(0, "cattle lowing"), (0, "a herd calls"), (1, "cows")]


def test_words_shared_with_other_wordings_count_by_their_share() -> None:
    called = [["x", "old tin drum", "old brass gong", "old"]]
    assert [name for _, name in unlike_wordings(called, 0.3)] == []
    assert [name for _, name in unlike_wordings(called, 0.34)] == ["old tin drum", "old brass gong"]


def test_the_first_wordings_stay() -> None:
    called = [["x", "a b", "c d", "e f"], ["y", "g h"]]
    assert unlike_wordings(called, 0.3, 2) == [(0, "e f")]
    assert len(unlike_wordings(called, 0.3)) == 4
