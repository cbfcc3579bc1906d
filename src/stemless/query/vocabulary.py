"""The vocabulary of the text tower: the pieces of words that its teacher's vocabulary is pruned to.

WordPiece as in BERT: a word is cut into the longest pieces that the vocabulary holds, from its beginning; a
piece inside a word is written with ## before it. Every letter and digit stays as a piece by itself, so any
word of English can still be spelled.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL = (PADDING, UNKNOWN, START, END)
INSIDE = "##"
CHARACTERS = string.ascii_lowercase + string.digits + string.punctuation


def make_tokenizer(pieces: Sequence[str], positions: int) -> Tokenizer:
    """A tokenizer that lowers the case, drops accents, cuts into pieces and marks beginning and end.

    Args:
        pieces: the vocabulary; holds the special pieces.
        positions: longest phrase in pieces, marks included; the rest is cut off.

    >>> tokenizer = make_tokenizer([*SPECIAL, "dog", "bark", "##ing"], 5)
    >>> tokenizer.encode("Dog barking, dog").tokens
    ['[CLS]', 'dog', 'bark', '##ing', '[SEP]']
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    numbers = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(numbers, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(mark, numbers[mark]) for mark in (START, END)]
    )
    tokenizer.enable_truncation(positions)
    return tokenizer


def count_pieces(pieces: Sequence[str], texts: Iterable[str]) -> Counter[str]:
    """How often each piece occurs in texts, cut by the whole vocabulary `pieces`."""
    tokenizer = make_tokenizer(pieces, 512)
    counts: Counter[str] = Counter()
    for encoded in tokenizer.encode_batch(list(texts)):
        counts.update(encoded.tokens)
    return counts


def prune(pieces: Sequence[str], counts: Mapping[str, float], size: int) -> list[int]:
    """The numbers of the pieces to keep, in their order: marks, characters, then the most frequent.

    Args:
        pieces: the whole vocabulary; padding is its first.
        counts: weight of each piece; pieces without weight are only kept as characters.
        size: most pieces to keep.

    >>> whole = [*SPECIAL, "a", "b", "dog", "cat", "##s"]
    >>> [whole[number] for number in prune(whole, {"cat": 2, "##s": 5, "dog": 1}, 8)]
    ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'b', 'cat', '##s']
    """
    always = {*SPECIAL, *CHARACTERS, *(INSIDE + character for character in CHARACTERS)}
    first = [number for number, piece in enumerate(pieces) if piece in always]
    kept = set(first)
    by_weight = sorted(
        (number for number, piece in enumerate(pieces) if counts.get(piece, 0) > 0 and number not in kept),
        key=lambda number: (-counts[pieces[number]], number),
    )
    return sorted(kept.union(by_weight[: max(0, size - len(first))]))
