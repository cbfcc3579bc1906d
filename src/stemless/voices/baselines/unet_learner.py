"""One training step of the U-Net: from mixtures, the tracks of their voices, and the stems."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch import Tensor

from stemless.voices.baselines.unet import UNet, UNetConfig, unet_examples, unet_loss
from stemless.voices.corpus import Batch
from stemless.voices.learner import OptimiserConfig, make_optimiser


class UNetLearner(L.LightningModule):
    """Each step takes one voice of each mixture, drawn evenly, as its examples.

    The network runs in bfloat16 where `bf16` says so (half the time on a processor that has it), the loss
    in float32.
    """

    def __init__(
        self,
        optimiser: OptimiserConfig,
        *,
        steps: int,
        bf16: bool,
        config: UNetConfig | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.model = UNet(config)
        self.optimiser_config = optimiser
        self.steps, self.bf16, self.seed = steps, bf16, seed

    def loss(self, batch: Batch, seed: int) -> Tensor:
        """Loss of a batch; `seed` draws the voices."""
        if batch.stems is None:
            raise ValueError("the U-Net learns from stems")
        generator = torch.Generator().manual_seed(seed)
        mixtures, voices = batch.stems.shape[:2]
        chosen = torch.randint(voices, (mixtures,), generator=generator).to(batch.audio.device)
        mixture, bins, voice = unet_examples(batch.audio, batch.f0_hz, batch.stems, chosen, self.model.config)
        with torch.autocast(batch.audio.device.type, torch.bfloat16, enabled=self.bf16):
            mask = self.model(mixture, bins)
        return unet_loss(mask.float(), mixture, voice)

    def training_step(self, batch: Batch, index: int) -> Tensor:
        loss = self.loss(batch, self.seed * 1_000_003 + self.global_step)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=batch.audio.shape[0])
        return loss

    def validation_step(self, batch: Batch, index: int) -> None:
        loss = self.loss(batch, index)
        self.log("validation_loss", loss, batch_size=batch.audio.shape[0])

    def configure_optimizers(self) -> Any:
        return make_optimiser(self, self.optimiser_config, self.steps)
