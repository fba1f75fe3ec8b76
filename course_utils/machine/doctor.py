"""What this machine is, and what is wrong with it: the text behind `course doctor`."""

import platform
import shutil
from importlib.metadata import version

import psutil
import torch

from course_utils import files

from .device import autocast_dtype, bf16_is_native, matmul_peak, pick_device

LIBRARIES = ("torch", "transformers", "datasets", "tokenizers", "numpy")
ENOUGH_MEMORY, ENOUGH_DISK = 4e9, 2e9  # bytes
ENOUGH_FLOPS = 150e9  # FLOP/s in float32: at 110, some lessons overran their three minutes


def diagnose() -> dict:
    """Cores, memory, device, number types, matmul peaks, versions, disk; and the problems.

    Sizes are in bytes, peaks in FLOP/s. The bfloat16 peak is measured only where the hardware has
    bfloat16, since its emulation would take minutes. `problems` is a list of sentences.

    >>> sorted(diagnose())[:3]
    ['bf16', 'cores', 'data_fetched']
    """
    device = pick_device()
    native = bf16_is_native(device)
    tables = files.cache_dir() / "tables"
    disk = shutil.disk_usage(next(p for p in (tables, *tables.parents) if p.exists()))
    report = {
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory": psutil.virtual_memory().total,
        "memory_free": psutil.virtual_memory().available,
        "disk_free": disk.free,
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else "",
        "bf16": "native" if native else "emulated, not used",
        "training_dtype": str(autocast_dtype(device) or torch.float32).removeprefix("torch."),
        "peak_fp32": matmul_peak(torch.float32, size=1024, seconds=0.3),
        "peak_bf16": matmul_peak(torch.bfloat16, size=1024, seconds=0.3) if native else None,
        "versions": {name: version(name) for name in LIBRARIES},
        "data_fetched": tables.is_dir() and any(tables.iterdir()),
    }
    return report | {"problems": problems(report)}


def problems(report: dict) -> list[str]:
    """What of a `diagnose` report will get in a learner's way, a sentence each.

    >>> problems({"memory_free": 1e9, "disk_free": 9e9, "peak_fp32": 2e11, "data_fetched": True})
    ['Only 1.0 GB of memory is free; close other programs, the lessons need about 4 GB.']
    """
    _complete(report, "memory_free", "disk_free", "peak_fp32", "data_fetched")
    found = []
    if report["memory_free"] < ENOUGH_MEMORY:
        found.append(
            f"Only {report['memory_free'] / 1e9:.1f} GB of memory is free; close other programs, "
            "the lessons need about 4 GB."
        )
    if report["disk_free"] < ENOUGH_DISK:
        found.append(
            f"Only {report['disk_free'] / 1e9:.1f} GB of disk is free; the data need about 2 GB."
        )
    if report["peak_fp32"] < ENOUGH_FLOPS:
        found.append(
            f"This machine computes {report['peak_fp32'] / 1e9:.0f} GFLOP/s; below 150 some "
            "lessons may take longer than three minutes: set COURSE_TIME_FACTOR=3."
        )
    if not report["data_fetched"]:
        found.append("The texts have not been fetched: run `course data` once while online.")
    return found


def describe(report: dict) -> str:
    """A `diagnose` report as text for people."""
    _complete(report, "system", "peak_fp32", "problems")
    peak = f"{report['peak_fp32'] / 1e9:.0f} GFLOP/s float32"
    if report["peak_bf16"]:
        peak += f", {report['peak_bf16'] / 1e9:.0f} bfloat16"
    lines = {
        "system": report["system"],
        "processor": f"{report['cores']} cores, {report['threads']} threads used",
        "memory": f"{report['memory'] / 1e9:.1f} GB, {report['memory_free'] / 1e9:.1f} free",
        "disk": f"{report['disk_free'] / 1e9:.1f} GB free",
        "device": f"{report['device']} {report['device_name']}".strip(),
        "bfloat16": report["bf16"],
        "trains in": report["training_dtype"],
        "matmul peak": peak,
        "libraries": ", ".join(f"{name} {v}" for name, v in report["versions"].items()),
        "data": "fetched" if report["data_fetched"] else "not fetched",
    }
    text = "\n".join(f"{name:<12} {value}" for name, value in lines.items())
    bad = report["problems"]
    return text + "\n\n" + ("\n".join(f"✗ {p}" for p in bad) if bad else "✓ nothing is wrong")


def _complete(report: dict, *names: str) -> None:
    for name in names:
        if not isinstance(report, dict) or name not in report:
            raise ValueError(f"report must be what diagnose() returns: {name} is missing.")
