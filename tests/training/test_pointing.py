"""Fine-tuning to point: both heads learn a rule by heart, and windows find what lies far back."""

import pytest
import torch

from course_utils.evaluation.pointing import entity_scores
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel, SpanPointer, TokenClassifier
from course_utils.text.tokenization import train_tokenizer
from course_utils.training.finetuning import FinetuneConfig, LabelledBatch
from course_utils.training.pointing import (
    encode_words,
    find_answers,
    finetune_pointer,
    finetune_tagger,
    pointer_from,
    predict_tags,
    span_loss,
    tag_loss,
)

WORDS = [["we", "saw", name, "twice"] for name in ("jaws", "heat", "alien")] * 8
TAGS = [["O", "O", "B-x", "O"]] * 24
NAMES = ["O", "B-x"]
CONFIG = EncoderConfig.modern(160, hidden_size=32, num_layers=1, num_heads=2)
FILLER = "it was long and it was cold and it was dark and we slept a lot . "


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer([" ".join(row) for row in WORDS] + [FILLER], 160)


def pretrained():
    torch.manual_seed(0)
    return MaskedLanguageModel(CONFIG)


def test_a_tagger_learns_and_answers_for_each_word(tokenizer):
    model = pointer_from(pretrained(), 2)
    assert type(model) is TokenClassifier
    finetune_tagger(model, tokenizer, WORDS, TAGS, NAMES, FinetuneConfig(6, 8, 3e-3),
                    progress=False)  # fmt: skip
    guesses = predict_tags(model, tokenizer, WORDS, NAMES)
    assert entity_scores(TAGS, guesses).f1 == 1
    long = predict_tags(model, tokenizer, [["heat"] * 200], NAMES)[0]
    assert len(long) == 200 and long[-1] == "O"  # behind the end of the row


def test_the_head_is_taken_along_and_the_pretrained_model_stays():
    start = pretrained()
    model = pointer_from(start)
    assert type(model) is SpanPointer
    assert torch.equal(model.head.dense.weight, start.head.dense.weight)
    with torch.no_grad():
        model.encoder.tokens.weight.add_(1)
    assert not torch.equal(model.encoder.tokens.weight, start.encoder.tokens.weight)
    assert type(pointer_from(start.encoder)) is SpanPointer


def questions(padding):
    """Answerable: the number behind the film's name. Unanswerable: a film that is not there."""
    rows = []
    for i, name in enumerate(("jaws", "heat", "alien") * 8):
        passage = FILLER * padding + f"we saw {name} {'twice' if i % 2 else 'a lot'} ."
        answer = "" if i % 4 == 0 else name
        start = passage.rindex(name) if answer else -1
        rows.append({"passage": passage, "question": "cold" if i % 4 == 0 else "we saw",
                     "answer": answer, "start": start})  # fmt: skip
    return rows


@pytest.mark.parametrize("padding", [0, 3])
def test_a_pointer_learns_with_and_without_windows(tokenizer, padding):
    rows, model = questions(padding), pointer_from(pretrained())
    finetune_pointer(model, tokenizer, rows, FinetuneConfig(12, 8, 3e-3), 40, 8, progress=False)
    found = find_answers(model, tokenizer, rows, 40, 8)
    answered = [f for f, row in zip(found, rows, strict=True) if row["answer"]]
    truth = [row["answer"] for row in rows if row["answer"]]
    assert [f.text for f in answered] == truth
    if padding:
        return  # of a long passage's windows without the answer, only one was learned
    nowhere = [f.margin for f, row in zip(found, rows, strict=True) if not row["answer"]]
    assert min(f.margin for f in answered) > max(nowhere)


def test_losses_are_sums_over_what_is_judged(tokenizer):
    torch.manual_seed(1)
    ids = torch.randint(5, 100, (2, 6))
    mask = torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0]])
    tagger, pointer = pointer_from(pretrained(), 3).eval(), pointer_from(pretrained()).eval()
    labels = torch.tensor([[-100, 0, 2, -100, 1, -100, -100], [-100, 1] + [-100] * 5])
    batch = LabelledBatch(ids, mask, labels)
    logs = tagger(ids, mask).log_softmax(-1)
    by_hand = -(logs[0, 1, 0] + logs[0, 2, 2] + logs[0, 4, 1] + logs[1, 1, 1])
    torch.testing.assert_close(tag_loss(tagger, batch), by_hand)
    assert batch.count() == 4
    places = LabelledBatch(ids, mask, torch.tensor([[2, 4], [0, 1]]))
    first = pointer(ids, mask)[0].log_softmax(0)
    second = pointer(ids, mask)[1, :3].log_softmax(0)
    by_hand = -(first[2, 0] + first[4, 1] + second[0, 0] + second[1, 1])
    torch.testing.assert_close(span_loss(pointer, places), by_hand)
    assert places.count() == 4


def test_bad_input_gets_one_sentence(tokenizer):
    tagger, pointer = pointer_from(pretrained(), 2), pointer_from(pretrained())
    with pytest.raises(TypeError, match="pretrained encoder"):
        pointer_from(CONFIG)
    with pytest.raises(TypeError, match="lists of words"):
        encode_words(tokenizer, ["a film"])
    with pytest.raises(ValueError, match="no rows"):
        predict_tags(tagger, tokenizer, [], NAMES)
    with pytest.raises(ValueError, match="equal lengths"):
        finetune_tagger(tagger, tokenizer, [["a"]], [["O", "O"]], NAMES)
    with pytest.raises(ValueError, match="unknown: .*B-y"):
        finetune_tagger(tagger, tokenizer, [["a"]], [["B-y"]], NAMES)
    for function in (finetune_pointer, find_answers):
        with pytest.raises(ValueError, match="no questions"):
            function(pointer, tokenizer, [])
