"""Data parallel training: the same loop in several processes, started by ``torchrun``.

    torchrun --nproc-per-node 2 -m course_utils.training.pretraining --recipe lesson
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from course_utils.machine import autocast_dtype, pick_device, settle_bf16


@dataclass(frozen=True)
class Team:
    """Which of how many processes this is, and the device that it works on."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """True in the one process that prints, evaluates and writes files."""
        return self.rank == 0

    def total(self, value: Tensor) -> Tensor:
        """The sum of ``value`` over the processes."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def wait(self) -> None:
        """Hold until every process has come here."""
        if self.size > 1:
            dist.barrier()

    def wrap(self, model: nn.Module) -> nn.Module:
        """The model, with gradients averaged over the processes during backward."""
        return nn.parallel.DistributedDataParallel(model) if self.size > 1 else model


@contextmanager
def team() -> Iterator[Team]:
    """Join the processes that ``torchrun`` started; alone, a team of one.

    Gloo carries the gradients between CPUs, NCCL between NVIDIA GPUs.

    >>> with team() as alone:
    ...     alone.size, alone.leads
    (1, True)
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield Team(0, 1, pick_device())
        return
    device = pick_device()
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        if device.type == "cpu":  # in which number type: the leader's answer is everybody's
            answer = torch.tensor(float(autocast_dtype(device) is not None))
            dist.broadcast(answer, 0)
            settle_bf16(bool(answer))
        yield Team(dist.get_rank(), size, device)
    finally:
        settle_bf16(None)
        dist.destroy_process_group()
