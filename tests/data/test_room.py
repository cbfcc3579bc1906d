import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfilt

from stemless.data.room import LEAD_SECONDS, Room, half_circle, place_voices, room_responses

RATE = 16000


def test_direct_sounds_have_the_delays_and_gains_of_their_distances() -> None:
    room = Room(channels=1, rt60_seconds=0.4)
    x, y, z = room.microphone_m
    sources = np.array([[x, y + 1.0, z], [x, y + 3.0, z]])
    responses = room_responses(room, sources, RATE, np.random.default_rng(0))[:, 0]
    near, far = responses[0].abs().argmax(), responses[1].abs().argmax()
    assert int(near) == pytest.approx(LEAD_SECONDS * RATE, abs=1)
    assert int(far - near) == pytest.approx(2.0 / 343 * RATE, abs=1)
    assert float(responses[0].max()) == pytest.approx(2.0, rel=0.2)
    assert float(responses[0].max() / responses[1].max()) == pytest.approx(3.0, rel=0.35)


def test_first_reflection_comes_from_the_floor() -> None:
    room = Room(size_m=(30, 30, 12), microphone_m=(15, 15, 1.5), channels=1, rt60_seconds=1.0)
    response = room_responses(room, np.array([[15.0, 17.0, 1.5]]), RATE, np.random.default_rng(0))[0, 0]
    direct = LEAD_SECONDS
    floor = direct + (np.hypot(2, 3) - 2) / 343
    place = round(floor * RATE)
    between = response[round(direct * RATE) + 20 : place - 20]
    assert float(response[place - 2 : place + 3].abs().max()) > 20 * float(between.abs().max())


@pytest.mark.parametrize("rt60_seconds", [0.4, 1.2])
def test_reverberation_time(rt60_seconds: float) -> None:
    room = Room(rt60_seconds=rt60_seconds)
    response = room_responses(room, half_circle(1, room), RATE, np.random.default_rng(0))[0, 0]
    band = butter(2, (300, 700), "bandpass", fs=RATE, output="sos")
    middle = torch.from_numpy(sosfilt(band, response.double().numpy()))
    energy = middle.square().flip(0).cumsum(0).flip(0)
    level_db = 10 * torch.log10(energy / energy[0])
    start, end = (int((level_db < limit).nonzero()[0]) for limit in (-10, -30))
    assert 3 * (end - start) / RATE == pytest.approx(rt60_seconds, rel=0.25)


def test_places_are_heard_left_and_right() -> None:
    room = Room(rt60_seconds=0.5)
    voices = torch.from_numpy(np.random.default_rng(0).standard_normal((3, RATE))).float()
    heard = place_voices(voices, room, half_circle(3, room), RATE, np.random.default_rng(0))
    assert heard.shape == (3, 2, RATE)
    power = heard.square().mean(-1)
    assert power[0, 0] > 1.5 * power[0, 1] and power[2, 1] > 1.5 * power[2, 0]
    assert float(power[1, 0] / power[1, 1]) == pytest.approx(1.0, abs=0.2)


def test_convolution_is_exact() -> None:
    room = Room(rt60_seconds=0.3, channels=1)
    voices = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3000))).float()
    places = half_circle(2, room)
    heard = place_voices(voices, room, places, RATE, np.random.default_rng(5))
    responses = room_responses(room, places, RATE, np.random.default_rng(5))
    for voice, response, out in zip(voices, responses[:, 0], heard[:, 0], strict=True):
        expected = np.convolve(voice.double(), response.double())[:3000]
        np.testing.assert_allclose(out.numpy(), expected, atol=1e-4)


def test_impossible_rooms_are_refused() -> None:
    generator = np.random.default_rng(0)
    for room, reason in (
        (Room(channels=3), "microphones"),
        (Room(microphone_m=(99, 1, 1)), "outside"),
    ):
        with pytest.raises(ValueError, match=reason):
            room_responses(room, half_circle(1, Room()), RATE, generator)
