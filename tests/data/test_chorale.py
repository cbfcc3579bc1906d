import itertools

import numpy as np
import pytest

from stemless.data.chorale import PARTS, WORDS, chorale_parts, sing_chorale
from stemless.data.scores import Tempo, parse_part, set_in_time
from stemless.data.singer import RANGES_MIDI


def test_parts_have_equal_length_phrase_by_phrase() -> None:
    for voice, text in PARTS.items():
        beats = [sum(note.beats for note in phrase) for phrase in parse_part(text)]
        assert beats == [8.0] * len(WORDS), voice


@pytest.mark.parametrize("voice", PARTS)
def test_parts_lie_in_the_range_of_their_voice(voice: str) -> None:
    low, high = RANGES_MIDI[voice]
    assert all(low <= note.midi <= high for note in chorale_parts()[voice])


def test_parts_sing_the_words_together() -> None:
    parts = chorale_parts()
    ends = {round(notes[-1].end_seconds, 6) for notes in parts.values()}
    assert len(ends) == 1 and 20 < ends.pop() < 32
    for voice, notes in parts.items():
        assert " ".join(note.syllable for note in notes if note.syllable) == " ".join(WORDS), voice


def sounding(beat: float) -> list[int]:
    """The MIDI numbers at a beat, from the highest part down."""
    chord = []
    for text in PARTS.values():
        at = 0.0
        for note in itertools.chain(*parse_part(text)):
            if at <= beat < at + note.beats:
                chord.append(note.midi)
            at += note.beats
    return chord


def test_phrases_close_on_the_chords_of_the_score() -> None:
    closes = []
    for phrase in range(6):
        chord = sounding(8 * phrase + 7.75)
        root = chord[-1] % 12
        closes.append((root, {(midi - root) % 12 for midi in chord}))
    major, minor = {0, 4, 7}, {0, 3, 7}
    assert [root for root, _ in closes] == [5, 2, 5, 2, 0, 5]
    assert [tones <= major or tones <= minor for _, tones in closes] == [True] * 6


def test_voices_cross_only_where_bach_lets_them() -> None:
    crossed = [beat for beat in range(48) if sounding(beat) != sorted(sounding(beat), reverse=True)]
    assert crossed == [3]


def test_no_parallel_octaves_between_the_outer_parts() -> None:
    for beat in range(47):
        if beat % 8 == 7:
            continue  # a new phrase begins
        before, after = sounding(beat), sounding(beat + 1)
        if before[0] != after[0]:
            both = {(chord[0] - chord[-1]) % 12 for chord in (before, after)}
            assert both != {0}, beat


def test_sung_pitch_follows_the_score() -> None:
    chorale = sing_chorale(sample_rate=8000)
    assert chorale.names == tuple(PARTS)
    assert chorale.stems.shape[:2] == (4, 2)
    assert float(chorale.mixture.abs().max()) == pytest.approx(10 ** (-3 / 20), rel=1e-3)
    for notes, f0_hz in zip(chorale_parts().values(), chorale.f0_hz, strict=True):
        errors = []
        for note in notes:
            middle = int((note.start_seconds + 0.5 * note.duration_seconds) / chorale.step_seconds)
            held = f0_hz[middle - 10 : middle + 10]
            held = held[held > 0]
            if len(held):
                errors.append(12 * np.log2(np.median(held) / 440) + 69 - note.midi)
        assert len(errors) > 0.8 * len(notes)
        assert np.median(np.abs(errors)) < 0.3 and np.mean(np.abs(errors) > 0.7) < 0.05


def test_time_is_held_at_the_end_of_phrases() -> None:
    phrases = parse_part("c'4 d' e'( f') | r4 g'4. a'8 bes'4 |")
    tempo = Tempo(60.0, hold_beats=0.5, breath_seconds=0.4, lead_seconds=1.0, slowing=0.0)
    notes = set_in_time(phrases, ("la la la", "la la la"), tempo, (0.0, -3.0))
    assert [note.midi for note in notes] == [60, 62, 64, 65, 67, 69, 70]
    starts = [note.start_seconds for note in notes]
    np.testing.assert_allclose(starts, [1, 2, 3, 4, 6.5, 8, 8.5])
    assert notes[3].end_seconds == pytest.approx(5.5 - 0.4)
    assert [note.syllable for note in notes] == ["la", "la", "la", "", "la", "la", "la"]
    assert [note.level_db for note in notes] == [0.0] * 4 + [-3.0] * 3


@pytest.mark.parametrize(
    ("text", "reason"), [("h4 |", "not a note"), ("c' d'4 |", "no value"), ("c'4x |", "not a note")]
)
def test_bad_notes_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_part(text)


def test_words_must_fit() -> None:
    with pytest.raises(ValueError, match="2 syllables for 1 notes"):
        set_in_time(parse_part("c'4( d') |"), ("la la",), Tempo())
    with pytest.raises(ValueError, match="1 phrases but 2"):
        set_in_time(parse_part("c'4 |"), ("la", "la"), Tempo())
