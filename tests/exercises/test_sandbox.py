"""No hang, no changed argument, no changed global state."""

import itertools
import os
import signal
import threading
import time

import numpy as np
import pytest
import torch

from course_utils.exercises import sandbox


def spin():
    while True:
        pass


def spin_and_swallow():
    while True:
        try:
            sum(range(10))
        except:  # noqa: E722
            continue


def sleep():
    time.sleep(60)


def count_for_ever():
    for _ in itertools.count():
        pass


@pytest.mark.parametrize("work", [spin, spin_and_swallow, sleep, count_for_ever])
def test_endless_work_is_stopped_in_the_main_thread(work):
    start = time.monotonic()
    assert not sandbox.limited(work, seconds=0.2)
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("work", [spin, spin_and_swallow, count_for_ever])
def test_endless_work_is_stopped_without_an_alarm(work):
    """As on Windows, or when the check itself runs in a thread."""
    start, before = time.monotonic(), set(threading.enumerate())
    assert not sandbox._limited_by_thread(work, seconds=0.2)
    assert time.monotonic() - start < 5
    assert set(threading.enumerate()) <= before  # others may end meanwhile


def test_a_call_that_cannot_be_interrupted_is_left_behind():
    start = time.monotonic()
    assert not sandbox._limited_by_thread(lambda: time.sleep(4), seconds=0.1, grace=0.3)
    assert time.monotonic() - start < 3


def test_a_check_in_another_thread_uses_no_alarm():
    finished = []
    thread = threading.Thread(target=lambda: finished.append(sandbox.limited(spin, 0.2)))
    thread.start()
    thread.join(10)
    assert finished == [False]


def test_errors_pass_through_in_a_thread():
    with pytest.raises(ZeroDivisionError):
        sandbox._limited_by_thread(lambda: 1 / 0, seconds=1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no alarm signal")
def test_an_alarm_that_was_set_before_still_rings():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        assert sandbox.limited(lambda: None, seconds=5)
        time.sleep(0.5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert rung == [True]


def test_output_is_caught_and_the_generators_put_back():
    before = torch.get_rng_state()
    with sandbox.guarded(3) as printed:
        print("hello")
        torch.manual_seed(5)
        np.random.seed(5)  # noqa: NPY002
        torch.set_default_dtype(torch.float64)
    assert printed.getvalue() == "hello\n"
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_default_dtype() == torch.float32


@pytest.mark.parametrize(
    "value",
    [
        torch.randn(3, 4).T,
        torch.randn(1, 4).expand(3, 4),
        torch.randn(2, 3)[:, ::2],
        torch.zeros(2, requires_grad=True),
        torch.randn(2, requires_grad=True) * 2,
        [torch.ones(2), {"a": np.zeros(3)}],
        (1, "text", None),
        torch.nn.Linear(2, 2),
        torch.Generator().manual_seed(4),
        os,  # cannot be copied: shared
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_clone_is_equal_and_apart(value):
    twin = sandbox.clone(value)
    assert sandbox.unchanged(value, twin)
    if isinstance(value, torch.Tensor):
        assert twin.stride() == value.stride()
        assert twin.requires_grad == value.requires_grad
        with torch.no_grad():
            if 0 not in twin.stride():
                twin.add_(1)
                assert not sandbox.unchanged(value, twin)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (torch.tensor([1.0]), torch.tensor([2.0])),
        (torch.zeros(2), torch.zeros(2, 1)),
        (np.zeros(2), np.ones(2)),
        ([1, 2], [1]),
        ({"a": 1}, {"a": 2}),
        ("a", "b"),
    ],
)
def test_a_change_is_seen(before, after):
    assert not sandbox.unchanged(before, after)


def test_not_a_number_is_unchanged():
    nan = torch.tensor([float("nan"), float("inf")])
    assert sandbox.unchanged(nan, nan.clone())
    assert sandbox.unchanged(nan.numpy(), nan.numpy().copy())
