"""Results of the benchmarks on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Any, *, indent: int | None = None) -> None:
    """Whole or not at all; folders are made, and several processes may write the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    temporary.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
    temporary.replace(path)
