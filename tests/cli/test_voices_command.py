"""What `stemless voices` does when all is well."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from command_line import RATE, Run, write_song
from stemless import checkpoint, pictures
from stemless.configuration import to_mapping
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig


def stems_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def usual(place: Path) -> list[object]:
    return ["voices", place / "song.wav", "--f0", place / "f0.csv", "-o", place / "out"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of a few hundred weights that has learned nothing."""
    torch.manual_seed(0)
    config = NetworkConfig(encoder_size=8, embedding_size=4, decoder_size=8)
    network = VoicesModel(config)
    return checkpoint.save(
        tmp_path_factory.mktemp("models") / "tiny",
        {"kind": "voices/network", "model": to_mapping(config)},
        network.state_dict(),
        "# Tiny\n\nKnows nothing.\n",
    )


def test_stems_residual_and_report(run: Run, place: Path, usual: list[object]) -> None:
    outcome = run(*usual)
    assert outcome.code == 0
    assert outcome.lines == []
    folder = place / "out" / "song"
    assert set(stems_in(folder)) == {"alto.wav", "bass.wav", "residual.wav", "report.json"}
    for name in ("alto", "bass", "residual"):
        assert str(folder / f"{name}.wav") in outcome.stdout
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["separator"] == "voices/network"
    assert [(stem["voice"], stem["presence"]) for stem in report["stems"]] == [("alto", 1.0), ("bass", 1.0)]
    total = sum(soundfile.read(path)[0] for path in folder.glob("*.wav"))
    np.testing.assert_allclose(total, soundfile.read(place / "song.wav")[0], atol=1e-6)


def test_json_is_the_report_and_nothing_else(run: Run, place: Path, usual: list[object]) -> None:
    outcome = run(*usual, "--json")
    written = (place / "out" / "song" / "report.json").read_text(encoding="utf-8")
    assert json.loads(outcome.stdout) == json.loads(written)


def test_quiet_is_quiet(run: Run, usual: list[object]) -> None:
    outcome = run(*usual, "--quiet")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "", "")


def test_the_same_run_gives_the_same_bytes(run: Run, place: Path, usual: list[object], model: Path) -> None:
    for number, more in enumerate(([], ["--model", model], ["--model", model, "--fit", "--fit-steps", 2])):
        first, second = (place / f"{number}{word}" for word in ("first", "second"))
        for output in (first, second):
            assert run(*usual, *more, "--seed", 7, "-o", output).code == 0
        assert stems_in(first / "song") == stems_in(second / "song")


def test_overwriting_replaces_the_result(run: Run, place: Path, usual: list[object]) -> None:
    assert run(*usual).code == 0
    before = stems_in(place / "out" / "song")
    assert run(*usual).code == 2
    assert stems_in(place / "out" / "song") == before
    assert run(*usual, "--overwrite", "--power", 1).code == 0
    after = stems_in(place / "out" / "song")
    assert after.keys() == before.keys()
    assert after["alto.wav"] != before["alto.wav"]


def test_chosen_voices_leave_the_rest_in_the_residual(run: Run, place: Path, usual: list[object]) -> None:
    assert run(*usual).code == 0
    assert run(*usual, "--voice", "bass", "-o", place / "one").code == 0
    everyone, one = place / "out" / "song", place / "one" / "song"
    assert set(stems_in(one)) == {"bass.wav", "residual.wav", "report.json"}
    assert (one / "bass.wav").read_bytes() == (everyone / "bass.wav").read_bytes()
    rest = soundfile.read(everyone / "residual.wav")[0] + soundfile.read(everyone / "alto.wav")[0]
    np.testing.assert_allclose(soundfile.read(one / "residual.wav")[0], rest, atol=1e-6)


def test_one_file_a_voice(run: Run, place: Path) -> None:
    (place / "Ténor.csv").write_text("0,220\n1,220\n")
    (place / "Alto 2.csv").write_text("time,frequency,confidence\n0,330,0.9\n1,330,0.9\n")
    f0 = ["--f0", place / "Ténor.csv", "--f0", place / "Alto 2.csv"]
    (place / "f0.csv").unlink()
    outcome = run("voices", place / "song.wav", *f0, "-o", place / "out")
    # Two rows a second apart are steady steps: the pitch holds between them.
    assert outcome.code == 0, outcome.stderr
    assert {"ténor.wav", "alto-2.wav"} <= set(stems_in(place / "out" / "song"))


@pytest.mark.parametrize("audio_format", ["flac", "ogg", "mp3"])
def test_other_formats(run: Run, place: Path, usual: list[object], audio_format: str) -> None:
    assert run(*usual, "--format", audio_format).code == 0
    info = soundfile.info(place / "out" / "song" / f"alto.{audio_format}")
    assert (info.samplerate, info.format) == (RATE, audio_format.upper())


def test_a_warning_is_a_line_and_no_error(run: Run, place: Path, usual: list[object]) -> None:
    (place / "f0.csv").write_text("time,alto,bass\n0,330,0\n0.5,330,0\n1,330,0\n")
    outcome = run(*usual, "--quiet")
    assert outcome.code == 0
    assert outcome.lines == [
        f"stemless: warning: {place / 'f0.csv'}: bass has no pitch: its stem will be silent"
    ]
    assert not soundfile.read(place / "out" / "song" / "bass.wav")[0].any()


