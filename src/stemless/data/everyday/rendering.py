"""A folder of everyday sounds with captions: what the query system can learn from without any recording.

manifest.csv            audio,caption,phrases,group,split (`stemless.query.manifest`)
settings.json           what was asked for, and the labels left out
00000_rain.flac         16 bits, mono
"""

from __future__ import annotations

import json
import multiprocessing
import secrets
import shutil
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch

from stemless.data.everyday.catalogue import SOUNDS, available_sounds
from stemless.data.everyday.recording import recorded
from stemless.data.everyday.stage import Sound, Stage, Voices, Wave
from stemless.encoding import write
from stemless.errors import StemlessError, UsageError
from stemless.naming import slug
from stemless.query.manifest import Recording, Split, write_manifest

VALIDATION_EVERY = 20
SHORTEST_SECONDS = 1.0
# Laughter or a siren needs time: shorter clips are cut from as much.
LEAST_SECONDS = 4.0
LOWEST_RATE = 8000


def render_everyday(
    folder: str | Path,
    *,
    count: int,
    seconds: float | tuple[float, float],
    seed: int,
    workers: int = 1,
    sample_rate: int = 16000,
    voices: Voices = "all",
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render everyday sounds, all labels equally often, into a new folder; whole or not at all.

    Clip n depends on the seed, n and the labels that can be made here; the same call gives the same bytes.

    Args:
        folder: to be made.
        count: number of clips.
        seconds: length of each, or the range it is drawn from.
        seed: of the whole.
        workers: processes to use; a script that asks for several does so below `if __name__ == "__main__"`.
        sample_rate: in Hz.
        voices: which half of espeak-ng's voices may speak, so that two folders share none.
        on_progress: called with (done, count).

    Returns:
        The path of the manifest.

    Raises:
        UsageError: the folder exists, or what is asked for makes no sense.
        StemlessError: the folder cannot be written.
    """
    folder = Path(folder)
    shortest, longest = (seconds, seconds) if isinstance(seconds, (int, float)) else seconds
    _check(folder, count, shortest, longest, sample_rate, voices)
    sounds, missing = available_sounds()
    if missing:
        warnings.warn(f"espeak-ng is not installed: left out are {', '.join(missing)}", stacklevel=2)
    jobs = [(index, sound.label) for index, sound in enumerate(_order(sounds, count, seed))]
    partial_folder = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    job = partial(_render_one, partial_folder, (shortest, longest), seed, sample_rate, voices)
    rows: dict[int, Recording] = {}
    try:
        partial_folder.mkdir(parents=True)
        if workers > 1:
            # Not forked: a copy of a process whose threads have worked may wait for them for ever.
            with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
                futures = {pool.submit(job, *item): item[0] for item in jobs}
                for future in as_completed(futures):
                    rows[futures[future]] = future.result()
                    if on_progress:
                        on_progress(len(rows), count)
        else:
            for item in jobs:
                rows[item[0]] = job(*item)
                if on_progress:
                    on_progress(len(rows), count)
        asked = {"seed": seed, "count": count, "seconds": [shortest, longest], "sample_rate": sample_rate,
                 "voices": voices, "left_out": missing}  # fmt: skip
        (partial_folder / "settings.json").write_text(json.dumps(asked, indent=2) + "\n", encoding="utf-8")
        write_manifest([rows[index] for index in range(count)], partial_folder / "manifest.csv")
        partial_folder.rename(folder)
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): choose another folder"
        raise StemlessError(f"{folder}: {reason}") from None
    finally:
        shutil.rmtree(partial_folder, ignore_errors=True)
    return folder / "manifest.csv"


def render_clip(
    sound: Sound,
    seconds: float,
    generator: np.random.Generator,
    sample_rate: int = 16000,
    voices: Voices = "all",
) -> Wave:
    """A random instance of a sound as it was recorded somewhere: [samples], within full scale.

    Args:
        sound: of `catalogue.SOUNDS`.
        seconds: length.
        generator: throws the dice.
        sample_rate: in Hz.
        voices: see `render_everyday`.
    """
    stage = Stage(generator, seconds, sample_rate, voices)
    longer = stage.lasting(max(seconds, LEAST_SECONDS))
    return recorded(stage, _loudest(sound.render(longer), stage.samples), sound.place)


def _loudest(sound: Wave, samples: int) -> Wave:
    """The stretch of so many samples that has most of the sound."""
    energy = np.concatenate(([0.0], np.cumsum(np.square(sound))))
    start = int(np.argmax(energy[samples:] - energy[: len(energy) - samples]))
    return sound[start : start + samples]


def _check(folder: Path, count: int, shortest: float, longest: float, sample_rate: int, voices: str) -> None:
    if folder.exists():
        raise UsageError(f"{folder}: exists already: choose another folder")
    if count < 1 or not SHORTEST_SECONDS <= shortest <= longest:
        raise UsageError(
            f"{count} clips of {shortest:g} to {longest:g} s cannot be made: ask for at least one of "
            f"{SHORTEST_SECONDS:g} s or more"
        )
    if sample_rate < LOWEST_RATE:
        raise UsageError(f"a sample rate of {sample_rate} Hz is too low: give at least {LOWEST_RATE}")
    if voices not in ("all", "first", "second"):
        raise UsageError(f"no voices are called '{voices}': choose all, first or second")


def _order(sounds: list[Sound], count: int, seed: int) -> list[Sound]:
    """The labels of all clips: each round holds every label once, in a new order."""
    generator = np.random.default_rng((seed, 0))
    order: list[Sound] = []
    while len(order) < count:
        order += [sounds[place] for place in generator.permutation(len(sounds))]
    return order[:count]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Several threads round sums differently, and small pieces need no more than one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _render_one(
    folder: Path,
    seconds: tuple[float, float],
    seed: int,
    sample_rate: int,
    voices: Voices,
    index: int,
    label: str,
) -> Recording:
    generator = np.random.default_rng((seed, 1, index))
    sound = SOUNDS[label]
    length = float(generator.uniform(*seconds))
    path = folder / f"{index:05d}_{slug(label)}.flac"
    with _one_thread():
        audio = render_clip(sound, length, generator, sample_rate, voices)
        write(path, torch.from_numpy(audio.astype(np.float32))[None], sample_rate, subtype="PCM_16")
    split: Split = "validation" if index % VALIDATION_EVERY == VALIDATION_EVERY - 1 else "train"
    caption = str(generator.choice(sound.captions))
    return Recording(path, caption, (label,), f"everyday-{seed}-{index:05d}", split)
