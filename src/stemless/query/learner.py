"""One training step of a query separator, whatever the regime: a batch says itself what it can be asked.

A part without phrases has no consistency and no contrast, so that mix-and-separate is the weak loss of
batches without phrases, and every regime is a way to draw batches (`batches`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import lightning as L
import torch
from torch import Tensor, nn

from stemless.optimiser import OptimiserConfig, make_optimiser
from stemless.query.batches import TrainingBatch
from stemless.query.collation import MixedBatch, prompt_grid
from stemless.query.differentiable_resampling import resample
from stemless.query.embedding import JointEmbedding, PhraseCache, TextEmbedding
from stemless.query.model import Network
from stemless.query.objectives import (
    Error,
    LossScales,
    absent_loss,
    consistency_loss,
    contrastive_loss,
    semi_supervised_loss,
    supervised_loss,
    unsupervised_loss,
    weak_loss,
)
from stemless.query.sharing import Rule, shared_masks
from stemless.query.validation import Measure, Validation
from stemless.spectrum import istft, stft

QUIETEST_SHARE = 0.03
"""Of the mixture's level: estimates above it are as loud as the mixture when the teacher hears them."""


@dataclass(frozen=True)
class LearnerConfig:
    """What is asked of the network.

    Attributes:
        scales: what each loss counts; 0 leaves it out.
        contrast: "one-way" is that of the authors' code: estimates against texts alone, within one slot of
            the mixture.
        error: of magnitudes, "l1" as in the paper or "squared", which is gentle where the network is unsure.
        sharing: how the masks of the parts of an item, and those of its phrases, share the mixture.
        alone: where they share it, judge each mask also as it is by itself, half and half.
        average_decay: what is kept is the moving average of the weights over about 1 / (1 - decay) steps;
            0 keeps the last weights.
        judged_by: the measure on validation mixtures by which the best epoch is kept.
        bf16: run the network in bfloat16.
    """

    scales: LossScales = field(default_factory=LossScales)
    contrast: Literal["symmetric", "one-way"] = "symmetric"
    error: Error = "l1"
    sharing: Literal["none", "limit", "odds"] = "none"
    alone: bool = True
    average_decay: float = 0.999
    judged_by: Measure = "si_sdr"
    bf16: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.average_decay < 1:
            raise ValueError("average_decay lies between 0 and 1")


@dataclass(frozen=True)
class Estimates:
    """What the network made of a batch.

    spectra: [items, bins, frames], complex, of the mixtures. magnitudes: theirs. masks: [prompts, bins,
    frames]. text: of the prompts.
    """

    spectra: Tensor
    magnitudes: Tensor
    masks: Tensor
    text: TextEmbedding

    def of(self, prompts: Tensor, items: Tensor) -> Tensor:
        """Estimated magnitudes [chosen, bins, frames] of some prompts, with the item of each."""
        return self.magnitudes[items] * self.masks[prompts]


