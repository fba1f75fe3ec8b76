"""Lesson 14, section 14.4: the figures of a model card, from the log and nothing else."""

import pandas as pd

from course_utils.exercises.exercise import case, coding


def card_figures(log: dict, step: int) -> dict[str, float]:
    """What a card says about the model as it was after `step`, from the log of its training.

    The log holds "rows", "seconds" (of all planned steps), "ladder" (nats for "uniform", "unigram"
    and "bigram"), "evaluations" (dictionaries with "step" and "loss") and "recipe" ("batch_size",
    "length", and in its "train" the planned "steps").

    "loss": nats in the evaluation at that step; "below_unigram": how many nats that is below the
    unigram line; "tokens": how many tokens it had read by then; "epochs": how often each row;
    "minutes": that step's share of the whole run's seconds, in minutes.
    """
    recipe = log["recipe"]
    loss = next(e["loss"] for e in log["evaluations"] if e["step"] == step)
    rows = step * recipe["batch_size"]
    return {
        "loss": loss,
        "below_unigram": log["ladder"]["unigram"] - loss,
        "tokens": rows * recipe["length"],
        "epochs": rows / log["rows"],
        "minutes": log["seconds"] / 60 * step / recipe["train"]["steps"],
    }


card = coding(
    "14.5",
    title="A card that cannot boast",
    difficulty=2,
    minutes=8,
    given="the dictionary that lies beside a model as `log.json`, and one of its evaluated steps",
    reference=card_figures,
    hints=[
        "`log['evaluations']` is a list of dictionaries with `step` and `loss`; `log['recipe']` "
        "holds `batch_size`, `length` and, in `['train']`, the planned `steps`.",
        "A step reads `batch_size` rows of `length` tokens. An epoch is `log['rows']` rows.",
        "The seconds are those of all planned steps: take step/steps of them.",
    ],
    why="A number that is typed into a card is right on the day it is typed. A number that is "
    "computed from the log is right as long as the log is.",
    then="compare with the card of `course-bert-step-500`.",
)


@card.cases
def card_cases(draw):
    for number in range(4):
        steps = [50, 100, 150, 200]
        dip = [draw.random.uniform(3, 6) for _ in steps]
        log = {
            "rows": draw.size(900, 1500),
            "seconds": draw.random.uniform(300, 900),
            "ladder": {"uniform": 7.6, "unigram": draw.random.uniform(6, 6.4), "bigram": 5.1},
            "recipe": {"batch_size": draw.size(8, 20), "length": draw.size(33, 65),
                       "train": {"steps": 200}},
            "evaluations": [{"step": s, "loss": x, "top1": 0.2} for s, x in zip(steps, dip,
                                                                                strict=True)],
        }  # fmt: skip
        yield case(log, (100, 50, 200, 150)[number])


@card.oracle
def with_pandas(log, step):
    loss = float(pd.DataFrame(log["evaluations"]).set_index("step").loss[step])
    recipe = pd.json_normalize(log["recipe"]).iloc[0]
    return {
        "loss": loss,
        "below_unigram": float(pd.Series(log["ladder"]).unigram - loss),
        "tokens": int(step * recipe.batch_size * recipe.length),
        "epochs": float(step * recipe.batch_size / log["rows"]),
        "minutes": float(pd.Timedelta(seconds=log["seconds"]).total_seconds() / 60)
        * step / recipe["train.steps"],
    }  # fmt: skip


@card.wrong("that is the last evaluation, not the one at `step`", "14.4")
def the_last_evaluation(log, step):
    loss = log["evaluations"][-1]["loss"]
    below = log["ladder"]["unigram"] - loss
    return card_figures(log, step) | {"loss": loss, "below_unigram": below}


@card.wrong("that is the best evaluation of all: a card tells what *this* model reached", "14.4")
def the_best_evaluation(log, step):
    loss = min(one["loss"] for one in log["evaluations"])
    below = log["ladder"]["unigram"] - loss
    return card_figures(log, step) | {"loss": loss, "below_unigram": below}


card.wrong_edit(
    "below_the_uniform_line",
    old='log["ladder"]["unigram"]',
    new='log["ladder"]["uniform"]',
    message="anybody lies far below ln V; it is the unigram line that counts",
    section="14.4",
)
card.wrong_edit(
    "above_instead_of_below",
    old='log["ladder"]["unigram"] - loss',
    new='loss - log["ladder"]["unigram"]',
    message="the sign: a good model is a positive number of nats *below* the line",
    section="14.4",
)
card.wrong_edit(
    "the_whole_runs_minutes",
    old=' * step / recipe["train"]["steps"]',
    new="",
    message="those are the minutes of the whole run; the model took a part of them",
    section="14.4",
)
card.wrong_edit(
    "seconds_for_minutes",
    old='log["seconds"] / 60',
    new='log["seconds"]',
    message="those are seconds, and the card says minutes",
    section="14.4",
)
card.wrong_edit(
    "one_row_a_step",
    old='step * recipe["batch_size"]',
    new="step",
    message="a step reads a whole batch of rows",
    section="14.4",
)


@card.alternative
def through_a_table(log, step):
    losses = {one["step"]: one["loss"] for one in log["evaluations"]}
    share = step / log["recipe"]["train"]["steps"]
    seen = log["recipe"]["batch_size"] * step
    return {
        "minutes": share * log["seconds"] / 60,
        "epochs": seen / log["rows"],
        "tokens": seen * log["recipe"]["length"],
        "loss": losses[step],
        "below_unigram": -(losses[step] - log["ladder"]["unigram"]),
    }


@card.alternative
def with_a_filter(log, step):
    (found,) = filter(lambda one: one["step"] == step, log["evaluations"])
    recipe, loss = log["recipe"], found["loss"]
    tokens = step * recipe["batch_size"] * recipe["length"]
    return {
        "loss": loss,
        "below_unigram": log["ladder"]["unigram"] - loss,
        "tokens": tokens,
        "epochs": tokens / (log["rows"] * recipe["length"]),
        "minutes": log["seconds"] * step / (60 * recipe["train"]["steps"]),
    }
