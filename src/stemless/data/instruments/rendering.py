"""Solo recordings of the instruments of a sound bank, with captions, as a manifest lists them.

Layout of the folder:

    render.json             what was asked for
    manifest.csv            audio,caption,phrases,group,split, as `stemless.query.manifest` reads it
    audio/00012-cello.flac  16 bits, mono
    batches/00000.json      what was made in one go: the rows of the manifest

Recording n depends on the bank, the seed and n alone, so that a larger count only adds; a run that was broken
off goes on with the batch it was at.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from stemless.data.instruments.acoustics import random_recording
from stemless.data.instruments.bank_contents import keys_of_sounds
from stemless.data.instruments.captions import caption
from stemless.data.instruments.expression import random_expression
from stemless.data.instruments.general_midi import instruments_of
from stemless.data.instruments.instrument import Instrument, Sound
from stemless.data.instruments.midi_file import Piece, start_of, write_midi
from stemless.data.instruments.music import Music, random_music
from stemless.data.instruments.rhythm import random_beat, random_pattern, random_sounds
from stemless.data.instruments.sound_bank import find_bank, fluidsynth, play, played_rate
from stemless.data.instruments.styles import STYLES
from stemless.encoding import write
from stemless.errors import StemlessError, UsageError
from stemless.naming import slug
from stemless.query.manifest import Recording, write_manifest
from stemless.resampling import resample


class RenderWarning(UserWarning):
    """Something that was asked for is not among the recordings."""


# So many that loading the bank costs little, so few that they fit on a disk and a broken run loses little.
BATCH_SECONDS = 400.0
SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 120.0
# Below this a bank has no sound where its list of presets says so.
_SILENCE_PEAK = 1e-4


@dataclass(frozen=True)
class _Job:
    """What the recordings of a folder have in common."""

    folder: Path
    bank: Path
    seconds: float
    seed: int
    sample_rate: int
    instruments: tuple[Instrument, ...]


def render_instruments(
    folder: str | Path,
    *,
    bank: str | Path,
    count: int,
    seconds: float = 8.0,
    seed: int = 0,
    workers: int = 1,
    sample_rate: int = 16000,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render solo recordings with captions into a folder; what is there from a broken run is kept.

    Every instrument of the bank comes once or a few times in a round, in a new order each round. Where a
    preset turns out to be silent there is no recording, and a warning says so.

    Args:
        folder: new, empty, or of an earlier run with the same settings.
        bank: sound bank in .sf2 or .sf3; a bare name is looked for where Debian's packages put it.
        count: number of recordings.
        seconds: length of each.
        seed: same seed, same recordings.
        workers: processes to use.
        sample_rate: Hz.
        on_progress: called with (done, count).

    Returns:
        The path of the manifest.

    Raises:
        UsageError: an impossible number; no such bank; a folder that holds something else.
        StemlessError: FluidSynth is missing or fails, the bank is damaged, the folder cannot be written.
        MissingExtraError: mido is not installed.
    """
    _check(count, seconds, workers, sample_rate)
    fluidsynth()
    path = find_bank(bank).resolve()
    instruments = tuple(instruments_of(keys_of_sounds(path)))
    if not instruments:
        raise StemlessError(f"{path}: holds none of the sounds of General MIDI: give another bank")
    folder = Path(folder)
    job = _Job(folder, path, seconds, seed, sample_rate, instruments)
    _claim(job)
    size = max(1, int(BATCH_SECONDS / seconds))
    batches = [range(first, min(first + size, count)) for first in range(0, count, size)]
    todo = [numbers for numbers in batches if not _finished(folder, numbers)]
    done = count - sum(map(len, todo))
    for numbers in _run(job, todo, workers):
        done += len(numbers)
        if on_progress:
            on_progress(done, count)
    return _gather(folder, batches)


def _check(count: int, seconds: float, workers: int, sample_rate: int) -> None:
    if count < 1:
        raise UsageError(f"{count} recordings are none: give 1 or more")
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            f"a recording lasts {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:g} seconds, not {seconds:g}"
        )
    if workers < 1:
        raise UsageError(f"{workers} workers do nothing: give 1 or more")
    if not 8000 <= sample_rate <= 96000:
        raise UsageError(f"a sample rate of {sample_rate} Hz is impossible: give 8000 to 96000")


def _claim(job: _Job) -> None:
    """Make the folder, or make sure that it holds the beginning of the same recordings."""
    record = job.folder / "render.json"
    asked = {
        "bank": job.bank.name,
        "bank_sha256": _digest(job.bank),
        "seed": job.seed,
        "seconds": job.seconds,
        "sample_rate": job.sample_rate,
    }
    if record.exists():
        found = json.loads(record.read_text(encoding="utf-8"))
        for name, value in asked.items():
            if found.get(name) != value:
                raise UsageError(
                    f"{job.folder}: holds recordings with {name} = {found.get(name)}, not {value}: "
                    "choose another folder"
                )
        return
    try:
        if job.folder.exists() and any(job.folder.iterdir()):
            raise UsageError(
                f"{job.folder}: is not empty and holds no recordings of this kind: choose another"
            )
        for name in ("audio", "batches"):
            (job.folder / name).mkdir(parents=True, exist_ok=True)
        _replace(record, json.dumps(asked, indent=2) + "\n")
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): choose another folder"
        raise StemlessError(f"{job.folder}: {reason}") from None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(folder: Path, numbers: Sequence[int]) -> Path:
    return folder / "batches" / f"{numbers[0]:05d}.json"


