"""Lesson 12: what to expect before it is computed, and what a placebo is for."""

from course_utils.exercises.exercise import guess_question, plot_question

untrained = guess_question(
    "12.1",
    title="What an untrained network knows",
    difficulty=2,
    minutes=2,
    given="a network with random weights, and a linear probe that was fitted on its vectors at "
    "hidden places",
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
    why="An average of the row's word vectors is a noisy count of its words, and the words have to "
    "do with the topics. The probe finds that, with nobody's learning but its own.",
)

placebo = plot_question(
    "12.9",
    title="What the placebo is for",
    difficulty=2,
    minutes=3,
    given="Figure 12.5, and its right panel: queen minus king, actress minus actor …",
    ask="Which other explanation of the middle panel does the right one speak against?",
    options={
        "a": "that training on pulls any difference between she and he towards zero, whatever the "
        "text says",
        "b": "that names in the reviews give away who is meant",
        "c": "that the two pronouns are not equally frequent",
        "d": "that three seeds are too few",
    },
    answer="a",
    wrong={
        "b": "names are swapped in neither panel, so the right one says nothing about them",
        "c": "frequency is the same beside all words and cancels in both gaps; see the left panel",
        "d": "the spread of the seeds tells that, in every panel by itself",
    },
    section="12.6",
    hints=[
        "What would the right panel look like if training on blurred every difference?",
        "Swapping exchanges *queen* and *king* together with *she* and *he*: what is said about "
        "them stays the same.",
    ],
    why="If the gap only shrank because any further training blurs it, the differences between "
    "queen and king would shrink as well. They were trained on with the same steps.",
)

never = guess_question(
    "12.11",
    title="The exposure of a secret that nobody told",
    difficulty=2,
    minutes=3,
    given="10,000 possible codes, and a model that has never seen the true one: every rank from 1 "
    "to 10,000 is equally likely",
    ask="What is its exposure on average, in bits? A guess within a tenth will do.",
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
    "a secret that nobody told has one or two bits, and now and then four.",
)
