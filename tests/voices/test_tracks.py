from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stemless.errors import TrackError, UsageError
from stemless.voices.tracks import PitchTracks, TrackWarning


def two(first: list[float], second: list[float] | None = None, step: float = 0.01) -> PitchTracks:
    return PitchTracks.regular([first, second or first], step, ["alto", "bass"])


def test_frames_are_given_back_at_their_own_times() -> None:
    generator = np.random.default_rng(0)
    f0_hz = generator.uniform(80, 800, (3, 500)) * (generator.random((3, 500)) > 0.3)
    times = np.cumsum(generator.uniform(0.005, 0.02, 500))
    tracks = PitchTracks(("a", "b", "c"), times, f0_hz.astype(np.float32))
    np.testing.assert_allclose(tracks.at(times), f0_hz, rtol=1e-6)


def test_between_voiced_frames_the_pitch_moves_in_log_frequency() -> None:
    tracks = two([200, 400])
    np.testing.assert_allclose(tracks.at([0.005])[0], [200 * 2**0.5], rtol=1e-6)
    np.testing.assert_allclose(tracks.at([0.0025])[0], [200 * 2**0.25], rtol=1e-6)


def test_at_a_voicing_edge_the_nearest_frame_holds() -> None:
    tracks = two([0, 0, 440, 440, 0])
    fine = np.linspace(0, 0.04, 4001)
    values = tracks.at(fine)[0]
    assert set(np.unique(values).tolist()) == {0.0, 440.0}
    voiced = fine[values > 0]
    assert voiced[0] == pytest.approx(0.015, abs=2e-5)
    assert voiced[-1] == pytest.approx(0.035, abs=2e-5)


def test_outside_the_tracks_nothing_sounds() -> None:
    tracks = two([440, 440])
    np.testing.assert_array_equal(tracks.at([-1, -0.006, -0.004, 0.014, 0.016, 9])[0], [0, 0, 440, 440, 0, 0])


def test_a_long_step_is_a_rest_and_a_slightly_long_one_is_not() -> None:
    times = np.array([0, 0.01, 0.02, 0.03, 0.05, 1.0, 1.01, 1.02])
    tracks = PitchTracks(("a",), times, np.full((1, 8), 300.0, np.float32))
    np.testing.assert_array_equal(
        tracks.at([0.04, 0.054, 0.056, 0.5, 0.994, 0.996])[0], [300, 300, 0, 0, 0, 300]
    )
    assert tracks.activity("a") == [pytest.approx([-0.005, 0.055]), pytest.approx([0.995, 1.025])]


def test_a_single_frame() -> None:
    tracks = PitchTracks(("a",), np.array([1.0]), np.array([[100.0]], np.float32))
    np.testing.assert_array_equal(tracks.at([0.9, 1.0, 1.1])[0], [0, 100, 0])


@settings(max_examples=60, deadline=None, database=None)
@given(
    seed=st.integers(0, 10_000),
    step=st.sampled_from([0.005, 0.01, 256 / 44100, 0.016]),
    hop=st.sampled_from([256 / 16000, 0.005, 512 / 22050]),
    start=st.integers(0, 400),
    length=st.integers(1, 200),
)
def test_cut_tracks_say_what_whole_tracks_say(
    seed: int, step: float, hop: float, start: int, length: int
) -> None:
    """Chunks are cut from the tracks: at no frame may the seam show, ties between frames included."""
    generator = np.random.default_rng(seed)
    f0_hz = generator.uniform(100, 400, (2, 300)) * (generator.random((2, 300)) > 0.4)
    tracks = two(f0_hz[0].tolist(), f0_hz[1].tolist(), step)
    frames = np.arange(start, start + length)
    piece = tracks.cut(start * hop, (start + length) * hop)
    assert piece.times.size <= length * hop / step + 3
    np.testing.assert_allclose(piece.at((frames - start) * hop), tracks.at(frames * hop), rtol=1e-5)


def test_a_cut_outside_the_tracks_is_silent() -> None:
    piece = two([440] * 10).cut(50.0, 51.0)
    assert not piece.at(np.linspace(0, 1, 50)).any()
    assert piece.activity("alto")[0][1] < 0


def test_a_cut_of_a_cut_is_a_cut() -> None:
    tracks = two(np.linspace(100, 300, 200).tolist())
    grid = np.linspace(0, 0.2, 30)
    np.testing.assert_allclose(
        tracks.cut(0.5, 1.5).cut(0.25, 0.75).at(grid), tracks.at(grid + 0.75), rtol=1e-6
    )


