"""Lesson 06: what to expect before it is computed, and the museum's plaques."""

from itertools import permutations

from course_utils.exercises.exercise import guess_question, plot_question
from course_utils.exercises.lesson_06.museum import EXHIBITS

shuffled = guess_question(
    "06.1",
    title="Learning nonsense",
    difficulty=1,
    minutes=1,
    given="one batch of film reviews whose answers have been shuffled, so that they fit nothing",
    ask="We train on this one batch, again and again. What does its loss do?",
    options={
        "a": "it stays at ln V: there is nothing to learn",
        "b": "it falls to the unigram line and no further",
        "c": "it falls nearly to zero, as it does with the right answers",
    },
    answer="c",
    wrong={
        "a": "there is a list of answers to learn, whether they make sense or not",
        "b": "the model has far more weights than the batch has answers: it can learn each of them",
    },
    section="6.2",
    hints=[
        "How many answers are there, and how many weights?",
        "Does learning by heart need a reason?",
    ],
    why="A network with many more weights than examples can learn any labels by heart (Zhang et al."
    " 2017). So overfitting one batch proves that gradients flow, and nothing about the labels.",
)

swallowed = guess_question(
    "06.7",
    title="A thousand small steps",
    difficulty=1,
    minutes=1,
    given="a weight of 1 in bfloat16, to which 0.001 is added a thousand times",
    ask="Where does it stand in the end, as a number?",
    answer=1.0,
    wrong={
        2.0: "that is what float32 says; how far apart are two neighbours in bfloat16 at 1?",
        1.5: "it is not that half of the steps arrive: none of them does",
        0.0: "nothing is lost of the weight itself",
    },
    section="6.6",
    hints=[
        "A bfloat16 has 8 significant bits. What is the next number after 1?",
        "It is 1 + 2⁻⁷ = 1.0078. A step of less than half of 2⁻⁷ = 0.0078 is rounded away.",
    ],
    why="Every single step is rounded back to where it began, so a thousand of them move nothing. "
    "This is why the optimizer keeps its weights in float32.",
)


def matching(id: str, wing: str, letters: str, minutes: int):
    """Four panels, four plaques: every wrong order is told which panel to look at again."""
    exhibits = [EXHIBITS[letter] for letter in letters]
    answer = "".join(str(one.number) for one in exhibits)
    by_number = {str(one.number): one for one in exhibits}
    wrong = {}
    for order in map("".join, permutations(answer)):
        if order == answer:
            continue
        panel, said = next(
            (letter, number)
            for letter, number, right in zip(letters, order, answer, strict=True)
            if number != right
        )
        wrong[order] = (
            f"panel {panel} is not plaque {said}. What plaque {said} looks like: "
            f"{by_number[said].signature}"
        )
    plaques = "; ".join(f"**{n}** {by_number[n].plaque}" for n in sorted(by_number))
    return plot_question(
        id,
        title=f"The {wing} wing",
        difficulty=3,
        minutes=minutes,
        given=f"panels {letters[0]} to {letters[-1]} of Figure 6.3, each with one bug",
        ask=f"Which plaque belongs to which panel? {plaques}. Answer with four digits in the order "
        f'of the panels, for instance "{"".join(sorted(answer))}".',
        answer=answer,
        wrong=wrong,
        section="6.8",
        hints=[
            "Which lines of the ladder does a curve touch, cross or never reach? Where does it "
            "start? Do the two curves agree with each other?",
            "Take the plaque that you are surest of first. What can the training loss not do if "
            "this bug is there, and what must it do?",
        ],
        why=" ".join(
            f"{letter}: {one.plaque}; {one.signature}."
            for letter, one in zip(letters, exhibits, strict=True)
        ),
    )


east = matching("06.8", "east", "ABCD", 5)
west = matching("06.9", "west", "EFGH", 4)
