"""The throughput table, in a world whose speeds are known and on a toy."""

import pytest
import torch

from benchmarks import throughput

from .conftest import TINY


def test_each_point_takes_turns_with_the_reference(monkeypatch):
    asked = []

    def rate(point, shape, steps):
        asked.append(point)
        machine = 1.0 if len(asked) < 40 else 0.3  # somebody else comes
        return 1000.0 * machine * point["batch_size"] / 32

    monkeypatch.setattr(throughput, "tokens_per_second", rate)
    table = throughput.measure(TINY, turns=5)
    base = throughput.reference()
    assert asked[::2] == [base] * (5 * (len(table) - 1)) and base not in asked[1::2]
    for row in table[1:]:
        assert row["ratio"]["value"] == pytest.approx(row["batch_size"] / 32)
    lines = throughput.describe(table)
    assert lines[0].startswith("reference") and "batch_size 4 " in lines[1]
    assert len(lines) == len(table)


def test_a_point_trains_with_its_threads_and_number_type(monkeypatch):
    seen = []
    real = throughput.timed.time_run

    def spy(one, shape, race, **rest):
        log = real(one, shape, race, **rest)
        counted = (one.batch_size, shape.length, rest["steps"])
        seen.append((*counted, torch.get_num_threads(), one.bf16))
        return log

    monkeypatch.setattr(throughput.timed, "time_run", spy)
    before = torch.get_num_threads()
    point = {"batch_size": 4, "length": 16, "threads": 1, "number_type": "float32"}
    assert throughput.tokens_per_second(point, TINY, steps=2) > 0
    as_many_tokens = 2 * 32 * 128 // (4 * 16)
    assert seen == [(4, 16, as_many_tokens, 1, False)] and torch.get_num_threads() == before
