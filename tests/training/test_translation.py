"""Batches of pairs, and the loss of the next token, against PyTorch token by token."""

import pytest
import torch

from course_utils.model.decoder import CausalLanguageModel
from course_utils.model.decoder_interop import load_translator, save_translator
from course_utils.model.encoder import EncoderConfig
from course_utils.text.tokenization import train_tokenizer
from course_utils.training import translation, writing
from course_utils.training.loop import TrainConfig, train

PAIRS = [([2, *range(5, 5 + n), 3], [2, *range(30, 31 + n % 4), 3]) for n in range(1, 12)]


def test_each_pair_stands_once_in_an_epoch():
    at = translation.pair_batches(PAIRS, 3, seed=0)
    found = []
    for step in range(3):
        batch = at(step)
        for source, mask in zip(batch.source, batch.source_mask, strict=True):
            found.append(source[mask.bool()].tolist())
    assert len(found) == 9 and len({tuple(row) for row in found}) == 9
    assert torch.equal(at(1).source, at(1).source)


def test_the_loss_is_that_of_every_real_token():
    batch = translation.PairBatch.of(PAIRS[:5])
    torch.manual_seed(0)
    logits = torch.randn(*batch.target.shape, 50)
    expected = 0.0
    for row, (_, target) in enumerate(PAIRS[:5]):
        for place in range(1, len(target)):
            expected -= logits[row, place - 1].log_softmax(-1)[target[place]]
    found = translation.next_token_loss(logits, batch.target, batch.target_mask)
    torch.testing.assert_close(found, expected)
    assert batch.count() == sum(len(target) - 1 for _, target in PAIRS[:5])


def test_a_translator_learns_a_few_pairs_by_heart():
    model = translation.new_translator(60)
    at = translation.pair_batches(PAIRS, 11, seed=0)
    config = TrainConfig(steps=12, lr=5e-3, warmup=2)
    history = train(model, at, translation.translation_loss, config, progress=False)
    assert history.steps[-1]["loss"] < 0.6 * history.steps[0]["loss"]
    assert translation.mean_loss(model, PAIRS, 4) == pytest.approx(
        translation.mean_loss(model, PAIRS, 11), rel=1e-4
    )


def test_translations_come_in_the_order_of_the_texts(tmp_path):
    tokenizer = train_tokenizer(["a film", "was", "good"], 300, kind="bpe")
    model = translation.new_translator(len(tokenizer)).eval()
    texts = ["a good film was good", "a", "film was"]
    found = translation.translate(model, tokenizer, texts, steps=6)
    assert found == [translation.translate(model, tokenizer, [t], steps=6)[0] for t in texts]
    kept = load_translator(save_translator(model, tmp_path / "t", tokenizer))
    torch.testing.assert_close(
        kept(*[torch.tensor([[2, 9, 3]])] * 2),
        model(*[torch.tensor([[2, 9, 3]])] * 2),
        atol=1e-2,
        rtol=1e-2,
    )
    assert len(translation.translate(model, tokenizer, texts, width=2, steps=4)) == 3


def test_text_batches_go_through_all_rows():
    rows = torch.arange(20).reshape(10, 2)
    at = writing.text_batches(rows, 5, seed=1)
    assert sorted(torch.cat([at(2).ids, at(3).ids])[:, 0].tolist()) == list(range(0, 20, 2))
    assert not torch.equal(at(0).ids, at(2).ids) and at(0).count() == 5


def test_what_is_judged_goes_where_the_model_is(monkeypatch):
    moved = []
    for kind in (translation.PairBatch, writing.TextBatch):
        monkeypatch.setattr(kind, "to", lambda batch, device: moved.append(str(device)) or batch)
    translation.mean_loss(translation.new_translator(60), PAIRS)
    shape = EncoderConfig.modern(40, hidden_size=16, num_layers=1, num_heads=2)
    writing.mean_writing_loss(CausalLanguageModel(shape), torch.randint(5, 40, (4, 8)), 2)
    assert moved == ["cpu"] * 3
