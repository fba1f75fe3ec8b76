"""Lesson 12, sections 12.7 and 12.8: how far a secret sticks out, and what it all costs."""

import math

import numpy as np
import torch
from scipy import stats

from course_utils.evaluation import bias
from course_utils.exercises.exercise import case, coding
from course_utils.machine import energy

secret = coding(
    "12.10",
    title="How far a secret sticks out",
    difficulty=2,
    minutes=6,
    given="how likely a model finds each of N candidates, and which of them is the secret",
    reference=bias.exposure,
    task="""How far a secret sticks out among all that it could have been, in bits: a float.

    log₂ N − log₂ rank.  The rank counts the candidates that are at least as likely as the secret,
    itself included: candidates that tie with it count as being ahead.  `scores` is (N,).
    """,
    hints=[
        "`(scores >= scores[secret]).sum()` is the rank.",
        "`math.log2(len(scores)) - math.log2(rank)`, a float.",
    ],
    why="Rank 1 of N gives the whole log₂ N bits: the model has told. A model that cannot tell the "
    "candidates apart ties them all and gives 0.",
    then="what is the mean exposure of a secret that the model has never seen?",
)


@secret.cases
def secret_cases(draw):
    yield case(torch.tensor([0.1, 0.7, 0.2, 0.0]), 2)
    scores = draw.normal(draw.size(90, 130))
    yield case(scores, draw.size(0, 89))
    yield case(scores, int(scores.argmax()))
    yield case(draw.integers(0, 4, 50).float(), draw.size(0, 49))  # ties


@secret.oracle
def by_rank(scores, secret):
    rank = stats.rankdata(-scores.double().numpy(), method="max")[secret]
    return float(np.log2(len(scores) / rank))


@secret.wrong("ranked from the wrong end: the *most* likely candidate has rank 1", "12.7")
def from_the_bottom(scores, secret):
    return math.log2(len(scores)) - math.log2(int((scores <= scores[secret]).sum()))


@secret.wrong("natural logarithms: those are nats, not bits", "12.7")
def in_nats(scores, secret):
    return math.log(len(scores)) - math.log(int((scores >= scores[secret]).sum()))


@secret.wrong("candidates that tie with the secret should count as being ahead of it", "12.7")
def ties_count_for_it(scores, secret):
    return math.log2(len(scores)) - math.log2(int((scores > scores[secret]).sum()) + 1)


@secret.wrong("that is the rank, in bits; it still has to be taken from log₂ N", "12.7")
def only_the_rank(scores, secret):
    return math.log2(int((scores >= scores[secret]).sum()))


@secret.wrong("one more than the rank: the secret itself is among those that are counted", "12.7")
def counted_itself_twice(scores, secret):
    return math.log2(len(scores)) - math.log2(int((scores >= scores[secret]).sum()) + 1)


@secret.alternative
def by_sorting(scores, secret):
    ordered = scores.sort(descending=True).values.tolist()
    last = max(place for place, value in enumerate(ordered) if value == scores[secret].item())
    return math.log2(len(ordered) / (last + 1))


@secret.alternative
def as_a_share(scores, secret):
    return -math.log2((scores >= scores[secret]).double().mean().item())


bill = coding(
    "12.12",
    title="The bill in the socket",
    difficulty=1,
    minutes=4,
    given="how long a machine ran, what it drew, and what a kilowatt-hour emits",
    reference=energy.footprint,
    task="""Kilowatt-hours and grams of CO₂ of a machine that draws `watts` for `seconds`.""",
    hints=["A watt is a joule a second. How many joules are a kilowatt-hour?", "3.6 million."],
    why="1 kWh = 1,000 W · 3,600 s = 3.6 million joules. The grid's emissions are given for a "
    "kilowatt-hour.",
    then="take the wattage of your own laptop. What did this lesson cost?",
)


@bill.cases
def bill_cases(draw):
    yield case(7200, 50, 400)
    yield case(float(draw.size(100, 9000)), 15.0 + draw.size(0, 40), 20.0 + draw.size(0, 900))


@bill.oracle
def by_units(seconds, watts, grams_per_kwh):
    from scipy import constants

    hours = seconds / constants.hour
    kilowatts = watts / constants.kilo
    return (hours * kilowatts, hours * kilowatts * grams_per_kwh)


@bill.wrong("those are watt-hours: a kilowatt is a thousand watts", "12.8")
def watt_hours(seconds, watts, grams_per_kwh):
    found = seconds * watts / 3600
    return found, found * grams_per_kwh


@bill.wrong("the seconds were taken for hours", "12.8")
def seconds_as_hours(seconds, watts, grams_per_kwh):
    found = seconds * watts / 1000
    return found, found * grams_per_kwh


@bill.wrong("divided by 60 only once: an hour has 3,600 seconds", "12.8")
def minutes_as_hours(seconds, watts, grams_per_kwh):
    found = seconds / 60 * watts / 1000
    return found, found * grams_per_kwh


@bill.wrong("kilograms; grams were asked for", "12.8")
def in_kilograms(seconds, watts, grams_per_kwh):
    found = seconds * watts / 3.6e6
    return found, found * grams_per_kwh / 1000


@bill.wrong("the two are in the other order: kilowatt-hours first", "12.8")
def other_order(seconds, watts, grams_per_kwh):
    found = seconds * watts / 3.6e6
    return found * grams_per_kwh, found


@bill.alternative
def step_by_step(seconds, watts, grams_per_kwh):
    hours, kilowatts = seconds / 3600, watts / 1000
    return hours * kilowatts, hours * kilowatts * grams_per_kwh


@bill.alternative
def by_joules(seconds, watts, grams_per_kwh):
    joules = seconds * watts
    return joules / 3_600_000, grams_per_kwh * joules / 3_600_000