def test_a_model_brings_its_method(run: Run, place: Path, usual: list[object], model: Path) -> None:
    outcome = run(*usual, "--model", model, "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.stderr == ""
    assert json.loads(outcome.stdout)["separator"] == "voices/network"


@pytest.mark.parametrize("method", ["network", "blend"])
def test_a_fitted_model_can_be_kept(
    run: Run, place: Path, usual: list[object], model: Path, method: str
) -> None:
    pytest.importorskip("lightning")
    usual = [*usual, "--method", method]
    fit = ["--model", model, "--fit", "--fit-steps", 3, "--save-model", place / "fitted"]
    outcome = run(*usual, *fit, "--fit-run", place / "state", "--json")
    assert outcome.code == 0, outcome.stderr
    assert json.loads(outcome.stdout)["separator"] == f"voices/{method}"
    assert outcome.stderr == ""
    fitted, started = checkpoint.load(place / "fitted"), checkpoint.load(model)
    assert fitted.config == started.config
    assert any(not torch.equal(fitted.tensors[name], tensor) for name, tensor in started.tensors.items())
    assert "song.wav" in fitted.card
    assert any((place / "state").iterdir())
    again = run(*usual, "--model", place / "fitted", "-o", place / "again")
    assert again.code == 0
    first, second = (stems_in(place / name / "song") for name in ("out", "again"))
    assert first["alto.wav"] == second["alto.wav"]


@pytest.mark.parametrize("options", [["--save-model", "kept"], ["--fit-run", "state"]])
def test_options_of_the_fit_without_it(run: Run, usual: list[object], options: list[str]) -> None:
    outcome = run(*usual, *options)
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "belong to --fit" in outcome.stderr


def test_a_fit_is_refused_before_it_starts(run: Run, place: Path, usual: list[object], model: Path) -> None:
    for options, message in (
        (["--fit", "--method", "comb"], "only the network can be fitted"),
        (["--fit", "--save-model", model], "exists already"),
        (["--fit", "--fit-steps", 0], "--fit-steps"),
        (["--fit", "-o", place / "song.wav"], "song.wav: is a file"),
    ):
        outcome = run(*usual, *options)
        assert (outcome.code, len(outcome.lines)) == (2, 1), outcome
        assert message in outcome.stderr


def test_a_fit_goes_on_with_its_own_recording_only(
    run: Run, place: Path, usual: list[object], model: Path
) -> None:
    pytest.importorskip("lightning")
    fit = ["--model", model, "--fit", "--fit-steps", 2, "--fit-run", place / "state", "--overwrite"]
    assert run(*usual, *fit).code == 0
    before = stems_in(place / "out" / "song")
    assert run(*usual, *fit).code == 0
    assert stems_in(place / "out" / "song") == before
    for change, message in ((["--seed", 1], "other settings"), (["--fit-run", place], "no folder of a fit")):
        outcome = run(*usual, *fit, *change)
        assert (outcome.code, len(outcome.lines)) == (2, 1), outcome
        assert message in outcome.stderr
    samples, rate = soundfile.read(place / "song.wav")
    soundfile.write(place / "song.wav", samples[::-1], rate)
    outcome = run(*usual, *fit)
    assert outcome.code == 2
    assert "holds a fit of another recording" in outcome.stderr


def test_a_recording_too_poor_to_fit_is_named(
    run: Run, place: Path, usual: list[object], model: Path
) -> None:
    pytest.importorskip("lightning")
    soundfile.write(place / "song.wav", np.zeros(RATE), RATE)
    outcome = run(*usual, "--model", model, "--fit", "--fit-steps", 2)
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "song.wav: a fit needs sound" in outcome.stderr
    assert not (place / "out").exists()


def test_stereo_keeps_its_sides(run: Run, place: Path, usual: list[object]) -> None:
    write_song(place / "song.wav", rate=48000, channels=2)
    samples, rate = soundfile.read(place / "song.wav")
    samples[:, 1] = 0
    soundfile.write(place / "song.wav", samples, rate)
    assert run(*usual).code == 0
    alto, rate = soundfile.read(place / "out" / "song" / "alto.wav")
    assert (rate, alto.shape) == (48000, samples.shape)
    assert alto[:, 0].any()
    assert not alto[:, 1].any()


def test_a_picture_beside_the_stems(
    run: Run, place: Path, usual: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("stemless.cli.voices.PICTURE_SECONDS", 0.4)
    seen: list[object] = []
    draw = pictures.voices_picture

    def voices_picture(mixture: torch.Tensor, *more: object, **options: object) -> None:
        seen.append(mixture.shape)
        draw(mixture, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(pictures, "voices_picture", voices_picture)
    assert run(*usual, "--picture").code == 0
    picture = place / "out" / "song" / "picture.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert seen == [(1, round(0.4 * RATE))]
    for name in ("alto.wav", "bass.wav", "residual.wav", "report.json"):
        (picture.parent / name).unlink()
    outcome = run(*usual, "--picture")
    assert (outcome.code, len(outcome.lines)) == (2, 1)
    assert "picture.png: exists already" in outcome.stderr
    assert run(*usual, "--picture", "--overwrite").code == 0


def test_a_picture_without_matplotlib_is_refused_first(
    run: Run, place: Path, usual: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    outcome = run(*usual, "--picture")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert "pip install 'stemless[picture]'" in outcome.stderr
    assert not (place / "out").exists()
