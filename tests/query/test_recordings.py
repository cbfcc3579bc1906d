from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from clips import RATE, recording, tone

from stemless.query.manifest import Recording
from stemless.query.recordings import RecordingPool, level_db


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def stored(folder: Path, name: str, audio: np.ndarray, rate: int = RATE) -> Recording:
    soundfile.write(folder / name, audio, rate, subtype="FLOAT")
    return Recording(folder / name, "rain")


def test_a_stretch_is_a_cut_of_the_recording(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(4000).astype(np.float32) * 0.1
    pool = RecordingPool([stored(tmp_path, "a.wav", noise)], RATE)
    firsts = set()
    for seed in range(5):
        cut = pool.stretch(0, 1000, random(seed))
        assert cut is not None and cut.dtype == torch.float32
        first = int(np.argmin(np.abs(noise - cut[0].item())))
        assert np.array_equal(cut.numpy(), noise[first : first + 1000])
        firsts.add(first)
        again = pool.stretch(0, 1000, random(seed))
        assert again is not None and torch.equal(again, cut)
    assert len(firsts) == 5


def test_a_short_recording_lies_in_silence_or_is_repeated(tmp_path: Path) -> None:
    ramp = np.linspace(0.1, 0.2, 300).astype(np.float32)
    recordings = [stored(tmp_path, "a.wav", ramp)]
    placed = RecordingPool(recordings, RATE).stretch(0, 1000, random())
    assert placed is not None and placed.shape == (1000,)
    assert np.array_equal(placed[placed != 0].numpy(), ramp)
    repeated = RecordingPool(recordings, RATE, repeat_short=True).stretch(0, 1000, random())
    assert repeated is not None and repeated.shape == (1000,) and bool((repeated > 0).all())
    # Periodic but for where the last repetition is cut.
    assert int((repeated.roll(300) == repeated).sum()) >= 700 - 300
    # A recording of exactly the length is itself.
    exact = RecordingPool(recordings, RATE).stretch(0, 300, random())
    assert exact is not None and np.array_equal(exact.numpy(), ramp)


def test_other_rates_and_channels(tmp_path: Path) -> None:
    sine = tone("rain", 1.0, 44100)
    stereo = np.stack([sine, 3 * sine], 1)
    pool = RecordingPool([stored(tmp_path, "a.wav", stereo, 44100)], RATE)
    cut = pool.stretch(0, 4000, random())
    assert cut is not None and cut.shape == (4000,)
    # The mean of both channels: twice the sine.
    assert float(cut[500:-500].abs().max()) == pytest.approx(2 * np.abs(sine).max(), rel=0.02)


def test_what_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "cut.flac", tone("rain", 2.0), RATE)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 4])
    names = ("none.wav", "text.wav", "cut.flac")
    recordings = [Recording(tmp_path / name, "rain") for name in names]
    recordings.append(stored(tmp_path, "nan.wav", np.full(2000, np.nan)))
    recordings.append(stored(tmp_path, "good.wav", tone("rain")))
    said: list[str] = []
    pool = RecordingPool(recordings, RATE, report=said.append)
    for _ in range(3):
        for index in range(4):
            assert pool.stretch(index, 15000, random()) is None
        assert pool.stretch(4, 1000, random()) is not None
    assert len(said) == 4 and all("passed over" in line and "\n" not in line for line in said)
    for line, recorded in zip(said, recordings, strict=False):
        assert recorded.audio.name in line
    with pytest.warns(UserWarning, match=r"none\.wav"):
        RecordingPool(recordings, RATE).stretch(0, 1000, random())


def test_silence_is_no_stretch_and_no_fault(tmp_path: Path) -> None:
    half = np.concatenate([np.zeros(4000), tone("rain")])
    recordings = [stored(tmp_path, "a.wav", np.zeros(8000)), stored(tmp_path, "b.wav", half)]
    said: list[str] = []
    pool = RecordingPool(recordings, RATE, report=said.append)
    assert pool.stretch(0, 1000, random()) is None
    found = [pool.stretch(1, 1000, random(seed)) for seed in range(10)]
    heard = [cut for cut in found if cut is not None]
    assert len(heard) >= 8 and all(level_db(cut) > -70 for cut in heard) and not said


def test_phrases_come_from_the_manifest_or_the_caption() -> None:
    pool = RecordingPool(
        [
            Recording(Path("a.wav"), "A dog barks and a man talks"),
            Recording(Path("b.wav"), "A dog barks", ("yapping", "rain", "Yapping ", "wind")),
            Recording(Path("c.wav"), "Silence"),
        ],
        RATE,
    )
    assert pool.phrases == [("dog barking", "man talking"), ("yapping", "rain", "wind"), ()]
    assert pool.named == [{"dog barking", "man talking"}, {"yapping", "rain", "wind"}, {"silence"}]
    pool = RecordingPool(pool.recordings, RATE, phrases_of=lambda caption: [caption.upper()])
    assert pool.phrases[0] == ("A DOG BARKS AND A MAN TALKS",) and pool.phrases[1][0] == "yapping"


def test_what_can_be_mixed() -> None:
    def pool(*captions: str) -> RecordingPool:
        return RecordingPool([Recording(Path(f"{c}.wav"), c, tuple(c.split(","))) for c in captions], RATE)

    assert pool("a", "b").can_be_mixed and pool("a,b", "b,c", "c,d").can_be_mixed
    assert not pool("a", "a,b", "A").can_be_mixed and not pool("a,b", "b,c", "c,a").can_be_mixed
    assert not pool("a").can_be_mixed and not pool().can_be_mixed


def test_level() -> None:
    assert level_db(torch.full((100,), 0.1)) == pytest.approx(-20, abs=1e-5)
    assert level_db(torch.zeros(10)) == -np.inf


def test_clips_of_the_tests_are_what_they_say(tmp_path: Path) -> None:
    both = recording(tmp_path, "a", "both", ("dog", "rain"))
    audio, _ = soundfile.read(both.audio)
    assert np.allclose(audio, tone("dog") + tone("rain"), atol=1e-7)
