"""Which recordings of the pool are solos that pitch is learned from: singers, speakers, players of one line.

    python benchmarks/pitch_solos.py         # STEMLESS_RUNS/voices/solos.csv and solos_credits.md

Recordings whose licence asks to share alike, or is not known, are left out.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from pathlib import Path

from stemless.query.manifest import Recording, write_manifest

WANTED = (
    "singing aa",
    "singing oo",
    "humming",
    "speech",
    "violin",
    "cello",
    "flute",
    "saxophone",
    "trumpet",
    "choir",
)
UNWANTED = ("bounce", "scratch", "bow off", "foghorn", "trill", "harmonics", "coocoo")
REFUSED = ("SA", "share", "unclear", "not stated")


def is_solo(row: dict[str, str]) -> bool:
    label, licence = row["label"], f"{row['licence']} {row['licence_note']}"
    named = any(word in label for word in WANTED) and not any(word in label for word in UNWANTED)
    return named and not any(word in licence for word in REFUSED)


def main() -> None:
    data, runs = os.environ.get("STEMLESS_DATA"), os.environ.get("STEMLESS_RUNS", "runs")
    if not data or not (Path(data) / "pool").is_dir():
        raise SystemExit("the recordings are needed: set STEMLESS_DATA to the folder that holds pool/")
    pool, folder = Path(data) / "pool", Path(runs) / "voices"
    with (pool / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if is_solo(row)]
    folder.mkdir(parents=True, exist_ok=True)
    recordings = [Recording(pool / row["path"], row["label"]) for row in rows]
    write_manifest(recordings, folder / "solos.csv", overwrite=True)
    sources = Counter((row["source_repo"], row["licence"]) for row in rows)
    lines = [
        f"- {source}: {count} recordings, {licence}" for (source, licence), count in sorted(sources.items())
    ]
    (folder / "solos_credits.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{folder / 'solos.csv'}: {len(recordings)} recordings")


if __name__ == "__main__":
    main()
