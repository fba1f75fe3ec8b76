"""Everything the lessons share. Importing the package is cheap: nothing heavy is loaded here.

A lesson needs four names at its top level, and each is fetched when it is first used::

    from course_utils import check, guess, hint, solution
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["check", "guess", "hint", "solution"]


def __getattr__(name: str):
    """Fetch the exercise functions on first use.

    >>> import course_utils
    >>> course_utils.no_such_thing
    Traceback (most recent call last):
        ...
    AttributeError: module 'course_utils' has no attribute 'no_such_thing'
    """
    if name in __all__:
        return getattr(import_module("course_utils.exercises"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
