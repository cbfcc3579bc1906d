from stemless.query.sound_phrases import SoundPhrases, asked
from stemless.query.sound_words import KINDS


def test_same_seed_same_phrases() -> None:
    first, again, other = (SoundPhrases({}, ["metal hit"], seed).many(200) for seed in (1, 1, 2))
    assert first == again != other
    assert len(set(first)) == 200


def test_rare_names_and_labels_are_used() -> None:
    found = SoundPhrases({"animal": ["okapi"]}, ["temple bell"], 0).many(2000)
    assert any("okapi" in phrase for phrase in found)
    assert sum("temple bell" in phrase for phrase in found) > 100


def test_few_words_make_few_phrases() -> None:
    assert len(SoundPhrases({}, [], 0).plain(50)) == 50
    assert len(SoundPhrases._different(lambda: "rain", 10)) == 1


def test_ways_to_ask() -> None:
    ways = asked("owl hooting")
    assert ways[0] == "owl hooting" and "the sound of an owl hooting" in ways
    assert len(set(ways)) == len(ways)


def test_words_are_names_in_small_letters() -> None:
    for kind in KINDS.values():
        for word in (*kind.nouns, *kind.verbs, *kind.handled, *kind.adjectives):
            assert word == word.lower().strip() and "-" not in word
        assert len(kind.nouns) == len(set(kind.nouns))
