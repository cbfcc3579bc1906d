from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from stemless.configuration import from_mapping, load_configuration, near_name, to_mapping
from stemless.errors import UsageError


@dataclass(frozen=True)
class Adam:
    rate: float = 1e-3
    clip: float | None = None


@dataclass(frozen=True)
class Run:
    corpus: Path
    batch_size: int = 4
    name: str = "run"
    resume: bool = False
    kind: Literal["unsupervised", "supervised"] = "unsupervised"
    adam: Adam = field(default_factory=Adam)
    fft_sizes: tuple[int, ...] = (2048, 1024)
    span: tuple[float, float] = (0.0, 1.0)
    parts: list[str] = field(default_factory=list)
    levels: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}")


def write(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_values_come_from_the_file_and_overrides_win(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "corpus: songs\nbatch_size: 8\nname: 1984\nadam:\n  rate: 1e-4\nspan: [0, 2]\nparts: [é, b]\n"
        "levels: {a: 1, b: 2.5}\n".replace("1984", "'1984'"),
    )
    run = load_configuration(
        Run, path, ["batch_size=16", "adam.clip=0.5", "fft_sizes=512,64", "name=2024", "resume=true"]
    )
    assert run == Run(
        corpus=Path("songs"),
        batch_size=16,
        name="2024",
        resume=True,
        adam=Adam(1e-4, 0.5),
        fft_sizes=(512, 64),
        span=(0.0, 2.0),
        parts=["é", "b"],
        levels={"a": 1.0, "b": 2.5},
    )


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("parts=a, b", ["a", "b"]),
        ("parts=[a, b]", ["a", "b"]),
        ('parts=["a, b", c]', ["a, b", "c"]),
        ("parts=[]", []),
        ("parts=[a", ["[a"]),
    ],
)
def test_lists_are_written_with_commas_or_as_in_yaml(tmp_path: Path, override: str, parts: list[str]) -> None:
    assert load_configuration(Run, write(tmp_path, "corpus: c"), [override]).parts == parts


@pytest.mark.parametrize(
    ("override", "value"),
    [("adam.clip=none", None), ("adam.clip=", None), ("adam.clip=2", 2.0), ("adam.clip=1e-2", 0.01)],
)
def test_optional_numbers(tmp_path: Path, override: str, value: float | None) -> None:
    assert load_configuration(Run, write(tmp_path, "corpus: c"), [override]).adam.clip == value


def test_a_written_configuration_reads_back() -> None:
    run = Run(corpus=Path("songs"), adam=Adam(0.1), kind="supervised", levels={"a": 1.0})
    assert from_mapping(Run, to_mapping(run)) == run


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        ("corpus: c\nbatchsize: 8", [], "run.yaml: unknown key 'batchsize', did you mean 'batch_size'?"),
        ("corpus: c\nadam: {rat: 1}", [], "run.yaml: unknown key 'adam.rat', did you mean 'adam.rate'?"),
        ("corpus: c", ["adam.clipp=1"], "unknown key 'adam.clipp', did you mean 'adam.clip'?"),
        ("corpus: c\nxyzzy: 1", [], "unknown key 'xyzzy', choose from: corpus, batch_size"),
        ("corpus: c\nbatch_size: many", [], "'batch_size' must be a whole number, got 'many'"),
        ("corpus: c\nbatch_size: 1.5", [], "'batch_size' must be a whole number, got 1.5"),
        ("corpus: c\nbatch_size: true", [], "'batch_size' must be a whole number, got True"),
        ("corpus: c\nadam: {rate: fast}", [], "'adam.rate' must be a number, got 'fast'"),
        ("corpus: c\nadam: {rate: .nan}", [], "'adam.rate' must be a number"),
        ("corpus: c", ["adam.rate=inf"], "'adam.rate' must be a number, got 'inf'"),
        ("corpus: c\nadam: 3", [], "'adam' needs keys of its own, got 3"),
        ("corpus: c\nkind: selfish", [], "'kind' must be one of unsupervised, supervised, got 'selfish'"),
        ("corpus: c", ["resume=maybe"], "'resume' must be true or false, got 'maybe'"),
        ("corpus: c\nfft_sizes: [a]", [], "'fft_sizes[0]' must be a whole number, got 'a'"),
        ("corpus: c\nspan: [1]", [], "'span' must be a list of 2"),
        ("corpus: c\nname: 3", [], "'name' must be a text, got 3"),
        ("corpus: c\nlevels: {a: loud}", [], "'levels.a' must be a number"),
        ("corpus: c", ["batch_size=0"], "run.yaml: batch_size must be at least 1, got 0"),
        ("corpus: c", ["batch_size"], "'batch_size' is not of the form key=value"),
        ("corpus: c", ["=3"], "'=3' is not of the form key=value"),
        ("batch_size: 2", [], "run.yaml: the key 'corpus' is missing"),
        ("corpus: c\ncorpus: d", [], "line 2: the key 'corpus' is there twice"),
        ("corpus: [", [], "run.yaml, line "),
        ("- a\n- b", [], "expected lines like  key: value"),
    ],
)
def test_mistakes_are_one_line_with_the_fix(
    tmp_path: Path, text: str, overrides: list[str], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        load_configuration(Run, write(tmp_path, text), overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: no such configuration file"):
        load_configuration(Run, tmp_path / "none.yaml")
    binary = tmp_path / "song.wav"
    binary.write_bytes(b"RIFF\xff\xfe\x00\x80")
    with pytest.raises(UsageError, match=r"song\.wav: cannot be read as a configuration"):
        load_configuration(Run, binary)
    with pytest.raises(UsageError, match="cannot be read as a configuration"):
        load_configuration(Run, tmp_path)


def test_near_name_ignores_case() -> None:
    assert near_name("SOPRANO", ["Soprano", "Alto"]) == "did you mean 'Soprano'?"
