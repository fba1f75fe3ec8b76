"""Everything that is written from an exercise: its card, its stub, its solution.

Nothing is written twice. The stub is the reference without its body; the solution is the reference.
"""

import ast
import builtins
import inspect
import sys
import textwrap
import types

from course_utils.exercises.exercise import Coding

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"  # as nbgrader wants them


def card(exercise) -> str:
    """The exercise's card, as Markdown."""
    stars = "★" * exercise.difficulty
    head = f"**Exercise {exercise.id} · {exercise.title}** ({stars}, {exercise.minutes} min)"
    text = f"{head}\n\n*Given:* {exercise.given}"
    if isinstance(exercise, Coding):
        return text
    options = "".join(f"\n- **{letter}** {said}" for letter, said in exercise.options.items())
    return f"{text}\n\n{exercise.ask}{chr(10) if options else ''}{options}"


def cell(exercise) -> str:
    """The code cell that the learner finds: the stub and the check."""
    if isinstance(exercise, Coding):
        return f'{stub(exercise)}\n\n\ncheck("{exercise.id}", {exercise.name})'
    verb = "guess" if exercise.kind == "guess" else "check"
    return f'{verb}("{exercise.id}", ...)'


def solved_cell(exercise) -> str:
    """The same cell, solved."""
    if isinstance(exercise, Coding):
        return f'{solution_source(exercise)}\n\n\ncheck("{exercise.id}", {exercise.name})'
    verb = "guess" if exercise.kind == "guess" else "check"
    return f'{verb}("{exercise.id}", {exercise.answer!r})'


def source_of(thing) -> str:
    """The source of a function or class, at the left edge, without decorators."""
    source = textwrap.dedent(inspect.getsource(thing))
    first = ast.parse(source).body[0].lineno - 1  # of `def` or `class`, after the decorators
    return "\n".join(source.rstrip().splitlines()[first:])


def reference_source(exercise: Coding) -> str:
    """The reference's source; its docstring is the task where the exercise has one of its own."""
    source = source_of(exercise.reference)
    return _with_task(source, exercise.task) if exercise.task else source


def solution_source(exercise: Coding) -> str:
    """The reference as it runs in a notebook: the imports that it needs, and its source."""
    parts = [imports(exercise.reference), reference_source(exercise)]
    return "\n\n\n".join(part for part in parts if part)


def stub(exercise: Coding) -> str:
    """The reference without its body, or the code with the bug."""
    if exercise.buggy:
        return _renamed(source_of(exercise.buggy), exercise)
    return _with_bodies(exercise, lambda body, indent: [f"{indent}raise NotImplementedError"])


def marked_solution(exercise: Coding) -> str:
    """The reference with each body between nbgrader's marks, which cut it out for students."""
    if exercise.buggy:
        return f"{stub(exercise)}\n\n\n{BEGIN}\n{reference_source(exercise)}\n{END}"
    return _with_bodies(
        exercise, lambda body, indent: [f"{indent}{BEGIN}", *body, f"{indent}{END}"]
    )


def _with_bodies(exercise: Coding, replace) -> str:
    """The reference with the body of each function that is asked for replaced."""
    source = reference_source(exercise)
    lines, pieces, done = source.splitlines(), [], 0
    node = ast.parse(source).body[0]
    for function in [node] if isinstance(node, ast.FunctionDef) else node.body:
        if isinstance(function, ast.FunctionDef) and function.name not in exercise.keep:
            start = _start_of_body(function, lines)
            body = lines[start : function.end_lineno]
            pieces += lines[done:start] + replace(body, " " * (function.col_offset + 4))
            done = function.end_lineno
    return "\n".join(pieces + lines[done:])


def _start_of_body(function: ast.FunctionDef, lines: list[str]) -> int:
    """The place of the first line after the docstring, or after the header when there is none."""
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        return first.end_lineno
    start = first.lineno - 1
    while lines[start - 1].strip().startswith("#"):  # a comment above the first line says too much
        start -= 1
    return start


def _with_task(source: str, task: str) -> str:
    """The source with another docstring."""
    node = ast.parse(source).body[0]
    lines, first = source.splitlines(), node.body[0]
    indent = " " * (node.col_offset + 4)
    has_docstring = ast.get_docstring(node) is not None
    end = first.end_lineno if has_docstring else first.lineno - 1
    text = textwrap.indent(f'"""{inspect.cleandoc(task)}', indent)
    text += f'\n{indent}"""' if "\n" in text else '"""'
    return "\n".join([*lines[: first.lineno - 1], *text.splitlines(), *lines[end:]])


def _renamed(source: str, exercise: Coding) -> str:
    """The code with the bug under the name that the learner mends it by."""
    old, new = exercise.buggy.__name__, exercise.name
    for word in (f"def {old}(", f"class {old}(", f"class {old}:"):
        source = source.replace(word, word.replace(old, new), 1)
    return source


def imports(reference) -> str:
    """The import lines that the reference's source needs when it stands in a notebook."""
    module = inspect.getmodule(reference)
    tree = ast.parse(source_of(reference))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    known = {name: getattr(module, name) for name in sorted(names) if hasattr(module, name)}
    lines = []
    for name, value in known.items():
        if value is reference or hasattr(builtins, name):
            continue
        if isinstance(value, types.ModuleType):
            lines.append(_import_of_module(name, value.__name__))
        elif isinstance(value, str | int | float | tuple):
            lines.append(f"{name} = {value!r}")
        else:
            lines.append(_import_of_thing(name, value, module.__name__))
    return "\n".join(sorted(lines, key=lambda line: ("=" in line, line)))


def _import_of_module(name: str, path: str) -> str:
    if name == path:
        return f"import {path}"
    parent, _, last = path.rpartition(".")
    if parent and last == name:
        return f"from {parent} import {name}"
    return f"import {path} as {name}"


def _import_of_thing(name: str, value, home: str) -> str:
    origin = getattr(value, "__module__", None)
    found_there = getattr(sys.modules.get(origin), name, None) is value
    return f"from {origin if found_there else home} import {name}"
