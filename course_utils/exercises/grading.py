"""Judge an answer: not attempted, crashed, wrong or correct, and what the mistake is called."""

import dis
import inspect
import types
from typing import Any

import numpy as np
import torch

from course_utils.exercises import running
from course_utils.exercises.clues import clue
from course_utils.exercises.compare import describe, difference
from course_utils.exercises.diagnosis import diagnose
from course_utils.exercises.display import CORRECT, CRASHED, NOT_ATTEMPTED, WRONG, Outcome
from course_utils.exercises.exercise import Coding, Question
from course_utils.exercises.running import Result, Trial


def grade(exercise, answer: Any, seed: int = 0, dtype: torch.dtype = torch.float32) -> Outcome:
    """The outcome of one answer; the same for the same seed."""
    if answer is None or answer is ...:
        return not_attempted(exercise)
    if isinstance(exercise, Question):
        return _grade_question(exercise, answer)
    return _grade_coding(exercise, answer, seed, dtype)


def not_attempted(exercise, also: str = "") -> Outcome:
    return Outcome(exercise.id, NOT_ATTEMPTED, f'hint("{exercise.id}")' + also)


def correct(exercise) -> Outcome:
    then = f" · next: {exercise.then}" if exercise.then else ""
    return Outcome(exercise.id, CORRECT, exercise.title + then)


# Coding ----------------------------------------------------------------------------------------


def _grade_coding(exercise: Coding, answer, seed: int, dtype) -> Outcome:
    wanted = "class" if inspect.isclass(exercise.reference) else "function"
    if not callable(answer) or inspect.isclass(answer) != (wanted == "class"):
        call = f'check("{exercise.id}", {exercise.name})'
        return Outcome(exercise.id, WRONG, f"hand over the {wanted} itself: {call}")
    if exercise.buggy and same_code(answer, exercise.buggy):
        return not_attempted(exercise)

    cases = running.build_cases(exercise, seed, dtype)
    expected = running.expectations(exercise, cases, seed)
    trial = running.run(exercise, answer, cases, expected, seed)
    if _is_stub(exercise, answer, trial, expected):
        return not_attempted(exercise, _so_far(exercise, answer, trial))
    if not trial.finished:
        return _stopped(exercise, trial, cases)
    wrong = [place for place, result in enumerate(trial.results) if not result.right]
    if not wrong:
        return correct(exercise)
    first = trial.results[wrong[0]]
    details = _details(exercise, cases[wrong[0]], expected[wrong[0]], first, trial)
    if len(wrong) < len(cases):
        details += (("right on", f"{len(cases) - len(wrong)} of {len(cases)} inputs"),)
    recognised = diagnose(exercise, trial, cases, expected, seed)
    if recognised:
        message = f"{recognised.message} (section {recognised.section})"
        return Outcome(exercise.id, WRONG, message, recognised.name, details)
    if first.error is not None:
        return Outcome(exercise.id, CRASHED, said(first.error), None, details)
    seen = clue(expected[wrong[0]], first.value) if first.differs else ""
    return Outcome(exercise.id, WRONG, seen or _generic(exercise, first), None, details)


def _is_stub(exercise: Coding, answer, trial: Trial, expected: list) -> bool:
    """Untouched: raises NotImplementedError, or returns nothing where something is expected."""
    if not trial.results:
        return False
    first = trial.results[0]
    if isinstance(first.error, NotImplementedError) and _by_hand(first.error):
        return True
    if inspect.isclass(answer):
        asked = [name for name in vars(exercise.reference) if name not in exercise.keep]
        methods = [vars(answer).get(name) for name in asked]
        return not first.right and any(is_empty(m) for m in methods if inspect.isfunction(m))
    nothing = trial.returned is None or trial.returned is ...
    return nothing and not first.right and expected[0] is not None and not exercise.mutates


def _by_hand(error: Exception) -> bool:
    """Whether a `raise` of the learner's raised it: PyTorch has the same kind of its own."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    code = last.tb_frame.f_code
    raised = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raised and not code.co_filename.startswith(running.LIBRARY)


def _so_far(exercise: Coding, answer, trial: Trial) -> str:
    """What is there already in an answer that counts as not attempted, "" for nothing."""
    if isinstance(answer, types.FunctionType):
        return " · it returns None" if trial.returned is None and not is_empty(answer) else ""
    if not inspect.isclass(answer):
        return ""
    asked = {name: one for name, one in _methods(answer) if name not in exercise.keep}
    empty = [f"`{name}`" for name, one in asked.items() if is_empty(one) or is_refusal(one)]
    missing = " and ".join(empty)
    return f" · still to be written: {missing}" if 0 < len(empty) < len(asked) else ""


def is_refusal(function) -> bool:
    """Does the function do nothing but raise NotImplementedError?"""
    steps = _steps(function.__code__)
    return steps[:1] == [("LOAD_GLOBAL", "NotImplementedError")] and "RAISE" in steps[-1][0]


def is_empty(function) -> bool:
    """Does the function do nothing at all (`pass`, `...`, `return None`, only a docstring)?

    >>> is_empty(lambda: None), is_empty(lambda: 1)
    (True, False)
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    nothing = [("LOAD_CONST", None), ("RETURN_VALUE", None)]
    return _steps(code) in (nothing, [("RETURN_CONST", None)])


