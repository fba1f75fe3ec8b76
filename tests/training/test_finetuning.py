"""Fine-tuning: it learns, order and padding do not matter, and the pretrained model is kept."""

import pytest
import torch
import torch.nn.functional as F
from transformers import PreTrainedTokenizerFast

from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import MaskedLanguageModel, SequenceClassifier
from course_utils.text.tokenization import train_tokenizer
from course_utils.training.finetuning import (
    FinetuneConfig,
    batches,
    classifier_from,
    features,
    few_labels,
    finetune,
    predict,
)

GOOD, BAD = "a fine warm film", "a dull cold mess"
TEXTS = [f"{text} number {'very ' * (i % 7)}{i}" for i in range(20) for text in (GOOD, BAD)]
LABELS = [1, 0] * 20
CONFIG = EncoderConfig.modern(120, hidden_size=32, num_layers=1, num_heads=2)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXTS, 120)


def pretrained():
    torch.manual_seed(0)
    return MaskedLanguageModel(CONFIG)


def test_it_learns_and_evaluates_each_epoch(tokenizer):
    model = classifier_from(pretrained(), 2)

    def evaluate(m):
        return {"accuracy": (predict(m, tokenizer, TEXTS).argmax(1).tolist() == LABELS) * 1.0}

    config = FinetuneConfig(epochs=8, lr=3e-3)
    history = finetune(model, tokenizer, TEXTS, LABELS, config, evaluate, progress=False)
    assert len(history.evaluations) == 8
    assert history.evaluations[-1]["accuracy"] == 1.0


def test_a_loss_of_ones_own_is_what_is_trained_on(tokenizer):
    """A loss that hears class 1 alone makes the model say class 1 for everything."""

    def deaf(model, batch):
        logits = model(batch.input_ids, batch.attention_mask)
        return F.cross_entropy(logits, batch.labels, torch.tensor([0.0, 1.0]), reduction="sum")

    model = classifier_from(pretrained(), 2)
    config = FinetuneConfig(epochs=8, lr=3e-3)
    finetune(model, tokenizer, TEXTS, LABELS, config, progress=False, loss=deaf)
    assert predict(model, tokenizer, TEXTS).argmax(1).tolist() == [1] * 40


def test_every_text_is_seen_once_an_epoch(tokenizer):
    rows = tokenizer(TEXTS)["input_ids"]
    at = batches(rows, torch.arange(40), FinetuneConfig(batch_size=7), tokenizer.pad_token_id)
    first = torch.cat([at(step).labels for step in range(6)])
    second = torch.cat([at(step).labels for step in range(6, 12)])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(40))
    assert first.tolist() != second.tolist()
    assert torch.equal(at(3).input_ids, at(3).input_ids)


def test_predictions_do_not_depend_on_company(tokenizer):
    model = classifier_from(pretrained(), 3)
    together = predict(model, tokenizer, TEXTS, batch_size=9)
    alone = torch.cat([predict(model, tokenizer, [text]) for text in TEXTS])
    assert (together - alone).abs().max() < 1e-5
    assert torch.allclose(together.sum(1), torch.ones(40))


def test_features_are_the_mean_over_real_tokens(tokenizer):
    encoder = pretrained().encoder.eval()
    found = features(encoder, tokenizer, TEXTS[:5])
    for text, row in zip(TEXTS, found, strict=False):
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        assert (encoder(ids)[0].mean(0) - row).abs().max() < 1e-5


def test_the_pretrained_model_is_copied_with_its_head(tokenizer):
    source = pretrained()
    before = {n: t.clone() for n, t in source.state_dict().items()}
    model = classifier_from(source, 2)
    assert torch.equal(model.head.dense.weight, source.head.dense.weight)
    finetune(model, tokenizer, TEXTS, LABELS, FinetuneConfig(epochs=1), progress=False)
    assert all(torch.equal(before[n], t) for n, t in source.state_dict().items())


def test_a_class_begins_as_the_mean_of_its_words(tokenizer):
    source = pretrained()
    words = [[7, 9], [11]]
    model = classifier_from(source, 2, words=words)
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    with torch.no_grad():
        predicted = source.head(source.encoder(ids).mean(1)) @ source.decoder.weight.T  # (1, V)
        found = model(ids)[0]
    assert torch.allclose(found, torch.stack([predicted[0, [7, 9]].mean(), predicted[0, 11]]))
    for other in ([[7]], [[7], []]):
        with pytest.raises(ValueError, match="2 lists"):
            classifier_from(source, 2, words=other)
    with pytest.raises(ValueError, match="masked model"):
        classifier_from(source.encoder, 2, words=words)


def test_few_labels_are_balanced_nested_and_repeatable():
    labels = [0] * 30 + [1] * 10
    small, large = few_labels(labels, 4, seed=3), few_labels(labels, 12, seed=3)
    assert sum(labels[i] for i in large) == 6 and len(set(large)) == 12
    assert set(small) < set(large) and small == few_labels(labels, 4, seed=3)
    assert small != few_labels(labels, 4, seed=4)
    for count, says in ((3, "evenly"), (0, "evenly"), (22, "only 10")):
        with pytest.raises(ValueError, match=says):
            few_labels(labels, count, seed=0)
    with pytest.raises(ValueError, match="at least 1 label"):
        FinetuneConfig.for_labels(0)


@pytest.mark.parametrize(
    ("texts", "labels", "error", "says"),
    [
        ([], [], ValueError, "no texts"),
        (["a"], [0, 1], ValueError, "1 texts but 2 labels"),
        (["a"], [2], ValueError, "0 … 1"),
        (["a"], [0.5], ValueError, "whole numbers"),
        ("a film", [0], TypeError, "list of str"),
        ([1], [0], TypeError, "list of str"),
    ],
)
def test_bad_input_is_told_in_a_sentence(tokenizer, texts, labels, error, says):
    with pytest.raises(error, match=says):
        finetune(SequenceClassifier(Encoder(CONFIG), 2), tokenizer, texts, labels, progress=False)


def test_bad_settings():
    with pytest.raises(ValueError, match="epochs"):
        FinetuneConfig(epochs=0)
    with pytest.raises(TypeError, match="pretrained encoder"):
        classifier_from(torch.nn.Linear(2, 2), 2)
