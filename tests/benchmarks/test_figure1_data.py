"""Which sounds figure 1 is about, and that what it learns, chooses and tests by are apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "query"))
from toy_embedding import tone

import figure1_data
from figure1_data import label_of, mixtures_of, write_manifests
from stemless.query.manifest import Recording, read_manifest, write_manifest


def rows(where: str, counts: dict[str, int], split: str) -> list[Recording]:
    return [
        Recording(Path(f"{where}_{name}_{take}.wav"), f"a {name}", (name,), f"{where} {name} {take}", split)  # type: ignore[arg-type]
        for name, count in counts.items()
        for take in range(count)
    ]


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    pool = rows("pool", {"rain": 20, "dog barking": 20, "rare": 2, "untested": 9}, "train")
    pool += rows("pool aside", {"rain": 2, "untested": 1}, "validation")
    write_manifest(pool, tmp_path / "pool_separator.csv")
    write_manifest(
        rows("test", {"rain": 2, "dog barking": 1, "rare": 3, "new": 4}, "test"), tmp_path / "pool_test.csv"
    )
    for role, split in (("separator", "train"), ("test", "test")):
        folder = tmp_path / f"renders_{role}"
        folder.mkdir()
        write_manifest(rows(role, {"violin": 30, "synth pad": 30, "rain": 5}, split), folder / "manifest.csv")
    foreign = rows("foreign", {"rain": 4, "yawning": 2}, "validation")
    write_manifest(foreign, tmp_path / "foreign_validation.csv")
    return tmp_path


def test_sounds_are_those_that_training_and_test_have(prepared: Path, tmp_path: Path) -> None:
    found = write_manifests(prepared, tmp_path / "out")
    assert {label_of(row) for row in found["training"]} == {"rain", "dog barking", "violin"}
    assert {label_of(row) for row in found["test"]} == {"rain", "dog barking", "violin"}
    groups = {half: {row.group for row in each} for half, each in found.items()}
    assert not groups["training"] & groups["validation"]
    assert not groups["test"] & (groups["training"] | groups["validation"])
    assert {name.split()[0] for name in groups["validation"]} == {"pool", "separator", "foreign"}
    # A bank's poor everyday sounds are no instruments.
    assert not any("separator_rain" in row.audio.name for row in found["training"])


def test_shares_of_single_sources_hold_each_other(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    whole = write_manifests(prepared, folder)["training"]
    names = {share: {row.audio.name for row in read_manifest(folder / f"training_{share}.csv")}
             for share in (5, 75, 100)}  # fmt: skip
    assert names[5] < names[75] < names[100] and len(names[100]) == len(whole)
    assert len(names[5]) == round(0.05 * len(whole)) and len(names[75]) == round(0.75 * len(whole))


def test_mixtures_are_fixed_and_both_sources_can_be_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings = []
    for name in ("440 Hz", "940 Hz", "2000 Hz"):
        for take, level in enumerate((0.2, 0.0)):
            path = tmp_path / f"{name} {take}.wav"
            soundfile.write(path, tone(name, 8.5, level=level).numpy(), 16000)
            recordings.append(Recording(path, name, (name,), f"{name} {take}", "test"))
    monkeypatch.setattr(figure1_data, "COUNTS", {"test": 8})
    drawn = mixtures_of(recordings, "test")
    assert drawn == mixtures_of(recordings, "test")
    # Half of the recordings are silent, and no mixture has one of them.
    assert 0 < len(drawn) <= 8
    assert all(path.stem.endswith("0") for mixture in drawn for s in mixture.sources for path in s.paths)
