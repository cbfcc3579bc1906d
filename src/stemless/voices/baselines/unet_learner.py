"""One training step of the U-Net: from mixtures, the tracks of their voices, and the stems."""

from __future__ import annotations

import torch
from torch import Tensor

from stemless.optimiser import OptimiserConfig
from stemless.voices.baselines.unet import UNet, UNetConfig, unet_examples, unet_loss
from stemless.voices.corpus import Batch
from stemless.voices.learner import SeededLearner


class UNetLearner(SeededLearner):
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
        super().__init__(optimiser, steps=steps, seed=seed, bf16=bf16)
        self.model = UNet(config)

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