class QueryLearner(L.LightningModule):
    """A network that learns from mixtures and words.

    Args:
        network: what learns.
        text: text side of the embedding; each phrase is computed once an epoch.
        teacher: hears the estimates; needed where the contrast counts and batches have phrases.
        steps: of the whole training.
    """

    def __init__(
        self,
        network: Network,
        text: PhraseCache,
        teacher: JointEmbedding | None,
        config: LearnerConfig,
        optimiser: OptimiserConfig,
        *,
        steps: int,
    ) -> None:
        super().__init__()
        self.network: Network = network
        for weights in network.parameters():
            if weights.ndim == 4:
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False) if config.average_decay else None
        self.config, self.optimiser_config, self.steps = config, optimiser, steps
        # Not parts of what learns, so not of its state either.
        self._outside = (text, teacher)
        self.validation = Validation(self.rule, self.config.judged_by)

    @property
    def text(self) -> PhraseCache:
        return self._outside[0]

    @property
    def teacher(self) -> JointEmbedding | None:
        return self._outside[1]

    @property
    def rule(self) -> Rule:
        """How prompts of one call share the mixture when the separator is used."""
        return "limit" if self.config.sharing == "none" else self.config.sharing

    @property
    def kept(self) -> Network:
        """What validation hears and what is stored: the average of the weights, or the weights."""
        kept: Network = self.network if self.average is None else self.average
        return kept

    def estimate(self, network: Network, batch: MixedBatch) -> Estimates:
        """Masks of all prompts of a batch, [prompts, bins, frames], each item's prompts together."""
        spectra = stft(batch.mixtures, network.config.grid)
        magnitudes = spectra.abs()
        text = self.text.embed_text(batch.prompts).to(batch.mixtures.device)
        grid, there = prompt_grid(batch.item_of_prompt)
        with torch.autocast(magnitudes.device.type, torch.bfloat16, enabled=self.config.bf16):
            masks = network(magnitudes, text.tokens[grid], text.mask[grid], text.vector[grid])
        return Estimates(spectra, magnitudes, masks.float()[there], text)

    def on_train_epoch_start(self) -> None:
        # A vector depends, in its last digits, on what was embedded with it, and a resumed run begins an
        # epoch knowing nothing. It also keeps the memory small: captions of sums hardly ever come again.
        self.text.forget()

    def training_step(self, batch: TrainingBatch, index: int) -> Tensor:
        zero = torch.zeros((), device=self.device)
        supervised = weak = absent = zero
        if batch.single is not None:
            made = self.estimate(self.network, batch.single)
            supervised = self._part_loss(made, batch.single, supervised=True)
            absent = absent + self._absent_loss(made, batch.single)
            self._note("supervised", supervised)
        if batch.mixed is not None:
            made = self.estimate(self.network, batch.mixed)
            weak = self._weak_loss(made, batch.mixed)
            absent = absent + self._absent_loss(made, batch.mixed)
        loss = semi_supervised_loss(supervised, weak, self.config.scales)
        loss = loss + self.config.scales.absent * absent
        self._note("absent", absent)
        self._note("loss", loss)
        return loss

    def _weak_loss(self, made: Estimates, batch: MixedBatch) -> Tensor:
        zero = torch.zeros((), device=self.device)
        unsupervised = self._part_loss(made, batch)
        self._note("unsupervised", unsupervised)
        contrastive = consistency = zero
        if len(batch.phrase_ids):
            variants = self._variants(made, batch, batch.prompt_of_phrase)
            items = batch.item_of_prompt[batch.prompt_of_phrase]
            targets = stft(batch.parts, self.network.config.grid).abs()
            consistency = mean_of(
                consistency_loss(
                    made.magnitudes[items] * masks,
                    batch.part_of_phrase,
                    targets,
                    items=len(batch.mixtures),
                    kind=self.config.error,
                )
                for masks in variants
            )
            self._note("consistency", consistency)
            if self.config.scales.contrastive:
                contrastive = self._contrast(made, batch, variants[-1])
                self._note("contrastive", contrastive)
        return weak_loss(contrastive, consistency, unsupervised, self.config.scales)

    def _part_loss(self, made: Estimates, batch: MixedBatch, *, supervised: bool = False) -> Tensor:
        targets = stft(batch.parts, self.network.config.grid).abs()
        loss = supervised_loss if supervised else unsupervised_loss
        mixtures = made.magnitudes[batch.item_of_part]
        return mean_of(
            loss(mixtures * masks, targets, made.magnitudes, batch.item_of_part, kind=self.config.error)
            for masks in self._variants(made, batch, batch.prompt_of_part)
        )

    def _absent_loss(self, made: Estimates, batch: MixedBatch) -> Tensor:
        items = batch.item_of_prompt[batch.prompt_of_absent]
        estimates = made.of(batch.prompt_of_absent, items)
        return absent_loss(estimates, made.magnitudes, items, kind=self.config.error)

    def _variants(self, made: Estimates, batch: MixedBatch, prompts: Tensor) -> list[Tensor]:
        """Masks of some prompts as they are judged: by themselves, and sharing the mixture in their item."""
        masks = made.masks[prompts]
        if self.config.sharing == "none":
            return [masks]
        grid, there = prompt_grid(batch.item_of_prompt[prompts].unique_consecutive(return_inverse=True)[1])
        shared = shared_masks(masks[grid], there, rule=self.config.sharing)[there]
        return [masks, shared] if self.config.alone else [shared]

    def _contrast(self, made: Estimates, batch: MixedBatch, masks: Tensor) -> Tensor:
        if self.teacher is None:
            raise ValueError("a contrast needs a teacher that hears")
        chosen = batch.contrasted
        prompts = batch.prompt_of_phrase[chosen]
        items = batch.item_of_prompt[prompts]
        grid, samples = self.network.config.grid, batch.mixtures.shape[-1]
        if len(prompts):
            audio = istft(made.spectra[items] * masks[chosen], grid, samples)
            audio = levelled(audio, batch.mixtures[items])
            audio = resample(audio, self.network.config.sample_rate, self.teacher.sample_rate)
            with torch.autocast(audio.device.type, torch.bfloat16, enabled=self.config.bf16):
                heard = self.teacher.embed_audio(audio).float()
        else:
            # Other processes may have some, and wait for this one on the way back.
            heard = made.text.vector[:0] + 0 * made.masks.sum()
        one_way = self.config.contrast == "one-way"
        pairs = [heard, made.text.vector[prompts], batch.phrase_ids[chosen], batch.slot_of_phrase[chosen]]
        mask = torch.ones(len(prompts), dtype=torch.bool, device=self.device)
        together = self._trainer is not None and self.trainer.world_size > 1
        if together:
            counts: Any = self.all_gather(torch.tensor(len(prompts), device=self.device))
            most = int(counts.max())
            pairs, mask = [filled(tensor, most) for tensor in pairs], filled(mask, most)
        heard, text, ids, slots = pairs
        return contrastive_loss(
            heard,
            text,
            ids,
            self.teacher.temperature,
            mask=mask,
            one_way=one_way,
            slots=slots if one_way else None,
            gather=self._gather if together else None,
        )

    def _gather(self, tensor: Tensor) -> Tensor:
        """Of all processes, in their order."""
        gathered: Any = self.all_gather(tensor, sync_grads=tensor.requires_grad)
        together: Tensor = gathered.flatten(0, 1)
        return together

    def _note(self, name: str, value: Tensor) -> None:
        self.log(f"train_{name}", value.detach(), on_step=False, on_epoch=True, batch_size=1)

    def on_train_batch_end(self, *_: Any) -> None:
        if self.average is None:
            return
        # At the start the average follows quickly: it would remember the random weights for long.
        steps = self.global_step
        follow(self.average, self.network, min(self.config.average_decay, (1 + steps) / (10 + steps)))

    def validation_step(self, batch: MixedBatch, index: int) -> None:
        made = self.estimate(self.kept, batch)
        self.validation.add(batch, made.spectra, made.masks, self.kept.config.grid)

    def on_validation_epoch_end(self) -> None:
        scores = self.validation.scores()
        for name, value in scores.items():
            self.log(f"validation_{name}", value)
        logger: Any = self.logger
        if logger is not None:
            self.validation.show(logger.experiment, self.kept.config, self.global_step)
        self.validation = Validation(self.rule, self.config.judged_by)

    def configure_optimizers(self) -> Any:
        return make_optimiser(self.network, self.optimiser_config, self.steps, fused=True)


def mean_of(losses: Iterable[Tensor]) -> Tensor:
    """Mean of scalars."""
    return torch.stack(list(losses)).mean()


def filled(tensor: Tensor, length: int) -> Tensor:
    """Zeros at the end of the first dimension, up to a length.

    >>> filled(torch.ones(1, 2), 2).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    return torch.cat((tensor, tensor.new_zeros(length - len(tensor), *tensor.shape[1:])))


def levelled(audio: Tensor, mixtures: Tensor) -> Tensor:
    """Estimates as loud as their mixtures; what is far below them is raised less, and silence not at all.

    Args:
        audio, mixtures: [estimates, time].
    """
    level = mixtures.square().mean(-1, keepdim=True)
    own = audio.square().mean(-1, keepdim=True)
    return audio * (level / (own + QUIETEST_SHARE**2 * level).clamp_min(1e-20)).sqrt()


@torch.no_grad()
def follow(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move the average towards the weights, and towards the statistics of the norms alike."""
    for ours, theirs in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
        if ours.is_floating_point():
            ours.lerp_(theirs, 1 - decay)
        else:
            ours.copy_(theirs)
