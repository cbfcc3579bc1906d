"""Stems, residual and report as files in one folder: all of them at the end, or none.

Everything is written block by block into a hidden folder beside the target, and moved when complete.
Each stem is stored first, and the residual is what is then missing from the mixture: read back, the files
sum to the mixture to the last step of the format.
"""

from __future__ import annotations

import contextlib
import math
import secrets
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from torch import Tensor

from stemless.audio import BlockReader
from stemless.encoding import BITS, BlockWriter, check_format, subtype_like
from stemless.errors import AudioError, StemlessError, UsageError
from stemless.naming import unique_slugs
from stemless.separator import Stems

REPORT = "report.json"


class StemFolder:
    """Writes the stems of one recording and what remains of it.

    A stem that would clip an integer wav is stored as float wav, with its samples as they are. The other
    formats have no float: then all files of the recording are scaled by the same gain. Either leaves a
    line in `warnings`.

    Args:
        folder: where the files go; made if it is not there.
        names: of the stems, in order.
        sample_rate: Hz.
        channels: 1 to 8.
        frames: samples of one channel that will come.
        audio_format: wav, flac, ogg or mp3.
        subtype: of the stems, as in `BlockWriter`.
        overwrite: replace files of the same names.

    Raises:
        UsageError: a file is there already, or the format cannot hold such audio.
        StemlessError: the folder or a file cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        sample_rate: int,
        channels: int,
        frames: int,
        *,
        audio_format: str,
        subtype: str,
        overwrite: bool,
    ) -> None:
        check_format(audio_format, sample_rate, channels)
        self.folder = folder
        slugs = [*unique_slugs(names, taken=("residual", "report")), "residual"]
        self.files = [f"{slug}.{audio_format}" for slug in slugs]
        self.warnings: list[str] = []
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is a file, not a folder: choose another output folder")
        self._overwrite = overwrite
        self._refuse_existing()
        self._slugs, self._format = slugs, audio_format
        self._shape = (sample_rate, channels, frames)
        self._final_subtype = subtype
        # Lossy coders take float; flac is first written as a wav of the same bits.
        self._subtype = subtype if subtype in BITS else "FLOAT"

    def __enter__(self) -> Self:
        self._made: list[Path] = []
        token = secrets.token_hex(4)
        inside = self.folder.is_dir()
        # Inside when there is a folder: its parent may be on another disk, or not ours to write in.
        self._hidden = (
            self.folder / f".{token}.partial"
            if inside
            else self.folder.with_name(f".{self.folder.name[:40]}.{token}.partial")
        )
        self._open: list[_StemFile] = []
        try:
            self._make(self._hidden)
            for slug in self._slugs:
                file = _StemFile(self._hidden / f"{slug}.wav", *self._shape, self._subtype)
                self._open.append(file)
        except BaseException as error:
            self._discard()
            if isinstance(error, OSError):
                raise self._failure(error) from None
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()
        if isinstance(error, AudioError) and str(self._hidden) in str(error):
            # The hidden folder is gone, and was none of the user's business.
            raise AudioError(str(error).replace(str(self._hidden), str(self.folder))) from None

    def refuse_to_replace(self, recording: Path) -> None:
        """Raise UsageError if a stem would take the place of the recording it comes from."""
        for file in self.files:
            if (self.folder / file).exists() and (self.folder / file).samefile(recording):
                raise UsageError(f"{recording}: would be replaced by a stem: choose another output folder")

    def write(self, mixture: Tensor, stems: Tensor) -> None:
        """Write the next block: mixture [channels, time] and stems [stems, channels, time]."""
        rest = mixture.double()
        for file, stem in zip(self._open, stems, strict=False):
            rest = rest - file.write(stem)
        self._open[-1].write(rest.float())

    def finish(self) -> None:
        """Close the audio files in their final format; `files` and `warnings` are complete after it."""
        for file in self._open:
            file.close()
        if self._format == "wav":
            self.warnings += [
                f"{file.path.name}: would be clipped at {BITS[self._subtype]} bits, written as float"
                for file in self._open
                if file.promoted
            ]
        else:
            self._encode()

    def commit(self, report: str | None = None) -> None:
        """Put the files in place, with this text as the report if there is one."""
        names = self.files if report is None else [*self.files, REPORT]
        self._refuse_existing()  # Another run may have been quicker.
        try:
            if report is not None:
                (self._hidden / REPORT).write_text(report, encoding="utf-8")
            if self.folder.exists():
                for name in names:
                    (self._hidden / name).replace(self.folder / name)
                self._hidden.rmdir()
            else:
                self._hidden.replace(self.folder)
        except OSError as error:
            raise self._failure(error) from None
        self._made.clear()

    def _refuse_existing(self) -> None:
        for file in (*self.files, REPORT):
            if (self.folder / file).exists() and not self._overwrite:
                raise UsageError(
                    f"{self.folder / file}: exists already: choose another output folder or add --overwrite"
                )

    def _encode(self) -> None:
        """From wav to the final format, one file after the other, all with one gain."""
        bits = BITS.get(self._final_subtype)
        limit = 1.0 if bits is None else 1 - 2.0 ** (1 - bits)
        too_loud = any(file.promoted or (bits is None and file.peak > 1) for file in self._open)
        gain = limit / max(file.peak for file in self._open) if too_loud else 1.0
        if too_loud:
            self.warnings.append(
                f"all files scaled by {20 * math.log10(gain):.2f} dB, since {self._format} would clip: "
                "write wav to keep the level"
            )
        rate, channels, _ = self._shape
        for file in self._open:
            target = file.path.with_suffix(f".{self._format}")
            with (
                BlockReader(file.path) as reader,
                BlockWriter(target, rate, channels, subtype=self._final_subtype) as writer,
            ):
                for block in reader.blocks():
                    writer.write(block * gain if too_loud else block)
            file.path.unlink()

    def _make(self, folder: Path) -> None:
        """Make a folder and its parents, and remember which were not there."""
        if not folder.parent.exists():
            self._make(folder.parent)
        folder.mkdir()
        self._made.append(folder)

    def _discard(self) -> None:
        """Remove whatever was not committed, with the folders that were made for it."""
        for file in self._open:
            file.abandon()
        if self._made:
            shutil.rmtree(self._hidden, ignore_errors=True)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # Gone, or someone else has put something there meanwhile.
                folder.rmdir()
        self._made.clear()

    def _failure(self, error: OSError) -> StemlessError:
        return AudioError(
            f"{self.folder}: cannot be written ({error.strerror}): choose another output folder or make room"
        )


def save_stems(
    stems: Stems, folder: Path, audio_format: str, subtype: str | None, overwrite: bool
) -> list[Path]:
    """Write stems that are in memory; see `Stems.save`."""
    _, channels, frames = stems.audio.shape
    with StemFolder(
        folder,
        stems.names,
        stems.sample_rate,
        channels,
        frames,
        audio_format=audio_format,
        subtype=subtype or subtype_like("FLOAT", audio_format),
        overwrite=overwrite,
    ) as files:
        files.write(stems.residual + stems.audio.sum(0), stems.audio)
        files.finish()
        files.commit()
    for warning in files.warnings:
        warnings.warn(warning, stacklevel=3)
    return [folder / file for file in files.files]


class _StemFile:
    """One wav being written; it turns to float by itself when an integer would clip."""

    def __init__(self, path: Path, sample_rate: int, channels: int, frames: int, subtype: str) -> None:
        self.path = path
        self.peak = 0.0
        self.promoted = False
        self._shape = (sample_rate, channels, frames)
        self._written = 0
        self._writer = self._start(subtype)

    def _start(self, subtype: str) -> BlockWriter:
        rate, channels, frames = self._shape
        writer = BlockWriter(self.path, rate, channels, subtype=subtype, frames=frames)
        writer.open()
        return writer

    def write(self, block: Tensor) -> Tensor:
        """Write [channels, time]; return it as stored."""
        if block.numel():
            self.peak = max(self.peak, float(block.abs().max()))
        if not self._writer.fits(block):
            self._promote()
        self._written += block.shape[1]
        return self._writer.write(block)

    def _promote(self) -> None:
        """Go on as float. The integers written so far are exact in float, so nothing is lost."""
        self._writer.close()
        integers = self.path.with_suffix(".integers.wav")
        self.path.replace(integers)
        self._writer = self._start("FLOAT")
        self.promoted = True
        if self._written:
            with BlockReader(integers) as reader:
                for block in reader.blocks():
                    self._writer.write(block)
        integers.unlink()

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        self._writer.abandon()
