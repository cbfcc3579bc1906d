"""Late reverberation: the decay against a plain sum, and that what a room does is found and undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_estimation import RATE, sung

from stemless.evaluation.metrics import si_sdr
from stemless.separator import Stretch
from stemless.spectrum import istft, stft
from stemless.voices.echo import NO_ECHO, Echo, find_echo, ringing, with_echo
from stemless.voices.network_separator import NetworkSeparator, load_model
from stemless.voices.tracks import PitchTracks

STEP = 0.016


def notes(seed: int = 0) -> torch.Tensor:
    """Powers of two voices, each on a few bins at a time: [2, bins, frames]."""
    generator = torch.Generator().manual_seed(seed)
    powers = torch.zeros(2, 200, 300)
    for voice in range(2):
        for first in range(0, 300, 50):
            bins = torch.randperm(200, generator=generator)[:20]
            powers[voice, bins, first : first + 30] = 1.0
    return powers


def test_it_rings_as_a_plain_sum_does() -> None:
    powers = torch.rand(3, 4, 20, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fade = 10 ** (-6 * STEP / 0.5)
    found = ringing(powers, 0.5, STEP)
    assert found[..., 0].abs().max() == 0
    for now in range(1, 20):
        plain = torch.stack([powers[..., then] * fade ** (now - then) for then in range(now)]).sum(0)
        assert torch.allclose(found[..., now], plain)


def test_the_echo_is_added_to_what_is_sung() -> None:
    powers = torch.rand(2, 3, 4, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = powers.clone()
    found = with_echo(powers, Echo(0.3, 0.7), STEP)
    assert torch.allclose(found, powers + 0.3 * ringing(powers, 0.7, STEP))
    assert torch.equal(powers, before)


def test_sixty_decibels_in_the_reverberation_time() -> None:
    powers = torch.zeros(1, 101)
    powers[0, 0] = 1.0
    echo = with_echo(powers, Echo(0.5, 1.0), 0.01)
    assert float(echo[0, 100]) == pytest.approx(0.5e-6, rel=1e-4)


@pytest.mark.parametrize("seconds", [0.3, 0.6, 1.0, 1.5])
@pytest.mark.parametrize("gain", [0.01, 0.1])
def test_the_room_is_found_at_any_level(seconds: float, gain: float) -> None:
    powers = notes()
    heard = with_echo(powers.sum(0), Echo(gain, seconds), STEP)
    # A diffuse field: every bin and frame of it is exponentially distributed.
    field = torch.rand(heard.shape, generator=torch.Generator().manual_seed(1)).log().neg()
    found = find_echo(5.0 * heard * field, 0.01 * powers, STEP)
    assert found.rt60_seconds == seconds
    assert found.gain == pytest.approx(gain, rel=0.4)


def test_nothing_to_tell_by_is_no_echo() -> None:
    assert find_echo(torch.zeros(50, 20), torch.zeros(2, 50, 20), STEP) == NO_ECHO
    steady = torch.ones(2, 50, 20)
    assert find_echo(steady.sum(0), steady, STEP) == NO_ECHO
    assert with_echo(steady, NO_ECHO, STEP) is steady


def test_voices_in_a_church_are_told_apart_better() -> None:
    """Two voices that cross each other's notes, with a second and a half of noise for a room."""
    notes_hz = np.array([196.0, 233.1, 277.2, 329.6, 392.0, 466.2, 415.3, 370.0])
    low, high = (np.repeat(np.roll(notes_hz, turn), RATE // 2) for turn in (0, 3))
    tracks = PitchTracks.regular(np.stack([low, high])[:, ::160], 0.01)
    random = np.random.default_rng(0)
    decay = 10 ** (-3 * np.arange(int(1.5 * RATE)) / (1.5 * RATE))
    sources = []
    for line in (low, high):
        room = 0.02 * decay * random.standard_normal(len(decay))
        room[0] = 1.0
        heard = torch.fft.irfft(
            torch.fft.rfft(torch.from_numpy(sung(line)), 8 * RATE)
            * torch.fft.rfft(torch.from_numpy(room), 8 * RATE)
        )
        sources.append(heard[: 4 * RATE].float())
    wanted = torch.stack(sources)
    mixture = wanted.sum(0)
    separator = NetworkSeparator(load_model("voices"))
    survey = separator.survey([Stretch(0.0, mixture[None], tracks)], tracks, 4.0)
    assert survey.echo.gain > 0.02 and survey.echo.rt60_seconds >= 1.0, survey.echo

    def quality(echo: Echo) -> float:
        masks = separator.masks(mixture[None], tracks, replace(survey, echo=echo))[0]
        stems = istft(masks * stft(mixture, separator.grid), separator.grid, len(mixture))
        return float(si_sdr(wanted, stems).mean())

    assert quality(survey.echo) > quality(NO_ECHO) + 1.0
