from __future__ import annotations

import pytest

from stemless.errors import UsageError
from stemless.naming import unique_slugs
from stemless.query.prompts import LONGEST_PROMPT, Prompts


def test_names_and_phrases() -> None:
    both = Prompts.of(["A dog barking", "rain"], without=["wind"])
    assert both.names == ("A dog barking", "rain")
    assert both.phrases == ("A dog barking", "rain", "wind")
    alone = Prompts.of((), "wind")
    assert (alone.names, alone.phrases) == (("without wind",), ("wind",))
    assert Prompts.of("rain").names == ("rain",)


def test_a_cut_knows_where_it_is() -> None:
    prompts = Prompts.of("rain")
    assert prompts.cut(2.0, 5.0).cut(0.5, 1.0) == Prompts(("rain",), (), 2.5)


@pytest.mark.parametrize(
    ("prompt", "kept", "slug"),
    [
        ("../../x", "../../x", "x"),
        ("/etc/passwd", "/etc/passwd", "etc-passwd"),
        ("a dog\nbarking", "a dog barking", "a-dog-barking"),
        ("rain\0\x1b[31m", "rain [31m", "rain-31m"),
        ("🐶 dog", "🐶 dog", "dog"),
        ("雨", "雨", "雨"),
        ("con", "con", "con-source"),
        ("x" * LONGEST_PROMPT, "x" * LONGEST_PROMPT, "x" * 120),
    ],
)
def test_strange_words_have_safe_names(prompt: str, kept: str, slug: str) -> None:
    names = Prompts.of([prompt]).names
    assert names == (kept,)
    assert unique_slugs(names) == [slug]


@pytest.mark.parametrize(
    ("wanted", "unwanted", "message"),
    [
        ([], [], "there is no prompt"),
        ([""], [], "a prompt is empty"),
        ([" \n\t"], [], "a prompt is empty"),
        (["rain", ""], [], "a prompt is empty"),
        (["🐶🐶"], [], "'🐶🐶' holds no words"),
        (["../.."], [], "holds no words"),
        (["x" * 10_000], [], "has 10000 characters, more than 200"),
        (["a\udcff"], [], "bytes that are no text"),
        ([3], [], "type int"),
        (["rain", "Rain. "], [], "'Rain.' is asked for twice"),
        ([], ["rain", "rain"], "'rain' is asked for twice"),
        (["rain"], ["RAIN"], "both asked for and asked away"),
        ([f"sound {number}" for number in range(65)], [], "65 prompts are more than the 64"),
    ],
)
def test_what_cannot_be_asked(wanted: list[str], unwanted: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        Prompts.of(wanted, unwanted)
    assert len(str(error.value)) < 200 and "\n" not in str(error.value)
