"""What the baselines share: where frames lie in time, what a resting voice keeps, magnitudes into masks."""

from __future__ import annotations

import torch
from torch import Tensor

# A voice that was pitched a moment ago may be on a consonant, in its own reverberation, or missed by the
# tracker; one that has no pitch for longer rests.
REST_DECAY_SECONDS = 0.1
REST_LIMIT_SECONDS = 0.5


def rest_levels(
    voiced: Tensor,
    frame_seconds: float,
    *,
    decay_seconds: float = REST_DECAY_SECONDS,
    limit_seconds: float = REST_LIMIT_SECONDS,
) -> Tensor:
    """How much of its floor a voice keeps: 1 where it is pitched, less the farther its nearest pitch is.

    exp(-distance / decay), and exactly 0 from the limit on, so that a voice is mute in its rests and a
    stretch of time can be computed alone when `limit_seconds` around it are known.

    Args:
        voiced: [voices, frames] bool.
        frame_seconds: time from frame to frame.

    Returns:
        [voices, frames] float32 in [0, 1].

    >>> rest_levels(torch.tensor([[True, False, False]]), 0.1, limit_seconds=0.2)[0].tolist()[::2]
    [1.0, 0.0]
    """
    frames = voiced.shape[-1]
    index = torch.arange(frames, device=voiced.device, dtype=torch.float32)
    never = torch.full_like(index, float("inf"))
    before = torch.where(voiced, index, -never).cummax(-1).values
    after = torch.where(voiced, index, never).flip(-1).cummin(-1).values.flip(-1)
    seconds = torch.minimum(index - before, after - index) * frame_seconds
    return torch.exp(-seconds / decay_seconds) * (seconds < limit_seconds - 1e-6)


def power_masks(magnitudes: Tensor, power: float, dim: int = 0) -> Tensor:
    """Masks |S_j|^p / sum_k |S_k|^p; 0 for all where nothing is expected.

    Args:
        magnitudes: not negative, the sources along `dim`.
        power: p above 0; 1 shares by amplitude, 2 is the Wiener-like share by energy.

    >>> power_masks(torch.tensor([3.0, 1.0]), 2).tolist()
    [0.8999999761581421, 0.10000000149011612]
    >>> power_masks(torch.zeros(2), 1).tolist()
    [0.0, 0.0]
    """
    largest = magnitudes.amax(dim, keepdim=True)
    # Relative to the largest: no power under- or overflows.
    shares = magnitudes / torch.where(largest > 0, largest, torch.ones_like(largest))
    if power == 2:
        shares = shares * shares
    elif power != 1:
        shares = shares**power
    total = shares.sum(dim, keepdim=True)
    return shares / total.clamp_min(1.0)


def floored_masks(
    magnitudes: Tensor, f0_hz: Tensor, power: float, frame_seconds: float, *, floor: float = 1e-3
) -> Tensor:
    """Masks of what the voices are expected to be, plus a floor that shares what nobody is expected to be.

    The floor is relative to the largest magnitude of the frame and goes with `rest_levels`.

    Args:
        magnitudes: [voices, bins, frames].
        f0_hz: [voices, frames].
    """
    levels = floor * rest_levels(f0_hz > 0, frame_seconds).to(magnitudes.dtype)
    largest = magnitudes.amax((0, 1)).clamp_min(torch.finfo(magnitudes.dtype).tiny)
    return power_masks(magnitudes / largest + levels[:, None], power)


def unit_level(magnitudes: Tensor) -> Tensor:
    """Magnitudes [..., bins, frames] relative to their largest; silence stays silence.

    Masks do not depend on the level, and ratios to nearly nothing then stay within float32.
    """
    largest = magnitudes.amax((-2, -1), keepdim=True)
    return magnitudes / torch.where(largest > 0, largest, torch.ones_like(largest))
