"""`stemless models`: the models that ship with the package."""

from __future__ import annotations

from stemless.cli.console import Printer
from stemless.cli.options import Json


def models(as_json: Json = False) -> None:
    """List the models that ship with this version; --model takes their names."""
    from stemless.checkpoint import shipped

    found = shipped()
    lines = []
    for model in found:
        size = f"{model.size_bytes / 1e6:.1f} MB"
        lines.append(f"{model.name}  ({model.config.get('kind', 'unknown')}, {size})\n  {model.summary}")
    text = "\n".join(lines) or "no models ship with this version; --model takes a folder or hf://USER/MODEL"
    document = [
        {
            "name": model.name,
            "kind": model.config.get("kind"),
            "summary": model.summary,
            "size_bytes": model.size_bytes,
            "path": str(model.path),
        }
        for model in found
    ]
    Printer(as_json).result(text, document)
