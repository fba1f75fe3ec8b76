"""Lesson 12: what to expect before it is computed, and what a placebo is for."""

from course_utils.exercises.exercise import guess_question, plot_question

untrained = guess_question(
    "12.1",
    title="What an untrained network knows",
    difficulty=2,
    minutes=2,
    given="a network with random weights, and a linear probe that was fitted on its last layer's "
    "vectors at hidden places",
    ask="Which share of the beliefs' variance does the probe explain on other rows?",
    options={
        "a": "none at all: the network has learned nothing",
        "b": "a little, but less than a third",
        "c": "more than half: random features are nearly as good as learned ones",
    },
    answer="b",
    wrong={
        "a": "the network has learned nothing, but its attention mixes the row's words into the "
        "vector, and from these something can be read",
        "c": "a blurred average of the row is a poor account of where in the row one stands",
    },
    section="12.1",
    hints=[
        "At a hidden place the input is [MASK], always the same. What else gets into the vector?",
        "Random attention averages over the row. What does an average of word vectors tell?",
    ],
    why="We suppose: an average of the row's word vectors is a noisy count of its words, and the "
    "words have to do with the topics. The probe finds that, with nobody's learning but its own.",
)

placebo = plot_question(
    "12.9",
    title="A headline, and what is wrong with it",
    difficulty=2,
    minutes=3,
    given="Figure 12.5, middle and right",
    ask="Before, the gap was 0.53 nats; after training on swapped sentences it is, on average over "
    "the reference runs, 0.30. *Swapping pronouns takes two fifths of the prejudice away!* What is "
    "wrong with the headline?",
    options={
        "a": "without any swapping it has fallen nearly as far: most of it is the training, not "
        "the swap",
        "b": "names in the sentences still give away who is meant",
        "c": "the two pronouns are not equally frequent in the text",
        "d": "nothing: we changed the text, and so we have shown the cause",
    },
    answer="a",
    wrong={
        "b": "true of the text, but it explains no fall: look at 0 % in the middle panel",
        "c": "their frequency is the same beside all occupations, and cancels in the gap",
        "d": "training on was changed as well: compare with the run at 0 %, not with *before*",
    },
    section="12.6",
    hints=[
        "Which two points of the middle panel differ in nothing but the swapping?",
        "Compare 0 % with 100 %, and both with the dotted line. Then look at the placebo.",
    ],
    why="*Before* and *after* differ in two things, twenty steps of training and the swapping. "
    "Only the run at 0 % takes them apart; and queen and king show that the steps blur such "
    "differences, prejudices or not.",
)

never = guess_question(
    "12.11",
    title="The exposure of a secret that nobody told",
    difficulty=2,
    minutes=3,
    given="10,000 possible codes, and a model that has never seen the true one: every rank from 1 "
    "to 10,000 is equally likely",
    ask="What is its exposure on average, in bits? A guess within a quarter of a bit will do.",
    answer=1.44,
    tolerance=0.1,
    wrong={
        0.0: "0 bits would be the *last* rank; on average the rank is in the middle",
        1.0: "1 bit is the exposure of the middle rank; but the mean of a logarithm is not the "
        "logarithm of the mean: low ranks have very many bits",
        13.3: "that is rank 1: the model would have to know it",
        6.64: "half of the bits would be rank 100 of 10,000, which is no accident",
    },
    section="12.7",
    hints=[
        "Half of all ranks give between 0 and 1 bit, a quarter between 1 and 2, an eighth …",
        "The mean of −log₂ of a number drawn evenly from 0 … 1 is 1/ln 2.",
    ],
    why="The share rank/N is about even in 0 … 1, and the mean of −log₂ of it is 1/ln 2 = 1.44. So "
    "half of the secrets that nobody told have less than one bit, and one in sixteen has four or "
    "more.",
)
