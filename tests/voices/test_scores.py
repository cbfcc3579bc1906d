"""Reading scores: voices, names, times and pitches, from MIDI and MusicXML."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from score_files import measure_xml, note_xml, score_xml, write_midi
from stemless.errors import MissingExtraError, ScoreError
from stemless.voices.scores import VoiceNotes, read_score, split_chords

pytest.importorskip("mido")
pytest.importorskip("partitura")


def rows(voice: VoiceNotes) -> list[tuple[float, float, float]]:
    values = zip(voice.onset_seconds, voice.duration_seconds, voice.pitch_midi, strict=True)
    return [(round(on, 3), round(length, 3), pitch) for on, length, pitch in values]


def test_tracks_are_voices_and_the_tempo_changes(tmp_path: Path) -> None:
    parts = {"Sopran": [(0.0, 1.0, 72), (2.0, 2.0, 74)], "Baß": [(0.0, 4.0, 48)]}
    path = write_midi(tmp_path / "a.mid", parts, tempo=[(0, 60), (2, 120), (3, 60)])
    score = read_score(path)
    # Track names are bytes; those beyond Latin 1 are UTF-8 in practice.
    assert score.names == ("Sopran", "Baß")
    assert rows(score.notes[0]) == [(0, 1, 72), (2, 1.5, 74)]
    assert rows(score.notes[1]) == [(0, 3.5, 48)]
    assert (score.start_seconds, score.end_seconds) == (0.0, 3.5)


def test_channels_of_one_track_are_voices(tmp_path: Path) -> None:
    import mido

    track = mido.MidiTrack()
    for channel, pitch in ((0, 72), (1, 60), (9, 36)):
        track.append(mido.Message("note_on", note=pitch, channel=channel))
    # Note-on at velocity 0 is how most files end a note.
    track.append(mido.Message("note_on", note=72, channel=0, velocity=0, time=480))
    track.append(mido.Message("note_off", note=60, channel=1))
    file = mido.MidiFile(type=0)
    file.tracks.append(track)
    file.save(tmp_path / "one.mid")
    score = read_score(tmp_path / "one.mid")
    assert score.names == ("channel 1", "channel 2")
    assert [rows(voice) for voice in score.notes] == [[(0, 0.5, 72)], [(0, 0.5, 60)]]


def test_equal_names_are_numbered(tmp_path: Path) -> None:
    parts = {"Violin": [(0.0, 1.0, 72), (0.0, 1.0, 67)], "Viola": [(0.0, 1.0, 60)]}
    assert read_score(write_midi(tmp_path / "a.mid", parts)).names == ("Violin 1", "Violin 2", "Viola")


def test_chords_are_split_from_the_top() -> None:
    top, middle, low = split_chords(
        [0.0, 0.01, 0.0, 1.0, 2.0, 2.0], [1.0, 1.0, 3.0, 1.0, 1.0, 1.0], [72, 67, 48, 71, 69, 64]
    )
    assert top.pitch_midi.tolist() == [72, 71, 69]
    # The held bass keeps its voice; what is new goes above it.
    assert middle.pitch_midi.tolist() == [67, 64]
    assert low.pitch_midi.tolist() == [48]


def test_legato_is_no_chord() -> None:
    (voice,) = split_chords([0.0, 1.0, 2.0], [1.05, 1.05, 1.0], [60, 62, 64])
    assert rows(voice) == [(0, 1, 60), (1, 1, 62), (2, 1, 64)]


def test_parts_ties_repeats_and_tempo_of_musicxml(tmp_path: Path) -> None:
    forward = '<barline location="left"><repeat direction="forward"/></barline>'
    backward = '<barline location="right"><repeat direction="backward"/></barline>'
    upper = measure_xml(
        forward
        + '<direction><sound tempo="120"/></direction>'
        + note_xml("C5", 3)
        + note_xml("D5", 1, tie="start")
    )
    upper += measure_xml(note_xml("D5", 2, tie="stop") + note_xml("E5", 2) + backward, 2)
    lower = measure_xml(forward + note_xml("C3", 4)) + measure_xml(note_xml("r", 4) + backward, 2)
    (tmp_path / "a.musicxml").write_text(score_xml({"Soprano": upper, "Bass": lower}), encoding="utf-8")
    score = read_score(tmp_path / "a.musicxml")
    assert score.names == ("Soprano", "Bass")
    once = [(0, 1.5, 72), (1.5, 1.5, 74), (3, 1, 76)]
    assert rows(score.notes[0]) == once + [(on + 4, length, pitch) for on, length, pitch in once]
    # The tempo stands in the upper part and holds for all.
    assert rows(score.notes[1]) == [(0, 2, 48), (4, 2, 48)]


def two_voices(chord: bool) -> str:
    """A staff with two voices, in the first bar of them maybe as chords."""
    first = note_xml("E5", 4) + (note_xml("C5", 4, chord=True) if chord else "")
    second = (
        note_xml("F5", 4)
        + "<backup><duration>4</duration></backup>"
        + note_xml("A4", 2, voice=2)
        + note_xml("B4", 2, voice=2)
    )
    return measure_xml(first) + measure_xml(second, 2)


@pytest.mark.parametrize("chord", [False, True])
def test_voices_in_one_staff(tmp_path: Path, chord: bool) -> None:
    (tmp_path / "a.xml").write_text(score_xml({"Choir": two_voices(chord)}), encoding="utf-8")
    score = read_score(tmp_path / "a.xml")
    assert score.names == ("Choir 1", "Choir 2")
    assert score.notes[0].pitch_midi.tolist() == [76, 77]
    assert score.notes[1].pitch_midi.tolist() == [72, 69, 71] if chord else [69, 71]


def test_transposing_parts_sound_where_they_sound(tmp_path: Path) -> None:
    octave = "<chromatic>0</chromatic><octave-change>-1</octave-change>"
    clarinet = "<diatonic>-1</diatonic><chromatic>-2</chromatic>"
    parts = {
        "Tenor": measure_xml(note_xml("C5", 4), attributes=f"<transpose>{octave}</transpose>"),
        "Clarinet": measure_xml(note_xml("D5", 4), attributes=f"<transpose>{clarinet}</transpose>"),
    }
    (tmp_path / "a.xml").write_text(score_xml(parts), encoding="utf-8")
    assert [voice.pitch_midi.tolist() for voice in read_score(tmp_path / "a.xml").notes] == [[60], [72]]


def test_compressed_musicxml(tmp_path: Path) -> None:
    parts = {"A": measure_xml(note_xml("C5", 4)), "B": measure_xml(note_xml("C4", 4))}
    container = '<container><rootfiles><rootfile full-path="in/score.xml"/></rootfiles></container>'
    with zipfile.ZipFile(tmp_path / "a.mxl", "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("in/score.xml", score_xml(parts))
    assert read_score(tmp_path / "a.mxl").names == ("A", "B")


def faults(folder: Path) -> list[tuple[Path, str]]:
    for name, content in (
        ("empty.mid", b""),
        ("text.mid", b"C D E"),
        ("cut.mid", b"MThd\x00\x00\x00\x06\x00\x01"),
        ("page.xml", b"<html><body/></html>"),
        ("time.xml", b"<score-timewise/>"),
        ("torn.xml", b"<score-partwise><part"),
        ("other.mxl", b"PK\x03\x04 and nothing else"),
        ("silent.xml", score_xml({"A": measure_xml(note_xml("r", 4))}).encode()),
    ):
        (folder / name).write_bytes(content)
    write_midi(folder / "drums.mid", {"Drums": [(0.0, 1.0, 36)]}, channels={"Drums": 9})
    write_midi(folder / "solo.mid", {"Solo": [(0.0, 1.0, 60)]})
    write_midi(folder / "none.mid", {"Alto": [], "Bass": []})
    return [
        (folder / "missing.mid", "no such score"),
        (folder / "empty.mid", "is empty"),
        (folder / "text.mid", "is no score"),
        (folder / "cut.mid", "damaged MIDI"),
        (folder / "page.xml", "XML of another kind (html)"),
        (folder / "time.xml", "score-partwise"),
        (folder / "torn.xml", "no readable MusicXML"),
        (folder / "other.mxl", "no readable MusicXML"),
        (folder / "silent.xml", "holds no notes"),
        (folder / "drums.mid", "percussion only"),
        (folder / "solo.mid", "only one voice (Solo)"),
        (folder / "none.mid", "holds no notes"),
    ]


def test_faults_are_told_with_the_file(tmp_path: Path) -> None:
    for path, message in faults(tmp_path):
        with pytest.raises(ScoreError) as caught:
            read_score(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert message in str(caught.value)


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_midi(tmp_path / "a.mid", {"A": [(0.0, 1.0, 60)], "B": [(0.0, 1.0, 64)]})
    monkeypatch.setitem(__import__("sys").modules, "mido", None)
    with pytest.raises(MissingExtraError, match=r"stemless\[score\]"):
        read_score(path)


def test_many_notes_at_once_end_in_time() -> None:
    voices = split_chords(np.arange(40) * 0.5, np.full(40, 10.0), 40 + np.arange(40))
    assert len(voices) == 20
    assert sum(len(voice) for voice in voices) == 40
