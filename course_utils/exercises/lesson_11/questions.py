"""Lesson 11: what to expect before it is computed, and what to read from a curve."""

from course_utils.exercises.exercise import guess_question, plot_question

lessons_in_a_row = guess_question(
    "11.1",
    title="How much does a row teach?",
    difficulty=1,
    minutes=1,
    given="a row of 128 tokens; pretraining hid 30 % of them",
    ask="Behind a causal mask every token has to be guessed from those before it. How many guesses "
    "does one row hold?",
    answer=127,
    tolerance=0.002,
    wrong={
        128: "close: but the first token has nobody before it to be guessed from",
        38: "that is what the masked model had; here nothing is hidden, everything is asked",
        1: "not only the last token: every position guesses its own successor, all at once",
    },
    section="11.1",
    hints=[
        "Which positions have a successor in the row?",
        "Position 0 guesses token 1, and so on; position 127 has nobody to guess.",
    ],
    why="127, more than three times as many as under a 30 % mask. That is why the same text seems "
    "to teach a causal model faster; what it pays is that nobody may look to the right.",
)

cache_curve = plot_question(
    "11.6",
    title="Two prices of a token",
    difficulty=2,
    minutes=2,
    given="Figure 11.2: milliseconds for one more token, with and without the cache",
    ask="Why does the upper line rise?",
    options={
        "a": "a longer text has a larger vocabulary",
        "b": "without the cache, every new token pays for reading the whole text again",
        "c": "the cache has to be copied, and it grows",
        "d": "rotary positions are slower far away from the start",
    },
    answer="b",
    wrong={
        "a": "the vocabulary is the same for each token",
        "c": "that is the lower line's price; which line is the upper one?",
        "d": "an angle costs the same everywhere",
    },
    section="11.4",
    hints=[
        "How many tokens go through the layers for one new token, in either case?",
        "One with the cache; all of them without.",
    ],
    why="All tokens before have been turned into keys and values already, and behind a causal mask "
    "these never change. Whoever throws them away computes them again for each new token.",
)
