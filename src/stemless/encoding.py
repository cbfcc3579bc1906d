"""Writing audio files: block by block, complete under their name or not there at all, never clipped."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemless.container import settle
from stemless.errors import AudioError, UsageError

FORMATS = ("wav", "flac", "ogg", "mp3")
BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
OGG_MAX_RATE = 200_000  # The Vorbis encoder crashes the process above it.
FLAC_MAX_RATE = 655_350
# A wav file counts its bytes in 32 bits; some room is left for its header.
WAV_MAX_BYTES = 2**32 - 2**16
# Long blocks overflow the stack of some Vorbis encoders.
WRITE_FRAMES = 1 << 14


def subtype_like(input_subtype: str, audio_format: str) -> str:
    """How to store samples that came from a file of `input_subtype`, in soundfile's words.

    Float stays float and 24 bits stay 24 bits as far as the format can; what came in fewer bits or as
    ogg or mp3 is stored in 16. What ffmpeg decoded ("DECODED") may have had 24.

    >>> subtype_like("PCM_24", "wav"), subtype_like("FLOAT", "flac"), subtype_like("VORBIS", "wav")
    ('PCM_24', 'PCM_24', 'PCM_16')
    """
    if audio_format == "ogg":
        return "VORBIS"
    if audio_format == "mp3":
        return "MPEG_LAYER_III"
    if input_subtype in ("FLOAT", "DOUBLE"):
        return "FLOAT" if audio_format == "wav" else "PCM_24"
    if input_subtype == "PCM_32" and audio_format == "wav":
        return "PCM_32"
    return "PCM_24" if input_subtype in ("PCM_24", "PCM_32", "DECODED") else "PCM_16"


def check_format(audio_format: str, sample_rate: int, channels: int) -> None:
    """Raise UsageError if the format cannot hold such audio."""
    if audio_format not in FORMATS:
        raise UsageError(f"no audio format is called '{audio_format}': choose one of {', '.join(FORMATS)}")
    problem = None
    if audio_format == "mp3" and channels > 2:
        problem = f"{channels} channels"
    elif (
        (audio_format == "mp3" and sample_rate not in MP3_RATES)
        or (audio_format == "ogg" and sample_rate > OGG_MAX_RATE)
        # A flac header has no room for other rates above 16 bits.
        or (
            audio_format == "flac"
            and sample_rate > 65_535
            and (sample_rate % 10 or sample_rate > FLAC_MAX_RATE)
        )
    ):
        problem = f"a sample rate of {sample_rate} Hz"
    if problem:
        raise UsageError(f"{audio_format} cannot hold {problem}: choose the format wav")


def quantise(block: Tensor, bits: int) -> Tensor:
    """Samples as whole steps of 2^(1 - bits), [*] float64 holding integers; not limited to the range.

    >>> quantise(torch.tensor([0.5, -1.0, 1e-6]), 16).tolist()
    [16384.0, -32768.0, 0.0]
    """
    return torch.round(block.double() * 2.0 ** (bits - 1))


class BlockWriter:
    """An audio file being written under a temporary name, given its own when all of it is there.

    Leaving the `with` block by an exception, Ctrl-C included, removes what was written.

    Args:
        path: the file to write.
        sample_rate: Hz.
        channels: 1 to 8.
        audio_format: wav, flac, ogg or mp3; by default what the suffix of the path says.
        subtype: "PCM_16", "PCM_24", "PCM_32" (wav only) or "FLOAT" (wav only); default: as exact as it gets.
        frames: samples of one channel to come; needed only for wav files over 4 GB.
        overwrite: replace an existing file.

    Raises:
        UsageError: the file exists, or the format cannot hold such audio.
        AudioError: it cannot be written, or a block would be clipped.
    """

    def __init__(
        self,
        path: str | Path,
        sample_rate: int,
        channels: int,
        *,
        audio_format: str | None = None,
        subtype: str | None = None,
        frames: int = 0,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.audio_format = audio_format or self.path.suffix.lower().lstrip(".")
        check_format(self.audio_format, sample_rate, channels)
        self.subtype = subtype or subtype_like("FLOAT", self.audio_format)
        self.bits = BITS.get(self.subtype)
        if self.path.exists() and not overwrite:
            raise UsageError(f"{self.path}: exists already: choose another name or overwrite it")
        self._rate, self._channels = sample_rate, channels
        self._frame_bytes = channels * (self.bits or 32) // 8
        self._large = self.audio_format == "wav" and frames * self._frame_bytes > WAV_MAX_BYTES
        self._done = 0
        self._partial = self.path.with_name(f".{secrets.token_hex(4)}.partial")

    def __enter__(self) -> Self:
        self.open()
        return self

    def open(self) -> None:
        """Start the file under its temporary name."""
        container = "RF64" if self._large else self.audio_format.upper()
        try:
            self._file = soundfile.SoundFile(
                str(self._partial), "w", self._rate, self._channels, self.subtype, format=container
            )
        except soundfile.SoundFileError as error:
            self._partial.unlink(missing_ok=True)
            raise self._failure(error) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def close(self) -> None:
        """Finish the file and give it its name."""
        try:
            self._file.close()
            settle(self._partial, self.audio_format)
            self._partial.replace(self.path)
        except (OSError, soundfile.SoundFileError) as problem:
            raise self._failure(problem) from None
        finally:
            self._partial.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Remove what was written; harmless when there is nothing."""
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def fits(self, block: Tensor) -> bool:
        """Whether the block [channels, time] can be written without being clipped."""
        if self.bits is None or block.numel() == 0:
            return True
        low, high = torch.aminmax(quantise(block, self.bits))
        return bool(low >= -(2.0 ** (self.bits - 1)) and high <= 2.0 ** (self.bits - 1) - 1)

    def write(self, block: Tensor) -> Tensor:
        """Write the next block [channels, time].

        Returns:
            the block as a reader of the file will see it (lossy coding apart).
        """
        if not self.fits(block):
            raise AudioError(
                f"{self.path}: would be clipped at {self.bits} bits: scale it or store it as float"
            )
        self._done += block.shape[1]
        if self.audio_format == "wav" and not self._large and self._done * self._frame_bytes > WAV_MAX_BYTES:
            raise AudioError(f"{self.path}: is over 4 GB: say beforehand how many frames will come")
        if self.bits is None:
            stored = samples = block.float()
        else:
            steps = quantise(block, self.bits)
            stored = (steps * 2.0 ** (1 - self.bits)).float()
            # soundfile takes whole numbers left-aligned in 16 or 32 bits.
            samples = (
                steps.to(torch.int16) if self.bits == 16 else (steps * 2 ** (32 - self.bits)).to(torch.int32)
            )
        interleaved = np.ascontiguousarray(samples.numpy().T)
        try:
            for start in range(0, len(interleaved), WRITE_FRAMES):
                self._file.write(interleaved[start : start + WRITE_FRAMES])
        except (OSError, soundfile.SoundFileError) as error:
            raise self._failure(error) from None
        return stored

    def _failure(self, error: Exception) -> AudioError:
        parent = self.path.parent
        if not parent.is_dir():
            reason = "its folder does not exist"
        elif not os.access(parent, os.W_OK):
            reason = "no permission to write in its folder"
        else:
            reason = str(getattr(error, "strerror", None) or getattr(error, "error_string", error)).strip(
                " ."
            )
        return AudioError(f"{self.path}: cannot be written ({reason}): choose another place or make room")


def write(
    path: str | Path,
    audio: Tensor,
    sample_rate: int,
    *,
    audio_format: str | None = None,
    subtype: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a whole audio file; arguments and errors as of `BlockWriter`.

    Args:
        path: the file to write; its folder must exist.
        audio: [channels, time], full scale at 1.
        sample_rate: Hz.
    """
    with BlockWriter(
        path,
        sample_rate,
        audio.shape[0],
        audio_format=audio_format,
        subtype=subtype,
        frames=audio.shape[1],
        overwrite=overwrite,
    ) as writer:
        writer.write(audio.detach().cpu())
