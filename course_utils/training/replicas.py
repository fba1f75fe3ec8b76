"""One training step in several processes, measured: do the gradients agree, and is it faster?

    torchrun --nproc-per-node 2 -m course_utils.training.replicas --out build/replicas

`launch` does this from Python, so that a lesson can compare one process with two.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_utils import files, machine
from course_utils.text.masking import Corruption
from course_utils.training.loop import TrainConfig, gradients
from course_utils.training.optim import build_optimizers
from course_utils.training.parallel import Team, team
from course_utils.training.pretraining import Recipe, batches, mlm_loss

SPECIAL = (0, 1, 2, 3, 4)
PATIENCE = 120  # seconds
NAMES = ("figures.json", "gradients.safetensors")


@dataclass(frozen=True)
class Measured:
    """What one run found. Seconds are medians over its steps, without the first."""

    processes: int
    threads: int  # of each process
    tokens: int  # of a step, in all processes together
    step_seconds: float
    exchange_seconds: float  # summing one tensor as large as the gradient, and nothing else
    gradient_bytes: int
    largest_difference: float  # between the processes' weights after the last step

    @property
    def tokens_per_second(self) -> float:
        """How much text the processes get through together."""
        return self.tokens / self.step_seconds


def launch(
    processes: int,
    threads: int = 1,
    steps: int = 8,
    batch_size: int = 64,
    layers: int = 3,
    width: int = 128,
) -> tuple[Measured, dict[str, Tensor]]:
    """Train `steps` steps in `processes` processes of `threads` threads each, on this machine.

    Every step works on the same `batch_size` rows of 64 tokens, shared by the processes. Returns
    the measurement and the gradient of the first step, by name of the weight.

    Raises:
        ValueError: a number is no whole number from 1 upwards, there are fewer rows than
            processes, or fewer than two steps.
        RuntimeError: a process failed or took longer than two minutes.
    """
    sizes = {
        "processes": processes, "threads": threads, "steps": steps, "batch_size": batch_size,
        "layers": layers, "width": width,
    }  # fmt: skip
    for name, number in sizes.items():
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"{name} must be a whole number from 1 upwards, not {number!r}.")
    if batch_size < processes:
        raise ValueError(f"{batch_size} rows cannot be shared by {processes} processes.")
    if steps < 2:
        raise ValueError("At least 2 steps are needed: the first one is not timed.")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={processes}", "-m", __name__, "--out", folder]
        for name in ("steps", "batch_size", "layers", "width"):
            command += [f"--{name.replace('_', '-')}", str(sizes[name])]
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "COURSE_DEVICE": "cpu"}
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            _, said = process.communicate(timeout=PATIENCE)
        except BaseException as problem:  # Ctrl-C, too: the workers have sessions of their own
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            process.communicate()
            if not isinstance(problem, subprocess.TimeoutExpired):
                raise
            raise RuntimeError(f"The processes were stopped after {PATIENCE} seconds.") from None
        if process.returncode:
            last = ([line for line in said.splitlines() if "Error" in line] or ["?"])[-1]
            raise RuntimeError(f"A process failed: {last.strip()[:300]}")
        figures, tensors = (Path(folder) / name for name in NAMES)
        return Measured(**json.loads(figures.read_text("utf-8"))), load_file(tensors)


def measure(crew: Team, recipe: Recipe) -> tuple[Measured, dict[str, Tensor]]:
    """What every process does: the steps, one exchange, one comparison of all the weights.

    The text is drawn at random from the vocabulary: neither the gradients' agreement nor the time
    depends on what it says.
    """
    model = recipe.model()
    worker = crew.wrap(model)
    optimizers = build_optimizers(model, recipe.train.lr, recipe.train.weight_decay)
    dice = torch.Generator().manual_seed(0)
    rows = torch.randint(5, recipe.vocab_size, (recipe.batch_size, recipe.length), generator=dice)
    noise = Corruption(4, recipe.vocab_size, SPECIAL, rate=recipe.rate)
    batch_at = batches(rows, recipe.batch_size, noise, seed=0)
    first, seconds = {}, []
    for step in range(recipe.train.steps):
        share = batch_at(step)[crew.rank :: crew.size].to(crew.device)
        crew.wait()
        began = time.perf_counter()
        gradients(worker, [share], mlm_loss, crew)
        first = first or {name: w.grad.clone() for name, w in model.named_parameters()}
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        crew.wait()
        seconds.append(time.perf_counter() - began)
    weights = torch.cat([weight.detach().flatten() for weight in model.parameters()])
    figures = Measured(
        processes=crew.size,
        threads=torch.get_num_threads(),
        tokens=recipe.batch_size * recipe.length,
        step_seconds=_median(seconds[1:]),
        exchange_seconds=_median([_exchange(crew, weights) for _ in range(6)][1:]),
        gradient_bytes=weights.numel() * weights.element_size(),
        largest_difference=(crew.total(weights.clone()) / crew.size - weights).abs().max().item(),
    )
    return figures, first


def _exchange(crew: Team, weights: Tensor) -> float:
    numbers = torch.ones_like(weights)
    crew.wait()
    began = time.perf_counter()
    crew.total(numbers)
    return time.perf_counter() - began


def _median(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]


def main(arguments: list[str] | None = None) -> None:
    """The command line: join the team, measure, and let the leader write the result."""
    parser = argparse.ArgumentParser(description="Measure training in several processes.")
    parser.add_argument("--out", type=Path, required=True)
    for name, standard in (("steps", 8), ("batch-size", 64), ("layers", 3), ("width", 128)):
        parser.add_argument(f"--{name}", type=int, default=standard)
    args = parser.parse_args(arguments)
    machine.keep_freed_memory()
    recipe = Recipe(
        TrainConfig(steps=args.steps), vocab_size=2048, hidden_size=args.width,
        num_layers=args.layers, num_heads=2, mlp_size=args.width * 11 // 4, length=64,
        batch_size=args.batch_size,
    )  # fmt: skip
    with team() as crew:
        figures, first = measure(crew, recipe)
        if crew.leads:
            args.out.mkdir(parents=True, exist_ok=True)
            save_file(first, args.out / NAMES[1])
            files.atomic_write(args.out / NAMES[0], json.dumps(asdict(figures), indent=1))


if __name__ == "__main__":
    main()
