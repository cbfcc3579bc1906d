"""English verb forms: from a word to its verb, and from a verb to its -ing form."""

from __future__ import annotations

import re
from functools import cache

from stemless.query.lexicon import BEGINNING, MAKING, OCCURRING, SINGULARS_IN_S, VERBS

# past, participle
IRREGULAR = {
    "beat": "beat beaten", "begin": "began begun", "blow": "blew blown", "break": "broke broken",
    "burst": "burst burst", "come": "came come", "cut": "cut cut", "dig": "dug dug", "drink": "drank drunk",
    "drive": "drove driven", "eat": "ate eaten", "fall": "fell fallen", "fly": "flew flown",
    "give": "gave given", "go": "went gone", "grind": "ground ground", "hear": "heard heard",
    "hit": "hit hit", "keep": "kept kept", "leave": "left left", "make": "made made", "read": "read read",
    "ride": "rode ridden", "ring": "rang rung", "rise": "rose risen", "run": "ran run", "say": "said said",
    "set": "set set", "shake": "shook shaken", "shoot": "shot shot", "shut": "shut shut", "sing": "sang sung",
    "sit": "sat sat", "speak": "spoke spoken", "spin": "spun spun", "spit": "spat spat",
    "stand": "stood stood",
    "strike": "struck struck", "sweep": "swept swept", "swim": "swam swum", "swing": "swung swung",
    "tear": "tore torn", "tell": "told told", "throw": "threw thrown", "write": "wrote written",
    "lie": "lay lain", "swell": "swelled swollen", "saw": "sawed sawn", "sew": "sewed sewn",
}  # fmt: skip
# Two syllables or more, and stressed on the last: the consonant is doubled all the same.
DOUBLED = {"zigzag", "propel", "overlap", "unzip", "unwrap"}
VOWELS = "aeiou"


def gerund(base: str) -> str:
    """The -ing form of a verb.

    >>> [gerund(verb) for verb in ("bark", "strengthen", "idle", "run", "lie", "tap", "see", "whiz")]
    ['barking', 'strengthening', 'idling', 'running', 'lying', 'tapping', 'seeing', 'whizzing']
    """
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return base[:-1] + "ing"
    return _doubled(base) + "ing"


def _doubled(base: str) -> str:
    one_syllable = len(re.findall(r"[aeiouy]+", base.replace("qu", "q"))) == 1
    sound = base.replace("qu", "qw")
    closed = (
        len(sound) > 2 and sound[-1] not in "aeiouwxyh" and sound[-2] in VOWELS and sound[-3] not in VOWELS
    )
    return base + base[-1] if closed and (one_syllable or base in DOUBLED) else base


def third_person(base: str) -> str:
    """The form that goes with he, she and it.

    >>> third_person("cry"), third_person("crash"), third_person("whiz"), third_person("play")
    ('cries', 'crashes', 'whizzes', 'plays')
    """
    if base.endswith("y") and base[-2:-1] not in VOWELS:
        return base[:-1] + "ies"
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return _doubled(base) + "es" if base.endswith("z") else base + "es"
    return base + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2:-1] not in VOWELS:
        return base[:-1] + "ied"
    return _doubled(base) + "ed"


@cache
def _forms() -> dict[str, dict[str, str]]:
    """For each form "s", "ing", "past" and "participle": from the word to its verb."""
    forms: dict[str, dict[str, str]] = {"base": {}, "s": {}, "ing": {}, "past": {}, "participle": {}}
    for base in sorted(VERBS | BEGINNING | MAKING | OCCURRING):
        past, participle = IRREGULAR.get(base, f"{_past(base)} {_past(base)}").split()
        forms["base"][base] = base
        forms["s"][third_person(base)] = base
        forms["ing"][gerund(base)] = base
        forms["past"].setdefault(past, base)
        forms["participle"].setdefault(participle, base)
    return forms


def verb_of(word: str, form: str) -> str | None:
    """The known verb that this word is a form of ("base", "s", "ing", "past", "participle"), if any.

    >>> verb_of("idles", "s"), verb_of("spoken", "participle"), verb_of("table", "base")
    ('idle', 'speak', None)
    """
    return _forms()[form].get(word)


def base_of_unknown(word: str) -> str:
    """The likely verb of a third person that no list holds.

    >>> base_of_unknown("whumps"), base_of_unknown("mushes"), base_of_unknown("tries")
    ('whump', 'mush', 'try')
    """
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


def is_gerund(word: str) -> bool:
    """Whether the word is a verb in -ing, known or not.

    >>> is_gerund("barking"), is_gerund("galumphing"), is_gerund("string"), is_gerund("ceiling")
    (True, True, False, False)
    """
    if verb_of(word, "ing"):
        return True
    stem = word[:-3]
    return (
        word.endswith("ing")
        and word not in NOT_GERUNDS
        and len(stem) >= 3
        and any(letter in "aeiouy" for letter in stem)
        and not word.endswith("thing")
    )


# fmt: off
NOT_GERUNDS = frozenset({
    "building", "ceiling", "clothing", "darling", "duckling", "during", "evening", "fledgling", "gosling",
    "herring", "king", "lightning", "morning", "nestling", "plumbing", "pudding", "railing", "ring",
    "sibling", "sing", "spring", "string", "thing", "wedding", "wing",
})
# fmt: on


def is_plural(noun: str, plurals: frozenset[str]) -> bool:
    """Whether a noun asks for a verb without -s."""
    return noun in plurals or (
        noun.endswith("s") and not noun.endswith(("ss", "us", "is", "'s")) and noun not in SINGULARS_IN_S
    )
