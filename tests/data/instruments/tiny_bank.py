"""A sound bank of a few kilobytes: every preset is a sine at the pitch of its key."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from stemless.data.instruments.instrument import Sound

RATE = 44100
ROOT_KEY = 69
# A whole number of periods of 441 Hz, so that the loop has no seam.
_PERIOD, _SAMPLES = 100, 2000
_KEYS, _LOOPED, _ROOT, _SAMPLE, _INSTRUMENT = 43, 54, 58, 53, 41
PRESETS: Mapping[Sound, tuple[int, int]] = {(0, 0): (0, 127), (0, 73): (48, 120), (128, 0): (27, 90)}

needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None, reason="fluidsynth is not installed: apt install fluidsynth"
)


def write_bank(path: Path, presets: Mapping[Sound, tuple[int, int]] = PRESETS) -> Path:
    """Write a bank with these presets, each for keys from the first to the last."""
    sine = np.sin(2 * np.pi * np.arange(_SAMPLES) / _PERIOD)
    samples = (12000 * sine).astype("<i2").tobytes() + bytes(92)
    shdr = struct.pack("<20sIIIIIBbHH", b"sine", 0, _SAMPLES, 0, _SAMPLES, RATE, ROOT_KEY, 0, 0, 1)
    shdr += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    phdr = pbag = pgen = b""
    for number, ((bank, program), (low, high)) in enumerate(sorted(presets.items())):
        phdr += struct.pack("<20sHHHIII", b"preset", program, bank, number, 0, 0, 0)
        pbag += struct.pack("<HH", 2 * number, 0)
        pgen += struct.pack("<HHHH", _KEYS, low | high << 8, _INSTRUMENT, 0)
    count = len(presets)
    phdr += struct.pack("<20sHHHIII", b"EOP", 0, 0, count, 0, 0, 0)
    pbag += struct.pack("<HH", 2 * count, 0)
    pgen += bytes(4)
    inst = struct.pack("<20sH", b"all", 0) + struct.pack("<20sH", b"EOI", 2)
    # The first zone speaks for the others: none goes above key 120.
    ibag = struct.pack("<HHHHHH", 0, 0, 1, 0, 4, 0)
    igen = struct.pack("<HH", _KEYS, 120 << 8)
    igen += struct.pack("<HHHHHH", _LOOPED, 1, _ROOT, ROOT_KEY, _SAMPLE, 0) + bytes(4)
    lists = {"phdr": phdr, "pbag": pbag, "pmod": bytes(10), "pgen": pgen, "inst": inst, "ibag": ibag}
    lists |= {"imod": bytes(10), "igen": igen, "shdr": shdr}
    info = (
        _chunk("ifil", struct.pack("<HH", 2, 1)) + _chunk("isng", b"EMU8000\0") + _chunk("INAM", b"tiny\0\0")
    )
    body = _chunk("LIST", b"INFO" + info)
    body += _chunk("LIST", b"sdta" + _chunk("smpl", samples))
    body += _chunk("LIST", b"pdta" + b"".join(_chunk(name, data) for name, data in lists.items()))
    path.write_bytes(_chunk("RIFF", b"sfbk" + body))
    return path


def _chunk(name: str, data: bytes) -> bytes:
    return name.encode() + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
