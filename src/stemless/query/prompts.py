"""What is asked of a recording in words: sounds that are wanted, and sounds that are to go."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from stemless.errors import UsageError
from stemless.query.recordings import normalised_phrase

LONGEST_PROMPT = 200
MOST_PROMPTS = 64
EXAMPLE = "name a sound, as in 'a dog barking'"


@dataclass(frozen=True)
class Prompts:
    """A condition of the engine; made by `of`, which checks the words.

    Without anything wanted there is one stem: the recording without what is to go. Else there is one for
    each wanted sound, and what is to go ends in the residual, with all that nobody asked for.

    Attributes:
        wanted: a stem each.
        unwanted: sounds that take their share of the mixture and are in no stem.
        start_seconds: where in the recording this condition begins.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ()
    start_seconds: float = 0.0

    @classmethod
    def of(cls, prompts: str | Sequence[str], without: str | Sequence[str] = ()) -> Prompts:
        """Prompts as people give them, space tidied.

        Raises:
            UsageError: there is none, or one that holds no words, is too long, or is there twice.

        >>> Prompts.of(["a dog  barking", "rain"], without="wind").phrases
        ('a dog barking', 'rain', 'wind')
        """
        wanted, unwanted = (
            tuple(tidy(each) for each in ((asked,) if isinstance(asked, str) else asked))
            for asked in (prompts, without)
        )
        if not wanted and not unwanted:
            raise UsageError(f"there is no prompt: {EXAMPLE}")
        if len(wanted) + len(unwanted) > MOST_PROMPTS:
            raise UsageError(
                f"{len(wanted) + len(unwanted)} prompts are more than the {MOST_PROMPTS} of one call: "
                "ask for some now and for the others later"
            )
        kept = {normalised_phrase(phrase) for phrase in wanted}
        for phrase in unwanted:
            if normalised_phrase(phrase) in kept:
                raise UsageError(f"'{phrase}' is both asked for and asked away: leave one of them out")
        for group in (wanted, unwanted):
            seen: set[str] = set()
            for phrase in group:
                if normalised_phrase(phrase) in seen:
                    raise UsageError(f"'{phrase}' is asked for twice: leave one of them out")
                seen.add(normalised_phrase(phrase))
        return cls(wanted, unwanted)

    @property
    def names(self) -> tuple[str, ...]:
        """One a stem.

        >>> Prompts.of([], without=["rain", "wind"]).names
        ('without rain and wind',)
        """
        return self.wanted or (f"without {' and '.join(self.unwanted)}",)

    @property
    def phrases(self) -> tuple[str, ...]:
        """All that the network is asked, the wanted ones first."""
        return self.wanted + self.unwanted

    def cut(self, start_seconds: float, end_seconds: float) -> Prompts:
        """The same words from there on."""
        return dataclasses.replace(self, start_seconds=self.start_seconds + start_seconds)


def tidy(prompt: str) -> str:
    """A prompt in one line with single spaces.

    Raises:
        UsageError: nothing to ask for is left of it, or it is no prompt but a text.

    >>> tidy(" a dog\\n barking ")
    'a dog barking'
    """
    if not isinstance(prompt, str):
        raise UsageError(f"a prompt of type {type(prompt).__name__} is none: {EXAMPLE}")
    if any("\ud800" <= letter <= "\udfff" for letter in prompt):
        raise UsageError(f"the prompt {prompt[:40]!a} holds bytes that are no text: write it in UTF-8")
    plain = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in prompt)
    words = " ".join(plain.split())
    if not words:
        raise UsageError(f"a prompt is empty: {EXAMPLE}")
    if len(words) > LONGEST_PROMPT:
        raise UsageError(
            f"the prompt '{words[:40]}...' has {len(words)} characters, more than {LONGEST_PROMPT}: "
            "name one sound in a few words"
        )
    if not any(letter.isalnum() for letter in words):
        raise UsageError(f"the prompt '{words[:40]}' holds no words: {EXAMPLE}")
    return words
