from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from stemless.query.asking import TEMPLATES, Asking, AskingConfig


def test_words_come_as_often_as_they_shall() -> None:
    asking = Asking(AskingConfig(label=1, caption=2, wording=1), {"dog barking": ("puppy", "hound")})
    random = np.random.default_rng(0)
    counts = Counter(asking.words("Dog barking", random, "a dog barks") for _ in range(4000))
    assert set(counts) == {"Dog barking", "a dog barks", "puppy", "hound"}
    assert counts["a dog barks"] / 4000 == pytest.approx(0.5, abs=0.03)
    assert counts["puppy"] / 4000 == pytest.approx(0.125, abs=0.02)


def test_what_is_missing_is_not_drawn() -> None:
    random = np.random.default_rng(0)
    asking = Asking(AskingConfig(label=0, caption=1, wording=5), {"rain": ("drizzle",)})
    assert {asking.words("dog", random) for _ in range(20)} == {"dog"}
    assert {asking.words("dog", random, "a dog") for _ in range(20)} == {"a dog"}
    assert {asking.words("rain", random) for _ in range(20)} == {"drizzle"}


def test_sentences() -> None:
    random = np.random.default_rng(0)
    assert Asking().sentence("dog", random) == "dog"
    always = Asking(AskingConfig(template=1.0))
    assert {always.sentence("dog", random) for _ in range(200)} == {t.format("dog") for t in TEMPLATES}


@pytest.mark.parametrize("settings", [{"label": 0.0}, {"wording": -1.0}, {"template": 1.5}])
def test_impossible_settings(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        AskingConfig(**settings)
