"""What a wrong array has to do with the right one, when no catalogued mistake fits.

"Every number is 4 times too large" says more than the first number that differs.
"""

import numpy as np

from course_utils.exercises.compare import as_array

CLOSE = 1e-3


def clue(expected, got) -> str:
    """A relation between two arrays in a few words, "" when there is none to see.

    >>> clue(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0]))
    'every number is 2 times what it should be'
    >>> clue(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 3.0], [2.0, 4.0]]))
    'it is right with its last two axes exchanged'
    """
    wanted, given = as_array(expected), as_array(got)
    if wanted is None or given is None or wanted.size < 2 or "c" in _kinds(wanted, given):
        return ""
    if wanted.shape == given.shape and _same(given, wanted):
        return ""  # so near that any relation would be chance: another dtype, or too coarse
    if wanted.dtype.kind == "b":
        inverted = given.dtype.kind == "b" and given.shape == wanted.shape
        return "every truth value is inverted" if inverted and (given != wanted).all() else ""
    wanted, given = wanted.astype(np.float64), given.astype(np.float64)
    if min(wanted.ndim, given.ndim) >= 2 and _same(np.swapaxes(given, -1, -2), wanted):
        return "it is right with its last two axes exchanged"
    if wanted.shape != given.shape and _same(given.ravel(), wanted.ravel()):
        return "the numbers are right, the shape is not"
    if wanted.shape != given.shape or not (np.isfinite(wanted).all() and np.isfinite(given).all()):
        return ""
    return _arithmetic(wanted, given)


def _kinds(*arrays: np.ndarray) -> str:
    return "".join(array.dtype.kind for array in arrays)


def _arithmetic(wanted: np.ndarray, given: np.ndarray) -> str:
    """A constant factor, a constant difference, or another order."""
    if np.ptp(wanted) <= CLOSE * np.abs(wanted).max():  # all alike: any relation would be chance
        return ""
    factor = (given * wanted).sum() / (wanted * wanted).sum()
    if abs(factor) > CLOSE and _same(given, factor * wanted):
        if abs(factor + 1) < CLOSE:
            return "every number has the wrong sign"
        return f"every number is {factor:.4g} times what it should be"
    offset = (given - wanted).mean()
    if _same(given, wanted + offset):
        return f"every number is {abs(offset):.4g} too {'large' if offset > 0 else 'small'}"
    if _same(np.sort(given, axis=None), np.sort(wanted, axis=None)):
        return "the right numbers in the wrong places"
    return ""


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    scale = np.abs(other[np.isfinite(other)]).max(initial=0.0)
    return bool(np.isclose(one, other, rtol=CLOSE, atol=CLOSE * scale, equal_nan=True).all())
