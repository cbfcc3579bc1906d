"""The run of a separator over a recording of any length, rate and number of channels.

    recording -> mono at the separator's rate -> survey, once over all of it
    recording -> mono at the separator's rate -> masks, chunk by chunk -> every channel at its own rate
    recording -> channels at the separator's rate -> corrections, chunk by chunk, of separators that give them

The engine knows nothing of pitch or prompts, and holds one chunk at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from stemless.audio import BLOCK_FRAMES, MAX_CHANNELS, BlockReader
from stemless.chunks import Piece, mask_chunks
from stemless.correcting import StreamCorrecting
from stemless.encoding import check_format, subtype_like
from stemless.errors import AudioError
from stemless.masking import StreamMasking
from stemless.report import ActivityMeter, build_report, report_text
from stemless.resampling import StreamResampler, resampled_length
from stemless.separator import C, Condition, CorrectingSeparator, Separator, Stems, Stretch
from stemless.stem_folder import StemFolder

Blocks = Callable[[], Iterator[Tensor]]
Progress = Callable[[float, float], None]
Details = Mapping[str, Mapping[str, object]]
Activities = list[list[list[float]]]


def separate_audio(
    audio: Tensor,
    sample_rate: int,
    separator: Separator[C],
    condition: C,
    *,
    only: Sequence[str] | None = None,
    chunk_seconds: float | None = None,
    on_progress: Progress | None = None,
) -> Stems:
    """Separate a recording in memory.

    Args:
        audio: [channels, time], 1 to 8 channels, finite.
        sample_rate: Hz.
        separator: makes the masks.
        condition: what is asked for, over the whole recording.
        only: the sources that are wanted, by name; the others go to the residual. All of them when None.
        chunk_seconds: length of a chunk if not the separator's own.
        on_progress: called with the seconds done and the seconds there are.

    Returns:
        stems at the same rate and channels; with their residual they sum to the audio.

    Raises:
        AudioError: the audio has no samples, too many channels or samples that are not finite.
    """
    if audio.ndim != 2 or not 1 <= audio.shape[0] <= MAX_CHANNELS or audio.shape[1] < 1:
        raise AudioError(
            f"audio of shape {list(audio.shape)} cannot be separated: give [channels, time] with 1 to "
            f"{MAX_CHANNELS} channels and at least one sample"
        )
    if not bool(torch.isfinite(audio).all()):
        raise AudioError("audio holds samples that are not finite numbers: repair it or cut that part out")
    audio = audio.detach().to("cpu", torch.float32)

    def blocks() -> Iterator[Tensor]:
        for start in range(0, audio.shape[1], BLOCK_FRAMES):
            yield audio[:, start : start + BLOCK_FRAMES]

    names = _wanted(condition, only)
    stems = torch.empty(len(names), *audio.shape)
    done = 0
    for _, block in _separate_blocks(
        blocks, audio.shape[1], sample_rate, separator, condition, only, chunk_seconds, on_progress
    ):
        stems[..., done : done + block.shape[-1]] = block
        done += block.shape[-1]
    return Stems(names, stems, audio - stems.sum(0), sample_rate)


def separate_file(
    path: str | Path,
    separator: Separator[C],
    condition: C,
    output_dir: str | Path,
    *,
    only: Sequence[str] | None = None,
    audio_format: str = "wav",
    overwrite: bool = False,
    seed: int = 0,
    chunk_seconds: float | None = None,
    on_progress: Progress | None = None,
    details: Details | Callable[[Activities], Details] | None = None,
    besides: Mapping[str, object] | Callable[[], Mapping[str, object]] | None = None,
) -> dict[str, object]:
    """Separate a file of any length into files, with memory that does not grow with it.

    Stems, `residual` and `report.json` go to `output_dir/<input without suffix>/`, all of them when all is
    done; the files keep the rate, the channels and the bits of the input.

    Args:
        path: the recording.
        separator: makes the masks.
        condition: what is asked for, over the whole recording.
        only: the sources that are wanted, by name; the others go to the residual. All of them when None.
        output_dir: made if it is not there.
        audio_format: of the stems: wav, flac, ogg or mp3.
        overwrite: replace an earlier result.
        seed: what the separator was seeded with, for the report.
        chunk_seconds: length of a chunk if not the separator's own.
        on_progress: called with the seconds done and the seconds there are.
        details: by name of a stem, what its entry in the report holds besides; or what gives it when all is
            separated, from the stretches in which each stem sounds.
        besides: what the report as a whole holds besides, or what gives it then.

    Returns:
        the report, as written; its "warnings", where there are any, are for the user to see.

    Raises:
        AudioError: the recording cannot be read or the stems cannot be written.
        UsageError: the result is there already, or the format cannot hold such audio.
    """
    path = Path(path)
    names = _wanted(condition, only)
    with BlockReader(path) as reader:
        info = reader.info
        check_format(audio_format, info.sample_rate, info.channels)
        meter = ActivityMeter(len(names), info.sample_rate)
        with StemFolder(
            Path(output_dir) / path.stem,
            names,
            info.sample_rate,
            info.channels,
            info.frames,
            audio_format=audio_format,
            subtype=subtype_like(info.subtype, audio_format),
            overwrite=overwrite,
        ) as folder:
            folder.refuse_to_replace(path)
            for mixture, stems in _separate_blocks(
                reader.blocks,
                info.frames,
                info.sample_rate,
                separator,
                condition,
                only,
                chunk_seconds,
                on_progress,
            ):
                folder.write(mixture, stems)
                meter.push(stems)
            folder.finish()
            activities = meter.activities()
            report = build_report(
                input_path=str(path),
                sample_rate=info.sample_rate,
                duration_seconds=info.duration_seconds,
                separator=separator.name,
                seed=seed,
                names=names,
                files=folder.files,
                activities=activities,
                details=details(activities) if callable(details) else details,
                warnings=folder.warnings,
                besides=besides() if callable(besides) else besides,
            )
            folder.commit(report_text(report))
    return report


def _wanted(condition: Condition, only: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(condition.names if only is None else only)


def _separate_blocks(
    blocks: Blocks,
    samples: int,
    sample_rate: int,
    separator: Separator[C],
    condition: C,
    only: Sequence[str] | None,
    chunk_seconds: float | None,
    on_progress: Progress | None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Mixture [channels, time] and stems [stems, channels, time], piece after piece.

    Args:
        blocks: gives the recording from its start, as often as it is called.
        samples: of one channel.
    """
    rate = separator.sample_rate
    model_samples = resampled_length(samples, sample_rate, rate)
    duration_seconds = samples / sample_rate
    passes = _Passes(duration_seconds, on_progress)
    mono = _resampled(_mono(blocks()), sample_rate, rate)
    stretches = _stretches(mono, separator, condition, passes)
    survey = separator.survey(stretches, condition, duration_seconds)
    stretches.close()
    masking = StreamMasking(sample_rate, samples, separator.grid, rate, separator.grid.frames(model_samples))

    def heard() -> Iterator[Tensor]:
        for block in blocks():
            masking.hear(block)
            yield block

    hears_channels = isinstance(separator, CorrectingSeparator)
    at_rate = _resampled(heard() if hears_channels else _mono(heard()), sample_rate, rate)
    pieces = mask_chunks(at_rate, model_samples, separator, condition, survey, chunk_seconds, only)
    done = 0
    for mixture, stems in _applied(pieces, masking, rate, sample_rate):
        yield mixture, stems
        done += mixture.shape[1]
        passes.report(done / sample_rate)


