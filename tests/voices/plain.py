"""Plain, slow forms of the synthesis: loops and full tensors, written to be read rather than to be fast.

Oracles of the tests, and the other side of benchmarks/voices_speed.py.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stemless.voices.filters import allpole_response, lsf_to_lpc
from stemless.voices.model import VoicesModel
from stemless.voices.network import SynthesisParameters
from stemless.voices.objectives import SCALES
from stemless.voices.oscillator import held_f0
from stemless.voices.recurrence import GRU
from stemless.voices.synthesis import Excitation, SynthesisGrid, colour_basis, cover_frames


def sum_of_sines(
    f0_hz: Tensor,
    hop_length: int,
    samples: int,
    sample_rate: int,
    partials: int = 101,
    amplitude: Tensor | None = None,
) -> Tensor:
    """Partial by partial, all of [batch, samples, partials] at once, each with an amplitude of its own.

    f0_hz [batch, frames], 0 unvoiced; amplitude [batch, frames] of the sum, 1 if not given.
    """
    held = _lines(held_f0(f0_hz), hop_length, samples)
    voiced = _lines((f0_hz > 0).to(f0_hz.dtype), hop_length, samples)
    phase = torch.cumsum(2 * math.pi * held * (voiced > 0) / sample_rate, -1)
    k = torch.arange(1, partials + 1, dtype=f0_hz.dtype)
    below = ((held.unsqueeze(-1) * k) <= sample_rate / 2).to(f0_hz.dtype)
    below[..., 0] = 1.0
    share = voiced.unsqueeze(-1) * below / below.sum(-1, keepdim=True)
    if amplitude is not None:
        share = share * _lines(amplitude, hop_length, samples).unsqueeze(-1)
    return (share * torch.sin(phase.unsqueeze(-1) * k)).sum(-1)


def _lines(values: Tensor, hop_length: int, samples: int) -> Tensor:
    rows = []
    position = torch.arange(samples, dtype=torch.float64) / hop_length
    left = position.floor().long()
    weight = (position - left).to(values.dtype)
    last = values.shape[-1] - 1
    for row in values:
        rows.append(row[left.clamp(max=last)] * (1 - weight) + row[(left + 1).clamp(max=last)] * weight)
    return torch.stack(rows)


def allpole(frames: Tensor, lpc: Tensor) -> Tensor:
    """y[n] = x[n] - sum_k a_k y[n - k], a sample at a time: [batch, time] and [batch, order + 1]."""
    order = lpc.shape[-1] - 1
    past = [torch.zeros_like(frames[:, 0])] * order
    made = []
    for n in range(frames.shape[-1]):
        sample = frames[:, n] - (lpc[:, 1:] * torch.stack(past, -1)).sum(-1)
        made.append(sample)
        past = [sample, *past[:-1]]
    return torch.stack(made, -1)


class TorchGRU(nn.GRU):
    """The library's GRU in the place of ours: same parameters."""

    def forward(self, inputs: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(inputs)[0]

    def forward_joined(self, own: Tensor, shared: Tensor) -> Tensor:
        return self(torch.cat([own, shared.repeat_interleave(len(own) // len(shared), 0)], -1))


def with_library_gru(model: VoicesModel) -> VoicesModel:
    """The same model with `torch.nn.GRU` inside, weights copied."""
    plain = VoicesModel(model.config)
    plain.load_state_dict(model.state_dict())
    for module in list(plain.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, GRU):
                library = TorchGRU(child.weight_ih_l0.shape[1], child.size, batch_first=True)
                library.load_state_dict(child.state_dict())
                setattr(module, name, library)
    return plain


def voice_spectra(parameters: SynthesisParameters, excitation: Excitation, grid: SynthesisGrid) -> Tensor:
    """Spectra of the frames of each voice, all at once: [batch, voices, frames, bins] complex."""
    frames = excitation.harmonic.shape[2]
    amplitude = cover_frames(parameters.amplitude, frames, 2).unsqueeze(-1)
    noise_gain = cover_frames(parameters.noise_gain, frames, 2).unsqueeze(-1)
    basis = colour_basis(parameters.noise_colour.shape[-1], grid.n_fft)
    colour = (parameters.noise_colour @ basis).unsqueeze(2)
    response = allpole_response(lsf_to_lpc(parameters.lsf.double()), grid.n_fft).to(torch.complex64)
    source = amplitude * excitation.harmonic + (noise_gain * colour) * excitation.noise
    return source * cover_frames(response, frames, 2)


def synthesise(
    parameters: SynthesisParameters, f0_hz: Tensor, noise: Tensor, sample_rate: int = 16000
) -> Tensor:
    """Each voice as the paper describes it, whole tensors and a loop over the samples of a frame.

    Args:
        parameters: [batch, voices, frames, ...].
        f0_hz: [batch, voices, frames].
        noise: [batch, voices, samples] uniform in (-1, 1).

    Returns:
        [batch, voices, samples].
    """
    hop = 256
    batch, voices, samples = noise.shape
    flat_f0 = f0_hz.flatten(0, 1)
    harmonic = sum_of_sines(flat_f0, hop, samples, sample_rate, amplitude=parameters.amplitude.flatten(0, 1))
    frequencies = torch.fft.rfftfreq(2 * samples, 1 / sample_rate)
    slope = 200.0 / frequencies.clamp_min(200.0)
    harmonic = torch.fft.irfft(torch.fft.rfft(harmonic, 2 * samples) * slope, 2 * samples)[..., :samples]

    magnitudes = parameters.noise_colour.flatten(0, 1)
    impulse = torch.fft.irfft(magnitudes.to(torch.complex64))
    taps = impulse.shape[-1]
    impulse = torch.roll(impulse, taps // 2, -1) * torch.hann_window(taps)
    n_fft = samples + taps
    coloured = torch.fft.irfft(
        torch.fft.rfft(noise.flatten(0, 1), n_fft) * torch.fft.rfft(impulse, n_fft), n_fft
    )
    coloured = coloured[..., taps // 2 : taps // 2 + samples]
    source = harmonic + coloured * _lines(parameters.noise_gain.flatten(0, 1), hop, samples)

    count = 1 + -(-samples // hop)
    padded = torch.nn.functional.pad(source, (hop, count * hop - samples))
    frames = padded.unfold(-1, 2 * hop, hop) * torch.hann_window(2 * hop)
    lpc = lsf_to_lpc(parameters.lsf.flatten(0, 1).double()).float()
    lpc = torch.cat([lpc, lpc[:, -1:].expand(-1, max(0, count - lpc.shape[1]), -1)], 1)[:, :count]
    filtered = allpole(frames.flatten(0, 1), lpc.flatten(0, 1)).unflatten(0, frames.shape[:2])
    made = torch.zeros_like(padded)
    for index in range(count):
        made[:, index * hop : index * hop + 2 * hop] = (
            made[:, index * hop : index * hop + 2 * hop] + filtered[:, index]
        )
    return made[:, hop : hop + samples].unflatten(0, (batch, voices))


def multi_scale_loss(estimate: Tensor, target: Tensor) -> Tensor:
    """The six spectra one after the other, with the library's transform."""
    total = torch.zeros(())
    for n_fft in SCALES:
        magnitudes = []
        for audio in (target, estimate):
            spectrum = torch.stft(
                audio,
                n_fft,
                n_fft // 4,
                window=torch.hann_window(n_fft),
                pad_mode="constant",
                return_complex=True,
            )
            magnitudes.append(torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-10))
        wanted, made = magnitudes
        total = total + (wanted - made).abs().mean() + (wanted.log() - made.log()).abs().mean()
    return total
