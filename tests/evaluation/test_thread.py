"""The figure of the whole course: what it shows is what stands in the files."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import files
from course_utils.evaluation import plots, thread

ASKED = "a [MASK] film."


@pytest.fixture(scope="module")
def figure():
    plots.style()
    fig = thread.draw(**thread.collected(), sentence=ASKED, guesses=[("good", 0.5), ("bad", 0.25)])
    yield fig
    plt.close(fig)


def test_the_curves_are_those_of_the_log(figure):
    log = json.loads((files.checkpoint_dir() / "log.json").read_text("utf-8"))
    line = figure.axes[3].lines[0]
    assert list(line.get_ydata()) == [one["loss"] for one in log["evaluations"]]
    assert {round(one.get_ydata()[0], 9) for one in figure.axes[3].lines[1:]} == {
        round(log["ladder"][name], 9) for name in ("unigram", "bigram")
    }


def test_the_accuracies_are_means_over_seeds(figure):
    table = pd.read_json(files.data_dir() / "reference" / "lesson_08.jsonl", lines=True)
    table = table.query("model == 'tfidf' and on == 'test'").dropna(subset="labels")
    expected = 100 * table.groupby("labels").accuracy.mean()
    (line,) = [one for one in figure.axes[4].lines if one.get_label() == "TF-IDF"]
    assert np.allclose(line.get_xdata(), expected.index)
    assert np.allclose(line.get_ydata(), expected)


def test_every_panel_has_a_name_and_axes_have_labels(figure):
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes]
    assert [title[:3] for title in titles] == [f"{number} ·" for number in range(1, 7)]
    assert all(ax.get_xlabel() for ax in figure.axes[1:])


def test_what_is_missing_is_said():
    known = thread.collected()
    with pytest.raises(ValueError, match="a sentence with"):
        thread.draw(**known, sentence="a film", guesses=[("good", 0.5)])
    with pytest.raises(ValueError, match="a pretraining run"):
        thread.draw({}, known["plateau"], [], ASKED, [("good", 0.5)])
