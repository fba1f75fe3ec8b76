"""Figures in one style: safe colours, an opaque ground, and a description that is text.

Colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart; lines
differ in dash or marker too, so that a print in grey still reads.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Sequence
from html import escape

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import display
from sklearn.isotonic import isotonic_regression

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, AMBER, BLACK = "#56B4E9", "#F0E442", "#E69F00", "#000000"
COLOURS = [BLUE, ORANGE, GREEN, PINK, SKY, AMBER, BLACK]
RUNGS = {"uniform": "ln V", "optimum": "Bayes optimum"}  # other rungs are called what they are


def style() -> None:
    """The course's look for every figure that follows."""
    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.dpi": 110,
            "font.size": 10,
            "image.cmap": "cividis",
            "legend.frameon": False,
        }
    )


def band(ax, x, runs, *, label=None, colour=None, linestyle="-") -> None:
    """Draw the mean of several runs (R, N) over x (N,), shaded from the lowest to the highest.

    Raises ValueError for shapes that do not fit.
    """
    runs = torch.as_tensor(runs)
    if runs.dim() != 2 or len(x) != runs.shape[1] or runs.numel() == 0:
        raise ValueError(
            f"runs must have shape (R, N) with N = {len(x)}, the length of x, not "
            f"{tuple(runs.shape)}."
        )
    (line,) = ax.plot(x, runs.mean(0), label=label, color=colour, linestyle=linestyle)
    low, high = runs.min(0).values, runs.max(0).values
    ax.fill_between(x, low, high, alpha=0.2, color=line.get_color(), linewidth=0)


def ladder(ax, rungs: dict[str, float]) -> None:
    """Draw the loss ladder behind a plot of losses: a dashed line for each rung, with its name.

    `rungs` says how many nats each takes, as `ngrams.loss_ladder` or `ToyLanguage.ladder` return
    it. The names stand to the right of the axes and move apart where rungs lie close together,
    so leave no legend there. Raises TypeError for anything but a dict of numbers, ValueError
    when it is empty or a rung is not finite.

    >>> fig, ax = plt.subplots()
    >>> ladder(ax, {"uniform": 8.32, "unigram": 6.31, "bigram": 6.25})
    >>> [text.get_text() for text in ax.texts]
    ['bigram 6.25', 'unigram 6.31', 'ln V 8.32']
    >>> plt.close(fig)
    """
    if not isinstance(rungs, dict) or not all(isinstance(v, int | float) for v in rungs.values()):
        raise TypeError("rungs must be a dict of names and nats, such as loss_ladder() returns.")
    if not rungs or not all(map(math.isfinite, rungs.values())):
        raise ValueError(f"rungs must hold at least one loss, all of them finite, not {rungs}.")
    dashes = itertools.cycle([(1, 1.5), (4, 2), (6, 2, 1, 2), (9, 2)])
    side, names = ax.get_yaxis_transform(), []  # x in shares of the axes, y in nats
    for (name, nats), dash in zip(sorted(rungs.items(), key=lambda r: r[1]), dashes, strict=False):
        ax.axhline(nats, color="0.4", linewidth=1, dashes=dash, zorder=1)
        names.append(
            ax.annotate(
                f"{RUNGS.get(name, name)} {nats:.2f}",
                (1, nats),
                xytext=(1.04, 0),
                xycoords=side,
                textcoords=ax.transAxes,
                va="center",
                fontsize="small",
                arrowprops={"arrowstyle": "-", "color": "0.4", "linewidth": 0.6},
            )
        )

    def place(_=None) -> None:
        """Put the names beside their rungs, a line apart; done anew when the limits change."""
        points = ax.get_window_extent().height * 72 / ax.figure.dpi
        gap = 1.3 * names[0].get_fontsize() / points * np.arange(len(names))
        heights = ax.transData.transform([(0, text.xy[1]) for text in names])
        heights = ax.transAxes.inverted().transform(heights)[:, 1]
        apart = isotonic_regression(heights - gap, increasing=True) + gap
        for text, height, wanted in zip(names, apart, heights, strict=True):
            text.set_y(height)
            text.set_visible(-0.01 <= wanted <= 1.01)  # the axes may show only some rungs

    ax.callbacks.connect("ylim_changed", place)
    place()


def attention_map(ax, weights, tokens: Sequence[str]):
    """Draw the attention weights (L, L) of one head: each row shows where one token looks.

    `tokens` are the L words at both sides. The colours run from 0 to 1 in every map, so that two
    of them can be compared. Returns the image, for a colour bar. Raises ValueError for a shape
    that does not fit, or weights outside 0 … 1.

    >>> fig, ax = plt.subplots()
    >>> _ = attention_map(ax, torch.eye(2), ["a", "film"])
    >>> [label.get_text() for label in ax.get_xticklabels()], ax.get_ylabel()
    (['a', 'film'], 'token that looks (query)')
    >>> plt.close(fig)
    """
    weights = torch.as_tensor(weights).detach().float().cpu()
    if weights.dim() != 2 or not weights.shape[0] == weights.shape[1] == len(tokens) > 0:
        raise ValueError(
            f"weights must be those of one head, (L, L) with L = {len(tokens)}, the number of "
            f"tokens, not {tuple(weights.shape)}."
        )
    if not 0 <= weights.min() <= weights.max() <= 1 + 1e-5:
        raise ValueError("weights must lie in 0 … 1: are these scores before the softmax?")
    image = ax.imshow(weights, vmin=0, vmax=1, cmap="cividis")
    size = max(5, min(10, 240 / len(tokens)))
    ax.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=size)
    ax.set_yticks(range(len(tokens)), tokens, fontsize=size)
    ax.set_xlabel("where it looks (key)")
    ax.set_ylabel("token that looks (query)")
    return image


def show(fig, description: str) -> None:
    """Show a figure with its numbered one-line description as text under it.

    Raises TypeError for a description that is no str, ValueError for one of several lines.
    """
    if not isinstance(description, str):
        raise TypeError(f"description must be a str, not {type(description).__name__}.")
    if len(description.splitlines()) != 1:
        raise ValueError("description must be one line of text, for those who cannot see it.")
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(fig)
    alternative = {"image/png": {"alt": description}}  # what a screen reader says to the image
    shown = {"image/png": buffer.getvalue(), "text/plain": description}
    display(shown, metadata=alternative, raw=True)
    caption = {"text/html": f"<p><em>{escape(description)}</em></p>", "text/plain": description}
    display(caption, raw=True)  # a notebook shows of each display only the richest form
