"""Lesson 07: what to predict, and what to read from a plot."""

from course_utils.exercises.exercise import guess_question, plot_question

first_loss = guess_question(
    "07.1",
    title="Before the first step",
    difficulty=1,
    minutes=1,
    given="a model with random weights and a vocabulary of 2,048 tokens",
    ask="It has learned nothing, so each token seems about as likely to it as any other. What is "
    "its loss, in nats for each hidden token? (Two digits after the point will do.)",
    answer=7.62,
    tolerance=0.005,
    wrong={
        11: "that is log₂ 2,048, the loss in bits; a nat is 1.44 bits",
        2048: "that is the perplexity, the number of equally likely choices; the loss is its log",
        0.000488: "that is the probability of the right token; the loss is minus its logarithm",
        6.34: "that takes knowing which tokens are common, and it has not seen a single one",
    },
    section="7.1",
    hints=[
        "What probability does each of 2,048 equally likely tokens get?",
        "Minus the natural logarithm of 1/2,048.",
    ],
    why="Every token gets 1/2,048, and −ln(1/2,048) = ln 2,048 = 7.62. A first loss that is far "
    "from ln V says that something is wrong before training has begun.",
)

which_rung = plot_question(
    "07.10",
    title="Stuck",
    difficulty=2,
    minutes=2,
    given="the upper half of Figure 7.2",
    ask="A colleague trains on our text with our vocabulary. For the last hundred steps her "
    "frozen-mask loss has stood still at 6.3. What has her model learned?",
    options={
        "a": "nothing at all: something is broken",
        "b": "how common each token is, and nothing about what stands beside it",
        "c": "which token follows which",
        "d": "all that it can: the model is too small",
    },
    answer="b",
    wrong={
        "a": "a model that has learned nothing stands at ln V, which is 7.62",
        "c": "that would be the bigram line, more than a nat lower",
        "d": "the same model, given time, falls far below this line, as the figure shows",
    },
    section="7.6",
    hints=["Which horizontal line lies at 6.3?", "What does the guess behind that line look at?"],
    why="6.3 is the unigram line of this text and this vocabulary: the best guess for somebody who "
    "knows all frequencies and looks at no other token. It is a waiting room, not the end.",
)

no_probability = guess_question(
    "07.12",
    title="Two sentences",
    difficulty=2,
    minutes=2,
    given="a language with two sentences, “yes yes” and “no no”, each said half of the time",
    ask="A perfect masked model scores “yes yes”: it hides each word in turn and adds up the logs "
    "of the probabilities that it gives to the hidden one. What is exp of that score?",
    answer=1.0,
    tolerance=0.001,
    wrong={
        0.5: "that is how often the sentence is said; but who sees the other word knows this one",
        0.25: "that would be two independent words; here each gives the other away",
    },
    section="7.9",
    hints=[
        "Hide the first word. The second is “yes”. How sure can the model be?",
        "Each of the two words gets probability 1.",
    ],
    why="Each word is certain once the other is seen, so the score is ln 1 + ln 1 = 0 and exp(0) "
    "is 1, for both sentences. Together they add up to 2: whatever this score is, it is no "
    "probability.",
)
