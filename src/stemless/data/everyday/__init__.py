"""Everyday sounds made from physics and arithmetic: rain, keys, engines, barks, laughter.

No recording goes in: every clip is a random instance of a small model of what makes the sound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stemless.data.everyday.rendering import render_everyday as render_everyday

__all__ = ["render_everyday"]


def __getattr__(name: str) -> object:
    # Loaded when asked for: the renderer brings torch.
    if name == "render_everyday":
        from stemless.data.everyday.rendering import render_everyday

        return render_everyday
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
