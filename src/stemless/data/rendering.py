"""A corpus of made-up ensembles on disk: what a separator can learn from before it hears a recording.

Layout of the folder, with a manifest as `stemless.voices.corpus` reads it:

    corpus.json             what was asked for
    manifest.csv            audio,f0,stems,split
    00000/mixture.flac      16 bits, mono
    00000/f0.csv            exact f0 of each voice every 10 ms
    00000/<voice>.flac      the stems, if asked for
"""

from __future__ import annotations

import csv
import json
import secrets
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

import numpy as np
import torch

from stemless.data.quartets import Ensemble, random_quartet
from stemless.encoding import write
from stemless.errors import StemlessError, UsageError
from stemless.naming import unique_slugs
from stemless.voices.tracks import PitchTracks

# Of the five-millisecond frames every second one is written: at 6 Hz of vibrato nothing is lost by it.
_KEEP_EVERY = 2
VALIDATION_EVERY = 20
_TAKEN = ("mixture", "f0")


def render_corpus(
    path: str | Path,
    count: int,
    seconds: float,
    seed: int,
    *,
    voices: int | None = None,
    sample_rate: int = 16000,
    stems: bool = False,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Render ensembles into a folder; what is already there is kept, so a broken run can go on.

    Ensemble n depends on the seed and n alone: a larger count only adds to a corpus.

    Args:
        path: the folder.
        count: number of ensembles.
        seconds: length of each.
        seed: of the corpus.
        voices: in each ensemble; None: 2 to 5, mostly 4.
        sample_rate: in Hz.
        stems: write the voices too.
        workers: processes to use.
        on_progress: called with (done, count).

    Returns:
        The path of the manifest.

    Raises:
        UsageError: the folder holds a corpus that was asked for otherwise, or other things.
        StemlessError: the folder cannot be written.
    """
    if count < 1 or seconds < 0.5:
        raise UsageError(f"a corpus has at least 1 ensemble of 0.5 s, not {count} of {seconds:g} s")
    folder = Path(path)
    asked: dict[str, object] = {
        "seed": seed,
        "seconds": seconds,
        "voices": voices,
        "sample_rate": sample_rate,
        "stems": stems,
    }
    claim(folder, asked)
    todo = [index for index in range(count) if not (folder / f"{index:05d}" / "mixture.flac").exists()]
    done = count - len(todo)
    job = partial(_render_one, folder, seconds, seed, voices, sample_rate, stems)
    if workers > 1:
        with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            for future in as_completed([pool.submit(job, index) for index in todo]):
                future.result()
                done += 1
                if on_progress:
                    on_progress(done, count)
    else:
        for index in todo:
            job(index)
            done += 1
            if on_progress:
                on_progress(done, count)
    return write_manifest(folder, count, stems)


def claim(folder: Path, asked: dict[str, object]) -> None:
    """Make the folder, or make sure that it holds the beginning of the same corpus."""
    record = folder / "corpus.json"
    if record.exists():
        found = json.loads(record.read_text())
        different = [name for name in asked if found.get(name) != asked[name]]
        if different:
            name = different[0]
            raise UsageError(
                f"{folder}: holds a corpus with {name} = {found.get(name)}, not {asked[name]}: "
                "choose another folder"
            )
        return
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder}: is not empty and holds no corpus: choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(record, json.dumps(asked, indent=2) + "\n")
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): choose another folder"
        raise StemlessError(f"{folder}: {reason}") from None


def _render_one(
    folder: Path,
    seconds: float,
    seed: int,
    voices: int | None,
    sample_rate: int,
    stems: bool,
    index: int,
) -> None:
    generator = np.random.default_rng((seed, index))
    number = voices or random_number(generator)
    ensemble = random_quartet(generator, seconds, voices=number, sample_rate=sample_rate)
    write_ensemble(folder, index, ensemble, stems=stems)


def random_number(generator: np.random.Generator) -> int:
    """Of voices: 2 to 5, mostly 4."""
    return int(generator.choice([2, 3, 4, 5], p=[0.2, 0.2, 0.5, 0.1]))


def write_ensemble(folder: Path, index: int, ensemble: Ensemble, *, stems: bool) -> None:
    """The files of one recording of a corpus."""
    target = folder / f"{index:05d}"
    target.mkdir(exist_ok=True)
    step_seconds = ensemble.step_seconds * _KEEP_EVERY
    tracks = PitchTracks.regular(ensemble.f0_hz[:, ::_KEEP_EVERY], step_seconds, ensemble.names)
    tracks.to_csv(target / "f0.csv", overwrite=True)
    # One gain for all: a voice may be louder than the mixture where others cancel it.
    peak = max(float(ensemble.stems.abs().max()), float(ensemble.mixture.abs().max()))
    gain = min(1.0, 0.98 / peak) if peak > 0 else 1.0
    if stems:
        slugs = unique_slugs(ensemble.names, taken=_TAKEN)
        for slug, stem in zip(slugs, ensemble.stems, strict=True):
            write(
                target / f"{slug}.flac", gain * stem, ensemble.sample_rate, subtype="PCM_16", overwrite=True
            )
    # Last, so that a mixture that is there means that all of it is there.
    mixture = target / "mixture.flac"
    write(mixture, gain * ensemble.mixture, ensemble.sample_rate, subtype="PCM_16", overwrite=True)


def write_manifest(folder: Path, count: int, stems: bool) -> Path:
    """List the recordings of a corpus; every twentieth is there to validate."""
    rows = []
    for index in range(count):
        name = f"{index:05d}"
        with (folder / name / "f0.csv").open(encoding="utf-8") as file:
            voices = next(csv.reader(file))[1:]
        slugs = unique_slugs(voices, taken=_TAKEN) if stems else []
        files = ";".join(f"{name}/{slug}.flac" for slug in slugs)
        split = "validation" if index % VALIDATION_EVERY == VALIDATION_EVERY - 1 else "train"
        rows.append(f"{name}/mixture.flac,{name}/f0.csv,{files},{split}\n")
    _replace(folder / "manifest.csv", "audio,f0,stems,split\n" + "".join(rows))
    return folder / "manifest.csv"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
