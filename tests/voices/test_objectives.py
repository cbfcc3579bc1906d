import torch
from plain import multi_scale_loss as plain_loss

from stemless.voices.objectives import SCALES, multi_scale_loss


def test_equals_the_plain_form() -> None:
    a, b = torch.randn(2, 6000), torch.randn(2, 6000)
    assert torch.allclose(multi_scale_loss(a, b), plain_loss(a, b), rtol=1e-5)


def test_is_zero_on_itself_and_on_its_negative() -> None:
    audio = torch.randn(2, 4000)
    assert multi_scale_loss(audio, audio) == 0
    assert multi_scale_loss(-audio, audio) < 1e-5


def test_a_gain_costs_its_logarithm_at_every_scale() -> None:
    # Twice as loud: the linear part is the mean magnitude, the logarithmic part ln 2 a scale.
    audio = torch.randn(1, 8000, dtype=torch.float64)
    linear = sum(
        torch.stft(
            audio,
            n,
            n // 4,
            window=torch.hann_window(n, dtype=torch.float64),
            pad_mode="constant",
            return_complex=True,
        )
        .abs()
        .mean()
        for n in SCALES
    )
    wanted = linear + len(SCALES) * torch.log(torch.tensor(2.0))
    assert torch.allclose(multi_scale_loss(2 * audio, audio), wanted, rtol=1e-4)


def test_silence_is_finite_with_finite_gradient() -> None:
    estimate = torch.zeros(1, 4000, requires_grad=True)
    loss = multi_scale_loss(estimate, torch.randn(1, 4000))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(estimate.grad).all()


def test_gradients() -> None:
    estimate = torch.randn(1, 96, dtype=torch.float64, requires_grad=True)
    target = torch.randn(1, 96, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: multi_scale_loss(x, target, (64, 32)), (estimate,))
