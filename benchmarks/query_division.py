"""Who hears which recording of the pool: the embedding, the separator, or neither until the test.

`STEMLESS_DATA/pool` holds recordings of everyday sounds and instruments. Each of its groups (all cuts of one
recording, all takes of one instrument or voice) goes to one side as a whole, by the hash of its name:

- recordings whose licence forbids commercial use, or binds what is made of them, are in no training;
- 60 labels are heard by neither training; all their recordings are for the test;
- ESC-10 and ESC-50: fold 1 and half of fold 2 train the embedding, the other half and most of fold 3 the
  separator; the rest of fold 3 is for the test. So all of fold 3 is new to the embedding, and its zero-shot
  test; the clips under other licences count there as well;
- of all else the embedding and the separator get 45 % each, the test the rest;
- what the separator would get under a label that nothing else has goes to the embedding instead: it learns
  names, and one recording teaches it one more, while the separator is not tested by that name;
- labels of which the pool says that they name no sound one would ask for ("lettuce", "rip", "fingers") teach
  the embedding alone, and only where they share no word with a label held back.

    STEMLESS_DATA=... STEMLESS_RUNS=... python benchmarks/query_division.py

writes the manifests into `STEMLESS_RUNS/query/data`: pool_embedding.csv, pool_validation.csv (to choose the
embedding's hyper-parameters, as pool_unheard.csv: recordings with names that nothing else has, and that are
neither held back nor in the test), pool_separator.csv (with validation rows of its own), pool_test.csv,
pool_heldback.csv (the part of it with the 60 labels), pool_fold3.csv; credits_embedding.md and
credits_separator.md, which the model cards carry; and foreign_validation.csv, the half of
`STEMLESS_DATA/foreign` that hyper-parameters of the separator are chosen by.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from foreign_data import validation_recordings
from stemless.data.everyday.catalogue import SOUNDS
from stemless.data.instruments.general_midi import INSTRUMENTS
from stemless.query.manifest import Recording, Split, divide, write_manifest

Role = Literal["embedding", "separator", "test"]
ROLES: Final[tuple[Role, ...]] = ("embedding", "separator", "test")

HELD_BACK: Final = 60
HELD_BACK_FAMILIES: Final = 8
SEED: Final = 1
TRAINING_SHARE: Final = 0.45
# Instruments are few, and what is tested with them is players that training never heard.
INSTRUMENT_TRAINING_SHARE: Final = 0.375
FOLD_2_SEPARATOR_SHARE: Final = 0.5
FOLD_3_TEST_SHARE: Final = 0.25
VALIDATION_SHARE: Final = 0.1
FIXED_ROLES: Final[Mapping[str, Role]] = {
    "ljspeech": "separator",
    "cmu_arctic": "embedding",
    "jfk": "embedding",
}
ESC_FOLDERS: Final = ("esc10", "esc50")

# Held back would mean nothing for what training hears under another name, or as a rendered instrument. So no
# label with one of these words is a candidate, nor one of these labels.
TWIN_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        angklung bass bell bird birds bowed cabasa campfire cello chime chimes choir clapping claps claves
        coins conga congas cowbell cymbal cymbals door drill drum engine fan fire flute footsteps guitar
        harmonics honking humming keys kick piano rain ringing river sax saxophone shaker speech strings
        ticking toilet trumpet tuba typing vinyl violin voice voices walking woodblocks
        """,
    )
)
TWIN_LABELS: Final = frozenset(
    [
        "acoustic guitar",
        "banjo",
        "bar crowd",
        "burp",
        "crowd of people",
        "finger snap",
        "forest birds",
        "frogs and crickets",
        "glockenspiel",
        "hand clap",
        "hi-hat",
        "marimba",
        "metal being hit",
        "opening a can",
        "running water",
        "stopwatch",
        "storm water",
        "train interior",
        "triangle",
        "water",
        "water tap",
        "whistle",
    ]
)

# Labels of what is synthesised or rendered.
MADE: Final = frozenset(SOUNDS) | {each.label for each in INSTRUMENTS}

LITTLE_WORDS: Final = frozenset(["a", "an", "and", "in", "of", "off", "on", "the", "to", "up", "with"])

_FORBIDDEN: Final = re.compile(r"\bNC\b|\bSA\b|NonCommercial|ShareAlike|Sampling", re.IGNORECASE)


