"""Lesson 09: what to expect before it is computed, and what to read from a curve."""

from course_utils.exercises.exercise import guess_question, plot_question

lazy = guess_question(
    "09.1",
    title="The filter that never says spam",
    difficulty=1,
    minutes=1,
    given="messages of which two in a hundred are spam",
    ask="A spam filter calls nothing spam, ever. What is its accuracy, as a share from 0 to 1?",
    answer=0.98,
    tolerance=0.001,
    wrong={
        0.02: "that is the share of spam: on those it is wrong, and on all others right",
        0.5: "a blind guess would get that; this one always says the frequent class",
        0.0: "it finds no spam, but it is right about everything that is none",
    },
    section="9.1",
    hints=["About which messages is it wrong?", "It is wrong about the spam, and only there."],
    why="98 of 100 messages are no spam, and it says so. Accuracy is a mean over texts, so the "
    "frequent class owns it.",
)

curves = plot_question(
    "09.2",
    title="The epoch to stop at",
    difficulty=2,
    minutes=3,
    given="Figure 9.1: loss and accuracy, epoch by epoch, on sentences trained on and on others",
    ask="What happens on the validation part after the loss there was lowest?",
    options={
        "a": "loss and accuracy both get worse: the model forgets what it knew",
        "b": "the loss rises, accuracy does not fall: wrong answers are given with more certainty",
        "c": "the loss falls on, since the training loss falls on",
        "d": "nothing: both stay where they are",
    },
    answer="b",
    wrong={
        "a": "look at the right panel again: does the accuracy fall with it?",
        "c": "that is the curve of the sentences that it was trained on",
        "d": "accuracy even rises by a few points; and the loss more than doubles",
    },
    section="9.2",
    hints=[
        "Read the two panels apart: first the solid line on the left, then on the right.",
        "A loss can rise while no decision changes. What must have changed then?",
    ],
    why="Accuracy asks on which side of one half a chance lies, the loss asks how far. Learning by "
    "heart pushes every chance to the edge, right or wrong, so the loss pays and accuracy sees "
    "nothing.",
)

temperature = guess_question(
    "09.11",
    title="What a temperature can do",
    difficulty=2,
    minutes=2,
    given="a classifier with an accuracy of 64 % that is far too sure of itself; its logits are "
    "divided by T = 4 before the softmax",
    ask="What is its accuracy afterwards?",
    options={
        "a": "higher: it has become more careful",
        "b": "the same",
        "c": "lower: a quarter of the signal is left",
    },
    answer="b",
    wrong={
        "a": "more careful, yes, but does any decision change its side?",
        "c": "all logits of a text shrink together: which one is the largest?",
    },
    section="9.7",
    hints=[
        "Which class is guessed? The one with the largest logit.",
        "Does dividing all of them by the same number change which is the largest?",
    ],
    why="Dividing by a positive number keeps the order, so every decision stays. A temperature "
    "mends what is said about the decisions, not the decisions.",
)

five = guess_question(
    "09.14",
    title="Five seeds and a p-value",
    difficulty=3,
    minutes=3,
    given="model A beats model B with each of five seeds",
    ask="If the two were equally good, each difference could as well have the other sign. Of all "
    "2⁵ ways to choose signs, what share is at least as one-sided as what we saw, on either side?",
    answer=0.0625,
    tolerance=0.001,
    wrong={
        0.03125: "that is one side alone; B might as well have won all five",
        0.05: "that is a threshold that people use, no count",
        0.2: "count the ways to choose five signs: 2 · 2 · 2 · 2 · 2",
    },
    section="9.9",
    hints=[
        "How many ways are there to choose five signs?",
        "All plus and all minus: two of 32.",
    ],
    why="2/32 = 0.0625. Five seeds can never reach p < 0.05 in this test, whatever the gap; six "
    "can. Small samples have small voices.",
)
