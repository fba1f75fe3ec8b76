"""Lesson 01: what to predict, and what to read from a plot."""

from course_utils.exercises.exercise import guess_question, plot_question

long_shot = guess_question(
    "01.1",
    title="A long shot",
    difficulty=1,
    minutes=1,
    given="a good player, who gives the right next letter the probability ½, at every letter",
    ask="How probable does this player find a whole text of 40 letters?",
    options={"a": "one in 80", "b": "one in 1,600", "c": "one in a trillion"},
    answer="c",
    wrong={
        "a": "that adds up; the chain rule multiplies: ½ · ½ · ½ …",
        "b": "that is 40 squared; each letter halves what is left, 40 times over",
    },
    section="1.1",
    hints=[
        "After one letter ½ is left, after two letters ¼. After ten?",
        "Ten halvings are about one in a thousand, and 40 letters are four times ten.",
    ],
    why="½ to the power of 40 is one in 1,099,511,627,776. A probability of a text is always tiny, "
    "also for an excellent model; only its logarithm, shared out among the letters, says anything.",
)

shuffled = guess_question(
    "01.6",
    title="Letters in a bag",
    difficulty=1,
    minutes=1,
    given="training text and held-out text, in each of which all letters have been shuffled",
    ask="We count and guess anew. Where does the bigram end up?",
    options={
        "a": "at log₂ 27: nothing can be learned from shuffled letters",
        "b": "on the line of the unigram",
        "c": "where it was: it is still the same text",
    },
    answer="b",
    wrong={
        "a": "shuffled or not, e is more common than z, and that can still be counted",
        "c": "it knew who stands beside whom, and exactly that is gone",
    },
    section="1.5",
    hints=[
        "What does a letter say about the next one, when both were drawn from a bag?",
        "What does shuffling leave as it was?",
    ],
    why="Shuffling keeps how often each letter occurs and destroys everything else. The unigram "
    "knows nothing else, so it loses nothing; the others have nothing to add to it.",
)

leak = guess_question(
    "01.7",
    title="A peek",
    difficulty=2,
    minutes=1,
    given="counts into which the held-out text has slipped, beside two million honest letters",
    ask="Whose figure becomes too good by most: that of the guesser who looks back by…",
    options={"a": "0 letters", "b": "2 letters", "c": "8 letters"},
    answer="c",
    wrong={
        "a": "how common the letters are is hardly changed by one more text",
        "b": "two letters occur everywhere; what follows them was known before the peek",
    },
    section="1.5",
    hints=[
        "Which of the three could recite a text that it has read once?",
        "Nine letters in a row are often unique to one text.",
    ],
    why="A leak helps those who can memorise. The better a model's memory, the less its figure is "
    "worth on a text that it has seen, which is why lesson 02 takes such care with the split.",
)

more_data = plot_question(
    "01.8",
    title="Who profits?",
    difficulty=2,
    minutes=2,
    given="Figure 1.5",
    ask="Your text is a hundred times shorter than ours. Which guesser do you choose?",
    options={
        "a": "the one with the longest memory, as always",
        "b": "one with a shorter memory than the best one here",
        "c": "it does not matter: with smoothing all are equally good",
    },
    answer="b",
    wrong={
        "a": "at the left edge of the figure the longest memory is not the best one",
        "c": "on every amount of text, some of the lines lie far above others",
    },
    section="1.5",
    hints=[
        "The right end of the figure is at 6,000,000 letters. Draw a vertical line at a hundredth "
        "of that, 60,000. Which curve is lowest there?",
        "And which curve is lowest at the right end? Compare how far back the two look.",
    ],
    why="A long memory has more to learn, so it needs more text. Which is the best one is not a "
    "property of the model, but of the model and the amount of text together.",
)