@dataclass(frozen=True)
class Clip:
    """A row of the pool's manifest, as far as the division asks for it."""

    path: str
    label: str
    caption: str
    family: str
    licence: str
    group: str
    task: str
    seconds: float
    attribution: str
    asked_for: bool

    @property
    def folder(self) -> str:
        return self.path.split("/")[0]

    @property
    def fold(self) -> int | None:
        """1 to 3 for the clips of ESC-10 and ESC-50, in whose file names it stands."""
        if self.folder not in ESC_FOLDERS:
            return None
        return int(self.path.split("__")[1].split("-")[0])


def read_pool(folder: Path) -> list[Clip]:
    """The clips of the pool, in the order of its manifest."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return [
            Clip(
                **{
                    name: row[name]
                    for name in ("path", "label", "caption", "family", "licence", "group", "task")
                },
                seconds=float(row["seconds"]),
                attribution=row["attribution"],
                asked_for=row["query_ok"] == "1",
            )
            for row in csv.DictReader(file)
        ]


def may_ship(licence: str) -> bool:
    """Whether weights trained on a recording may be given away under Apache-2.0.

    Where a compilation has one licence and its clip another, the clip's counts.

    >>> may_ship("clip: CC BY; compilation: CC BY-NC 3.0"), may_ship("CC BY 3.0 (ESC-10); clip: CC-Sampling+")
    (True, False)
    """
    clip = re.search(r"clip: ([^;]*)", licence)
    return not _FORBIDDEN.search(clip[1] if clip else licence)


def share_of(name: str, seed: int = SEED) -> float:
    """Where a name falls between 0 and 1: as good as random, but the same for ever and for every order."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8]) / 2**64


def held_back_labels(clips: Sequence[Clip], count: int = HELD_BACK, seed: int = SEED) -> list[str]:
    """Labels that no training hears, drawn among `candidates`.

    Raises:
        ValueError: there are not enough, or of fewer than `HELD_BACK_FAMILIES` families.
    """
    family = candidates(clips)
    drawn = sorted(family, key=lambda label: share_of(f"label {label}", seed))[:count]
    families = {family[label] for label in drawn}
    if len(drawn) < count or (count >= HELD_BACK and len(families) < HELD_BACK_FAMILIES):
        raise ValueError(f"{len(drawn)} labels of {len(families)} families can be held back, not {count}")
    return sorted(drawn)


def candidates(clips: Sequence[Clip]) -> dict[str, str]:
    """Labels that can be held back, with their families: those whose recordings share no group with others.

    Labels of ESC-50 are none, as its classes are known to the embedding, nor are those with a twin.
    """
    labels_of: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        labels_of[clip.group].add(clip.label)
    refused = {clip.label for clip in clips if clip.fold or not clip.asked_for or not may_ship(clip.licence)}
    refused |= {label for labels in labels_of.values() if len(labels) > 1 for label in labels} | TWIN_LABELS
    return {
        clip.label: clip.family
        for clip in clips
        if clip.label not in refused and TWIN_WORDS.isdisjoint(re.findall(r"[a-z]+", clip.label.lower()))
    }


def roles_of_groups(clips: Sequence[Clip], held_back: Iterable[str]) -> dict[str, Role]:
    """The side of each group: of ESC by fold, of some folders fixed, else by hash."""
    held_back = frozenset(held_back)
    roles: dict[str, Role] = {}
    folds: dict[int, dict[str, set[str]]] = {2: defaultdict(set), 3: defaultdict(set)}
    for clip in clips:
        if clip.label in held_back:
            roles[clip.group] = "test"
        elif clip.fold == 1:
            roles[clip.group] = "embedding"
        elif clip.fold:
            folds[clip.fold][clip.label].add(clip.group)
    for label in sorted(folds[2]):
        order = sorted(folds[2][label] - roles.keys(), key=share_of)
        first = round(FOLD_2_SEPARATOR_SHARE * len(order))
        roles.update({group: "separator" if at < first else "embedding" for at, group in enumerate(order)})
    for label in sorted(folds[3]):
        order = sorted(folds[3][label], key=share_of)
        wanted = max(1, round(FOLD_3_TEST_SHARE * len(order)))
        taken = sum(roles.get(group) == "test" for group in order)
        for group in order:
            if group not in roles:
                # The separator keeps a group of every class as well.
                roles[group] = "test" if taken < min(wanted, len(order) - 1) else "separator"
                taken += roles[group] == "test"
    for clip in clips:
        if clip.group not in roles:
            share = INSTRUMENT_TRAINING_SHARE if clip.task == "instrument" else TRAINING_SHARE
            place = share_of(clip.group)
            by_hash: Role = "embedding" if place < share else "separator" if place < 2 * share else "test"
            roles[clip.group] = FIXED_ROLES.get(clip.folder, by_hash)
    return roles


