import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stemless.naming import MAX_BYTES, slug, unique_slugs


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Soprano", "soprano"),
        ("a dog barking", "a-dog-barking"),
        ("Ténor", "ténor"),
        ("Te\u0301nor", "ténor"),
        ("女声", "女声"),
        ("a/b\\c:d", "a-b-c-d"),
        ("..", "source"),
        ("", "source"),
        ("NUL", "nul-source"),
        ("-x-", "x"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


@given(st.text())
def test_any_name_gives_a_plain_file_name(name: str) -> None:
    result = slug(name)
    assert result and len(result.encode()) <= MAX_BYTES + len("-source")
    assert Path(result).name == result and os.sep not in result and not result.startswith((".", "-"))


@given(st.lists(st.text(max_size=3), max_size=8))
def test_slugs_never_meet(names: list[str]) -> None:
    slugs = unique_slugs(names, taken=("residual",))
    assert len({word.casefold() for word in slugs} | {"residual"}) == len(names) + 1


def test_long_names_stay_apart() -> None:
    first, second = unique_slugs(["é" * 500, "é" * 500])
    assert first != second and len(first.encode()) <= MAX_BYTES
