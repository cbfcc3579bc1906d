"""Sound banks (.sf2, .sf3): where they are, and FluidSynth to play them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from stemless.errors import StemlessError, UsageError

# What FluidSynth plays at; a lower rate would fold the overtones of high notes back into what is heard.
PLAYED_RATE = 44100
_HIGHEST_RATE = 96000
_GAIN = 0.5
# Where Debian puts the banks, and in which package.
PACKAGES = {
    "FluidR3_GM.sf2": "fluid-soundfont-gm",
    "FluidR3_GS.sf2": "fluid-soundfont-gs",
    "MuseScore_General_Full.sf3": "musescore-general-soundfont",
    "MuseScore_General_Lite.sf3": "musescore-general-soundfont-small",
    "MuseScore_General.sf3": "musescore-general-soundfont",
    "TimGM6mb.sf2": "timgm6mb-soundfont",
}
PLACES = tuple(Path("/usr/share/sounds", kind) for kind in ("sf2", "sf3"))


def find_bank(bank: str | Path) -> Path:
    """The file of a bank: as it is named, or by its bare name where Debian's packages put it.

    Raises:
        UsageError: there is none; names the package of the known ones.
    """
    path = Path(bank)
    if path.is_file():
        return path
    for place in PLACES if path.name == str(bank) else ():
        if (place / path.name).is_file():
            return place / path.name
    package = PACKAGES.get(path.name)
    advice = f"apt install {package}" if package else "give an .sf2 or .sf3 file, as of fluid-soundfont-gm"
    raise UsageError(f"{bank}: no such sound bank: {advice}")


def fluidsynth() -> str:
    """The path of the program.

    Raises:
        StemlessError: it is not installed.
    """
    program = shutil.which("fluidsynth")
    if program is None:
        raise StemlessError("fluidsynth is not installed: run  apt install fluidsynth")
    return program


def played_rate(sample_rate: int) -> int:
    """The rate at which a recording of `sample_rate` is played before it is resampled, Hz.

    >>> played_rate(16000), played_rate(48000)
    (44100, 48000)
    """
    return min(max(PLAYED_RATE, sample_rate), _HIGHEST_RATE)


def play(midi: Path, bank: Path, audio: Path, sample_rate: int) -> None:
    """Play a MIDI file into a wav file of two channels of float32, dry.

    Raises:
        StemlessError: FluidSynth is missing, or could not play it.
    """
    command = [fluidsynth(), "-ni", "-q", "-R", "0", "-C", "0", "-g", str(_GAIN), "-r", str(sample_rate)]
    # No settings of the user: same seed, same sound. (-f wants a file, and an empty one will do.)
    command += ["-f", os.devnull, "-o", "synth.cpu-cores=1", "-O", "float", "-T", "wav"]
    # Else a bank that it cannot read would be replaced by another in silence.
    command += ["-o", "synth.default-soundfont="]
    done = subprocess.run(
        [*command, "-F", str(audio), str(bank), str(midi)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    lines = done.stderr.decode(errors="replace").splitlines()
    errors = [line.partition("error: ")[2] for line in lines if line.startswith("fluidsynth: error: ")]
    # It reports success whatever happens.
    if errors or done.returncode or not audio.exists():
        reason = errors[0].rstrip(". ") if errors else f"it ended with code {done.returncode}"
        raise StemlessError(
            f"{bank}: fluidsynth could not play it ({reason}): give another bank or make room"
        )
