"""From a caption to phrases, one for each source that it names.

A phrase is who or what sounds, then what it does in -ing form: "dog barking", "rain falling on roof",
"footsteps on gravel", "water being poured". It is written as labels are:

- lower case, without articles, numbers, possessives and adverbs;
- without what is true of the recording and not of the source: how loud, how often, how far away, where;
- with what changes the sound: adjectives of kind ("small dog"), objects, and what it strikes or runs into;
- several actions of one source stay one phrase ("engine strengthening and idling"), several sources that
  share an action do not ("man talking", "woman talking");
- a thing that hands make sound stands for itself ("guitar playing", "typing on keyboard");
- silence is no source; equal phrases are one.
"""

from __future__ import annotations

from typing import Literal

from stemless.errors import UsageError
from stemless.query.chunks import chunks
from stemless.query.lexicon import AUXILIARIES, DETERMINERS, PREPOSITIONS, PRONOUNS
from stemless.query.sources import sources_of

Parser = Literal["rules", "spacy"]
PARSERS = ("rules", "spacy")
LONGEST_PHRASE_WORDS = 16
MOST_READINGS = 8
STOP_WORDS = DETERMINERS | PREPOSITIONS | PRONOUNS | (AUXILIARIES - {"can"}) | {"and", "or"}


def phrases(caption: str, *, parser: Parser = "rules", limit: int | None = None) -> list[str]:
    """The single sources that a caption names, in its order, each once.

    Args:
        caption: English; other languages come back in pieces, as they are punctuated.
        parser: "rules" knows captions of sounds; "spacy" reads the grammar with spaCy's small English model.
        limit: at most so many phrases, the first ones; None for all.

    Returns:
        The phrases; none for a caption of silence.

    Raises:
        UsageError: the caption holds no words, or an option is impossible.
        MissingExtraError: spaCy or its model is not installed.

    >>> phrases("A man and woman talk and two dogs bark in the distance, followed by silence")
    ['man talking', 'woman talking', 'dogs barking']
    """
    if parser not in PARSERS:
        raise UsageError(f"no parser is called {parser!r}; choose one of {', '.join(PARSERS)}")
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} phrases leaves nothing; give 1 or more")
    if not any(character.isalnum() for character in caption):
        raise UsageError(
            f"the caption {caption[:40]!r} holds no words; describe the sounds, as in 'a dog barking'"
        )
    found = _settled(_from_spacy(caption) if parser == "spacy" else _from_rules(caption))
    return found[:limit]


def _from_rules(caption: str) -> list[str]:
    return sources_of(chunks(caption))


def _from_spacy(caption: str) -> list[str]:
    from stemless.query.parsing import load_parser, sources_of_parse

    return sources_of_parse(load_parser()(" ".join(caption.split())))


def _settled(found: list[str]) -> list[str]:
    """Each phrase once, in the form that reading it again leaves as it is: one source, one name."""
    for _ in range(MOST_READINGS):
        before = found
        words = (text.split()[:LONGEST_PHRASE_WORDS] for text in found)
        kept = [" ".join(phrase) for phrase in words if not STOP_WORDS.issuperset(phrase)]
        found = list(dict.fromkeys(again for phrase in kept for again in _from_rules(phrase)))
        if found == before:
            break
    return found
