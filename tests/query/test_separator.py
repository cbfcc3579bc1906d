"""From prompts to stems: what is there, what is not, what is to go; levels, chunks and groups of prompts."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tone_network import separator
from torch import Tensor
from toy_embedding import BANDS, ToneEmbedding, tone

from stemless.engine import separate_audio
from stemless.query.compact_unet import CompactConfig, CompactUNet
from stemless.query.model import SeparatorSettings, StoredSeparator
from stemless.query.presence import PresenceConfig
from stemless.query.prompts import Prompts
from stemless.query.separation import PromptSeparator
from stemless.query.separator import QuerySeparator
from stemless.query.unet import ConditionalUNet, UNetConfig
from toy_separators import error_db

LOW, HIGH, ABSENT = "440 Hz", "2000 Hz", "940 Hz"


def mixture(seconds: float = 5.0) -> tuple[Tensor, Tensor, Tensor]:
    """Two tones and their sum, [1, time] each."""
    low, high = tone(LOW, seconds)[None], 0.7 * tone(HIGH, seconds)[None]
    return low, high, low + high


def power_db(audio: Tensor) -> float:
    return float(10 * torch.log10(audio.square().mean() + 1e-20))


@pytest.mark.parametrize("sample_rate", [16000, 48000])  # of the embedding
def test_what_is_there_comes_out_and_what_is_not_is_silent(sample_rate: int) -> None:
    low, high, both = mixture()
    stems = PromptSeparator(separator(sample_rate=sample_rate)).separate(both, [HIGH, ABSENT, LOW], 16000)
    assert stems.names == (HIGH, ABSENT, LOW)
    assert error_db(stems[LOW], low) < -30 and error_db(stems[HIGH], high) < -30
    assert power_db(stems[ABSENT]) < power_db(both) - 25
    present = {name: stems.details[name]["presence"] for name in stems.names}
    assert present[LOW] > 0.9 and present[HIGH] > 0.9 and present[ABSENT] < 0.1
    assert stems.details[LOW]["activity"] == [[0.0, 5.0]]
    assert stems.details[ABSENT]["activity"] == []
    torch.testing.assert_close(stems.audio.sum(0) + stems.residual, both, atol=1e-6, rtol=0)


def test_without_a_gate_the_absent_takes_its_share() -> None:
    _, _, both = mixture()
    stems = PromptSeparator(separator(gated=False)).separate(both, [ABSENT], 16000)
    assert power_db(stems[ABSENT]) > power_db(both) - 12
    assert stems.details[ABSENT]["presence"] < 0.1


def test_an_absent_prompt_takes_nothing_from_the_others() -> None:
    low, _, both = mixture()
    loose = PromptSeparator(separator(gated=False)).separate(both, [LOW, ABSENT], 16000)
    gated = PromptSeparator(separator()).separate(both, [LOW, ABSENT], 16000)
    assert error_db(gated[LOW], low) < error_db(loose[LOW], low) - 10


def test_masks_are_as_sharp_as_the_prompt_is_familiar() -> None:
    low, _, both = mixture()
    error = {}
    for name, known in {"not kept": None, "its own": [LOW], "another": [HIGH]}.items():
        soft = separator(sharpness=0.5, gated=False)
        soft.known = None if known is None else soft.embedding.embed_text(known).vector
        error[name] = error_db(PromptSeparator(soft).separate(both, [LOW], 16000)[LOW], low)
    # The toy answers 7 and -7: logits of 3.5, and of 1.05 where it is least familiar.
    leak_db = {logit: -20 * math.log10(1 + math.exp(logit)) for logit in (3.5, 1.05)}
    assert error["its own"] == pytest.approx(error["not kept"], abs=0.01)
    assert error["its own"] == pytest.approx(leak_db[3.5], abs=3)
    assert error["another"] == pytest.approx(leak_db[1.05], abs=3)


def test_asking_away() -> None:
    low, high, both = mixture()
    by = PromptSeparator(separator())
    alone = by.separate(both, sample_rate=16000, without=[LOW])
    assert alone.names == (f"without {LOW}",)
    assert error_db(alone.audio[0], high) < -30 and error_db(alone.residual, low) < -30
    assert alone.details[alone.names[0]] == {"without": [LOW]}
    beside = by.separate(both, [HIGH], 16000, without=LOW)
    assert beside.names == (HIGH,)
    assert error_db(beside.residual, low) < -30
    nothing = by.separate(both, sample_rate=16000, without=[ABSENT])
    assert error_db(nothing.audio[0], both) < -25


def test_what_is_asked_away_competes() -> None:
    """Of two prompts for one tone each takes half."""
    _, high, both = mixture()
    stems = PromptSeparator(separator()).separate(both, [HIGH], 16000, without=["2010 Hz"])
    assert power_db(stems[HIGH]) == pytest.approx(power_db(high) - 6, abs=0.5)


def test_presence_in_time() -> None:
    low, high, _ = mixture(24.0)
    high[:, : 8 * 16000] = 0
    high[:, 16 * 16000 :] = 0
    stems = PromptSeparator(separator()).separate(low + high, [LOW, HIGH], 16000)
    ((start, end),) = stems.details[HIGH]["activity"]
    assert start == pytest.approx(8.0, abs=0.3) and end == pytest.approx(16.0, abs=0.3)
    assert stems.details[LOW]["activity"] == [[0.0, 24.0]]
    assert power_db(stems[HIGH][:, : 7 * 16000]) < power_db(low) - 35


@pytest.mark.parametrize("gain", [1e-3, 3.0])
def test_the_level_does_not_matter(gain: float) -> None:
    _, _, both = mixture()
    by = PromptSeparator(separator(level_db=-25.0))
    plain = by.separate(both, [LOW, ABSENT], 16000)
    scaled = by.separate(gain * both, [LOW, ABSENT], 16000)
    assert error_db(scaled.audio / gain, plain.audio) < -80


def test_silence_and_shortest_recordings() -> None:
    by = PromptSeparator(separator())
    silent = by.separate(torch.zeros(2, 30_000), [LOW], 44100)
    assert not silent.audio.any()
    assert (silent.details[LOW]["presence"], silent.details[LOW]["activity"]) == (0.0, [])
    for samples in (1, 2, 700):
        assert by.separate(0.1 * torch.ones(1, samples), [LOW], 8000).audio.shape == (1, 1, samples)


def test_masks_need_their_survey() -> None:
    with pytest.raises(TypeError, match="what survey"):
        separator().masks(torch.zeros(1, 1000), Prompts.of(LOW), None)


RATE = 4000
COMPACT = CompactConfig(
    sample_rate=RATE, n_fft=254, hop_length=64, bands=64, channels=(8, 8, 16, 16, 16),
    shared_channels=(4, 8, 8, 16), prompt_channels=(4, 4, 8, 8), output_channels=4, heads=2, text_width=6,
    text_dimension=BANDS,
)  # fmt: skip
UNET = UNetConfig(
    sample_rate=RATE, n_fft=254, hop_length=64, width=2, multiples=(1, 2, 2, 2), modulated_levels=2, heads=2,
    text_width=6, text_dimension=BANDS,
)  # fmt: skip


def random_separator(config: CompactConfig | UNetConfig, **settings: object) -> QuerySeparator:
    """A network that has learned nothing, whose norms have seen some noise; its masks are spread out."""
    torch.manual_seed(3)
    network = CompactUNet(config) if isinstance(config, CompactConfig) else ConditionalUNet(config)
    generator = torch.Generator().manual_seed(1)
    text = ToneEmbedding(RATE).embed_text([LOW, HIGH])
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            module.momentum = None  # the mean of all that it sees
    for _ in range(4):
        magnitude = torch.rand(2, config.grid.bins, 64, generator=generator) * 8
        tokens, mask, vector = (part.expand(2, *part.shape) for part in (text.tokens, text.mask, text.vector))
        with torch.no_grad():
            network(magnitude, tokens, mask, vector)
    last = network.output if isinstance(network, CompactUNet) else network.decoder[-1].convolution
    network.eval()
    with torch.no_grad():
        spread = network.logits(magnitude, tokens, mask, vector).std((-2, -1)).mean()
        last.weight.mul_(2 / spread)
    stored = StoredSeparator(
        network,
        ToneEmbedding(RATE),
        dataclasses.replace(SeparatorSettings(presence=PresenceConfig(bias=3.0)), **settings),  # type: ignore[arg-type]
        "random",
    )
    return QuerySeparator(stored)


def noise_with_tones(seconds: float) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    noise = 0.05 * torch.randn(1, round(seconds * RATE), generator=generator)
    pulse = torch.sin(torch.arange(noise.shape[1]) * 0.0016).square()
    return noise * (0.2 + pulse) + tone(LOW, seconds, RATE) * pulse + 0.5 * tone("1500 Hz", seconds, RATE)


@pytest.mark.parametrize("config", [COMPACT, UNET], ids=["compact", "unet"])
def test_many_prompts_are_as_one_by_one(config: CompactConfig | UNetConfig) -> None:
    by = random_separator(config)
    prompts = [f"sound {number}" for number in range(10)]
    magnitude = torch.rand(1, by.grid.bins, 70, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        together = by.network_masks(magnitude, by.embedding.embed_text(prompts))
        for number, prompt in enumerate(prompts):
            alone = by.network_masks(magnitude, by.embedding.embed_text([prompt]))
            torch.testing.assert_close(together[:, number], alone[:, 0], atol=1e-3, rtol=0)
    assert together.std() > 0.1


@pytest.mark.parametrize("rule", ["limit", "odds"])
def test_no_seam(rule: str) -> None:
    """Chunked against whole, over a recording of four chunks; in between and at the seams alike."""
    by = random_separator(COMPACT, sharing=rule)
    audio, asked = noise_with_tones(24.0), Prompts.of([LOW, HIGH])
    whole = separate_audio(audio, RATE, by, asked, chunk_seconds=100.0)
    errors = []
    for chunk_seconds in (None, 5.0):
        chunked = separate_audio(audio, RATE, by, asked, chunk_seconds=chunk_seconds)
        errors.append(error_db(chunked.audio, whole.audio))
    assert max(errors) < -40
