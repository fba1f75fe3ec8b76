"""Lesson 14: what to read from the one long curve, and a comparison across vocabularies."""

from course_utils.exercises.exercise import guess_question, plot_question

thread = plot_question(
    "14.1",
    title="The plateau that is not there",
    difficulty=1,
    minutes=2,
    given="Figure 14.1, panels 3 and 4",
    ask="The curve of panel 4 begins with its first evaluation, after 250 steps. Where?",
    options={
        "a": "on the unigram line, where the curves of panel 3 stay for a while",
        "b": "between the two horizontal lines",
        "c": "below both of them",
        "d": "above both of them",
    },
    answer="c",
    wrong={
        "a": "the upper line, the dotted one, is the unigram's: is the first point on it?",
        "b": "the lower line, the dashed one, is the bigram's: is the first point above it?",
        "d": "count the horizontal lines above the first point, and those below it",
    },
    section="14.1",
    hints=[
        "The leftmost point of the curve is its first evaluation.",
        "Find the dashed line that is called bigram. On which side of it does the first point lie?",
    ],
    why="Its embeddings began as counts of neighbours, as in lesson 07, so what panel 3 waits for "
    "was there from the start. After 250 steps the model does better than the table of left "
    "neighbours: it uses words from the right, or from further away, or both.",
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