def test_activity_bridges_short_rests_only() -> None:
    track = [0] * 10 + [200] * 20 + [0] * 10 + [200] * 10 + [0] * 40 + [200] * 10
    tracks = two(track)
    assert tracks.activity("alto") == [pytest.approx([0.095, 0.495]), pytest.approx([0.895, 0.995])]
    assert len(tracks.activity("alto", shortest_rest_seconds=0.05)) == 3
    assert tracks.presence("alto") == pytest.approx(0.4, abs=0.01)
    assert tracks.presence("alto", 2.0) == pytest.approx(0.2, abs=0.01)
    assert two([0, 0]).activity(0) == []
    assert two([0, 0]).presence(0) == 0.0


def test_select_keeps_the_asked_order_and_suggests_the_near_name() -> None:
    tracks = PitchTracks.regular([[100], [200], [300]], 0.01, ["bass", "tenor", "alto"])
    chosen = tracks.select(["alto", "bass"])
    assert chosen.names == ("alto", "bass")
    assert chosen.f0_hz[:, 0].tolist() == [300, 100]
    for names, message in (
        (["tenr"], "no voice is called 'tenr', did you mean 'tenor'"),
        (["alto", "alto"], "'alto' is asked for twice"),
        ([], "no voice is asked for: name some of bass, tenor, alto"),
    ):
        with pytest.raises(UsageError, match=message):
            tracks.select(names)


def test_nan_is_unvoiced_and_names_are_made_up() -> None:
    tracks = PitchTracks.regular([[100, np.nan], [np.nan, 200]], 0.5)
    assert tracks.names == ("voice 1", "voice 2")
    assert tracks.f0_hz.tolist() == [[100, 0], [0, 200]]


@pytest.mark.parametrize(
    ("names", "times", "f0_hz", "message"),
    [
        (("a",), [0, 1], [[100]], "does not fit"),
        (("a", "b"), [0], [[100]], "does not fit"),
        (("a",), [], [[]], "does not fit"),
        ((), [0], np.zeros((0, 1)), "no voice"),
        (("a", "a"), [0], [[100], [100]], "two voices are called 'a'"),
        (("a", " "), [0], [[100], [100]], "voice 2 has an empty name"),
        (("a",), [0, 0], [[100, 100]], "rise"),
        (("a",), [0, np.nan], [[100, 100]], "rise"),
        (("a",), [0], [[np.inf]], "finite"),
        (("a",), [0], [[6900]], "6900 is outside 20 to 5000 Hz"),
        (("a",), [0], [[-100]], "-100 is outside 20 to 5000 Hz"),
        (("a",), [0], [[12]], "12 is outside 20 to 5000 Hz"),
    ],
)
def test_impossible_tracks(names: tuple[str, ...], times: object, f0_hz: object, message: str) -> None:
    with pytest.raises(TrackError, match=message):
        PitchTracks(names, np.array(times, np.float64), np.array(f0_hz, np.float32))
    with pytest.raises(TrackError, match="a step of 0 s"):
        PitchTracks.regular([[100]], 0)


class TestCheck:
    """Tracks against the length of the audio."""

    def test_fitting_tracks_pass_in_silence(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            two([200] * 100).check(1.0)
            two([200] * 100).check(1.2)

    def test_one_voice_is_too_few(self) -> None:
        with pytest.raises(TrackError, match=r"only one voice \(alto\)"):
            PitchTracks.regular([[200] * 100], 0.01, ["alto"]).check(1.0)

    @pytest.mark.parametrize(("end", "audio"), [(1.0, 1.6), (5.0, 10.0), (3500.0, 3600.0)])
    def test_much_too_short_says_by_how_much(self, end: float, audio: float) -> None:
        with pytest.raises(TrackError, match=f"{audio - end:.2f} s before the audio"):
            two([200] * 101, step=end / 100.5).check(audio)

    def test_a_little_short_is_a_warning(self) -> None:
        with pytest.warns(TrackWarning, match=r"end 0\.40 s before the audio"):
            two([200] * 100).check(1.395)

    def test_milliseconds_are_recognised(self) -> None:
        tracks = PitchTracks(("a", "b"), np.arange(0, 10_000, 10.0), np.full((2, 1000), 200, np.float32))
        with pytest.raises(TrackError, match="look like milliseconds"):
            tracks.check(10.0)

    def test_silent_tracks(self) -> None:
        with pytest.raises(TrackError, match="no voice has a pitch"):
            two([0] * 100).check(1.0)
        with pytest.raises(TrackError, match="no voice has a pitch"):
            two([0] * 100 + [200] * 100).check(0.9)
        with pytest.warns(TrackWarning, match="bass has no pitch"):
            two([200] * 100, [0] * 100).check(1.0)
