"""All sounds: they can be heard, have their length, and their names."""

from __future__ import annotations

import numpy as np
import pytest

from stemless.data.everyday import speech
from stemless.data.everyday.catalogue import SOUNDS, available_sounds
from stemless.data.everyday.recording import PEAK, recorded
from stemless.data.everyday.rendering import render_clip
from stemless.data.everyday.stage import Place, Stage

QUIET_RMS = 10 ** (-50 / 20)


@pytest.mark.parametrize("label", SOUNDS)
def test_every_sound_is_heard(label: str) -> None:
    sound = SOUNDS[label]
    if sound.needs_speech and not speech.available():
        pytest.skip("espeak-ng is not installed")
    for seed in range(2):
        clip = render_clip(sound, 2.0, np.random.default_rng(seed))
        assert clip.shape == (32000,)
        assert np.isfinite(clip).all()
        assert np.abs(clip).max() <= PEAK + 1e-9
        assert np.sqrt(np.mean(clip**2)) > QUIET_RMS


@pytest.mark.parametrize("label", ["rain", "dog barking", "glass breaking", "engine"])
def test_instances_differ_and_a_seed_repeats(label: str) -> None:
    one, again, other = (render_clip(SOUNDS[label], 1.0, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.3


def test_another_rate_is_as_good() -> None:
    clip = render_clip(SOUNDS["keys jingling"], 1.5, np.random.default_rng(4), sample_rate=32000)
    assert clip.shape == (48000,)
    assert np.sqrt(np.mean(clip**2)) > QUIET_RMS


def test_names_and_captions() -> None:
    assert len(SOUNDS) >= 45
    captions = [caption for sound in SOUNDS.values() for caption in sound.captions]
    assert len(set(captions)) == len(captions)
    assert all(len(sound.captions) >= 4 for sound in SOUNDS.values())
    assert all(text == text.strip() and not text.endswith(".") for text in [*captions, *SOUNDS])
    # A manifest parts phrases by semicolons.
    assert not any(";" in label for label in SOUNDS)


def test_without_espeak_speech_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech.shutil, "which", lambda _: None)
    sounds, missing = available_sounds()
    assert set(missing) == {"male speech", "female speech", "child speaking", "crowd of people"}
    assert len(sounds) + len(missing) == len(SOUNDS)


@pytest.mark.parametrize("kind", ["man", "woman"])
def test_the_halves_of_the_voices_share_none(kind: str) -> None:
    first, second, everyone = (speech.voices_of(kind, half) for half in ("first", "second", "all"))
    assert not set(first) & set(second)
    assert sorted((*first, *second)) == sorted(everyone)


@pytest.mark.skipif(not speech.available(), reason="espeak-ng is not installed")
def test_a_sentence_by_a_child_is_higher_than_by_a_man() -> None:
    def middle(kind: str) -> float:
        found = []
        for seed in range(6):
            stage = Stage(np.random.default_rng(seed), 3.0)
            sound = speech.spoken(stage, kind, "The children went to the market yesterday.")
            power = np.abs(np.fft.rfft(sound)) ** 2
            frequencies = np.fft.rfftfreq(len(sound), 1 / 16000)
            low = (frequencies > 60) & (frequencies < 1500)
            found.append(float(frequencies[low][np.argmax(power[low])]))
        return float(np.median(found))

    assert middle("child") > middle("man")


@pytest.mark.parametrize("place", ["near", "room", "outdoors"])
def test_a_recording_has_a_level_and_no_clipping(place: Place) -> None:
    for seed in range(6):
        stage = Stage(np.random.default_rng(seed), 1.0)
        dry = 1e4 * stage.noise() * (stage.times < 0.3) + 5e4
        sound = recorded(stage, dry, place)
        assert sound.shape == dry.shape
        assert np.abs(sound).max() <= PEAK + 1e-9
        level_db = 20 * np.log10(np.sqrt(np.mean(sound**2)))
        assert -40 < level_db < -13


def test_one_peak_does_not_silence_the_rest() -> None:
    stage = Stage(np.random.default_rng(0), 1.0)
    dry = stage.noise()
    dry[8000] = 5000.0
    sound = recorded(stage, dry, "near")
    assert np.abs(sound).max() / np.sqrt(np.mean(sound**2)) < 10 ** (37 / 20)
