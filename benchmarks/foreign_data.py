"""Mixtures of recordings that are foreign to all training: what `foreign.py` tests the separator with.

- `STEMLESS_DATA/foreign`: 21 everyday and human sounds, other rooms, microphones and people. Its groups are
  halved: one half is to choose by (validation), one to report (test).
- Instruments of other players: the real ones in pool_test.csv of `query_division.py`, of which there are so
  few that all are for the test, and solos rendered with a sound bank that no training hears (`renders_test`).
- Sounds whose labels training never heard: those of `STEMLESS_DATA/foreign` that it did not, and
  pool_heldback.csv.

A mixture is two sources of different labels, 4 to 8 s, at equal level: 0 dB. Each source is one recording or,
where that is shorter, the next of the same group after it, with pauses. A mixture has a sound that is not in
it besides, of another family than its two, to be asked for in vain.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.audio import read, resample
from stemless.query.manifest import Recording, read_manifest
from stemless.query.recordings import normalised_phrase
from stemless.query.wordings import wordings_of

SAMPLE_RATE = 16000
SHORTEST_SECONDS, LONGEST_SECONDS = 4.0, 8.0
PAUSE_SECONDS = (0.2, 0.8)
FADE_SECONDS = 0.005
LEVEL_DB = -23.0
HALVES = ("validation", "test")
KINDS = ("foreign", "real instrument", "rendered instrument", "foreign unseen", "held back")
INSTRUMENT_FOLDERS = ("sfz_", "vsco_")

# Programs of sound banks that are no instruments, but poor everyday sounds.
EFFECTS = frozenset(
    (
        "applause",
        "birds chirping",
        "guitar string squeak",
        "gunshot",
        "helicopter",
        "sea waves",
        "telephone ringing",
        "tinkling bell",
    )
)

# What training calls a sound, beside the wordings of its label.
SAME: Mapping[str, tuple[str, ...]] = {
    "acoustic guitar chords": ("acoustic guitar",),
    "double bass (bowed)": ("double bass",),
    "steel-string acoustic guitar": ("acoustic guitar",),
    "clattering dishes": ("dishes", "falling plate", "pan pot"),
    "door opening": ("creaky door", "door", "old door", "door opening and closing"),
    "door slamming": ("door closing", "door slam clipped", "door slam tunnel", "car door closing"),
    "electric shaver": ("hair clipper",),
    "hands clapping": ("clapping", "hand clapping", "hand clap", "applause"),
    "jingling keys": ("keys jingling", "bowl with keys", "box with keys"),
    "laughing": ("baby laughing",),
    "man screaming": ("man yelling", "person screaming", "shouting"),
    "running water": ("water running in a sink", "water tap", "shower"),
    "rustling paper": ("paper crumple", "turning pages", "page turning"),
    "speech": ("female speech", "male speech", "child speech", "man speaking", "woman speaking"),
    "typing on a keyboard": ("keyboard typing",),
    "woman crying": ("crying", "person crying", "man crying"),
    "woman screaming": ("person screaming", "shouting"),
}


@dataclass
class Stock:
    """Recordings to draw sources from: label -> group -> files, in order; and the family of each label."""

    groups: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    family: dict[str, str] = field(default_factory=dict)

    def add(self, label: str, group: str, path: Path, family: str) -> None:
        self.groups.setdefault(label, {}).setdefault(group, []).append(path)
        self.family[label] = family

    def only(self, labels: Collection[str]) -> Stock:
        """What there is of some labels."""
        kept = {label: groups for label, groups in self.groups.items() if label in labels}
        return Stock(kept, {label: self.family[label] for label in kept})


@dataclass(frozen=True)
class Source:
    """One of the sounds of a mixture: its recordings one after the other, as many as are needed."""

    label: str
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Mixture:
    """Two sources, how long they sound together, and a label that is not among them.

    `seed` fixes the pauses and where each recording begins.
    """

    name: str
    kind: str
    seconds: float
    sources: tuple[Source, Source]
    absent: str
    seed: int


def half_of(group: str, groups: Mapping[str, Sequence[Path]]) -> str:
    """Which half a group of a label is in: groups in the order of their hashes, each to the smaller half.

    >>> groups = {"a": [Path("1")], "b": [Path("2")]}
    >>> sorted(half_of(name, groups) for name in groups)
    ['test', 'validation']
    """
    filled = dict.fromkeys(HALVES, 0)
    for name in sorted(groups, key=lambda name: hashlib.sha256(name.encode()).digest()):
        half = min(HALVES, key=lambda half: filled[half])
        filled[half] += len(groups[name])
        if name == group:
            return half
    raise KeyError(group)


def foreign_stock(folder: Path, half: str) -> Stock:
    """One half of `STEMLESS_DATA/foreign`."""
    whole = Stock()
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            whole.add(row["label"], row["group"], folder / row["path"], row["family"])
    stock = Stock()
    for label, groups in whole.groups.items():
        for group, paths in groups.items():
            if half_of(group, groups) == half:
                for path in paths:
                    stock.add(label, group, path, whole.family[label])
    return stock


def validation_recordings(folder: Path) -> list[Recording]:
    """The validation half of `STEMLESS_DATA/foreign` as rows of a manifest, for trainings to choose by."""
    return [
        Recording(path, label, (label,), f"foreign {group}", "validation")
        for label, groups in foreign_stock(folder, "validation").groups.items()
        for group, paths in groups.items()
        for path in paths
    ]


def manifest_stock(
    manifest: Path, half: str | None, families: Mapping[str, str] | None = None, folders: str = ""
) -> Stock:
    """One half, by group, of a manifest in the form of the house; empty where there is no such file.

    Args:
        half: all of it, when None.
        families: of the labels; all instruments where they are not given.
        folders: a pattern of the folders that are taken; all when empty.
    """
    stock = Stock()
    if not manifest.is_file():
        return stock
    for row in read_manifest(manifest):
        if re.match(folders, row.audio.parent.name):
            kept = row.kept_together
            if half in (None, HALVES[hashlib.sha256(kept.encode()).digest()[0] % 2]):
                label = row.phrases[0] if row.phrases else row.caption
                stock.add(label, kept, row.audio, families[label] if families else "instrument")
    return stock


def prompt_for(label: str) -> str:
    """A label as one would type it; what stands in brackets is put into words.

    >>> prompt_for("double bass (bowed)"), prompt_for("rain")
    ('a bowed double bass', 'rain')
    """
    return next((wording for wording in wordings_of(label) if "(" not in wording), label)


def names_of(label: str) -> set[str]:
    """All that a label goes by, without articles.

    >>> "clapping" in names_of("hands clapping"), "barking dog" in names_of("dog barking")
    (True, True)
    """
    label = normalised_phrase(label)
    names = {label, *SAME.get(label, ())}
    names |= {wording for name in (label, *SAME.get(label, ())) for wording in wordings_of(name)}
    return {re.sub(r"\b(a|an|the|some|someone)\s+", "", normalised_phrase(name)) for name in names}


def seen_by(label: str, trained: Mapping[str, set[str]]) -> str:
    """Which phrase of training is the same sound as a label; empty where none is.

    Args:
        trained: the phrases of training, each with its `names_of`.

    >>> seen_by("hands clapping", {"applause": names_of("applause"), "rain": names_of("rain")})
    'applause'
    """
    names = names_of(label)
    exact = [phrase for phrase in trained if normalised_phrase(phrase) in names]
    return next(iter(sorted(exact) or sorted(p for p, others in trained.items() if names & others)), "")


def trained_phrases(manifests: Sequence[Path]) -> dict[str, set[str]]:
    """The phrases of manifests (their captions, where there are none), each with its names."""
    phrases = {
        normalised_phrase(phrase)
        for manifest in manifests
        for row in read_manifest(manifest)
        for phrase in (row.phrases or (row.caption,))
    }
    return {phrase: names_of(phrase) for phrase in phrases}


def draw_mixtures(
    kind: str, first: Stock, second: Stock, absent: Stock, count: int, seed: int
) -> list[Mixture]:
    """So many mixtures of one label of `first` and one of `second`, drawn evenly over labels and groups.

    Args:
        absent: stock whose labels are asked for in vain.

    Raises:
        ValueError: there are no two labels to mix, or none that could be absent.
    """
    random = np.random.default_rng([seed, *kind.encode()])
    mixtures: list[Mixture] = []
    ones = _rounds(sorted(first.groups), count, random)
    for number, one in enumerate(ones):
        others = [label for label in sorted(second.groups) if not names_of(label) & names_of(one)]
        if not others:
            raise ValueError(f"{kind}: nothing to mix with {one}")
        other = others[int(random.integers(len(others)))]
        families = {first.family[one], second.family[other]}
        known = names_of(one) | names_of(other)
        missing = [
            label
            for label in sorted(absent.groups)
            if absent.family[label] not in families and not names_of(label) & known
        ]
        if not missing:
            raise ValueError(f"{kind}: no sound is absent from {one} and {other}")
        mixtures.append(
            Mixture(
                f"{kind} {number}",
                kind,
                float(random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)),
                (_source(one, first, random), _source(other, second, random)),
                missing[int(random.integers(len(missing)))],
                int(random.integers(2**31)),
            )
        )
    return mixtures


def _rounds(labels: Sequence[str], count: int, random: np.random.Generator) -> list[str]:
    """Every label equally often, give or take one."""
    if not labels:
        raise ValueError("there are no labels to draw from")
    drawn: list[str] = []
    while len(drawn) < count:
        drawn += [labels[place] for place in random.permutation(len(labels))]
    return drawn[:count]


def _source(label: str, stock: Stock, random: np.random.Generator) -> Source:
    groups = stock.groups[label]
    paths = groups[sorted(groups)[int(random.integers(len(groups)))]]
    start = int(random.integers(len(paths)))
    return Source(label, (*paths[start:], *paths[:start]))


@functools.lru_cache(maxsize=512)
def recording(path: Path) -> NDArray[np.float32]:
    """A file, mono at `SAMPLE_RATE`: [time]. Decoded once."""
    audio, rate = read(path)
    return resample(audio.mean(0, keepdim=True), rate, SAMPLE_RATE)[0].numpy()


def laid_out(
    recordings: Sequence[NDArray[np.float32]], samples: int, random: np.random.Generator
) -> NDArray[np.float32]:
    """[samples]: a stretch of the first recording if it is long enough, else one after the other with pauses.

    Where there are too few they come again.
    """
    first = recordings[0]
    if len(first) >= samples:
        start = int(random.integers(len(first) - samples + 1))
        return _faded(first[start : start + samples])
    out = np.zeros(samples, np.float32)
    low, high = (round(seconds * SAMPLE_RATE) for seconds in PAUSE_SECONDS)
    place, number = int(random.integers(high)), 0
    # The last one may be cut by the end.
    while place < samples:
        piece = _faded(recordings[number % len(recordings)][: samples - place])
        out[place : place + len(piece)] = piece
        place += max(len(piece), 1) + int(random.integers(low, high))
        number += 1
    return out


def _faded(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    ramp = np.minimum(1.0, np.arange(len(audio), dtype=np.float32) / (FADE_SECONDS * SAMPLE_RATE))
    faded: NDArray[np.float32] = audio * ramp * ramp[::-1]
    return faded


def sources_of(mixture: Mixture) -> Tensor:
    """The two sources of a mixture at equal level: [2, time]."""
    random = np.random.default_rng(mixture.seed)
    samples = round(mixture.seconds * SAMPLE_RATE)
    laid = [laid_out(_needed(source.paths, samples), samples, random) for source in mixture.sources]
    return at_level(torch.from_numpy(np.stack(laid)), LEVEL_DB)


def _needed(paths: Sequence[Path], samples: int) -> list[NDArray[np.float32]]:
    """So many of the files as fill the mixture without a pause; no more are read."""
    recordings: list[NDArray[np.float32]] = []
    for path in paths:
        recordings.append(recording(path))
        if sum(len(each) for each in recordings) >= samples:
            break
    return recordings


def at_level(audio: Tensor, level_db: float) -> Tensor:
    """[..., time], each brought to a root mean square re full scale."""
    rms = audio.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-8)
    return audio * (10 ** (level_db / 20) / rms)
