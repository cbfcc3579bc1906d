"""How well a network separates recordings that training does not hear, and how that sounds and looks."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from stemless.evaluation.metrics import ratio_db, si_sdr
from stemless.query.collation import MixedBatch, prompt_grid
from stemless.query.model import NetworkConfig
from stemless.query.sharing import Rule, shared_masks
from stemless.spectrum import Grid, istft

Measure = Literal["si_sdr", "sdr"]
SHOWN_ITEMS = 2
LOWEST_DB = -30.0
"""A single estimate that is nearly silent must not outweigh all others."""


class Validation:
    """Scores of fixed mixtures, gathered batch by batch.

    The prompts of an item's parts are asked in one call and share the mixture; each is also judged alone.

    Args:
        rule: how they share it.
        judged_by: the measure whose mean is the loss that a run watches. A stem that is wrong and quiet costs
            much in SI-SDR and little in SDR.
    """

    def __init__(self, rule: Rule = "limit", judged_by: Measure = "si_sdr") -> None:
        self.rule, self.judged_by = rule, judged_by
        self._gains_db: list[Tensor] = []
        self._sdr_db: list[Tensor] = []
        self._single_sdr_db: list[Tensor] = []
        self._absent_db: list[Tensor] = []
        self._shown: list[tuple[Tensor, list[tuple[str, Tensor, Tensor]]]] = []

    def add(self, batch: MixedBatch, spectra: Tensor, masks: Tensor, grid: Grid) -> None:
        """Score a batch.

        Args:
            spectra: [items, bins, frames], complex, of its mixtures.
            masks: [prompts, bins, frames].
        """
        # Scores need double precision, which some accelerators do not have.
        fields: Any = {k: v.cpu() for k, v in batch._asdict().items() if isinstance(v, Tensor)}
        batch = batch._replace(**fields)
        spectra, masks = spectra.cpu(), masks.cpu()
        samples = batch.mixtures.shape[-1]
        places, there = prompt_grid(batch.item_of_part)
        own = masks[batch.prompt_of_part]
        shared = shared_masks(own[places], there, rule=self.rule)[there]
        of_part = spectra[batch.item_of_part]
        estimates = istft(of_part * shared, grid, samples)
        mixtures = batch.mixtures[batch.item_of_part]
        before = si_sdr(batch.parts, mixtures).clamp_min(LOWEST_DB)
        self._gains_db.append(si_sdr(batch.parts, estimates).clamp_min(LOWEST_DB) - before)
        self._sdr_db.append(_sdr_db(batch.parts, estimates))
        self._single_sdr_db.append(_sdr_db(batch.parts, istft(of_part * own, grid, samples)))
        if len(batch.prompt_of_absent):
            items = batch.item_of_prompt[batch.prompt_of_absent]
            given = istft(spectra[items] * masks[batch.prompt_of_absent], grid, samples)
            energy = given.square().sum(-1)
            self._absent_db.append(ratio_db(energy, batch.mixtures[items].square().sum(-1)))
        for item in range(min(len(batch.mixtures), SHOWN_ITEMS - len(self._shown))):
            parts = torch.nonzero(batch.item_of_part == item).flatten().tolist()
            prompts = batch.prompt_of_part.tolist()
            shown = [(batch.prompts[prompts[part]], estimates[part], shared[part]) for part in parts]
            self._shown.append((batch.mixtures[item], shown))

    def scores(self) -> dict[str, float]:
        """Means over all parts, in dB; `loss`, the lower the better, is what a run watches."""
        gain_db, sdr_db = _mean(self._gains_db), _mean(self._sdr_db)
        scores = {
            "loss": -(gain_db if self.judged_by == "si_sdr" else sdr_db),
            "si_sdr_gain_db": gain_db,
            "sdr_db": sdr_db,
            "single_prompt_sdr_db": _mean(self._single_sdr_db),
        }
        if self._absent_db:
            scores["absent_db"] = _mean(self._absent_db)
        return scores

    def show(self, writer: Any, config: NetworkConfig, step: int) -> None:
        """A few items as audio and pictures of their masks, for TensorBoard."""
        for number, (mixture, estimates) in enumerate(self._shown):
            writer.add_audio(f"item {number}/mixture", _audible(mixture), step, config.sample_rate)
            for place, (prompt, audio, mask) in enumerate(estimates):
                name = f"item {number}/{place} {prompt}"
                writer.add_audio(name, _audible(audio), step, config.sample_rate)
                # Low frequencies at the bottom, as everyone draws them.
                writer.add_image(f"{name} mask", mask.flip(0)[None].float().cpu(), step)


def _sdr_db(references: Tensor, estimates: Tensor) -> Tensor:
    errors = (estimates - references).square().sum(-1)
    return ratio_db(references.square().sum(-1), errors).clamp_min(LOWEST_DB)


def _mean(values: list[Tensor]) -> float:
    return float(torch.cat(values).mean())


def _audible(audio: Tensor) -> Tensor:
    return (audio / audio.abs().max().clamp_min(1e-6) * 0.9)[None].float().cpu()
