from __future__ import annotations

import json
from pathlib import Path

import pytest

from stemless.errors import StemlessError
from stemless.query.manifest import Recording, divide, read_manifest, write_manifest


def written(folder: Path, text: str, name: str = "m.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_csv(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "\ufeffAudio, Caption,phrases,group,split,licence\n"
        'a.wav,"a dog,  and rain",dog barking; rain falling ;dog barking,g1,validation,CC0\n'
        "sub/b.flac,engine,,,,\n"
        "\n"
        "c.ogg,Pluie d'été,,g2,train,\n",
    )
    assert read_manifest(path) == [
        Recording(tmp_path / "a.wav", "a dog, and rain", ("dog barking", "rain falling"), "g1", "validation"),
        Recording(tmp_path / "sub/b.flac", "engine"),
        Recording(tmp_path / "c.ogg", "Pluie d'été", (), "g2"),
    ]


def test_jsonl(tmp_path: Path) -> None:
    lines = [
        {"audio": "a.wav", "caption": "a dog", "phrases": ["dog barking", " ", "rain"], "seconds": 3.5},
        {"audio": "b.wav", "caption": "rain", "phrases": "rain;wind", "group": "g", "split": "test"},
        {"audio": "c.wav", "caption": "bell", "phrases": None, "group": None},
    ]
    path = written(tmp_path, "\n\n".join(map(json.dumps, lines)) + "\n", "m.jsonl")
    assert read_manifest(path) == [
        Recording(tmp_path / "a.wav", "a dog", ("dog barking", "rain")),
        Recording(tmp_path / "b.wav", "rain", ("rain", "wind"), "g", "test"),
        Recording(tmp_path / "c.wav", "bell"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'audio'"),
        ("audio,caption\n", "lists no recordings"),
        ("path,caption\na.wav,dog\n", r"no column 'audio' in its first line \(path, caption\)"),
        ("audio,text\na.wav,dog\n", "no column 'caption'"),
        (
            "audio,caption,phrase\na.wav,dog,dog\n",
            "line 1: .* 'phrase'; did you mean 'phrases'",
        ),
        ("audio,caption\na.wav,dog\n,rain\n", "line 3: names no audio file"),
        ("audio,caption\na.wav,dog\nb.wav,?!\n", "line 3: the caption of b.wav holds no words"),
        ("audio,caption\na.wav,dog\nb.wav\n", "line 3: the caption of b.wav holds no words"),
        ("audio,caption\na.wav,dog, rain\n", "line 2: holds more fields"),
        ('audio,caption\na.wav,"dog\n', "line 2: is not CSV"),
        ('audio,caption\na.wav,"two\nlines"\nb.wav,\n', "line 4: the caption of b.wav"),
        (
            "audio,caption,split\na.wav,dog,dev\n",
            "line 2: split is 'dev'; it is one of train, val",
        ),
        ("audio,caption,phrases\na.wav,dog,dog;!\n", "line 2: the phrase '!' holds no words"),
        ("audio,caption\na\0.wav,dog\n", "line (2: audio holds a zero byte|contains NUL)"),
        (
            "audio,caption,group,split\na.wav,dog,g,\nb.wav,dog,,\nc.wav,dog,g,validation\n",
            "line 4: group g is in validation, but in train on line 2",
        ),
        ("audio,caption,split\na.wav,dog,\na.wav,dog,test\n", "line 3: file .*a.wav is in test"),
    ],
)
def test_bad_csv(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StemlessError, match=message) as caught:
        read_manifest(written(tmp_path, text))
    assert "m.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: is not an object"),
        ('{"audio": 3, "caption": "dog"}', "line 2: audio is 3; it is text"),
        ('{"audio": "a.wav"}', "line 2: the caption of a.wav holds no words"),
        (
            '{"audio": "a.wav", "caption": "dog", "phrases": [1]}',
            "line 2: phrases is a list of some",
        ),
        ('{"audio": "a.wav", "caption": "dog", "phrases": {"a": 1}}', "line 2: phrases is .* it is text"),
        ('{"audio": "a.wav", "captoin": "dog"}', "line 2: there is no column 'captoin'"),
        ("[" * 100_000, "line 2: is not JSON"),
    ],
)
def test_bad_jsonl(tmp_path: Path, line: str, message: str) -> None:
    path = written(tmp_path, '{"audio": "b.wav", "caption": "rain"}\n' + line, "m.jsonl")
    with pytest.raises(StemlessError, match=message):
        read_manifest(path)


def test_what_is_no_text_file(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"\xff\xfe\x00\x01" * 10)
    for path, message in ((tmp_path / "m.csv", "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(StemlessError, match=message):
            read_manifest(path)
    with pytest.raises(StemlessError, match="no such manifest"):
        read_manifest(tmp_path / "none.csv")


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    recordings = [
        Recording(folder / "a.wav", 'a "dog", and rain', ("dog barking", "rain"), "g;1", "validation"),
        Recording(tmp_path / "audio" / "b.wav", "Glöckchen"),
        Recording(Path("/elsewhere/c.wav"), "bell", (), "", "test"),
    ]
    write_manifest(recordings, folder / name)
    text = (folder / name).read_text(encoding="utf-8")
    assert "../audio/b.wav" in text and str(tmp_path) not in text and "/elsewhere/c.wav" in text
    again = read_manifest(folder / name)
    resolved = [recording.audio.resolve() for recording in again]
    assert resolved == [recording.audio for recording in recordings]
    assert [(r.caption, r.phrases, r.group, r.split) for r in again] == [
        (r.caption, r.phrases, r.group, r.split) for r in recordings
    ]
    with pytest.raises(StemlessError, match="exists already"):
        write_manifest(recordings, folder / name)
    write_manifest(recordings[:1], folder / name, overwrite=True)
    assert len(read_manifest(folder / name)) == 1
    assert [path.name for path in folder.iterdir()] == [name]
    with pytest.raises(StemlessError, match="cannot be written"):
        write_manifest(recordings, tmp_path / "no" / "folder.csv")


def clips(count: int, groups: int = 0) -> list[Recording]:
    return [Recording(Path(f"{n}.wav"), "rain", (), f"g{n % groups}" if groups else "") for n in range(count)]


def test_divide_keeps_groups_whole_and_everything_once() -> None:
    recordings = clips(100, groups=20)
    part, rest = divide(recordings, 0.25, seed=3)
    assert len(part) == 25 and sorted([*part, *rest], key=lambda r: int(r.audio.stem)) == recordings
    assert not {r.group for r in part} & {r.group for r in rest}


def test_divide_depends_on_names_and_seed_alone() -> None:
    recordings = clips(100)
    part, _ = divide(recordings, 0.3, seed=1)
    again, _ = divide(recordings[::-1], 0.3, seed=1)
    assert set(part) == set(again) and set(divide(recordings, 0.3, seed=2)[0]) != set(part)
    assert set(divide(recordings, 0.1, seed=1)[0]) < set(part)


def test_divide_at_the_ends() -> None:
    recordings = clips(10)
    assert divide(recordings, 0.0) == ([], recordings) and divide(recordings, 1.0) == (recordings, [])
    assert [len(side) for side in divide(recordings, 0.001)] == [1, 9]
    assert [len(side) for side in divide(recordings, 0.999)] == [9, 1]
    assert [len(side) for side in divide(clips(6, groups=1), 0.4)] == [0, 6]
    assert divide([], 0.5) == ([], [])
    with pytest.raises(StemlessError, match="fraction of 5 is impossible"):
        divide(recordings, 5)
