"""The recordings of a training: several manifests, divided into what is learned from and what is judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stemless.errors import StemlessError
from stemless.query.absence import AbsentNames
from stemless.query.asking import Asking, AskingConfig
from stemless.query.balance import balanced_shares
from stemless.query.batches import Pools, Regime
from stemless.query.embedding import TextEncoder
from stemless.query.manifest import Recording, divide, read_manifest
from stemless.query.mixing import Words
from stemless.query.recordings import RecordingPool, any_apart, normalised_phrase
from stemless.query.wordings import all_wordings

DRAWS_ASIDE = 16
LARGEST_SHARE_ASIDE = 0.5


@dataclass(frozen=True)
class DataConfig:
    """A manifest, and how much is drawn from it beside the others, whatever their sizes.

    weight 0 stands for its number of recordings.
    """

    manifest: str
    weight: float = 0.0

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("weight is at least 0")


@dataclass(frozen=True)
class Drawn:
    """A recording of a manifest, by number, and the weight of all of that manifest."""

    recording: Recording
    manifest: int = 0
    weight: float = 1.0


@dataclass(frozen=True)
class Corpus:
    """Recordings to learn from, and others to judge by; None where there are none."""

    pools: Pools
    validation: RecordingPool | None

    def names(self, most: int) -> list[str]:
        """What is learned to be asked for: all names, or so many of the commonest."""
        pools = [pool for pool in (self.pools.mixed, self.pools.single) if pool]
        counts = Counter(name for pool in pools for named in pool.named for name in sorted(named))
        return [name for name, _ in counts.most_common(most)]

    def words(self, config: AskingConfig, text: TextEncoder | None, distinct_cosine: float) -> Words:
        """Words for these recordings.

        Args:
            text: tells which names mean the same; None where nothing absent is asked for.
        """
        asking = Asking(config, all_wordings() if config.wording else {})
        if text is None:
            return Words(asking)
        pools = (self.pools.mixed, self.pools.single, self.validation)
        names = sorted({name for pool in pools if pool for named in pool.named for name in named})
        return Words(asking, AbsentNames(names, text.embed_text(names).vector, nearest=distinct_cosine))


def read_corpus(
    data: Sequence[str | DataConfig],
    validation: Sequence[str],
    sample_rate: int,
    *,
    regime: Regime = "weak",
    single_share: float = 0.05,
    validation_fraction: float = 0.0,
    balance: float = 0.0,
    hold: bool = True,
    repeat_short: bool = False,
    report: Callable[[str], None] | None = None,
) -> Corpus:
    """The recordings of some manifests, as `training.TrainingConfig` says.

    Raises:
        StemlessError: a manifest cannot be read, or has no row to train on; a group is in training and in
            validation.
    """
    learned: list[Drawn] = []
    judged: list[Recording] = [row for path in validation for row in read_manifest(path)]
    for number, source in enumerate(data):
        source = DataConfig(source) if isinstance(source, str) else source
        rows = read_manifest(source.manifest)
        own = [row for row in rows if row.split == "train"]
        judged += [row for row in rows if row.split == "validation"]
        if not own:
            raise StemlessError(f"{source.manifest}: has no row for training; leave its column split empty")
        learned += [Drawn(row, number, source.weight or float(len(own))) for row in own]
    if not judged and validation_fraction:
        judged = set_aside([drawn.recording for drawn in learned], validation_fraction)
        aside = {row.kept_together for row in judged}
        learned = [drawn for drawn in learned if drawn.recording.kept_together not in aside]
    shared = {drawn.recording.kept_together for drawn in learned} & {row.kept_together for row in judged}
    if shared:
        raise StemlessError(
            f"{min(shared)} is in training and in validation; give all of it one split in the manifests"
        )

    def pool(rows: Sequence[Drawn]) -> RecordingPool | None:
        if not rows:
            return None
        recordings = [drawn.recording for drawn in rows]
        return RecordingPool(
            recordings,
            sample_rate,
            repeat_short=repeat_short,
            shares=drawing_shares(rows, balance),
            hold=hold,
            report=report,
        )

    mixed, single = learned, []
    if regime == "supervised":
        mixed, single = [], learned
    elif regime == "semi-supervised":
        given, _ = divide([drawn.recording for drawn in learned], single_share)
        chosen = {row.kept_together for row in given}
        mixed = [drawn for drawn in learned if drawn.recording.kept_together not in chosen]
        single = [drawn for drawn in learned if drawn.recording.kept_together in chosen]
    return Corpus(Pools(pool(mixed), pool(single)), pool([Drawn(row) for row in judged]))


def set_aside(recordings: Sequence[Recording], fraction: float) -> list[Recording]:
    """A share of the recordings to validate with: one that mixtures can be made of, where there is one.

    Validation asks two recordings for what each of them names. Of few recordings, those that are drawn may
    all name the same: then others are drawn, and if need be more, up to half.

    >>> from pathlib import Path
    >>> clips = [Recording(Path(f"{n}.wav"), "rain" if n else "wind") for n in range(4)]
    >>> sorted(row.caption for row in set_aside(clips, 0.25))
    ['rain', 'wind']
    """
    drawn, _ = divide(recordings, fraction)
    for share in (fraction, 2 * fraction, LARGEST_SHARE_ASIDE):
        for seed in range(DRAWS_ASIDE):
            aside, _ = divide(recordings, min(share, LARGEST_SHARE_ASIDE), seed)
            if any_apart([_label(row) for row in aside]):
                return aside
    return drawn


def drawing_shares(rows: Sequence[Drawn], balance: float) -> list[float]:
    """How often each row is drawn: manifests by their weights, the labels of each by `balanced_shares`."""
    shares = [0.0] * len(rows)
    for manifest in {drawn.manifest for drawn in rows}:
        places = [place for place, drawn in enumerate(rows) if drawn.manifest == manifest]
        labels = [_label(rows[place].recording) for place in places]
        for place, share in zip(places, balanced_shares(labels, balance), strict=True):
            shares[place] = share * rows[place].weight
    return shares


def _label(recording: Recording) -> frozenset[str]:
    return frozenset(map(normalised_phrase, recording.phrases or (recording.caption,)))
