"""Run a learner's code so that nothing it does can hurt: no hang, no changed argument or seed.

`guarded()` puts the random generators of Python, NumPy and PyTorch, the default dtype and the like
back as they were. `limited(work, seconds)` stops work that takes too long. In the main thread of
Linux and macOS, that is also of a Jupyter kernel, an alarm signal interrupts it; elsewhere
(Windows, another thread) the work runs in a thread of its own, into which an exception is thrown.
One call into compiled code that never returns can be interrupted by neither.
"""

import contextlib
import copy
import ctypes
import io
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

# Seconds between two attempts to stop. A bare `except:` in a loop swallows those that hit its
# `try`; many attempts, not in step with anything, soon hit a place outside.
EVERY = 0.002
uneven = random.Random(0)


class TimeUp(BaseException):
    """Thrown into code that runs too long. No Exception, so that `except Exception` lets it go."""


def global_dice() -> tuple:
    """Where the global generators of Python, PyTorch and NumPy stand: equal as long as nobody
    draws from one or seeds it.

    >>> before = global_dice()
    >>> _ = random.random()
    >>> before == global_dice()
    False
    """
    _, keys, place, *_ = np.random.get_state()  # noqa: NPY002
    return random.getstate(), torch.get_rng_state().tolist(), keys.tolist(), place


@contextlib.contextmanager
def guarded(seed: int = 0):
    """Run with seeded global generators, gradients on, output caught; then put all back.

    Yields the text buffer into which `print` goes meanwhile.
    """
    python, cpu = random.getstate(), torch.get_rng_state()
    legacy = np.random.get_state()  # noqa: NPY002  learners' code may use the global generator
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    printed = io.StringIO()
    try:
        with (
            contextlib.redirect_stdout(printed),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
            torch.inference_mode(False),
            torch.enable_grad(),
        ):
            warnings.simplefilter("ignore")
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            torch.default_generator.manual_seed(seed)  # the CPU alone, unlike torch.manual_seed
            yield printed
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_default_device() != device:
            torch.set_default_device(device)


def limited(work: Callable[[], None], seconds: float) -> bool:
    """Run `work()`; stop it after `seconds`. True when it finished.

    >>> limited(lambda: None, seconds=1.0)
    True
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and hasattr(signal, "setitimer"):
        return _limited_by_alarm(work, seconds)
    return _limited_by_thread(work, seconds)


def _limited_by_alarm(work, seconds) -> bool:
    running = True

    def ring(signum, frame):
        if running:
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, EVERY)
    try:
        work()
        running = False
        return True
    except TimeUp:
        running = False
        return False
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, *timer)  # whoever had set an alarm gets it back
        signal.signal(signal.SIGALRM, handler)


def _limited_by_thread(work, seconds, grace: float = 2.0) -> bool:
    failure: list[BaseException] = []

    def run():
        try:
            work()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    stopped = thread.is_alive()
    if stopped:
        _throw_into(thread, grace)
    if failure and not isinstance(failure[0], TimeUp):
        raise failure[0]
    return not (stopped or failure)


def _throw_into(thread: threading.Thread, seconds: float) -> None:
    """Throw TimeUp into a thread until it ends, or give it up and leave it behind."""
    throw = ctypes.pythonapi.PyThreadState_SetAsyncExc
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    give_up = time.monotonic() + seconds
    try:
        while thread.is_alive() and time.monotonic() < give_up:
            throw(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeUp))
            thread.join(EVERY * uneven.random())
    finally:
        sys.setswitchinterval(interval)


def clone(value: Any) -> Any:
    """A copy that shares nothing with the original, strides and gradients' wishes kept.

    >>> x = torch.zeros(3, 2).T
    >>> clone(x).is_contiguous()
    False
    """
    if isinstance(value, torch.Generator):
        return torch.Generator(device=value.device).set_state(value.get_state())
    if isinstance(value, torch.Tensor):
        twin = torch.empty_strided(value.shape, value.stride(), dtype=value.dtype)
        twin = copy.deepcopy(value.detach()) if 0 in value.stride() else twin.copy_(value.detach())
        return twin.requires_grad_(value.requires_grad)
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(clone(one) for one in value)
    if type(value) is dict:
        return {key: clone(one) for key, one in value.items()}
    try:
        return copy.deepcopy(value)
    except Exception:  # a tokenizer, an open file: it cannot be copied, so it is shared
        return value


def unchanged(before: Any, after: Any) -> bool:
    """Is `after`, bit for bit, what `before` was? True for what cannot be compared."""
    if isinstance(before, torch.Tensor):
        same = before.shape == after.shape and before.dtype == after.dtype
        return same and torch.equal(before.nan_to_num(), after.nan_to_num())
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
    if isinstance(before, torch.nn.Module):
        states = before.state_dict(), after.state_dict()
        return states[0].keys() == states[1].keys() and all(
            unchanged(states[0][name], states[1][name]) for name in states[0]
        )
    if type(before) in (list, tuple):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if type(before) is dict:
        return before.keys() == after.keys() and all(
            unchanged(before[key], after[key]) for key in before
        )
    if isinstance(before, str | int | float | bool | set | bytes | type(None)):
        return before == after
    return True
