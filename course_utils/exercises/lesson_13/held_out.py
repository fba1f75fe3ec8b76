"""Lesson 13, section 13.3: a law tried on the run that it has not seen."""

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from course_utils.exercises.exercise import case, coding


def leave_one_out(columns: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """What each run's loss would have been said to be by all the other runs, an array (R,).

    columns is (R, K), losses (R,).  A law is a vector of K numbers w, found by least squares, and
    it says `columns @ w`; the column of ones, if there is one, is in `columns` already.
    """
    said = np.zeros(len(losses))
    for i in range(len(losses)):
        others = np.arange(len(losses)) != i
        law = np.linalg.lstsq(columns[others], losses[others])[0]
        said[i] = columns[i] @ law
    return said


held_out = coding(
    "13.4",
    title="Nine laws, each without one run",
    difficulty=4,
    minutes=10,
    given="the columns of exercise 13.3 and the losses of R runs; `np`",
    reference=leave_one_out,
    hints=[
        "For run 0, which rows may the law see? For run 1?",
        "Make a mask that is true for all runs but one, fit on those rows, and ask the law about "
        "the row that it has not seen.",
        "`others = np.arange(len(losses)) != i`, then `np.linalg.lstsq(columns[others], "
        "losses[others])[0]`, then `columns[i] @ law`.",
    ],
    why="A law with more numbers always comes nearer to the runs that it was fitted to. Only a run "
    "that it has not seen can tell whether it has understood anything.",
    then="do the same with the mean of all other losses as the law. Is yours better?",
)


@held_out.cases
def held_out_cases(draw):
    yield case(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]]), np.array([0, 2, 2, 5.0]))
    for runs, width in ((9, 3), (draw.size(6, 9), 2)):
        columns = draw.normal(runs, width).double().numpy()
        columns[:, 0] = 1
        yield case(columns, draw.normal(runs).double().numpy() + 3)
    columns = draw.normal(7, 2).double().numpy()  # no column of ones
    yield case(columns, draw.normal(7).double().numpy() + 1)


@held_out.oracle
def by_cross_validation(columns, losses):
    """scikit-learn."""
    line = LinearRegression(fit_intercept=False)
    return cross_val_predict(line, columns, losses, cv=LeaveOneOut())


@held_out.wrong("each law has seen the run that it is asked about: leave it out of the fit", "13.3")
def left_nothing_out(columns, losses):
    return columns @ np.linalg.lstsq(columns, losses)[0]


@held_out.wrong("those are the errors; the losses that were said are asked for", "13.3")
def errors_instead(columns, losses):
    return losses - leave_one_out(columns, losses)


@held_out.wrong("each law is fitted to the runs before it; all the others are there, too", "13.3")
def earlier_runs_only(columns, losses):
    laws = [np.linalg.lstsq(columns[:i], losses[:i])[0] for i in range(len(losses))]
    return np.array([row @ law for row, law in zip(columns, laws, strict=True)])


@held_out.wrong("you left the next run out, and not the one that is asked about", "13.3")
def off_by_one(columns, losses):
    order = np.arange(len(losses))
    laws = [
        np.linalg.lstsq(np.delete(columns, (i + 1) % len(losses), 0),
                        np.delete(losses, (i + 1) % len(losses)))[0]
        for i in order
    ]  # fmt: skip
    return np.array([columns[i] @ laws[i] for i in order])


@held_out.wrong("you set the run's loss to zero; a run that is left out must not count at all",
                "13.3")  # fmt: skip
def counted_as_zero(columns, losses):
    said = []
    for i in range(len(losses)):
        rest = losses.copy()
        rest[i] = 0
        said.append(columns[i] @ np.linalg.lstsq(columns, rest)[0])
    return np.array(said)


@held_out.wrong("you take the mean of the other losses: where is the law?", "13.3")
def mean_of_the_others(columns, losses):
    return (losses.sum() - losses) / (len(losses) - 1)


@held_out.alternative
def from_the_hat_matrix(columns, losses):
    hat = columns @ np.linalg.pinv(columns)
    return losses - (losses - hat @ losses) / (1 - np.diag(hat))


@held_out.alternative
def with_delete(columns, losses):
    return np.array(
        [
            columns[i] @ np.linalg.pinv(np.delete(columns, i, axis=0)) @ np.delete(losses, i)
            for i in range(len(losses))
        ]
    )