def _applied(
    pieces: Iterable[Piece], masking: StreamMasking, from_rate: int, to_rate: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Mixture and stems at the recording's rate: masked, and corrected by what pieces have for that."""
    correcting: StreamCorrecting | None = None
    for piece in pieces:
        if piece.corrections is not None:
            if correcting is None:
                correcting = StreamCorrecting(from_rate, to_rate, *piece.corrections.shape[:2])
            correcting.hear(piece.corrections)
        for mixture, stems in masking.apply(piece.masks):
            if correcting is None:
                yield mixture, stems
            else:
                yield from correcting.apply(mixture, stems)
    if correcting is not None:
        yield from correcting.finish()


def _mono(blocks: Iterable[Tensor]) -> Iterator[Tensor]:
    """The mean of the channels, [1, time] a block."""
    return (block.mean(dim=0, keepdim=True) for block in blocks)


def _resampled(blocks: Iterable[Tensor], from_rate: int, to_rate: int) -> Iterator[Tensor]:
    """The blocks at another rate, [channels, time] each."""
    resampler: StreamResampler | None = None
    for block in blocks:
        if resampler is None:
            resampler = StreamResampler(from_rate, to_rate, block.shape[0])
        yield resampler.push(block)
    if resampler is not None:
        yield resampler.finish()


def _stretches(
    mono: Iterator[Tensor], separator: Separator[C], condition: C, passes: _Passes
) -> Generator[Stretch[C]]:
    """The recording as the survey hears it: consecutive stretches of the separator's chunk length."""
    rate = separator.sample_rate
    length = max(1, round(separator.chunk_seconds * rate))
    passes.survey = True
    start = 0
    held: list[Tensor] = []
    for block in mono:
        held.append(block)
        while sum(piece.shape[1] for piece in held) >= length:
            joined = torch.cat(held, dim=1)
            held = [joined[:, length:]]
            yield _stretch(joined[:, :length], start, rate, condition)
            start += length
            passes.report_survey(start / rate)
    rest = torch.cat(held, dim=1)
    if rest.shape[1]:
        yield _stretch(rest, start, rate, condition)


def _stretch(audio: Tensor, start: int, rate: int, condition: C) -> Stretch[C]:
    start_seconds = start / rate
    return Stretch(start_seconds, audio, condition.cut(start_seconds, start_seconds + audio.shape[1] / rate))


class _Passes:
    """Progress over one pass, or over two when the survey listens."""

    def __init__(self, duration_seconds: float, on_progress: Progress | None) -> None:
        self.survey = False
        self._duration_seconds = duration_seconds
        self._on_progress = on_progress

    def report_survey(self, done_seconds: float) -> None:
        if self._on_progress is not None:
            done_seconds = min(done_seconds, self._duration_seconds)
            self._on_progress(done_seconds, 2 * self._duration_seconds)

    def report(self, done_seconds: float) -> None:
        if self._on_progress is not None:
            before = self._duration_seconds if self.survey else 0.0
            self._on_progress(before + done_seconds, before + self._duration_seconds)
