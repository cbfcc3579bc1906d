from __future__ import annotations

import json
import multiprocessing
import warnings
from pathlib import Path

import pytest
import torch
from test_embedding import CountingEncoder, letters

from stemless.query.embedding import PhraseCache
from stemless.query.phrase_store import CacheWarning, DiskPhraseStore

PHRASES = ["dog", "rain", "a man speaks\n", "naïve 🐕", "\udc80 not text", "../../x"]


pytestmark = pytest.mark.filterwarnings("error::stemless.query.phrase_store.CacheWarning")


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file())


def test_phrases_outlive_the_process(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    first = PhraseCache(encoder, tmp_path, batch_size=2).embed_text(PHRASES)
    again = CountingEncoder()
    second = PhraseCache(again, tmp_path).embed_text(PHRASES)
    assert again.asked == []
    for made, wanted in ((second.tokens, first.tokens), (second.mask, first.mask)):
        assert torch.equal(made, wanted)
    assert torch.equal(second.vector, first.vector)
    assert len(files(tmp_path)) == 6 and all(path.parent.parent == tmp_path for path in files(tmp_path))


def test_another_embedding_has_its_own(tmp_path: Path) -> None:
    PhraseCache(CountingEncoder("one"), tmp_path).prepare(["dog"])
    other = CountingEncoder("two")
    made = PhraseCache(other, tmp_path).embed_text(["dog"])
    assert other.asked == [["dog"]]
    assert torch.equal(made.tokens[0], letters("dog", "two").tokens)


def test_what_others_add_later_is_found(tmp_path: Path) -> None:
    encoder = CountingEncoder()
    cache = PhraseCache(encoder, tmp_path)
    cache.prepare(["dog"])
    PhraseCache(CountingEncoder(), tmp_path).prepare(["rain", "bell"])
    cache.prepare(["bell"])
    assert encoder.asked == [["dog"]]


def test_the_same_phrases_are_stored_once(tmp_path: Path) -> None:
    stores = [DiskPhraseStore(tmp_path, "letters") for _ in range(2)]
    for store in stores:
        store.add({"dog": letters("dog")})
    assert len(files(tmp_path)) == 2


def damage(directory: Path, what: str) -> None:
    tensors, index = next(directory.rglob("*.safetensors")), next(directory.rglob("*.json"))
    content = json.loads(index.read_text())
    if what == "index cut":
        index.write_bytes(index.read_bytes()[:-9])
    elif what == "index empty":
        index.write_bytes(b"")
    elif what == "index not text":
        index.write_bytes(b"\xff\xfe")
    elif what == "index of another":
        index.write_text(json.dumps(content | {"identity": "other"}))
    elif what == "phrases not text":
        index.write_text(json.dumps(content | {"phrases": [["dog"], 1]}))
    elif what == "lengths wrong":
        index.write_text(json.dumps(content | {"lengths": [1, 1]}))
    elif what == "too few lengths":
        index.write_text(json.dumps(content | {"lengths": [7]}))
    elif what == "tensors cut":
        tensors.write_bytes(tensors.read_bytes()[:-9])
    elif what == "tensors gone":
        tensors.unlink()
    elif what == "a bit flipped":
        whole = bytearray(tensors.read_bytes())
        whole[-3] ^= 1
        tensors.write_bytes(whole)


@pytest.mark.parametrize(
    "what",
    [
        "index cut",
        "index empty",
        "index not text",
        "index of another",
        "phrases not text",
        "lengths wrong",
        "too few lengths",
        "tensors cut",
        "tensors gone",
        "a bit flipped",
    ],
)
def test_damage_is_noted_and_made_good(tmp_path: Path, what: str) -> None:
    PhraseCache(CountingEncoder(), tmp_path).prepare(["dog", "rain"])
    damage(tmp_path, what)
    encoder = CountingEncoder()
    with pytest.warns(CacheWarning, match="damaged.*embedded again") as notes:
        made = PhraseCache(encoder, tmp_path).embed_text(["rain", "dog"])
    assert len(notes) == 1 and "\n" not in str(notes[0].message)
    assert encoder.asked == [["rain", "dog"]]
    assert torch.equal(made.tokens[1, :3], letters("dog").tokens)
    PhraseCache(encoder, tmp_path).prepare(["rain", "dog"])
    assert len(encoder.asked) == 1


def test_a_folder_that_cannot_be_written_is_noted_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    encoder = CountingEncoder()
    cache = PhraseCache(encoder, tmp_path / "file" / "cache")
    with pytest.warns(CacheWarning, match="phrases cannot be stored") as notes:
        cache.embed_text(["dog"])
        cache.embed_text(["rain", "dog"])
    assert len(notes) == 1
    assert encoder.asked == [["dog"], ["rain"]]


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(CacheWarning, match="No space left"):
        PhraseCache(CountingEncoder(), tmp_path).prepare(["dog"])
    assert files(tmp_path) == []


def add_and_read(directory: Path, own: int, rounds: int, notes: multiprocessing.Queue[str]) -> None:
    """Phrases that others add at the same moment, and phrases of one's own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(rounds):
            phrases = [f"shared {number}", f"of {own}, {number}", f"shared {number + 1}"]
            made = PhraseCache(CountingEncoder(), directory, batch_size=1 + number % 3).embed_text(phrases)
            for phrase, row in zip(phrases, made.phrases(), strict=True):
                if not torch.equal(row.tokens, letters(phrase).tokens):
                    notes.put(f"{phrase} came out wrong")
    for note in caught:
        notes.put(str(note.message))
    notes.put("done")


def test_processes_share_a_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    notes = context.Queue()
    workers = [context.Process(target=add_and_read, args=(tmp_path, own, 40, notes)) for own in range(2)]
    for worker in workers:
        worker.start()
    said = [notes.get(timeout=120)]
    while said.count("done") < len(workers):
        said.append(notes.get(timeout=120))
    for worker in workers:
        worker.join()
    assert said == ["done"] * len(workers)
    encoder = CountingEncoder()
    everything = [f"shared {n}" for n in range(41)] + [
        f"of {own}, {n}" for own in range(2) for n in range(40)
    ]
    PhraseCache(encoder, tmp_path).prepare(everything)
    assert encoder.asked == []
    assert {path.suffix for path in files(tmp_path)} == {".json", ".safetensors"}
