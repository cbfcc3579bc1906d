from tiny_sentences import PIECES

from stemless.query.vocabulary import CHARACTERS, INSIDE, SPECIAL, count_pieces, make_tokenizer, prune


def test_pieces_are_counted_with_the_marks() -> None:
    counts = count_pieces(PIECES, ["dogs barking", "dog"])
    assert counts["dog"] == 2 and counts["##s"] == 1 and counts["##ing"] == 1 and counts["[CLS]"] == 2


def test_a_pruned_vocabulary_still_spells_every_word() -> None:
    kept = [PIECES[number] for number in prune(PIECES, {"dog": 3.0, "cat": 1.0}, 1)]
    assert "dog" not in kept
    assert set(kept) <= {*SPECIAL, *CHARACTERS, *(INSIDE + character for character in CHARACTERS)}
    tokens = make_tokenizer(kept, 20).encode("Dogs, 42").tokens
    assert tokens == ["[CLS]", "d", "##o", "##g", "##s", ",", "4", "##2", "[SEP]"]


def test_the_heaviest_pieces_stay_in_their_order() -> None:
    weights = {"loud": 1.0, "cat": 5.0, "dog": 2.0, "rain": 5.0}
    least = len(prune(PIECES, {}, 0))
    kept = [PIECES[number] for number in prune(PIECES, weights, least + 3)]
    assert [piece for piece in kept if piece in weights] == ["dog", "cat", "rain"]
    assert kept[0] == "[PAD]"
    assert len(prune(PIECES, weights, 10_000)) == least + 4  # what never occurs is not kept


def test_long_texts_end_with_the_mark() -> None:
    tokens = make_tokenizer(PIECES, 5).encode("dog " * 3000).tokens
    assert tokens == ["[CLS]", "dog", "dog", "dog", "[SEP]"]