def same_code(one, other) -> bool:
    """Do two functions, or two classes, have the same instructions, whatever their layout?"""
    if inspect.isclass(one) and inspect.isclass(other):
        theirs, ours = dict(_methods(one)), dict(_methods(other))
        return theirs.keys() == ours.keys() and all(same_code(theirs[n], ours[n]) for n in ours)
    one, other = getattr(one, "__code__", one), getattr(other, "__code__", other)
    if not (isinstance(one, types.CodeType) and isinstance(other, types.CodeType)):
        return type(one) is type(other) and one == other
    ours, theirs = _steps(one), _steps(other)
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and same_code(a[1], b[1]) for a, b in zip(ours, theirs, strict=True)
    )


def _steps(code: types.CodeType) -> list[tuple[str, Any]]:
    """The instructions, alike whether or not the same cell imports the modules that it uses.

    A jump is told by the number of the step that it leads to: offsets in bytes differ with the
    sort of call, and so with the place of the import.
    """
    alike = {"LOAD_METHOD": "LOAD_ATTR", "PRECALL": "CALL"}
    jumps, number, steps = {*dis.hasjrel, *dis.hasjabs}, {}, []
    for one in dis.get_instructions(code):
        number[one.offset] = len(steps)
        if one.opname not in ("PUSH_NULL", "RESUME", "NOP", "CACHE", "EXTENDED_ARG"):
            steps.append(one)
    return [
        (
            alike.get(one.opname, one.opname),
            number[one.argval] if one.opcode in jumps else one.argval,
        )
        for one in steps
    ]


def _methods(cls):
    return [(name, value) for name, value in vars(cls).items() if inspect.isfunction(value)]


def said(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _generic(exercise: Coding, first: Result) -> str:
    if first.changed:
        names = " and ".join(f"`{name}`" for name in first.changed)
        return f"{exercise.name} changes its argument {names}: work on a copy"
    if first.broken:
        return f"it does not hold that {first.broken[0]}"
    return first.differs or ""


def _details(exercise: Coding, one, expected, first: Result, trial: Trial):
    names = running.named_arguments(exercise, one.args, one.kwargs)
    tried = "\n".join(f"{name} = {describe(value)}" for name, value in names.items())
    lines = [("tried on", tried or f"{exercise.name}()")]
    if first.error is not None:
        lines.append(("stopped by", said(first.error)))
        lines.append(("at", running.learner_line(first.error) or "the call itself"))
    elif first.differs:
        if isinstance(expected, np.ndarray) and isinstance(first.value, torch.Tensor):
            expected = torch.from_numpy(expected)  # so that the two look alike
        lines += [("expected", describe(expected)), ("got", describe(first.value))]
        lines.append(("differs", first.differs))
    if trial.printed:
        lines.append(("it printed", "\n".join(trial.printed.splitlines()[:5])))
    return tuple(lines)


def _stopped(exercise: Coding, trial: Trial, cases) -> Outcome:
    place = min(len(trial.results), len(cases) - 1)
    details = _details(exercise, cases[place], None, Result(), trial)
    where = running.learner_line(trial.stop) if trial.stop else ""
    details += (("at", where or "an unknown line"),)
    message = f"stopped after {exercise.seconds:g} s; is there a loop that never ends?"
    return Outcome(exercise.id, CRASHED, message, None, details)


# Questions -------------------------------------------------------------------------------------


def _grade_question(exercise: Question, answer) -> Outcome:
    if exercise.options:
        answer = answer.strip().lower() if isinstance(answer, str) else describe(answer)
        if answer not in exercise.options:
            letters = ", ".join(exercise.options)
            return Outcome(exercise.id, WRONG, f"choose one of {letters}, not {describe(answer)}")
    if _equal(exercise.answer, answer, exercise.tolerance):
        return correct(exercise)
    reveal = exercise.kind == "guess" and not exercise.options
    said = f"you said {describe(answer)}, it is {exercise.answer}: " if reveal else ""
    for value, message in exercise.wrong.items():
        if _equal(value, answer, exercise.tolerance):
            section = f" (section {exercise.section})" if exercise.section else ""
            return Outcome(exercise.id, WRONG, f"{said}{message}{section}", str(value))
    return Outcome(exercise.id, WRONG, said.strip(": ") or "look again")


def _equal(expected, answer, tolerance: float) -> bool:
    if isinstance(expected, str):
        return isinstance(answer, str | int) and str(answer).strip().lower() == expected.lower()
    return difference(expected, answer, tolerance or 1e-9) is None
