"""What the learner sees: the same words as plain text, for terminals and tests, and as HTML.

The HTML takes its text colour and background from the page, so that it reads in dark mode; the
coloured edge only repeats what the symbol and the words already say.
"""

from dataclasses import dataclass
from html import escape

NOT_ATTEMPTED, CRASHED, WRONG, CORRECT = "not attempted", "crashed", "wrong", "correct"
SYMBOLS = {NOT_ATTEMPTED: "○", CRASHED: "!", WRONG: "✗", CORRECT: "✓"}
EDGES = {NOT_ATTEMPTED: "#999999", CRASHED: "#E69F00", WRONG: "#D55E00", CORRECT: "#009E73"}

LABEL = "text-align:left;vertical-align:top;white-space:nowrap;opacity:.75"
TEXT = "margin:0;white-space:pre-wrap;overflow-wrap:anywhere;color:inherit;background:transparent"


class _Shown:
    """Something with a headline and labelled lines under it."""

    edge = "#56B4E9"

    def headline(self) -> str:
        raise NotImplementedError

    def lines(self) -> list[tuple[str, str]]:
        return []

    def __str__(self) -> str:
        width = max((len(label) for label, _ in self.lines()), default=0)
        indent = "\n" + " " * (width + 4)
        lines = ((label, text.replace("\n", indent)) for label, text in self.lines())
        return "\n".join(
            [self.headline(), *(f"  {label:<{width}}  {text}" for label, text in lines)]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="{LABEL}">{escape(label)}</td>'
            f'<td style="text-align:left"><pre style="{TEXT}">{escape(text)}</pre></td></tr>'
            for label, text in self.lines()
        )
        table = f'<table style="margin:.3em 0 0;color:inherit">{rows}</table>' if rows else ""
        return (
            f'<div style="border-left:4px solid {self.edge};padding:.2em .8em;color:inherit;'
            f'background:transparent"><strong>{escape(self.headline())}</strong>{table}</div>'
        )


@dataclass(frozen=True, repr=False)
class Outcome(_Shown):
    """What `check` says: exactly one of four statuses, a message, and what led to it.

    >>> Outcome("04.2", "not attempted", 'hint("04.2")')
    ○ 04.2 not attempted · hint("04.2")
    >>> Outcome("04.2", "wrong", "too large", details=(("expected", "1"), ("got", "2")))
    ✗ 04.2 too large
      expected  1
      got       2
    """

    id: str
    status: str
    message: str
    diagnosis: str | None = None  # the name of the catalogued wrong answer that was recognised
    details: tuple[tuple[str, str], ...] = ()

    @property
    def correct(self) -> bool:
        return self.status == CORRECT

    @property
    def edge(self) -> str:
        return EDGES[self.status]

    def headline(self) -> str:
        said = {NOT_ATTEMPTED: "not attempted · ", CRASHED: "crashed: "}.get(self.status, "")
        return f"{SYMBOLS[self.status]} {self.id} {said}{self.message}"

    def lines(self):
        return list(self.details)


@dataclass(frozen=True, repr=False)
class Note(_Shown):
    """A hint, a solution, a guess that was written down.

    >>> Note("hint 1 of 2 for 04.2", (("", "What is the variance of a sum?"),))
    hint 1 of 2 for 04.2
        What is the variance of a sum?
    """

    title: str
    body: tuple[tuple[str, str], ...] = ()

    def headline(self) -> str:
        return self.title

    def lines(self):
        return list(self.body)
