"""Lesson 13, sections 13.6 and 13.7: who reads which rows, and who holds what."""

from fractions import Fraction

from torch.utils.data import DistributedSampler

from course_utils.exercises.exercise import case, coding


def my_rows(count: int, rank: int, size: int) -> list[int]:
    """Which of `count` rows process `rank` of `size` reads, a list of int.

    Process 0 reads row 0, process 1 row 1 … and when each has one, process 0 goes on.  All
    processes read equally many, so the last few rows may have to be left out by everybody.
    """
    return list(range(rank, count - count % size, size))


shares = coding(
    "13.7",
    title="Nobody may wait for ever",
    difficulty=2,
    minutes=5,
    given="a number of rows, and which of how many processes we are",
    reference=my_rows,
    hints=[
        "With 10 rows and 3 processes, what does each read? Which row does nobody read?",
        "Rows that are left over: `count % size`.",
        "`range(rank, count - count % size, size)`",
    ],
    why="After each step the processes add up their gradients, and whoever has no rows left never "
    "comes to that meeting: the others wait until somebody pulls the plug.",
    then="what is lost when the left-over rows are the same in every epoch? Shuffle first.",
)


@shares.cases
def shares_cases(draw):
    yield case(10, 1, 3)
    yield case(10, 0, 3)
    yield case(12, 3, 4)
    size = draw.size(3, 7)
    yield case(draw.size(30, 60), draw.size(0, size - 1), size)
    yield case(5, 0, 1)
    yield case(2, 1, 3)


@shares.oracle
def by_the_sampler(count, rank, size):
    """torch.utils.data; it cannot have fewer rows than processes."""
    if count < size:
        return []
    return list(DistributedSampler(range(count), size, rank, shuffle=False, drop_last=True))


@shares.wrong("some processes get a row more than others, and the others wait for ever", "13.6")
def uneven(count, rank, size):
    return list(range(rank, count, size))


@shares.wrong("each process reads a block; the rows are dealt out one by one like cards", "13.6")
def blocks(count, rank, size):
    each = count // size
    return list(range(rank * each, (rank + 1) * each))


@shares.wrong("every process reads all rows: then two processes do the work of one", "13.6")
def everything(count, rank, size):
    return list(range(count - count % size))


@shares.wrong("processes count from 0: process 0 reads row 0", "13.6")
def counted_from_one(count, rank, size):
    return [row - 1 for row in range(rank, count - count % size, size)]


@shares.wrong("left-over rows are filled up with the first ones: those are read twice", "13.6")
def padded(count, rank, size):
    rows = [*range(count), *range(-count % size)]
    return rows[rank::size]


@shares.alternative
def by_counting(count, rank, size):
    return [rank + turn * size for turn in range(count // size)]


@shares.alternative
def by_slicing(count, rank, size):
    return list(range(count))[: count // size * size][rank::size]


def bytes_per_process(parameters: int, processes: int, stage: int) -> float:
    """Bytes of weights, gradients and optimizer state that one of the processes has to hold.

    In mixed precision with AdamW a parameter takes 2 bytes as a weight, 2 as a gradient, and 12 in
    the optimizer (a full copy and two moments).  At stage 0 every process holds everything.  Stage
    1 shares out the optimizer's part evenly among the processes, stage 2 the gradients, too, and
    stage 3 the weights as well.
    """
    weights, gradients, optimizer = 2 * parameters, 2 * parameters, 12 * parameters
    if stage >= 1:
        optimizer = optimizer / processes
    if stage >= 2:
        gradients = gradients / processes
    if stage >= 3:
        weights = weights / processes
    return float(weights + gradients + optimizer)


memory = coding(
    "13.8",
    title="What each machine has to hold",
    difficulty=3,
    minutes=6,
    given="the size of a model, the number of processes, and a stage from 0 to 3",
    reference=bytes_per_process,
    hints=[
        "Write down the three parts for one parameter: 2, 2 and 12 bytes. Which of them is divided "
        "at which stage?",
        "Each stage includes the ones before it: at stage 2 both the optimizer's part and the "
        "gradients are divided.",
    ],
    why="Data parallel training copies everything into every process, and then all of them make "
    "the same update from the same gradients and moments. One process for each weight would do, "
    "so only that one needs the optimizer's part of it.",
    then="what does stage 3 cost? The weights have to be sent round before each layer is used.",
)


@memory.cases
def memory_cases(draw):
    yield case(1000, 4, 1)
    yield case(1000, 4, 3)
    yield case(5_286_400, 2, 0)
    for stage in range(4):
        yield case(1_000_000 * draw.size(2, 90), draw.size(3, 64), stage)


@memory.oracle
def in_fractions(parameters, processes, stage):
    """Python's fractions, part by part."""
    parts = [(12, 1), (2, 2), (2, 3)]  # bytes, and the stage from which they are shared
    each = sum(Fraction(size, processes if stage >= since else 1) for size, since in parts)
    return float(each * parameters)


@memory.holds("7.5 billion parameters on 64 GPUs take 120, 31.4, 16.6 and 1.9 GB (Rajbhandari et "
              "al. 2020, figure 1)")  # fmt: skip
def as_in_the_paper(answer, parameters, processes, stage):
    found = [answer(7_500_000_000, 64, s) / 1e9 for s in range(4)]
    return all(abs(f / w - 1) < 0.01 for f, w in zip(found, (120, 31.4, 16.6, 1.88), strict=True))


@memory.wrong("each stage includes the ones before it; you share out one part only", "13.7")
def one_part_at_a_time(parameters, processes, stage):
    sizes = {1: 12, 2: 2, 3: 2}
    shared = sizes.get(stage, 0)
    return float(parameters * (16 - shared + shared / processes))


@memory.wrong("stage 1 shares out the optimizer's part, not the weights: the largest part first",
              "13.7")  # fmt: skip
def weights_first(parameters, processes, stage):
    parts = [(2, 1), (2, 2), (12, 3)]
    return float(sum(p * parameters / (processes if stage >= s else 1) for p, s in parts))


@memory.wrong("four bytes for each part is plain float32; here a weight takes 2, 2 and 12", "13.7")
def plain_float32(parameters, processes, stage):
    parts = [(8, 1), (4, 2), (4, 3)]
    return float(sum(p * parameters / (processes if stage >= s else 1) for p, s in parts))


@memory.wrong("at stage 0 nothing is shared out: every process holds all 16 bytes", "13.7")
def always_shared(parameters, processes, stage):
    return 16 * parameters / processes


@memory.wrong("that is what all processes hold together; one of them was asked for", "13.7")
def all_together(parameters, processes, stage):
    return bytes_per_process(parameters, processes, stage) * processes


@memory.alternative
def in_one_line(parameters, processes, stage):
    shared = (0, 12, 14, 16)[stage]
    return parameters * (16 - shared + shared / processes)


@memory.alternative
def with_a_loop(parameters, processes, stage):
    total = 0.0
    for number, size in enumerate((12, 2, 2), 1):
        total += size * parameters / (processes if number <= stage else 1)
    return total
