"""Lesson 03, section 3.7: the token tax."""

from course_utils.exercises.exercise import guess_question, plot_question

price = guess_question(
    "03.12",
    title="The price of a sentence",
    difficulty=1,
    minutes=1,
    given="pairs of a sentence and its translation; in UTF-8, the Chinese sentence and the "
    "English one are about equally long. A tokenizer learned its merges from English only",
    ask="How many times as many tokens as the English sentence does the Chinese one cost?",
    options={"a": "about as many", "b": "between 3 and 4 times", "c": "11 times"},
    answer="b",
    wrong={
        "a": "equally many bytes, yes, but only English bytes get glued together",
        "c": "that is the ratio for one *character*; a Chinese sentence has far fewer of them",
    },
    section="3.7",
    hints=[
        "In Chinese nearly every byte stays a token of its own. How many bytes does an English "
        "token hold, on average?",
        "An English token holds three to four bytes.",
    ],
    why="Without merges a token holds one byte, with merges it holds between three and four.",
)

fair = plot_question(
    "03.13",
    title="Where is it fair?",
    difficulty=1,
    minutes=2,
    given="the right part of Figure 3.2",
    ask="At which share of Chinese in the training text do a sentence and its translation cost "
    "the same number of tokens?",
    options={
        "a": "at about 1 %, where the line falls most steeply",
        "b": "at about 30 %",
        "c": "at 50 %, when both languages get the same space",
    },
    answer="b",
    wrong={
        "a": "there the tax has fallen most, but Chinese still costs twice as much",
        "c": "at one half, the two lines have crossed already, and English is the dearer one",
    },
    section="3.7",
    hints=["Equal cost is where the two lines cross.", "Read the share under the crossing."],
    why="The lines cross near 30 %. Equal shares of text are not equal prices: a Chinese "
    "character says more than a letter, and the same merges get further.",
)
