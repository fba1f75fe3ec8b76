"""Lesson 13: what to expect before it is computed, and what to read from the valleys."""

from course_utils.exercises.exercise import guess_question, plot_question

width = guess_question(
    "13.1",
    title="Twice as wide",
    difficulty=1,
    minutes=1,
    given="an encoder whose layers become twice as wide, the MLP inside them too; the same tokens",
    ask="How many times as many operations do the layers' matrices cost?",
    answer=4,
    wrong={
        2: "a matrix grows in both directions: twice as many rows and twice as many columns",
        8: "that would be a product of two matrices that both grow; the tokens stay as they are",
        1: "each parameter takes part in a multiplication for each token, and there are more",
    },
    section="13.1",
    hints=[
        "How many numbers does a square matrix hold, and how many one of twice the width?",
        "Six operations for each parameter and token: count the parameters.",
    ],
    why="Parameters grow with the square of the width and only linearly with the depth, so width "
    "is the expensive dial.",
)

valleys = plot_question(
    "13.2",
    title="The right side of the valley",
    difficulty=2,
    minutes=3,
    given="Figure 13.1: loss against the size of the model, one curve for each budget",
    ask="Go to the right along one of the curves, past its lowest point. Why does the loss rise?",
    options={
        "a": "the model has learned its text by heart, so it fails on new text",
        "b": "the model is too large for the budget: it has to stop after too few tokens",
        "c": "the model is too small to hold what the text has to teach",
        "d": "larger models are harder to train, so they end higher, whatever the budget",
    },
    answer="b",
    wrong={
        "a": "it has read less than a third of the rows, and none of them twice: nobody learns by "
        "heart what is read once at most",
        "c": "that is what happens on the left of the valley",
        "d": "not whatever the budget: on the largest, the middle size ends below the smallest",
    },
    section="13.2",
    hints=[
        "What is the same for all the points of one curve, and what therefore has to shrink when "
        "the model grows?",
        "Operations are 6 N D. With C fixed and N doubled, what becomes of D?",
    ],
    why="On a curve C = 6 N D is fixed, so each step to the right gives up tokens for parameters. "
    "Left of the lowest point the model is too small, right of it the reading is too short.",
)

levels = guess_question(
    "13.9",
    title="How many values has a weight?",
    difficulty=1,
    minutes=1,
    given="weights in 4 bits, symmetric: as many steps below zero as above, and zero itself",
    ask="How many different values can a weight of one row have?",
    answer=15,
    wrong={
        16: "16 is how many 4 bits can name; symmetric codes leave one of them unused",
        8: "count both signs",
        7: "that is the largest code: there are as many below zero, and zero",
        4: "bits double the number of values, each of them",
    },
    section="13.9",
    hints=[
        "The largest code is 2³ − 1 = 7. Which codes are there from there downwards?",
        "−7, −6, … 0, … 6, 7.",
    ],
    why="Seven steps on either side of zero. With 8 bits there are 127 on either side, so a weight "
    "is at most 1/254 of the row's largest away from what it was.",
)
