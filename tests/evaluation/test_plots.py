"""Figures are looked at by people; what a machine can see of them is tested here."""

import itertools
import math

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.text import Text

from course_utils.evaluation import plots

REAL = {"uniform": 9.01, "unigram": 6.51, "bigram": 6.44}
TOY = {"uniform": 4.16, "unigram": 3.6, "bigram": 3.1, "optimum": 2.6}


@pytest.fixture
def ax():
    plots.style()
    fig, axes = plt.subplots(figsize=(6, 3))
    yield axes
    plt.close(fig)


def boxes(ax):
    """Where the labels of the rungs stand on the canvas, from the bottom up."""
    ax.figure.canvas.draw()
    found = [Text.get_window_extent(text) for text in ax.texts if text.get_visible()]
    return sorted(found, key=lambda box: box.y0)


@pytest.mark.parametrize("rungs", [REAL, TOY, {"unigram": 3.0}, dict.fromkeys("abcd", 5.0)])
@pytest.mark.parametrize("first", [True, False])
def test_every_rung_has_a_line_and_a_name_that_overlaps_no_other(ax, rungs, first):
    if first:  # the order in which a lesson draws must not matter
        plots.ladder(ax, rungs)
    ax.plot([0, 100], [9.1, 2.4])
    if not first:
        plots.ladder(ax, rungs)
    lines = [line for line in ax.lines if set(line.get_ydata()) <= set(rungs.values())]
    assert sorted(line.get_ydata()[0] for line in lines) == sorted(rungs.values())
    low, high = ax.get_ylim()
    assert low < min(rungs.values()) and max(rungs.values()) < high
    for below, above in itertools.pairwise(boxes(ax)):
        assert below.y1 <= above.y0
    assert len(boxes(ax)) == len(rungs)
    assert min(box.x0 for box in boxes(ax)) >= ax.get_window_extent().x1  # beside the data


def test_names_stand_beside_their_rungs_where_there_is_room(ax):
    plots.ladder(ax, TOY)
    for box, nats in zip(boxes(ax), sorted(TOY.values()), strict=True):
        height = ax.transData.transform((0, nats))[1]
        assert box.y0 < height < box.y1
    assert {text.get_text() for text in ax.texts} == {
        "ln V 4.16", "unigram 3.60", "bigram 3.10", "Bayes optimum 2.60",
    }  # fmt: skip


def test_a_rung_outside_the_axes_has_no_name(ax):
    plots.ladder(ax, TOY)
    ax.set_ylim(2.5, 3.3)
    assert len(boxes(ax)) == 2


def test_lines_of_a_ladder_differ_in_dash(ax):
    plots.ladder(ax, TOY)
    assert len({str(line._dash_pattern) for line in ax.lines}) == len(TOY)


def test_an_attention_map_shows_the_weights_and_the_words(ax):
    weights = torch.rand(5, 5, generator=torch.Generator().manual_seed(0)).softmax(1)
    tokens = ["[CLS]", "a", "fine", "film", "[SEP]"]
    image = plots.attention_map(ax, weights.requires_grad_(), tokens)
    assert torch.equal(torch.as_tensor(image.get_array()), weights.detach())
    assert image.get_clim() == (0, 1)
    assert [label.get_text() for label in ax.get_xticklabels()] == tokens
    assert [label.get_text() for label in ax.get_yticklabels()] == tokens


def test_a_band_runs_from_the_lowest_to_the_highest(ax):
    plots.band(ax, [0, 1], [[1.0, 4.0], [3.0, 6.0]], label="runs")
    (line,), (area,) = ax.lines, ax.collections
    assert line.get_ydata().tolist() == [2.0, 5.0] and line.get_label() == "runs"
    heights = area.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (1.0, 6.0)


def test_a_figure_comes_with_its_description_as_text(ax, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda data, raw, metadata=None: shown.append(data))
    plots.show(ax.figure, "Figure 1. Nothing.")
    assert shown[0]["text/plain"] == "Figure 1. Nothing."
    assert shown[0]["image/png"][:4] == b"\x89PNG"
    assert "Figure 1. Nothing." in shown[1]["text/html"]
    assert ax.figure.number not in plt.get_fignums()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda ax: plots.ladder(ax, {}), ValueError, "at least one"),
        (lambda ax: plots.ladder(ax, {"unigram": math.nan}), ValueError, "finite"),
        (lambda ax: plots.ladder(ax, [8.3, 6.2]), TypeError, "dict"),
        (lambda ax: plots.ladder(ax, {"unigram": "6.2"}), TypeError, "dict"),
        (lambda ax: plots.attention_map(ax, torch.eye(3), ["a", "b"]), ValueError, "L = 2"),
        (lambda ax: plots.attention_map(ax, torch.ones(1, 2, 2), ["a", "b"]), ValueError, "one"),
        (lambda ax: plots.attention_map(ax, torch.eye(2) * 3, ["a", "b"]), ValueError, "softmax"),
        (lambda ax: plots.attention_map(ax, torch.eye(2) - 1, ["a", "b"]), ValueError, "softmax"),
        (lambda ax: plots.band(ax, [0, 1], [1.0, 2.0]), ValueError, "shape"),
        (lambda ax: plots.band(ax, [0, 1], [[1.0, 2.0, 3.0]]), ValueError, "N = 2"),
        (lambda ax: plots.show(ax.figure, None), TypeError, "str"),
        (lambda ax: plots.show(ax.figure, ""), ValueError, "one line"),
    ],
)
def test_bad_input_gets_one_sentence(ax, call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(ax)
    assert "\n" not in str(caught.value)
