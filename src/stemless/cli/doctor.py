"""`stemless doctor`: what is installed, and what is missing for which job."""

from __future__ import annotations

import importlib.util
import platform
import shutil
from importlib import metadata
from typing import Any

from stemless import __version__
from stemless.cli.console import Printer
from stemless.cli.options import Json

CORE = (
    "torch",
    "numpy",
    "soundfile",
    "soxr",
    "safetensors",
    "huggingface_hub",
    "typer",
    "rich",
    "tokenizers",
)
# Programs that commands call, and what to do where they are missing.
PROGRAMS = {
    "ffmpeg": "install it to read m4a, mp4, opus and other containers",
    "fluidsynth": "install it, and a sound bank, for  stemless data render  (apt install fluidsynth)",
    "espeak-ng": "install it for speech in rendered sounds (apt install espeak-ng)",
}
EXTRAS = {
    "train": ("lightning", "tensorboard"),
    "picture": ("matplotlib",),
    "eval": ("mir_eval", "fast_bss_eval", "scipy"),
    "score": ("partitura", "mido"),
    "clap": ("transformers",),
    "phrases": ("spacy",),
}
SEPARATOR = "query/separator"


def doctor(as_json: Json = False) -> None:
    """Show versions, devices, ffmpeg, extras and models, with what to do about what is missing."""
    found = examine()
    Printer(as_json).result(as_text(found), found)


def examine() -> dict[str, Any]:
    """All that the command shows, as plain values."""
    import soundfile
    import torch

    from stemless.checkpoint import shipped

    models = shipped()
    devices = ["cpu"]
    devices += [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    return {
        "stemless": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version_of(name) for name in CORE},
        "libsndfile": soundfile.__libsndfile_version__,
        "formats": [name for name in ("WAV", "FLAC", "OGG", "MP3") if name in soundfile.available_formats()],
        "torch_threads": torch.get_num_threads(),
        "devices": devices,
        **{program: shutil.which(program) for program in PROGRAMS},
        "extras": {extra: {name: version_of(name) for name in names} for extra, names in EXTRAS.items()},
        "models": [model.name for model in models],
        # The first by name is what `separate` uses.
        "prompts": next((model.name for model in models if model.config.get("kind") == SEPARATOR), None),
    }


def as_text(found: dict[str, Any]) -> str:
    """Lines for the eye; what is missing comes with its remedy."""
    rows = [
        ("stemless", found["stemless"]),
        ("python", f"{found['python']} on {found['platform']}"),
        ("packages", ", ".join(f"{name} {version}" for name, version in found["packages"].items())),
        ("audio", f"libsndfile {found['libsndfile']} ({', '.join(found['formats'])})"),
        ("torch", f"{found['torch_threads']} threads; devices: {', '.join(found['devices'])}"),
    ]
    rows += [(program, found[program] or f"not found: {advice}") for program, advice in PROGRAMS.items()]
    for extra, packages in found["extras"].items():
        missing = [name for name, version in packages.items() if version is None]
        installed = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
        advice = f"{', '.join(missing)} missing: pip install 'stemless[{extra}]'"
        rows.append((f"extra {extra}", advice if missing else installed))
    rows.append(("models", ", ".join(found["models"]) or "none ship with this version"))
    rows.append(("prompts", found["prompts"] or "none for prompts ships: give  stemless separate --model"))
    width = max(len(label) for label, _ in rows)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in rows)


def version_of(package: str) -> str | None:
    """The installed version of a package, None if it cannot be imported."""
    if importlib.util.find_spec(package) is None:
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "installed"
