"""What a sound bank (.sf2, .sf3) holds: its presets, and the keys at which each of them sounds.

A preset is made of instruments, an instrument of samples; both are put together by zones, that say for which
keys (SoundFont Technical Specification 2.04, sections 7 and 8.1.2). No sample is read.
"""

from __future__ import annotations

import itertools
import mmap
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

from stemless.data.instruments.instrument import Sound
from stemless.errors import StemlessError

_NO_BANK = "is not a sound bank: give an .sf2 or .sf3 file"
# The lists that say how a bank is put together, and the bytes of a record in each.
_RECORD_BYTES = {"phdr": 38, "pbag": 4, "pgen": 4, "inst": 22, "ibag": 4, "igen": 4}
# Generators: what a zone says.
_KEYS, _INSTRUMENT, _SAMPLE = 43, 41, 53
_ALL_KEYS = 127 << 8

_Lists = Mapping[str, bytes]


def keys_of_sounds(path: Path) -> dict[Sound, frozenset[int]]:
    """The keys at which each (bank, program) of a sound bank sounds.

    Raises:
        StemlessError: the file is no sound bank, or damaged.
    """
    try:
        lists = _lists(path)
        return dict(_presets(lists))
    except OSError as error:
        raise StemlessError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, struct.error, IndexError):
        raise StemlessError(f"{path}: {_NO_BANK}") from None


def _lists(path: Path) -> dict[str, bytes]:
    """The lists of records; they lie together, behind the samples."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise ValueError
        if len(data) < struct.unpack_from("<I", data, 4)[0] + 8:
            raise StemlessError(f"{path}: is cut short: fetch it again")
        # From the end: the samples may hold these letters by chance.
        at = data.rfind(b"pdtaphdr") + len(b"pdta")
        found: dict[str, bytes] = {}
        while not found.keys() >= _RECORD_BYTES.keys():
            (size,) = struct.unpack_from("<I", data, at + 4)
            found[data[at : at + 4].decode("latin-1")] = data[at + 8 : at + 8 + size]
            at += 8 + size
        return found


def _presets(lists: _Lists) -> Iterator[tuple[Sound, frozenset[int]]]:
    instruments = [keys for _, keys in _put_together(lists, "inst", "<20xH", "ibag", "igen", _SAMPLE, None)]
    for (program, bank), keys in _put_together(
        lists, "phdr", "<20xHHH", "pbag", "pgen", _INSTRUMENT, instruments
    ):
        yield (bank, program), keys


def _put_together(
    lists: _Lists,
    heads: str,
    layout: str,
    bags: str,
    generators: str,
    part: int,
    parts: list[frozenset[int]] | None,
) -> Iterator[tuple[tuple[int, ...], frozenset[int]]]:
    """What each preset or instrument is called by number, and its keys.

    Args:
        heads, bags, generators: names of the lists.
        layout: of a head, ending in the number of its first zone.
        part: the generator that names what a zone is made of; a zone without it speaks for the others.
        parts: the keys of what it may be made of; None: all keys.
    """
    size = _RECORD_BYTES[heads]
    records = [
        struct.unpack_from(layout, lists[heads], at) for at in range(0, len(lists[heads]) - size + 1, size)
    ]
    zones = [struct.unpack_from("<H", lists[bags], at)[0] for at in range(0, len(lists[bags]) - 3, 4)]
    said = [
        struct.unpack_from("<HH", lists[generators], at) for at in range(0, len(lists[generators]) - 3, 4)
    ]
    # The last record only marks the end of the one before.
    for record, following in itertools.pairwise(records):
        keys: set[int] = set()
        usual = _ALL_KEYS
        for zone in range(record[-1], following[-1]):
            words = dict(said[zones[zone] : zones[zone + 1]])
            span = words.get(_KEYS, usual)
            if part not in words:
                usual = span
                continue
            own = range(span & 0xFF, (span >> 8) + 1)
            keys.update(own if parts is None else parts[words[part]].intersection(own))
        yield record[:-1], frozenset(keys)
