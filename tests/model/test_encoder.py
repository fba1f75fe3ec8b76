"""The encoder against `transformers`, and the properties that a Transformer must have."""

import dataclasses

import pytest
import torch

from course_utils.model.attention import causal_mask
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.interop import load_pretrained, load_tokenizer

REVIEWS = [
    "A quiet film that trusts its actors, and is right to.",
    "no",
    "The second hour — forty minutes too long — undoes everything the first one built, "
    "which is a pity, since Émilie Dequenne has never been better.",
    "",
]


def test_every_layer_equals_transformers(theirs, batch):
    model, folder = theirs
    ours = load_pretrained(folder, task="encoder")
    input_ids, mask = batch
    with torch.no_grad():
        expected = model.base_model(input_ids, attention_mask=mask, output_hidden_states=True)
        states = ours(input_ids, mask, return_all=True)
    assert len(states) == len(expected.hidden_states) == 4
    for mine, other in zip(states, expected.hidden_states, strict=True):
        torch.testing.assert_close(mine[mask.bool()], other[mask.bool()], atol=1e-5, rtol=0)


def test_attention_maps_are_those_of_transformers(theirs, batch):
    model, folder = theirs
    ours = load_pretrained(folder, task="encoder")
    input_ids, mask = batch
    with torch.no_grad():
        expected = model.base_model(input_ids, attention_mask=mask, output_attentions=True)
    maps = ours.attention_maps(input_ids, mask)
    assert len(maps) == 3
    for mine, other in zip(maps, expected.attentions, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=0)
        torch.testing.assert_close(mine.sum(-1), torch.ones(3, 4, 20))


def test_segments_equal_transformers(theirs, batch, family):
    if family != "bert":
        return
    model, folder = theirs
    input_ids, mask = batch
    types = (torch.arange(20) > 8).long().expand(3, -1)
    with torch.no_grad():
        expected = model.base_model(input_ids, attention_mask=mask, token_type_ids=types)
        mine = load_pretrained(folder, task="encoder")(input_ids, mask, types)
    keep = mask.bool()
    torch.testing.assert_close(mine[keep], expected.last_hidden_state[keep], atol=1e-5, rtol=0)


def test_a_real_checkpoint_gives_the_same_hidden_states(minilm):
    folder, model, ours = minilm
    batch = load_tokenizer(folder)(REVIEWS, padding=True, return_tensors="pt")
    with torch.no_grad():
        expected = model(
            batch["input_ids"], attention_mask=batch["attention_mask"], output_hidden_states=True
        )
        states = ours(batch["input_ids"], batch["attention_mask"], return_all=True)
    keep = batch["attention_mask"].bool()
    assert not keep.all(), "the batch must hold padding"
    for mine, other in zip(states, expected.hidden_states, strict=True):
        torch.testing.assert_close(mine[keep], other[keep], atol=1e-4, rtol=0)


def test_padding_does_not_change_real_tokens(ours, batch):
    input_ids, mask = batch
    with torch.no_grad():
        padded = ours.encoder(input_ids, mask)
        for row, length in enumerate(mask.sum(1).tolist()):
            alone = ours.encoder(input_ids[row : row + 1, :length])
            torch.testing.assert_close(padded[row, :length], alone[0], atol=1e-5, rtol=0)


def test_a_row_of_nothing_but_padding_stays_finite(ours, batch):
    input_ids, mask = batch
    mask[0] = 0
    ours.encoder(input_ids, mask).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in ours.parameters())


def test_without_positions_the_outputs_permute(ours, batch, family):
    encoder, order = ours.encoder, torch.randperm(20, generator=torch.Generator().manual_seed(1))
    input_ids, _ = batch
    with torch.no_grad():
        assert (encoder(input_ids[:, order]) - encoder(input_ids)[:, order]).abs().max() > 0.01
        if family == "bert":
            encoder.positions.weight.zero_()
        else:
            encoder.cos.fill_(1)
            encoder.sin.fill_(0)
        torch.testing.assert_close(
            encoder(input_ids[:, order]), encoder(input_ids)[:, order], atol=1e-5, rtol=0
        )


def test_a_causal_mask_hides_the_future(ours):
    ids = torch.randint(1, 300, (1, 12))
    changed = ids.clone()
    changed[0, 7] = (changed[0, 7] + 1) % 300
    with torch.no_grad():
        outputs = []
        for rows in (ids, changed):
            x, _, rotary = ours.encoder.embed(rows)
            for layer in ours.encoder.layers:
                x = layer(x, causal_mask(12), rotary)
            outputs.append(x)
    assert torch.equal(outputs[0][:, :7], outputs[1][:, :7])
    assert not torch.equal(outputs[0][:, 7:], outputs[1][:, 7:])


@pytest.mark.parametrize("learns", [False, True])  # the two ways that attention may go
@pytest.mark.parametrize("windows", [(1, 2), (2, 1), (3, 0)])
def test_what_lies_outside_all_windows_changes_nothing(windows, learns):
    shape = {"hidden_size": 16, "num_layers": 2, "num_heads": 2}
    encoder = Encoder(EncoderConfig.modern(50, windows=windows, **shape))
    encoder.requires_grad_(learns)
    ids = torch.randint(1, 50, (1, 12))
    changed = ids.clone()
    changed[0, 8] = (changed[0, 8] + 1) % 50
    moved = (encoder(ids) != encoder(changed)).any(-1)[0].tolist()
    assert moved == ([True] * 12 if 0 in windows else [False] * 5 + [True] * 7)


