"""The division of the pool: no side hears what another hears, and nothing ships that may not."""

import dataclasses
import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import query_division
from foreign_data import foreign_stock, validation_recordings
from query_division import (
    ROLES,
    Clip,
    Role,
    credits_of,
    divided,
    held_back_labels,
    may_ship,
    named_for_none,
    read_pool,
    with_names_given,
    write_division,
)
from stemless.query.manifest import read_manifest

NAMES = (
    ("bolt", "one"),
    ("sand bag", "two"),
    ("bolt", "three"),
    ("violin", "four"),
    ("rain", "five"),
    ("river stones", "six"),
    ("bolt", "six"),
)
FAMILIES = ("metal", "water", "glass", "paper", "door", "crowd", "tool", "other", "animal")


def clip(path: str, label: str, group: str, family: str = "metal", licence: str = "CC0 1.0") -> Clip:
    return Clip(path, label, f"the sound of {label}", family, licence, group, "query", 2.0, "jo", True)


def esc(label: str, fold: int, number: int, licence: str = "CC BY 3.0 (ESC-10); clip: CC0") -> Clip:
    return clip(f"esc10/{label}__{fold}-{number}-A.ogg", label, f"freesound:{number}", "animal", licence)


def small_pool() -> list[Clip]:
    clips = [
        clip(f"berklee/{n}_{take}.ogg", f"thing {n}", f"berklee:thing {n}", FAMILIES[n % len(FAMILIES)])
        for n in range(200)
        for take in range(2)
    ]
    clips += [
        esc(label, fold, 100 * fold + 10 * at + n)
        for at, label in enumerate(("dog", "cat"))
        for fold in (1, 2, 3)
        for n in range(8)
    ]
    clips += [
        esc("dog", 3, 999, "CC BY 3.0 (ESC-10); clip: CC-Sampling+"),
        esc("cat", 1, 998, "clip: CC BY-NC; x"),
    ]
    return [
        *clips,
        clip("ljspeech/a.flac", "female speech", "spk:lj"),
        clip("jfk/a.flac", "male speech", "spk:jfk"),
    ]


@pytest.mark.parametrize(
    ("licence", "ships"),
    [
        ("CC BY 3.0 (ESC-10); clip: CC0", True),
        ("CC BY 3.0 (ESC-10); clip: CC-Sampling+", False),
        ("clip: CC BY; compilation: CC BY-NC 3.0", True),
        ("clip: CC BY-NC; compilation: CC BY-NC 3.0", False),
        ("clip: CC Sampling+; compilation: CC BY-NC 3.0", False),
        ("CC BY-SA 4.0 (README)", False),
        ("WTFPL 2 (README.txt)", True),
        ("Public Domain (US Gov); repo MIT", True),
    ],
)
def test_licences_that_bind_are_told_from_those_that_do_not(licence: str, ships: bool) -> None:
    assert may_ship(licence) is ships


def test_sides_share_no_group_and_keep_to_the_folds() -> None:
    clips = small_pool()
    sides, held_back = divided(clips)
    groups = {role: {c.group for c in sides[role]} for role in ROLES}
    assert not groups["embedding"] & groups["separator"]
    assert not groups["test"] & (groups["embedding"] | groups["separator"])
    assert {c.fold for c in sides["embedding"]} == {None, 1, 2}
    assert {c.fold for c in sides["separator"]} == {None, 2, 3}
    for label in ("dog", "cat"):
        assert len({c.group for c in sides["test"] if c.label == label}) == 2
        given = [c.fold for c in sides["separator"] if c.label == label]
        assert (given.count(2), given.count(3)) == (4, 6)
    assert len(held_back) == 60
    assert {c.label for role in ("embedding", "separator") for c in sides[role]}.isdisjoint(held_back)
    assert {"spk:lj"} <= groups["separator"] and {"spk:jfk"} <= groups["embedding"]
    assert not {"freesound:999", "freesound:998"} & set.union(*groups.values())
    # The rest is shared out evenly: 140 groups, 63 expected on either training side.
    thing = [
        sum(c.path.startswith("berklee") for c in sides[role]) / 2 for role in ("embedding", "separator")
    ]
    assert all(40 < n < 85 for n in thing)


def test_a_label_that_nothing_else_has_is_taught_to_the_embedding() -> None:
    clips = [clip(f"berklee/{n}.ogg", label, group) for n, (label, group) in enumerate(NAMES)]
    sides: dict[Role, list[Clip]] = {"embedding": clips[:1], "separator": clips[1:], "test": []}
    given = with_names_given(sides)
    # What a second group, a rendered instrument or a synthetic sound has as well stays where it is.
    assert [c.group for c in given["embedding"]] == ["one", "two"]
    assert [c.group for c in given["separator"]] == ["three", "four", "five", "six", "six"]
    assert [len(c) for c in sides.values()] == [1, 6, 0]


