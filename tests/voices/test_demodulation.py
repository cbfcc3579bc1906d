"""Joint demodulation: partials that cross are told apart, against dense solutions and known signals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from stemless.evaluation.metrics import si_sdr
from stemless.spectrum import Grid, istft, stft
from stemless.voices import demodulation
from stemless.voices.demodulation import (
    Band,
    Sinusoids,
    corrected,
    corrections,
    most_probable,
    solved,
    sung,
    windows,
)
from stemless.voices.echo import Echo
from stemless.voices.tracks import PitchTracks

GRID, RATE = Grid(2048, 256), 16000


def sung_by(f0_hz: Tensor, amplitudes: list[float], seed: int) -> Tensor:
    """A voice of steady partials, [time], from its pitch at every sample."""
    phase = torch.cumsum(f0_hz.double() * (2 * math.pi / RATE), -1)
    starts = 6 * torch.rand(len(amplitudes), generator=torch.Generator().manual_seed(seed))
    parts = [a * torch.cos((k + 1) * phase + starts[k]) for k, a in enumerate(amplitudes)]
    return torch.stack(parts).sum(0).float()


def crossing(seconds: float = 6.0) -> tuple[Tensor, PitchTracks]:
    """Two voices whose second and third partials meet again and again: stems [2, time], and their tracks."""
    time = torch.arange(round(seconds * RATE)) / RATE
    low = 200 * (1 + 0.01 * torch.sin(2 * math.pi * 0.7 * time))
    high = 300 * (1 + 0.01 * torch.sin(2 * math.pi * 0.45 * time + 1.0))
    stems = torch.stack([sung_by(low, [0.2, 0.1, 0.15], 1), sung_by(high, [0.15, 0.2], 2)])
    frames = slice(None, None, GRID.hop_length)
    f0_hz = torch.stack([low[frames], high[frames]]).numpy()
    return stems, PitchTracks.regular(f0_hz, GRID.hop_length / RATE, ["low", "high"])


def masked(stems: Tensor, masks: Tensor) -> Tensor:
    return istft(masks * stft(stems.sum(0), GRID), GRID, stems.shape[-1])


def ideal(stems: Tensor) -> Tensor:
    power = stft(stems, GRID).abs().square() + 1e-9
    return power / power.sum(0)


def test_partials_that_cross_are_told_apart_beyond_the_ideal_mask() -> None:
    stems, tracks = crossing()
    masks = ideal(stems)
    before = masked(stems, masks)
    after = before + corrections(stems.sum(0)[None], masks, tracks, grid=GRID, sample_rate=RATE)[:, 0]
    gain = si_sdr(stems, after) - si_sdr(stems, before)
    assert gain.min() > 3.0


def test_a_pitch_that_is_slightly_off_is_corrected() -> None:
    stems, tracks = crossing(3.0)
    truth = torch.from_numpy(tracks.f0_hz)
    wrong = truth * torch.tensor([[2 ** (12 / 1200)], [2 ** (-12 / 1200)]])
    band = Band.of(stems.shape[-1], GRID, RATE)
    partials = Sinusoids.of(wrong, band)
    amplitudes = most_probable(
        band.down(stems.sum(0)), partials, torch.full((len(partials.number), band.knots), 0.05), band
    )
    found = corrected(wrong, amplitudes, partials, band)
    inside = slice(20, -20)
    cents = [(1200 * torch.log2(each / truth)).abs()[:, inside].median() for each in (wrong, found)]
    assert cents[0] == pytest.approx(12, abs=0.1)
    assert cents[1] < 3


def test_amplitudes_are_those_of_the_dense_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same equations written out whole, for 5 knots, solved by another routine."""
    monkeypatch.setattr(demodulation, "SPANS_AT_A_TIME", 3)
    generator = torch.Generator().manual_seed(0)
    band = Band.of(4 * 512, GRID, RATE)
    f0_hz = torch.tensor([[500.0], [740.0]]).expand(2, 9)
    partials = Sinusoids.of(f0_hz, band)
    low = torch.randn(band.length, generator=generator, dtype=torch.complex64)
    prior = 0.1 + torch.rand(len(partials.number), band.knots, generator=generator)
    found = most_probable(low, partials, prior, band)

    count, knots, step = len(partials.number), band.knots, band.step
    time = torch.arange(band.length).double() / step
    hats = torch.stack([((time + 0.5 / step - knot).abs()).clamp_max(1) for knot in range(knots)])
    hats = 0.5 + 0.5 * torch.cos(math.pi * hats)
    basis = torch.cat([(hats[knot] * partials.waves).T for knot in range(knots)], 1).to(torch.complex128)
    power = low.abs().square().view(-1, step).mean(-1)
    noise = demodulation.NOISE * torch.full((knots - 1,), float(power.mean()))
    steady = demodulation.STEADINESS
    correlation = torch.tensor([[steady ** abs(a - b) for b in range(knots)] for a in range(knots)])
    covariance = torch.kron(correlation, torch.ones(count, count)) * torch.eye(count).repeat(knots, knots)
    spread = prior.T.reshape(-1).sqrt()
    covariance = (covariance * spread[:, None] * spread).to(torch.complex128)
    weighted = basis.mH / noise.repeat_interleave(step)
    dense = torch.linalg.solve(
        weighted @ basis + torch.linalg.inv(covariance), weighted @ low.to(torch.complex128)
    )
    torch.testing.assert_close(found.T.reshape(-1).to(torch.complex128), dense, rtol=1e-3, atol=1e-4)


