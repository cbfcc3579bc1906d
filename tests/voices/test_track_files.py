from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from stemless.errors import TrackError
from stemless.voices.tracks import PitchTracks, TrackWarning

FOUR = "time,soprano,alto\n0.00,440,220\n0.01,441.5,0\n0.02,,221\n"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        FOUR,
        FOUR.replace("\n", "\r\n"),
        FOUR.replace("\n", "\r"),
        FOUR.replace(",", ";"),
        FOUR.replace(",", ";").replace(".", ","),
        FOUR.replace(",", "\t"),
        FOUR.replace(",", "\t").replace(".", ","),
        FOUR.replace(",,", ",nan,"),
        FOUR.replace(",,", ",NaN,").replace(",", " , "),
        FOUR.replace(",,", ", ,").replace("soprano", '"soprano"'),
        FOUR.replace(",,", ",0,").replace(",", "  "),
        "\n" + FOUR.replace("time", "# Time") + "\n\n",
        FOUR.replace("0.01", "# a remark\n0.01"),
        "\ufeff" + FOUR,
    ],
)
def test_forms_of_one_table(tmp_path: Path, text: str) -> None:
    tracks = PitchTracks.from_csv(write(tmp_path / "f0.csv", text))
    assert tracks.names == ("soprano", "alto")
    np.testing.assert_allclose(tracks.times, [0, 0.01, 0.02])
    np.testing.assert_allclose(tracks.f0_hz, [[440, 441.5, 0], [220, 0, 221]])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_names_keep_their_accents(tmp_path: Path, encoding: str) -> None:
    text = FOUR.replace("soprano", "Soprano 1 (niño)").replace("alto", "ténor")
    tracks = PitchTracks.from_csv(write(tmp_path / "Niño Dios.csv", text, encoding))
    assert tracks.names == ("Soprano 1 (niño)", "ténor")


def test_one_file_a_voice_is_named_by_its_file(tmp_path: Path) -> None:
    crepe = "time,frequency,confidence\n0.00,440,0.9\n0.01,441,0.2\n0.02,442,0.5\n"
    bare = "0.00,220\n0.01,0\n0.02,222\n"
    named = "time,Anna\n0.00,330\n0.01,330\n0.02,330\n"
    blanks = "0.0 110.0 0.9\n0.01 110.0 0.1\n0.02 110.0 1\n"
    tracks = PitchTracks.from_files(
        [
            write(tmp_path / "soprano.f0.csv", crepe),
            write(tmp_path / "bass.csv", bare),
            write(tmp_path / "x.csv", named),
            write(tmp_path / "contra.txt", blanks),
        ]
    )
    assert tracks.names == ("soprano.f0", "bass", "Anna", "contra")
    np.testing.assert_allclose(tracks.f0_hz, [[440, 0, 442], [220, 0, 222], [330, 330, 330], [110, 0, 110]])


def test_files_with_different_steps_meet_on_the_finest(tmp_path: Path) -> None:
    coarse = "".join(f"{t / 100:.2f},{200 + t}\n" for t in range(0, 101, 2))
    fine = "".join(f"{t * 0.0058:.6f},{100 if t > 50 else 0}\n" for t in range(300))
    tracks = PitchTracks.from_files([write(tmp_path / "a.csv", coarse), write(tmp_path / "b.csv", fine)])
    assert tracks.step_seconds == pytest.approx(0.0058)
    inside = tracks.times <= 1.0
    np.testing.assert_allclose(tracks.f0_hz[0, inside], 200 + 100 * tracks.times[inside], rtol=1e-4)
    assert not tracks.f0_hz[0, tracks.times > 1.02].any()
    assert tracks.times[np.flatnonzero(tracks.f0_hz[1])[0]] == pytest.approx(51 * 0.0058)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    f0_hz = generator.uniform(60, 900, (4, 200)) * (generator.random((4, 200)) > 0.2)
    tracks = PitchTracks(("S, first", "A", 'T "solo"', "B"), np.arange(200) * 256 / 44100, f0_hz)
    path = tmp_path / "f0.csv"
    tracks.to_csv(path)
    again = PitchTracks.from_csv(path)
    assert again.names == tracks.names
    np.testing.assert_allclose(again.times, tracks.times, atol=1e-6)
    np.testing.assert_allclose(again.f0_hz, tracks.f0_hz, atol=1e-3)
    np.testing.assert_array_equal(again.f0_hz > 0, tracks.f0_hz > 0)
    with pytest.raises(TrackError, match="exists already"):
        tracks.to_csv(path)
    tracks.select(["A", "B"]).to_csv(path, overwrite=True)
    assert PitchTracks.from_csv(path).names == ("A", "B")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f0.csv"]


