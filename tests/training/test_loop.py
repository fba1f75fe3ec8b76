"""The loop: accumulation, resume bit for bit after a kill, data parallel, damaged checkpoints."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text.masking import Corruption
from course_utils.training import checkpoints, loop
from course_utils.training.loop import TrainConfig, gradients, train
from course_utils.training.optim import build_optimizers
from course_utils.training.parallel import Team
from course_utils.training.pretraining import batches, mlm_loss

CPU = Team(0, 1, torch.device("cpu"))


def tiny(seed=0, dropout=0.1):
    torch.manual_seed(seed)
    shape = {"hidden_size": 16, "num_layers": 2, "num_heads": 2, "mlp_size": 32}
    return MaskedLanguageModel(EncoderConfig.modern(40, dropout=dropout, **shape))


def tiny_batches(seed=0):
    rows = torch.randint(5, 40, (64, 16), generator=torch.Generator().manual_seed(9))
    rows[::3, 8:] = 0  # uneven numbers of maskable tokens
    return batches(rows, 8, Corruption(4, 40, (0, 1, 2, 3, 4), rate=0.7), seed)


CONFIG = TrainConfig(steps=12, lr=1e-2, warmup=2, save_every=3)


def fit(model, config=CONFIG, run=None, **kw):
    return train(model, tiny_batches(), mlm_loss, config, run=run, progress=False, **kw)


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_training_learns():
    rows = torch.arange(5, 13).repeat(64, 2)  # one sentence for ever: ln 8 = 2.08 to start from
    model = tiny(dropout=0.0)
    at = batches(rows, 16, Corruption(4, 40, (0, 1, 2, 3, 4)), 0)
    history = train(model, at, mlm_loss, TrainConfig(steps=150, lr=2e-2), progress=False)
    assert history.steps[0]["loss"] == pytest.approx(3.69, abs=0.3)  # ln 40
    assert history.steps[-1]["loss"] < 0.7


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulation_equals_the_large_batch(parts):
    model, batch = tiny(dropout=0.0), tiny_batches()(3)
    gradients(model, [batch], mlm_loss, CPU)
    whole = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    cuts = [0, *range(3, 3 + parts - 1), 8]  # parts of different sizes
    pieces = [batch[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]
    assert len({piece.count() for piece in pieces}) > 1  # else a mean of means would pass, too
    gradients(model, pieces, mlm_loss, CPU)
    for a, p in zip(whole, model.parameters(), strict=True):
        assert (a - p.grad).abs().max() < 1e-5


def test_evaluation_does_not_disturb_training():
    a, b = tiny(), tiny()
    fit(a)
    fit(b, replace(CONFIG, eval_every=2), evaluate=lambda m: {"x": torch.rand(1).item()})
    assert equal(weights(a), weights(b))


SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
import test_loop
test_loop.fit(test_loop.tiny(), run=sys.argv[2],
              on_step=lambda step, model: (print(step, flush=True), time.sleep(0.1)))
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a POSIX signal")
def test_resume_after_a_kill_is_bit_for_bit(tmp_path):
    straight = tiny()
    history = fit(straight)
    command = [sys.executable, "-c", SCRIPT, str(Path(__file__).parent), str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.stdout.readline().strip() != "8":
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = tiny(seed=1)
    assert checkpoints.load(tmp_path / "run", resumed, build_optimizers(resumed, 1e-2))[0] < 12
    again = fit(resumed, run=tmp_path / "run")
    assert equal(weights(straight), weights(resumed))
    assert [s["loss"] for s in again.steps] == [s["loss"] for s in history.steps]


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    straight = tiny()
    fit(straight)
    fit(tiny(), run=tmp_path)
    newest = sorted(tmp_path.glob("step-*"))[-1] / checkpoints.WEIGHTS
    newest.write_bytes(newest.read_bytes()[:-100])
    model = tiny(seed=1)
    with pytest.warns(UserWarning, match="damaged"):
        fit(model, run=tmp_path)
    assert equal(weights(straight), weights(model))


def test_a_run_of_another_configuration_is_refused(tmp_path):
    fit(tiny(), run=tmp_path)
    with pytest.raises(ValueError, match="another lr"):
        fit(tiny(), replace(CONFIG, lr=2e-2), run=tmp_path)
    other = MaskedLanguageModel(EncoderConfig.modern(40, hidden_size=32, num_layers=1, num_heads=2))
    with pytest.raises(ValueError, match="another model"):
        fit(other, run=tmp_path)


def test_a_run_from_before_a_choice_existed_had_its_default(tmp_path):
    fit(tiny(), run=tmp_path)
    for file in tmp_path.glob(f"step-*/{checkpoints.STATE}"):
        state = json.loads(file.read_text(encoding="utf-8"))
        del state["extra"]["config"]["momentum"]
        file.write_text(json.dumps(state), encoding="utf-8")
    fit(tiny(seed=1), run=tmp_path)
    with pytest.raises(ValueError, match="another momentum"):
        fit(tiny(), replace(CONFIG, momentum=0.5), run=tmp_path)


def test_momentum_reaches_muon_and_beta1_adamw():
    model = tiny()
    muon, adamw = build_optimizers(model, 1e-2, momentum=0.5, beta1=0.25)
    assert muon.param_groups[0]["momentum"] == 0.5
    assert adamw.param_groups[0]["betas"] == (0.25, 0.98)
    (alone,) = build_optimizers(model, 1e-2, kind="adamw", beta1=0.25)
    assert {group["betas"] for group in alone.param_groups} == {(0.25, 0.98)}
    ends = []
    for change in ({}, {"momentum": 0.5}, {"beta1": 0.25}):
        one = tiny()
        fit(one, replace(CONFIG, **change))
        ends.append(torch.cat([value.flatten() for value in weights(one).values()]))
    assert not torch.equal(ends[0], ends[1]) and not torch.equal(ends[0], ends[2])


def test_no_intact_checkpoint_is_told(tmp_path):
    fit(tiny(), run=tmp_path)
    for state in tmp_path.glob("step-*/state.json"):
        state.write_text("{")
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="intact"):
        fit(tiny(), run=tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run():
    def broken(model, batch):
        return mlm_loss(model, batch) * float("nan")

    with pytest.raises(ValueError, match="loss is nan at step 1"):
        train(tiny(), tiny_batches(), broken, CONFIG, progress=False)


PARALLEL = """
import sys, torch
sys.path.insert(0, sys.argv[1])
import test_loop
from course_utils.training.loop import gradients
from course_utils.training.parallel import team
from safetensors.torch import save_file
with team() as crew:
    model = test_loop.tiny(dropout=0.0)
    batch = test_loop.tiny_batches()(3)
    worker = crew.wrap(model)
    pieces = [batch[i::2][crew.rank::crew.size] for i in range(2)]
    gradients(worker, pieces, test_loop.mlm_loss, crew)
    if crew.leads:
        save_file({n: p.grad for n, p in model.named_parameters()}, sys.argv[2])
