"""The peak of a whole training step, measured tensor by tensor, against the prediction."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_utils import machine
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text.masking import MaskedBatch
from course_utils.training.optim import build_optimizers
from course_utils.training.pretraining import mlm_loss

B, L, M, V = 8, 64, 19, 2000


class Meter(TorchDispatchMode):
    """Counts the bytes of every tensor from the operation that makes it until it is freed."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.sizes = {}

    def hold(self, tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in self.sizes:
            self.sizes[storage._cdata] = storage.nbytes()
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self.free, storage._cdata)

    def free(self, storage):
        self.now -= self.sizes.pop(storage)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self.hold(tensor)
        return result


def test_the_meter_counts_what_lives():
    with Meter() as meter:
        a = torch.ones(1_000)
        b = a.view(10, 100) + 1  # a view costs nothing
        assert (meter.now, meter.peak) == (8_000, 8_000)
        del a
        assert (meter.now, meter.peak) == (4_000, 8_000)
        del b
    assert meter.now == 0


@pytest.mark.parametrize("family", ["modern", "bert"])
@pytest.mark.parametrize("kind", ["adamw", "muon"])
@pytest.mark.parametrize(("heads", "windows"), [(2, ()), (16, ()), (16, (1, 1, 0))])
def test_the_peak_of_a_step_is_predicted_within_15_percent(family, kind, heads, windows):
    config = getattr(EncoderConfig, family)(
        V, hidden_size=128, num_layers=3, num_heads=heads, windows=windows
    )
    model = MaskedLanguageModel(config)
    optimizers = build_optimizers(model, 1e-3, kind=kind)
    ids = torch.randint(5, V, (B, L), generator=torch.Generator().manual_seed(0))
    batch = MaskedBatch(ids, torch.arange(M).expand(B, M), ids[:, :M])

    def step():
        (mlm_loss(model, batch) / batch.count()).backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    step()  # the first one makes the optimizer's state
    meter = Meter()
    state = [t for o in optimizers for s in o.state.values() for t in s.values()]
    for tensor in (*model.parameters(), *state):
        meter.hold(tensor.detach())
    with meter:
        step()
    predicted = machine.training_memory(config, B, L, M, kind)
    assert predicted.total == pytest.approx(meter.peak, rel=0.15)
