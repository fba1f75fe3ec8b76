"""Lesson 14: what to read from the one long curve, and a comparison across vocabularies."""

from course_utils.exercises.exercise import guess_question, plot_question

thread = plot_question(
    "14.1",
    title="The moment it looked around",
    difficulty=1,
    minutes=2,
    given="Figure 14.1, the panel of the loss: the curve of `course-bert` and its ladder",
    ask="Between which two evaluations does the loss fall below the bigram line for good?",
    options={
        "a": "before the first evaluation, at step 250",
        "b": "between steps 250 and 500",
        "c": "between steps 2,250 and 2,500, near the second snapshot",
        "d": "never: the bigram line is the floor",
    },
    answer="b",
    wrong={
        "a": "at step 250 the curve lies below the unigram line, but still above the bigram line",
        "c": "by then it lies more than a nat below: follow the curve to the left",
        "d": "the floor would be the entropy of the language; the bigram sees one neighbour only",
    },
    section="14.1",
    hints=[
        "The axis of the steps is logarithmic: the first two points are the first two evaluations.",
        "Find the dashed line that is called bigram. Which is the first point below it?",
    ],
    why="Four minutes of training on two cores, and the model does better than the table of "
    "left neighbours: it uses words from the right, or from further away, or both.",
)

per_byte = guess_question(
    "14.4",
    title="Two losses, two vocabularies",
    difficulty=1,
    minutes=2,
    given="model A: 3.2 nats a token, 4.2 bytes a token; model B: 2.6 nats a token, 3.1 bytes a "
    "token; both predict the next token of the same text",
    ask="Which of the two models knows the text better?",
    options={"a": "A", "b": "B, its loss is lower", "c": "that cannot be said"},
    answer="a",
    wrong={
        "b": "B's tokens are shorter, so each of them is easier and there are more of them",
        "c": "it can, on the same text: bytes are the same for both",
    },
    section="14.3",
    hints=[
        "How many tokens does each need for a thousand bytes, and what do they cost together?",
        "Nats per byte: 3.2/4.2 and 2.6/3.1.",
    ],
    why="3.2/4.2 = 0.762 nats a byte, or 1.10 bits; 2.6/3.1 = 0.839, or 1.21 bits. The lower loss "
    "a token is the higher loss a byte.",
)
