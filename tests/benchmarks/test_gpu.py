"""The GPU section on a toy, without a GPU."""

from dataclasses import replace

import pytest

from benchmarks import __main__ as command
from benchmarks import gpu


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_measurement_has_its_figures(side, shape, request):
    one = replace(request.getfixturevalue(side), batch_size=4)
    found = gpu.measure(one, shape, steps=3, peak=(64, 0.001))
    assert found["tokens_per_second"] == pytest.approx(4 * shape.length / found["step_seconds"])
    assert found["mfu"] > 0 and found["peak_memory"] is None


def test_without_a_gpu_it_is_skipped_in_a_sentence(capsys):
    assert command.main(["gpu"]) == 0
    assert gpu.NO_GPU in capsys.readouterr().out


def test_both_sides_predict_as_many_tokens():
    assert len({one.rate for one in gpu.contestants()}) == 1
    assert {one.name for one in gpu.contestants()} == {"b1", "ours"}
