"""Lesson 13, sections 13.3 and 13.5: a law from nine runs, and the size that it recommends."""

import numpy as np
from scipy import optimize
from sklearn.linear_model import LinearRegression

from course_utils.evaluation import scaling
from course_utils.exercises.exercise import case, coding


def fit_with_exponents(
    parameters: np.ndarray, tokens: np.ndarray, losses: np.ndarray, alpha: float, beta: float
) -> np.ndarray:
    """E, A and B of the law L = E + A/N^alpha + B/D^beta, as an array (3,).

    parameters (N), tokens (D) and losses are float arrays (R,), an entry for each run.  The sum of
    the squared errors over the runs is to be as small as can be.
    """
    columns = np.stack([np.ones(len(losses)), parameters**-alpha, tokens**-beta], axis=1)
    return np.linalg.lstsq(columns, losses)[0]


fit = coding(
    "13.3",
    title="The straight part of a curved law",
    difficulty=3,
    minutes=8,
    given="the sizes, tokens and losses of a few runs, and two exponents; `np`",
    reference=fit_with_exponents,
    hints=[
        "With alpha and beta given, N^-alpha and D^-beta are just numbers, one for each run. How "
        "does the loss depend on E, A and B then?",
        "It is a straight line in three unknowns. Make a matrix with three columns: ones, "
        "N^-alpha, D^-beta.",
        "`np.linalg.lstsq(columns, losses)[0]` solves it.",
    ],
    why="Only the exponents make the law curved. Search those on a grid, solve the rest exactly: "
    "no starting values, no step size, the same answer every time.",
    then="which exponents fit best? Try a grid of ten by ten and look at how flat the bottom is.",
)


@fit.cases
def fit_cases(draw):
    sizes, words = np.array([1.0, 4.0, 1.0, 4.0]), np.array([1.0, 1.0, 9.0, 9.0])
    yield case(sizes, words, 2 + 1 / sizes**0.5 + 3 / words**0.5, 0.5, 0.5)
    for runs, alpha, beta in ((9, 0.3, 0.6), (7, 1.0, 0.25)):
        sizes = 10 * draw.uniform(runs).double().numpy() + 1
        words = 50 * draw.uniform(runs).double().numpy() + 1
        noise = 0.1 * draw.normal(runs).double().numpy()
        yield case(sizes, words, 2 + 3 * sizes**-alpha + 4 * words**-beta + noise, alpha, beta)


@fit.oracle
def by_scikit_learn(parameters, tokens, losses, alpha, beta):
    line = LinearRegression().fit(np.stack([1 / parameters**alpha, 1 / tokens**beta], 1), losses)
    return np.array([line.intercept_, *line.coef_])


@fit.wrong("A and B stand above a fraction: the loss falls with N and D, the powers are negative",
           "13.3")  # fmt: skip
def rising_powers(parameters, tokens, losses, alpha, beta):
    columns = np.stack([np.ones(len(losses)), parameters**alpha, tokens**beta], axis=1)
    return np.linalg.lstsq(columns, losses)[0]


@fit.wrong("you have no column for E: the law would have to reach zero in the end", "13.3")
def no_floor(parameters, tokens, losses, alpha, beta):
    columns = np.stack([parameters**-alpha, tokens**-beta], axis=1)
    return np.array([0.0, *np.linalg.lstsq(columns, losses)[0]])


@fit.wrong("the exponents are exchanged: alpha belongs to the parameters, beta to the tokens",
           "13.3")  # fmt: skip
def exchanged_exponents(parameters, tokens, losses, alpha, beta):
    return fit_with_exponents(parameters, tokens, losses, beta, alpha)


@fit.wrong("you fitted the logarithm of the loss; with a floor E that is no straight line", "13.3")
def fitted_the_logarithm(parameters, tokens, losses, alpha, beta):
    return fit_with_exponents(parameters, tokens, np.log(losses), alpha, beta)


@fit.wrong("B and A are exchanged: E, A, B is the order", "13.3")
def wrong_order(parameters, tokens, losses, alpha, beta):
    return fit_with_exponents(parameters, tokens, losses, alpha, beta)[[0, 2, 1]]


@fit.wrong("the exponents do not appear: 1/N and 1/D are the special case alpha = beta = 1", "13.3")
def plain_fractions(parameters, tokens, losses, alpha, beta):
    return fit_with_exponents(parameters, tokens, losses, 1.0, 1.0)


