"""Whole-number weights against PyTorch's own quantiser."""

import copy
import warnings

import pytest
import torch
from torch import nn

from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.model.quantization import (
    QuantizedEmbedding,
    QuantizedLinear,
    quantize_model,
    quantize_rows,
    weight_bytes,
)

SHAPE = EncoderConfig.modern(40, hidden_size=32, num_layers=2, num_heads=2, max_length=12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("shape", [(3, 5), (64, 48), (1, 200)])
def test_codes_and_scales_are_those_of_torch(shape):
    weight = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    codes, scales = quantize_rows(weight)
    theirs = torch.quantize_per_channel(
        weight, scales.double(), torch.zeros(len(scales), dtype=torch.long), 0, torch.qint8
    )
    assert (codes - theirs.int_repr()).abs().max() == 0
    assert torch.allclose(codes * scales[:, None], theirs.dequantize(), atol=1e-6)
    observer = torch.ao.quantization.PerChannelMinMaxObserver(
        ch_axis=0, dtype=torch.qint8, qscheme=torch.per_channel_symmetric, quant_min=-127,
        quant_max=127,
    )  # fmt: skip
    observer(weight)
    assert torch.allclose(observer.calculate_qparams()[0].float(), scales, rtol=1e-5)


@pytest.mark.parametrize("bits", range(2, 9))
def test_no_weight_is_wrong_by_more_than_half_a_step(bits):
    weight = torch.randn(20, 30, generator=torch.Generator().manual_seed(bits), dtype=torch.float64)
    codes, scales = quantize_rows(weight, bits)
    assert codes.abs().max() == 2 ** (bits - 1) - 1 and codes.dtype == torch.int8
    assert ((codes * scales[:, None] - weight).abs() <= scales[:, None] * 0.5 + 1e-6).all()


def test_a_long_row_does_not_make_the_others_coarse():
    weight = torch.randn(4, 16)
    weight[0] *= 1000
    codes, scales = quantize_rows(weight)
    assert (codes[1:].abs().amax(1) == 127).all() and scales[0] > 100 * scales[1]


def test_zeros_stay_zeros_and_the_weight_is_left_alone():
    weight = torch.zeros(2, 3)
    codes, scales = quantize_rows(weight)
    assert (codes == 0).all() and (scales == 1).all()
    before = (weight := torch.randn(3, 3)).clone()
    quantize_rows(weight)
    assert torch.equal(weight, before)


@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_gives_what_a_layer_with_the_rounded_weights_gives(bias):
    layer, x = nn.Linear(12, 7, bias=bias), torch.randn(2, 5, 12)
    quantized = QuantizedLinear(layer)
    twin = copy.deepcopy(layer)
    codes, scales = quantize_rows(layer.weight)
    twin.weight.data = codes * scales[:, None]
    assert torch.allclose(quantized(x), twin(x), atol=1e-6)
    assert not list(quantized.parameters())


def test_ours_and_torchs_dynamic_model_are_equally_near_to_the_full_one():
    torch.manual_seed(0)
    model = MaskedLanguageModel(SHAPE).eval()
    ids = torch.randint(5, 40, (3, 10))
    places = torch.arange(10).expand(3, 10)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        full = model(ids, positions=places)
        ours = quantize_model(model)(ids, positions=places)
        theirs = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})(ids, positions=places)
    spread = full.std()
    assert (ours - full).abs().max() < 0.05 * spread
    assert (ours - full).norm() < 2 * (theirs - full).norm()


def test_the_tied_table_stays_tied_and_bits_are_counted():
    model = MaskedLanguageModel(SHAPE)
    small = quantize_model(model, bits=8)
    assert small.decoder.codes is small.encoder.tokens.codes
    matrices = {w.data_ptr(): w for w in model.parameters() if w.dim() == 2}.values()
    weights, rows = sum(w.numel() for w in matrices), sum(len(w) for w in matrices)
    assert weight_bytes(model) - weight_bytes(small) == 3 * weights - 4 * rows
    assert weight_bytes(small) - weight_bytes(quantize_model(model, bits=4)) == weights // 2
    assert isinstance(model.decoder, nn.Linear) and model.training


def test_a_table_gives_the_rounded_rows():
    table, ids = nn.Embedding(30, 8), torch.randint(0, 30, (2, 5))
    codes, scales = quantize_rows(table.weight, 4)
    assert torch.equal(QuantizedEmbedding(table, 4)(ids), (codes * scales[:, None])[ids])


@pytest.mark.parametrize("family", [EncoderConfig.bert, EncoderConfig.modern])
def test_every_family_can_be_quantised(family):
    config = family(40, hidden_size=32, num_layers=1, num_heads=2, max_length=12)
    model = MaskedLanguageModel(config).eval()
    ids = torch.randint(5, 40, (2, 12))
    with torch.no_grad():
        assert torch.allclose(quantize_model(model)(ids), model(ids), atol=0.05)
