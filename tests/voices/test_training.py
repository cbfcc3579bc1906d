"""Training end to end at toy size: corpus, runner, resuming, fit."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemless.configuration import from_mapping
from stemless.errors import StemlessError
from stemless.optimiser import OptimiserConfig
from stemless.voices.corpus import HeldMixture, StretchSampler, read_manifest
from stemless.voices.fit import fit
from stemless.voices.learner import VoicesLearner
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig
from stemless.voices.network_separator import load_model
from stemless.voices.tracks import PitchTracks
from stemless.voices.training import TrainingConfig, train

SMALL = {"encoder_size": 12, "embedding_size": 8, "decoder_size": 16}


def voice(f0_hz: np.ndarray, rate: int, seconds: float) -> np.ndarray:
    f = np.interp(np.arange(int(seconds * rate)) / rate, np.arange(len(f0_hz)) * 0.01, f0_hz)
    phase = 2 * np.pi * np.cumsum(f) / rate
    return 0.1 * sum(np.sin(k * phase) / k for k in range(1, 8))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three mixtures at 22.05 kHz stereo with tracks and stems, one of them for validation."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for index, notes in enumerate([(200.0, 310.0), (180.0, 400.0), (240.0, 350.0)]):
        f0_hz = np.stack([note * 2 ** (0.02 * np.sin(np.arange(300) / 9)) for note in notes])
        stems = [voice(row, 22050, 2.9) for row in f0_hz]
        soundfile.write(folder / f"mix{index}.wav", np.stack([sum(stems)] * 2, 1), 22050, subtype="FLOAT")
        for name, stem in zip("ab", stems, strict=True):
            soundfile.write(folder / f"stem{index}{name}.wav", stem, 22050, subtype="FLOAT")
        PitchTracks.regular(f0_hz, 0.01, ["low", "high"]).to_csv(folder / f"f0{index}.csv")
        rows.append(
            {
                "audio": f"mix{index}.wav",
                "f0": f"f0{index}.csv",
                "stems": f"stem{index}a.wav;stem{index}b.wav",
                "split": "validation" if index == 2 else "",
            }
        )
    with (folder / "corpus.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "corpus.csv"


def config(corpus: Path, output: Path, **settings: object) -> TrainingConfig:
    values = {
        "corpus": str(corpus),
        "output": str(output),
        "network": SMALL,
        "batch_size": 2,
        "stretch_seconds": 0.6,
        "steps": 5,
        "steps_per_epoch": 2,
        "validation_batches": 1,
        "optimiser": {"rate": 1e-3, "warm_up_steps": 2},
        **settings,
    }
    return from_mapping(TrainingConfig, values, where="test")


def test_stretches_hold_mixture_tracks_and_stems(corpus: Path) -> None:
    mixture = read_manifest(corpus, 16000, 256, with_stems=True)["train"][0]
    example = mixture.stretch(0.5, 8000)
    assert example.audio.shape == (8000,) and example.f0_hz.shape == (2, 32)
    assert example.audio.abs().max() == pytest.approx(1.0)
    assert torch.allclose(example.stems.sum(0), example.audio, atol=1e-3)
    assert (example.f0_hz[0] - 200).abs().max() < 5
    past_the_end = mixture.stretch(2.8, 8000)
    assert past_the_end.audio[4000:].abs().max() == 0 and past_the_end.f0_hz[:, 20:].max() == 0


def test_held_and_filed_mixtures_agree(corpus: Path) -> None:
    filed = read_manifest(corpus, 16000, 256)["train"][0]
    whole = filed.stretch(0.0, 46400)
    held = HeldMixture(whole.audio, filed.tracks, 16000, 256, (0.0, 2.9))
    one, two = filed.stretch(0.8, 8000), held.stretch(0.8, 8000)
    assert torch.allclose(one.audio[500:-500], two.audio[500:-500], atol=2e-2)
    assert torch.equal(one.f0_hz, two.f0_hz)


def test_batches_depend_on_seed_and_position_alone(corpus: Path) -> None:
    mixtures = read_manifest(corpus, 16000, 256)["train"]

    def sampler(first: int, seed: int = 0) -> StretchSampler:
        return StretchSampler(
            mixtures, batch_size=2, samples=4096, sample_rate=16000, first=first, batches=4, seed=seed
        )

    assert torch.equal(sampler(0)[3].audio, sampler(2)[1].audio)
    assert not torch.equal(sampler(0)[0].audio, sampler(0)[1].audio)
    assert not torch.equal(sampler(0)[0].audio, sampler(0, seed=1)[0].audio)
    with pytest.raises(IndexError):
        sampler(0)[4]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("missing.wav,f00.csv,,,", "missing.wav"),
        ("mix0.wav,missing.csv,,,", "missing.csv"),
        ("mix0.wav,f00.csv,test,,", "train or validation"),
        ("mix0.wav,f00.csv,,2,1", "nothing lies between"),
        ("mix0.wav,f00.csv,,soon,", "seconds"),
    ],
)
def test_a_bad_line_is_named(corpus: Path, tmp_path: Path, line: str, says: str) -> None:
    bad = corpus.parent / f"bad{abs(hash(line))}.csv"
    bad.write_text(f"audio,f0,split,start,end\n{line}\n")
    with pytest.raises(StemlessError) as caught:
        read_manifest(bad, 16000, 256)
    assert says in str(caught.value) and "line 2" in str(caught.value) and "\n" not in str(caught.value)


def test_supervised_training_needs_stems(tmp_path: Path, corpus: Path) -> None:
    bare = corpus.parent / "bare.csv"
    bare.write_text("audio,f0\nmix0.wav,f00.csv\n")
    with pytest.raises(StemlessError, match="0 stems for 2 tracks"):
        read_manifest(bare, 16000, 256, with_stems=True)
    with pytest.raises(StemlessError, match="column 'f0'"):
        (corpus.parent / "no.csv").write_text("audio\nmix0.wav\n")
        read_manifest(corpus.parent / "no.csv", 16000, 256)


@pytest.mark.parametrize("regime", ["unsupervised", "supervised"])
def test_training_leaves_a_model_that_loads(corpus: Path, tmp_path: Path, regime: str) -> None:
    folder = train(config(corpus, tmp_path / "run", regime=regime))
    model = load_model(folder)
    assert model.config == NetworkConfig(**SMALL)
    curve = json.loads((tmp_path / "run" / "curve.json").read_text())
    assert [row["step"] for row in curve] == [2, 4, 5]
    assert all(np.isfinite([row["train_loss"], row["validation_loss"]]).all() for row in curve)
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))
    assert "licence" in (folder / "README.md").read_text().lower()


def test_a_stopped_run_goes_on_to_the_same_result(corpus: Path, tmp_path: Path) -> None:
    whole = train(config(corpus, tmp_path / "whole"))

    def stop(done: float, total: float) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(corpus, tmp_path / "stopped"), on_progress=stop)
    assert not (tmp_path / "stopped" / "model").exists()
    resumed = train(config(corpus, tmp_path / "stopped"))
    assert (whole / "model.safetensors").read_bytes() == (resumed / "model.safetensors").read_bytes()
    curves = [json.loads((tmp_path / run / "curve.json").read_text()) for run in ("whole", "stopped")]
    assert curves[0] == curves[1]


def test_going_on_with_other_settings_is_refused(corpus: Path, tmp_path: Path) -> None:
    train(config(corpus, tmp_path / "run", steps=2))
    with pytest.raises(StemlessError, match="other settings"):
        train(config(corpus, tmp_path / "run", steps=4))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("dear")
    with pytest.raises(StemlessError, match="not empty"):
        train(config(corpus, tmp_path / "full"))


def test_a_fit_learns_and_repeats(corpus: Path) -> None:
    mixture = read_manifest(corpus, 16000, 256)["train"][0]
    whole = mixture.stretch(0.0, 46400)
    torch.manual_seed(0)
    start = VoicesModel(NetworkConfig(**SMALL))
    before = {name: value.clone() for name, value in start.state_dict().items()}

    def run(seed: int) -> VoicesModel:
        fresh = VoicesModel(NetworkConfig(**SMALL))
        fresh.load_state_dict(before)
        return fit(whole.audio, mixture.tracks, steps=60, model=fresh, seed=seed, batch_size=2, rate=3e-3)

    one, two = run(1), run(1)
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )

    def loss(model: VoicesModel) -> float:
        learner = VoicesLearner(model, "unsupervised", OptimiserConfig(), steps=1, seed=0, bf16=False)
        sampler = StretchSampler(
            [mixture], batch_size=4, samples=8192, sample_rate=16000, first=0, batches=1, seed=9
        )
        with torch.no_grad():
            return float(learner.loss(sampler[0], 0))

    start.load_state_dict(before)
    assert loss(one) < 0.8 * loss(start)


def test_a_fit_of_nothing_is_refused() -> None:
    tracks = PitchTracks.regular(np.full((2, 200), 200.0), 0.01, ["a", "b"])
    resting = PitchTracks.regular(np.zeros((2, 200)), 0.01, ["a", "b"])
    for audio, given, says in (
        (torch.ones(8000), tracks, "at least 1 s"),
        (torch.zeros(32000), tracks, "silent"),
        (torch.ones(32000), resting, "no voice is voiced"),
    ):
        with pytest.raises(StemlessError, match=says):
            fit(audio, given, steps=1)


def test_settings_that_cannot_be_are_refused(corpus: Path, tmp_path: Path) -> None:
    for wrong in ({"steps": 0}, {"model": "unet"}, {"stretch_seconds": 0.1}, {"device": "tpu"}):
        with pytest.raises(StemlessError):
            config(corpus, tmp_path, **wrong)
