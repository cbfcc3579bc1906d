import dataclasses

import librosa
import numpy as np
import pytest
import torch

from stemless.data.notes import Note
from stemless.data.phonemes import CONSONANTS, FORMANTS_HZ, parse_syllable
from stemless.data.singer import RANGES_MIDI, Singer
from stemless.data.singing import VOICE_RMS, Sung, sing

RATE = 16000


def song(voice: str, syllables: str = "sa mi lo nu te", rate: int = RATE, seed: int = 0) -> Sung:
    middle = sum(RANGES_MIDI[voice]) // 2
    steps = (0, 4, 7, 5, 2)
    notes = [
        Note(0.4 + 0.6 * index, 0.6, middle + step, word)
        for index, (step, word) in enumerate(zip(steps, syllables.split(), strict=True))
    ]
    generator = np.random.default_rng(seed)
    return sing(notes, Singer.typical(voice), 4.0, sample_rate=rate, generator=generator)


@pytest.mark.parametrize("voice", ["soprano", "alto", "bass"])
def test_tracker_finds_the_f0_that_was_sung(voice: str) -> None:
    sung = song(voice)
    low = 60.0 if voice == "bass" else 100.0
    found, _, _ = librosa.pyin(
        sung.audio.numpy(), fmin=low, fmax=1000, sr=RATE, hop_length=320, frame_length=2048, resolution=0.1
    )
    true = sung.f0_hz[::4][: len(found)]
    found = found[: len(true)]
    both = (true > 0) & np.isfinite(found)
    cents = 1200 * np.log2(found[both] / true[both])
    assert both.sum() > 0.8 * (true > 0).sum()
    assert np.median(abs(cents)) < 20
    assert np.mean(abs(cents) > 300) < 0.02


def test_f0_stays_near_the_score_and_rests_in_silence() -> None:
    sung = song("alto")
    assert len(sung.f0_hz) == 801 and sung.f0_hz.dtype == np.float32
    assert not sung.f0_hz[:60].any() and not sung.f0_hz[700:].any()
    held = sung.f0_hz[int(0.8 / 0.005) : int(0.9 / 0.005)]
    score = 440 * 2 ** ((63 - 69) / 12)
    assert abs(1200 * np.log2(np.median(held) / score)) < 40
    assert float(sung.audio[-8000:].square().mean().sqrt()) < 1e-3 * VOICE_RMS


def test_vibrato_has_its_rate_and_depth() -> None:
    singer = dataclasses.replace(
        Singer.typical("alto"),
        vibrato_rate_hz=6.0,
        vibrato_depth_cents=60.0,
        drift_cents=0.0,
        scoop_cents=0.0,
    )
    note = Note(0.1, 5.0, 65, "a")
    sung = sing([note], singer, 5.2, sample_rate=RATE, generator=np.random.default_rng(1))
    held = sung.f0_hz[300:900]
    cents = 1200 * np.log2(held / np.exp(np.mean(np.log(held))))
    spectrum = abs(np.fft.rfft(cents * np.hanning(len(cents)), 8192))
    assert np.argmax(spectrum) / (8192 * 0.005) == pytest.approx(6.0, abs=0.5)
    assert 60 * 0.6 < abs(cents).max() < 60 * 1.4
    early = sung.f0_hz[40:70]
    assert 1200 * np.ptp(np.log2(early)) < 20


@pytest.mark.parametrize("vowel", "aeiou")
def test_vowels_have_their_formants(vowel: str) -> None:
    """A low note, so that the harmonics lie close enough to show the envelope."""
    singer = dataclasses.replace(Singer.typical("bass"), vibrato_depth_cents=0.0, breath_db=-20.0)
    sung = sing(
        [Note(0.1, 3.0, 40, vowel)], singer, 3.2, sample_rate=RATE, generator=np.random.default_rng(0)
    )
    audio = sung.audio.numpy()[RATE // 2 : -RATE // 2]
    coefficients = librosa.lpc(librosa.effects.preemphasis(audio), order=26)
    roots = np.roots(coefficients)
    roots = roots[np.imag(roots) > 0]
    peaks_hz = np.angle(roots) * RATE / (2 * np.pi)
    narrow = np.sort(peaks_hz[-np.log(abs(roots)) * RATE / np.pi < 500])
    for formant in FORMANTS_HZ["bass"][vowel][:3]:
        assert min(abs(narrow - formant)) < 0.06 * formant + 20


def test_consonants_interrupt_the_voice_as_they_do() -> None:
    voiceless, nasal = song("tenor", "a ta a a a"), song("tenor", "a ma a a a")
    around = slice(int(0.92 / 0.005), int(1.0 / 0.005))
    assert (voiceless.f0_hz[around] == 0).any()
    assert (nasal.f0_hz[around] > 0).all()


def test_s_is_a_noise_of_high_frequencies() -> None:
    sung = song("bass", "sa a a a a", rate=44100)
    hiss = sung.audio[int(0.32 * 44100) : int(0.37 * 44100)]
    spectrum = torch.fft.rfft(hiss * torch.hann_window(len(hiss))).abs().square()
    frequency = torch.fft.rfftfreq(len(hiss), 1 / 44100)
    centre = float((spectrum * frequency).sum() / spectrum.sum())
    assert 4500 < centre < 9000
    vowel = sung.audio[int(0.6 * 44100) : int(0.9 * 44100)]
    level_db = 10 * float(torch.log10(hiss.square().mean() / vowel.square().mean()))
    assert -30 < level_db < -3


def test_same_seed_same_sound() -> None:
    assert torch.equal(song("alto", seed=3).audio, song("alto", seed=3).audio)
    assert not torch.equal(song("alto", seed=3).audio, song("alto", seed=4).audio)


def test_level_and_peak() -> None:
    sung = song("tenor")
    voiced = torch.from_numpy(sung.f0_hz > 0).repeat_interleave(80)[: len(sung.audio)]
    rms = float(sung.audio[: len(voiced)][voiced].square().mean().sqrt())
    assert rms == pytest.approx(VOICE_RMS, rel=0.15)
    assert float(sung.audio.abs().max()) < 1.0


def test_no_notes_are_silence() -> None:
    generator = np.random.default_rng(0)
    sung = sing([], Singer.typical("alto"), 1.0, sample_rate=RATE, generator=generator)
    assert not sung.f0_hz.any() and float(sung.audio.abs().max()) < 1e-3


def test_overlapping_notes_are_refused() -> None:
    notes = [Note(0.0, 1.0, 60, "a"), Note(0.5, 1.0, 62, "a")]
    with pytest.raises(ValueError, match="overlap"):
        sing(notes, Singer.typical("alto"), 2.0, generator=np.random.default_rng(0))


@pytest.mark.parametrize("voice", RANGES_MIDI)
def test_random_singers_sing(voice: str) -> None:
    for seed in range(6):
        generator = np.random.default_rng(seed)
        low, high = RANGES_MIDI[voice]
        notes = [Note(0.1, 0.4, low, "sta"), Note(0.5, 0.4, high, "nei"), Note(0.9, 0.2, high - 2)]
        singer = Singer.random(voice, generator)
        sung = sing(notes, singer, 1.2, sample_rate=RATE, generator=generator)
        assert bool(sung.audio.isfinite().all()) and float(sung.audio.abs().max()) < 3
        assert float(sung.audio.square().mean()) > 1e-4


def test_bad_syllable_is_refused() -> None:
    with pytest.raises(ValueError, match="not a syllable"):
        parse_syllable("qx")
    assert set("mnlsztdhf") <= set(CONSONANTS)
