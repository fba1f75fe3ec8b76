"""Small changes to a function's source, each of which a good grader should notice.

Operators, constants, axes, order of arguments, dropped statements. Left alone: docstrings,
annotations, what is raised, and checks of the input that end in `raise`.
"""

import ast
import copy
from collections.abc import Callable, Iterator

SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


SYMMETRIC = {"transpose", "swapaxes", "min", "max", "isinstance"}


def mutants(source: str, keep: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source), one for each single change.

    Methods of a class that are named in `keep` are left alone.

    >>> for what, _ in mutants("def f(x):\\n    return x + 1"):
    ...     print(what)
    return x + 1 → return x - 1
    return x + 1 → return x + 2
    return x + 1 → return x + 0
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for place, (statement, node) in enumerate(_places(tree, keep)):
        for way in range(len(_ways(node))):
            twin = copy.deepcopy(tree)
            its_statement, its_node = list(_places(twin, keep))[place]
            _ways(its_node)[way]()
            changed = ast.unparse(ast.fix_missing_locations(twin))
            if changed not in seen:
                seen.add(changed)
                yield f"{_line(statement)} → {_line(its_statement)}", changed


def _line(statement: ast.stmt) -> str:
    """A statement in one line; of a compound statement only its head."""
    return ast.unparse(statement).splitlines()[0]


def _places(tree: ast.Module, keep: tuple[str, ...]) -> Iterator[tuple[ast.stmt, ast.AST]]:
    """Every node that may be changed, with the statement that it stands in."""
    top = tree.body[0]
    for function in [top] if isinstance(top, ast.FunctionDef) else top.body:
        if isinstance(function, ast.FunctionDef) and function.name not in keep:
            yield from _in_block(function.body)


def _in_block(statements: list[ast.stmt]) -> Iterator[tuple[ast.stmt, ast.AST]]:
    for statement in statements:
        if _is_left_alone(statement):
            continue
        yield statement, statement
        for node in _expressions(statement):
            yield statement, node
        for name in ("body", "orelse", "finalbody"):
            yield from _in_block(getattr(statement, name, []))


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in a statement, without the statements inside it, annotations and f-strings."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and isinstance(
            node, ast.FunctionDef | ast.AnnAssign
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            inner = isinstance(child, ast.expr | ast.comprehension | ast.keyword | ast.withitem)
            if inner and not isinstance(child, ast.JoinedStr):
                yield child
                yield from _expressions(child)


def _is_left_alone(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise | ast.Assert | ast.Pass | ast.Import | ast.ImportFrom):
        return True
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return True  # a docstring
    if isinstance(statement, ast.Try):
        return any(isinstance(one.body[-1], ast.Raise) for one in statement.handlers)
    only_checks = isinstance(statement, ast.If) and not statement.orelse
    return only_checks and isinstance(statement.body[-1], ast.Raise)


def _ways(node: ast.AST) -> list[Callable[[], None]]:
    """The changes that can be made to a node, each a function that makes it in place."""

    match node:
        case ast.BinOp(op=ast.MatMult()):
            return [lambda: _exchange(node, "left", "right")]
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPS:
            return [lambda: setattr(node, "op", SWAPS[type(op)]())]
        case ast.Compare(ops=[op, *rest]):
            return [lambda: setattr(node, "ops", [SWAPS[type(op)](), *rest])]
        case ast.UnaryOp(operand=operand):
            return [lambda: _become(node, operand)]
        case ast.IfExp():
            return [lambda: _exchange(node, "body", "orelse")]
        case ast.Constant(value=bool(value)):
            return [lambda: setattr(node, "value", not value)]
        case ast.Constant(value=int(value)):
            return [lambda by=by: setattr(node, "value", value + by) for by in (1, -1)]
        case ast.Constant(value=float(value)):
            return [lambda: setattr(node, "value", 2 * value or 1.0)]
        case ast.Call(args=args, keywords=keywords):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            reorder = [args.reverse] if len(args) == 2 and called not in SYMMETRIC else []
            return reorder + [lambda i=i: keywords.pop(i) for i in range(len(keywords))]
        case ast.Assign() | ast.AugAssign() | ast.Expr() | ast.Delete() | ast.Continue():
            drop = [lambda: _become(node, ast.Pass())]
            if isinstance(node, ast.AugAssign) and type(node.op) in SWAPS:
                drop.append(lambda: setattr(node, "op", SWAPS[type(node.op)]()))
            return drop
        case ast.If(test=test):
            return [lambda: setattr(node, "test", ast.UnaryOp(ast.Not(), test))]
    return []


def _become(node: ast.AST, other: ast.AST) -> None:
    """Turn a node into another one where it stands."""
    node.__class__, node.__dict__ = other.__class__, dict(other.__dict__)


def _exchange(node: ast.AST, one: str, other: str) -> None:
    """Exchange two parts of a node."""
    first, second = getattr(node, one), getattr(node, other)
    setattr(node, one, second)
    setattr(node, other, first)
