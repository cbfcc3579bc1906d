"""One training step of the text tower: the teacher's states, and the words that people use for one sound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy

from stemless.optimiser import OptimiserConfig, make_optimiser
from stemless.query.text_tower import TextTower, mean_state, pad_numbers


@dataclass(frozen=True)
class Sounds:
    """Sounds and what each of them is called.

    Attributes:
        names: what sounds are called, each in several ways.
        sound: of each name, the number of its sound.
        asked: each name in the ways it is asked for, itself first.
        centres: direction of each sound in the joint space [sounds, dimension], of length 1.
    """

    names: list[str]
    sound: list[int]
    asked: list[list[str]]
    centres: Tensor


class TextBatch(NamedTuple):
    """Pieces of texts [batch, tokens], their mask and the teacher's mean states [batch, width]; then pieces
    of names of sounds, their mask, and the numbers of the sounds."""

    numbers: Tensor
    mask: Tensor
    targets: Tensor
    name_numbers: Tensor
    name_mask: Tensor
    sounds: Tensor


class TextBatches(torch.utils.data.Dataset[TextBatch]):
    """Batches of texts of like length; the k-th depends on the seed and k alone.

    Args:
        numbers: pieces of each text.
        targets: mean states of the teacher [texts, width].
        batch_size: texts of a batch.
        first: number of the first batch since the beginning of the run.
        batches: how many there are.
        seed: of the order; each pass over the texts has another.
        sounds: whose names go with the texts.
        numbers_of: pieces of names.
        names: so many names of sounds in a batch.
    """

    def __init__(
        self,
        numbers: Sequence[Sequence[int]],
        targets: Tensor,
        batch_size: int,
        first: int,
        batches: int,
        seed: int,
        sounds: Sounds,
        numbers_of: Callable[[Sequence[str]], list[list[int]]],
        names: int,
    ) -> None:
        self.numbers, self.targets, self.batch_size = numbers, targets, batch_size
        self.first, self.batches, self.seed = first, batches, seed
        self.sounds, self.numbers_of, self.names = sounds, numbers_of, names
        self.per_pass = -(-len(numbers) // batch_size)
        self._lengths = np.array([len(row) for row in numbers])
        self._orders: dict[int, list[np.ndarray]] = {}

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> TextBatch:
        if not 0 <= index < self.batches:
            raise IndexError(index)
        over, place = divmod(self.first + index, self.per_pass)
        chosen = self._order(over)[place]
        padded, mask = pad_numbers([self.numbers[number] for number in chosen])
        targets = self.targets[torch.from_numpy(chosen)].float()
        return TextBatch(padded, mask, targets, *self._names(self.first + index))

    def _names(self, position: int) -> tuple[Tensor, Tensor, Tensor]:
        if not self.sounds.names or not self.names:
            empty = torch.zeros(0, 1, dtype=torch.long)
            return empty, empty.bool(), empty[:, 0]
        random = np.random.default_rng((self.seed, position, 1))
        drawn = random.integers(len(self.sounds.names), size=self.names)
        # Half of them bare: that is how most people ask.
        ways = random.random(self.names) * 2 - 1
        texts = []
        for number, way in zip(drawn, ways, strict=True):
            asked = self.sounds.asked[number]
            texts.append(asked[max(0, int(way * len(asked)))])
        padded, mask = pad_numbers(self.numbers_of(texts))
        return padded, mask, torch.tensor([self.sounds.sound[number] for number in drawn])

    def _order(self, over: int) -> list[np.ndarray]:
        if over not in self._orders:
            random = np.random.default_rng((self.seed, over))
            mixed = random.permutation(len(self.numbers))
            by_length = mixed[np.argsort(self._lengths[mixed], kind="stable")]
            batches = np.array_split(by_length, self.per_pass)
            self._orders = {over: [batches[place] for place in random.permutation(len(batches))]}
        return self._orders[over]


def name_loss(vectors: Tensor, sounds: Tensor, centres: Tensor, temperature: float) -> Tensor:
    """How far names are from their sounds: relative to all other sounds, and by themselves.

    The first part is the cross-entropy between two distributions over all sounds: that of the similarities
    of the sound's own centre, which leaves near sounds near, and that of the name's vector. Its least value
    is taken away, so that a name at its centre costs nothing. The second is 1 - cosine.

    Args:
        vectors: of the names [batch, dimension], of length 1.
        sounds: number of each one's sound [batch].
        centres: [sounds, dimension], of length 1.
        temperature: similarities are divided by it.

    >>> centres = torch.eye(3)
    >>> round(float(name_loss(centres[1:], torch.tensor([0, 1]), centres, 0.1)), 3)
    10.999
    """
    own = centres[sounds]
    wanted = (own @ centres.T / temperature).softmax(dim=-1)
    least = -(wanted * wanted.clamp_min(1e-12).log()).sum(dim=-1).mean()
    apart = cross_entropy(vectors @ centres.T / temperature, wanted) - least
    return apart + (1 - (vectors * own).sum(dim=-1)).mean()


class TextLearner(L.LightningModule):
    """The student against the teacher: share of the states' variance missed, plus 1 - cosine of the vectors;
    plus `name_loss`.

    Args:
        tower: the student; its head is fixed.
        centre: mean state of the teacher over phrases about sounds [width].
        sounds: whose names are told apart.
        optimiser: of all but the head.
        steps: of the whole training.
        name_weight: of the loss of names.
        temperature: of that loss.
        bf16: whether the student runs in bfloat16.
    """

    def __init__(
        self,
        tower: TextTower,
        centre: Tensor,
        sounds: Sounds,
        optimiser: OptimiserConfig,
        *,
        steps: int,
        name_weight: float,
        temperature: float,
        bf16: bool,
    ) -> None:
        super().__init__()
        self.tower, self.optimiser_config, self.steps, self.bf16 = tower, optimiser, steps, bf16
        self.name_weight, self.temperature = name_weight, temperature
        self.centre: Tensor
        self.centres: Tensor
        self.register_buffer("centre", centre)
        self.register_buffer("centres", sounds.centres)

    def mean_states(self, numbers: Tensor, mask: Tensor) -> Tensor:
        """Pieces [batch, tokens] and their mask -> mean states [batch, width] in float32."""
        with torch.autocast(numbers.device.type, torch.bfloat16, enabled=self.bf16):
            states = self.tower.states(numbers, mask)
        return mean_state(states.float(), mask)

    def compared(self, batch: TextBatch) -> tuple[Tensor, Tensor]:
        """Share of the variance that is missed, and the cosines [batch] in the joint space."""
        mean = self.mean_states(batch.numbers, batch.mask)
        missed = (mean - batch.targets).square().sum() / (batch.targets - self.centre).square().sum()
        return missed, cosine_similarity(self.tower.vectors(mean), self.tower.vectors(batch.targets), dim=-1)

    def training_step(self, batch: TextBatch, index: int) -> Tensor:
        missed, cosines = self.compared(batch)
        loss = missed + (1 - cosines).mean()
        if len(batch.sounds):
            named = self.tower.vectors(self.mean_states(batch.name_numbers, batch.name_mask))
            loss = loss + self.name_weight * name_loss(named, batch.sounds, self.centres, self.temperature)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(batch.numbers))
        return loss

    def validation_step(self, batch: TextBatch, index: int) -> None:
        _, cosines = self.compared(batch)
        self.log("validation_loss", (1 - cosines).mean(), batch_size=len(batch.numbers))

    def configure_optimizers(self) -> Any:
        self.tower.head.requires_grad_(False)
        return make_optimiser(self.tower, self.optimiser_config, self.steps)