def _finished(folder: Path, numbers: Sequence[int]) -> bool:
    record = _record(folder, numbers)
    return record.exists() and len(json.loads(record.read_text(encoding="utf-8"))) >= len(numbers)


def _run(job: _Job, todo: Sequence[range], workers: int) -> Iterable[range]:
    """Render batches, giving each when it is done."""
    if workers == 1 or len(todo) < 2:
        for numbers in todo:
            _render_batch(job, numbers)
            yield numbers
        return
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = {pool.submit(_render_batch, job, numbers): numbers for numbers in todo}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def instrument_of(index: int, instruments: Sequence[Instrument], seed: int) -> tuple[Instrument, Sound]:
    """Which instrument recording `index` is of, and by which of its sounds.

    All come once in a round, those with a share of 3 three times, in an order of the round's own; their
    sounds take turns.
    """
    slots = [place for place, instrument in enumerate(instruments) for _ in range(instrument.share)]
    turn, place = divmod(index, len(slots))
    order = np.random.default_rng((seed, turn)).permutation(len(slots))
    slot = int(order[place])
    instrument = instruments[slots[slot]]
    which = turn * instrument.share + slot - slots.index(slots[slot])
    return instrument, instrument.sounds[which % len(instrument.sounds)]


def random_piece(
    instrument: Instrument, sound: Sound, seconds: float, generator: np.random.Generator
) -> Piece:
    """Music for an instrument, and how it is played; some of it is heard within the recording."""
    music = _music(instrument, seconds, generator)
    while not any(note.start_seconds < 0.9 * seconds and note.end_seconds > 0 for note in music.notes):
        music = _music(instrument, seconds, generator)
    return Piece(sound, music, random_expression(music, instrument.style, seconds, generator))


def _music(instrument: Instrument, seconds: float, generator: np.random.Generator) -> Music:
    way = STYLES[instrument.style].way
    if way == "drum kit":
        return random_beat(seconds, generator)
    if way == "percussion":
        return random_pattern(instrument, seconds, generator)
    if way == "sounds":
        return random_sounds(instrument, seconds, generator)
    return random_music(instrument, seconds, generator)


def _render_batch(job: _Job, numbers: range) -> None:
    """Play some pieces in one go, cut them apart, record each, and note what was made."""
    chosen = [instrument_of(index, job.instruments, job.seed) for index in numbers]
    generators = [np.random.default_rng((job.seed, index, 1)) for index in numbers]
    pieces = [
        random_piece(instrument, sound, job.seconds, generator)
        for (instrument, sound), generator in zip(chosen, generators, strict=True)
    ]
    rate = played_rate(job.sample_rate)
    rows: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="stemless-") as temporary:
        place = Path(temporary)
        write_midi(pieces, job.seconds, place / "pieces.mid")
        play(place / "pieces.mid", job.bank, place / "pieces.wav", rate)
        with soundfile.SoundFile(str(place / "pieces.wav")) as played:
            for order, (index, (instrument, _), generator) in enumerate(
                zip(numbers, chosen, generators, strict=True)
            ):
                name = f"audio/{index:05d}-{slug(instrument.label)}.flac"
                audio = _cut(played, start_of(order, job.seconds), job, rate)
                if float(audio.abs().max()) < _SILENCE_PEAK:
                    rows.append({"silent": f"{instrument.label} {pieces[order].sound}"})
                    continue
                recorded = random_recording(audio, job.sample_rate, generator)
                write(job.folder / name, recorded, job.sample_rate, subtype="PCM_16", overwrite=True)
                rows.append(
                    {
                        "audio": name,
                        "caption": caption(instrument, pieces[order].music.traits, generator),
                        "phrase": instrument.label,
                        "group": f"{job.bank.stem} {job.seed}-{index:05d}",
                    }
                )
    # Last, so that a record that is there means that all of it is there.
    _replace(_record(job.folder, numbers), json.dumps(rows, indent=1) + "\n")


def _cut(played: soundfile.SoundFile, start_seconds: float, job: _Job, rate: int) -> torch.Tensor:
    """The recording that begins there, mono: [1, time] at the rate of the job."""
    played.seek(min(round(start_seconds * rate), played.frames))
    samples = played.read(round(job.seconds * rate), dtype="float32", always_2d=True, fill_value=0.0)
    mono = torch.from_numpy(np.ascontiguousarray(samples.mean(1)))[None]
    return resample(mono, rate, job.sample_rate)


def _gather(folder: Path, batches: Sequence[range]) -> Path:
    """The manifest of all batches; a warning of what is missing in it."""
    rows = [
        row
        for numbers in batches
        for row in json.loads(_record(folder, numbers).read_text(encoding="utf-8"))[: len(numbers)]
    ]
    silent = sorted({row["silent"] for row in rows if "silent" in row})
    if silent:
        warnings.warn(
            f"{folder}: no recordings of what the bank leaves silent: {', '.join(silent[:5])}"
            + (f" and {len(silent) - 5} more" if len(silent) > 5 else ""),
            RenderWarning,
            stacklevel=3,
        )
    recordings = [
        Recording(folder / row["audio"], row["caption"], (row["phrase"],), row["group"])
        for row in rows
        if "audio" in row
    ]
    if not recordings:
        raise StemlessError(f"{folder}: the bank leaves all that was asked for silent: give another bank")
    write_manifest(recordings, folder / "manifest.csv", overwrite=True)
    return folder / "manifest.csv"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
