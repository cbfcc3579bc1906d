"""Recordings and mixtures of the table "learning from mixtures" (`figure1.py`).

The sounds are the instruments of MUSIC, on which the published figure was made, as far as a General MIDI bank
has them, and the everyday sounds of the pool. A label is in the table where training and test both have
recordings of it. Training hears the separator's recordings of the pool (`query_division.py`) and solos of its
sound bank (`renders_separator`). The test hears recordings of the pool by others, and solos of another bank
(`renders_test`). What there is to choose is chosen by a third part: the separator's validation recordings, a
tenth of its solos, and the validation half of foreign recordings.

Of sounds that are never heard apart (row `TOGETHER`) each has a partner. Training has mixtures of the two and
nothing else of either, and the test mixes partners as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import torch

from foreign_data import SAMPLE_RATE, Mixture, Stock, draw_mixtures, names_of, sources_of
from stemless.query.manifest import Recording, divide, read_manifest, write_manifest

INSTRUMENTS: Final = (
    "accordion",
    "acoustic guitar",
    "alto saxophone",
    "bagpipes",
    "banjo",
    "bassoon",
    "cello",
    "clarinet",
    "congas",
    "drum kit",
    "electric bass",
    "flute",
    "piano",
    "trumpet",
    "tuba",
    "violin",
    "xylophone",
)
FEWEST_RECORDINGS: Final = 3
VALIDATION_SHARE: Final = 0.1
SHARES: Final = (1.0, 0.75, 0.05)
COUNTS: Final = {"test": 100, "validation": 60}
SEED: Final = 0
MIXTURES_A_PAIR: Final = {"training": 40, "validation": 3, "test": 3}
LEVEL_SPREAD_DB: Final = 3.0
"""Of each source in the mixtures of partners that training hears."""
# Quieter than the other source by this, a source cannot be heard, and no score is worth its name.
SILENT_RMS: Final = 1e-3


def label_of(recording: Recording) -> str:
    """What a recording is asked for with."""
    return recording.phrases[0] if recording.phrases else recording.caption


def labels_of_table(training: Iterable[Recording], test: Iterable[Recording]) -> list[str]:
    """The instruments, and the sounds with enough recordings in training and one in the test."""
    tested = {label_of(row) for row in test}
    counts = Counter(label_of(row) for row in training)
    return sorted(label for label in tested if counts[label] >= FEWEST_RECORDINGS)


def write_manifests(prepared: Path, folder: Path) -> dict[str, list[Recording]]:
    """Divide the recordings of the table; those of training go into a folder, for trainings to read:
    training_100.csv, and training_5.csv and training_75.csv with the shares that are given as single sources.

    Args:
        prepared: where `query_division.py` and `stemless data render` have put their manifests.

    Returns:
        the recordings for "training", "validation" and "test".
    """
    pool = read_manifest(prepared / "pool_separator.csv")
    solos = _instruments(read_manifest(prepared / "renders_separator/manifest.csv"))
    aside, solos = divide(solos, VALIDATION_SHARE, SEED)
    test = read_manifest(prepared / "pool_test.csv")
    test += _instruments(read_manifest(prepared / "renders_test/manifest.csv"))
    training = [row for row in pool if row.split == "train"] + solos
    validation = [row for row in pool if row.split == "validation"] + aside
    foreign = prepared / "foreign_validation.csv"
    if foreign.is_file():
        validation += read_manifest(foreign)
    labels = labels_of_table(training, test)
    rows = {
        "training": _of(training, labels),
        "validation": _of(validation, labels),
        "test": _of(test, labels),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for share in SHARES:
        # As `corpus.read_corpus` divides for semi-supervised training.
        given = divide(rows["training"], share)[0]
        write_manifest(given, folder / f"training_{100 * share:.0f}.csv", overwrite=True)
    return rows


def _instruments(rows: Iterable[Recording]) -> list[Recording]:
    return _of(rows, INSTRUMENTS)


def _of(rows: Iterable[Recording], labels: Collection[str]) -> list[Recording]:
    return [row for row in rows if label_of(row) in labels]


def _stock_of(rows: Iterable[Recording]) -> Stock:
    """Recordings to draw from, each label a family of its own."""
    stock = Stock()
    for row in rows:
        stock.add(label_of(row), row.kept_together, row.audio, family=label_of(row))
    return stock


def mixtures_of(rows: Sequence[Recording], half: str) -> list[Mixture]:
    """The fixed mixtures of the validation or test recordings: two labels each, at 0 dB, every label about
    as often."""
    stock = _stock_of(rows)
    wanted = COUNTS[half]
    # Some recordings hold a stretch of silence that may be the one drawn.
    drawn = draw_mixtures(half, stock, stock, stock, wanted + wanted // 4, SEED)
    heard = [mixture for mixture in drawn if _heard(mixture)]
    return heard[:wanted]


def partners(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Labels by twos that have no name in common, at random; of an odd number one is left over.

    Raises:
        ValueError: nobody has found such twos.
    """
    ordered = sorted(set(labels))
    random = np.random.default_rng(SEED)
    for _ in range(1000):
        drawn = [ordered[place] for place in random.permutation(len(ordered))]
        pairs = list(zip(drawn[::2], drawn[1::2], strict=False))
        if all(names_of(one).isdisjoint(names_of(other)) for one, other in pairs):
            return pairs
    raise ValueError("there are too few labels, or they are all called the same")


def partner_mixtures(rows: Sequence[Recording], pairs: Sequence[tuple[str, str]], half: str) -> list[Mixture]:
    """Fixed mixtures of partners at 0 dB, as many of each pair of which the rows have both sounds."""
    stock = _stock_of(rows)
    mixtures = []
    for one, other in pairs:
        if {one, other} <= stock.groups.keys():
            both = (stock.only({one}), stock.only({other}))
            count = MIXTURES_A_PAIR[half]
            drawn = draw_mixtures(f"{half} {one} + {other}", *both, stock, 2 * count, SEED)
            mixtures += [mixture for mixture in drawn if _heard(mixture)][:count]
    return mixtures


def write_together(rows: Sequence[Recording], pairs: Sequence[tuple[str, str]], manifest: Path) -> None:
    """Mixtures of partners beside their manifest, which is written last; nothing where it is there."""
    if manifest.is_file():
        return
    manifest.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    written = []
    for number, mixture in enumerate(partner_mixtures(rows, pairs, "training")):
        spread_db = random.uniform(-LEVEL_SPREAD_DB, LEVEL_SPREAD_DB, (2, 1)).astype(np.float32)
        audio = (sources_of(mixture) * torch.from_numpy(10 ** (spread_db / 20))).sum(0)
        path = manifest.parent / f"{number:04d}.wav"
        soundfile.write(path, (audio / audio.abs().max().clamp_min(1.0)).numpy(), SAMPLE_RATE)
        labels = tuple(source.label for source in mixture.sources)
        written.append(Recording(path, " and ".join(labels), labels))
    write_manifest(written, manifest)


def _heard(mixture: Mixture) -> bool:
    sources = sources_of(mixture)
    return bool(torch.isfinite(sources).all()) and float(sources.square().mean(-1).sqrt().min()) > SILENT_RMS
