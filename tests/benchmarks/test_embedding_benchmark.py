"""The figures of the embedding's benchmark, on an embedding that knows tones, and their table."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "query"))
from toy_embedding import ToneEmbedding, tone

import embedding as benchmark
from query_division import Clip
from query_tables import embedding_section, mean_share_of_hits, share_of_hits

LOW, HIGH, OTHER = "300 Hz", "1200 Hz", "4800 Hz"


class PlainTones(ToneEmbedding):
    """Knows the tone that a sentence is about."""

    def embed_text(self, phrases):  # type: ignore[no-untyped-def]
        words = [phrase.split() for phrase in phrases]
        return super().embed_text([f"{w[w.index('Hz') - 1]} Hz" for w in words])


def clip(label: str, folder: str = "esc10", licence: str = "clip: CC0") -> Clip:
    return Clip(
        f"{folder}/x__3-1-A.ogg", label, label, "tone", licence, f"g {label}", "query", 1.0, "jo", True
    )


def test_a_rank_counts_equals_against() -> None:
    similarities = torch.tensor([0.2, 0.9, 0.5, 0.5])
    assert [benchmark.rank(similarities, place) for place in range(4)] == [4, 1, 3, 3]
    assert benchmark.rank(torch.zeros(7), 3) == 7


def test_zero_shot_places_are_among_the_classes_of_either_set() -> None:
    clips = [clip(LOW), clip(HIGH), clip(OTHER, "esc50", "clip: CC BY-NC; compilation: CC BY-NC 3.0")]
    # The second sounds like the first.
    heard = [PlainTones().embed_audio(tone(name)[None])[0] for name in (LOW, LOW, OTHER)]
    rows = benchmark.zero_shot_rows(clips, heard, PlainTones())
    assert [row["place of 10"] for row in rows] == [1, 2, None]
    assert [row["nearest"] for row in rows] == [LOW, LOW, OTHER]
    assert rows[1]["place of 50"] > 1 and rows[2]["place of 50"] == 1
    assert [row["free"] for row in rows] == [True, True, False]


def test_labels_held_back_are_ranked_among_themselves_and_among_all() -> None:
    clips = [clip(LOW), clip(HIGH)]
    heard = [PlainTones().embed_audio(tone(name)[None])[0] for name in (LOW, "1250 Hz")]
    rows = benchmark.held_back_rows(clips, heard, [LOW, HIGH, "1250 Hz", OTHER], PlainTones())
    assert [row["place of 60"] for row in rows] == [1, 1]
    assert [row["all"] for row in rows] == [4, 4]
    assert rows[1]["place of all"] == 2  # a label of training is nearer


def test_paraphrases_are_sought_by_text_and_by_sound() -> None:
    clips = [clip(LOW), clip(HIGH)]
    heard = [PlainTones().embed_audio(tone(name)[None])[0] for name in (LOW, HIGH)]
    pairs = [("310 Hz", LOW), ("1190 Hz", OTHER)]
    rows = benchmark.paraphrase_rows(pairs, [LOW, HIGH, OTHER], clips, heard, PlainTones())
    assert rows[0]["place"] == 1 and rows[1]["place"] > 1
    assert rows[1]["nearest"] == HIGH
    assert [row["place by sound"] for row in rows] == [1, None]


def test_the_table_counts_whole_groups_and_names_what_went_wrong() -> None:
    rows = [{"group": g, "place": p} for g, p in (("a", 1), ("a", 1), ("b", 3), ("b", 2))]
    interval = share_of_hits(rows, "place")
    assert (interval.estimate, interval.low, interval.high) == (50.0, 0.0, 100.0)
    assert share_of_hits(rows, "place", 2).estimate == 75.0
    labelled = [{"label": g, "place": p} for g, p in (("a", 1), ("b", 3), ("b", 1), ("b", 2), ("b", 1))]
    assert mean_share_of_hits(labelled, "place").estimate == 75.0
    zero_shot = [{"group": "a", "free": True, "place of 10": 1, "place of 50": 2, "label": LOW}]
    held_back = [{"label": LOW, "place of 60": 4, "place of all": 70, "all": 600}]
    said = [{"label": LOW, "paraphrase": "a deep one", "nearest": HIGH, "place": 2, "place by sound": 1}]
    parts = {"zero-shot": zero_shot, "held back": held_back, "paraphrases": said}
    result = {"command": "python x", "paraphrase labels": 100, "rows": {"embedding": parts, "random": parts}}
    text = embedding_section(result)
    assert "| ESC-10, fold 3 | 1 | 100.00 [100.00, 100.00] |" in text
    assert "| ESC-50, fold 3 | 1 | 0.00 [0.00, 0.00] |" in text
    assert "| 60 labels held back, in the first 5 | 1 | 100.00" in text
    assert f'"a deep one" is taken for {HIGH}' in text


def test_the_file_of_paraphrases_can_be_read() -> None:
    pairs, labels = benchmark.read_paraphrases()
    assert ("puppy yapping", "dog barking") in pairs
    assert {label for _, label in pairs} < set(labels)


@pytest.mark.parametrize("name", ["rain", "a dog barking"])
def test_names_have_vectors_of_length_one(name: str) -> None:
    vectors = benchmark.name_vectors(ToneEmbedding(), [name, "wind"])
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))
