"""One training step of the joint embedding's audio side, towards text vectors that stay as they are."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from stemless.optimiser import OptimiserConfig, rate_at
from stemless.query.audio_tower import AudioTower
from stemless.query.embedding_data import SoundBatch
from stemless.query.embedding_objectives import (
    finding_loss,
    kindred_loss,
    kinship,
    naming_loss,
    near_labels,
)

LOWEST_TEMPERATURE = 0.01


@dataclass(frozen=True)
class ObjectiveConfig:
    """What counts in the loss.

    Attributes:
        finding: weight of the loss from label to clips, beside that from clip to labels.
        kindred: weight of the loss that draws clips to labels as far as words are alike, beside that which
            tells labels apart.
        kin_temperature: how alike words must be for that (see `kinship`).
        near: labels whose vectors have a cosine above this are not told from each other.
        first_temperature: where the learned temperature starts.
        masked: share of the clips that lose stretches of time and of frequency (Park et al., "SpecAugment",
            Interspeech 2019).
        masked_frames: longest stretch of time that is lost; two of them.
        masked_bands: widest stretch of frequency that is lost.
        average: of the weights that are kept in the end, how much each step leaves of them.
    """

    finding: float = 0.0
    kindred: float = 0.0
    kin_temperature: float = 0.1
    near: float = 0.9
    first_temperature: float = 0.07
    masked: float = 0.5
    masked_frames: int = 25
    masked_bands: int = 10
    average: float = 0.999

    def __post_init__(self) -> None:
        if min(self.finding, self.kindred) < 0 or self.kin_temperature <= 0:
            raise ValueError("finding and kindred are at least 0, kin_temperature above")
        if not 0 < self.first_temperature <= 1 or not 0 < self.near <= 1:
            raise ValueError("first_temperature and near are above 0 and at most 1")
        if not (0 <= self.masked <= 1 and 0 <= self.average < 1):
            raise ValueError("masked and average are shares of 0 to 1")


class WordingBank(nn.Module):
    """Text vectors of all wordings of all labels; one of each label is drawn.

    Args:
        vectors: of each label, [wordings, dimension].
    """

    vectors: Tensor
    first: Tensor
    count: Tensor

    def __init__(self, vectors: list[Tensor]) -> None:
        super().__init__()
        count = torch.tensor([len(of_label) for of_label in vectors])
        self.register_buffer("vectors", torch.cat(vectors), persistent=False)
        self.register_buffer("count", count, persistent=False)
        self.register_buffer("first", count.cumsum(0) - count, persistent=False)

    def draw(self, generator: torch.Generator) -> Tensor:
        """One wording of each label: [labels, dimension]."""
        place = torch.rand(len(self.count), generator=generator).to(self.count.device)
        return self.vectors[self.first + (place * self.count).long()]

    def means(self) -> Tensor:
        """The mean of the wordings of each label, of length 1: [labels, dimension]."""
        sums = torch.zeros(len(self.count), self.vectors.shape[1], device=self.vectors.device)
        owner = torch.repeat_interleave(torch.arange(len(self.count), device=sums.device), self.count)
        return nn.functional.normalize(sums.index_add_(0, owner, self.vectors), dim=-1)


def mask_features(features: Tensor, config: ObjectiveConfig, generator: torch.Generator) -> Tensor:
    """Stretches of time and frequency of some clips [batch, bands, frames] replaced by their mean, 0."""
    batch, bands, frames = features.shape

    def stretch(length: int, longest: int) -> Tensor:
        drawn = torch.rand(2, batch, generator=generator).to(features.device)
        wide = drawn[0] * min(longest, length)
        start = drawn[1] * (length - wide)
        place = torch.arange(length, device=features.device)
        return (place >= start[:, None]) & (place < (start + wide)[:, None])

    in_time = stretch(frames, config.masked_frames) | stretch(frames, config.masked_frames)
    in_frequency = stretch(bands, config.masked_bands)
    chosen = torch.rand(batch, generator=generator).to(features.device) < config.masked
    lost = (in_time[:, None] | in_frequency[:, :, None]) & chosen[:, None, None]
    return features.masked_fill(lost, 0.0)


class EmbeddingLearner(L.LightningModule):
    """The audio tower that learns, and the running average of its weights, which is what is kept.

    Args:
        bank: text vectors of the labels of the batches.
        bf16: whether the convolutions run in bfloat16.
    """

    near: Tensor
    kin: Tensor

    def __init__(
        self,
        tower: AudioTower,
        bank: WordingBank,
        objective: ObjectiveConfig,
        optimiser: OptimiserConfig,
        *,
        steps: int,
        seed: int,
        bf16: bool,
    ) -> None:
        super().__init__()
        self.tower = tower
        self.kept = copy.deepcopy(tower).eval().requires_grad_(False)
        self.bank = bank
        self.objective, self.optimiser_config = objective, optimiser
        self.steps, self.seed, self.bf16 = steps, seed, bf16
        self.log_temperature = nn.Parameter(torch.tensor(math.log(objective.first_temperature)))
        self.register_buffer("near", near_labels(bank.means(), objective.near), persistent=False)
        self.register_buffer("kin", kinship(bank.means(), objective.kin_temperature), persistent=False)

    @property
    def temperature(self) -> Tensor:
        return self.log_temperature.exp().clamp_min(LOWEST_TEMPERATURE)

    def train(self, mode: bool = True) -> EmbeddingLearner:
        super().train(mode)
        self.kept.eval()
        return self

    def _loss(self, vectors: Tensor, words: Tensor, shares: Tensor) -> Tensor:
        similarity = vectors @ words.T
        loss = naming_loss(similarity, shares, self.near, self.temperature)
        if self.objective.finding:
            found = finding_loss(similarity, shares, self.near, self.temperature)
            loss = loss + self.objective.finding * found
        if self.objective.kindred:
            kindred = kindred_loss(similarity, shares, self.kin, self.objective.kin_temperature)
            loss = loss + self.objective.kindred * kindred
        return loss

    def training_step(self, batch: SoundBatch, index: int) -> Tensor:
        # Seeded by the step, so that a resumed run draws alike.
        seed = self.seed * 1_000_003 + self.global_step
        generator = torch.Generator().manual_seed(seed)
        features = mask_features(self.tower.features(batch.audio), self.objective, generator)
        with (
            torch.random.fork_rng(),  # dropout draws from the common generator
            torch.autocast(batch.audio.device.type, torch.bfloat16, enabled=self.bf16),
        ):
            torch.manual_seed(seed)
            vectors = self.tower.embed(features)
        loss = self._loss(vectors, self.bank.draw(generator), batch.shares)
        self.log("train_loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(batch.audio))
        return loss

    def validation_step(self, batch: SoundBatch, index: int) -> None:
        with torch.autocast(batch.audio.device.type, torch.bfloat16, enabled=self.bf16):
            vectors = self.kept(batch.audio)
        loss = self._loss(vectors, self.bank.means(), batch.shares)
        self.log("validation_loss", loss, batch_size=len(batch.audio))

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        # At first the average is over what there is.
        done = self.global_step
        left = min(self.objective.average, (done + 1) / (done + 10))
        for kept, now in zip(self.kept.state_dict().values(), self.tower.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(now, 1 - left)
            else:
                kept.copy_(now)

    def configure_optimizers(self) -> Any:
        config = self.optimiser_config
        learned = [parameter for parameter in self.parameters() if parameter.requires_grad]
        # Decay is for what mixes channels; norms, biases and the temperature keep their scale.
        groups = [
            {"params": [p for p in learned if p.ndim > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, config.rate, betas=(0.9, 0.98))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: rate_at(step, self.steps, config)
        )
        return [optimiser], [{"scheduler": schedule, "interval": "step"}]
