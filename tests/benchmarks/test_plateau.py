"""Who left the plateau, on runs whose curves are known."""

from benchmarks import plateau
from benchmarks.driver import Driver
from benchmarks.settings import B1, B1R
from benchmarks.store import Store
from tests.benchmarks.test_driver import result
from tests.benchmarks.world import FACTS

UNIGRAM = FACTS["ladder"]["unigram"]


def test_who_left_the_plateau_and_when(tmp_path, shape):
    def runner(spec):
        falls = 2.0 if spec.settings.model == "jina" else 0.9
        points = [(10, 0.1), (20, falls)]
        curve = [{"step": s, "seconds": 2.0 * s, "loss": UNIGRAM - nats} for s, nats in points]
        told = {"curve": curve, "tokens": 20 * 4096, "steps": 20, "loss": UNIGRAM - falls}
        return result() | told

    one = Driver(shape, FACTS, Store(tmp_path), runner, tell=lambda _: None)
    stuck, gone = plateau.measure(one, [("BERT", B1, 100.0), ("rotary", B1R, 50.0)])
    assert stuck["left"] is None and stuck["settings"]["model"] == "bert"
    assert gone["left"]["step"] == 20 and gone["left"]["tokens"] == 20 * 4096
    said = plateau.describe([stuck, gone])
    assert "BERT: still on the plateau" in said[0] and "rotary: left the plateau by" in said[1]
