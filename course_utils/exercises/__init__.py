"""Exercises that say what went wrong, and graders that are themselves tested.

For learners: `check`, `hint`, `solution` and `guess` (engine). For authors: `exercise`, and
docs/adding-exercises.md.
"""

from course_utils.exercises.engine import check, guess, hint, solution

__all__ = ["check", "guess", "hint", "solution"]
