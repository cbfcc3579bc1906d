"""A run leaves its state after every epoch, the best of them beside it, and goes on to the same end."""

from pathlib import Path

import lightning as L
import pytest
import torch

from stemless import pictures
from stemless.errors import MissingExtraError
from stemless.runner import EpochData, RunSettings, draw_curve, read_curve, run_training

SETTINGS = RunSettings(
    steps=8, steps_per_epoch=2, patience_epochs=100, gradient_clip=1.0, seed=0, device="cpu"
)


class Away(L.LightningModule):
    """Its weight grows, so that validation is best after the first epoch; it may die on the way."""

    def __init__(self, dies_after: int = 10**6) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.dies_after = dies_after

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        if self.global_step >= self.dies_after:
            raise MemoryError
        loss = -(self.weight * batch).sum()
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=1)
        return loss

    def validation_step(self, batch: torch.Tensor, index: int) -> None:
        self.log("validation_loss", self.weight.abs().sum(), batch_size=1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class Ones(torch.utils.data.Dataset[torch.Tensor]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        if index >= 2:
            raise IndexError(index)
        return torch.ones(1)


def data() -> EpochData:
    return EpochData(lambda epoch: Ones(), Ones())


def steps(path: Path) -> int:
    return int(torch.load(path, weights_only=True)["global_step"])


def test_the_last_state_is_kept_where_validation_gets_worse(tmp_path: Path) -> None:
    best = run_training(Away(), data(), tmp_path, SETTINGS)
    assert (best.name, steps(best), steps(tmp_path / "checkpoints/last.ckpt")) == ("best.ckpt", 2, 8)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


def test_without_validation_the_last_state_is_the_best(tmp_path: Path) -> None:
    last = run_training(Away(), EpochData(lambda epoch: Ones(), None), tmp_path, SETTINGS)
    assert (last.name, steps(last)) == ("last.ckpt", 8)
    assert [path.name for path in last.parent.iterdir()] == ["last.ckpt"]


def test_a_run_that_broke_goes_on_from_its_last_epoch(tmp_path: Path) -> None:
    run_training(Away(), data(), tmp_path / "whole", SETTINGS)
    with pytest.raises(MemoryError):
        run_training(Away(dies_after=7), data(), tmp_path / "parts", SETTINGS)
    last = tmp_path / "parts/checkpoints/last.ckpt"
    assert steps(last) == 6
    resumed = Away()
    resumed.on_train_start = lambda: begun.append(resumed.global_step)  # type: ignore[method-assign]
    begun: list[int] = []
    best = run_training(resumed, data(), tmp_path / "parts", SETTINGS)
    assert begun == [6] and steps(best) == 2 and steps(last) == 8
    assert read_curve(tmp_path / "parts") == read_curve(tmp_path / "whole")


def test_the_curves_of_a_run_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_training(Away(), data(), tmp_path, SETTINGS)
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")

    drawn = {}
    monkeypatch.setattr(pictures, "learning_curve_picture", lambda panels, *_, **__: drawn.update(panels))
    (tmp_path / "curve.json").write_text(
        '[{"step": 2, "train_loss": 3}, {"step": 4, "train_loss": 2, "validation_sdr_db": 1}]'
    )
    draw_curve(tmp_path)
    assert drawn == {"loss": {"train loss": ([2, 4], [3, 2])}, "dB": {"validation sdr": ([4], [1])}}


def test_a_run_ends_well_without_matplotlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise MissingExtraError("matplotlib", "picture")

    monkeypatch.setattr(pictures, "_figure", missing)
    run_training(Away(), data(), tmp_path, SETTINGS)
    assert not (tmp_path / "curve.png").exists() and read_curve(tmp_path)


def test_a_picture_that_cannot_be_written_spoils_no_run(tmp_path: Path) -> None:
    (tmp_path / "curve.png").mkdir()
    (tmp_path / "curve.png/kept").touch()
    with pytest.warns(UserWarning, match=r"curve\.png"):
        best = run_training(Away(), data(), tmp_path, SETTINGS)
    assert best.exists()


def test_a_picture_that_cannot_be_written_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / "curve.png").mkdir()
    (tmp_path / "curve.png/kept").touch()
    with pytest.warns(UserWarning, match=r"curve\.png"), pytest.raises(MemoryError):
        run_training(Away(dies_after=7), data(), tmp_path, SETTINGS)
