"""Running the lessons, one after the other, and reporting on it."""

import html
import json
import os
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from course_utils import files

BUDGET_SECONDS = 180.0
OFFLINE = Path(__file__).parent / "offline"


def offline_environment() -> dict[str, str]:
    """Environment variables under which Python and `transformers` stay off the network."""
    paths = [str(OFFLINE), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TQDM_DISABLE": "1",
    }


def find(wanted: list[str] | None = None) -> list[Path]:
    """The lessons' notebooks in order; `wanted` chooses some by number ("04") or name.

    Raises:
        ValueError: a wanted lesson does not exist.
    """
    root = files.repo_root()
    lessons = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb")) if root else []
    if not wanted:
        return lessons
    names = {name: path for path in lessons for name in (path.stem, path.stem[:2])}
    missing = [w for w in wanted if w.zfill(2) not in names]
    if missing:
        there = ", ".join(p.stem for p in lessons) or "none yet"
        raise ValueError(f"There is no lesson {', '.join(missing)}: the lessons are {there}.")
    return sorted({names[w.zfill(2)] for w in wanted})


def budget() -> float:
    """Seconds that a lesson has: `BUDGET_SECONDS`, times COURSE_TIME_FACTOR (for slow machines)."""
    return BUDGET_SECONDS * float(os.environ.get("COURSE_TIME_FACTOR", "1"))


def cell_timeout() -> int:
    """Seconds after which a cell counts as hanging, which is something else than slow."""
    return int(4 * budget())


def run(wanted: list[str] | None = None, tell=print) -> dict:
    """Execute lessons into `build/lessons` and write `build/report.json` and `.html`.

    Returns the report; its `lessons` have status "passed", "failed" or "over budget".
    """
    from course_utils.machine import diagnose

    lessons = find(wanted)
    report = {"machine": diagnose(), "total_seconds": 0.0, "lessons": []}
    for number, path in enumerate(lessons, 1):
        tell(f"[{number}/{len(lessons)}] {path.stem} …")
        entry = _run_one(path)
        report["lessons"].append(entry)
        report["total_seconds"] = round(sum(e["seconds"] for e in report["lessons"]), 1)
        error = f": {entry['error']}" if "error" in entry else ""
        cost = f"{entry['seconds']:.0f} s, {entry['peak_memory_mb']:.0f} MB"
        tell(f"    {entry['status']} in {cost}{error}")
        _write(report)
    _write(report)
    return report


def _write(report: dict) -> None:
    build = files.build_dir()
    files.atomic_write(build / "report.json", json.dumps(report, indent=1, default=str))
    files.atomic_write(build / "report.html", page(report))


def _run_one(path: Path) -> dict:
    notebook = nbformat.read(path, as_version=4)
    build = files.build_dir()
    results = build / "lessons" / f"{path.stem}.results.jsonl"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    environment = os.environ | offline_environment() | {"COURSE_RESULTS": str(results)}
    client = NotebookClient(
        notebook, timeout=cell_timeout(), kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # else each lesson warns of loopback TCP
    )  # fmt: skip
    entry = {"name": path.stem, "status": "passed", "seconds": 0.0, "budget_seconds": budget()}
    start = time.perf_counter()
    with _MemoryWatch() as watch:
        try:
            client.execute(env=environment)
        except CellExecutionError as error:
            entry |= {"status": "failed", "error": f"{error.ename}: {error.evalue}"[:500]}
        except Exception as error:  # a dead kernel or a time-out: the report must say so, too
            entry |= {"status": "failed", "error": f"{type(error).__name__}: {error}"[:500]}
    if hasattr(client, "_async_cleanup_kernel_future"):  # nbclient was told to stop, and hides it
        raise KeyboardInterrupt
    entry["seconds"] = round(time.perf_counter() - start, 1)
    if entry["status"] == "passed" and entry["seconds"] > budget():
        entry["status"] = "over budget"
    entry["peak_memory_mb"] = round(watch.peak / 1e6, 1)
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    entry["results"] = {k: v for line in lines for k, v in json.loads(line).items()}
    results.unlink(missing_ok=True)
    files.atomic_write(build / "lessons" / path.name, nbformat.writes(notebook))
    return entry


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Course report</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       background: #fff; color: #222 }}
td.passed {{ color: #00624a }}
td.failed, td.over {{ color: #a33c00; font-weight: bold }}
pre {{ white-space: pre-wrap }}
table {{ border-collapse: collapse; width: 100% }}
td, th {{ text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #ddd;
         vertical-align: top }}
</style>
<h1>Course report</h1><p>{count} lessons in {seconds:.0f} s.</p>
<table><tr><th>Lesson</th><th>Status</th><th>Time</th><th>Peak memory</th><th>Results</th></tr>
{rows}</table>
<h2>Machine</h2><pre>{machine}</pre></html>
"""


class _MemoryWatch(threading.Thread):
    """The largest resident memory of our child processes, in bytes, looked at twice a second.

    The first looks come sooner: a short lesson may be over in half a second.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.peak, self._done = 0, threading.Event()

    def run(self):
        pause = 0.1
        while not self._done.wait(pause):
            pause = min(0.5, 1.5 * pause)
            try:
                children = psutil.Process().children(recursive=True)
                self.peak = max(self.peak, sum(child.memory_info().rss for child in children))
            except psutil.Error:
                continue

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()


def page(report: dict) -> str:
    """The report as one HTML page.

    >>> "<table>" in page({"machine": {}, "total_seconds": 0.0, "lessons": []})
    True
    """
    rows = "".join(_row(entry) for entry in report["lessons"])
    from course_utils.machine import describe

    machine = html.escape(describe(report["machine"])) if report["machine"] else ""
    return PAGE.format(
        count=len(report["lessons"]), seconds=report["total_seconds"], rows=rows, machine=machine
    )


def _row(entry: dict) -> str:
    lines = [entry["error"]] if "error" in entry else []
    lines += [f"{k} = {v}" for k, v in entry["results"].items()]
    cells = (
        html.escape(entry["name"]),
        html.escape(entry["status"]),
        f"{entry['seconds']:.0f} of {entry['budget_seconds']:.0f} s",
        f"{entry['peak_memory_mb']:.0f} MB",
        "<br>".join(map(html.escape, lines)),
    )
    name, status, *others = (f"<td>{cell}</td>" for cell in cells)
    status = status.replace("<td>", f'<td class="{entry["status"]}">')
    return "<tr>" + "".join([name, status, *others]) + "</tr>"
