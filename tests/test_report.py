from __future__ import annotations

import torch
from torch import Tensor

from stemless.report import ActivityMeter, report_text


def activities(stems: Tensor, sample_rate: int, block: int = 700) -> list[list[list[float]]]:
    meter = ActivityMeter(stems.shape[0], sample_rate)
    for start in range(0, stems.shape[-1], block):
        meter.push(stems[..., start : start + block])
    return meter.activities()


def test_activity_is_where_a_stem_sounds() -> None:
    stems = torch.zeros(4, 2, 40_000)
    stems[0, 1, 8000:16_000] = 0.5  # one channel is enough
    stems[0, 1, 17_000:20_000] = 0.5  # after a pause too short to count
    stems[0, :, 30_000:40_000] = 0.01
    stems[1, :, :] = 0.5 * 10 ** (-50 / 20)  # leakage
    stems[2, :, 10_000:10_100] = 0.5  # a click
    assert activities(stems, 8000) == [[[1.0, 2.5], [3.75, 5.0]], [], [], []]


def test_blocks_do_not_matter() -> None:
    stems = torch.randn(2, 1, 30_001, generator=torch.Generator().manual_seed(0))
    stems[0, :, 5000:20_000] = 0
    assert activities(stems, 8000, block=999) == activities(stems, 8000, block=30_001)


def test_a_recording_shorter_than_any_sound() -> None:
    assert activities(torch.full((1, 1, 1), 0.5), 44100) == [[[0.0, 0.0]]]
    assert activities(torch.zeros(1, 1, 1), 44100) == [[]]
    assert activities(torch.full((1, 1, 400), 0.5), 8000) == [[[0.0, 0.05]]]


def test_text_is_json_with_letters_as_they_are() -> None:
    assert (
        report_text({"input": "chœur.wav", "stems": []}) == '{\n  "input": "chœur.wav",\n  "stems": []\n}\n'
    )
