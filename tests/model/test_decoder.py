"""The decoder against PyTorch's own cross attention and `transformers`' ModernBertDecoder."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from course_utils.model.decoder import (
    Cache,
    CausalLanguageModel,
    CrossAttention,
    Translator,
    made_causal,
    step_mask,
)
from course_utils.model.decoder_interop import save_causal
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel

SHAPE = EncoderConfig.modern(60, hidden_size=32, num_layers=2, num_heads=4)
IDS = torch.randint(5, 60, (3, 9), generator=torch.Generator().manual_seed(0))
OTHER = torch.randint(5, 60, (3, 7), generator=torch.Generator().manual_seed(1))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return CausalLanguageModel(SHAPE).eval()


@pytest.fixture
def translator():
    torch.manual_seed(0)
    return Translator(SHAPE).eval()


def test_the_mask_is_the_end_of_a_longer_one():
    assert torch.equal(step_mask(5), torch.ones(5, 5).tril().bool())
    for past in range(5):
        assert torch.equal(step_mask(5 - past, past), step_mask(5)[past:])


def test_cross_attention_is_pytorchs():
    torch.manual_seed(0)
    ours = CrossAttention(32, 4)
    theirs = torch.nn.MultiheadAttention(32, 4, bias=False, batch_first=True)
    theirs.in_proj_weight.data = torch.cat([ours.q.weight, ours.kv.weight]).detach()
    theirs.out_proj.weight.data = ours.out.weight.data
    x, memory = torch.randn(2, 3, 32), torch.randn(2, 5, 32)
    keep = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()
    out, weights = theirs(x, memory, memory, key_padding_mask=~keep, average_attn_weights=False)
    mask = keep[:, None, None]
    torch.testing.assert_close(ours(x, memory, mask), out)
    torch.testing.assert_close(ours.weights(x, memory, mask), weights)


def test_nothing_leaks_from_the_future(model, translator):
    changed = IDS.clone()
    changed[:, 5:] = 7
    assert torch.equal(model(IDS)[:, :5], model(changed)[:, :5])
    assert not torch.allclose(model(IDS)[:, 5:], model(changed)[:, 5:])
    one, other = translator(OTHER, IDS), translator(OTHER, changed)
    assert torch.equal(one[:, :5], other[:, :5])


@pytest.mark.parametrize("cuts", [[1] * 9, [4, 5], [3, 1, 1, 4]])
def test_the_cache_changes_nothing(model, translator, cuts):
    memory = translator.encoder(OTHER)
    whole, written = model(IDS), translator.write(IDS, memory)
    first, second = Cache(), Cache()
    parts = [
        (model(x, first), translator.write(x, memory, None, second)) for x in IDS.split(cuts, 1)
    ]
    assert first.length == 9 and first.size() == 2 * 2 * IDS.numel() * 32 * 4
    torch.testing.assert_close(torch.cat([a for a, _ in parts], 1), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.cat([b for _, b in parts], 1), written, atol=1e-5, rtol=0)


@pytest.fixture
def narrow():
    """A writer whose first layer sees itself and two tokens back, as a pretrained one may."""
    torch.manual_seed(0)
    shape = EncoderConfig.modern(60, hidden_size=32, num_layers=2, num_heads=4, windows=(2, 0))
    return CausalLanguageModel(shape).eval()


def test_windows_look_back_only_so_far():
    torch.manual_seed(0)
    shape = EncoderConfig.modern(60, hidden_size=32, num_layers=2, num_heads=4, windows=(1, 1))
    model, changed = CausalLanguageModel(shape).eval(), IDS.clone()
    changed[:, 0] = 7
    same = (model(IDS) == model(changed)).all(-1).all(0)
    assert same.tolist() == [False] * 3 + [True] * 6  # two layers, one token back each
    with pytest.raises(ValueError, match="leave out windows"):
        Translator(shape)


def test_windows_are_those_of_transformers_and_of_the_cache(narrow, tmp_path):
    save_causal(narrow, tmp_path / "narrow")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "narrow").eval()
    whole, cache = narrow(IDS), Cache()
    torch.testing.assert_close(theirs(IDS).logits, whole, atol=1e-5, rtol=0)
    parts = [narrow(x, cache) for x in IDS.split([3, 1, 5], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)


def test_a_writer_is_saved_whole_or_not_at_all(model, tmp_path):
    class Broken:
        def save_pretrained(self, folder):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        save_causal(model, tmp_path / "writer", Broken())
    assert not (tmp_path / "writer").exists()


def test_a_padded_source_is_translated_as_a_bare_one(translator):
    padded = torch.cat([OTHER, torch.zeros(3, 2, dtype=torch.int64)], 1)
    mask = (torch.arange(9) < 7).long().expand(3, 9)
    torch.testing.assert_close(translator(padded, IDS, mask), translator(OTHER, IDS))


def test_the_alignment_is_what_the_layers_use(translator):
    maps = translator.alignment(OTHER, IDS)
    assert [tuple(one.shape) for one in maps] == [(3, 4, 9, 7)] * 2
    torch.testing.assert_close(maps[1].sum(-1), torch.ones(3, 4, 9))
    layer, memory = translator.layers[0], translator.encoder(OTHER)
    seen = {}
    layer.cross.register_forward_hook(lambda _, given, __: seen.update(x=given[0]))
    translator(OTHER, IDS)
    torch.testing.assert_close(maps[0], layer.cross.weights(seen["x"], memory))


def test_one_mask_apart_from_the_masked_model(model):
    masked = MaskedLanguageModel(SHAPE).eval()
    causal = made_causal(masked)
    assert not causal.training and causal.state_dict().keys() == masked.state_dict().keys()
    last = IDS[:, :1]  # one token has nobody to look at, so both masks are the same
    torch.testing.assert_close(causal(last), masked(last))
    assert not torch.allclose(causal(IDS)[:, 0], masked(IDS)[:, 0])


def test_it_opens_in_transformers(model, tmp_path):
    theirs = AutoModelForCausalLM.from_pretrained(save_causal(model, tmp_path / "writer"))
    torch.testing.assert_close(theirs(IDS).logits, model(IDS), atol=1e-5, rtol=1e-5)
