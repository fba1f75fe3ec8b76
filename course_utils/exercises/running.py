"""Run an answer on every case and keep what happened, for the grader to judge."""

import inspect
import linecache
import sysconfig
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from course_utils.exercises import sandbox
from course_utils.exercises.compare import difference
from course_utils.exercises.draw import Case, Draw
from course_utils.exercises.exercise import Coding

NOTHING = object()  # "the answer has not returned yet": None is something that it may return


@dataclass
class Result:
    """What an answer did on one case."""

    value: Any = None
    error: BaseException | None = None
    differs: str | None = None  # from what was expected, and how
    changed: list[str] = field(default_factory=list)  # arguments that it altered
    broken: list[str] = field(default_factory=list)  # properties that do not hold

    @property
    def right(self) -> bool:
        return not (self.error or self.differs or self.changed or self.broken)


@dataclass
class Trial:
    """What an answer did on all cases."""

    results: list[Result] = field(default_factory=list)
    finished: bool = False
    printed: str = ""
    returned: Any = NOTHING  # by the very first call of a function
    stop: BaseException | None = None  # what stopped an endless loop, and where


def build_cases(exercise: Coding, seed: int, dtype: torch.dtype = torch.float32) -> list[Case]:
    """The seeded cases of an exercise, the smallest first."""
    with sandbox.guarded(seed):
        return list(exercise.make_cases(Draw(seed, dtype)))


def expectations(exercise: Coding, cases: list[Case], seed: int) -> list:
    """What the oracle says to each case."""
    with sandbox.guarded(seed):
        return [
            exercise.expected(*sandbox.clone(one.args), **sandbox.clone(one.kwargs))
            for one in cases
        ]


def run(
    exercise: Coding, answer, cases, expected, seed: int, seconds: float = 0.0, until=None
) -> Trial:
    """Run `answer` on the cases, within the time allowed and without side effects.

    `until(place, result)` is asked after each case; the trial ends early when it is true.
    """
    trial = Trial()

    def spied(*args, **kwargs):
        value = answer(*args, **kwargs)
        if trial.returned is NOTHING:
            trial.returned = value
        return value

    candidate = answer if inspect.isclass(answer) else spied

    def work():
        try:
            for one, wanted in zip(cases, expected, strict=True):
                trial.results.append(_result(exercise, candidate, one, wanted))
                if until and until(len(trial.results) - 1, trial.results[-1]):
                    break
        except sandbox.TimeUp as stop:
            trial.stop = stop
            raise

    with sandbox.guarded(seed) as printed:
        trial.finished = sandbox.limited(work, seconds or exercise.seconds)
        trial.printed = printed.getvalue()
    return trial


def _result(exercise: Coding, answer, one: Case, wanted) -> Result:
    result = Result()
    args, kwargs = sandbox.clone(one.args), sandbox.clone(one.kwargs)
    try:
        if exercise.observation:
            result.value = exercise.observation(answer, *args, **kwargs)
        else:
            args, kwargs = positional(exercise, args, kwargs)
            result.value = answer(*args, **kwargs)
            if inspect.isgenerator(result.value):
                result.value = list(result.value)
    except sandbox.TimeUp:
        raise
    except BaseException as error:  # also SystemExit and KeyboardInterrupt: a check never raises
        result.error = error
        return result
    result.differs = difference(wanted, result.value, exercise.tolerance)
    if not exercise.mutates:
        result.changed = _changed(exercise, one, args, kwargs)
    if result.right:
        result.broken = [
            sentence for sentence, holds in exercise.properties if not _holds(holds, answer, one)
        ]
    return result


def _holds(holds, answer, one: Case) -> bool:
    try:
        return bool(holds(answer, *sandbox.clone(one.args), **sandbox.clone(one.kwargs)))
    except Exception:
        return False


def positional(exercise: Coding, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """The call with as few names as possible, so that a learner may rename the parameters."""
    bound = inspect.signature(exercise.reference).bind(*args, **kwargs)
    return bound.args, bound.kwargs


def named_arguments(exercise: Coding, args: tuple, kwargs: dict) -> dict[str, Any]:
    """The arguments of a case by the names that the task uses."""
    shape = exercise.expected if exercise.observation else exercise.reference
    return dict(inspect.signature(shape).bind(*args, **kwargs).arguments)


def _changed(exercise: Coding, one: Case, args: tuple, kwargs: dict) -> list[str]:
    before = named_arguments(exercise, one.args, one.kwargs)
    after = named_arguments(exercise, args, kwargs)
    return [name for name in before if not sandbox.unchanged(before[name], after[name])]


LIBRARY = tuple(
    {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {str(Path(__file__).parents[1]), str(Path(torch.__file__).parent)}
)


def learner_line(error: BaseException) -> str:
    """The last line of the learner's own code on the way to an error, e.g. "line 3: x = y / 0"."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__, limit=None)
        if not frame.filename.startswith((*LIBRARY, "<frozen"))
    ]
    if not frames:
        return ""
    last = frames[-1]
    text = last.line or linecache.getline(last.filename, last.lineno).strip()
    return f"line {last.lineno} of {last.name}" + (f":  {text}" if text else "")
