from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_bank import RATE, needs_fluidsynth, write_bank

from stemless.data.instruments import sound_bank
from stemless.data.instruments.bank_contents import keys_of_sounds
from stemless.data.instruments.expression import Expression
from stemless.data.instruments.general_midi import instruments_of
from stemless.data.instruments.midi_file import Piece, start_of, write_midi
from stemless.data.instruments.music import Music, Note, Traits
from stemless.data.instruments.sound_bank import find_bank, fluidsynth, play
from stemless.errors import StemlessError, UsageError

DEBIAN_BANKS = ("FluidR3_GM.sf2", "MuseScore_General_Full.sf3", "TimGM6mb.sf2")


def test_keys_are_those_of_preset_and_instrument(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "b.sf2")
    assert keys_of_sounds(bank) == {
        (0, 0): frozenset(range(121)),
        (0, 73): frozenset(range(48, 121)),
        (128, 0): frozenset(range(27, 91)),
    }


@pytest.mark.parametrize("name", DEBIAN_BANKS)
def test_a_bank_of_general_midi_has_nearly_all_instruments(name: str) -> None:
    path = next((place / name for place in sound_bank.PLACES if (place / name).exists()), None)
    if path is None:
        pytest.skip(f"{name} is not installed: apt install {sound_bank.PACKAGES[name]}")
    keys = keys_of_sounds(path)
    assert len(instruments_of(keys)) > 115
    assert all(keys[0, program] for program in range(128))


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0sfbk" + bytes(100), b"not a bank" * 20])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.sf2").write_bytes(content)
    with pytest.raises(StemlessError, match=r"b\.sf2: is not a sound bank"):
        keys_of_sounds(tmp_path / "b.sf2")


def test_a_bank_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    whole = write_bank(tmp_path / "b.sf2").read_bytes()
    for size in range(13, len(whole), 97):
        (tmp_path / "b.sf2").write_bytes(whole[:size])
        with pytest.raises(StemlessError, match=r"b\.sf2: is cut short"):
            keys_of_sounds(tmp_path / "b.sf2")


def test_whatever_is_damaged_the_error_is_one_line_or_keys_are_missing(tmp_path: Path) -> None:
    whole = write_bank(tmp_path / "b.sf2").read_bytes()
    whole_keys = keys_of_sounds(tmp_path / "b.sf2")
    start = whole.index(b"pdta")
    generator = np.random.default_rng(0)
    outcomes = set()
    for _ in range(300):
        data = bytearray(whole)
        for place in generator.integers(start, len(whole), 6):
            data[place] = generator.integers(256)
        (tmp_path / "b.sf2").write_bytes(data)
        try:
            outcomes.add(keys_of_sounds(tmp_path / "b.sf2") == whole_keys)
        except StemlessError as error:
            assert "b.sf2: is not a sound bank" in str(error)
            outcomes.add(None)
    assert outcomes == {True, False, None}


def test_what_is_missing_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound_bank, "PLACES", (tmp_path,))
    with pytest.raises(UsageError, match=r"TimGM6mb\.sf2: no such .* apt install timgm6mb-soundfont"):
        find_bank("TimGM6mb.sf2")
    with pytest.raises(UsageError, match=r"mine\.sf2: no such sound bank"):
        find_bank(tmp_path / "mine.sf2")
    assert find_bank(write_bank(tmp_path / "TimGM6mb.sf2").name) == tmp_path / "TimGM6mb.sf2"
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StemlessError, match="apt install fluidsynth"):
        fluidsynth()


@needs_fluidsynth
def test_each_piece_sounds_in_its_own_place_and_pitch(tmp_path: Path) -> None:
    """Pitch, bent in the last piece, and onset; silence before it, though the piece before rings on."""
    keys = (69, 57, 74, 69)
    pieces = [
        Piece(
            (0, 0),
            Music((Note(0.25, 9.0, key, 100),), Traits()),
            Expression(bends=((-1.0, 1.0 if index == 3 else 0.0),)),
        )
        for index, key in enumerate(keys)
    ]
    write_midi(pieces, 1.0, tmp_path / "p.mid")
    play(tmp_path / "p.mid", write_bank(tmp_path / "b.sf2"), tmp_path / "p.wav", RATE)
    audio, rate = soundfile.read(tmp_path / "p.wav")
    assert rate == RATE
    for index, key in enumerate(keys):
        first = round(start_of(index, 1.0) * rate)
        piece = audio[first : first + rate].mean(1)
        loud = np.flatnonzero(np.abs(piece) > 0.1 * np.abs(piece).max())
        assert abs(loud[0] / rate - 0.25) < 0.006
        tone = piece[round(0.4 * rate) : round(0.9 * rate)]
        spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), n=8 * len(tone)))
        heard_hz = np.argmax(spectrum) * rate / (8 * len(tone))
        bend = 1.0 if index == 3 else 0.0
        assert heard_hz == pytest.approx(441.0 * 2 ** ((key - 69 + bend) / 12), rel=0.002)
        assert float(np.abs(piece[: round(0.2 * rate)]).max()) < 1e-4


@needs_fluidsynth
def test_what_fluidsynth_cannot_play_is_one_line(tmp_path: Path) -> None:
    """It says that all is well, and takes another bank if it finds one."""
    write_midi([], 0.1, tmp_path / "p.mid")
    (tmp_path / "none.sf2").write_bytes(b"none")
    whole = write_bank(tmp_path / "whole.sf2")
    for bank, audio in ((tmp_path / "none.sf2", tmp_path / "p.wav"), (whole, tmp_path / "no" / "p.wav")):
        with pytest.raises(StemlessError, match=f"{bank.name}: fluidsynth could not play it") as caught:
            play(tmp_path / "p.mid", bank, audio, RATE)
        assert "\n" not in str(caught.value)
