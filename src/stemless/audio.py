"""Reading audio files: what they are, the whole of one, or one block after another.

soundfile reads wav, flac, ogg, mp3 and their relatives; what it cannot read goes through ffmpeg when that
is installed. Audio is [channels, time] float32, full scale at 1. Writing and resampling have their own
files; their public names can be had from here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
import torch
from torch import Tensor

from stemless.encoding import BlockWriter, write
from stemless.errors import AudioError
from stemless.mpeg import count_samples, says_its_length
from stemless.naming import slug
from stemless.resampling import StreamResampler, resample

__all__ = [
    "MAX_CHANNELS",
    "AudioInfo",
    "BlockReader",
    "BlockWriter",
    "StreamResampler",
    "probe",
    "read",
    "resample",
    "slug",
    "write",
]

MAX_CHANNELS = 8
BLOCK_FRAMES = 1 << 16
# Decoders drop or add about two packets at the ends of an mp3; more than this is a wrong length.
MP3_TOLERANCE_SAMPLES = 4 * 1152
# Standard error is one for the whole process.
_SILENCE = threading.Lock()


@dataclass(frozen=True)
class AudioInfo:
    """What is known of an audio file without reading its samples.

    Attributes:
        path: the file as it was asked for.
        sample_rate: Hz.
        channels: 1 to 8.
        frames: samples of one channel, at least 1.
        subtype: how samples are stored, in soundfile's words: "PCM_16", "FLOAT", "VORBIS", ...
    """

    path: Path
    sample_rate: int
    channels: int
    frames: int
    subtype: str

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class BlockReader:
    """An audio file open for reading, block by block and as often as one likes.

    A file that only ffmpeg can read is decoded once, into a temporary folder that is removed on leaving.

    Args:
        path: the audio file.

    Raises:
        AudioError: on entering, if the file is missing, empty, no audio, or of more than 8 channels; while
            reading, if it ends early or holds samples that are not finite.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._readable = self.path

    @property
    def info(self) -> AudioInfo:
        """What the file is; known inside the `with` block."""
        return self._info

    def __enter__(self) -> Self:
        try:
            self._info = self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _open(self) -> AudioInfo:
        if not self.path.exists():
            raise AudioError(f"{self.path}: no such file: check the path")
        if not self.path.is_file():
            raise AudioError(f"{self.path}: is not a file: give an audio file")
        try:
            if self.path.stat().st_size == 0:
                raise AudioError(f"{self.path}: is empty (0 bytes): give a recording")
            with self.path.open("rb"):
                pass
        except OSError as error:
            raise AudioError(
                f"{self.path}: cannot be read ({error.strerror}): check its permissions"
            ) from None
        header = _header(self.path)
        problem = None
        if header is None:
            problem = "is not wav, flac, ogg or mp3 audio that can be read here: if it is audio,"
        elif _hides_its_length(self.path, header):
            problem = "is an mp3 of varying bit rate that does not say how long it is:"
        if problem:
            self._folder = tempfile.TemporaryDirectory(prefix="stemless-")
            self._readable = _decode(self.path, Path(self._folder.name), problem)
            header = _header(self._readable)
        if header is None or header.frames < 1:
            raise AudioError(f"{self.path}: holds no samples: give a recording of at least one")
        if header.channels > MAX_CHANNELS:
            raise AudioError(
                f"{self.path}: has {header.channels} channels, at most {MAX_CHANNELS} can be separated: "
                "mix it down or split it first"
            )
        subtype = header.subtype if self._folder is None else "DECODED"
        return AudioInfo(self.path, header.sample_rate, header.channels, header.frames, subtype)

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Tensor]:
        """The samples from the start, as [channels, up to `frames`] float32."""
        done = 0
        try:
            with _opened(self._readable) as file:
                while done < self._info.frames:
                    samples = file.read(frames, dtype="float32", always_2d=True)
                    if len(samples) == 0:
                        break
                    self._check(samples, done)
                    done += len(samples)
                    yield torch.from_numpy(np.ascontiguousarray(samples.T))
        except soundfile.SoundFileError:
            pass  # Damage inside the file; said below, with the place.
        if done < self._info.frames:
            raise AudioError(
                f"{self.path}: is damaged or cut short after {done / self._info.sample_rate:.2f} of "
                f"{self._info.duration_seconds:.2f} seconds: get a whole copy, or convert what is left to wav"
            )

    def _check(self, samples: np.ndarray, offset: int) -> None:
        finite = np.isfinite(samples)
        if not finite.all():
            first = offset + int(np.argmin(finite.all(axis=1)))
            raise AudioError(
                f"{self.path}: the sample at {first / self._info.sample_rate:.3f} seconds is not a finite "
                "number: repair the file or cut that part out"
            )


def probe(path: str | Path) -> AudioInfo:
    """What an audio file is. Raises AudioError if it cannot be used."""
    with BlockReader(path) as reader:
        return reader.info


def read(path: str | Path) -> tuple[Tensor, int]:
    """A whole audio file: [channels, time] float32 and its sample rate in Hz. Raises AudioError."""
    with BlockReader(path) as reader:
        return torch.cat(list(reader.blocks()), dim=1), reader.info.sample_rate


@dataclass(frozen=True)
class _Header:
    format: str
    sample_rate: int
    channels: int
    frames: int
    subtype: str


def _header(path: Path) -> _Header | None:
    """What soundfile makes of a file, None if it makes nothing of it."""
    try:
        with _opened(path) as file:
            return _Header(file.format, file.samplerate, file.channels, file.frames, file.subtype)
    except (soundfile.SoundFileError, TypeError):  # TypeError: headerless formats, known by their suffix.
        return None


def _opened(path: Path) -> soundfile.SoundFile:
    """The file open in soundfile, whose mp3 decoder prints its doubts past Python to standard error."""
    if not _is_mp3(path):
        return soundfile.SoundFile(str(path))
    with _SILENCE, Path(os.devnull).open("w") as nowhere:
        kept = os.dup(2)
        try:
            os.dup2(nowhere.fileno(), 2)
            return soundfile.SoundFile(str(path))
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _is_mp3(path: Path) -> bool:
    return path.suffix.lower() == ".mp3"


def _hides_its_length(path: Path, header: _Header) -> bool:
    """Whether this is an mp3 of varying bit rate without its length, at which soundfile can only guess."""
    if header.format != "MP3":
        return False
    missing = count_samples(path) - header.frames
    # Fewer samples than promised is another fault: a file cut short.
    return missing > MP3_TOLERANCE_SAMPLES or (-missing > MP3_TOLERANCE_SAMPLES and not says_its_length(path))


def _decode(path: Path, folder: Path, problem: str) -> Path:
    """Have ffmpeg turn the file into a float wav. Raises AudioError."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise AudioError(f"{path}: {problem} install ffmpeg or convert it to wav")
    target = folder / "decoded.wav"
    # The "file:" prefix keeps a colon or a leading dash in a name from being read as a protocol or option.
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", f"file:{path}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    done = subprocess.run([*command, "-rf64", "auto", str(target)], capture_output=True, check=False)
    if done.returncode or not target.exists():
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = f" ({said[-1]})" if said else ""
        raise AudioError(f"{path}: neither soundfile nor ffmpeg can read it{reason}: check that it is audio")
    return target
