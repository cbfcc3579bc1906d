"""Train the salience of pitches on mixtures whose pitch is known: the command `stemless train pitch`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from stemless import checkpoint
from stemless.optimiser import OptimiserConfig
from stemless.runner import OnProgress, claim, load_state, run_training
from stemless.voices.corpus import Batch, Mixture, read_manifest
from stemless.voices.estimation import MOST_VOICES
from stemless.voices.learner import SeededLearner
from stemless.voices.salience import KIND, SalienceConfig, SalienceNetwork, load_salience, targets_of
from stemless.voices.training import card, make_data, run_settings


@dataclass(frozen=True)
class SpoilingConfig:
    """What a mixture goes through on its way to the network, as recordings differ.

    Attributes:
        gain_db: down from a peak of full scale, by at most so much.
        tilt_db: between the lowest and the highest frequency, up or down by at most so much, and half as
            much from a wave over the octaves.
        noise_db: of coloured noise, below the mixture by these at least and at most.
    """

    gain_db: float = 24.0
    tilt_db: float = 9.0
    noise_db: tuple[float, float] = (25.0, 70.0)


@dataclass(frozen=True)
class RemixingConfig:
    """How voices are put together anew, where a corpus has them one by one.

    Attributes:
        share: of the batches; the others stay as they were rendered.
        level_db: deviation of the level of each voice.
        tilt_db: of each voice by itself, as in `SpoilingConfig`.
        swapped: share of the batches whose voices come from different ensembles.
        joined: share of the batches in which every ensemble sounds beside another one, of up to three voices
            each: duets teach quartets.
        silenced: probability that a voice is left out, pitch and all.
    """

    share: float = 0.9
    level_db: float = 6.0
    tilt_db: float = 6.0
    swapped: float = 0.3
    joined: float = 0.0
    silenced: float = 0.1


@dataclass(frozen=True)
class PitchTrainingConfig:
    """A training run. Paths are relative to the working directory.

    Attributes:
        corpora: manifests as `stemless data choir --stems` writes them, drawn from as one.
        remix: put the voices together anew; needs stems.
        start: a trained model to go on from.
    """

    corpora: tuple[str, ...]
    output: str
    start: str = ""
    remix: bool = True
    network: SalienceConfig = field(default_factory=SalienceConfig)
    spoiling: SpoilingConfig = field(default_factory=SpoilingConfig)
    remixing: RemixingConfig = field(default_factory=RemixingConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    batch_size: int = 4
    stretch_seconds: float = 2.0
    steps: int = 3000
    steps_per_epoch: int = 100
    validation_batches: int = 16
    patience_epochs: int = 1000
    gradient_clip: float = 1.0
    bf16: bool = True
    threads: int = 0
    device: str = "auto"
    seed: int = 0
    licence_of_data: str = "not stated"

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps", "steps_per_epoch", "validation_batches", "patience_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1")
        if self.stretch_seconds < 0.5:
            raise ValueError("stretch_seconds is at least 0.5")
        if not self.corpora:
            raise ValueError("corpora needs a manifest")
        if self.device not in ("auto", "cpu", "cuda", "mps"):
            raise ValueError("device is auto, cpu, cuda or mps")

    @property
    def sample_rate(self) -> int:
        return self.network.sample_rate

    @property
    def samples(self) -> int:
        """Samples of a stretch, a whole number of hops."""
        hop = self.network.hop_length
        return max(1, round(self.stretch_seconds * self.network.sample_rate / hop)) * hop


class PitchLearner(SeededLearner):
    """Cross-entropy of the salience of every pitch."""

    def __init__(self, model: SalienceNetwork, config: PitchTrainingConfig) -> None:
        super().__init__(config.optimiser, steps=config.steps, seed=config.seed, bf16=config.bf16)
        self.model, self.spoiling, self.remixing = model, config.spoiling, config.remixing

    def loss(self, batch: Batch, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        rate = self.model.config.sample_rate
        if batch.stems is not None:
            batch = remixed(batch, rate, self.remixing, generator)
        audio = spoiled(batch.audio, rate, self.spoiling, generator)
        with torch.autocast(audio.device.type, torch.bfloat16, enabled=self.bf16):
            logits: Tensor = self.model(audio)
        targets = targets_of(batch.f0_hz, self.model.config)
        # A sum over pitches: as many nats a frame as there are decisions to be wrong about.
        loss = functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum")
        return loss / (logits.shape[0] * logits.shape[2])


def remixed(batch: Batch, sample_rate: int, config: RemixingConfig, generator: torch.Generator) -> Batch:
    """A batch whose voices have other levels and colours, or other neighbours; its mixtures are their sums.

    Every mixture has a peak of full scale again. Needs stems.
    """

    def chance() -> float:
        return float(torch.rand((), generator=generator))

    if batch.stems is None or chance() >= config.share:
        return batch
    stems, f0_hz = batch.stems, batch.f0_hz
    examples, voices = stems.shape[:2]
    if 2 * voices <= MOST_VOICES and config.joined and chance() < config.joined:
        stems, f0_hz = (torch.cat([each, each.roll(1, 0)], dim=1) for each in (stems, f0_hz))
        voices *= 2
    if chance() < config.swapped:
        # The voice of each place comes from an example of its own.
        drawn = torch.stack([torch.randperm(examples, generator=generator) for _ in range(voices)], dim=1)
        places = torch.arange(voices)
        stems, f0_hz = stems[drawn, places], f0_hz[drawn, places]
    gains = 10 ** (config.level_db * torch.randn(examples, voices, generator=generator) / 20)
    kept = torch.rand(examples, voices, generator=generator) >= config.silenced
    flat = tilted(stems.flatten(0, 1), sample_rate, config.tilt_db, generator).view_as(stems)
    stems = flat * (gains * kept).to(stems)[..., None]
    f0_hz = f0_hz * kept.to(f0_hz)[..., None]
    audio = stems.sum(1)
    peak = audio.abs().amax(1).clamp_min(1e-6)
    return Batch(audio / peak[:, None], f0_hz, stems / peak[:, None, None])


def tilted(audio: Tensor, sample_rate: int, tilt_db: float, generator: torch.Generator) -> Tensor:
    """Audio [batch, time] through random smooth equalisers, one each: a slope and a wave over the octaves."""
    batch, samples = audio.shape

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(batch, 1, generator=generator)).to(audio.device)

    octaves = _octaves(samples, sample_rate, audio.device)
    slope_db = uniform(-1, 1) * (octaves - 0.5) * tilt_db
    wave_db = (
        uniform(0, 0.5) * tilt_db * torch.cos(2 * torch.pi * (uniform(0.5, 2) * octaves + uniform(0, 1)))
    )
    made: Tensor = torch.fft.irfft(torch.fft.rfft(audio) * 10 ** ((slope_db + wave_db) / 20), samples)
    return made


def _octaves(samples: int, sample_rate: int, device: torch.device) -> Tensor:
    """Of the bins of a transform, from 0 at 50 Hz and below to 1 at Nyquist."""
    hz = torch.fft.rfftfreq(samples, 1 / sample_rate, device=device).clamp_min(50.0)
    octaves = torch.log2(hz / 50.0)
    return octaves / octaves[-1]


def spoiled(audio: Tensor, sample_rate: int, config: SpoilingConfig, generator: torch.Generator) -> Tensor:
    """Audio [batch, time] through random equalisers, noises and gains, one each; drawn on the CPU."""
    batch, samples = audio.shape

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(batch, 1, generator=generator)).to(audio.device)

    made = tilted(audio, sample_rate, config.tilt_db, generator)
    falling_db = uniform(0, 30) * _octaves(samples, sample_rate, audio.device)
    noise = torch.fft.rfft(torch.randn(batch, samples, generator=generator).to(audio.device))
    noise = torch.fft.irfft(noise * 10 ** (-falling_db / 20), samples)
    below_db = uniform(*config.noise_db)
    level = made.square().mean(1, keepdim=True).sqrt() / noise.square().mean(1, keepdim=True).sqrt()
    made = made + noise * level * 10 ** (-below_db / 20)
    quieter: Tensor = made * 10 ** (-uniform(0, config.gain_db) / 20)
    return quieter


def train(config: PitchTrainingConfig, *, on_progress: OnProgress | None = None) -> Path:
    """Train on the corpora of the configuration and write the model to `output`/model.

    A run that was stopped goes on from its last checkpoint when called again with the same output.

    Returns:
        the folder of the model (config.json, model.safetensors, README.md).
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    run = Path(config.output)
    train_on, validate_on = _mixtures(config)
    claim(run, dataclasses.asdict(config))
    torch.manual_seed(config.seed)
    model = load_salience(config.start) if config.start else SalienceNetwork(config.network)
    learner = PitchLearner(model, config)
    best = run_training(
        learner, make_data(train_on, validate_on, config), run, run_settings(config), on_progress
    )
    learner.load_state_dict(load_state(best))
    stored = {"kind": KIND, "model": dataclasses.asdict(learner.model.config)}
    return checkpoint.save(
        run / "model",
        stored,
        learner.model.state_dict(),
        card("Pitch of several voices", "pitch", config, run),
    )


def _mixtures(config: PitchTrainingConfig) -> tuple[list[Mixture], list[Mixture]]:
    train_on: list[Mixture] = []
    validate_on: list[Mixture] = []
    for manifest in config.corpora:
        read = read_manifest(
            manifest, config.network.sample_rate, config.network.hop_length, with_stems=config.remix
        )
        train_on += read["train"]
        validate_on += read["validation"]
    return train_on, validate_on
