"""Which sounds figure 1 is about, and that what it learns, chooses and tests by are apart."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "query"))
from toy_embedding import tone

import figure1_data
from figure1_data import label_of, mixtures_of, partner_mixtures, partners, write_manifests, write_together
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


def test_every_sound_has_one_partner_with_another_name() -> None:
    labels = ["rain", "dog barking", "clapping", "hands clapping", "violin", "cello", "flute"]
    pairs = partners(labels)
    assert pairs == partners(reversed(labels))
    together = [label for pair in pairs for label in pair]
    assert len(pairs) == 3 and len(set(together)) == 6 and set(together) < set(labels)
    assert not any(set(pair) == {"clapping", "hands clapping"} for pair in pairs)
    with pytest.raises(ValueError, match="all called the same"):
        partners(["clapping", "hands clapping"])


def test_partners_are_heard_together_and_with_nobody_else(tmp_path: Path) -> None:
    names = ("440 Hz", "940 Hz", "2000 Hz", "5000 Hz", "7000 Hz")
    recordings = []
    for name in names:
        soundfile.write(tmp_path / f"{name}.wav", tone(name, 8.5, level=0.2).numpy(), 16000)
        recordings.append(Recording(tmp_path / f"{name}.wav", name, (name,), name, "train"))
    pairs = [("440 Hz", "2000 Hz"), ("940 Hz", "5000 Hz"), ("7000 Hz", "a sound without recordings")]
    for mixture in partner_mixtures(recordings, pairs, "test"):
        assert tuple(source.label for source in mixture.sources) in pairs[:2]
    manifest = tmp_path / "together" / "training.csv"
    write_together(recordings, pairs, manifest)
    written = read_manifest(manifest)
    assert [row.phrases for row in written] == [pair for pair in pairs[:2] for _ in range(40)]
    audio, _ = soundfile.read(written[0].audio)
    spectrum = abs(np.fft.rfft(audio))
    strongest = np.fft.rfftfreq(len(audio), 1 / 16000)[spectrum > 0.3 * spectrum.max()]
    # Both are there at their own level, and nothing else.
    assert {round(each, -1) for each in strongest} == {440, 2000}
    before = written[0].audio.stat().st_mtime_ns
    write_together(recordings, pairs, manifest)
    assert written[0].audio.stat().st_mtime_ns == before