"""


def test_two_processes_give_the_gradients_of_one(tmp_path):
    model, batch = tiny(dropout=0.0), tiny_batches()(3)
    gradients(model, [batch], mlm_loss, CPU)
    script = tmp_path / "script.py"
    script.write_text(PARALLEL)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [str(script), str(Path(__file__).parent), str(tmp_path / "grads")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    from safetensors.torch import load_file

    theirs = load_file(tmp_path / "grads")
    for name, weight in model.named_parameters():
        assert (theirs[name] - weight.grad).abs().max() < 1e-6, name


AGREED = """
import os, sys
from pathlib import Path
import torch
from course_utils.machine import autocast_dtype, device
from course_utils.training.parallel import team
rank = int(os.environ["RANK"])
device._cpu_has_bf16 = lambda: True
# by its own stopwatch the leader would take bfloat16, and the other process float32
device.matmul_peak = lambda kind, **_: float((kind == torch.bfloat16) == (rank == 0))
alone = autocast_dtype("cpu")
device.settle_bf16(None)
with team():
    together = autocast_dtype("cpu")
Path(sys.argv[1], str(rank)).write_text(f"{alone} {together}")
"""


def test_processes_take_the_leaders_number_type(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(AGREED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    done = subprocess.run(
        [*command, str(script), str(tmp_path)], env=environment, capture_output=True, timeout=180
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "0").read_text() == "torch.bfloat16 torch.bfloat16"
    assert (tmp_path / "1").read_text() == "None torch.bfloat16"


@pytest.mark.parametrize(
    ("change", "says"),
    [({"steps": 0}, "steps"), ({"accumulate": 0}, "accumulate"), ({"clip": 0}, "clip")],
)
def test_bad_configurations(change, says):
    with pytest.raises(ValueError, match=says):
        replace(CONFIG, **change)


def test_a_batch_too_small_to_share():
    with pytest.raises(ValueError, match="cannot be shared"):
        fit(tiny(), replace(CONFIG, accumulate=9))


def test_bfloat16_is_for_the_arithmetic_only_and_ends_near_float32(monkeypatch):
    plain, cast = tiny(dropout=0.0), tiny(dropout=0.0)
    monkeypatch.setattr(loop, "autocast_dtype", lambda _: None)
    exact = fit(plain).steps
    monkeypatch.setattr(loop, "autocast_dtype", lambda _: torch.bfloat16)
    seen = set()
    cast.encoder.layers[0].mlp.up.register_forward_hook(lambda *args: seen.add(args[2].dtype))
    rounded = fit(cast).steps
    assert seen == {torch.bfloat16}
    assert {weight.dtype for weight in cast.parameters()} == {torch.float32}
    assert rounded[0]["loss"] != exact[0]["loss"]
    assert rounded[-1]["loss"] == pytest.approx(exact[-1]["loss"], rel=0.02)


def test_a_compiled_model_learns_the_same(monkeypatch):
    """Traced by torch.compile, run by PyTorch's own kernels: no C++ compiler is needed."""
    calls, compiler = [], torch.compile
    monkeypatch.setattr(loop.shutil, "which", lambda name: name)
    monkeypatch.setattr(loop, "autocast_dtype", lambda _: None)
    monkeypatch.setattr(
        torch, "compile", lambda model: calls.append(model) or compiler(model, backend="eager")
    )
    plain, compiled = tiny(dropout=0.0), tiny(dropout=0.0)
    exact = fit(plain, replace(CONFIG, steps=3)).steps
    traced = fit(compiled, replace(CONFIG, steps=3, compile=True)).steps
    assert calls == [compiled]
    for one, other in zip(exact, traced, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], abs=1e-5)


def test_without_a_compiler_training_goes_on(monkeypatch):
    monkeypatch.setattr(loop.shutil, "which", lambda name: None)
    monkeypatch.setattr(torch, "compile", None)
    plain, asked = tiny(dropout=0.0), tiny(dropout=0.0)
    fit(plain, replace(CONFIG, steps=2))
    with pytest.warns(UserWarning, match="needs a C\\+\\+ compiler and finds none"):
        fit(asked, replace(CONFIG, steps=2, compile=True))
    assert equal(weights(plain), weights(asked))