def share_a_word(a: str, b: str) -> bool:
    """Whether two labels have a word in common, or one that begins with the other.

    >>> share_a_word("metal ring", "metallic squeak"), share_a_word("spin", "spinning metal")
    (True, True)
    >>> share_a_word("hit", "a white wall"), share_a_word("bag on the table", "tape on the wall")
    (False, False)
    """
    these, those = (set(re.findall(r"\w+", label.lower())) - LITTLE_WORDS for label in (a, b))
    return bool(these & those) or any(
        min(len(one), len(other)) >= 4 and (one.startswith(other) or other.startswith(one))
        for one in these
        for other in those
    )


def named_for_none(clips: Sequence[Clip], held_back: Iterable[str]) -> list[Clip]:
    """The clips with names that nobody asks for, without those that have a word of a label held back."""
    held_back = frozenset(held_back)
    names = {clip.label for clip in clips if not clip.asked_for}
    apart = {name for name in names if not any(share_a_word(name, label) for label in held_back)}
    return [c for c in clips if c.label in apart and not c.asked_for and may_ship(c.licence)]


def divided(clips: Sequence[Clip]) -> tuple[dict[Role, list[Clip]], list[str]]:
    """The clips of each side, and the labels held back; what may not ship or names no sound is in none."""
    usable = [clip for clip in clips if may_ship(clip.licence) and clip.asked_for]
    held_back = held_back_labels(clips)
    roles = roles_of_groups(usable, held_back)
    return {role: [clip for clip in usable if roles[clip.group] == role] for role in ROLES}, held_back


def with_names_given(sides: Mapping[Role, Sequence[Clip]]) -> dict[Role, list[Clip]]:
    """The sides, when those recordings of the separator are the embedding's that have a label for themselves:
    no other group, no synthetic sound and no rendered instrument has it.
    """
    groups_of: dict[str, set[str]] = defaultdict(set)
    for clip in (clip for side in sides.values() for clip in side):
        groups_of[clip.label].add(clip.group)
    shared = set().union(*(g for label, g in groups_of.items() if len(g) > 1 or label in MADE))
    return {
        "embedding": [*sides["embedding"], *(c for c in sides["separator"] if c.group not in shared)],
        "separator": [clip for clip in sides["separator"] if clip.group in shared],
        "test": list(sides["test"]),
    }


def unheard(sides: Mapping[Role, Sequence[Clip]], held_back: Iterable[str]) -> list[Clip]:
    """What the test has under names that nothing else has, beside the labels held back: to choose by."""
    known = {clip.label for role in ("embedding", "separator") for clip in sides[role]}
    known |= {*held_back, *MADE}
    return [clip for clip in sides["test"] if clip.task == "query" and clip.label not in known]


def recordings(clips: Sequence[Clip], folder: Path, split: Split = "train") -> list[Recording]:
    """The clips as the rows of a manifest."""
    return [Recording(folder / c.path, c.caption, (c.label,), c.group, split) for c in clips]


def author(attribution: str) -> str:
    """Who made a recording, as short as it can be said.

    >>> author("- [3-9-B.ogg]: clip derived from a.aif (http://freesound.org/jo/sounds/9/) by jo [CC0]")
    'jo'
    >>> author("nfrae http://www.freesound.org/people/nfrae/sounds/100032/")
    'nfrae'
    """
    named = re.search(r" by ([^\[]+?)(?: \[[^\]]*\])?\s*$", attribution) if "derived" in attribution else None
    return (named[1] if named else re.sub(r"\s*https?://\S+", "", attribution)).strip()


