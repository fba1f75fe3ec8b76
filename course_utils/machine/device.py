"""Which device to compute on, in which number type, and how fast it multiplies matrices."""

from __future__ import annotations

import ctypes
import os
import platform
import random
import time
from pathlib import Path

import numpy as np
import torch

SCALES = ("laptop", "gpu")


def pick_device() -> torch.device:
    """The accelerator if one works here, else the CPU. `COURSE_DEVICE` (cpu, cuda, mps …) decides.

    Raises:
        ValueError: `COURSE_DEVICE` names a device that is not to be had here.

    >>> pick_device().type == os.environ.get("COURSE_DEVICE", pick_device().type).split(":")[0]
    True
    """
    wanted = os.environ.get("COURSE_DEVICE", "").strip().lower()
    found = torch.accelerator.current_accelerator(check_available=True)
    if not wanted:
        return found or torch.device("cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ValueError(
            f"COURSE_DEVICE={wanted!r} is no device: use cpu, cuda, cuda:1, mps or xpu."
        ) from None
    here = {"cpu", "meta"} | ({found.type} if found else set())
    if device.type not in here:
        raise ValueError(
            f"COURSE_DEVICE={wanted!r} asks for a device that PyTorch does not find here; "
            f"it finds {' and '.join(sorted(here - {'meta'}))}."
        )
    if device.index is not None and found and device.index >= torch.accelerator.device_count():
        raise ValueError(
            f"COURSE_DEVICE={wanted!r}: there are only {torch.accelerator.device_count()} of them."
        )
    return device


def as_device(device: torch.device | str) -> torch.device:
    """The device of this name.

    Raises:
        TypeError, ValueError: it is neither a device nor a str, or PyTorch knows no such name.

    >>> as_device("cpu")
    device(type='cpu')
    """
    if not isinstance(device, torch.device | str):
        raise TypeError(f"A device must be a torch.device or its name, not {device!r}.")
    try:
        return torch.device(device)
    except RuntimeError:
        raise ValueError(f"{device!r} is no device: use cpu, cuda, cuda:1, mps or xpu.") from None


def bf16_is_native(device: torch.device | str = "cpu") -> bool:
    """Whether the device multiplies bfloat16 in hardware. Emulation can be a hundred times slower.

    >>> bf16_is_native("cpu") in (True, False)
    True
    """
    device = as_device(device)
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return _cpu_has_bf16()
    return device.type in ("mps", "xpu")


def _cpu_has_bf16() -> bool:
    """AVX-512-BF16 or AMX on x86, the bf16 extension on Arm."""
    cpu = torch.cpu
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    if any(getattr(cpu, probe, lambda: False)() for probe in probes):
        return True
    if platform.machine().lower() in ("aarch64", "arm64"):
        try:
            return " bf16" in Path("/proc/cpuinfo").read_text()
        except OSError:
            return False
    return False


def autocast_dtype(device: torch.device | str) -> torch.dtype | None:
    """The number type for `torch.autocast`, or None where plain float32 is the right choice.

    bfloat16 wherever the hardware has it and is faster with it. None on other CPUs, and on GPUs
    that know only float16, which would need a loss scaler. A CPU is asked once in a process, by
    a fifth of a second of matrix products: there are some with instructions for bfloat16 that
    multiply float32 twice as fast, because the instructions wait for one narrow unit.

    >>> autocast_dtype("cpu") in (None, torch.bfloat16)
    True
    """
    device = as_device(device)
    pays = bf16_is_native(device) and (device.type != "cpu" or _cpu_is_faster_in_bf16())
    return torch.bfloat16 if pays else None


def settle_bf16(faster: bool | None) -> None:
    """Take this answer instead of asking the CPU; after None it is asked again.

    Processes that train together must agree, and each with a stopwatch of its own may not.

    Raises:
        TypeError: `faster` is none of True, False and None.

    >>> settle_bf16(False)
    >>> print(autocast_dtype("cpu"))
    None
    >>> settle_bf16(None)
    """
    global _bf16_is_faster
    if faster not in (True, False, None):
        raise TypeError(f"faster must be True, False or None, not {faster!r}.")
    _bf16_is_faster = faster


_bf16_is_faster: bool | None = None  # on this CPU; None until it was asked


def _cpu_is_faster_in_bf16() -> bool:
    """By small products on one thread, in turns, the best of each: too short to be interrupted."""
    if _bf16_is_faster is None:
        threads, kinds = torch.get_num_threads(), (torch.bfloat16, torch.float32)
        torch.set_num_threads(1)
        try:
            rounds = [
                [matmul_peak(kind, size=512, device="cpu", seconds=0.005) for kind in kinds]
                for _ in range(12)
            ]
        finally:
            torch.set_num_threads(threads)
        short, long = map(max, zip(*rounds, strict=True))
        settle_bf16(short > long)
    return _bf16_is_faster


