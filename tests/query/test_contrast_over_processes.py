"""The contrastive loss in two real processes, as data-parallel training runs it."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from stemless.query.objectives import contrastive_loss

PROCESSES = 2


class Head(nn.Module):
    """Stands for all that is between the samples and the audio vectors."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(5, 4, dtype=torch.float64, generator=generator))

    def forward(self, features: Tensor) -> Tensor:
        return normalize(features @ self.weight, dim=1)


def data() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, text vectors, phrase numbers and mask of six pairs; a phrase is in both processes."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(6, 5, dtype=torch.float64, generator=generator)
    text = normalize(torch.randn(6, 4, dtype=torch.float64, generator=generator), dim=1)
    return (
        features,
        text,
        torch.tensor([1, 2, 3, 1, 4, 5]),
        torch.tensor([True, True, False, True, True, True]),
    )


def gather(tensor: Tensor) -> Tensor:
    return torch.cat(torch.distributed.nn.functional.all_gather(tensor.contiguous()))


def step(rank: int, folder: Path) -> None:
    """One process: the loss and the averaged gradient, written to a file."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES
    )
    head = Head()
    parallel = nn.parallel.DistributedDataParallel(head)
    features, text, ids, mask = (part.chunk(PROCESSES)[rank] for part in data())
    loss = contrastive_loss(parallel(features), text, ids, 0.1, mask=mask, gather=gather)
    loss.backward()
    torch.save((loss.detach(), head.weight.grad), folder / f"{rank}.pt")
    # Who leaves while the other still holds the connection can abort it.
    del parallel
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no processes")
def test_two_processes_learn_what_one_would(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(functools.partial(step, folder=tmp_path), nprocs=PROCESSES)
    head = Head()
    features, text, ids, mask = data()
    loss = contrastive_loss(head(features), text, ids, 0.1, mask=mask)
    loss.backward()
    for rank in range(PROCESSES):
        made, gradient = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        assert torch.allclose(made, loss.detach(), rtol=1e-12)
        assert head.weight.grad is not None and torch.allclose(gradient, head.weight.grad, rtol=1e-9)
