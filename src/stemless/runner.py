"""One way to run a training: seeds, checkpoints, resuming, early stopping, curves, progress.

A run is a folder. It holds `checkpoints/last.ckpt` (all that is needed to go on to the same result) and
`checkpoints/best.ckpt` where there is validation; TensorBoard curves, and `curve.json`, the losses of every
epoch, with the extra `picture` also drawn (`curve.png`). Called again on the same folder, a run goes on where
it stopped.
"""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from stemless.errors import MissingExtraError, StemlessError

try:
    import lightning as L
    from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
    from lightning.pytorch.loggers import TensorBoardLogger
except ModuleNotFoundError as error:
    raise MissingExtraError(error.name or "lightning", "train") from None

MAY_CHANGE = ("threads", "device", "devices", "output", "credits", "beside")
"""Settings of a training that may be others when it goes on."""
OnProgress = Callable[[float, float], None]
"""Called with (steps done, steps in all)."""


@dataclass(frozen=True)
class RunSettings:
    """How long to train, and what to do on the way; `devices` processes share each step."""

    steps: int
    steps_per_epoch: int
    patience_epochs: int
    gradient_clip: float
    seed: int
    device: str = "auto"
    devices: int = 1


class EpochData(L.LightningDataModule):
    """Loaders made anew each epoch from `train(epoch)`, so that a resumed run draws the same batches.

    The last epoch holds what is left of the steps.
    """

    def __init__(
        self,
        train: Callable[[int], torch.utils.data.Dataset[Any]],
        validation: torch.utils.data.Dataset[Any] | None,
    ) -> None:
        super().__init__()
        self.train_of, self.validation = train, validation

    def train_dataloader(self) -> torch.utils.data.DataLoader[Any]:
        epoch = self.trainer.current_epoch if self.trainer else 0
        return torch.utils.data.DataLoader(self.train_of(epoch), batch_size=None, collate_fn=_as_it_is)

    def val_dataloader(self) -> torch.utils.data.DataLoader[Any] | list[Any]:
        if self.validation is None:
            return []
        return torch.utils.data.DataLoader(self.validation, batch_size=None, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:
    return batch


class _Watch(Callback):
    """Progress to the caller, losses and scores to `curve.json`."""

    def __init__(self, path: Path, steps: int, on_progress: OnProgress | None) -> None:
        self.path, self.steps, self.on_progress = path, steps, on_progress

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        if self.on_progress and trainer.is_global_zero:
            self.on_progress(trainer.global_step, self.steps)

    def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
        if not trainer.is_global_zero:
            return
        measured = {
            name: round(float(value), 6)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(("train_", "validation_"))
        }
        rows = [row for row in read_curve(self.path.parent) if row["step"] < trainer.global_step]
        rows.append({"step": trainer.global_step, **measured})
        temporary = self.path.with_suffix(".part")
        temporary.write_text(json.dumps(rows, indent=0) + "\n", encoding="utf-8")
        temporary.replace(self.path)


def claim(run: Path, settings: Mapping[str, Any]) -> None:
    """Mark a run folder with its settings; going on with other ones is refused.

    Raises:
        StemlessError: the folder holds a run with other settings, or something else.
    """
    wanted = {key: value for key, value in settings.items() if key not in MAY_CHANGE}
    # As it will be read again: a tuple comes back as a list.
    wanted = json.loads(json.dumps(wanted))
    marker = run / "training.json"
    if marker.exists():
        if json.loads(marker.read_text(encoding="utf-8")) != wanted:
            raise StemlessError(
                f"{run}: holds a run with other settings; choose another output or delete the folder"
            )
        return
    if run.exists() and any(run.iterdir()):
        raise StemlessError(f"{run}: is not empty and holds no training run; choose another output")
    run.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def read_curve(run: Path) -> list[dict[str, float]]:
    """What a run measured by epoch: rows of step, train_loss and, with validation, validation_loss."""
    path = run / "curve.json"
    if not path.exists():
        return []
    rows: list[dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
    return rows


def draw_curve(run: Path) -> None:
    """Draw what a run measured as `curve.png`: losses, and under them what is in dB.

    Without matplotlib (extra `picture`), or before the first epoch's end, there is nothing to draw.

    Raises:
        StemlessError: the picture cannot be written.
    """
    from stemless.pictures import learning_curve_picture

    rows = read_curve(run)
    panels: dict[str, dict[str, tuple[list[float], list[float]]]] = {}
    for name in dict.fromkeys(name for row in rows for name in row if name != "step"):
        measured = [(row["step"], row[name]) for row in rows if name in row]
        steps, values = map(list, zip(*measured, strict=True))
        words = name.removesuffix("_db").replace("_", " ")
        panels.setdefault("dB" if name.endswith("_db") else "loss", {})[words] = steps, values
    if panels:
        with contextlib.suppress(MissingExtraError):
            learning_curve_picture(panels, run / "curve.png", overwrite=True)


def run_training(
    module: L.LightningModule,
    data: EpochData,
    run: Path,
    settings: RunSettings,
    on_progress: OnProgress | None = None,
) -> Path:
    """Train until the steps are done or validation stops improving; returns the best checkpoint's path.

    The module logs `train_loss` and, where there is validation data, `validation_loss`; without it
    the last state counts as the best.

    Raises:
        StemlessError: the checkpoint in the folder cannot be used.
        KeyboardInterrupt: after the current state has been left on disk by the last epoch's end.
    """
    _quiet()
    checkpoints = run / "checkpoints"
    last, best = checkpoints / "last.ckpt", checkpoints / "best.ckpt"
    watched = "validation_loss" if data.validation is not None else None
    kept = {last: None} | ({best: watched} if watched else {})
    callbacks: list[Callback] = [
        # By themselves: with `save_last`, only an epoch that is the best so far leaves its state.
        *(
            ModelCheckpoint(
                checkpoints,
                path.stem,
                monitor=monitor,
                enable_version_counter=False,
                save_on_train_epoch_end=True,
            )
            for path, monitor in kept.items()
        ),
        _Watch(run / "curve.json", settings.steps, on_progress),
    ]
    if watched:
        callbacks.append(
            EarlyStopping(watched, patience=settings.patience_epochs, check_on_train_epoch_end=True)
        )
    L.seed_everything(settings.seed, verbose=False)
    trainer = L.Trainer(
        accelerator={"auto": "auto", "cpu": "cpu", "cuda": "gpu", "mps": "mps"}[settings.device],
        devices=settings.devices,
        strategy="ddp" if settings.devices > 1 else "auto",
        # Batches say themselves what each process draws.
        use_distributed_sampler=False,
        # Counted in epochs: a run counted in steps replays the end of an epoch when it is resumed.
        max_epochs=-(-settings.steps // settings.steps_per_epoch),
        gradient_clip_val=settings.gradient_clip,
        callbacks=callbacks,
        logger=TensorBoardLogger(run, name="", version="tensorboard"),
        enable_progress_bar=False,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=10,
    )
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    except SystemExit:
        # Lightning answers Ctrl-C by leaving the process; the caller has its own way to end.
        if trainer.interrupted:
            raise KeyboardInterrupt from None
        raise
    except (RuntimeError, KeyError, EOFError) as error:
        if last.exists() and trainer.global_step == 0:
            reason = str(error).strip().splitlines()[0][:120]
            raise StemlessError(
                f"{last}: does not fit this training ({reason}); choose another run folder"
            ) from None
        raise
    finally:
        signal.signal(signal.SIGINT, handler)
        if trainer.is_global_zero:
            _draw_curve_or_warn(run)
    if settings.devices > 1:
        trainer.strategy.barrier()
        if not trainer.is_global_zero:
            # This process is a copy of the command that Lightning has started; the first one goes on.
            raise SystemExit(0)
    return best if watched else last


def _draw_curve_or_warn(run: Path) -> None:
    """A picture that cannot be written spoils no training, and hides no error that ended it."""
    try:
        draw_curve(run)
    except StemlessError as error:
        warnings.warn(str(error), stacklevel=3)


def process_number() -> int:
    """Which of the processes of a training this is; 0 where it is alone."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return int(torch.distributed.get_rank())
    return 0


def load_state(path: Path) -> dict[str, Any]:
    """The weights in a run's checkpoint, loaded without running any pickled code."""
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    return state


def _quiet() -> None:
    """Keep Lightning's notes about hardware and workers off the user's screen."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
