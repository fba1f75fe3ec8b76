"""Attention against PyTorch's own, rotary positions against `transformers`'."""

import math

import pytest
import torch
import torch.nn.functional as F
from transformers.models.modernbert import modeling_modernbert

from course_utils.model.attention import (
    MultiHeadAttention,
    apply_rotary,
    attention,
    attention_scores,
    causal_mask,
    masked_softmax,
    merge_heads,
    padding_mask,
    rotary_table,
    split_heads,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def qkv(batch=2, heads=3, queries=5, keys=7, width=8, dtype=torch.float32):
    q = torch.randn(batch, heads, queries, width, dtype=dtype)
    k, v = torch.randn(2, batch, heads, keys, width, dtype=dtype)
    return q, k, v


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7, 8), (1, 1, 1, 1, 1), (3, 1, 6, 2, 5)])
def test_attention_is_pytorchs(dtype, shape):
    q, k, v = qkv(*shape, dtype=dtype)
    torch.testing.assert_close(attention(q, k, v), F.scaled_dot_product_attention(q, k, v))


def test_masked_attention_is_pytorchs():
    q, k, v = qkv()
    mask = torch.rand(2, 1, 5, 7) < 0.6
    mask[0, 0, 2] = False  # one query may look nowhere
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(attention(q, k, v, mask), expected)
    assert attention(q, k, v, mask)[0, :, 2].eq(0).all()


def test_a_query_that_may_look_nowhere_has_a_finite_gradient():
    q, k, v = (x.requires_grad_() for x in qkv())
    mask = torch.ones(5, 7, dtype=torch.bool)
    mask[1] = False
    attention(q, k, v, mask).sum().backward()
    assert all(x.grad.isfinite().all() for x in (q, k, v))


def test_causal_attention_is_pytorchs():
    q, k, v = qkv(queries=6, keys=6)
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(attention(q, k, v, causal_mask(6)), expected)


def test_hidden_keys_have_no_influence_at_all():
    q, k, v = qkv()
    mask = padding_mask(torch.tensor([[1, 1, 1, 1, 0, 0, 0]] * 2))
    before = attention(q, k, v, mask)
    k[..., 4:, :], v[..., 4:, :] = 1e4, -1e4
    assert torch.equal(attention(q, k, v, mask), before)


def test_scores_keep_their_size_when_heads_get_wider():
    for width in (4, 64, 1024):
        q, k = torch.randn(2, 4000, 1, width)
        assert attention_scores(q, k).std().item() == pytest.approx(1, abs=0.05)


def test_attention_forgets_the_order_of_keys():
    q, k, v = qkv()
    order = torch.randperm(7)
    torch.testing.assert_close(attention(q, k[..., order, :], v[..., order, :]), attention(q, k, v))


def test_heads_are_slices_of_the_width():
    x = torch.randn(2, 5, 12)
    heads = split_heads(x, 3)
    assert torch.equal(heads[:, 1], x[..., 4:8])
    assert torch.equal(merge_heads(heads), x)


@pytest.mark.parametrize("bias", [True, False])
def test_multi_head_attention_is_pytorchs_module(bias):
    ours = MultiHeadAttention(12, 3, bias=bias).eval()
    theirs = torch.nn.MultiheadAttention(12, 3, bias=bias, batch_first=True).eval()
    names = {"in_proj_": "qkv.", "out_proj": "out"}
    renamed = {}
    for name, value in theirs.state_dict().items():
        for old, new in names.items():
            name = name.replace(old, new)
        renamed[name] = value
    ours.load_state_dict(renamed)
    x = torch.randn(2, 6, 12)
    keep = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])
    expected, weights = theirs(x, x, x, key_padding_mask=keep == 0, average_attn_weights=False)
    torch.testing.assert_close(ours(x, padding_mask(keep)), expected)
    torch.testing.assert_close(ours.weights(x, padding_mask(keep)), weights)


def test_fused_and_written_out_attention_agree():
    module = MultiHeadAttention(16, 2)
    x, rotary = torch.randn(2, 9, 16), rotary_table(9, 8)
    q, k, v = module.project(x, rotary)
    expected = module.out(merge_heads(module.weights(x, rotary=rotary) @ v))
    torch.testing.assert_close(module(x, rotary=rotary), expected)


@pytest.mark.parametrize("width", [2, 6, 64])
def test_rotary_is_that_of_transformers(width):
    q, k = torch.randn(2, 2, 3, 11, width)
    cos, sin = rotary_table(11, width, base=500.0)
    inverse = 1.0 / (500.0 ** (torch.arange(0, width, 2).float() / width))
    angles = torch.outer(torch.arange(11).float(), inverse).repeat(1, 2)
    expected = modeling_modernbert.apply_rotary_pos_emb(
        q, k, angles.cos()[None], angles.sin()[None]
    )
    torch.testing.assert_close(apply_rotary(q, cos, sin), expected[0])
    torch.testing.assert_close(apply_rotary(k, cos, sin), expected[1])


def test_rotary_knows_distances_only():
    q, k = torch.randn(2, 1, 8, dtype=torch.float64)
    cos, sin = (table.double() for table in rotary_table(40, 8))
    turned = [[apply_rotary(x, cos[[i]], sin[[i]]) for i in range(40)] for x in (q, k)]
    here = turned[0][3] @ turned[1][8].T
    there = turned[0][30] @ turned[1][35].T
    torch.testing.assert_close(here, there, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned[0][17].norm(), q.norm(), atol=1e-6, rtol=0)


def test_rotary_keeps_the_dtype():
    x = torch.randn(4, 8, dtype=torch.bfloat16)
    assert apply_rotary(x, *rotary_table(4, 8)).dtype == torch.bfloat16


def test_softmax_by_hand():
    scores = torch.tensor([[0.0, math.log(3.0), 5.0]])
    weights = masked_softmax(scores, torch.tensor([True, True, False]))
    torch.testing.assert_close(weights, torch.tensor([[0.25, 0.75, 0.0]]))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: attention_scores(torch.ones(2, 3), torch.ones(2, 4)), ValueError, "equal widths"),
        (lambda: masked_softmax(torch.ones(2, 2), torch.ones(2, 2)), TypeError, "boolean"),
        (
            lambda: masked_softmax(torch.ones(2, 2), torch.ones(3, 3, dtype=torch.bool)),
            ValueError,
            "does not fit",
        ),
        (lambda: padding_mask(torch.ones(3)), ValueError, "(B, L)"),
        (lambda: split_heads(torch.ones(1, 2, 5), 2), ValueError, "equal heads"),
        (lambda: rotary_table(4, 5), ValueError, "odd"),
        (lambda: MultiHeadAttention(10, 3), ValueError, "multiple"),
    ],
)
def test_bad_input_gets_one_sentence(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value) and "\n" not in str(caught.value)