def test_a_window_and_padding_hide_together():
    shape = {"hidden_size": 16, "num_layers": 2, "num_heads": 2}
    encoder = Encoder(EncoderConfig.modern(50, windows=(1, 0), **shape))
    ids, mask = torch.tensor([[2, 7, 9, 0]]), torch.tensor([[1, 1, 1, 0]])
    near, far = (weights[0, 0] > 0 for weights in encoder.attention_maps(ids, mask))
    assert near.int().tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0]]
    assert far.int().tolist() == [[1, 1, 1, 0]] * 4


def test_no_window_in_any_layer_is_written_in_one_way():
    assert EncoderConfig.modern(50, num_layers=2, windows=(0, 0)) == EncoderConfig.modern(
        50, num_layers=2
    )


def test_windows_as_wide_as_the_row_are_none():
    shape = {"hidden_size": 16, "num_layers": 2, "num_heads": 2}
    wide = Encoder(EncoderConfig.modern(50, windows=(11, 11), **shape))
    free = Encoder(EncoderConfig.modern(50, **shape))
    free.load_state_dict(wide.state_dict())
    ids = torch.randint(1, 50, (2, 12))
    torch.testing.assert_close(wide(ids), free(ids))


@pytest.mark.parametrize("norm", ["post", "pre"])
@pytest.mark.parametrize("positions", ["learned", "rope"])
@pytest.mark.parametrize("mlp", ["gelu", "gated"])
@pytest.mark.parametrize("bias", [True, False])
def test_every_mixture_of_choices_runs_and_learns(norm, positions, mlp, bias):
    config = EncoderConfig(
        50, 16, 2, 2, 24, 10, norm=norm, positions=positions, mlp=mlp, bias=bias, dropout=0.1
    )
    encoder = Encoder(config)
    assert encoder(torch.randint(50, (2, 10))).shape == (2, 10, 16)
    encoder(torch.randint(50, (2, 10))).square().sum().backward()
    assert all(p.grad is not None for p in encoder.parameters())


def test_dropout_acts_in_training_only(batch):
    encoder = Encoder(EncoderConfig.modern(300, hidden_size=48, dropout=0.2))
    input_ids, _ = batch
    assert not torch.equal(encoder(input_ids), encoder(input_ids))
    encoder.eval()
    assert torch.equal(encoder(input_ids), encoder(input_ids))


def test_both_families_have_about_the_same_parameters():
    sizes = [
        sum(p.numel() for layer in Encoder(config).layers for p in layer.parameters())
        for config in (EncoderConfig.bert(100), EncoderConfig.modern(100))
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)


def test_weights_start_small_where_they_write_into_the_stream():
    encoder = Encoder(EncoderConfig.modern(500, num_layers=8))
    layer = encoder.layers[3]
    assert layer.attention.qkv.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert layer.attention.out.weight.std().item() == pytest.approx(0.005, rel=0.02)
    assert layer.mlp.down.weight.std().item() == pytest.approx(0.005, rel=0.02)


def test_configurations_survive_a_dictionary():
    config = EncoderConfig.modern(100, dropout=0.1)
    assert EncoderConfig.from_dict(config.to_dict()) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.dropout = 0.2


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"hidden_size": 30, "num_heads": 4}, "multiple"),
        ({"hidden_size": 12, "num_heads": 4}, "even"),
        ({"vocab_size": 0}, "vocab_size"),
        ({"num_layers": 0}, "num_layers"),
        ({"hidden_size": 64.0}, "hidden_size"),
        ({"max_length": 0}, "max_length"),
        ({"norm": "sandwich"}, "norm"),
        ({"positions": "none"}, "positions"),
        ({"mlp": "relu"}, "mlp"),
        ({"dropout": 1.0}, "dropout"),
        ({"type_vocab_size": -1}, "type_vocab_size"),
        ({"pad_id": 100}, "pad_id"),
    ],
)
def test_impossible_configurations_are_refused(choices, says):
    with pytest.raises(ValueError, match=says):
        EncoderConfig(**{"vocab_size": 100, **choices})


def test_a_dictionary_of_something_else_is_refused():
    with pytest.raises(ValueError, match="n_embd"):
        EncoderConfig.from_dict({"vocab_size": 10, "n_embd": 4})


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"input_ids": torch.ones(2, 5)}, TypeError, "whole numbers"),
        ({"input_ids": [[1, 2]]}, TypeError, "list"),
        ({"input_ids": torch.ones(5, dtype=torch.long)}, ValueError, r"\(B, L\)"),
        ({"input_ids": torch.ones(2, 0, dtype=torch.long)}, ValueError, "non-empty"),
        ({"input_ids": torch.full((2, 5), 300)}, ValueError, "300"),
        ({"input_ids": torch.full((2, 5), -1)}, ValueError, "-1"),
        ({"input_ids": torch.ones(2, 49, dtype=torch.long)}, ValueError, "max_length of 48"),
        ({"attention_mask": torch.ones(2, 6)}, ValueError, "attention_mask"),
        ({"attention_mask": torch.ones(2, 1, 1, 5)}, ValueError, "attention_mask"),
    ],
)
def test_bad_input_gets_one_sentence(ours, change, error, says):
    inputs = {"input_ids": torch.ones(2, 5, dtype=torch.long)} | change
    with pytest.raises(error, match=says) as caught:
        ours.encoder(**inputs)
    assert "\n" not in str(caught.value)


def test_segments_outside_the_table_are_refused():
    encoder = Encoder(EncoderConfig.bert(10, hidden_size=16))
    ids = torch.ones(1, 3, dtype=torch.long)
    with pytest.raises(ValueError, match="2, which is outside"):
        encoder(ids, token_type_ids=ids + 1)
