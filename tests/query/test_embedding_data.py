"""Batches of the joint embedding: what is drawn, how mixtures share their labels, what seeds decide."""

from hashlib import sha256
from pathlib import Path

import clips
import numpy as np
import pytest
import torch

from stemless.configuration import from_mapping
from stemless.errors import StemlessError, UsageError
from stemless.query.augmentation import AugmentationConfig
from stemless.query.embedding_data import (
    LabelledRecordings,
    SoundBatches,
    SoundConfig,
    Source,
    add_noise,
    at_one_level,
    draw_shares,
    mix_within,
    read_sources,
)
from stemless.query.manifest import Recording, write_manifest

PLAIN = SoundConfig(clip_seconds=0.25, mixed=0.0, mixed_again=0.0, noise=0.0)


def recordings(folder: Path) -> list[Recording]:
    return [
        clips.recording(folder, "dog0", "a dog barking", ["dog barking"]),
        clips.recording(folder, "dog1", "Dog barking", ["Dog barking."]),
        clips.recording(folder, "rain", "rain falling", ["rain"]),
        clips.recording(folder, "both", "a kazoo in the rain", ["kazoo", "rain"]),
    ]


def labelled(folder: Path, **settings: object) -> LabelledRecordings:
    return LabelledRecordings([(recordings(folder), 1.0)], clips.RATE, 0.0, **settings)  # type: ignore[arg-type]


def batches(
    data: LabelledRecordings, config: SoundConfig = PLAIN, first: int = 0, seed: int = 0
) -> SoundBatches:
    return SoundBatches(data, config, AugmentationConfig(), batch_size=6, first=first, batches=3, seed=seed)


def test_labels_are_the_phrases_of_all_recordings(tmp_path: Path) -> None:
    data = labelled(tmp_path)
    assert data.labels == ("dog barking", "kazoo", "rain")
    assert data.named == [(0,), (0,), (2,), (1, 2)]
    some = labelled(tmp_path, labels=["rain", "dog barking"])
    assert some.named == [(1,), (1,), (0,), (0,)]
    with pytest.raises(StemlessError, match="names a sound"):
        labelled(tmp_path, labels=["horse"])


def test_wordings_hold_label_table_captions_and_sentences(tmp_path: Path) -> None:
    dog, kazoo, rain = labelled(tmp_path).wordings()
    assert dog[0] == "dog barking" and {"barking dog", "a dog barking", "the sound of dog barking"} <= set(
        dog
    )
    assert len(set(dog)) == len(dog)
    assert "rain falling" in rain
    # The caption of two sounds names neither alone.
    assert not {"a kazoo in the rain"} & {*kazoo, *rain}


def test_labels_share_the_draws() -> None:
    named, one = [(0,)] * 9 + [(1,)], [0] * 10
    assert draw_shares(named, one, [1.0] * 10, 0.0)[-1] == pytest.approx(0.5)
    assert draw_shares(named, one, [1.0] * 10, 1.0)[-1] == pytest.approx(0.1)
    assert draw_shares(named, one, [1.0] * 10, 0.5)[-1] == pytest.approx(0.25)
    assert draw_shares(named, one, [1.0] * 9 + [3.0], 0.0)[-1] == pytest.approx(0.75)
    # The same label in two manifests is counted in each.
    assert draw_shares([(0,)] * 10, [0] * 9 + [1], [1.0] * 10, 0.0)[-1] == pytest.approx(0.5)


def test_a_batch_holds_what_its_recordings_name(tmp_path: Path) -> None:
    audio, shares = batches(labelled(tmp_path))[0]
    assert audio.shape == (6, 2000) and shares.shape == (6, 3)
    assert torch.allclose(shares.sum(1), torch.ones(6))
    assert torch.allclose(audio.square().mean(1), torch.ones(6), atol=1e-3)
    # The bin of each word's tone is in the spectrum of the clips that name it alone.
    spectra = torch.fft.rfft(audio * torch.hann_window(2000)).abs() / 500
    places = {word: round((200 + 5 * sha256(word.encode()).digest()[1]) / 4) for word in TONES}
    heard = {word: spectra[:, place - 1 : place + 2].amax(1) > 0.05 for word, place in places.items()}
    assert torch.equal(heard["dog barking"] | heard["Dog barking."], shares[:, 0] > 0)
    assert torch.equal(heard["kazoo"], shares[:, 1] > 0)
    assert torch.equal(heard["rain"], shares[:, 2] > 0)


