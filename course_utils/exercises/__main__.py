"""For authors: `python -m course_utils.exercises cell 04.2`, and `… sync 04`.

`cell` prints an exercise's card and stub, to be put into a lesson; `sync` writes all cards and
stubs of a lesson anew from the registry.
"""

import argparse
import sys

from course_utils.exercises import commands


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two; 1 and a sentence for an unknown exercise or lesson."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.exercises", description=__doc__)
    parser.add_argument("action", choices=["cell", "sync"])
    parser.add_argument(
        "what", help="an exercise's id for cell, a lesson's number or path for sync"
    )
    chosen = parser.parse_args(arguments)
    action = commands.cell if chosen.action == "cell" else commands.sync_notebook
    try:
        print(action(chosen.what))
    except (KeyError, FileNotFoundError, ValueError) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
