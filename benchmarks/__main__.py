"""The race's command line: ``python -m benchmarks``; see `benchmarks/README.md`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from benchmarks import (
    finetune,
    gpu,
    headline,
    ladder,
    pace,
    plateau,
    racefile,
    report,
    settings,
    sweep,
    throughput,
    tuners,
    turns,
    vocabulary,
    worker,
)
from benchmarks import profile as profiling
from benchmarks.driver import Driver, race_files
from benchmarks.shapes import S1, SHAPES, Shape, shape_named
from benchmarks.store import Store
from course_utils.files import atomic_write, build_dir, checkpoint_dir, sha256_file
from course_utils.machine import pick_device
from course_utils.text import corpora


def driver_for(args, build: Path, epochs: float = 0.0) -> Driver:
    """A driver over this shape's race file, which is made if it is missing."""
    files, shape = race_files(build), args.shape
    race = racefile.prepare(shape, files / shape.name)
    runner = partial(worker.run_apart, files=files)
    about = (shape, race.facts, Store(build / "race" / "runs"), runner, epochs or args.epochs)
    if not args.in_turns:
        return Driver(*about)
    kept, take = Store(build / "race" / "paces"), partial(turns.measure, files)
    return pace.InTurns(*about, reference=sides(shape)[0], paces=kept, take=take)


def sides(shape: Shape) -> tuple[settings.Settings, settings.Settings]:
    """The tuned opponent and ours."""
    return settings.tuned(settings.OPPONENT, shape.name)[0], settings.tuned("ours", shape.name)[0]


def budget_of(args) -> float:
    """The opponent's seconds: what was asked for, else what the shape is raced with."""
    return 60 * args.minutes or headline.PLANS[args.shape.name].budget


def race(args, build: Path) -> None:
    """The headline of a shape, or a first look at it; the summary of all."""
    kind = "quick" if args.quick else "headline"
    driver = driver_for(args, build)
    theirs, ours = sides(args.shape)
    if args.quick:  # within a minute, compiling does not pay for itself
        theirs, ours = replace(theirs, compile=False), replace(ours, compile=False)
        plan = headline.QUICK
    else:
        plan = replace(headline.PLANS[args.shape.name], budget=budget_of(args))
    if args.in_turns:
        driver.pace(ours, pace.TURNS)
    raced = headline.headline(driver, theirs, ours, plan)
    report.save_part(build / "race", kind, args.shape.name, raced)
    about = report.picture(raced, driver.facts["ladder"], build / f"race-{args.shape.name}.png")
    found = finish(args, build, kind)
    print(report.describe(found[args.shape.name]), about, sep="\n")


def race_open(args, build: Path) -> None:
    """The open class of a shape, after its headline: the same opponent, a size of our choice."""
    raced = report.read_headline(build / "race", args.shape.name)
    name, driver = args.shape.name, driver_for(args, build)
    found = headline.open_class(driver, settings.open_class(name), headline.PLANS[name], raced)
    report.save_part(build / "race", "open", name, found)
    print(report.describe(finish(args, build)[name]["open"]))


def finish(args, build: Path, kind: str = "headline") -> dict:
    """Gather what there is into build/race.json (quick: build/race-quick.json)."""
    found = report.summary(build / "race", list(SHAPES), kind)
    path = build / ("race.json" if kind == "headline" else "race-quick.json")
    atomic_write(path, json.dumps(found, indent=1) + "\n")
    if getattr(args, "publish", False):
        report.publish(found)
    print(f"written: build/{path.name}")
    return found


def tune(args, build: Path) -> None:
    """The sweep of one contestant, written into benchmarks/results."""
    driver = driver_for(args, build)
    found = sweep.sweep(args.contestant, driver, budget_of(args))
    print(f"{args.contestant}: {found['chosen']} after {len(found['trials'])} trials")


def leave_plateau(args, build: Path) -> None:
    """Who leaves the unigram plateau, and when."""
    driver = driver_for(args, build, max(args.epochs, plateau.EPOCHS))
    bert = settings.tuned("b1", args.shape.name)[0]
    table = plateau.measure(driver, plateau.runs(bert, *sides(args.shape), budget_of(args)))
    report.save_part(settings.RESULTS, "plateau", args.shape.name, table)
    print(*plateau.describe(table), sep="\n")


def climb(args, build: Path) -> None:
    """The attribution ladder, after the headline whose target it uses."""
    raced = report.read_headline(build / "race", args.shape.name)
    table = ladder.climb(driver_for(args, build), *sides(args.shape), raced["runs"])
    report.save_part(build / "race", "ladder", args.shape.name, table)
    for row in table:
        end = f"{row['seconds']:.0f} s to the target" if row["reached"] else "target not reached"
        print(f"{row['name']}: {end}")
    finish(args, build)


def others(args, build: Path) -> None:
    """Beside the headline: one run of B0, and the same question against B2."""
    driver, name = driver_for(args, build), args.shape.name
    plan = replace(headline.PLANS[name], budget=budget_of(args))
    log = driver.race(settings.B0, 1, plan.budget, points=12)
    report.save_part(build / "race", "others", name, [{"name": "b0", **log}])
    found = headline.headline(driver, settings.tuned("b2", name)[0], sides(args.shape)[1], plan)
    report.save_part(build / "race", "b2", name, found)
    print(report.describe(report.shape_summary(found, name, opponent="b2")))


