"""The trainings of the table "learning from mixtures" (`figure1.py`): which there are, and what each is told.

A training is a start, and an end that goes on from it; both have the same steps in all trainings. Learning
from mixtures starts with mix-and-separate, and from there every variant of a row and seed goes on. Learning
from single sources alone starts like that.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stemless.configuration import load_configuration
from stemless.query.batches import Regime
from stemless.query.training import TrainingConfig

CONFIG: Final = Path(__file__).resolve().parent.parent / "configs" / "query" / "figure1.yaml"
ROWS: Final = (2, 3, 4)
"""Sources that a training mixture holds."""
SINGLE: Final = 1
"""The row of what learns from single sources alone: it is the same beside every other row."""
TOGETHER: Final = 0
"""The row of sounds that are never heard apart: each in mixtures with its partner alone, also in the test."""
REFERENCE, REFERENCE_TOGETHER = "reference", "reference_together"
"""Results of what trainings are compared with; those of row `TOGETHER` have other mixtures."""
PROMPTS: Final = 16
"""Of a step, or as near as whole items come to it."""
START_STEPS, END_STEPS = 1000, 1000


@dataclass(frozen=True)
class Variant:
    """How the end of a training differs from that of others.

    share: of the recordings, given as single sources; where nothing else is given, the training has no
    others. hears: the contrast needs an embedding that hears; where it is left out, the text side is enough.
    """

    regime: Regime
    share: float = 1.0
    hears: bool = False
    settings: Sequence[str] = ()

    @property
    def single(self) -> bool:
        """Learns from single sources alone, from the first step on."""
        return self.regime == "supervised"


VARIANTS: Final[Mapping[str, Variant]] = {
    "mix-and-separate": Variant("unsupervised"),
    "weak": Variant("weak", hears=True),
    "supervised": Variant("supervised"),
    "random teacher": Variant("weak", hears=True, settings=("teacher=random",)),
    "semi-supervised 5 %": Variant("semi-supervised", 0.05, hears=True),
    "semi-supervised 75 %": Variant("semi-supervised", 0.75, hears=True),
    "5 % alone": Variant("supervised", 0.05),
    "75 % alone": Variant("supervised", 0.75),
    "without contrast": Variant("weak", settings=("learner.scales.contrastive=0",)),
    "without consistency": Variant("weak", hears=True, settings=("learner.scales.consistency=0",)),
    "one-way contrast": Variant("weak", hears=True, settings=("learner.contrast=one-way",)),
}
MIXED: Final = tuple(name for name, variant in VARIANTS.items() if not variant.single)
CLAIMED: Final = ("mix-and-separate", "weak", "supervised", "random teacher")
GIVEN: Final = ("semi-supervised 5 %", "semi-supervised 75 %", "5 % alone", "75 % alone")
ABLATIONS: Final = ("without contrast", "without consistency", "one-way contrast")
NEVER_APART: Final = (*CLAIMED, "without contrast")


@dataclass(frozen=True)
class Unit:
    """A piece of work that is done or not: one end, or a start that several ends may go on from."""

    row: int
    variant: str
    seed: int
    start: bool = False

    @property
    def sources(self) -> int:
        """That a training mixture holds."""
        return 2 if self.row == TOGETHER else self.row

    @property
    def name(self) -> str:
        """That of its folder and of its result, such as "row2_weak_0"."""
        slug = "".join(c if c.isalnum() else "-" for c in self.variant.replace(" %", "")).strip("-")
        return f"row{self.row}_{'start-' if self.start else ''}{slug}_{self.seed}"

    @property
    def before(self) -> Unit | None:
        """The start that it goes on from."""
        if self.start:
            return None
        variant = self.variant if VARIANTS[self.variant].single else "mix-and-separate"
        return Unit(self.row, variant, self.seed, start=True)


def unit_of(row: int, variant: str, seed: int) -> Unit:
    """The end of that variant; what learns from single sources is one beside all rows with one test.

    Raises:
        ValueError: part of the sounds that are never heard apart is to be given as single sources.
    """
    if row == TOGETHER and VARIANTS[variant].share < 1:
        raise ValueError(f"{variant}: in row {TOGETHER} no sound is ever given apart")
    return Unit(SINGLE if VARIANTS[variant].single and row != TOGETHER else row, variant, seed)


def order(rows: Sequence[int] = (*ROWS, TOGETHER), seeds: Sequence[int] = (0, 1, 2)) -> list[Unit]:
    """All units, what matters most first; a start stands before the first end that needs it.

    What is claimed with all seeds in the first row, everything with the first seed; the other seeds of what
    is given single sources come last.
    """
    wanted: list[Unit] = []
    apart = [row for row in rows if row != TOGETHER]
    first, others = apart[:1], apart[1:]
    wanted += [unit_of(row, name, seed) for row in first for seed in seeds for name in CLAIMED]
    wanted += [unit_of(row, name, seed) for row in first for name in GIVEN for seed in seeds[:1]]
    for names in (CLAIMED[:2], GIVEN):
        wanted += [unit_of(row, name, seed) for row in others for name in names for seed in seeds[:1]]
    wanted += [unit_of(row, name, seed) for row in first for name in ABLATIONS for seed in seeds[:1]]
    if TOGETHER in rows:
        wanted += [unit_of(TOGETHER, name, seed) for seed in seeds for name in NEVER_APART]
    wanted += [unit_of(row, name, seed) for row in first for seed in seeds[1:] for name in GIVEN]
    chained = itertools.chain.from_iterable((unit.before, unit) for unit in wanted)
    return list(dict.fromkeys(unit for unit in chained if unit is not None))


@dataclass(frozen=True)
class Places:
    """Where things lie.

    runs: trainings. data: manifests to choose from. embedding: hears. text: its text side, or the embedding
    again.
    """

    runs: Path
    data: Path
    embedding: Path
    text: Path

    def run(self, unit: Unit) -> Path:
        return self.runs / unit.name

    @property
    def manifests(self) -> Path:
        return self.runs / "manifests"

    def manifest(self, share: float = 1.0) -> Path:
        """Recordings to learn from; of a share, those that semi-supervised training is given as single."""
        return self.manifests / f"training_{100 * share:.0f}.csv"

    @property
    def together(self) -> Path:
        """Mixtures to learn from, of sounds that are never heard apart."""
        return self.manifests / "together" / "training.csv"


def configuration(unit: Unit, places: Places, overrides: Iterable[str] = ()) -> TrainingConfig:
    """What the training of a unit is told.

    Args:
        overrides: key=value, over those of the variant.
    """
    variant = VARIANTS[unit.variant]
    steps = START_STEPS if unit.start else END_STEPS
    # Mixed on the way in, but where the mixtures are there already.
    mixed = not variant.single and unit.row != TOGETHER
    data = places.manifest(variant.share if variant.single else 1.0)
    settings = [
        f"data=[{data if variant.single or mixed else places.together}]",
        f"output={places.run(unit)}",
        f"embedding={places.embedding if variant.hears else places.text}",
        f"regime={variant.regime}",
        f"mixing.sources=[{unit.sources if mixed else 1}]",
        f"seed={1000 * unit.seed + (0 if unit.start else 1)}",
        f"steps={steps}",
        *_batch(variant, unit.sources),
        *variant.settings,
    ]
    if unit.start:
        # One way down over the whole training: the rate falls at its end.
        settings.append("optimiser.final_rate_share=1")
    if unit.before is not None:
        settings.append(f"start={places.run(unit.before) / 'model'}")
    return load_configuration(TrainingConfig, CONFIG, [*settings, *overrides])


def _batch(variant: Variant, sources: int) -> list[str]:
    """Items of a step, so that all have about as many prompts, and K."""
    if variant.regime in ("unsupervised", "supervised"):
        return [f"batch_size={PROMPTS // 2}", "mixing.contrasted=0"]
    asked = 2 * (1 + sources)
    settings = [f"mixing.contrasted={sources}"]
    if variant.regime == "weak":
        return [*settings, f"batch_size={items(PROMPTS, asked)}"]
    half = PROMPTS // 2
    return [
        *settings,
        f"batch_size={items(half, asked)}",
        f"single_batch_size={items(half, 2)}",
        f"single_share={variant.share}",
    ]


def items(prompts: int, each: int) -> int:
    """How many items of so many prompts come nearest; two at least, for the contrast to compare.

    >>> items(16, 6), items(16, 10), items(8, 10)
    (3, 2, 2)
    """
    return max(2, round(prompts / each))
