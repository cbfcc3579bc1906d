from pathlib import Path

import mido
import numpy as np
import pytest

from stemless.data.instruments.captions import caption, with_article
from stemless.data.instruments.expression import BEND_RANGE_SEMITONES, random_expression
from stemless.data.instruments.general_midi import INSTRUMENTS, wordings
from stemless.data.instruments.instrument import Instrument
from stemless.data.instruments.midi_file import Piece, start_of, write_midi
from stemless.data.instruments.music import LEAD_SECONDS, Music, Note, Traits, random_music
from stemless.data.instruments.rendering import random_piece
from stemless.data.instruments.styles import STYLES
from stemless.query.phrases import phrases

SECONDS = 6.0


def pieces_of(instrument: Instrument, count: int) -> list[Piece]:
    number = INSTRUMENTS.index(instrument)
    return [
        random_piece(instrument, instrument.sounds[0], SECONDS, np.random.default_rng((number, seed)))
        for seed in range(count)
    ]


def test_names_are_plain() -> None:
    for instrument in INSTRUMENTS:
        assert instrument.style in STYLES
        for name in (instrument.label, *instrument.wordings):
            assert name == name.lower().strip() and ";" not in name
            # A label is one source to whoever reads a caption.
            assert len(phrases(name)) == 1, name
    names = wordings()
    assert {"piano", "violin", "flute", "church organ", "drum kit", "tubular bells"} <= names.keys()
    assert "grand piano" in names["piano"]


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=lambda instrument: instrument.label)
def test_music_suits_the_instrument(instrument: Instrument) -> None:
    for piece in pieces_of(instrument, 5):
        notes = piece.music.notes
        assert notes
        if STYLES[instrument.style].way in ("pitched", "sounds"):
            low, high = instrument.range_midi
            assert all(low <= note.key <= high for note in notes)
        elif instrument.keys:
            assert {note.key for note in notes} <= set(instrument.keys)
        starts = [note.start_seconds for note in notes]
        assert starts == sorted(starts)
        assert -LEAD_SECONDS <= starts[0] <= 1.0 and starts[-1] < SECONDS
        assert all(1 <= note.velocity <= 127 and note.duration_seconds > 0 for note in notes)
        # Nobody plays faster, strummed chords and rolls of a kit apart.
        assert len({round(start, 1) for start in starts}) <= 10 * (SECONDS + 2)
        for _, control, value in piece.expression.controls:
            assert control in (11, 64) and 0 <= value <= 127
        assert all(abs(bend) <= BEND_RANGE_SEMITONES for _, bend in piece.expression.bends)


def test_traits_tell_what_is_heard() -> None:
    """Slow music has longer notes than fast, low music is lower than high, loud is louder than soft."""
    flute = next(instrument for instrument in INSTRUMENTS if instrument.label == "flute")
    heard: dict[str, list[float]] = {}
    for seed in range(200):
        music = random_music(flute, SECONDS, np.random.default_rng(seed))
        mean = {
            "beats": np.median(np.diff([note.start_seconds for note in music.notes])),
            "key": np.mean([note.key for note in music.notes]),
            "velocity": np.mean([note.velocity for note in music.notes]),
        }
        if music.traits.texture == "melody":
            heard.setdefault(str(music.traits.pace), []).append(float(mean["beats"]))
        heard.setdefault(music.traits.register, []).append(float(mean["key"]))
        heard.setdefault("loudness " + music.traits.loudness, []).append(float(mean["velocity"]))
    assert min(heard["slow"]) > max(heard["fast"])
    assert np.mean(heard["low"]) + 8 < np.mean(heard["high"])
    assert np.mean(heard["loudness soft"]) + 30 < np.mean(heard["loudness loud"])


def test_same_state_same_music() -> None:
    for instrument in INSTRUMENTS[::10]:
        first, second = (
            random_piece(instrument, instrument.sounds[0], SECONDS, np.random.default_rng(3))
            for _ in range(2)
        )
        assert first == second


def test_captions_name_the_instrument_and_only_what_is_there() -> None:
    generator = np.random.default_rng(0)
    told = set()
    for instrument in INSTRUMENTS:
        names = (instrument.label, *instrument.wordings)
        for piece in pieces_of(instrument, 4):
            traits = piece.music.traits
            text = caption(instrument, traits, generator)
            name = max((name for name in names if name in text), key=len)
            rest = set(text.replace(name, "").split())
            told |= rest
            assert ("low" in rest) <= (traits.register == "low"), text
            assert ("fast" in rest) <= (traits.pace == "fast"), text
            assert ("softly" in rest) <= (traits.loudness == "soft"), text
            assert "  " not in text and not text.startswith(("a a", "an a "))
    assert {"low", "high", "slow", "fast", "chords", "long", "short", "softly", "loudly"} <= told
    assert with_article("ukulele") == "a ukulele" and with_article("timpani") == "timpani"


def test_a_midi_file_holds_what_was_written(tmp_path: Path) -> None:
    music = Music((Note(-0.5, 0.4, 60, 90), Note(0.25, 5.0, 64, 70), Note(0.5, 1.0, 64, 71)), Traits())
    piano = Instrument("piano", ((8, 4),), "keyboard", (30, 90))
    pedalled = next(
        expression
        for seed in range(50)
        if (expression := random_expression(music, piano.style, 2.0, np.random.default_rng(seed))).bends
    )
    drums = Music((Note(0.1, 0.1, 36, 100),), Traits())
    write_midi([Piece((8, 4), music, pedalled), Piece((128, 25), drums, pedalled)], 2.0, tmp_path / "p.mid")
    now, events = 0.0, []
    for message in mido.MidiFile(tmp_path / "p.mid"):
        now += message.time
        if not message.is_meta:
            events.append((round(now, 3), message))
    ons = [(at, m.channel, m.note, m.velocity) for at, m in events if m.type == "note_on"]
    first, second = start_of(0, 2.0), start_of(1, 2.0)
    assert ons == [
        (pytest.approx(first - 0.5), 0, 60, 90),
        (pytest.approx(first + 0.25), 0, 64, 70),
        (pytest.approx(first + 0.5), 0, 64, 71),
        (pytest.approx(second + 0.1), 9, 36, 100),
    ]
    offs = [at for at, m in events if m.type == "note_off"]
    # The first of two equal keys ends where the second begins; all end with their piece.
    assert offs[1] == pytest.approx(first + 0.499) and offs[2] == pytest.approx(first + 1.5)
    programs = [(m.channel, m.program) for _, m in events if m.type == "program_change"]
    assert programs == [(0, 4), (9, 25)]
    assert [m.value for _, m in events if m.type == "control_change" and m.control == 0] == [8]
    silenced = [at for at, m in events if m.type == "control_change" and m.control == 120]
    assert silenced == [pytest.approx(first + 2.001), pytest.approx(second + 2.001)]