def test_block_tridiagonal_systems_are_solved_like_dense_ones() -> None:
    generator = torch.Generator().manual_seed(1)
    blocks, n = 4, 3
    beside = torch.randn(blocks - 1, n, n, generator=generator, dtype=torch.complex128)
    dense = torch.zeros(blocks * n, blocks * n, dtype=torch.complex128)
    for number in range(blocks):
        here = slice(number * n, (number + 1) * n)
        dense[here, here] = 10 * torch.eye(n)
        if number < blocks - 1:
            after = slice((number + 1) * n, (number + 2) * n)
            dense[here, after], dense[after, here] = beside[number], beside[number].mH
    right = torch.randn(blocks, n, generator=generator, dtype=torch.complex128)
    none = torch.zeros(n, 0, dtype=torch.complex128)
    rows = [
        (dense[k * n : (k + 1) * n, k * n : (k + 1) * n], beside[k] if k < blocks - 1 else none, right[k])
        for k in range(blocks)
    ]
    torch.testing.assert_close(solved(rows).reshape(-1), torch.linalg.solve(dense, right.reshape(-1)))


def test_what_goes_down_into_the_band_comes_up_again() -> None:
    time = torch.arange(20_000).double() / RATE
    tones = torch.stack([torch.cos(2 * math.pi * f * time + f) for f in (150.0, 1000.0, 2900.0)]).sum(0)
    tones = (tones * torch.hann_window(20_000)).float()
    band = Band.of(20_000, GRID, RATE)
    assert band.rate == 4000
    torch.testing.assert_close(band.up(band.down(tones)), tones, rtol=0, atol=1e-4)


def test_partials_are_sung_as_their_amplitudes_say() -> None:
    band = Band.of(8192, GRID, RATE)
    partials = Sinusoids.of(torch.full((1, 33), 400.0), band)
    amplitudes = torch.zeros(len(partials.number), band.knots, dtype=torch.complex64)
    amplitudes[0] = 0.5 * band.tilt(torch.tensor(400.0))
    voice = band.up(sung(amplitudes, partials, 1, band))[0]
    level = voice[1000:-1000].square().mean().sqrt()
    assert level == pytest.approx(0.5 / math.sqrt(2), rel=0.01)


