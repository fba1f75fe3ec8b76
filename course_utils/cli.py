"""The `course` command: the same on every system, with or without make."""

import argparse
import json
import os
import subprocess
import sys


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Whatever goes wrong is told in a sentence."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")  # a Windows file would not take a ✓
    args = _parser().parse_args(arguments)
    try:
        status = args.run(args) or 0
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `course progress | head`: whoever listened has heard enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as problem:
        text = problem.args[0] if isinstance(problem, KeyError) else problem
        print(f"course {args.command}: {text}", file=sys.stderr)
        return 1


def _call(command: list[str], **options) -> int:
    """Run a command to its end; after Ctrl-C, which it gets as well, it ends in its own way."""
    with subprocess.Popen(command, **options) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def _parser() -> argparse.ArgumentParser:
    about = "A course that trains its own BERT."
    parser = argparse.ArgumentParser(prog="course", description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, run, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    doctor = add("doctor", _doctor, "say what this machine is and what is wrong with it")
    doctor.add_argument("--json", action="store_true")
    data = add("data", _data, "fetch and verify the texts; afterwards everything works offline")
    data.add_argument("names", nargs="*", help="which (default: all)")
    run = add("run", _run, "run lessons and write build/report.json and build/report.html")
    run.add_argument("lessons", nargs="*", metavar="NN")
    add("test", _test, "lint, unit tests and every lesson against its stored outputs")
    add("lab", _lab, "open JupyterLab at the first lesson")
    race = add("race", _race, "our pretraining against a tuned Hugging Face model: hours")
    race.add_argument("--quick", action="store_true", help="a first look, about five minutes")
    demo = add("demo", _demo, "a page on this machine where a trained model answers")
    demo.add_argument("checkpoint", nargs="?", metavar="CHECKPOINT", help="a model's folder")
    demo.add_argument("--classifier", metavar="FOLDER", help="a classifier to put beside it")
    demo.add_argument("--port", type=int, default=8023)
    demo.add_argument("--html", metavar="FILE", help="write the page without a server, and stop")
    check = add("check", _check, "check the answers in a saved lesson")
    check.add_argument("lesson", metavar="NN")
    hint = add("hint", _hint, "the next hint for an exercise")
    hint.add_argument("id", metavar="NN.M")
    progress = add("progress", _progress, "what you have solved")
    progress.add_argument("--json", action="store_true")
    progress.add_argument("--reset", nargs="?", const="", metavar="NN[.M]")
    exercises = add("exercises", _exercises, "list the exercises")
    exercises.add_argument("--json", action="store_true")
    export = add("export", _export, "write solved notebooks or an nbgrader source")
    kind = export.add_mutually_exclusive_group(required=True)
    kind.add_argument("--solutions", metavar="DIR")
    kind.add_argument("--nbgrader", metavar="DIR")
    return parser


def _doctor(args) -> None:
    from course_utils.machine import describe, diagnose

    report = diagnose()
    print(json.dumps(report, indent=1, default=str) if args.json else describe(report))


def _data(args) -> None:
    _fetch(args.names)


def _fetch(names: list[str] | None = None) -> None:
    """Fetch and verify what is missing; when everything is there, this takes no time."""
    from course_utils.text import corpora

    corpora.fetch(names or None)


def _run(args) -> int:
    from course_utils import lessons

    lessons.find(args.lessons)  # a mistyped number is told before anything is fetched
    _fetch()
    report = lessons.run(args.lessons)
    seconds = report["total_seconds"]
    print(f"{len(report['lessons'])} lessons in {seconds:.0f} s; see build/report.html")
    failed, slow = (
        [lesson["name"] for lesson in report["lessons"] if lesson["status"] == status]
        for status in ("failed", "over budget")
    )
    if failed:
        print(f"failed: {', '.join(failed)}")
    if slow:
        print(f"without an error, but too slow for their budget: {', '.join(slow)}")
        print("On a slow machine, COURSE_TIME_FACTOR=3 gives them three times the time.")
    return 1 if failed or slow else 0


def _test(args) -> int:
    """Each stage prints its own verdict; the first that fails ends the run."""
    from course_utils import files, lessons

    root = files.repo_root()
    if root is None:
        raise FileNotFoundError("The tests live in the repository: run this in a checkout.")
    _fetch()
    threads = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    notebooks = [str(path) for path in lessons.find()]
    python = [sys.executable, "-m"]
    stages = [
        ("lint", [*python, "ruff", "check", "."], {}),
        ("spelling", [*python, "codespell_lib", "."], {}),
        ("unit tests", [*python, "pytest", "-q", "-n", "2", "--dist", "loadfile"], threads),
    ]
    if notebooks:
        nbval = [*python, "pytest", "-q", "-p", "no:xdist", "--nbval", "--nbval-current-env"]
        nbval += [f"--nbval-cell-timeout={lessons.cell_timeout()}", *notebooks]
        stages.append(("lessons", nbval, {}))
    for name, command, extra in stages:
        print(f"== {name}", flush=True)
        environment = os.environ | lessons.offline_environment() | extra
        status = _call(command, cwd=root, env=environment)
        if status:
            print(f"course test: {name} failed", file=sys.stderr)
            return status
    return 0


def _lab(args) -> int:
    from course_utils import files, lessons

    root = files.data_dir().parent
    first = next(iter(lessons.find()), root / "notebooks")
    command = [sys.executable, "-m", "jupyterlab", str(first.relative_to(root))]
    return _call(command, cwd=root)


def _race(args) -> int:
    """The race lives beside the package, in `benchmarks/`; it can be interrupted and goes on."""
    from course_utils import files

    root = files.repo_root()
    if root is None:
        raise FileNotFoundError("The race lives in the repository: run this in a checkout.")
    _fetch(["film_reviews"])
    command = [sys.executable, "-m", "benchmarks", "race"]
    return _call(command + ["--quick"] * args.quick, cwd=root)


def _demo(args) -> None:
    from course_utils import demo

    answerer = demo.Answerer(args.checkpoint or demo.default_folder(), args.classifier)
    if args.html:
        print(f"written: {demo.write(answerer, args.html)}")
        return
    with demo.serve(answerer, args.port) as server:
        address = f"http://localhost:{server.server_address[1]}/"
        print(f"{answerer.name} answers at {address} (Ctrl-C ends it)", flush=True)
        server.serve_forever()


def _check(args) -> None:
    from course_utils.exercises import commands

    outcomes = commands.check_notebook(args.lesson)
    for outcome in outcomes:
        print(outcome)


def _hint(args) -> None:
    from course_utils.exercises import commands, registry

    registry.find(args.id)  # an unknown id ends in a sentence and status 1
    print(commands.hint(args.id))


def _progress(args) -> None:
    from course_utils.exercises import commands

    if args.reset is not None:
        print(commands.reset(args.reset))
    else:
        print(commands.progress_table(args.json))


def _exercises(args) -> None:
    from course_utils.exercises import commands

    print(commands.exercises_table(args.json))


def _export(args) -> None:
    from course_utils.exercises import commands

    if args.solutions:
        written = commands.export_solutions(args.solutions)
    else:
        written = commands.export_nbgrader(args.nbgrader)
    print(f"{len(written)} notebooks written")


if __name__ == "__main__":
    sys.exit(main())
