"""One training step of a voices model: without stems, or with them for comparison."""

from __future__ import annotations

from typing import Any, Literal

import lightning as L
import torch
from torch import Tensor

from stemless.optimiser import OptimiserConfig, make_optimiser
from stemless.voices.corpus import Batch
from stemless.voices.model import VoicesModel
from stemless.voices.objectives import multi_scale_loss
from stemless.voices.synthesis import excite

Regime = Literal["unsupervised", "supervised"]


class SeededLearner(L.LightningModule):
    """What every learner of voices shares: a loss that draws from a seed, its logs, its optimiser.

    The seed of a step follows from the run's seed and the step's number, so that a resumed run draws alike.
    """

    def __init__(self, optimiser: OptimiserConfig, *, steps: int, seed: int, bf16: bool) -> None:
        super().__init__()
        self.optimiser_config = optimiser
        self.steps, self.seed, self.bf16 = steps, seed, bf16

    def loss(self, batch: Batch, seed: int) -> Tensor:
        """Loss of a batch; whatever is random in it is drawn from `seed`."""
        raise TypeError(f"{type(self).__name__} has no loss")

    def training_step(self, batch: Batch, index: int) -> Tensor:
        loss = self.loss(batch, self.seed * 1_000_003 + self.global_step)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=batch.audio.shape[0])
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        loss = self.loss(batch, index)
        self.log("validation_loss", loss, batch_size=batch.audio.shape[0])

    def configure_optimizers(self) -> Any:
        return make_optimiser(self, self.optimiser_config, self.steps)


class VoicesLearner(SeededLearner):
    """The loss compares the sum of the voices with the mixture; supervised, each voice with its stem.

    The network runs in bfloat16 where `bf16` says so; synthesis and loss always in float32 (and the
    phases and filters in float64).
    """

    def __init__(
        self,
        model: VoicesModel,
        regime: Regime,
        optimiser: OptimiserConfig,
        *,
        steps: int,
        seed: int,
        bf16: bool,
    ) -> None:
        super().__init__(optimiser, steps=steps, seed=seed, bf16=bf16)
        self.model = model
        self.regime = regime

    def loss(self, batch: Batch, seed: int) -> Tensor:
        """Loss of a batch; the noise of the excitation is drawn from `seed`."""
        samples = batch.audio.shape[-1]
        generator = torch.Generator(batch.audio.device).manual_seed(seed)
        excitation = excite(batch.f0_hz, samples, self.model.grid, generator)
        with torch.autocast(batch.audio.device.type, torch.bfloat16, enabled=self.bf16):
            parameters = self.model.parameters_of(batch.audio, batch.f0_hz)
        if self.regime == "unsupervised":
            return multi_scale_loss(self.model.mixture_from(parameters, excitation, samples), batch.audio)
        if batch.stems is None:
            raise ValueError("supervised training needs stems")
        return multi_scale_loss(self.model.voices_from(parameters, excitation, samples), batch.stems)
