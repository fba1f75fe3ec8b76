"""Lesson 10: what to expect before it is computed, and what to read from a figure."""

from course_utils.exercises.exercise import guess_question, plot_question

silent = guess_question(
    "10.1",
    title="The tagger that says nothing",
    difficulty=1,
    minutes=1,
    given="the tweets of the test part: 10,842 words; 363 names stand in them, of 1.6 words each "
    "on average",
    ask="A tagger says “outside” for every word. What is its token accuracy, as a share from 0 "
    "to 1?",
    answer=0.946,
    tolerance=0.012,
    wrong={
        0.0: "it finds no name, but of the *tokens* it is right about all that are in none",
        0.5: "the classes are far from equally large: count the words that are in a name",
        0.054: "that is the share of words in a name: there, and only there, it is wrong",
    },
    section="10.1",
    hints=[
        "How many words are in a name, if 363 names have 1.6 words each?",
        "About 580 of 10,842 are wrong, and the rest is right.",
    ],
    why="Nearly all words are in no name, so a score that counts words is nearly full before "
    "anything has been found.",
)

picture = plot_question(
    "10.5",
    title="Two rulers, one model",
    difficulty=1,
    minutes=2,
    given="Figure 10.1: the same taggers, judged by tokens and by names",
    ask="Which sentence does the figure support?",
    options={
        "a": "token accuracy puts nearly all taggers within two points, and F1 tells them apart",
        "b": "a tagger with a higher token accuracy finds twice as many names",
        "c": "an F1 this far below the accuracy shows that the models have not learned anything",
        "d": "both rulers say the same, on different scales",
    },
    answer="a",
    wrong={
        "b": "compare the tagger that says nothing with the capital letters: which has more words "
        "right, and which has found any name?",
        "c": "the tagger that says nothing has an F1 of 0; the others are far from it",
        "d": "look at the tagger that says nothing: near the top by one ruler, at zero "
        "by the other",
    },
    section="10.3",
    hints=[
        "What does the tagger that says nothing get on each ruler?",
        "How wide is the spread of the filled markers, and how wide that of the open ones?",
    ],
    why="Where 95 % of all words are outside, a ruler that counts words has five points of room "
    "for everything that matters.",
)

nowhere = guess_question(
    "10.9",
    title="The reader that never answers",
    difficulty=1,
    minutes=1,
    given="229 questions of the test part; 50 of them have no answer in their passage, "
    "and there “no answer” scores 1",
    ask="A reader says “no answer” to all of them. What is its mean F1, as a share from 0 to 1?",
    answer=0.218,
    tolerance=0.03,
    wrong={
        0.0: "where there is no answer, saying so is right and counts 1",
        1.0: "only the questions without an answer are won",
        0.5: "count: 50 of 229",
    },
    section="10.6",
    hints=[
        "What does a question without an answer score, if nothing is said?",
        "Fifty ones and 179 zeros.",
    ],
    why="50/229 = 0.218. A reader that answers everything starts below this line and may stay "
    "there; so the line stands in every table.",
)