def test_a_cut_is_written_from_zero(tmp_path: Path) -> None:
    tracks = PitchTracks.regular([[200] * 100, [300] * 100], 0.01).cut(0.305, 0.5)
    tracks.to_csv(tmp_path / "f0.csv")
    again = PitchTracks.from_csv(tmp_path / "f0.csv")
    assert again.times[0] == 0.0
    np.testing.assert_allclose(again.f0_hz[:, 0], [200, 300])


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.savetxt", interrupted)
    with pytest.raises(KeyboardInterrupt):
        PitchTracks.regular([[200]], 0.01).to_csv(tmp_path / "f0.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="cannot be written"):
        PitchTracks.regular([[200]], 0.01).to_csv(tmp_path / "none" / "f0.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("time,soprano,alto\n", "has a header and no rows"),
        ("time\n0.0\n0.1\n", "has no track column"),
        ("0.0\n0.1\n", "has no track column"),
        ("soprano,alto\n440,220\n", "the first column must be 'time', not 'soprano'"),
        (",time,alto\n0,0,220\n", "the first column must be 'time', not '' (a row index? leave it out)"),
        ("time,soprano,\n0,440,220\n", "header: voice 2 has an empty name"),
        ("time,alto,alto\n0,440,220\n", "header: two voices are called 'alto'"),
        ("0,440,220\n1,440,220\n", "has no header; begin with a line  time,<voice>,<voice>..."),
        ("0,440,220,110\n", "has no header"),
        (FOUR + "0.03,440\n", "line 5: has 2 fields, and line 1 has 3; a track column is missing"),
        (FOUR + "0.03,440,220,110\n", "line 5: has 4 fields"),
        ("\n" + FOUR + "0.03,high,220\n", "line 6, column 'soprano': 'high' is not a number"),
        (FOUR + ",440,220\n", "line 5, column 'time': '' is not a number; give seconds"),
        (FOUR + "0:03,440,220\n", "line 5, column 'time': '0:03' is not a number; give seconds"),
        ("time,soprano,alto\nlow,high,higher\n", "line 2, column 'time': 'low' is not a number"),
        (FOUR + "nan,440,220\n", "line 5: the time nan is not possible"),
        ("time,soprano,alto\n-1,440,220\n", "line 2: the time -1 is not possible"),
        (FOUR + "0.02,440,220\n", "line 5: the time 0.02 s comes after 0.02 s; times must rise"),
        (FOUR + "\n# back\n0.005,440,220\n", "line 7: the time 0.005 s comes after 0.02 s"),
        (FOUR + "0.03,440,-220\n", "line 5, column 'alto': f0 of -220 is negative; write 0"),
        (FOUR + "0.03,inf,220\n", "line 5, column 'soprano': inf is not a frequency"),
        (FOUR + "0.03,440,12\n", "line 5, column 'alto': f0 of 12 is outside 20 to 5000 Hz; correct"),
        (FOUR + "0.03,9000,220\n", "line 5, column 'soprano': f0 of 9000 is outside 20 to 5000 Hz; corr"),
        ("time,a,b\n0,6900,4800\n1,6912.3,0\n", "line 2, column 'a': f0 of 6900 is outside 20 to 5000 Hz; "
         "the values look like cents"),
        ("time,a,b\n0,69,48\n1,68,0\n", "all f0 of all voices are below 110 and whole numbers"),
        ("time,a,b\n0,69.1,48\n1,19.5,0\n", "f0 of 19.5 is outside 20 to 5000 Hz; the values look like MIDI"),
        ("time,a,b\n0,0.44,0.22\n", "the values look like kHz"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_with_the_place_and_the_fix(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "f0 de niño.csv", text)
    with pytest.raises(TrackError) as caught:
        PitchTracks.from_csv(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_low_values_that_may_be_notes_are_doubted(tmp_path: Path) -> None:
    path = write(tmp_path / "f0.csv", "time,a,b\n0,69.02,48.1\n0.01,69.1,48.2\n")
    with pytest.warns(TrackWarning, match="are they MIDI notes"):
        PitchTracks.from_csv(path)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    binary = tmp_path / "song.wav"
    binary.write_bytes(b"RIFF\x00\x00\x00\x00WAVE")
    with pytest.raises(TrackError, match=r"song\.wav: is not a text file"):
        PitchTracks.from_csv(binary)
    with pytest.raises(TrackError, match=r"none\.csv: no such f0 file"):
        PitchTracks.from_csv(tmp_path / "none.csv")
    with pytest.raises(TrackError, match="cannot be read"):
        PitchTracks.from_csv(tmp_path)
    with pytest.raises(TrackError, match="no f0 track"):
        PitchTracks.from_files([])


def test_voices_of_one_name_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    first = write(tmp_path / "f0.csv", "0,440\n1,440\n")
    second = write(tmp_path / "a" / "f0.csv", "0,220\n1,220\n")
    with pytest.raises(TrackError, match="two voices are called 'f0'; rename a file or a column"):
        PitchTracks.from_files([first, second])


@pytest.mark.parametrize("empty", ["0", ""])
def test_an_hour_of_four_voices_reads_fast(tmp_path: Path, empty: str) -> None:
    row = ",440.123,330.456,220.789," + empty
    path = write(
        tmp_path / "hour.csv",
        "time,S,A,T,B\n" + "\n".join(f"{index / 100:.2f}{row}" for index in range(360_000)),
    )
    start = time.perf_counter()
    tracks = PitchTracks.from_csv(path)
    grid = np.arange(225_000) * 0.016
    tracks.at(grid)
    assert time.perf_counter() - start < 6.0  # about 1 s alone; the machine may be busy
    assert tracks.f0_hz.shape == (4, 360_000)
