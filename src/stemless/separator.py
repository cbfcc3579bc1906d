"""What a separator is to the rest of the package, and what separating gives.

A separator turns a mono mixture at its own rate, and what is asked for, into masks. It knows nothing of
files, native rates, channels or length: the engine does.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar, runtime_checkable

from torch import Tensor

from stemless.errors import UsageError
from stemless.spectrum import Grid


class Condition(Protocol):
    """What is asked for: the sources by name, and anything that helps to find them."""

    @property
    def names(self) -> tuple[str, ...]:
        """One name a source, in the order of the masks."""
        ...

    def cut(self, start_seconds: float, end_seconds: float) -> Self:
        """The part that belongs to a stretch of the recording, its times counted from `start_seconds`."""
        ...


C = TypeVar("C", bound=Condition)


@dataclass(frozen=True, eq=False)
class Stretch(Generic[C]):
    """One block of the recording as the separator hears it.

    Attributes:
        start_seconds: where it begins in the recording.
        audio: [1, time], mono, at the separator's rate.
        condition: cut to this stretch, its times counted from the start of the stretch.
    """

    start_seconds: float
    audio: Tensor
    condition: C


class Separator(Protocol[C]):
    """Masks from a mixture and a condition.

    Attributes:
        name: what the report says did it, such as "voices/comb".
        sample_rate: of the audio it hears, in Hz.
        grid: of the masks it gives, at that rate.
        context_seconds: audio it wants on each side of a chunk; its masks there are thrown away.
        chunk_seconds: length of chunk it likes best, context not counted.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def grid(self) -> Grid: ...

    @property
    def context_seconds(self) -> float: ...

    @property
    def chunk_seconds(self) -> float: ...

    def survey(self, stretches: Iterable[Stretch[C]], condition: C, duration_seconds: float) -> object:
        """Measure once over the whole recording what must not change from chunk to chunk.

        Args:
            stretches: the recording from start to end, in blocks that neither overlap nor leave gaps.
                Left untouched, it costs nothing: the recording is read only as the blocks are taken.
            condition: of the whole recording.
            duration_seconds: of the whole recording.

        Returns:
            anything; it comes back as the last argument of `masks`.
        """
        ...

    def masks(self, audio: Tensor, condition: C, survey: object) -> Tensor:
        """Masks of one chunk.

        Args:
            audio: [batch, time], mono, at `sample_rate`, on the CPU.
            condition: cut to this chunk.
            survey: what `survey` returned.

        Returns:
            [batch, sources, bins, frames] on `grid`, each in [0, 1], their sum over sources at most 1.
        """
        ...


@runtime_checkable
class CorrectingSeparator(Protocol):
    """A separator that also gives what no mask can: sources with phases of their own."""

    def corrections(self, audio: Tensor, masks: Tensor, condition: Condition, survey: object) -> Tensor:
        """What is to be added to the masked sources of a chunk; what that changes in their sum, the residual
        takes.

        Args:
            audio: [channels, time], at `sample_rate`, on the CPU.
            masks: [sources, bins, frames], as `masks` gave them for the mean of the channels.
            condition, survey: those of `masks`.

        Returns:
            [sources, channels, time].
        """
        ...


@dataclass(frozen=True, eq=False)
class Stems:
    """The sources of one recording at its own rate and channels; with the residual they sum to it.

    Attributes:
        names: one a stem.
        audio: [stems, channels, time].
        residual: [channels, time], what no stem took.
        sample_rate: Hz.
        details: by name of a stem, what a report would say of it besides, such as its presence.
    """

    names: tuple[str, ...]
    audio: Tensor
    residual: Tensor
    sample_rate: int
    details: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.audio.ndim != 3 or self.audio.shape[0] != len(self.names):
            raise ValueError(
                f"audio must be [{len(self.names)}, channels, time], not {list(self.audio.shape)}"
            )
        if self.residual.shape != self.audio.shape[1:]:
            raise ValueError(
                f"residual must be {list(self.audio.shape[1:])}, not {list(self.residual.shape)}"
            )

    def __getitem__(self, name: str) -> Tensor:
        """The stem of that name, [channels, time]; UsageError with the nearest name if there is none."""
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names, n=1, cutoff=0)
            raise UsageError(
                f"no stem is called '{name}': did you mean '{near[0]}'?"
                if near
                else f"no stem is called '{name}': there are none"
            )
        return self.audio[self.names.index(name)]

    def save(
        self,
        folder: str | Path,
        *,
        audio_format: str = "wav",
        subtype: str | None = None,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write every stem as `<slug of its name>.<format>` and the residual beside them: all, or none.

        Args:
            folder: made if it is not there.
            audio_format: wav, flac, ogg or mp3.
            subtype: how samples are stored, "PCM_16", "PCM_24" or "FLOAT"; default: as exact as it gets.
            overwrite: replace files of the same names.

        Returns:
            the paths of the stems in order, and last that of the residual.

        Raises:
            UsageError: a file is there already, or the format cannot hold such audio.
            AudioError: the files cannot be written.
        """
        from stemless.stem_folder import save_stems

        return save_stems(self, Path(folder), audio_format, subtype, overwrite)
