"""The open class: the headline's target, a model of another size."""

from dataclasses import replace

import pytest

from benchmarks import headline, models, report, settings
from benchmarks.faults import faults
from benchmarks.settings import Settings

from .test_race import OURS, PLAN, THEIRS, driver, true_ratio
from .world import World

HALF = replace(OURS, name="open", layers=2, windows=(1, 0))


class Shallow(World):
    """Half the layers take half the seconds, learn as fast and are another size."""

    def step_seconds(self, one) -> float:
        return super().step_seconds(one) / (2 if one.layers else 1)

    def runner(self, spec) -> dict:
        log = super().runner(spec)
        if spec.settings.layers:
            log["parameters"] = {"all": 700, "non_embedding": 250}
        return log


def test_the_open_class_keeps_the_target_and_may_have_another_size(tmp_path):
    one = driver(Shallow(), tmp_path)
    raced = headline.headline(one, THEIRS, OURS, PLAN)
    found = headline.open_class(one, HALF, PLAN, raced)
    assert found["target"] == raced["target"] and not found["faults"]
    assert found["time_ratio"]["value"] == pytest.approx(2 * true_ratio(one.runner.__self__), 0.15)
    report.save_part(tmp_path, "headline", "S1", raced)
    assert report.summary(tmp_path, ["S1"], results=tmp_path)["S1"]["open"] is None
    report.save_part(tmp_path, "open", "S1", found)
    entry = report.summary(tmp_path, ["S1"], results=tmp_path)["S1"]["open"]
    assert entry["parameters"]["ours"]["non_embedding"] == 250
    assert entry["settings"]["ours"]["layers"] == 2


def test_in_the_same_class_another_size_is_a_fault(tmp_path):
    one = driver(Shallow(), tmp_path)
    raced = headline.headline(one, THEIRS, OURS, PLAN)
    assert not raced["faults"]
    raced["runs"]["ours"][0]["parameters"]["non_embedding"] = 250
    assert "not the same shape" in faults(raced, PLAN.our_seeds)[0]


def test_layers_of_its_own(shape, race, ours):
    model = models.build(replace(ours, layers=3, windows=(1, 1, 0)), shape, race, seed=0)
    assert (
        len(model.encoder.layers) == 3
        and len(models.build(ours, shape, race, 0).encoder.layers) == 1
    )
    with pytest.raises(ValueError, match="layers of their own"):
        Settings("b1", "bert", layers=2)
    assert "layers" not in ours.to_dict()


def test_the_open_class_needs_a_headline(tmp_path):
    with pytest.raises(FileNotFoundError, match="no target yet"):
        report.read_headline(tmp_path, "S1")
    assert settings.open_class("S2").name == "open"
