"""Separating by prompts in four forms: from audio, from a file, from a file to files, from files to files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from stemless import audio as audio_files
from stemless import checkpoint, engine
from stemless.devices import pick_device
from stemless.errors import UsageError
from stemless.inputs import (
    Audio,
    OnProgress,
    PathLike,
    as_samples,
    known_rate,
    refuse_equal_names,
    share_progress,
)
from stemless.query.model import KIND, load_separator
from stemless.query.prompts import Prompts
from stemless.query.separator import QuerySeparator, QuerySurvey
from stemless.report import ActivityMeter
from stemless.separator import Stems, Stretch
from stemless.spectrum import Grid

Words = str | Sequence[str]


class PromptSeparator:
    """A separator by prompts, loaded once and used for as many recordings and prompts as one likes.

    Args:
        separator: what makes the masks.
        seed: for the reports; nothing is drawn.
    """

    def __init__(self, separator: QuerySeparator, *, seed: int = 0) -> None:
        self.separator = separator
        self.seed = seed

    @property
    def name(self) -> str:
        """What reports call it, such as "query/compact"."""
        return self.separator.name

    def separate(
        self,
        audio: Audio,
        prompts: Words = (),
        sample_rate: int | None = None,
        *,
        without: Words = (),
        on_progress: OnProgress | None = None,
    ) -> Stems:
        """Separate a recording in memory (or, given a path, in a file).

        Args:
            audio: [channels, time] or [time] in floats, full scale at 1; or a path.
            prompts: sounds in words, a stem each.
            sample_rate: Hz; not needed for a path.
            without: sounds that are to be in no stem. Without prompts there is one stem, all but these.
            on_progress: called with the seconds done and the seconds there are.

        Returns:
            stems; `details` has the presence, activity and prompt of each.

        Raises:
            AudioError: the audio cannot be used.
            UsageError: the prompts cannot be asked for, or there is no sample rate.
        """
        asked = Prompts.of(prompts, without)
        if isinstance(audio, str | Path):
            audio, sample_rate = audio_files.read(audio)
        sample_rate = known_rate(sample_rate)
        samples = as_samples(audio)
        run = _Run(self.separator, asked)
        stems = engine.separate_audio(samples, sample_rate, run, asked, on_progress=on_progress)
        meter = ActivityMeter(len(asked.names), sample_rate)
        meter.push(stems.audio)
        return dataclasses.replace(stems, details=run.details(meter.activities()))

    def separate_from_file(
        self,
        path: PathLike,
        prompts: Words = (),
        *,
        without: Words = (),
        on_progress: OnProgress | None = None,
    ) -> Stems:
        """Separate a file that fits into memory; arguments and errors as of `separate`."""
        return self.separate(Path(path), prompts, without=without, on_progress=on_progress)

    def separate_from_file_to_files(
        self,
        path: PathLike,
        output: PathLike,
        prompts: Words = (),
        *,
        without: Words = (),
        audio_format: str = "wav",
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> dict[str, Any]:
        """Separate a file of any length into `output/<its name>/`: stems, residual and report.json.

        Args:
            path: the recording.
            output: folder; made if it is not there.
            prompts, without, on_progress: as of `separate`.
            audio_format: wav, flac, ogg or mp3.
            overwrite: replace an earlier result.

        Returns:
            the report as it was written.

        Raises:
            UsageError: the result is there already, or the format cannot hold such audio.
            AudioError, UsageError: as of `separate`.
        """
        asked = Prompts.of(prompts, without)
        run = _Run(self.separator, asked)
        return engine.separate_file(
            path,
            run,
            asked,
            output,
            audio_format=audio_format,
            overwrite=overwrite,
            seed=self.seed,
            on_progress=on_progress,
            details=run.details,
            besides=run.besides,
        )

    def separate_from_files_to_files(
        self,
        paths: Sequence[PathLike],
        output: PathLike,
        prompts: Words = (),
        *,
        without: Words = (),
        audio_format: str = "wav",
        overwrite: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[dict[str, Any]]:
        """Separate one file after the other by the same prompts.

        Everything else as in `separate_from_file_to_files`.

        Raises:
            UsageError: besides, if two files would write to one folder.
        """
        refuse_equal_names(paths)
        return [
            self.separate_from_file_to_files(
                path,
                output,
                prompts,
                without=without,
                audio_format=audio_format,
                overwrite=overwrite,
                on_progress=share_progress(on_progress, number, len(paths)),
            )
            for number, path in enumerate(paths)
        ]


class _Run:
    """The separator for one recording; it remembers the survey, and with it what was found of the prompts."""

    def __init__(self, separator: QuerySeparator, asked: Prompts) -> None:
        self._separator, self._asked = separator, asked
        self._survey: QuerySurvey | None = None

    @property
    def name(self) -> str:
        return self._separator.name

    @property
    def sample_rate(self) -> int:
        return self._separator.sample_rate

    @property
    def grid(self) -> Grid:
        return self._separator.grid

    @property
    def context_seconds(self) -> float:
        return self._separator.context_seconds

    @property
    def chunk_seconds(self) -> float:
        return self._separator.chunk_seconds

    def survey(
        self, stretches: Iterable[Stretch[Prompts]], condition: Prompts, duration_seconds: float
    ) -> QuerySurvey:
        self._survey = self._separator.survey(stretches, condition, duration_seconds)
        return self._survey

    def masks(self, audio: Tensor, condition: Prompts, survey: object) -> Tensor:
        return self._separator.masks(audio, condition, survey)

    def details(self, sounding: engine.Activities) -> dict[str, dict[str, object]]:
        """What the report says of each stem, given where the stems sound."""
        assert self._survey is not None
        if not self._asked.wanted:
            return {name: {"without": list(self._asked.unwanted)} for name in self._asked.names}
        present, log = self._survey.log.overall(), self._survey.log
        times = log.activities(sounding)
        return {
            prompt: {"prompt": prompt, "presence": round(presence, 4), "activity": activity}
            for prompt, presence, activity in zip(self._asked.wanted, present, times, strict=False)
        }

    def besides(self) -> dict[str, object]:
        """What the report says of the sounds that were asked away."""
        assert self._survey is not None
        if not self._asked.unwanted:
            return {}
        present = self._survey.log.overall()[len(self._asked.wanted) :]
        return {
            "without": [
                {"prompt": prompt, "presence": round(presence, 4)}
                for prompt, presence in zip(self._asked.unwanted, present, strict=True)
            ]
        }


def load_prompt_separator(
    model: PathLike | None = None, *, device: str = "auto", seed: int = 0
) -> PromptSeparator:
    """A separator by prompts.

    Args:
        model: a shipped name, a folder or hf://USER/MODEL; by default the one that ships with the package.
        device: "auto", "cpu", "cuda" or "mps".
        seed: noted in the reports.

    Raises:
        UsageError: there is no such device, or no model was given and none ships.
        CheckpointError: there is no such model, it takes no prompts, or it is damaged.
    """
    device = pick_device(device)
    return PromptSeparator(QuerySeparator(load_separator(model or default_model(), device)), seed=seed)


def default_model() -> str:
    """The name of the separator by prompts that ships: of several the first by name."""
    if name := checkpoint.shipped_of(KIND):
        return name
    raise UsageError(
        "no model for prompts ships with this version: give one (--model NAME|PATH|hf://USER/MODEL)"
    )
