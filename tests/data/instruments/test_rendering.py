import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tiny_bank import PRESETS, needs_fluidsynth, write_bank

from stemless.data.instruments import rendering
from stemless.data.instruments.acoustics import equalised, random_recording
from stemless.data.instruments.general_midi import INSTRUMENTS, instruments_of
from stemless.data.instruments.rendering import instrument_of, render_instruments
from stemless.errors import StemlessError, UsageError
from stemless.query.manifest import read_manifest


def audio_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "audio").iterdir())}


def test_all_instruments_come_equally_often() -> None:
    slots = sum(instrument.share for instrument in INSTRUMENTS)
    for turn in range(3):
        drawn = [instrument_of(index, INSTRUMENTS, 7) for index in range(turn * slots, (turn + 1) * slots)]
        counts = [sum(one is instrument for one, _ in drawn) for instrument in INSTRUMENTS]
        assert counts == [instrument.share for instrument in INSTRUMENTS]
    rounds = max(len(instrument.sounds) for instrument in INSTRUMENTS)
    heard = {instrument_of(index, INSTRUMENTS, 7) for index in range(rounds * slots)}
    assert heard == {(instrument, sound) for instrument in INSTRUMENTS for sound in instrument.sounds}
    assert [instrument_of(i, INSTRUMENTS, 7) for i in range(9)] != [
        instrument_of(i, INSTRUMENTS, 8) for i in range(9)
    ]


@needs_fluidsynth
def test_recordings_can_be_read_for_training(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "tiny.sf2")
    seen: list[tuple[int, int]] = []
    manifest = render_instruments(
        tmp_path / "r",
        bank=bank,
        count=12,
        seconds=2.0,
        seed=5,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(12, 12)]
    recordings = read_manifest(manifest)
    assert len(recordings) == len({recording.group for recording in recordings}) == 12
    instruments = instruments_of({sound: range(low, high + 1) for sound, (low, high) in PRESETS.items()})
    for index, recording in enumerate(recordings):
        assert recording.phrases == (instrument_of(index, instruments, 5)[0].label,)
        audio, rate = soundfile.read(recording.audio, dtype="float32")
        assert rate == 16000 and audio.shape == (32000,)
        assert 0.09 < np.abs(audio).max() < 0.9


@needs_fluidsynth
def test_same_seed_same_bytes_whatever_the_workers_and_the_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "BATCH_SECONDS", 3.0)
    bank = write_bank(tmp_path / "tiny.sf2")
    one = render_instruments(tmp_path / "one", bank=bank, count=7, seconds=1.0, seed=1).parent
    two = render_instruments(tmp_path / "two", bank=bank, count=7, seconds=1.0, seed=1, workers=2).parent
    assert audio_of(one) == audio_of(two)
    assert (one / "manifest.csv").read_bytes() == (two / "manifest.csv").read_bytes()
    # Fewer first, then more; what is whole is kept, what is gone is made again.
    part = render_instruments(tmp_path / "part", bank=bank, count=4, seconds=1.0, seed=1).parent
    assert audio_of(part).items() <= audio_of(one).items()
    kept = next((part / "audio").glob("00001-*"))
    written = kept.stat().st_mtime_ns
    (part / "batches" / "00003.json").unlink()
    next((part / "audio").glob("00003-*")).unlink()
    render_instruments(part, bank=bank, count=7, seconds=1.0, seed=1)
    assert kept.stat().st_mtime_ns == written
    assert audio_of(part) == audio_of(one)
    assert (part / "manifest.csv").read_bytes() == (one / "manifest.csv").read_bytes()
    other = render_instruments(tmp_path / "other", bank=bank, count=7, seconds=1.0, seed=2).parent
    assert audio_of(other) != audio_of(one)


@needs_fluidsynth
def test_other_folders_and_settings_are_refused(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "tiny.sf2")
    render_instruments(tmp_path / "r", bank=bank, count=1, seconds=1.0, seed=1)
    with pytest.raises(UsageError, match="seed = 1, not 2"):
        render_instruments(tmp_path / "r", bank=bank, count=1, seconds=1.0, seed=2)
    (tmp_path / "other").mkdir()
    other = write_bank(tmp_path / "other" / "tiny.sf2", {(0, 0): (0, 127)})
    with pytest.raises(UsageError, match="bank_sha256"):
        render_instruments(tmp_path / "r", bank=other, count=1, seconds=1.0, seed=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        render_instruments(tmp_path / "mine", bank=bank, count=1)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["note.txt"]
    for wrong in (
        {"count": 0},
        {"seconds": 0.1},
        {"seconds": float("nan")},
        {"workers": 0},
        {"sample_rate": 1},
    ):
        with pytest.raises(UsageError):
            render_instruments(tmp_path / "n", **{"bank": bank, "count": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "n").exists()


@needs_fluidsynth
def test_a_bank_without_known_instruments_is_refused(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "tiny.sf2", {(3, 3): (0, 127)})
    with pytest.raises(StemlessError, match="none of the sounds of General MIDI"):
        render_instruments(tmp_path / "r", bank=bank, count=1)
    assert not (tmp_path / "r").exists()


@needs_fluidsynth
def test_what_a_bank_leaves_silent_is_told(tmp_path: Path) -> None:
    """A bank whose samples are all zero."""
    bank = write_bank(tmp_path / "tiny.sf2", {(0, 0): (0, 127)})
    data = bank.read_bytes()
    start = data.index(b"smpl") + 8
    bank.write_bytes(data[:start] + bytes(4000) + data[start + 4000 :])
    with (
        pytest.warns(rendering.RenderWarning, match=r"silent: piano \(0, 0\)"),
        pytest.raises(StemlessError, match="give another bank"),
    ):
        render_instruments(tmp_path / "r", bank=bank, count=2, seconds=1.0)
    assert all("silent" in row for row in json.loads((tmp_path / "r/batches/00000.json").read_text()))


def test_a_recording_has_a_colour_a_room_and_a_level() -> None:
    click = torch.zeros(1, 16000)
    click[0, 4000] = 1.0
    heard = [random_recording(click, 16000, np.random.default_rng(seed)) for seed in range(30)]
    assert all(audio.shape == click.shape and torch.isfinite(audio).all() for audio in heard)
    peaks_db = [20 * np.log10(float(audio.abs().max())) for audio in heard]
    assert min(peaks_db) >= -20.1 and max(peaks_db) <= -0.9 and np.std(peaks_db) > 3
    # Some ring on for a tenth of a second, some do not.
    late = [float(audio[0, 5600:].square().sum() / audio.square().sum()) for audio in heard]
    assert min(late) < 1e-4 < 0.005 < max(late)


def test_the_equaliser_has_the_gains_that_were_asked_for() -> None:
    """Against the response to a click, at the octaves and half-way between two of them."""
    click = torch.zeros(1, 16000)
    click[0, 8000] = 1.0
    gains_db = np.array([-6.0, -3.0, 0.0, 3.0, 6.0, 0.0, -6.0, 2.0, 2.0])
    response = np.abs(np.fft.rfft(equalised(click, gains_db, 16000)[0].numpy()))
    for octave in range(2, 8):
        assert 20 * np.log10(response[60 * 2**octave]) == pytest.approx(gains_db[octave], abs=0.15)
    half = round(60 * 2**4.5)
    assert 20 * np.log10(response[half]) == pytest.approx(3.0, abs=0.15)
