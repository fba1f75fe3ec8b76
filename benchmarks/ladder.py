"""The attribution ladder: from the tuned opponent to our recipe, one named switch at a time."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import fmean

from benchmarks import verdict
from benchmarks.driver import Driver, loss_of
from benchmarks.settings import Settings

STEP = 1.25  # from the first budget to the second, while a row's time to target is looked for
BEYOND, FAR = 1.1, 1.5  # overshoot of the crossing that two runs point to; at most e^FAR away
TRIES = 8
FALL = 0.65  # nats for e times as many tokens: about what the rows lose between two runs
AGREE = 0.10  # by how much the product of the two ratios may miss the ratio of times
SEED, TUNING_SEED = 0, 100
FACTORS = (0.5, 1.0, 2.0)  # of the learning rate, tried for each row that learns something else
TUNED_AT = 0.5  # of the tokens of the row above: a quarter would be spent on the unigram plateau
# These switches change how a step is computed and not what it learns.
SAME_STEP = ("head on masked places only", "lean block and loop, bf16")


def rows(theirs: Settings, ours: Settings) -> list[tuple[str, Settings]]:
    """The rows, each changing one thing in the one above it; the last is our recipe. A switch that
    our recipe does not make is no row.

    The first is the opponent, which has changed one thing already: BERT's positions.

    >>> from benchmarks.settings import B1R, ours
    >>> [name for name, _ in rows(B1R, ours())][:2]
    ['rotary positions', 'head on masked places only']
    """
    sparse = replace(theirs, sparse=True)
    lean = replace(sparse, model="lean", library=True, bf16=True, compile=ours.compile)
    modern = replace(
        lean, model="modern", unigram_bias=ours.unigram_bias, zero_outputs=ours.zero_outputs
    )
    local = replace(modern, windows=ours.windows)
    lasting = {field: getattr(Settings, field) for field in ("momentum", "beta1")}
    remembering = replace(ours, counted=False)
    muon = replace(remembering, **lasting)
    scheduled = replace(muon, optimizer="adamw", lr=theirs.lr)
    found = [
        ("rotary positions", theirs),
        ("head on masked places only", sparse),
        ("lean block and loop, bf16", lean),
        ("modern block", modern),
        ("windows in the lower layers", local),
        ("schedule, batch and masking rate", scheduled),
        ("Muon", muon),
        ("shorter memory", remembering),
        ("embeddings from counts", ours),
    ]
    above = [None, *(one for _, one in found)]
    found = [row for row, before in zip(found, above, strict=False) if row[1] != before]
    return [
        (name, one if one == theirs or swept(one, ours) else replace(one, name=f"row{i}"))
        for i, (name, one) in enumerate(found)
    ]


def swept(settings: Settings, ours: Settings) -> bool:
    """Whether a row takes its learning rate from our sweep: as soon as it has our optimizer."""
    return settings.optimizer == ours.optimizer and settings.library


def best_rate(driver: Driver, settings: Settings, seconds: float) -> tuple[Settings, float]:
    """The row with the best learning rate at `seconds`, and its loss: of three around its own, and
    of those beyond them as long as the best one lies at an edge."""
    losses: dict[float, float] = {}
    wanted = list(FACTORS)
    while wanted:
        for factor in wanted:
            one = replace(settings, lr=settings.lr * factor)
            losses[factor] = loss_of(driver.race(one, TUNING_SEED, seconds, repeat=False))
        best = min(losses, key=losses.get)
        beyond = {min(losses): best / 2, max(losses): best * 2}
        wanted = [beyond[best]] if best in beyond else []
    return replace(settings, lr=settings.lr * best), losses[best]


def same_step(driver: Driver, settings: Settings, rival: dict, above: dict) -> dict:
    """A row that learns as the row above does: as many tokens, in its own seconds a step.

    One run with the seed and the steps of one of the opponent's, `rival`, is the control: both
    losses stand in the row.
    """
    log = driver.run(settings, rival["spec"]["seed"], rival["steps"])
    steps = above["tokens"] / (log["tokens"] / log["steps"])
    return {
        "seconds": log["setup_seconds"] + steps * log["step_seconds"],
        "tokens": above["tokens"],
        "tokens_per_second": log["tokens_per_second"],
        "control": {"ours": loss_of(log), "theirs": loss_of(rival)},
    }


def time_to(driver: Driver, settings: Settings, target: float, start: float) -> dict | None:
    """Seconds and tokens that a row needs for `target`: between two runs that lie around it.

    `falls` says how many nats the loss falls, in these runs, while the tokens grow e-fold.

    Starts at `start` seconds and shortens or lengthens until the target lies between two runs.
    Returns None when it never does, because the epochs are used up or the tries are.
    """
    points, speeds, seconds = [], [], start
    for _ in range(TRIES):
        log = driver.race(settings, SEED, seconds)
        loss = loss_of(log)
        if not log["diverged"]:
            points.append((log["seconds"], loss))
            speeds.append(log)
        found = verdict.crossing(points, target)
        if found is not None:
            near = min(speeds, key=lambda one: abs(one["seconds"] - found))
            tokens = near["tokens"] + (found - near["seconds"]) * near["tokens_per_second"]
            return {
                "seconds": found,
                "tokens": tokens,
                "tokens_per_second": near["tokens_per_second"],
                "runs": len(points),
                "falls": verdict.slope(points),
            }
        if loss > target and log["steps"] >= driver.most_steps(settings):
            return None
        seconds = _next_try(points, target) if points else seconds * STEP
    return None


def _next_try(points: list[tuple[float, float]], target: float) -> float:
    """Where to look next: a little beyond the crossing that the last two runs point to.

    >>> round(_next_try([(100.0, 5.0)], 5.5))
    80
    >>> round(_next_try([(10.0, 6.0), (10.0 * math.e, 5.5)], 5.0) / math.e**2 / 10, 2)
    1.1
    """
    seconds, loss = points[-1]
    beyond, guess = (1 / STEP if loss <= target else STEP), seconds
    falls = verdict.slope(points[-2:]) if len(points) > 1 else 0.0
    if falls > 0:
        beyond = 1 / BEYOND if loss <= target else BEYOND
        guess *= math.exp(min(FAR, max(-FAR, (loss - target) / falls)))
    return guess * beyond


def climb(driver: Driver, theirs: Settings, ours: Settings, raced: dict) -> list[dict]:
    """Time to target of every row, and what each switch gave; `raced` are the headline's runs.

    The opponent's are the first row, since the mean of its `losses` is the target. A row of
    `SAME_STEP` needs as many tokens as the one above, which one run confirms. The others get a
    learning rate of their own, and one run on either side of the target, looked for from where the
    loss at the chosen rate points to; ours, from where the headline found it. A row's `time_ratio`
    is against the last row above it that reached the target. Its check: how many more tokens a
    second it reads (steady, without starting) times how many fewer tokens it needs should be the
    ratio of the seconds on the clock; what it misses is starting and compiling.
    """
    rivals = raced["theirs"]
    losses = [loss_of(log) for log in rivals]
    target = fmean(losses)
    names = ("seconds", "tokens", "tokens_per_second")
    above = {name: fmean(log[name] for log in rivals) for name in names}
    (first, settings), *others = rows(theirs, ours)
    table = [{"name": first, "settings": settings.to_dict(), "reached": True, **above}]
    table[0]["losses"] = losses
    ordinary = min(rivals, key=lambda log: abs(loss_of(log) - target))
    for name, settings in others:
        start = _seconds(driver, settings, above["tokens"])
        if name in SAME_STEP:
            found = same_step(driver, settings, ordinary, above)
        else:
            if swept(settings, ours):
                start = fmean(log["seconds"] for log in raced["ours"])
            else:
                settings, loss = best_rate(driver, settings, start * TUNED_AT)
                likely = start * TUNED_AT * math.exp((loss - target) / FALL)
                start = min(start, likely * BEYOND)
            found = time_to(driver, settings, target, start)
        row = {"name": name, "settings": settings.to_dict(), "reached": found is not None}
        if found:
            row |= {**found, **compare(found, above)}
            above = found
        table.append(row)
    return table


def _seconds(driver: Driver, settings: Settings, tokens: float) -> float:
    """How long so many tokens take, without starting."""
    steps = tokens / (settings.batch_size * driver.shape.length)
    return steps * driver.calibrate(settings)["step_seconds"]


def compare(row: dict, above: dict) -> dict:
    """One row against another: ratios of time, throughput and tokens, and whether they agree.

    >>> fast = {"seconds": 50.0, "tokens": 800.0, "tokens_per_second": 16.0}
    >>> compare(fast, {"seconds": 100.0, "tokens": 1000.0, "tokens_per_second": 10.0})["agrees"]
    True
    """
    time = above["seconds"] / row["seconds"]
    throughput = row["tokens_per_second"] / above["tokens_per_second"]
    tokens = above["tokens"] / row["tokens"]
    return {
        "time_ratio": time,
        "throughput_ratio": throughput,
        "tokens_ratio": tokens,
        "agrees": abs(throughput * tokens / time - 1) <= AGREE,
    }
