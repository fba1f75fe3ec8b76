"""What an exercise is, as its author writes it down.

`coding(...)` declares an exercise in which something is written: a function, a class, or the mended
form of code with a silent bug. `guess_question(...)` and `plot_question(...)` declare one in which
something is answered. The rest of a coding exercise is attached to it by decorators:

    scores = coding("04.2", title="Scaled scores", reference=attention.attention_scores, ...)

    @scores.cases                                   # seeded inputs, the smallest first
    @scores.oracle                                  # what an outside library says
    @scores.holds("every row sums to one")          # a property, optional
    @scores.wrong("did you divide by √d_k?", "4.3")     # at least four
    @scores.alternative                             # at least two other right answers

Stub, signature, docstring and solution are all taken from the reference: nothing is written twice.
"""

import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from course_utils.exercises import registry
from course_utils.exercises.draw import Case, Draw, case

__all__ = ["Coding", "Question", "Wrong", "case", "coding", "guess_question", "plot_question"]


class ExerciseError(ValueError):
    """An author's mistake in an exercise, said in one sentence."""


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that learners give: the code, what it shows, and what to read again."""

    answer: Any
    message: str
    section: str
    name: str


@dataclass(kw_only=True)
class Exercise:
    """What every exercise has, whatever its kind."""

    id: str  # "04.2": lesson 04, second exercise
    title: str
    difficulty: int  # 1 (a warm-up) to 5 (the stretch task)
    minutes: int
    given: str  # what the learner starts from, one line
    hints: list[str]  # two or more, each saying more than the one before
    why: str  # why the solution is so, shown with it
    then: str = ""  # what to try next, shown on success
    kind: str = ""

    @property
    def lesson(self) -> str:
        return self.id.split(".")[0]


@dataclass(kw_only=True)
class Coding(Exercise):
    """Write a function or a class, or mend one (`buggy` is then the code that is given)."""

    reference: Callable
    buggy: Callable | None = None
    task: str | None = None  # replaces the docstring in the stub when that gives the answer away
    keep: tuple[str, ...] = ()  # methods of a class that are given, not asked for
    tolerance: float | None = None  # None: by dtype; set it for answers that draw at random
    mutates: bool = False  # True when changing an argument is the task
    seconds: float = 3.0  # an answer that takes longer is stopped
    make_cases: Callable[[Draw], Iterable[Case]] | None = None
    expected: Callable | None = None
    observation: Callable | None = None
    properties: list[tuple[str, Callable]] = field(default_factory=list)
    wrong_answers: list[Wrong] = field(default_factory=list)
    alternatives: list[Callable] = field(default_factory=list)

    def __post_init__(self):
        written = "class" if inspect.isclass(self.reference) else "function"
        self.kind = "bug" if self.buggy else written

    @property
    def name(self) -> str:
        """What the learner's function or class is called."""
        return self.reference.__name__

    # What the grader needs, attached by decorators ------------------------------------------------

    def cases(self, function: Callable[[Draw], Iterable[Case]]):
        """`function(draw)` yields calls of the answer, `case(q, k)`, the smallest first."""
        self.make_cases = function
        return function

    def oracle(self, function: Callable):
        """`function(*arguments of the case)` gives what the answer must give, from outside."""
        self.expected = function
        return function

    def observe(self, function: Callable):
        """`function(answer, *arguments of the case)` turns an answer into what can be compared.

        Without it, that is what the answer returns. A class needs it (build one, run it), and so
        does a function that draws at random (count what it drew, and set `tolerance`).
        """
        self.observation = function
        return function

    def holds(self, sentence: str):
        """Attach a property: `function(answer, *arguments of the case)` is true when it holds."""

        def attach(function):
            self.properties.append((sentence, function))
            return function

        return attach

    def wrong(self, message: str, section: str):
        """Attach a wrong answer; its name is the misconception (`forgot_the_scale`)."""

        def attach(answer):
            self.wrong_answers.append(Wrong(answer, message, section, answer.__name__))
            return answer

        return attach

    def wrong_edit(self, name: str, old: str, new: str, message: str, section: str) -> None:
        """Attach a wrong answer that is the reference with one piece of text replaced."""
        self.wrong_answers.append(Wrong(self.edited(old, new), message, section, name))

    def alternative(self, answer: Callable):
        """Attach another right answer."""
        self.alternatives.append(answer)
        return answer

    def edited(self, old: str, new: str) -> Callable:
        """The reference with `old` replaced by `new` in its source."""
        source = textwrap.dedent(inspect.getsource(self.reference))
        if source.count(old) != 1:
            raise ExerciseError(
                f"exercise {self.id}: {old!r} stands {source.count(old)} times in the source of "
                f"{self.name}; an edit needs a text that stands there once."
            )
        return self.compiled(source.replace(old, new))

    def compiled(self, source: str) -> Callable:
        """A variant of the reference from its source, with the names of the reference's module."""
        scope = dict(vars(inspect.getmodule(self.reference)))
        exec(compile(source, f"<variant of {self.id}>", "exec"), scope)
        return scope[self.name]


@dataclass(kw_only=True)
class Question(Exercise):
    """Answer with a number, a word or the letter of an option.

    `wrong` maps the answers that learners give to what each of them shows.
    """

    ask: str
    answer: Any
    wrong: dict[Any, str]
    options: dict[str, str] = field(default_factory=dict)  # letter → text; none: a free answer
    tolerance: float = 0.0  # relative; a number this close counts as right
    section: str = ""


def coding(id: str, **fields) -> Coding:
    """Declare and register an exercise in which something is written. See `Coding`."""
    return registry.register(Coding(id=id, **fields))


def guess_question(id: str, **fields) -> Question:
    """Declare a prediction: recorded by `guess(id, value)`, scored later by `check(id)`."""
    return registry.register(Question(id=id, kind="guess", **fields))


def plot_question(id: str, **fields) -> Question:
    """Declare a choice that is read from a plot: `check(id, "b")`."""
    return registry.register(Question(id=id, kind="plot", **fields))