def test_names_that_nobody_asks_for_teach_where_no_label_held_back_has_a_word_of_them() -> None:
    asked = [clip("berklee/1.ogg", "metallic squeak", "one"), clip("berklee/2.ogg", "pumpkin", "two")]
    names = ("rip", "metal ring", "squeaks", "lettuce", "a lid on glass")
    rest = [dataclasses.replace(clip(f"berklee/{name}.ogg", name, name), asked_for=False) for name in names]
    bound = dataclasses.replace(rest[0], path="berklee/bound.ogg", licence="CC BY-NC 3.0")
    taught = named_for_none([*asked, *rest, bound], ["metallic squeak", "glass on foil"])
    assert [c.label for c in taught] == ["rip", "lettuce"]
    assert bound not in taught


def test_the_division_does_not_depend_on_the_order_of_the_rows() -> None:
    clips = small_pool()
    sides, held_back = divided(clips)
    turned, held_back_turned = divided(clips[::-1])
    assert held_back == held_back_turned
    assert {role: {c.path for c in sides[role]} for role in ROLES} == {
        role: {c.path for c in turned[role]} for role in ROLES
    }


def test_labels_that_share_a_group_are_not_held_back() -> None:
    clips = [clip(f"noixer/{n}.ogg", f"thing {n}", f"g{n}") for n in range(5)]
    clips += [clip("noixer/x.ogg", "thing 0", "both"), clip("noixer/y.ogg", "thing 1", "both")]
    clips += [clip("noixer/z.ogg", "piano hit", "g9")]
    assert held_back_labels(clips, 3) == ["thing 2", "thing 3", "thing 4"]
    with pytest.raises(ValueError, match="3 labels"):
        held_back_labels(clips, 4)


def test_credits_name_every_author_once() -> None:
    derived = (
        "- [3-9-B.ogg]: clip derived from a.aif (http://www.freesound.org/people/al/sounds/9/) by al [CC0]"
    )
    clips = [esc("dog", 1, 12), esc("dog", 1, 7), clip("esc50/a__1-9-B.ogg", "saw", "freesound:9")]
    clips[2] = Clip(**{**clips[2].__dict__, "attribution": derived})
    text = credits_of(clips, "embedding")
    assert "- jo (CC0): 7, 12\n" in text and "- al (CC0 1.0): 9\n" in text
    assert "| esc10 | CC BY 3.0 (ESC-10); clip: CC0 | 2 |" in text


def test_the_half_of_foreign_recordings_to_choose_by(tmp_path: Path) -> None:
    rows = ["path,label,family,group"]
    rows += [f"{g}_{n}.ogg,rain,water,Rain:{g}" for g in range(4) for n in range(3)]
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    chosen = validation_recordings(tmp_path)
    assert len(chosen) == 6 and len({row.group for row in chosen}) == 2
    assert {(row.split, row.phrases) for row in chosen} == {("validation", ("rain",))}
    held = {
        path
        for groups in foreign_stock(tmp_path, "test").groups.values()
        for g in groups.values()
        for path in g
    }
    assert len(held) == 6 and held.isdisjoint(row.audio for row in chosen)


def test_the_pool_itself(tmp_path: Path) -> None:
    data = os.environ.get("STEMLESS_DATA")
    if not data or not (Path(data) / "pool/manifest.csv").is_file():
        pytest.skip("needs the recordings: set STEMLESS_DATA to the folder that holds pool/")
    pool = Path(data) / "pool"
    written = write_division(pool, tmp_path)
    names = ("pool_embedding", "pool_validation", "pool_separator", "pool_test", "pool_unheard")
    others = ("pool_heldback", "pool_fold3")
    rows = {name: read_manifest(tmp_path / f"{name}.csv") for name in (*names, *others)}
    groups = {name: {row.group for row in rows[name]} for name in rows}
    for name in names:
        others = set().union(*(groups[other] for other in names if other != name))
        assert not groups[name] & others
        assert not [c for c in written[name] if re.search(r"-SA|BY-NC;|Sampling", c.licence)]
    assert not groups["pool_fold3"] & (groups["pool_embedding"] | groups["pool_validation"])
    held_back = {row.phrases for row in rows["pool_heldback"]}
    assert len(held_back) == query_division.HELD_BACK
    assert held_back.isdisjoint(row.phrases for name in names[:3] for row in rows[name])
    labels = {name: {row.phrases for row in rows[name]} for name in names}
    assert len(labels["pool_embedding"] | labels["pool_validation"]) > 500
    assert len(labels["pool_unheard"]) > 30
    assert labels["pool_unheard"].isdisjoint(held_back.union(*(labels[name] for name in names[:4])))
    unasked = {c.group for c in read_pool(pool) if not c.asked_for}
    assert len(groups["pool_embedding"] & unasked) > 70
    assert unasked.isdisjoint(groups["pool_separator"] | groups["pool_test"])
    classes = {c.label for c in read_pool(pool) if c.fold}
    assert len(classes) == 50
    for name in ("pool_separator", "pool_fold3", "pool_embedding"):
        assert classes <= {c.label for c in written[name]}, name
    # Of sirens, fold 3 has a single recording that may ship.
    assert classes - {c.label for c in written["pool_test"]} <= {"siren"}
    for role in ("embedding", "separator"):
        assert "| berklee | CC BY 3.0 |" in (tmp_path / f"credits_{role}.md").read_text()