def trains_on_plain_products(device: torch.device | str, length: int) -> bool:
    """Whether attention over `length` keys is trained faster without PyTorch's fused kernel.

    On a CPU it is: the kernel's backward pass is slow there. The plain products keep a table of
    L × L weights a head, so beyond 256 keys the kernel is worth its time for the memory it saves.

    >>> trains_on_plain_products("cpu", 128), trains_on_plain_products("cpu", 4096)
    (True, False)
    """
    return as_device(device).type == "cpu" and length <= 256


def synchronize(device: torch.device | str) -> None:
    """Wait until the device has done its work; a CPU has always done so when a call returns.

    An accelerator works behind our back: without this, a stopwatch measures how long it takes
    to *order* the work.
    """
    device = as_device(device)
    if device.type not in ("cpu", "meta"):
        torch.accelerator.synchronize(device)


def at_scale(*, laptop, gpu):
    """One of two sizes for the same code: `laptop` unless `COURSE_SCALE=gpu`.

    Raises:
        ValueError: `COURSE_SCALE` is neither of the two.

    >>> at_scale(laptop=200, gpu=20_000) in (200, 20_000)
    True
    """
    scale = os.environ.get("COURSE_SCALE", "").strip().lower() or "laptop"
    if scale not in SCALES:
        raise ValueError(f"COURSE_SCALE={scale!r} is unknown: use laptop or gpu.")
    return gpu if scale == "gpu" else laptop


def seed_everything(seed: int) -> None:
    """Start Python's, NumPy's and PyTorch's random numbers from the same seed.

    Raises:
        TypeError, ValueError: the seed is no whole number, or not one of 0 … 2³²−1.

    >>> seed_everything(7); first = torch.rand(1).item()
    >>> seed_everything(7); first == torch.rand(1).item()
    True
    """
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise TypeError(f"A seed must be a whole number, not {type(seed).__name__}.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"A seed must lie between 0 and 2³²−1, not {seed}.")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - scikit-learn and others draw from the global generator
    torch.manual_seed(seed)


def keep_freed_memory() -> bool:
    """Let freed tensors stay with this process, so that the next ones need not be fetched anew.

    By default the C library of Linux gives every large block back to the system as soon as it is
    freed, and the system hands out the next one page by page, each filled with zeros. A training
    step frees and asks for the same blocks every time, and spent 11 to 13 % of its time on that.
    The peak of the memory grows by a few per cent. Returns whether there was such a library; with
    others nothing happens (mallopt(3), M_MMAP_MAX and M_TRIM_THRESHOLD).

    >>> keep_freed_memory() in (True, False)
    True
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mmap_max, trim_threshold = -4, -1
    library = ctypes.CDLL(None)
    return bool(library.mallopt(mmap_max, 0) and library.mallopt(trim_threshold, 2**31 - 1))


def matmul_peak(
    dtype: torch.dtype = torch.float32,
    size: int = 2048,
    device: torch.device | str | None = None,
    seconds: float = 1.0,
) -> float:
    """The best rate, in FLOP/s, at which this machine multiplies two size × size matrices.

    A product of two n × n matrices costs 2n³ floating-point operations. The best of several
    tries counts, since whatever else runs can only slow a try down. Where the first try takes
    long (bfloat16 on a CPU without it), that try is the answer.

    Raises:
        TypeError: `dtype` is no floating-point type.
        ValueError: `size` is below 1, or there is no such device.

    >>> matmul_peak(size=64, seconds=0.01) > 1e6
    True
    """
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise TypeError(f"dtype must be a floating-point torch.dtype, not {dtype!r}.")
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}.")
    device = as_device(device) if device is not None else pick_device()
    dice = torch.Generator().manual_seed(0)  # the caller's own dice stay where they are
    a, b = (torch.rand(size, size, generator=dice).to(device, dtype) for _ in range(2))
    return 2 * size**3 / product_seconds(a, b, seconds)


def product_seconds(a: torch.Tensor, b: torch.Tensor, seconds: float = 1.0) -> float:
    """The shortest time, in seconds, that one product `a @ b` takes among tries for `seconds`.

    Raises:
        ValueError: the two cannot be multiplied.

    >>> product_seconds(torch.ones(2, 3), torch.ones(3, 4), seconds=0.01) < 1
    True
    """
    if a.dim() < 2 or b.dim() < 2 or a.size(-1) != b.size(-2):
        raise ValueError(f"{tuple(a.shape)} and {tuple(b.shape)} cannot be multiplied.")
    best, began, tries = float("inf"), time.perf_counter(), 0
    while tries == 0 or time.perf_counter() - began < seconds:
        synchronize(a.device)
        start = time.perf_counter()
        a @ b
        synchronize(a.device)
        best = min(best, time.perf_counter() - start)
        tries += 1
    return best
