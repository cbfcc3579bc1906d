from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stemless import checkpoint
from stemless.cli.voices import MethodName
from stemless.configuration import to_mapping
from stemless.devices import pick_device
from stemless.errors import CheckpointError, UsageError
from stemless.spectrum import Grid
from stemless.voices.baselines.comb import CombSeparator
from stemless.voices.baselines.unet import UNet, UNetConfig
from stemless.voices.blend import BlendSeparator
from stemless.voices.methods import (
    METHODS,
    OnDevice,
    check_power,
    choose,
    make_separator,
)
from stemless.voices.model import VoicesModel
from stemless.voices.network import NetworkConfig
from stemless.voices.tracks import PitchTracks


@pytest.fixture(autouse=True)
def no_shipped_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(checkpoint, "WEIGHTS_DIR", tmp_path / "weights")
    return tmp_path / "weights"


def store(path: Path, kind: str) -> str:
    checkpoint.save(path, {"kind": kind, "model": {}}, {"a": torch.zeros(1)}, "# A model")
    return str(path)


def test_without_a_model_the_comb_runs() -> None:
    assert choose(None, None) == ("comb", None)
    assert choose("comb", None) == ("comb", None)


def test_the_model_decides_the_method(tmp_path: Path) -> None:
    network = store(tmp_path / "n", "voices/network")
    assert choose(None, network) == ("network", network)
    assert choose("network", network) == ("network", network)


def test_a_shipped_network_is_the_default(no_shipped_models: Path) -> None:
    store(no_shipped_models / "choir", "voices/network")
    store(no_shipped_models / "other", "query/compact")
    assert choose(None, None) == ("network", "choir")
    assert choose("network", None) == ("network", "choir")
    assert choose("comb", None) == ("comb", None)


def test_the_command_line_knows_every_method() -> None:
    assert [name.value for name in MethodName] == list(METHODS)


def test_every_method_makes_a_separator(tmp_path: Path) -> None:
    network = VoicesModel(NetworkConfig(encoder_size=8, embedding_size=4, decoder_size=8))
    unet = UNet(UNetConfig(channels=(2, 2), control_channels=(2,)))
    models: dict[str, torch.nn.Module] = {"network": network, "unet": unet}
    for method, about in METHODS.items():
        reference = None
        if about.needs_model:
            kind = about.model_of or method
            module = models[kind]
            reference = str(tmp_path / method)
            config = {"kind": f"voices/{kind}", "model": to_mapping(module.config)}
            checkpoint.save(reference, config, module.state_dict(), "# M")
            assert choose(None, reference) == (kind, reference)
            assert choose(method, reference) == (method, reference)
        separator = make_separator(method, reference, power=1.5)
        assert separator.name == f"voices/{method}"
        parts = [separator.network, separator.nmf] if isinstance(separator, BlendSeparator) else [separator]
        assert [part.power for part in parts] == [1.5] * len(parts)  # type: ignore[attr-defined]
        if about.needs_model:
            with pytest.raises(UsageError, match="needs a model"):
                make_separator(method)
            other = next(name for name in models if name != kind)
            with pytest.raises(CheckpointError, match="choose another model"):
                make_separator(other, reference)


def test_choices_that_cannot_be(tmp_path: Path) -> None:
    network = store(tmp_path / "n", "voices/network")
    query = store(tmp_path / "q", "query/unet")
    with pytest.raises(UsageError, match="no method is called 'com', did you mean 'comb'"):
        choose("com", None)
    with pytest.raises(UsageError, match="the method comb uses no model"):
        choose("comb", network)
    with pytest.raises(UsageError, match="the method network needs a trained model and none ships"):
        choose("network", None)
    with pytest.raises(CheckpointError, match="'query/unet', which cannot separate voices"):
        choose(None, query)
    with pytest.raises(CheckpointError, match="cannot separate voices"):
        choose(None, store(tmp_path / "c", "voices/comb"))


@pytest.mark.parametrize("power", [0.0, -1.0, float("nan"), float("inf"), 100.0])
def test_powers_that_cannot_be(power: float) -> None:
    with pytest.raises(UsageError, match="mask exponent"):
        check_power(power)


def test_devices() -> None:
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="has no cuda device"):
            pick_device("cuda")


def test_methods_of_the_cpu_refuse_other_devices() -> None:
    for method, about in METHODS.items():
        if about.on_cpu and not about.needs_model:
            with pytest.raises(UsageError, match=f"the method {method} runs on the cpu alone"):
                make_separator(method, device="cuda")
            assert make_separator(method, device="auto").name == f"voices/{method}"


class _Recorder(CombSeparator):
    """A comb that remembers where its audio lay."""

    def __init__(self) -> None:
        super().__init__()
        self.devices: list[str] = []

    def masks(self, audio: torch.Tensor, condition: PitchTracks, survey: object = None) -> torch.Tensor:
        self.devices.append(audio.device.type)
        frames = self.grid.frames(audio.shape[-1])
        return torch.ones(len(audio), condition.voices, self.grid.bins, frames, device=audio.device)


def test_masks_are_made_on_the_device() -> None:
    inner = _Recorder()
    # "meta" stands in for an accelerator: tensors have a device of their own and no values.
    wrapped = OnDevice(inner, "meta")
    tracks = PitchTracks.regular([[200.0], [300.0]], 1.0)
    with pytest.raises(NotImplementedError, match="meta"):
        wrapped.masks(torch.zeros(1, 1000), tracks, None)
    assert inner.devices == ["meta"]
    assert make_separator("comb", device="cpu").name == wrapped.name == "voices/comb"
    assert wrapped.grid == Grid(2048, 256)