def credits_of(clips: Sequence[Clip], role: str) -> str:
    """Markdown: folder, licence and number, then the authors with their recordings."""
    count: dict[tuple[str, str], int] = defaultdict(int)
    works: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for clip in clips:
        count[clip.folder, clip.licence] += 1
        name = re.sub(r"^freesound:", "", clip.group) if clip.group.startswith("freesound:") else ""
        works[clip.folder, _short(clip.licence), author(clip.attribution)].add(name)
    lines = [f"# Recordings that trained the {role}", "", "| folder | licence | clips |", "|---|---|---|"]
    lines += [f"| {folder} | {licence} | {n} |" for (folder, licence), n in sorted(count.items())]
    lines += ["", "Numbers are those of freesound.org. All were cut, mixed to mono and resampled to 16 kHz."]
    for folder in sorted({clip.folder for clip in clips}):
        lines += ["", f"## {folder}", ""]
        for (place, licence, who), names in sorted(works.items()):
            if place == folder:
                numbers = ", ".join(sorted(names - {""}, key=lambda n: (len(n), n)))
                lines.append(f"- {who} ({licence})" + (f": {numbers}" if numbers else ""))
    return "\n".join(lines) + "\n"


def _short(licence: str) -> str:
    clip = re.search(r"clip: ([^;]*)", licence)
    return clip[1].strip() if clip else licence


def write_division(pool: Path, folder: Path) -> dict[str, list[Clip]]:
    """Write the manifests and credits into a folder; returns the clips of each manifest by its name."""
    clips = read_pool(pool)
    by_hash, held_back = divided(clips)
    sides = with_names_given(by_hash)
    sides["embedding"] += named_for_none(clips, held_back)
    kept = {clip.group for clip in sides["separator"]}
    folder.mkdir(parents=True, exist_ok=True)
    clip_of = {pool / clip.path: clip for clip in clips}
    validation, embedding = divide(recordings(sides["embedding"], pool), VALIDATION_SHARE, SEED)
    own_validation, separator = (
        [row for row in part if row.group in kept]
        for part in divide(recordings(by_hash["separator"], pool), VALIDATION_SHARE, SEED)
    )
    # Two recordings of Freesound were cut into clips of different folds: they are known from training.
    known = {clip.group for clip in clips if clip.fold in (1, 2)}
    fold_3 = [clip for clip in clips if clip.fold == 3 and clip.group not in known]
    held = [clip for clip in sides["test"] if clip.label in held_back]
    new_names = unheard(sides, held_back)
    tested = [clip for clip in sides["test"] if clip not in new_names]
    manifests = {
        "pool_embedding": embedding,
        "pool_validation": _in_split(validation, "validation"),
        "pool_unheard": recordings(new_names, pool, "validation"),
        "pool_separator": separator + _in_split(own_validation, "validation"),
        "pool_test": recordings(tested, pool, "test"),
        "pool_heldback": recordings(held, pool, "test"),
        "pool_fold3": recordings(fold_3, pool, "test"),
    }
    for name, rows in manifests.items():
        write_manifest(rows, folder / f"{name}.csv", overwrite=True)
    for role in ("embedding", "separator"):
        temporary = folder / f".credits_{role}.part"
        temporary.write_text(credits_of(sides[role], role), encoding="utf-8")
        temporary.replace(folder / f"credits_{role}.md")
    return {name: [clip_of[row.audio] for row in rows] for name, rows in manifests.items()}


def _in_split(rows: Iterable[Recording], split: Split) -> list[Recording]:
    return [Recording(row.audio, row.caption, row.phrases, row.group, split) for row in rows]


def folder_of(variable: str) -> Path:
    """The folder that an environment variable names.

    Raises:
        SystemExit: it is not set.
    """
    value = os.environ.get(variable)
    if not value:
        raise SystemExit(
            f"set {variable}: STEMLESS_DATA holds pool/ and foreign/, STEMLESS_RUNS what is made"
        )
    return Path(value)


def main() -> None:
    data, folder = folder_of("STEMLESS_DATA"), folder_of("STEMLESS_RUNS") / "query/data"
    written = write_division(data / "pool", folder)
    if (data / "foreign").is_dir():
        write_manifest(
            validation_recordings(data / "foreign"), folder / "foreign_validation.csv", overwrite=True
        )
    for name, clips in written.items():
        hours = sum(clip.seconds for clip in clips) / 3600
        groups, labels = len({clip.group for clip in clips}), len({clip.label for clip in clips})
        print(f"{name}: {len(clips)} clips, {groups} groups, {labels} labels, {hours:.2f} h")


if __name__ == "__main__":
    main()