@fit.alternative
def normal_equations(parameters, tokens, losses, alpha, beta):
    x = np.stack([losses * 0 + 1, parameters**-alpha, tokens**-beta])
    return np.linalg.solve(x @ x.T, x @ losses)


@fit.alternative
def by_scipy(parameters, tokens, losses, alpha, beta):
    x = np.stack([losses * 0 + 1, np.exp(-alpha * np.log(parameters)), tokens**-beta], axis=1)
    return optimize.lsq_linear(x, losses, tol=1e-14).x


optimum = coding(
    "13.5",
    title="A size for a budget",
    difficulty=3,
    minutes=8,
    tolerance=1e-6,  # a search in a flat valley finds its lowest point no more exactly
    given="a law with its numbers `law.floor`, `law.a`, `law.alpha`, `law.b`, `law.beta`, and a "
    "budget of operations",
    reference=scaling.compute_optimal,
    task="""Parameters N and tokens D of the lowest loss that `flops` = 6 N D operations can buy.

    The law says L = floor + a/N^alpha + b/D^beta.  Returns two floats.
    """,
    hints=[
        "Put D = C/(6N) into the law: one unknown is left. Where is its derivative zero?",
        "There alpha·a/N^alpha = beta·b/D^beta: a per cent more of either buys equally much.",
        "N = G·(C/6)^(beta/(alpha+beta)) with G = (alpha·a/(beta·b))^(1/(alpha+beta)).",
    ],
    why="In the valley a per cent more parameters and a per cent more tokens are worth the same. "
    "With equal exponents both grow like the square root of the budget: the rule of Chinchilla.",
    then="what do you choose if the model will answer a million questions a day afterwards?",
)


@optimum.cases
def optimum_cases(draw):
    yield case(scaling.ScalingLaw(2.0, 100.0, 0.5, 1000.0, 0.5), 6e12)
    for alpha, beta in ((0.3, 0.5), (0.6, 0.25)):
        a, b = 100.0 * draw.size(1, 9), 1000.0 * draw.size(1, 9)
        law = scaling.ScalingLaw(1.0 + draw.size(1, 3), a, alpha, b, beta)
        yield case(law, draw.size(2, 9) * 1e13)


@optimum.oracle
def by_a_search(law, flops):
    """SciPy walks down the valley."""

    def slope(log_n):
        n = np.exp(log_n)
        d = flops / 6 / n
        return law.beta * law.b * d**-law.beta - law.alpha * law.a * n**-law.alpha

    n = float(np.exp(optimize.brentq(slope, 0, np.log(flops / 6), xtol=1e-13)))
    return n, flops / 6 / n


@optimum.wrong("6 N D operations: the six is missing", "13.5")
def forgot_the_six(law, flops):
    return scaling.compute_optimal(law, 6 * flops)


@optimum.wrong("the exponents of the budget are exchanged: N grows with beta/(alpha+beta)", "13.5")
def exchanged_exponents_of_the_budget(law, flops):
    both = law.alpha + law.beta
    g = (law.alpha * law.a / (law.beta * law.b)) ** (1 / both)
    n = g * (flops / 6) ** (law.alpha / both)
    return n, flops / 6 / n


@optimum.wrong("tokens and parameters are exchanged", "13.5")
def exchanged(law, flops):
    return scaling.compute_optimal(law, flops)[::-1]


@optimum.wrong("you made a/N^alpha and b/D^beta equal; their slopes have to be: the exponents are "
               "factors", "13.5")  # fmt: skip
def equal_terms(law, flops):
    both = law.alpha + law.beta
    n = (law.a / law.b) ** (1 / both) * (flops / 6) ** (law.beta / both)
    return n, flops / 6 / n


@optimum.wrong("G wants its root: the whole fraction to the power of 1/(alpha+beta)", "13.5")
def forgot_the_root(law, flops):
    n = law.alpha * law.a / (law.beta * law.b) * (flops / 6) ** (law.beta / (law.alpha + law.beta))
    return n, flops / 6 / n


@optimum.alternative
def tokens_first(law, flops):
    both = law.alpha + law.beta
    d = (law.beta * law.b / law.alpha / law.a) ** (1 / both) * (flops / 6) ** (law.alpha / both)
    return flops / 6 / d, d


@optimum.alternative
def in_logarithms(law, flops):
    c, weight = np.log(flops / 6), np.log(law.alpha * law.a) - np.log(law.beta * law.b)
    n = np.exp((weight + law.beta * c) / (law.alpha + law.beta))
    return float(n), float(np.exp(c) / n)
