"""A folder of clips with its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stemless.audio import probe
from stemless.data.everyday import rendering, speech
from stemless.data.everyday.catalogue import SOUNDS
from stemless.data.everyday.rendering import render_everyday
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import read_manifest


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    for name, workers, seed in (("a", 1, 3), ("b", 2, 3), ("c", 1, 4)):
        render_everyday(tmp_path / name, count=5, seconds=1.0, seed=seed, workers=workers)
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert _bytes(tmp_path / "a").keys() != _bytes(tmp_path / "c").keys()


def test_the_manifest_lists_every_clip(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    manifest = render_everyday(
        tmp_path / "e", count=21, seconds=(1.0, 1.3), seed=1, on_progress=lambda *step: seen.append(step)
    )
    recordings = read_manifest(manifest)
    assert seen[-1] == (21, 21) and len(seen) == 21
    assert len({recording.group for recording in recordings}) == 21
    assert [recording.split for recording in recordings].count("validation") == 1
    for recording in recordings:
        (label,) = recording.phrases
        assert recording.caption in SOUNDS[label].captions
        info = probe(recording.audio)
        assert info.channels == 1 and info.sample_rate == 16000
        assert 1.0 <= info.duration_seconds <= 1.3 + 1e-4
    # No label comes twice before all have come once.
    assert len({recording.phrases for recording in recordings}) == 21
    assert json.loads((tmp_path / "e" / "settings.json").read_text())["seconds"] == [1.0, 1.3]


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        render_everyday(tmp_path / "there", count=1, seconds=1, seed=0)
    with pytest.raises(UsageError, match="0 clips"):
        render_everyday(tmp_path / "new", count=0, seconds=1, seed=0)
    with pytest.raises(UsageError, match="1 clips of 3 to 2 s"):
        render_everyday(tmp_path / "new", count=1, seconds=(3, 2), seed=0)
    with pytest.raises(UsageError, match="4000 Hz"):
        render_everyday(tmp_path / "new", count=1, seconds=1, seed=0, sample_rate=4000)
    with pytest.raises(UsageError, match="'third'"):
        render_everyday(tmp_path / "new", count=1, seconds=1, seed=0, voices="third")  # type: ignore[arg-type]
    (tmp_path / "file").write_text("")
    with pytest.raises(StemlessError, match="cannot be written"):
        render_everyday(tmp_path / "file" / "new", count=1, seconds=1, seed=0)
    assert not (tmp_path / "new").exists()


def test_a_broken_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_everyday(tmp_path / "e", count=3, seconds=1, seed=0, on_progress=fail)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(rendering, "write_manifest", fail)
    with pytest.raises(KeyboardInterrupt):
        render_everyday(tmp_path / "e", count=1, seconds=1, seed=0)
    assert list(tmp_path.iterdir()) == []


def test_labels_left_out_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech.shutil, "which", lambda _: None)
    with pytest.warns(UserWarning, match="espeak-ng is not installed: left out are male speech"):
        render_everyday(tmp_path / "e", count=1, seconds=1, seed=0)
    assert "male speech" in json.loads((tmp_path / "e" / "settings.json").read_text())["left_out"]
