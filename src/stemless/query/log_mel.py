"""Log-mel spectra as the audio tower of CLAP wants them, differentiable to the samples.

The numbers are those of `ClapFeatureExtractor` of transformers, which works in numpy and so stops gradients.
Clips of other lengths than the tower's own are brought to it the way the tower was trained: short ones are
repeated or padded, of long ones the tower hears a stretch ("rand_trunc"), or the whole, squeezed, beside
three stretches ("fusion"; Wu et al., "Large-scale contrastive language-audio pretraining with feature fusion
and keyword-to-caption augmentation", ICASSP 2023, section 2.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

MelScale = Literal["htk", "slaney"]
Truncation = Literal["fusion", "rand_trunc"]
Padding = Literal["repeatpad", "repeat", "pad"]

POWER_FLOOR = 1e-10
"""Mel power below this, -100 dB, is silence; no gradient passes there."""


@dataclass(frozen=True)
class LogMelConfig:
    """How sound becomes what a CLAP audio tower reads.

    Args:
        clip_samples: length of the tower's own clips.
        truncation: what is kept of longer clips. It sets the filters too: "fusion" towers were trained with
            HTK triangles of equal height, "rand_trunc" towers with Slaney's of equal area.
        padding: how shorter clips are filled: whole repeats then zeros, repeats cut at the end, or zeros.
    """

    sample_rate: int = 48000
    n_fft: int = 1024
    hop_length: int = 480
    mel_bands: int = 64
    low_hz: float = 50.0
    high_hz: float = 14000.0
    clip_samples: int = 480000
    truncation: Truncation = "rand_trunc"
    padding: Padding = "repeatpad"

    def __post_init__(self) -> None:
        if self.truncation not in ("fusion", "rand_trunc"):
            raise ValueError(f"truncation must be fusion or rand_trunc, not {self.truncation!r}")
        if self.padding not in ("repeatpad", "repeat", "pad"):
            raise ValueError(f"padding must be repeatpad, repeat or pad, not {self.padding!r}")
        if self.clip_samples <= self.n_fft // 2:
            raise ValueError(f"clip_samples must exceed half a window, {self.n_fft // 2}")

    @property
    def frames(self) -> int:
        """Frames of one clip."""
        return 1 + self.clip_samples // self.hop_length

    @property
    def scale(self) -> MelScale:
        return "htk" if self.truncation == "fusion" else "slaney"


def hz_to_mel(frequency_hz: Tensor, scale: MelScale) -> Tensor:
    """HTK's logarithm, or Slaney's scale: linear to 1 kHz, logarithmic above.

    >>> hz_to_mel(torch.tensor([0.0, 1000.0, 6400.0]), "slaney")
    tensor([ 0., 15., 42.])
    """
    if scale == "htk":
        return 2595.0 * torch.log10(1.0 + frequency_hz / 700.0)
    above = 15.0 + 27.0 / math.log(6.4) * torch.log(frequency_hz.clamp_min(1000.0) / 1000.0)
    return torch.where(frequency_hz < 1000.0, 0.015 * frequency_hz, above)


def mel_to_hz(mel: Tensor, scale: MelScale) -> Tensor:
    """Inverse of `hz_to_mel`.

    >>> mel_to_hz(torch.tensor([0.0, 15.0, 42.0]), "slaney")
    tensor([   0., 1000., 6400.])
    """
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above = 1000.0 * torch.exp(math.log(6.4) / 27.0 * (mel - 15.0).clamp_min(0.0))
    return torch.where(mel < 15.0, mel / 0.015, above)


def mel_filterbank(
    sample_rate: int, n_fft: int, bands: int, low_hz: float, high_hz: float, scale: MelScale
) -> Tensor:
    """Triangles evenly spaced in mel, with their peaks at 1 ("htk") or of equal area ("slaney").

    Returns:
        [n_fft // 2 + 1, bands], float64.

    >>> mel_filterbank(16000, 512, 40, 0.0, 8000.0, "htk").shape
    torch.Size([257, 40])
    """
    ends = hz_to_mel(torch.tensor([low_hz, high_hz], dtype=torch.float64), scale)
    mels = torch.linspace(float(ends[0]), float(ends[1]), bands + 2, dtype=torch.float64)
    corners_hz = mel_to_hz(mels, scale)
    bins_hz = torch.linspace(0.0, sample_rate // 2, n_fft // 2 + 1, dtype=torch.float64)
    widths_hz = corners_hz.diff()
    distance_hz = corners_hz - bins_hz[:, None]
    rising = -distance_hz[:, :-2] / widths_hz[:-1]
    falling = distance_hz[:, 2:] / widths_hz[1:]
    triangles = torch.minimum(rising, falling).clamp_min(0.0)
    return triangles if scale == "htk" else triangles * (2.0 / (corners_hz[2:] - corners_hz[:-2]))


def fill_clip(audio: Tensor, samples: int, padding: Padding) -> Tensor:
    """Clips of at most `samples`, lengthened to that.

    >>> fill_clip(torch.tensor([[1.0, 2.0]]), 5, "repeatpad")
    tensor([[1., 2., 1., 2., 0.]])
    >>> fill_clip(torch.tensor([[1.0, 2.0]]), 5, "repeat")
    tensor([[1., 2., 1., 2., 1.]])
    """
    length = audio.shape[-1]
    if length == samples:
        return audio
    if padding == "repeat":
        return audio.repeat(1, samples // length + 1)[:, :samples]
    if padding == "repeatpad":
        audio = audio.repeat(1, samples // length)
    return nn.functional.pad(audio, (0, samples - audio.shape[-1]))


def choose_starts(first: int, last: int, batch: int, generator: torch.Generator | None) -> list[int]:
    """A start in [first, last] for each example: drawn, or without a generator the middle one.

    >>> choose_starts(10, 20, 2, None)
    [15, 15]
    """
    if generator is None:
        return [(first + last) // 2] * batch
    return torch.randint(first, last + 1, (batch,), generator=generator, device=generator.device).tolist()


def thirds(count: int) -> list[tuple[int, int]]:
    """First and last of each third of `count` positions, the first thirds the larger; an empty third is 0.

    >>> thirds(8), thirds(2)
    ([(0, 2), (3, 5), (6, 7)], [(0, 0), (1, 1), (0, 0)])
    """
    sizes = [(count + 2 - index) // 3 for index in range(3)]
    starts = [0, sizes[0], sizes[0] + sizes[1]]
    return [(start, start + size - 1) if size else (0, 0) for start, size in zip(starts, sizes, strict=True)]


class LogMel:
    """Audio -> the input of a CLAP audio tower.

    Spectra are computed in float64 where the device has it: in float32 the rounding of a loud tone would
    show in quiet bands, as several dB.
    """

    def __init__(self, config: LogMelConfig, device: torch.device | str = "cpu") -> None:
        self.config = config
        dtype = torch.float32 if torch.device(device).type == "mps" else torch.float64
        filters = mel_filterbank(
            config.sample_rate, config.n_fft, config.mel_bands, config.low_hz, config.high_hz, config.scale
        )
        self.filters = filters.to(dtype).to(device)
        self.window = torch.hann_window(config.n_fft, periodic=True, dtype=torch.float64).to(dtype).to(device)

    def spectra(self, audio: Tensor) -> Tensor:
        """Mel power in dB: [batch, time] -> [batch, 1 + time // hop_length, bands].

        Computed in float64 where there is one; in that dtype for such audio, else in float32.
        """
        spectrum = torch.stft(
            audio.to(self.window.dtype),
            self.config.n_fft,
            self.config.hop_length,
            window=self.window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        level_db = 10.0 * torch.log10((power.transpose(-1, -2) @ self.filters).clamp_min(POWER_FLOOR))
        return level_db.to(torch.float64 if audio.dtype == torch.float64 else torch.float32)

    def __call__(self, audio: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What the tower reads of each clip.

        Args:
            audio: [batch, time] at `config.sample_rate`, at least one sample.
            generator: draws the stretches heard of clips that are longer than the tower's own; without
                one it hears the middle, or of each third the middle.

        Returns:
            Features [batch, channels, frames, bands] in float32 (float64 for such audio), 4 channels with
            "fusion" and 1 without; and whether the clips were longer, [batch, 1] bool: a fusion tower
            reads the last three channels of those alone.
        """
        if audio.ndim != 2 or audio.shape[-1] == 0:
            raise ValueError(f"audio must be [batch, time] with at least one sample, not {list(audio.shape)}")
        with torch.autocast(audio.device.type, enabled=False):
            if audio.shape[-1] > self.config.clip_samples:
                features, longer = self._long(audio, generator)
            else:
                clip = fill_clip(audio, self.config.clip_samples, self.config.padding)
                features, longer = self._repeated(self.spectra(clip)), False
        is_longer = torch.full((len(audio), 1), longer, dtype=torch.bool, device=audio.device)
        return features, is_longer

    def _repeated(self, spectra: Tensor) -> Tensor:
        channels = 4 if self.config.truncation == "fusion" else 1
        return spectra[:, None].expand(-1, channels, -1, -1)

    def _long(self, audio: Tensor, generator: torch.Generator | None) -> tuple[Tensor, bool]:
        length, clip = audio.shape[-1], self.config.clip_samples
        if self.config.truncation == "rand_trunc":
            starts = choose_starts(0, length - clip, len(audio), generator)
            clips = [example[start : start + clip] for example, start in zip(audio, starts, strict=True)]
            return self._repeated(self.spectra(torch.stack(clips))), True
        spectra, frames = self.spectra(audio), self.config.frames
        if spectra.shape[1] == frames:  # longer by less than a hop
            return self._repeated(spectra), False
        # Squeezed in float32, as the library does: its positions between frames round by up to 1e-3 dB.
        size = (frames, self.config.mel_bands)
        whole = nn.functional.interpolate(spectra[:, None], size, mode="bilinear", align_corners=False)
        channels = [whole[:, 0]]
        for first, last in thirds(spectra.shape[1] - frames + 1):
            starts = choose_starts(first, last, len(audio), generator)
            cuts = [example[start : start + frames] for example, start in zip(spectra, starts, strict=True)]
            channels.append(torch.stack(cuts))
        return torch.stack(channels, 1), True
