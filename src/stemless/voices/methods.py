"""From the name of a method, or a model, to a `Separator` over pitch tracks.

A checkpoint says in its configuration what it is: `{"kind": "voices/network", "model": {...}}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from torch import Tensor

from stemless import checkpoint
from stemless.configuration import near_name
from stemless.devices import pick_device
from stemless.errors import CheckpointError, UsageError
from stemless.separator import Separator, Stretch
from stemless.spectrum import Grid
from stemless.voices.tracks import PitchTracks

if TYPE_CHECKING:
    from stemless.voices.model import VoicesModel

KIND_PREFIX = "voices/"


@dataclass(frozen=True)
class Method:
    """A way to separate voices: what it is in a line, whether it has been trained, where it can run.

    model_of: the method whose models it takes, where that is another one.
    """

    summary: str
    needs_model: bool = False
    on_cpu: bool = False
    model_of: str = ""


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "comb": Method("mask from the pitch alone, nothing learned"),
        "nmf": Method("NMF with a template for every pitch of every voice", on_cpu=True),
        "source-filter-nmf": Method("NMF of glottal source times smooth filter", on_cpu=True),
        "unet": Method("conditioned U-Net, trained on stems", needs_model=True),
        "network": Method("source-filter network, trained on mixtures alone", needs_model=True),
        "blend": Method(
            "network and source-filter NMF together: the most exact, and the slowest",
            needs_model=True,
            on_cpu=True,
            model_of="network",
        ),
    }
)


FITTED = ("network", "blend")
"""Methods whose network can be fitted to a recording."""


def choose(method: str | None, model: str | Path | None, *, fit: bool = False) -> tuple[str, str | None]:
    """Which method runs, and with which model: (method, reference or None).

    Without a method the model decides; without either, the network runs if its model ships with the package
    or is to be fitted, and else the comb, which needs neither.

    Raises:
        UsageError: an unknown method, a method that needs a model and has none, or a model of another method.
    """
    if method is not None and method not in METHODS:
        raise UsageError(f"no method is called {method!r}, {near_name(method, METHODS)}")
    if fit:
        if method not in (None, *FITTED):
            raise UsageError(
                f"only the network can be fitted to a recording, not {method}; leave one of them out"
            )
        method = method or "network"
    if model is not None:
        if method is not None and not METHODS[method].needs_model:
            raise UsageError(f"the method {method} uses no model; leave out the model, or the method")
        return method or method_of(checkpoint.load_config(model), str(model)), str(model)
    if method is None:
        shipped = checkpoint.shipped_of(KIND_PREFIX + "network")
        return ("network", shipped) if shipped else ("comb", None)
    if not METHODS[method].needs_model:
        return method, None
    shipped = checkpoint.shipped_of(KIND_PREFIX + (METHODS[method].model_of or method))
    if shipped is None and not fit:
        alternative = ", or fit one to the recording (--fit)" if method in FITTED else ""
        raise UsageError(
            f"the method {method} needs a trained model and none ships with this version: "
            f"give one (--model NAME|PATH|hf://USER/MODEL){alternative}"
        )
    return method, shipped


def method_of(config: Mapping[str, Any], source: str) -> str:
    """The method that a checkpoint is for; a CheckpointError if this version has none of that kind."""
    kind = str(config.get("kind", ""))
    method = kind.removeprefix(KIND_PREFIX)
    known = METHODS.get(method)
    if not kind.startswith(KIND_PREFIX) or known is None or not known.needs_model or known.model_of:
        raise CheckpointError(f"{source}: is a model of the kind {kind!r}, which cannot separate voices")
    return method


def make_separator(
    method: str, model: str | None = None, *, power: float = 2.0, device: str = "auto", seed: int = 0
) -> Separator[PitchTracks]:
    """The separator of a method and model chosen by `choose`.

    Args:
        power: exponent p of the masks.
        device: auto, cpu, cuda or mps.
        seed: of the methods that learn from the recording.

    Raises:
        UsageError: an impossible power, a device that is not there or that the method cannot use.
        CheckpointError: the model cannot be loaded, or is one of another method.
    """
    check_power(power)
    if METHODS[method].on_cpu and device not in ("auto", "cpu"):
        raise UsageError(f"the method {method} runs on the cpu alone; leave out the device {device}")
    device = pick_device(device)
    if method == "comb":
        from stemless.voices.baselines.comb import CombSeparator

        return CombSeparator(power) if device == "cpu" else OnDevice(CombSeparator(power), device)
    if method == "nmf":
        from stemless.voices.baselines.nmf import NMFSeparator

        return NMFSeparator(power)
    if method == "source-filter-nmf":
        from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator

        return SourceFilterNMFSeparator(power, seed=seed)
    if model is None:
        raise UsageError(f"the method {method} needs a model")
    if method == "unet":
        from stemless.voices.baselines.unet_separator import UNetSeparator, load_unet

        return UNetSeparator(load_unet(model), power, device)
    from stemless.voices.network_separator import load_model

    return around_network(method, load_model(model), power=power, device=device, seed=seed)


def around_network(
    method: str, model: VoicesModel, *, power: float, device: str, seed: int
) -> Separator[PitchTracks]:
    """The separator of a method that uses a network, "network" or "blend", with this one."""
    from stemless.voices.network_separator import NetworkSeparator

    network = NetworkSeparator(model, power, device)
    if method == "network":
        return network
    from stemless.voices.baselines.source_filter_nmf import SourceFilterNMFSeparator
    from stemless.voices.blend import BlendSeparator

    return BlendSeparator(network, SourceFilterNMFSeparator(power, seed=seed))


def check_power(power: float) -> None:
    """Raise a UsageError unless masks can be made with this exponent."""
    if not 0.1 <= power <= 10:
        raise UsageError(f"a mask exponent of {power:g} is not possible: give 0.1 to 10 (1 and 2 are usual)")


class OnDevice:
    """Hands the audio to a separator on a device and brings the masks back."""

    def __init__(self, inner: Separator[PitchTracks], device: str) -> None:
        self.inner = inner
        self.device = device

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def sample_rate(self) -> int:
        return self.inner.sample_rate

    @property
    def grid(self) -> Grid:
        return self.inner.grid

    @property
    def context_seconds(self) -> float:
        return self.inner.context_seconds

    @property
    def chunk_seconds(self) -> float:
        return self.inner.chunk_seconds

    def survey(
        self, stretches: Iterable[Stretch[PitchTracks]], condition: PitchTracks, duration_seconds: float
    ) -> object:
        moved = (
            Stretch(each.start_seconds, each.audio.to(self.device), each.condition) for each in stretches
        )
        return self.inner.survey(moved, condition, duration_seconds)

    def masks(self, audio: Tensor, condition: PitchTracks, survey: object) -> Tensor:
        return self.inner.masks(audio.to(self.device), condition, survey).cpu()
