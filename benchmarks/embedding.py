"""What a joint embedding knows: sounds that it never heard by their names, and names by other words.

    STEMLESS_DATA=... STEMLESS_RUNS=... python benchmarks/embedding.py --model MODEL

- Zero-shot: each clip of fold 3 of ESC-10 and ESC-50 gets the class whose name is nearest. Fold 1 and
  half of fold 2 were heard in training, fold 3 not (`query_division.py`).
- Labels held back: 60 labels of the pool that no training has heard; where the right one comes among the 60,
  and among all labels of the pool.
- Paraphrases: 60 hand-made ones in `paraphrases.csv`, that are in no training either; which of the labels
  there is nearest to each by text, and which of the 50 classes by the sound of their recordings.

A name is the mean of its sentences (`TEMPLATES`); a paraphrase is taken as people would type it. The same is
done with an embedding of the same build that knows nothing. Results go to benchmarks/results/embedding.json,
`query_tables.py` makes the tables.

    python benchmarks/embedding.py --model TRIAL --unheard

is to choose by, and hears none of the test: other labels that no training hears (pool_unheard.csv). It prints
how often the right one is among the first, and which place it comes in.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from query_division import Clip, folder_of, may_ship, read_pool
from query_tables import embedding_section, mean_share_of_hits, places_by_label
from stemless.audio import read, resample
from stemless.cli.console import Printer
from stemless.evaluation.tables import format_interval
from stemless.query.embedding import JointEmbedding
from stemless.query.manifest import read_manifest
from stemless.query.model import load_embedding
from stemless.query.teacher import RandomTeacher
from writing import write_json

HERE = Path(__file__).resolve().parent
PARAPHRASES = HERE / "paraphrases.csv"
RESULTS = HERE / "results" / "embedding.json"
TEMPLATES = ("{}", "the sound of {}", "a recording of {}", "{} in the background", "I can hear {}")
SEED = 0

Row = dict[str, Any]


def name_vectors(embedding: JointEmbedding, names: Sequence[str]) -> Tensor:
    """[names, dimension] of length 1: the mean direction of the sentences about each name."""
    sentences = [template.format(name) for name in names for template in TEMPLATES]
    vectors = embedding.embed_text(sentences).vector
    return torch.nn.functional.normalize(vectors.unflatten(0, (len(names), len(TEMPLATES))).mean(1), dim=-1)


def rank(similarities: Tensor, right: int) -> int:
    """Which place the right one of [n] candidates comes in, from 1; equals count as better.

    >>> rank(torch.tensor([0.1, 0.7, 0.4, 0.4]), 2)
    3
    """
    return int((similarities >= similarities[right]).sum())


def hear(embedding: JointEmbedding, path: Path) -> Tensor:
    """The vector of a file, [dimension]."""
    audio, rate = read(path)
    mono = resample(audio.mean(0, keepdim=True), rate, embedding.sample_rate)
    with torch.inference_mode():
        return embedding.embed_recording(mono[0])


def zero_shot_rows(clips: Sequence[Clip], vectors: Sequence[Tensor], embedding: JointEmbedding) -> list[Row]:
    """A row a clip: its place among the 50 classes, and among the 10 where it is one of these."""
    small = sorted({clip.label for clip in clips if clip.folder == "esc10"})
    classes = small + sorted({clip.label for clip in clips} - set(small))
    names = name_vectors(embedding, classes)
    rows = []
    for clip, vector in zip(clips, vectors, strict=True):
        similarities, right = names @ vector, classes.index(clip.label)
        rows.append(
            {
                "label": clip.label,
                "group": clip.group,
                "free": may_ship(clip.licence),
                "nearest": classes[int(similarities.argmax())],
                "place of 50": rank(similarities, right),
                "place of 10": rank(similarities[: len(small)], right) if right < len(small) else None,
            }
        )
    return rows


def held_back_rows(
    clips: Sequence[Clip], vectors: Sequence[Tensor], all_labels: Iterable[str], embedding: JointEmbedding
) -> list[Row]:
    """A row a clip: the place of its label among those held back, and among all."""
    held_back = sorted({clip.label for clip in clips})
    labels = held_back + sorted(set(all_labels) - set(held_back))
    names = name_vectors(embedding, labels)
    rows = []
    for clip, vector in zip(clips, vectors, strict=True):
        similarities, right = names @ vector, labels.index(clip.label)
        rows.append(
            {
                "label": clip.label,
                "group": clip.group,
                "nearest": held_back[int(similarities[: len(held_back)].argmax())],
                "place of 60": rank(similarities[: len(held_back)], right),
                "place of all": rank(similarities, right),
                "all": len(labels),
            }
        )
    return rows


def hear_parts(
    embedding: JointEmbedding, data: Path, runs: Path, names: Sequence[str], printer: Printer
) -> dict[str, tuple[list[Clip], list[Tensor]]]:
    """The clips of some manifests of the division, such as "fold3", and their vectors."""
    pool = data / "pool"
    clip_of = {pool / clip.path: clip for clip in read_pool(pool)}
    parts = {
        name: [clip_of[row.audio] for row in read_manifest(runs / "query/data" / f"pool_{name}.csv")]
        for name in names
    }
    vectors: dict[str, list[Tensor]] = {name: [] for name in names}
    total = sum(len(clips) for clips in parts.values())
    with printer.progress("hearing the clips") as on_progress:
        for name, clips in parts.items():
            for clip in clips:
                vectors[name].append(hear(embedding, pool / clip.path))
                if on_progress:
                    on_progress(sum(len(done) for done in vectors.values()), total)
    return {name: (parts[name], vectors[name]) for name in names}


def measure_unheard(embedding: JointEmbedding, data: Path, runs: Path, printer: Printer) -> str:
    """A line about the labels to choose by."""
    clips, vectors = hear_parts(embedding, data, runs, ("unheard",), printer)["unheard"]
    rows = held_back_rows(clips, vectors, (), embedding)
    labels = {clip.label for clip in clips}
    sixth = mean_share_of_hits(rows, "place of 60", len(labels) // 6)
    return (
        f"{len(labels)} labels, {len(clips)} clips: in the first {len(labels) // 6} "
        f"{format_interval(sixth)} %, geometric mean of places {mean_place(rows):.2f}"
    )


def mean_place(rows: Sequence[Row]) -> float:
    """The geometric mean of the places of the right labels, each label as a whole.

    >>> places = {"a": (1, 4), "b": (8,)}
    >>> mean_place([{"label": name, "place of 60": n} for name, of_name in places.items() for n in of_name])
    4.0
    """
    return math.exp(fmean(fmean(map(math.log, each)) for each in places_by_label(rows, "place of 60")))


def read_paraphrases(path: Path = PARAPHRASES) -> tuple[list[tuple[str, str]], list[str]]:
    """Pairs of a paraphrase and its label, and all labels, those without a paraphrase included."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pairs = [(row["paraphrase"], row["label"]) for row in rows if row["paraphrase"]]
    return pairs, [row["label"] for row in rows]


