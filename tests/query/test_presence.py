from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from toy_embedding import ToneEmbedding, tone

from stemless.query.presence import MEASURES, Cohort, Judge, PresenceConfig, Yardstick, spread
from stemless.query.presence_log import PresenceLog

SOUNDS = ("250 Hz", "500 Hz", "1000 Hz", "2000 Hz", "4000 Hz")
RATE = 16000


def yardstick(*prompts: str, alike: float = 0.7) -> Yardstick:
    embedding = ToneEmbedding()
    vectors = (embedding.embed_text(list(words)).vector for words in (prompts, SOUNDS))
    return Yardstick.of(*vectors, alike, embedding.temperature)


def test_deviations_and_margins_by_hand() -> None:
    background = torch.eye(4)
    prompt = torch.tensor([[0.6, 0.8, 0.0, 0.0]])
    stick = Yardstick.of(prompt, background, alike=0.7, temperature=0.5)
    assert stick.counted.tolist() == [[True, False, True, True]]
    sound = torch.tensor([[[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.6, 0.8]]])
    # The first is at 0.8 from the prompt and at 0 from all three; the second at 0, and at 0, 0.6 and 0.8.
    mean, deviation = 1.4 / 3, math.sqrt((0.36 + 0.64) / 3 - (1.4 / 3) ** 2)
    assert stick.deviations(sound)[0].tolist() == pytest.approx([8.0, -mean / deviation], abs=1e-4)
    others = math.log(1 + math.exp(1.2) + math.exp(1.6))
    assert stick.margin(sound)[0].tolist() == pytest.approx([1.6 - math.log(3), -others], abs=1e-4)


def test_deviations_from_other_recordings_by_hand() -> None:
    generator = torch.Generator().manual_seed(0)
    others = torch.nn.functional.normalize(torch.randn(50, 4, generator=generator) + 1, dim=-1)
    prompts = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.6, 0.8, 0.0]])
    stick = Yardstick.of(prompts, torch.eye(4), 0.7, 0.5, Cohort.of(others))
    near = others @ prompts.T
    expected = (0.9 - near.mean(0)) / near.std(0, correction=0)
    sounds = torch.tensor([[[0.9, 0.0, 0.0, 0.1]], [[0.0, 0.54, 0.72, 0.0]]])
    torch.testing.assert_close(stick.deviations(sounds)[:, 0], expected)


def test_three_sounds_are_counted_always() -> None:
    vectors = torch.nn.functional.normalize(torch.ones(5, 3) + 0.01 * torch.arange(15).reshape(5, 3), dim=-1)
    assert Yardstick.of(vectors[:1], vectors, 0.1, 1.0).counted.sum() == 3


def judged(prompts: tuple[str, ...], mixture: Tensor, separated: Tensor, **config: float) -> Tensor:
    """Measures [prompts, windows, measures] of masks that are all 0.5."""
    judge = Judge(ToneEmbedding(), PresenceConfig(**config), RATE, 256, -20.0)  # type: ignore[arg-type]
    frames = 1 + len(mixture) // 256
    contrast = torch.stack((0.25 * torch.ones(len(prompts), frames), 0.5 * torch.ones(len(prompts), frames)))
    result = judge.measure(mixture, separated, contrast, yardstick(*prompts))
    assert result.measures.shape[-1] == len(MEASURES)
    return result.measures * torch.where(result.audible, 1.0, torch.nan)[..., None]


def test_measures_tell_what_is_there() -> None:
    there, absent = "1000 Hz", "350 Hz"
    mixture = tone(there, 8.0) + tone("4000 Hz", 8.0)
    separated = torch.stack((tone(there, 8.0), 0.5 * mixture))
    found = judged((there, absent), mixture, separated)
    assert found.shape == (2, 2, 5)
    mixed, alone, margin, share, contrast = found.mean(1).T
    assert mixed[0] > mixed[1] + 1 and alone[0] > alone[1] + 2 and margin[0] > margin[1] + 3
    assert share.tolist() == pytest.approx([-0.3, -0.6], abs=0.01)
    assert contrast.tolist() == pytest.approx([0.5, 0.5])
    # What an embedding hears does not depend on how loud it is.
    torch.testing.assert_close(judged((there, absent), 0.01 * mixture, 0.01 * separated), found)


def test_what_is_not_heard_is_not_there() -> None:
    mixture = torch.cat((tone("1000 Hz", 4.0), torch.zeros(4 * RATE)))
    found = judged(("1000 Hz", "350 Hz"), mixture, torch.stack((mixture, 0.001 * mixture)))
    assert torch.isfinite(found[..., 0]).tolist() == [[True, False], [False, False]]


def test_a_gate_closes_smoothly_around_its_threshold() -> None:
    config = PresenceConfig(gate_threshold=0.3)
    presence = torch.linspace(0, 1, 101)
    gate = config.gate(presence)
    assert (gate.diff() > 0).all() and gate[30] == pytest.approx(0.5)
    assert 20 * math.log10(gate[5]) < -35 and 20 * math.log10(gate[70]) > -0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": (1.0,)}, "weights must be 5"),
        ({"gate_threshold": 0.0}, "gate_threshold"),
        ({"window_seconds": 0.1}, "window_seconds"),
        ({"background": ("a", "b")}, "three phrases"),
    ],
)
def test_impossible_configurations(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PresenceConfig(**change)  # type: ignore[arg-type]


def test_values_between_windows() -> None:
    middles, times = torch.tensor([2.0, 6.0]), torch.tensor([0.0, 2.0, 3.0, 6.0, 8.0])
    assert spread(torch.tensor([[0.0, 1.0]]), middles, times).tolist() == [[0.0, 0.0, 0.25, 1.0, 1.0]]
    assert spread(torch.tensor([[0.5]]), middles[:1], times).tolist() == [[0.5] * 5]


def test_a_log_of_chunks() -> None:
    log = PresenceLog(2)
    log.hear(0.0, torch.tensor([2.0, 6.0]), torch.tensor([[0.0, 1.0], [0.1, 0.1]]))
    log.hear(8.0, torch.tensor([2.0, 6.0]), torch.tensor([[1.0, 0.0], [0.2, 0.4]]))
    assert log.curves() == (
        [2.0, 6.0, 10.0, 14.0],
        [[0.0, 1.0, 1.0, 0.0], pytest.approx([0.1, 0.1, 0.2, 0.4])],
    )
    assert log.overall() == [1.0, pytest.approx(0.4)]
    # It is there from 4 to 12 seconds, and sounds from 1 to 5 and from 11.95 on.
    assert log.activities([[[1.0, 5.0], [11.95, 16.0]], [[0.0, 16.0]]]) == [[[4.0, 5.0]], []]
    assert log.activities([[[0.0, 16.0]]]) == [[[4.0, 12.0]]]


def test_an_empty_log_knows_nothing() -> None:
    assert PresenceLog(1).overall() == [0.0]
    assert PresenceLog(1).activities([[[0.0, 1.0]]]) == [[]]