TONES = ("dog barking", "Dog barking.", "rain", "kazoo")


def test_batches_depend_on_seed_and_number_alone(tmp_path: Path) -> None:
    config = SoundConfig(clip_seconds=0.25)
    one, other = batches(labelled(tmp_path), config), batches(labelled(tmp_path), config, first=1)
    assert torch.equal(one[1].audio, other[0].audio) and torch.equal(one[1].shares, other[0].shares)
    assert not torch.equal(one[0].audio, one[1].audio)
    assert not torch.equal(one[0].audio, batches(labelled(tmp_path), config, seed=1)[0].audio)
    with pytest.raises(IndexError):
        one[3]


def test_mixtures_add_up_and_share_by_amplitude() -> None:
    audio = at_one_level(torch.randn(5, 64, generator=torch.Generator().manual_seed(0)))
    shares = torch.eye(5)
    config = SoundConfig(mixed=1.0, mixed_again=0.5, level_spread_db=10.0)
    mixed, parts = mix_within(audio, shares, config, np.random.default_rng(0))
    assert torch.allclose(parts.sum(1), torch.ones(5))
    for clip, part in zip(mixed, parts, strict=True):
        gains = torch.linalg.lstsq(audio.T, clip).solution
        assert torch.allclose(gains / gains.sum(), part, atol=1e-4)
    assert (parts > 0).sum() > 8
    still, alone = mix_within(audio, shares, SoundConfig(mixed=0.0), np.random.default_rng(0))
    assert torch.equal(still, audio) and torch.equal(alone, shares)


def test_noise_lies_within_its_levels() -> None:
    audio = at_one_level(torch.randn(64, 400, generator=torch.Generator().manual_seed(0)))
    noise = add_noise(audio, 0.5, np.random.default_rng(1)) - audio
    level_db = 10 * torch.log10(noise.square().mean(1).clamp_min(1e-12))
    assert 16 < int((level_db > -100).sum()) < 48
    assert float(level_db[level_db > -100].min()) > -42 and float(level_db.max()) < -4


def test_unreadable_files_are_passed_over(tmp_path: Path) -> None:
    told: list[str] = []
    data = labelled(tmp_path, report=told.append)
    (tmp_path / "rain.wav").write_bytes(b"RIFF")
    assert len(batches(data)[0].audio) == 6
    for name in ("dog0", "dog1", "both"):
        (tmp_path / f"{name}.wav").unlink()
    fresh = labelled_without_files(tmp_path)
    with pytest.raises(StemlessError, match="hardly a recording"):
        batches(fresh)[0]


def labelled_without_files(folder: Path) -> LabelledRecordings:
    gone = [Recording(folder / f"gone{n}.wav", "rain", ("rain",)) for n in range(2)]
    return LabelledRecordings([(gone, 1.0)], clips.RATE, 0.0, report=lambda line: None)


def test_sources_are_read_by_split(tmp_path: Path) -> None:
    import dataclasses

    rows = recordings(tmp_path)
    rows[1] = dataclasses.replace(rows[1], split="validation")
    write_manifest(rows, tmp_path / "manifest.csv")
    source = Source(str(tmp_path / "manifest.csv"), 2.0)
    (learned, weight), (held, _) = (read_sources([source], split)[0] for split in ("train", "validation"))
    assert weight == 2.0 and len(learned) == 3 and [r.audio.stem for r in held] == ["dog1"]


def test_impossible_settings_are_refused() -> None:
    for settings in ({"mixed": 1.5}, {"clip_seconds": 0.0}, {"level_spread_db": -1}, {"label_power": 2}):
        with pytest.raises(UsageError):
            from_mapping(SoundConfig, settings, where="test")
    with pytest.raises(UsageError, match="weight"):
        from_mapping(Source, {"manifest": "x.csv", "weight": 0}, where="test")