def test_weights_of_windows_sum_to_one_wherever_the_stretch_begins() -> None:
    for origin in (0, 65_536 - 256, 70_000 // 256 * 256, 10 * 65_536):
        for samples in (1, 3000, 66_000, 200_000):
            total = torch.zeros(samples)
            for window in windows(samples, origin, GRID, RATE):
                assert window.first % GRID.hop_length == 0
                total[window.first : window.last] += window.weight
            torch.testing.assert_close(total, torch.ones(samples))


def test_it_does_not_matter_where_the_recording_is_cut() -> None:
    stems, tracks = crossing(14.0)
    mixture, masks = stems.sum(0)[None], ideal(stems)
    whole = corrections(mixture, masks, tracks, grid=GRID, sample_rate=RATE)
    first = 300 * GRID.hop_length
    part = corrections(
        mixture[:, first:],
        masks[..., 300:],
        tracks.cut(first / RATE, 14.0),
        grid=GRID,
        sample_rate=RATE,
    )
    after = round((demodulation.REACH_SECONDS + 0.1) * RATE)
    error = (whole[..., first + after :] - part[..., after:]).square().mean()
    assert 10 * torch.log10(stems.square().mean() / error) > 60


def test_corrections_sum_to_nothing_and_follow_the_level() -> None:
    stems, tracks = crossing(2.0)
    mixture, masks = stems.sum(0)[None], ideal(stems)
    found = corrections(mixture, masks, tracks, grid=GRID, sample_rate=RATE)
    assert found.abs().max() > 1e-3
    assert found.sum(0).abs().max() < 1e-5
    faint = corrections(1e-4 * mixture, masks, tracks, grid=GRID, sample_rate=RATE)
    torch.testing.assert_close(1e4 * faint, found, rtol=0, atol=1e-3)


def test_every_channel_is_corrected_by_what_it_holds() -> None:
    stems, tracks = crossing(2.0)
    channels = torch.stack([stems[0], stems[1]])
    masks = ideal(stems)
    found = corrections(channels, masks, tracks, grid=GRID, sample_rate=RATE)
    alone = corrections(channels[1:], masks, tracks, grid=GRID, sample_rate=RATE)
    torch.testing.assert_close(found[:, 1:], alone)


def test_in_a_room_that_rings_the_corrections_are_smaller() -> None:
    stems, tracks = crossing(1.0)
    mixture, masks = stems.sum(0)[None], ideal(stems)
    dry, church = (
        corrections(mixture, masks, tracks, grid=GRID, sample_rate=RATE, echo=echo)
        for echo in (Echo(0.02, 0.6), Echo(0.1, 1.5))
    )
    assert torch.equal(dry, corrections(mixture, masks, tracks, grid=GRID, sample_rate=RATE))
    torch.testing.assert_close(church, demodulation.SHARE_IN_ECHO * dry)


@pytest.mark.parametrize("f0_hz", [0.0, 4000.0])
def test_nothing_is_added_where_no_partial_can_be_heard(f0_hz: float) -> None:
    audio = 0.1 * torch.randn(1, 5000, generator=torch.Generator().manual_seed(0))
    tracks = PitchTracks.regular([[f0_hz] * 20, [f0_hz] * 20], 0.016)
    masks = torch.full((2, GRID.bins, GRID.frames(5000)), 0.5)
    assert not corrections(audio, masks, tracks, grid=GRID, sample_rate=RATE).any()


def test_silence_and_a_single_sample_stay_what_they_are() -> None:
    tracks = PitchTracks.regular([[200.0] * 20, [300.0] * 20], 0.016)
    for audio in (torch.zeros(1, 5000), torch.full((1, 1), 0.1)):
        masks = torch.full((2, GRID.bins, GRID.frames(audio.shape[-1])), 0.5)
        found = corrections(audio, masks, tracks, grid=GRID, sample_rate=RATE)
        assert torch.isfinite(found).all()
        assert found.abs().max() <= 0.1
        assert audio.any() or not found.any()
