"""Score tables from tensors and from folders of files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from stemless.errors import AudioError, StemlessError, UsageError
from stemless.evaluation import FLOOR_DB
from stemless.evaluation.bss_eval import bss_eval_sources
from stemless.evaluation.metrics import si_sdr, si_sdr_improvement
from stemless.evaluation.scores import ScoreTable, evaluate_folders, score_stems

SAMPLE_RATE = 8000


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def save(path: Path, audio: torch.Tensor, sample_rate: int = SAMPLE_RATE, subtype: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.atleast_2d(audio.numpy()).T, sample_rate, subtype=subtype)
    return path


class Folders:
    """Two voices of 0.5 s and estimates of them at about 20 dB."""

    def __init__(self, root: Path, channels: int = 1) -> None:
        self.references, self.estimates = root / "references", root / "estimates"
        self.sources = noise(2, channels, 4000)
        self.heard = self.sources + 0.1 * noise(2, channels, 4000, seed=1)
        for name, source, estimate in zip(("alto", "bass"), self.sources, self.heard, strict=True):
            save(self.references / f"{name}.wav", source, subtype="FLOAT")
            save(self.estimates / f"{name}.wav", estimate, subtype="FLOAT")
        self.estimates.joinpath("report.json").write_text("{}")

    def evaluate(self) -> ScoreTable:
        return evaluate_folders(self.references, self.estimates)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@pytest.mark.parametrize("channels", [1, 2])
def test_scores_are_those_of_the_metrics(tmp_path: Path, channels: int) -> None:
    folders = Folders(tmp_path, channels)
    table = folders.evaluate()
    assert [stem.name for stem in table.stems] == ["alto", "bass"]
    assert (table.sample_rate, table.duration_seconds, table.notes) == (SAMPLE_RATE, 0.5, ())
    mixture = folders.sources.sum(0).flatten()
    filtered = bss_eval_sources(folders.sources, folders.heard)
    for index, stem in enumerate(table.stems):
        source, heard = folders.sources[index].flatten(), folders.heard[index].flatten()
        assert stem.status == "ok" and not stem.failed
        assert stem.si_sdr_db == pytest.approx(si_sdr(source, heard).item(), abs=1e-4)
        assert stem.si_sdr_improvement_db == pytest.approx(
            si_sdr_improvement(source, heard, mixture).item(), abs=1e-4
        )
        assert stem.sdr_db == pytest.approx(filtered.sdr_db[index].item(), abs=1e-4)
        assert stem.sir_db == pytest.approx(filtered.sir_db[index].item(), abs=1e-4)
        assert stem.sar_db == pytest.approx(filtered.sar_db[index].item(), abs=1e-4)


def test_suffix_case_and_spelling_of_names_do_not_matter(tmp_path: Path) -> None:
    source = noise(1, 4000)
    save(tmp_path / "references" / "Te\u0301nor 1.flac", source)
    save(tmp_path / "estimates" / "ténor-1.wav", source)
    table = evaluate_folders(tmp_path / "references", tmp_path / "estimates")
    assert table.stems[0].status == "ok" and table.notes == ()


def test_mixture_file_is_what_the_improvement_starts_from(folders: Folders) -> None:
    mixture = folders.sources.sum(0) + 0.3 * noise(1, 4000, seed=2)
    save(folders.references / "mixture.wav", mixture, subtype="FLOAT")
    save(folders.estimates / "mixture.wav", mixture)
    stem = folders.evaluate().stems[0]
    expected = si_sdr_improvement(folders.sources[0, 0], folders.heard[0, 0], mixture[0]).item()
    assert stem.si_sdr_improvement_db == pytest.approx(expected, abs=1e-4)


def test_residual_is_a_stem_only_when_the_references_have_it(folders: Folders) -> None:
    save(folders.estimates / "residual.wav", noise(1, 4000, seed=3))
    table = folders.evaluate()
    assert len(table.stems) == 2 and table.notes == ()
    save(folders.references / "residual.wav", noise(1, 4000, seed=3))
    assert [stem.name for stem in folders.evaluate().stems] == ["alto", "bass", "residual"]


def test_missing_estimate_counts_as_failed(folders: Folders) -> None:
    (folders.estimates / "bass.wav").unlink()
    table = folders.evaluate()
    bass = table.stems[1]
    assert bass.status == "missing estimate"
    assert bass.si_sdr_db == bass.sdr_db == bass.sir_db == bass.sar_db == FLOOR_DB
    assert table.failed == (bass,)
    assert table.stems[0].si_sdr_db is not None
    assert table.to_dict()["mean"]["si_sdr_db"] == pytest.approx((table.stems[0].si_sdr_db + FLOOR_DB) / 2)
    assert "no estimate of bass" in table.notes[0]


def test_unreadable_estimate_counts_as_failed(folders: Folders) -> None:
    (folders.estimates / "alto.wav").write_text("no audio")
    samples = folders.heard[1].clone()
    samples[0, 9] = torch.nan
    save(folders.estimates / "bass.wav", samples, subtype="FLOAT")
    table = folders.evaluate()
    assert [stem.status for stem in table.stems] == ["unreadable estimate"] * 2
    assert all("wav" in note and "\n" not in note for note in table.notes) and len(table.notes) == 2


def test_silence_is_reported(folders: Folders) -> None:
    save(folders.estimates / "alto.wav", torch.zeros(1, 4000))
    save(folders.references / "bass.wav", torch.zeros(1, 4000))
    table = folders.evaluate()
    alto, bass = table.stems
    assert alto.status == "silent estimate" and alto.si_sdr_db == alto.sdr_db == FLOOR_DB
    assert bass.status == "silent reference" and bass.si_sdr_db is None and bass.sdr_db is None
    assert table.failed == (alto,)
    assert table.to_dict()["mean"]["si_sdr_db"] == FLOOR_DB
    assert alto.sir_db is None
    assert "1 of 2 failed" in table.to_text() and "1 of 2 references silent" in table.to_text()


def test_extra_estimate_is_left_out_with_a_note(folders: Folders) -> None:
    save(folders.estimates / "cello.wav", noise(1, 4000))
    table = folders.evaluate()
    assert len(table.stems) == 2
    assert table.notes == ("cello.wav has no reference and is left out",)


def test_other_rate_is_resampled_with_a_note(tmp_path: Path) -> None:
    seconds = torch.arange(8000) / 16_000
    tone = 0.3 * torch.sin(2 * torch.pi * 440 * seconds)[None]
    save(tmp_path / "references" / "tone.wav", tone[:, ::2], 8000, "FLOAT")
    save(tmp_path / "estimates" / "tone.wav", tone, 16_000, "FLOAT")
    table = evaluate_folders(tmp_path / "references", tmp_path / "estimates")
    score = table.stems[0].si_sdr_db
    assert score is not None and score > 25  # The ends ring; the middle is exact.
    assert table.notes == ("tone.wav resampled from 16000 to 8000 Hz",)


def test_slightly_other_length_is_fitted_with_a_note(folders: Folders) -> None:
    save(folders.estimates / "alto.wav", folders.heard[0, :, :-300], subtype="FLOAT")
    save(folders.estimates / "bass.wav", torch.nn.functional.pad(folders.heard[1], (0, 80)), subtype="FLOAT")
    table = folders.evaluate()
    assert table.notes == (
        "alto.wav padded by 300 samples at the end",
        "bass.wav cut by 80 samples at the end",
    )
    short = folders.heard[0, 0].clone()
    short[-300:] = 0
    assert table.stems[0].si_sdr_db == pytest.approx(si_sdr(folders.sources[0, 0], short).item(), abs=1e-4)


@pytest.mark.parametrize("folder", ["references", "estimates"])
def test_other_length_is_an_error_that_says_by_how_much(folders: Folders, folder: str) -> None:
    save(getattr(folders, folder) / "alto.wav", noise(1, 2000))
    with pytest.raises(StemlessError, match=r"alto\.wav: 0\.25 s shorter than the references \(0\.50 s\)"):
        folders.evaluate()


def test_mono_estimates_of_stereo_references_are_compared_as_mono(tmp_path: Path) -> None:
    folders = Folders(tmp_path, channels=2)
    save(folders.estimates / "alto.wav", folders.heard[0].mean(0), subtype="FLOAT")
    table = folders.evaluate()
    assert table.notes == ("files have 1 and 2 channels: compared as mono",)
    for stem, source, heard in zip(table.stems, folders.sources, folders.heard, strict=True):
        assert stem.si_sdr_db == pytest.approx(si_sdr(source.mean(0), heard.mean(0)).item(), abs=1e-3)


def test_hard_panned_stem_is_scored(tmp_path: Path) -> None:
    left = torch.stack([noise(4000), torch.zeros(4000)])
    right = torch.stack([torch.zeros(4000), noise(4000, seed=1)])
    for name, source in (("left", left), ("right", right)):
        save(tmp_path / "references" / f"{name}.wav", source)
        save(tmp_path / "estimates" / f"{name}.wav", source + 0.01 * noise(2, 4000, seed=2))
    table = evaluate_folders(tmp_path / "references", tmp_path / "estimates")
    assert [stem.status for stem in table.stems] == ["ok", "ok"]
    assert all(stem.si_sdr_db is not None and stem.si_sdr_db > 30 for stem in table.stems)


def test_errors_of_the_user_are_one_line(folders: Folders, tmp_path: Path) -> None:
    def message(kind: type[Exception], references: Path, estimates: Path) -> str:
        with pytest.raises(kind) as caught:
            evaluate_folders(references, estimates)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    absent, empty = tmp_path / "absent", tmp_path / "empty"
    empty.mkdir()
    assert "does not exist" in message(UsageError, absent, folders.estimates)
    assert "is a file" in message(UsageError, folders.references / "alto.wav", folders.estimates)
    assert "no audio files" in message(StemlessError, empty, folders.estimates)
    assert "no audio files" in message(StemlessError, folders.references, empty)
    assert f"did you mean {folders.estimates}?" in message(
        StemlessError, folders.references, folders.estimates.parent
    )
    others = tmp_path / "others"
    save(others / "cello.wav", noise(1, 4000))
    assert "found cello.wav" in message(StemlessError, folders.references, others)
    save(folders.references / "bass.wav", noise(1, 4000), 16_000)
    assert "16000 Hz, but alto.wav has 8000 Hz" in message(
        StemlessError, folders.references, folders.estimates
    )
    (folders.references / "bass.wav").write_text("no audio")
    assert "bass.wav" in message(AudioError, folders.references, folders.estimates)
    save(folders.references / "bass.flac", noise(1, 4000))
    assert "bass.flac and bass.wav are the same stem" in message(
        StemlessError, folders.references, folders.estimates
    )


def test_text_is_aligned_and_plain(folders: Folders) -> None:
    save(folders.references / "[b]x[b].wav", noise(1, 4000, seed=5))
    save(folders.estimates / "[b]x[b].wav", noise(1, 4000, seed=5))
    lines = folders.evaluate().to_text().splitlines()
    assert lines[0].split() == ["stem", "SI-SDR", "SI-SDRi", "SDR", "SIR", "SAR", "status"]
    assert [line.split()[0] for line in lines[1:6]] == ["[b]x[b]", "alto", "bass", "mean", "median"]
    ends = {line.index(".") for line in lines[2:4]}
    assert len(ends) == 1
    assert "8000 Hz" in lines[6] and "\x1b" not in "".join(lines)


def test_dictionary_is_strict_json(folders: Folders) -> None:
    save(folders.references / "bass.wav", torch.zeros(1, 4000))
    found = json.loads(json.dumps(folders.evaluate().to_dict(), allow_nan=False))
    assert found["stems"][1]["si_sdr_db"] is None
    assert found["stems"][0]["status"] == "ok"
    assert found["counts"] == {"ok": 1, "silent reference": 1}
    assert found["median"]["sdr_db"] == found["stems"][0]["sdr_db"]
    assert found["mean"]["sir_db"] is None


def test_score_stems_without_filters_and_with_wrong_shapes() -> None:
    sources = noise(2, 1000)
    scores = score_stems(sources, sources * 0.5, sources.sum(0), ["a", "b"], bss=False)
    assert all(score.sdr_db is None and score.si_sdr_db == pytest.approx(120) for score in scores)
    with pytest.raises(ValueError, match="do not agree"):
        score_stems(sources, sources[:, :-1], sources.sum(0), ["a", "b"])
    with pytest.raises(ValueError, match="2 stems but 1 names"):
        score_stems(sources, sources, sources.sum(0), ["a"])
