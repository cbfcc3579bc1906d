import numpy as np
import pytest
import scipy.signal
import torch

from stemless.spectrum import Grid, frame_times, istft, matching_grid, stft, stretch_masks
from toy_separators import error_db, noise


def test_stft_agrees_with_scipy() -> None:
    audio, grid = noise(2, 5000), Grid(512, 128)
    window = scipy.signal.get_window("hann", 512, fftbins=True)
    oracle = scipy.signal.ShortTimeFFT(window, 128, fs=1.0).stft(
        audio.double().numpy(), p0=0, p1=5000 // 128 + 1
    )
    ours = stft(audio.double(), grid)
    # scipy counts the phase from the start of the window's centre as we do with the padding taken off.
    assert ours.shape == oracle.shape == (2, 257, 40)
    np.testing.assert_allclose(np.abs(ours.numpy()), np.abs(oracle), atol=1e-9)


def test_stft_of_a_cosine_at_a_bin_is_half_the_window_sum() -> None:
    grid = Grid(256, 64)
    tone = torch.cos(2 * torch.pi * 10 / 256 * torch.arange(2048, dtype=torch.float64))
    level = stft(tone, grid).abs()[:, 10]
    assert level.argmax() == 10
    assert float(level[10]) == pytest.approx(float(grid.window(torch.float64).sum()) / 2)


@pytest.mark.parametrize("grid", [Grid(2048, 256), Grid(512, 128), Grid(300, 75), Grid(300, 70)])
@pytest.mark.parametrize("samples", [1, 2, 255, 256, 10_001])
def test_istft_inverts_stft(grid: Grid, samples: int) -> None:
    audio = noise(3, samples)
    spectrum = stft(audio, grid)
    assert spectrum.shape == (3, grid.bins, grid.frames(samples))
    assert error_db(istft(spectrum, grid, samples), audio) < -120


def test_istft_can_be_trained_through() -> None:
    audio = noise(1, 60).double().requires_grad_()
    grid = Grid(16, 4)
    assert torch.autograd.gradcheck(lambda x: istft(stft(x, grid) * 0.7, grid, 60), (audio,))


@pytest.mark.parametrize(("n_fft", "hop_length"), [(511, 128), (512, 0), (512, 257), (2, 1)])
def test_impossible_grids_are_refused(n_fft: int, hop_length: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        Grid(n_fft, hop_length)


@pytest.mark.parametrize("to_rate", [100, 8000, 11025, 22050, 32000, 44100, 88200, 96000, 192000])
def test_matching_grid_keeps_the_duration_and_overlap(to_rate: int) -> None:
    grid = matching_grid(Grid(2048, 256), 16000, to_rate)
    assert grid.n_fft / to_rate == pytest.approx(2048 / 16000, rel=0.3 if to_rate == 100 else 0.03)
    assert grid.hop_length <= grid.n_fft // 4
    assert grid.n_fft / grid.hop_length == pytest.approx(8, rel=0.02)


def test_matching_grid_keeps_a_grid_at_its_own_rate() -> None:
    assert matching_grid(Grid(2050, 250), 16000, 16000) == Grid(2050, 250)
    assert matching_grid(Grid(512, 256), 16000, 16000) == Grid(512, 128)


def test_stretch_masks_is_exact_for_what_is_linear_in_time_and_frequency() -> None:
    from_grid, to_grid = Grid(2048, 256), Grid(5600, 700)

    def plane(grid: Grid, rate: int, frames: int) -> torch.Tensor:
        seconds = torch.arange(frames) * grid.hop_length / rate
        frequencies_hz = torch.arange(grid.bins) * rate / grid.n_fft
        return 0.1 * seconds + frequencies_hz[:, None] / 40_000

    stretched = stretch_masks(plane(from_grid, 16000, 63), from_grid, 16000, to_grid, 44100, 60)
    expected = plane(to_grid, 44100, 60)
    inside = int(8000 * 5600 / 44100) + 1
    torch.testing.assert_close(stretched[:inside], expected[:inside])
    top = plane(from_grid, 16000, 63)[-128:].mean(0)
    above = stretched[inside:]
    assert above.shape[0] == to_grid.bins - inside
    assert (above == above[0]).all()
    assert abs(above[0, 0] - top[0]) < 1e-6


def test_stretch_masks_in_pieces_is_that_of_the_whole() -> None:
    masks = torch.rand(2, 129, 80)
    from_grid, to_grid = Grid(256, 64), Grid(720, 180)
    whole = stretch_masks(masks, from_grid, 16000, to_grid, 44100, 70)
    piece = stretch_masks(masks[..., 20:40], from_grid, 16000, to_grid, 44100, 8, from_first=20, to_first=25)
    torch.testing.assert_close(piece, whole[..., 25:33], rtol=0, atol=1e-6)


def test_stretch_masks_on_the_same_grid_changes_no_bit_and_holds_the_ends() -> None:
    masks, grid = torch.rand(3, 129, 10), Grid(256, 64)
    same = stretch_masks(masks, grid, 16000, grid, 16000, 12)
    assert torch.equal(same[..., :10], masks)
    assert torch.equal(same[..., 10:], masks[..., -1:].expand(-1, -1, 2))


def test_stretch_masks_to_a_lower_rate_crops_the_band() -> None:
    masks = torch.rand(1, 1025, 5)
    lower = stretch_masks(masks, Grid(2048, 256), 16000, Grid(1024, 128), 8000, 5)
    assert torch.equal(lower, masks[:, :513])


def test_stretched_masks_still_sum_to_one() -> None:
    masks = torch.rand(4, 257, 30).softmax(0)
    stretched = stretch_masks(masks, Grid(512, 128), 16000, Grid(1400, 350), 44100, 40)
    torch.testing.assert_close(stretched.sum(0), torch.ones(701, 40))
    assert stretched.min() >= 0


def test_frame_times_are_those_of_a_centred_transform() -> None:
    assert frame_times(4, 128, 8000).tolist() == [0.0, 0.016, 0.032, 0.048]