def paraphrase_rows(
    pairs: Sequence[tuple[str, str]],
    labels: Sequence[str],
    clips: Sequence[Clip],
    vectors: Sequence[Tensor],
    embedding: JointEmbedding,
) -> list[Row]:
    """A row a pair: the place of its label by text, and by the sound of clips where there are some of it."""
    asked = embedding.embed_text([paraphrase for paraphrase, _ in pairs]).vector
    names = name_vectors(embedding, labels)
    classes = sorted({clip.label for clip in clips})
    sounds = torch.stack(
        [
            torch.stack([v for clip, v in zip(clips, vectors, strict=True) if clip.label == label]).mean(0)
            for label in classes
        ]
    )
    sounds = torch.nn.functional.normalize(sounds, dim=-1)
    rows = []
    for (paraphrase, label), vector in zip(pairs, asked, strict=True):
        similarities = names @ vector
        rows.append(
            {
                "paraphrase": paraphrase,
                "label": label,
                "nearest": labels[int(similarities.argmax())],
                "place": rank(similarities, labels.index(label)),
                "place by sound": rank(sounds @ vector, classes.index(label)) if label in classes else None,
            }
        )
    return rows


def measure(embedding: JointEmbedding, data: Path, runs: Path, printer: Printer) -> dict[str, list[Row]]:
    """All rows of one embedding."""
    heard = hear_parts(embedding, data, runs, ("fold3", "heldback"), printer)
    fold_3, held_back = heard["fold3"], heard["heldback"]
    pairs, labels = read_paraphrases()
    all_labels = [clip.label for clip in read_pool(data / "pool") if clip.asked_for]
    return {
        "zero-shot": zero_shot_rows(*fold_3, embedding),
        "held back": held_back_rows(*held_back, all_labels, embedding),
        "paraphrases": paraphrase_rows(pairs, labels, *fold_3, embedding),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--model", required=True, help="joint embedding: shipped name, folder or hf://USER/MODEL"
    )
    parser.add_argument("--unheard", action="store_true", help="labels to choose by, not those of the test")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data, runs = folder_of("STEMLESS_DATA"), folder_of("STEMLESS_RUNS")
    embedding = load_embedding(options.model)
    printer = Printer()
    if options.unheard:
        print(measure_unheard(embedding, data, runs, printer))
        return
    result = {
        "command": f"python benchmarks/embedding.py --model {Path(options.model).name}",
        "identity": embedding.identity,
        "templates": TEMPLATES,
        "paraphrase labels": len(read_paraphrases()[1]),
        "seed": SEED,
        "rows": {
            "embedding": measure(embedding, data, runs, printer),
            "random": measure(RandomTeacher(embedding, SEED), data, runs, printer),
        },
    }
    write_json(options.output, result, indent=0)
    print(embedding_section(result))


if __name__ == "__main__":
    main()
