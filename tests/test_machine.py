"""The machine room: choices by capability, and predictions held against measurement."""

import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from course_utils import machine
from course_utils.machine import device, doctor
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.training.optim import build_optimizers

B, L, M, V = 4, 64, 20, 1000
SHAPES = [
    {"hidden_size": 64, "num_layers": 2, "num_heads": 2},
    {"hidden_size": 128, "num_layers": 3, "num_heads": 4, "max_length": 128},
]


@pytest.fixture(params=[(f, s) for f in ("modern", "bert") for s in SHAPES], ids=str)
def config(request):
    family, shape = request.param
    return getattr(EncoderConfig, family)(V, **shape)


def loss(model):
    ids = torch.randint(5, V, (B, L), generator=torch.Generator().manual_seed(0))
    logits = model(ids, positions=torch.arange(M).expand(B, M))
    return F.cross_entropy(logits.flatten(0, 1), ids[:, :M].flatten())


def test_parameters_are_predicted_exactly(config):
    model = MaskedLanguageModel(config)
    assert machine.count_parameters(config) == sum(p.numel() for p in model.parameters())
    assert machine.parameter_table(config)["layers"] == sum(
        p.numel() for p in model.encoder.layers.parameters()
    )


def test_flops_are_predicted_within_15_percent(config):
    model = MaskedLanguageModel(config)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss(model).backward()
    predicted = machine.training_flops(config, B * L, B * M, L)
    assert predicted == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_activations_are_predicted_within_15_percent(config):
    """The measurement: all distinct storages that autograd keeps, parameters aside."""
    model = MaskedLanguageModel(config)
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own and tensor.is_floating_point():
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss(model)
    predicted = machine.training_memory(config, B, L, M).activations
    assert predicted == pytest.approx(sum(kept.values()), rel=0.15)


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_weights_gradients_and_optimizer_state_are_predicted(config, kind):
    model = MaskedLanguageModel(config)
    optimizers = build_optimizers(model, 1e-3, kind=kind)
    loss(model).backward()
    for optimizer in optimizers:
        optimizer.step()
    predicted = machine.training_memory(config, B, L, M, kind)
    assert predicted.weights == sum(p.nbytes for p in model.parameters())
    assert predicted.gradients == sum(p.grad.nbytes for p in model.parameters())
    state = [t for o in optimizers for s in o.state.values() for t in s.values() if t.dim()]
    assert predicted.optimizer == pytest.approx(sum(t.nbytes for t in state), rel=0.01)


def test_the_device_can_be_chosen(monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")
    assert machine.pick_device() == torch.device("cpu")
    for name, says in (("warp", "is no device"), ("cuda:99", "does not find|only")):
        monkeypatch.setenv("COURSE_DEVICE", name)
        with pytest.raises(ValueError, match=says):
            machine.pick_device()


def test_the_scale_dial(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "gpu")
    assert machine.at_scale(laptop=1, gpu=2) == 2
    monkeypatch.delenv("COURSE_SCALE")
    assert machine.at_scale(laptop=1, gpu=2) == 1
    monkeypatch.setenv("COURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="laptop or gpu"):
        machine.at_scale(laptop=1, gpu=2)


@pytest.mark.parametrize(
    ("native", "peaks", "dtype"),
    [
        (True, {torch.bfloat16: 4e11, torch.float32: 2e11}, torch.bfloat16),
        (True, {torch.bfloat16: 2e11, torch.float32: 4e11}, None),
        (False, {}, None),  # its emulation is not even timed: that could take minutes
    ],
)
def test_bf16_is_used_only_where_it_is_native_and_faster(monkeypatch, native, peaks, dtype):
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: native)
    monkeypatch.setattr(device, "matmul_peak", lambda kind, **_: peaks[kind])
    machine.settle_bf16(None)
    try:
        assert machine.autocast_dtype("cpu") == dtype
    finally:
        machine.settle_bf16(None)


def test_asking_the_cpu_leaves_the_callers_dice_alone():
    before = torch.get_rng_state()
    machine.matmul_peak(size=8, device="cpu", seconds=0.0)
    assert before.equal(torch.get_rng_state())


@pytest.mark.parametrize("disturbed", range(4))
def test_the_number_type_is_the_one_that_multiplies_faster_whatever_else_runs(
    monkeypatch, disturbed
):
    peaks, asked = {torch.bfloat16: 2e11, torch.float32: 4e11}, []

    def peak(kind, **_):
        asked.append(kind)
        return peaks[kind] / (4 if len(asked) // 2 == disturbed else 1)

    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: True)
    monkeypatch.setattr(device, "matmul_peak", peak)
    machine.settle_bf16(None)
    try:
        assert machine.autocast_dtype("cpu") is None
        assert len(set(asked[:2])) == 2  # they take turns
    finally:
        machine.settle_bf16(None)


def test_the_doctor_names_each_problem():
    sick = {"memory_free": 1e9, "disk_free": 1e9, "peak_fp32": 1e9, "data_fetched": False}
    assert len(doctor.problems(sick)) == 4
    well = {"memory_free": 8e9, "disk_free": 9e9, "peak_fp32": 2e11, "data_fetched": True}
    assert doctor.problems(well) == []
    assert "nothing is wrong" in doctor.describe(machine.diagnose() | {"problems": []})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: machine.seed_everything("0"), TypeError),
        (lambda: machine.seed_everything(-1), ValueError),
        (lambda: machine.matmul_peak(torch.int64), TypeError),
        (lambda: machine.matmul_peak(size=0), ValueError),
        (lambda: machine.training_flops(EncoderConfig.modern(9), 0, 1), ValueError),
        (lambda: machine.training_memory(EncoderConfig.modern(9), 1, 1, 1, "sgd"), ValueError),
    ],
)
def test_bad_input_is_told(call, error):
    with pytest.raises(error):
        call()


FAULTS = """
import resource, sys, torch
from course_utils import machine
if sys.argv[1] == "kept" and not machine.keep_freed_memory():
    sys.exit("no glibc")
def step():
    torch.ones(16_000_000).sum()  # 64 MB, freed at once
for _ in range(10):  # until the heap has settled, which took up to six
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_that_is_kept_is_not_fetched_anew():
    if not machine.keep_freed_memory():
        pytest.skip("this system has another C library")
    faults = {
        kept: int(subprocess.check_output([sys.executable, "-c", FAULTS, kept], text=True))
        for kept in ("kept", "as it is")
    }
    assert faults["kept"] < faults["as it is"] / 4


def test_the_energy_meter_adds_packages_and_nothing_inside_them(tmp_path):
    for name, kind, joules in (
        ("intel-rapl:0", "package-0", 5),
        ("intel-rapl:1", "package-1", 7),
        ("intel-rapl:0:0", "core", 3),
        ("intel-rapl:2", "psys", 30),  # the whole machine, packages included
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(f"{kind}\n")
        (tmp_path / name / "energy_uj").write_text(f"{joules * 1_000_000}\n")
    assert machine.energy_meter(tmp_path) == 12
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("closed")
    assert machine.energy_meter(tmp_path) is None
    assert machine.footprint(7200, 30, 500) == pytest.approx((0.06, 30))
