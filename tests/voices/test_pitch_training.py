"""Learning pitch at toy size: remixing, spoiling, a run that goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from stemless.configuration import from_mapping
from stemless.data.rendering import render_corpus
from stemless.voices.corpus import Batch
from stemless.voices.pitch_training import (
    PitchTrainingConfig,
    RemixingConfig,
    SpoilingConfig,
    remixed,
    spoiled,
    train,
)
from stemless.voices.salience import load_salience

SMALL = {"channels": 4, "harmonics": [0.5, 1, 2], "windows": [2048]}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def batch() -> Batch:
    stems = torch.randn(3, 2, 4000, generator=seeded())
    return Batch(stems.sum(1), torch.rand(3, 2, 16, generator=seeded()) + 200, stems)


def test_remixed_voices_sum_to_their_mixture_at_full_scale(batch: Batch) -> None:
    for seed in range(5):
        made = remixed(batch, 16000, RemixingConfig(share=1.0), seeded(seed))
        assert made.stems is not None
        torch.testing.assert_close(made.stems.sum(1), made.audio)
        peaks = made.audio.abs().amax(1)
        assert ((peaks - 1).abs().lt(1e-5) | peaks.eq(0)).all()


def test_a_swapped_voice_brings_its_pitch_and_a_silenced_one_loses_it(batch: Batch) -> None:
    plain = RemixingConfig(share=1.0, level_db=0.0, tilt_db=0.0, swapped=1.0, silenced=0.5)
    made = remixed(batch, 16000, plain, seeded(1))
    assert made.stems is not None and batch.stems is not None
    silent = made.stems.abs().amax(-1) == 0
    assert silent.any() and not silent.all()
    assert ((made.f0_hz == 0).all(-1) == silent).all()
    for example in range(3):
        for voice in range(2):
            if silent[example, voice]:
                continue
            same = [torch.equal(made.f0_hz[example, voice], f0) for f0 in batch.f0_hz[:, voice]]
            origin = batch.stems[same.index(True), voice]
            shape = made.stems[example, voice]
            assert float(torch.corrcoef(torch.stack((origin, shape)))[0, 1]) > 0.999


def test_joined_ensembles_sound_beside_each_other(batch: Batch) -> None:
    plain = RemixingConfig(share=1.0, level_db=0.0, tilt_db=0.0, swapped=0.0, joined=1.0, silenced=0.0)
    made = remixed(batch, 16000, plain, seeded())
    assert made.stems is not None and made.stems.shape == (3, 4, 4000)
    torch.testing.assert_close(made.stems.sum(1), made.audio)
    assert torch.equal(made.f0_hz[0], torch.cat([batch.f0_hz[0], batch.f0_hz[2]]))
    crowd = Batch(batch.audio, made.f0_hz, made.stems)
    again = remixed(crowd, 16000, plain, seeded())
    assert again.stems is not None and again.stems.shape[1] == 4, "eight voices are more than can be heard"


def test_a_share_of_the_batches_stays_as_it_was(batch: Batch) -> None:
    assert remixed(batch, 16000, RemixingConfig(share=0.0), seeded()) is batch


def test_spoiling_adds_noise_as_far_below_as_asked() -> None:
    audio = torch.sin(torch.arange(16000) / 8)[None].expand(4, -1)
    config = SpoilingConfig(gain_db=0.0, tilt_db=0.0, noise_db=(20.0, 20.0))
    noise = spoiled(audio, 16000, config, seeded()) - audio
    level_db = 20 * torch.log10(noise.square().mean(1).sqrt() / audio.square().mean(1).sqrt())
    torch.testing.assert_close(level_db, torch.full((4,), -20.0), atol=0.1, rtol=0)


def test_silence_can_be_spoiled() -> None:
    assert torch.isfinite(spoiled(torch.zeros(2, 4000), 16000, SpoilingConfig(), seeded())).all()


def test_a_run_that_was_stopped_goes_on_to_the_same_model(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    manifest = render_corpus(tmp_path / "c", 2, 1.0, 0, voices=2, stems=True)

    def config(output: str, **more: object) -> PitchTrainingConfig:
        settings = {"corpora": [str(manifest)], "output": str(tmp_path / output), "network": SMALL}
        settings |= {"steps": 4, "steps_per_epoch": 2, "batch_size": 2, "stretch_seconds": 0.6, "threads": 1}
        return from_mapping(PitchTrainingConfig, settings | more)

    class StoppedError(Exception):
        pass

    def stop(done: float, total: float) -> None:
        if done == 3:
            raise StoppedError

    whole = train(config("whole"))
    with pytest.raises(StoppedError):
        train(config("part"), on_progress=stop)
    assert not (tmp_path / "part/model").exists()
    part = train(config("part"))
    mono = 0.1 * torch.randn(1, 8000, generator=seeded())
    with torch.inference_mode():
        one, other = load_salience(whole)(mono), load_salience(part)(mono)
    np.testing.assert_array_equal(one.numpy(), other.numpy())
    further = train(config("further", start=str(whole), steps=2))
    assert load_salience(further).config == load_salience(whole).config


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"stretch_seconds": 0.1}, {"corpora": []}, {"device": "x"}])
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        PitchTrainingConfig(**({"corpora": ("a",), "output": "b"} | wrong))  # type: ignore[arg-type]
