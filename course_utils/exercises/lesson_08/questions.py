"""Lesson 08: what to expect before it is computed, and what to read from a curve."""

from course_utils.exercises.exercise import guess_question, plot_question

majority = guess_question(
    "08.1",
    title="The laziest classifier",
    difficulty=1,
    minutes=1,
    given="a test part of 782 sentences; 378 of them are positive",
    ask="A classifier has collapsed and always says the same class, the more frequent one. What is "
    "its accuracy, as a share from 0 to 1?",
    answer=0.517,
    tolerance=0.004,
    wrong={
        0.483: "that is always saying *positive*, the rarer class",
        0.5: "close, but the classes are not quite equally large: count",
        0.0: "it is right whenever the class that it says happens to be true",
    },
    section="8.1",
    hints=[
        "How many sentences are negative?",
        "404 of 782 are negative: it is right on those.",
    ],
    why="404/782 = 0.517. Whoever does not know this number takes 52 % for learning.",
)

curves = plot_question(
    "08.6",
    title="Three curves, three illnesses",
    difficulty=2,
    minutes=3,
    given="Figure 8.1: the loss of fine-tuning at three learning rates",
    ask="Which statement fits the *largest* learning rate?",
    options={
        "a": "it learns faster than the others, and it only needs to be stopped earlier",
        "b": "its loss settles near ln 2 = 0.69: it says the same for nearly every sentence",
        "c": "its loss goes to zero: it has learned the training sentences by heart",
        "d": "its loss is not a number: the training has overflowed",
    },
    answer="b",
    wrong={
        "a": "look where its loss ends, and for how many of the sentences it says the same class",
        "c": "by heart would be a loss of zero, where the middle rate ends; this one ends at ln 2",
        "d": "look again: every point of the curve is a number, and that is why nobody notices",
    },
    section="8.3",
    hints=[
        "What does a blind guess between two classes cost, in nats?",
        "A loss of ln 2 means a probability of one half for everything.",
    ],
    why="The first steps were so long that they destroyed what pretraining had built. Behind it "
    "the best constant answer is left, a half for everything, and the gradients that could lead "
    "out are gone.",
)

saved = guess_question(
    "08.10",
    title="The price of a label",
    difficulty=1,
    minutes=1,
    given="our pretrained model, its classes named (section 8.2), with 100 labels, and a TF-IDF "
    "classifier that may have more",
    ask="How many labels does TF-IDF need to reach what the pretrained model reaches with 100?",
    options={"a": "about 100, too", "b": "more than 1,000", "c": "no number is enough"},
    answer="b",
    wrong={
        "a": "TF-IDF has to meet a word with a label on it before it knows what the word means",
        "c": "with thousands of labels TF-IDF has met most words: look at the right of the figure",
    },
    section="8.6",
    hints=[
        "How many different words does a hundred sentences show, and how many does the test use?",
        "Draw a horizontal line through the pretrained model's point at 100 labels.",
    ],
    why="Pretraining has placed words that are used alike next to each other, so one label serves "
    "them all; counting words needs to see each of them. The names of the classes bring less than "
    "a third of the lead: tuned without them the model has what TF-IDF reaches with just under "
    "1,000.",
)
