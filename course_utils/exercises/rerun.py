"""Run the answers of a saved notebook again, without Jupyter and without the rest of the lesson.

Of all statements in the notebook only those are run that the answers need: starting from the calls
of `check` and `guess`, every statement that binds a name which is used so far. A long training run
in the lesson is left out, unless an answer uses its result.
"""

import ast
import dis
import linecache
import re
import types
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.exercises import engine, notebooks
from course_utils.exercises.display import CRASHED, Outcome
from course_utils.exercises.grading import said
from course_utils.exercises.running import learner_line


@dataclass
class Statement:
    """One top-level statement of a notebook, or a whole cell that is no Python."""

    source: ast.Module | str
    filename: str
    calls: list[tuple[str, str]]  # the exercises that it checks or guesses
    uses: set[str] = field(default_factory=set)
    binds: set[str] = field(default_factory=set)

    def code(self) -> types.CodeType:
        return compile(self.source, self.filename, "exec")


def check_notebook(lesson: str | Path) -> list[Outcome]:
    """The outcomes of all checks in a saved notebook, in their order.

    Args:
        lesson: its number, "04", or the path of a notebook.

    Raises:
        FileNotFoundError: there is no such notebook.
        ValueError: the file is not a notebook.
    """
    statements = needed(statements_of(notebooks.read(notebooks.lesson_path(lesson))))
    outcomes: list[Outcome] = []

    def check(id, *args, **kwargs):
        outcomes.append(engine.check(id, *args, **kwargs))
        return outcomes[-1]

    scope = {"__name__": "__main__"}
    for one in statements:
        scope |= {"check": check, "guess": engine.guess}
        try:
            exec(one.code(), scope)
        except BaseException as error:  # a learner's cell may do anything, and the rest goes on
            checked = [id for called, id in one.calls if called == "check"]
            at = (("at", learner_line(error) or one.filename),)
            outcomes += [Outcome(id, CRASHED, said(error), None, at) for id in checked]
    return outcomes


def statements_of(notebook: dict) -> list[Statement]:
    """Every top-level statement of the notebook's code cells."""
    found = []
    for place, cell in enumerate(notebook["cells"]):
        code, filename = notebooks.code_of(cell), f"<cell {place + 1}>"
        try:
            nodes = ast.parse(code, filename).body
        except SyntaxError:
            ids = re.findall(r"""\bcheck\(\s*["']([^"']+)["']""", code)
            found.append(Statement(code, filename, [("check", id) for id in ids]))
            continue
        linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
        found += [_statement(node, filename) for node in nodes]
    return found


def _statement(node: ast.stmt, filename: str) -> Statement:
    calls = [
        (called, id)
        for called, id in notebooks.calls_in(ast.unparse(node))
        if called in ("check", "guess")
    ]
    one = Statement(ast.Module([node], []), filename, calls)
    one.uses, one.binds = names_in(one.code())
    places = ast.Attribute | ast.Subscript
    for part in ast.walk(node):  # `x.y = 1` and `x[0] += 1` change x, wherever they stand
        if isinstance(part, places) and not isinstance(part.ctx, ast.Load):
            while isinstance(part, places):
                part = part.value
            if isinstance(part, ast.Name):
                one.binds.add(part.id)
    return one


def names_in(code: types.CodeType) -> tuple[set[str], set[str]]:
    """The global names that a piece of code uses, nested functions included, and those it binds.

    >>> uses, binds = names_in(compile("def f(x): return x + y", "", "exec"))
    >>> uses, binds
    ({'y'}, {'f'})
    """
    uses, binds = set(), set()
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            uses.add(step.argval)
        elif step.opname == "STORE_NAME":
            binds.add(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            uses |= names_in(constant)[0]
    return uses, binds


def needed(statements: list[Statement]) -> list[Statement]:
    """The statements that the checks and guesses depend on, in order."""
    last = max((place for place, one in enumerate(statements) if one.calls), default=-1)
    chosen = {place for place in range(last + 1) if statements[place].calls}
    names: set[str] = set()
    while True:
        wanted = set().union(*(statements[place].uses for place in chosen)) if chosen else set()
        if wanted == names:
            return [statements[place] for place in sorted(chosen)]
        names = wanted
        chosen |= {place for place in range(last + 1) if statements[place].binds & names}