def show_profile(args, build: Path) -> None:
    """Where a contestant's step spends its time."""
    shared = racefile.prepare(args.shape, race_files(build) / args.shape.name)
    chosen = replace(settings.tuned(args.contestant, args.shape.name)[0], compile=args.compile)
    found = profiling.profile_steps(chosen, args.shape, shared, args.steps)
    for table in profiling.tables(found, f"{args.contestant}, {args.shape.name}"):
        Console().print(table)


def tune_classifiers(args, build: Path) -> None:
    """The fine-tuning race on the sentences of Rotten Tomatoes, judged on their validation part."""
    folder, task = args.start or checkpoint_dir(), finetune.reviews(args.labels)
    found = finetune.race(
        sha256_file(folder / "model.safetensors"), len(task.labels), Store(build / "race" / "runs"),
        lambda one: tuners.run(one, folder, task),
        ("script", "trainer") if find_spec("accelerate") else ("script",),
    )  # fmt: skip
    report.save_part(build / "race", "finetune", "all", found)
    print(*finetune.describe(found), sep="\n")


def train_vocabularies(args, build: Path) -> None:
    """The tokenizer-trainer race on film reviews."""
    found = vocabulary.race_sizes(list(corpora.load("film_reviews")["train"]["text"]))
    report.save_part(build / "race", "vocabulary", "all", found)
    print(*vocabulary.describe(found), sep="\n")


def vary(args, build: Path) -> None:
    """Tokens a second against batch, length, threads and number type."""
    table = throughput.measure(args.shape)
    report.save_part(build / "race", "throughput", args.shape.name, table)
    print(*throughput.describe(table), sep="\n")


def on_gpu(args, build: Path) -> None:
    """Speed and memory at the shape of BERT-base; a sentence where there is no GPU."""
    if pick_device().type != "cuda":
        print(gpu.NO_GPU)
        return
    table = gpu.race()
    report.save_part(build / "race", "gpu", "all", table)
    print(*map(json.dumps, table), sep="\n")


def make_file(args, build: Path) -> None:
    """The frozen race file, and the hash by which the repository pins it."""
    shared = racefile.prepare(args.shape, race_files(build) / args.shape.name)
    rungs = ", ".join(f"{rung} {nats:.3f}" for rung, nats in shared.facts["ladder"].items())
    print(f"{shared.facts['rows']:,} training rows, {shared.facts['hidden']:,} hidden tokens")
    print(f"ladder in nats: {rungs}\nsha256 {shared.facts['frozen_sha256']}")
    if args.pin:
        racefile.pin(args.shape, shared.facts["frozen_sha256"])


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = made.add_subparsers(dest="command", required=True)

    def add(name: str, run, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        one.add_argument("--shape", type=shape_named, default=S1, metavar="S1|S2")
        one.add_argument("--epochs", type=float, default=1.0, help="of the rows, for everybody")
        one.add_argument("--minutes", type=float, default=0.0, help="another budget")
        one.add_argument("--in-turns", action="store_true", help="on a machine that others use")
        return one

    one = add("race", race, "the headline: time to the tuned opponent's loss")
    one.add_argument("--quick", action="store_true", help="a first look, about five minutes")
    add("open", race_open, "the open class: the headline with a model of another size")
    one = add("sweep", tune, "tune a contestant: the opponent (b1r) before ours")
    one.add_argument("contestant", choices=list(sweep.GRIDS))
    add("plateau", leave_plateau, "who leaves the unigram plateau, and when")
    add("ladder", climb, "which switch gave how much")
    add("others", others, "B0 at the full budget, and the race against B2")
    one = add("profile", show_profile, "where the time of a step goes")
    one.add_argument("contestant", choices=["b0", *sweep.GRIDS], nargs="?", default="ours")
    one.add_argument("--steps", type=int, default=5)
    one.add_argument("--compile", action="store_true")
    one = add("finetune", tune_classifiers, "fine-tuning to the example script's accuracy")
    one.add_argument("--start", type=Path, help="a model's folder (default: course-bert)")
    one.add_argument("--labels", type=int, default=1000, help="how many sentences to train on")
    add("vocabulary", train_vocabularies, "training a BPE vocabulary: textbook, ours, Rust")
    add("throughput", vary, "tokens a second against batch, length, threads and number type")
    add("gpu", on_gpu, "tokens/s, MFU and memory at the shape of BERT-base, on a GPU")
    one = add("file", make_file, "make or verify the frozen race file")
    one.add_argument("--pin", action="store_true", help="keep its hash in benchmarks/results")
    one = add("report", finish, "gather the results into build/race.json")
    one.add_argument("--publish", action="store_true", help="benchmarks/results/race.json, too")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. What goes wrong is told in a sentence."""
    args = parser().parse_args(arguments)
    try:
        args.run(args, build_dir())
    except (ValueError, FileNotFoundError, RuntimeError) as problem:
        print(f"race: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("race: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
