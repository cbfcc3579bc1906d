"""Source separation that learns without stems.

    import stemless

    stems = stemless.separate("street.wav", ["a dog barking", "rain"])
    stems["rain"], stems.residual, stems.sample_rate     # [channels, time] float32
    stems.save("out")

    voices = stemless.separate("choir.wav", f0="choir_f0.csv")

    found = stemless.pitch("choir.wav", 4)               # found.tracks, found.confidence, found.warnings
    voices = stemless.separate("choir.wav", f0=found.tracks)

`separate` and its three sisters separate once; `load` gives a separator to use again and again, `fit` one
that has learned from the recording at hand.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Loaded when first used: torch takes longer to import than many a command takes to run.
_HOMES = {
    "fit": "stemless.verbs",
    "pitch": "stemless.voices.estimation",
    "pitch_from_file": "stemless.voices.estimation",
    "pitch_from_file_to_file": "stemless.voices.estimation",
    "pitch_from_files_to_files": "stemless.voices.estimation",
    "refine_pitch": "stemless.voices.estimation",
    "listen_again": "stemless.voices.second_hearing",
    "in_tune": "stemless.voices.second_hearing",
    "with_heard": "stemless.voices.second_hearing",
    "PitchEstimator": "stemless.voices.estimation",
    "load": "stemless.verbs",
    "separate": "stemless.verbs",
    "separate_from_file": "stemless.verbs",
    "separate_from_file_to_files": "stemless.verbs",
    "separate_from_files_to_files": "stemless.verbs",
    "PromptSeparator": "stemless.query.separation",
    "VoiceSeparator": "stemless.voices.separation",
    "PitchTracks": "stemless.voices.tracks",
    "Stems": "stemless.separator",
    "StemlessError": "stemless.errors",
}

if TYPE_CHECKING:
    from stemless.errors import StemlessError
    from stemless.query.separation import PromptSeparator
    from stemless.separator import Stems
    from stemless.verbs import (
        fit,
        load,
        separate,
        separate_from_file,
        separate_from_file_to_files,
        separate_from_files_to_files,
    )
    from stemless.voices.estimation import (
        PitchEstimator,
        pitch,
        pitch_from_file,
        pitch_from_file_to_file,
        pitch_from_files_to_files,
        refine_pitch,
    )
    from stemless.voices.second_hearing import in_tune, listen_again, with_heard
    from stemless.voices.separation import VoiceSeparator
    from stemless.voices.tracks import PitchTracks

__all__ = [
    "PitchEstimator",
    "PitchTracks",
    "PromptSeparator",
    "StemlessError",
    "Stems",
    "VoiceSeparator",
    "__version__",
    "fit",
    "in_tune",
    "listen_again",
    "load",
    "pitch",
    "pitch_from_file",
    "pitch_from_file_to_file",
    "pitch_from_files_to_files",
    "refine_pitch",
    "separate",
    "separate_from_file",
    "separate_from_file_to_files",
    "separate_from_files_to_files",
    "with_heard",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stemless' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
