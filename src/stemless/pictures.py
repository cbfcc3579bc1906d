"""Pictures: what went into a separation and what came out, and how a training went.

matplotlib is needed (the extra ``picture``). Figures are drawn without a display and without touching its
global state.
"""

from __future__ import annotations

import secrets
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stemless.errors import MissingExtraError, StemlessError, UsageError
from stemless.voices.tracks import PitchTracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

LOWEST_HZ = 70.0
HIGHEST_HZ = 6000.0
ROWS_PER_OCTAVE = 48
RANGE_DB = 55.0
COLUMNS = 1600
WINDOW_SECONDS = 0.1
_TICKS_HZ = (100, 200, 400, 800, 1600, 3200)
# Apart for most eyes, and dark enough for thin lines on white (after P. Tol's "bright" scheme).
COLOURS = ("#cc3311", "#0077bb", "#228833", "#aa3377", "#b8860b", "#009988", "#555555", "#4b0092")


def voices_picture(
    mixture: Tensor,
    sample_rate: int,
    tracks: PitchTracks,
    stems: Mapping[str, Tensor],
    path: str | Path,
    *,
    overwrite: bool = False,
) -> None:
    """Draw a mixture with the pitch of its voices, and under it what each stem took of it.

    Args:
        mixture: [channels, time].
        sample_rate: in Hz.
        tracks: the pitch of the voices, drawn over the mixture; a stem of the same name has its own.
        stems: [channels, time] each, on the same scale of loudness as the mixture.
        path: a file that ends in .png, .pdf or .svg.
        overwrite: replace it when it is there.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: the file is there, or has another ending.
        StemlessError: it cannot be written.
    """
    path = _usable(path, overwrite)
    figure = _figure(12.0, 3.6 + 2.0 * -(-len(stems) // 2))
    rows = 1 + -(-len(stems) // 2)
    grid = figure.add_gridspec(rows, 2, height_ratios=[1.7] + [1.0] * (rows - 1))
    top = figure.add_subplot(grid[0, :])
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(tracks.names)}
    spectrogram = log_spectrogram(mixture, sample_rate)
    top_db = float(spectrogram.max())
    duration_seconds = mixture.shape[-1] / sample_rate

    _draw_spectrogram(top, spectrogram, duration_seconds, top_db, _ramp("#000000"))
    for name in tracks.names:
        _draw_track(top, tracks, name, colours[name], duration_seconds, width=1.4)
    top.set_title("mixture, and the pitch of each voice", loc="left", fontsize=11)
    top.legend(
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(tracks.names),
        fontsize=9,
        frameon=False,
        borderpad=0.0,
        handlelength=1.6,
    )
    for index, (name, audio) in enumerate(stems.items()):
        panel = figure.add_subplot(grid[1 + index // 2, index % 2])
        colour = colours.get(name, "#333333")
        _draw_spectrogram(panel, log_spectrogram(audio, sample_rate), duration_seconds, top_db, _ramp(colour))
        if name in tracks.names:
            _draw_track(panel, tracks, name, "#000000", duration_seconds, width=0.5)
        panel.set_title(name, loc="left", fontsize=11, color=colour, fontweight="bold")
        panel.label_outer()
    figure.supylabel("Hz", fontsize=10)
    figure.supxlabel("seconds", fontsize=10)
    _save(figure, path)


def prompts_picture(
    mixture: Tensor,
    sample_rate: int,
    stems: Mapping[str, Tensor],
    activity: Mapping[str, Sequence[Sequence[float]]],
    path: str | Path,
    *,
    references: Mapping[str, Tensor] | None = None,
    overwrite: bool = False,
) -> None:
    """Draw a mixture, and under it what each stem took of it and when it is there.

    Args:
        mixture: [channels, time].
        sample_rate: in Hz.
        stems: [channels, time] each, on the same scale of loudness as the mixture.
        activity: of each stem the stretches [start, end] in seconds in which it is heard.
        references: what went into the mixture, where that is known; drawn to the right of the stem of that
            name.
        path, overwrite: as of `voices_picture`; errors too.
    """
    path = _usable(path, overwrite)
    panels: list[tuple[str, str, Tensor, str]] = []  # stem, title, audio, colour
    for index, (name, audio) in enumerate(stems.items()):
        title, colour = textwrap.shorten(name, 60), COLOURS[index % len(COLOURS)]
        panels.append((name, title, audio, colour))
        if references is not None and name in references:
            panels.append(("", f"{title}, as it went in", references[name], colour))
    rows = 1 + -(-len(panels) // 2)
    figure = _figure(12.0, 1.6 + 2.0 * rows)
    grid = figure.add_gridspec(rows, 2, height_ratios=[1.4] + [1.0] * (rows - 1))
    spectrogram = log_spectrogram(mixture, sample_rate)
    top_db = float(spectrogram.max())
    duration_seconds = mixture.shape[-1] / sample_rate
    top = figure.add_subplot(grid[0, :])
    _draw_spectrogram(top, spectrogram, duration_seconds, top_db, _ramp("#000000"))
    top.set_title("mixture", loc="left", fontsize=11)
    for index, (name, title, audio, colour) in enumerate(panels):
        panel = figure.add_subplot(grid[1 + index // 2, index % 2])
        _draw_spectrogram(panel, log_spectrogram(audio, sample_rate), duration_seconds, top_db, _ramp(colour))
        heard = [(first, min(last, duration_seconds) - first) for first, last in activity.get(name, ())]
        panel.broken_barh(heard, (0.0, 0.12), color=colour)
        panel.set_title(title, loc="left", fontsize=11, color=colour, fontweight="bold")
        panel.label_outer()
    figure.supylabel("Hz", fontsize=10)
    figure.supxlabel("seconds; the bars show when a sound is heard", fontsize=10)
    _save(figure, path)


def learning_curve_picture(
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    path: str | Path,
    *,
    x_label: str = "step",
    overwrite: bool = False,
) -> None:
    """Draw the curves of a training, those of one unit in one panel.

    Args:
        panels: for each label of a y axis, with its unit, the curves by name: the places on the x axis and
            the values; values that are not finite are gaps.
        path: a file that ends in .png, .pdf or .svg.
        x_label: name of the x axis, with its unit.
        overwrite: replace the file when it is there.

    Raises:
        MissingExtraError, UsageError, StemlessError: as `voices_picture`; UsageError also where a panel has
            no curve, or there is none.
    """
    path = _usable(path, overwrite)
    if not panels or not all(panels.values()):
        raise UsageError(f"{path}: there is no curve to draw")
    figure = _figure(8.0, 0.5 + 4.0 * len(panels))
    rows = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (y_label, curves) in zip(rows, panels.items(), strict=True):
        for index, (name, (places, values)) in enumerate(curves.items()):
            if len(places) != len(values):
                raise UsageError(f"{path}: curve {name} has {len(places)} places but {len(values)} values")
            marker = "o" if len(values) < 30 else ""
            colour = COLOURS[index % len(COLOURS)]
            axes.plot(places, values, color=colour, linewidth=1.6, marker=marker, markersize=3, label=name)
        axes.set_ylabel(y_label)
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.margins(x=0.02)
        axes.legend(frameon=False)
    axes.set_xlabel(x_label)
    _save(figure, path)


def log_spectrogram(audio: Tensor, sample_rate: int) -> NDArray[np.float32]:
    """Level over logarithmic frequency and time, as fine as a picture can show.

    Args:
        audio: [channels, time]; the channels' powers are averaged.
        sample_rate: in Hz.

    Returns:
        [rows, columns] dB, rows from `LOWEST_HZ` to `HIGHEST_HZ`, `ROWS_PER_OCTAVE` to the octave.
    """
    n_fft = 2 ** round(np.log2(WINDOW_SECONDS * sample_rate))
    # Long recordings take bigger steps, so that memory and picture keep their size.
    hop_length = max(n_fft // 8, -(-audio.shape[-1] // COLUMNS), 1)
    padded = torch.nn.functional.pad(audio, (n_fft // 2, n_fft // 2))
    frames = padded.unfold(-1, n_fft, hop_length)
    window = torch.hann_window(n_fft)
    power = torch.zeros(frames.shape[-2], n_fft // 2 + 1)
    for channel in frames:
        for start in range(0, len(channel), 256):
            part = slice(start, start + 256)
            power[part] += torch.fft.rfft(channel[part] * window).abs().square()
    level_db = (10 * torch.log10(power / (len(audio) * window.sum() ** 2 / 4) + 1e-14)).numpy()
    rows = int(np.log2(HIGHEST_HZ / LOWEST_HZ) * ROWS_PER_OCTAVE) + 1
    per_row = 2 ** (1 / ROWS_PER_OCTAVE)
    bins = LOWEST_HZ * per_row ** np.arange(rows) * n_fft / sample_rate
    low = np.minimum(bins.astype(int), n_fft // 2 - 1)
    share = np.clip(bins - low, 0, 1)[:, None]
    mixed: NDArray[np.float32] = (1 - share) * level_db.T[low] + share * level_db.T[low + 1]
    # Where rows are wider than bins, a partial between two rows must not be lost: the loudest bin of the row.
    first = np.ceil(bins / per_row**0.5).astype(int)
    wide = (np.diff(first, append=first[-1] + 1) > 0) & (first < n_fft // 2)
    end = int(np.ceil(bins[-1] * per_row**0.5)) + 1
    loudest = np.maximum.reduceat(level_db.T[:end], first[wide], axis=0)
    mixed[wide] = np.maximum(mixed[wide], loudest)
    # Past half the sample rate there is nothing to show.
    mixed[bins > n_fft // 2] = level_db.min()
    return mixed.astype(np.float32)


def _figure(width_inches: float, height_inches: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError("matplotlib", "picture") from None
    return Figure(figsize=(width_inches, height_inches), dpi=120, layout="constrained", facecolor="white")


def _ramp(colour: str) -> Colormap:
    """From white over the colour to nearly black."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("ramp", [(0.0, "white"), (0.75, colour), (1.0, "#111111")])


def _draw_spectrogram(
    panel: Axes, level_db: NDArray[np.float32], duration_seconds: float, top_db: float, colours: Colormap
) -> None:
    octaves = float(np.log2(HIGHEST_HZ / LOWEST_HZ))
    panel.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        interpolation="bilinear",
        extent=(0.0, duration_seconds, 0.0, octaves),
        cmap=colours,
        vmin=top_db - RANGE_DB,
        vmax=top_db,
    )
    panel.set_xlim(0.0, duration_seconds)
    panel.set_ylim(0.0, octaves)
    panel.set_yticks(np.log2(np.array(_TICKS_HZ) / LOWEST_HZ), [str(tick) for tick in _TICKS_HZ])
    panel.tick_params(labelsize=8, length=3)
    for spine in panel.spines.values():
        spine.set_color("#999999")


def _draw_track(
    panel: Axes, tracks: PitchTracks, name: str, colour: str, duration_seconds: float, width: float
) -> None:
    """The track as a line with gaps where the voice rests."""
    times = np.arange(0.0, duration_seconds, max(0.005, duration_seconds / (2 * COLUMNS)))
    f0_hz = tracks.at(times)[tracks.names.index(name)]
    octaves = np.log2(np.where(f0_hz > 0, f0_hz, np.nan) / LOWEST_HZ)
    panel.plot(times, octaves, color=colour, linewidth=width, label=name, solid_capstyle="butt")


def _usable(path: str | Path, overwrite: bool) -> Path:
    path = Path(path)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise UsageError(f"{path}: a picture ends in .png, .pdf or .svg")
    if path.exists() and not overwrite:
        raise UsageError(f"{path}: exists already: choose another name or overwrite it")
    return path


def _save(figure: Figure, path: Path) -> None:
    """Write the whole picture under its name, or nothing."""
    partial = path.with_name(f".{secrets.token_hex(4)}.partial")
    try:
        figure.savefig(partial, format=path.suffix[1:].lower())
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise StemlessError(f"{path}: cannot be written ({reason}): choose another place") from None
    finally:
        partial.unlink(missing_ok=True)
