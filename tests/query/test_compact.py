"""The compact embedding: the protocol, its identity, and the way to disk and back."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from tiny_towers import audio_tower, embedding, text_tower

from stemless.errors import CheckpointError
from stemless.query import compact
from stemless.query import text_tower as text_towers
from stemless.query.audio_tower import AudioTower
from stemless.query.compact import Beside, CompactEmbedding
from stemless.query.embedding import JointEmbedding, PhraseCache

PHRASES = ["a dog barking", "rain"]


def heard(model: JointEmbedding) -> torch.Tensor:
    """All that the protocol asks for, used as a stranger would."""
    text = PhraseCache(model).embed_text(PHRASES)
    assert text.tokens.shape[0] == len(PHRASES) and text.tokens.shape[2] == model.token_width
    assert text.mask.dtype == torch.bool and text.vector.shape == (2, model.dimension)
    audio = torch.randn(2, model.sample_rate, generator=torch.Generator().manual_seed(0)).requires_grad_()
    vectors = model.embed_audio(audio)
    (vectors @ text.vector.T / model.temperature).logsumexp(1).sum().backward()
    assert audio.grad is not None and audio.grad.abs().max() > 0
    return vectors.detach()


def test_it_is_a_joint_embedding() -> None:
    vectors = heard(embedding())
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(2), atol=1e-5)


def test_it_stays_frozen_inside_a_model_that_learns() -> None:
    model = torch.nn.Sequential(embedding())
    model.train()
    assert not any(module.training for module in model[0].modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_identity_follows_the_text_tower_and_audio_identity_the_other() -> None:
    one = embedding()
    other_audio = CompactEmbedding(text_tower(), audio_tower(seed=1), 0.05, 0.5)
    assert one.identity == embedding().identity == other_audio.identity
    assert one.identity != embedding(seed=1).identity
    assert one.audio_identity == embedding().audio_identity != other_audio.audio_identity
    other_length = CompactEmbedding(text_tower(), audio_tower(), 0.05, 1.0)
    assert one.audio_identity != other_length.audio_identity


def test_a_recording_is_heard_in_clips_of_the_length_of_training() -> None:
    model = embedding()
    clip = round(model.clip_seconds * model.sample_rate)
    sound = torch.randn(2 * clip, generator=torch.Generator().manual_seed(0))
    short, exact = sound[: clip // 3], sound[:clip]
    missing = clip - len(short)
    filled = torch.nn.functional.pad(short, (missing // 2, missing - missing // 2))
    torch.testing.assert_close(model.embed_recording(short), model.embed_audio(filled[None])[0])
    torch.testing.assert_close(model.embed_recording(exact), model.embed_audio(exact[None])[0])
    parts = torch.stack([sound[:clip], sound[clip // 2 : clip // 2 + clip], sound[clip:]])
    mean = torch.nn.functional.normalize(model.embed_audio(parts).mean(0), dim=0)
    torch.testing.assert_close(model.embed_recording(sound), mean)
    # Whatever is a little longer is heard to its end.
    ends = torch.stack([sound[:clip], sound[100 : clip + 100]])
    mean = torch.nn.functional.normalize(model.embed_audio(ends).mean(0), dim=0)
    torch.testing.assert_close(model.embed_recording(sound[: clip + 100]), mean)


def joined(weight: float = 0.5) -> CompactEmbedding:
    return CompactEmbedding(text_tower(), audio_tower(), 0.05, 0.5, [Beside(audio_tower(seed=1), weight)])


def test_towers_beside_the_first_hear_whole_recordings_alone() -> None:
    both, first, second = (
        joined(),
        embedding(),
        CompactEmbedding(text_tower(), audio_tower(seed=1), 0.05, 0.5),
    )
    sound = torch.randn(6000, generator=torch.Generator().manual_seed(0))
    clips = sound[None, :4000], sound[None, 2000:]
    parts = [first.embed_audio(clip)[0] + 0.5 * second.embed_audio(clip)[0] for clip in clips]
    wanted = torch.nn.functional.normalize(torch.stack(parts).sum(0), dim=0)
    torch.testing.assert_close(both.embed_recording(sound), wanted)
    assert (wanted - first.embed_recording(sound)).norm() > 0.1
    torch.testing.assert_close(both.embed_audio(sound[None]), first.embed_audio(sound[None]))


def test_towers_beside_the_first_come_back_from_disk(tmp_path: Path) -> None:
    made = joined()
    read = compact.load(compact.save(tmp_path / "model", made, "# card\n"))
    assert [other.weight for other in read.beside] == [0.5]
    sound = torch.randn(5000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(read.embed_recording(sound), made.embed_recording(sound), atol=1e-2, rtol=0)
    again = compact.load(compact.save(tmp_path / "again", read, "# card\n"))
    assert again.audio_identity == read.audio_identity
    others = {model.audio_identity for model in (embedding(), made, joined(0.6))}
    assert len(others) == 3


def test_towers_that_cannot_stand_beside_each_other_are_refused() -> None:
    rate = AudioTower(dataclasses.replace(audio_tower().config, sample_rate=16000))
    for tower, says in ((audio_tower(6), "no space in common"), (rate, "the same sample rate")):
        with pytest.raises(ValueError, match=says):
            CompactEmbedding(text_tower(), audio_tower(), 0.05, 0.5, [Beside(tower, 1.0)])
    for weight in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="weight"):
            Beside(audio_tower(), weight)


@pytest.mark.parametrize("shape", [(0,), (1, 100)])
def test_what_is_no_recording_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a recording must be"):
        embedding().embed_recording(torch.zeros(shape))


def test_phrases_of_the_text_tower_alone_stay_good(tmp_path: Path) -> None:
    """A separator may learn with the text tower before there is an audio tower."""
    alone = text_towers.load(text_towers.save(tmp_path / "text", text_tower(), "# text\n"))
    both = CompactEmbedding(alone, audio_tower(), 0.1, 0.5)
    stored = compact.load(compact.save(tmp_path / "both", both, "# both\n"))
    assert stored.identity == both.identity == alone.identity
    assert torch.equal(stored.embed_text(PHRASES).vector, alone.embed_text(PHRASES).vector)


def test_it_comes_back_from_disk(tmp_path: Path) -> None:
    made = embedding()
    compact.save(tmp_path / "model", made, "# card\n\nSmall.\n")
    read = compact.load(tmp_path / "model")
    assert (read.temperature, read.clip_seconds) == (made.temperature, made.clip_seconds)
    again = compact.load(compact.save(tmp_path / "again", read, "# card\n"))
    assert again.identity == read.identity and again.audio_identity == read.audio_identity
    cosine = torch.nn.functional.cosine_similarity
    assert cosine(heard(made), heard(read)).min() > 0.999
    text = [model.embed_text(PHRASES).vector for model in (made, read)]
    assert cosine(*text).min() > 0.999


def test_other_models_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    folder = compact.save(tmp_path / "model", embedding(), "# card\n")
    config = json.loads((folder / "config.json").read_text())
    for change, says in (
        ({"kind": "voices/network"}, "holds voices/network"),
        ({"temperature": -1}, "temperature"),
        ({"clip_seconds": 0}, "clip_seconds"),
        ({"audio": {**config["audio"], "channels": [4, 8]}}, "does not fit"),
        ({"audio": {**config["audio"], "chanels": [4, 8]}}, "chanels"),
        ({"beside": [{"weight": 1, "audio": config["audio"]}]}, "does not fit"),
        ({"beside": [{"weight": 0}]}, "does not fit"),
        ({"text": {}}, "does not fit"),
    ):
        (folder / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(CheckpointError, match=says):
            compact.load(folder)


def test_towers_of_other_spaces_are_refused() -> None:
    with pytest.raises(ValueError, match="no space in common"):
        CompactEmbedding(text_tower(8), audio_tower(6), 0.1, 0.5)
