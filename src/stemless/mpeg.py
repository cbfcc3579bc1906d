"""How long an mp3 really is: a count of its packets, for files whose header does not say.

Packet headers after ISO/IEC 11172-3, 2.4.1.3, and 13818-3 for the lower rates.
"""

from __future__ import annotations

import mmap
from pathlib import Path

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
_RATES = (44100, 48000, 32000, 0)


def count_samples(path: Path) -> int:
    """Samples of one channel in the layer 3 packets of a file, the length packet at its start included.

    Damaged bytes between packets are skipped, as decoders do.
    """
    total = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        place = _after_tag(data)
        while place + 4 <= len(data):
            size, samples = _packet(data[place : place + 4])
            if size == 0:
                place = data.find(b"\xff", place + 1)
                if place < 0:
                    break
                continue
            total += samples
            place += size
    return total


def says_its_length(path: Path) -> bool:
    """Whether the first packet tells how many follow, as encoders of varying bit rate write it."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = _after_tag(data)
        return any(data.find(mark, start, start + 200) >= 0 for mark in (b"Xing", b"Info", b"VBRI"))


def _after_tag(data: mmap.mmap) -> int:
    """Where audio begins: after the ID3 tag, whose size is written in four times seven bits."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _packet(header: bytes) -> tuple[int, int]:
    """Bytes and samples of the packet behind a four-byte header; zeros if it is no layer 3 header."""
    sync = header[0] == 0xFF and header[1] & 0xE0 == 0xE0
    version = header[1] >> 3 & 3  # 3: MPEG 1, 2: MPEG 2, 0: MPEG 2.5
    layer_3 = header[1] >> 1 & 3 == 1
    rate = _RATES[header[2] >> 2 & 3]
    kbps = (_KBPS_1 if version == 3 else _KBPS_2)[header[2] >> 4]
    if not sync or not layer_3 or version == 1 or rate == 0 or kbps == 0:
        return 0, 0
    rate >>= {3: 0, 2: 1, 0: 2}[version]
    samples = 1152 if version == 3 else 576
    return samples // 8 * kbps * 1000 // rate + (header[2] >> 1 & 1), samples
