from pathlib import Path

import pytest
from tiny_sentences import write_wordnet

from stemless.errors import StemlessError
from stemless.query.wordnet import WordNet


def test_lines_as_princeton_writes_them(tmp_path: Path) -> None:
    (tmp_path / "data.noun").write_text(
        "  1 This software is under a licence  \n"
        "02084071 05 n 03 dog 0 domestic_dog 0 Canis_familiaris 0 002 @ 02083346 n 0000 ~ 01322604 n 0000 | "
        'a member of the genus; occurs in many breeds; "the dog barked all night"  \n'
        "01322604 05 n 01 puppy 0 001 @ 02084071 n 0000 | a young dog  \n"
    )
    (tmp_path / "index.noun").write_text("  1 notice\ndog n 1 2 @ ~ 1 1 02084071  \n")
    wordnet = WordNet(tmp_path, "noun")
    dog = wordnet.synsets[2084071]
    assert dog.names == ("dog", "domestic dog", "Canis familiaris")
    assert dog.texts == ["a member of the genus; occurs in many breeds", "the dog barked all night"]
    assert wordnet.kinds_of("dog.1") == ["dog", "domestic dog", "puppy"]


def test_senses_are_told_apart(tmp_path: Path) -> None:
    write_wordnet(tmp_path)
    wordnet = WordNet(tmp_path, "noun")
    assert wordnet.kinds_of("mammal.1") == ["mammal", "old mammal", "rare mammal"]
    texts = [wordnet.synsets[offset].texts[0] for offset in sorted(wordnet.synsets)]
    assert "sense 3 of amphibian" in texts


@pytest.mark.parametrize("content", [None, "no such line\n", "00000001 05 n 0z dog 0 000 | x\n"])
def test_what_is_no_wordnet_is_told(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "data.noun").write_text(content)
        (tmp_path / "index.noun").write_text("")
    with pytest.raises(StemlessError, match="install"):
        WordNet(tmp_path, "noun")
