"""Figures in one style: safe colours, an opaque ground, and a description that is text.

Colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart; lines
differ in dash or marker too, so that a print in grey still reads.
"""

import io

import matplotlib.pyplot as plt
import torch
from IPython.display import display

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, YELLOW, AMBER, BLACK = "#56B4E9", "#F0E442", "#E69F00", "#000000"
COLOURS = [BLUE, ORANGE, GREEN, PINK, SKY, AMBER, BLACK]


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
    """Draw the mean of several runs (R, N) over x (N,), shaded from the lowest to the highest."""
    runs = torch.as_tensor(runs)
    (line,) = ax.plot(x, runs.mean(0), label=label, color=colour, linestyle=linestyle)
    low, high = runs.min(0).values, runs.max(0).values
    ax.fill_between(x, low, high, alpha=0.2, color=line.get_color(), linewidth=0)


def show(fig, description: str) -> None:
    """Show a figure with its numbered one-line description as text under it."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", bbox_inches="tight")
    plt.close(fig)
    display({"image/png": buffer.getvalue(), "text/plain": description}, raw=True)
