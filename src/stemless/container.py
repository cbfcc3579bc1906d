"""The same bytes for the same samples: what encoders write from the clock or from chance is taken out.

libsndfile stamps the time of day into the PEAK chunk of float wav files and draws the serial number of
ogg streams at random. Both are set to fixed values after the file is written.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

_OGG_POLYNOMIAL = 0x04C11DB7
_OGG_SERIAL = 1


def settle(path: Path, audio_format: str) -> None:
    """Rewrite in place the bytes of a finished file that differ from run to run."""
    if audio_format == "wav":
        _settle_wav(path)
    elif audio_format == "ogg":
        _settle_ogg(path)


def _settle_wav(path: Path) -> None:
    """Zero the time stamp of the PEAK chunk: four bytes after its version number."""
    with path.open("r+b") as file:
        place = 12
        while True:
            file.seek(place)
            head = file.read(8)
            if len(head) < 8 or head[:4] == b"data":
                return
            if head[:4] == b"PEAK":
                file.seek(place + 12)
                file.write(bytes(4))
                return
            size = int.from_bytes(head[4:], "little")
            place += 8 + size + size % 2


def _settle_ogg(path: Path) -> None:
    """Give every page the same serial number, and the checksum that goes with it (RFC 3533, section 6).

    The checksum is linear, so that the new one is the old one plus that of the change of the serial
    number alone, whatever the page holds.
    """
    with path.open("r+b") as file:
        place = 0
        while len(head := file.read(27)) == 27:
            if head[:4] != b"OggS":
                raise AssertionError(f"{path}: no ogg page at byte {place}")
            size = 27 + head[26] + sum(file.read(head[26]))
            change = int.from_bytes(head[14:18], "little") ^ _OGG_SERIAL
            check = int.from_bytes(head[22:26], "little") ^ _checksum_of_change(change, size - 18)
            file.seek(place + 14)
            file.write(_OGG_SERIAL.to_bytes(4, "little"))
            file.seek(place + 22)
            file.write(check.to_bytes(4, "little"))
            place += size
            file.seek(place)


def _checksum_of_change(change: int, bytes_after: int) -> int:
    """Checksum of four little-endian bytes followed by that many zero bytes."""
    message = int.from_bytes(change.to_bytes(4, "little"), "big")
    return _multiply(message, _power_of_x(8 * bytes_after + 32))


def _multiply(left: int, right: int) -> int:
    """Product of two polynomials over GF(2), modulo that of the checksum."""
    result = 0
    while right:
        if right & 1:
            result ^= left
        right >>= 1
        left <<= 1
        if left >> 32:
            left ^= 1 << 32 | _OGG_POLYNOMIAL
    return result


@lru_cache(maxsize=4096)
def _power_of_x(exponent: int) -> int:
    result, square = 1, 2
    while exponent:
        if exponent & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        exponent >>= 1
    return result
