"""What we save, `transformers` opens and computes alike; what it saves, we open; else one sentence.

The models here are random in every parameter, so that a swapped or forgotten tensor shows.
"""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.model.heads import (
    MaskedLanguageModel,
    SequenceClassifier,
    SpanPointer,
    TokenClassifier,
)
from course_utils.model.interop import (
    CheckpointError,
    load_pretrained,
    load_tokenizer,
    save_pretrained,
)
from course_utils.text.tokenization import train_tokenizer

from .conftest import LENGTH, MODELS, THEIRS, VOCAB, shake

CLOSE = {"atol": 1e-5, "rtol": 0}
SENTENCES = [
    "the film was a quiet triumph of acting",
    "the plot was thin and the acting was poor",
    "a film of great acting and no plot",
    "the second film was poor",
] * 4


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(SENTENCES, vocab_size=300)


def opened(kind, folder):
    """The folder as `transformers` opens it, with everything that it would complain about."""
    model, report = kind.from_pretrained(
        folder, output_loading_info=True, local_files_only=True, attn_implementation="sdpa"
    )
    complaints = {key: value for key, value in report.items() if value}
    assert not complaints, complaints
    return model.eval()


def test_transformers_opens_our_masked_language_model(ours, batch, family, tmp_path):
    folder = save_pretrained(ours, tmp_path / "saved")
    theirs = opened(transformers.AutoModelForMaskedLM, folder)
    assert type(theirs) is MODELS[family][0]
    input_ids, mask = batch
    with torch.no_grad():
        expected = ours(input_ids, attention_mask=mask)
        logits = theirs(input_ids, attention_mask=mask).logits
    torch.testing.assert_close(logits[mask.bool()], expected[mask.bool()], **CLOSE)


@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_other_choices_of_the_modern_family_survive_too(tie, bias, batch, tmp_path):
    torch.manual_seed(3)
    config = EncoderConfig.modern(
        VOCAB, hidden_size=48, tie_embeddings=tie, bias=bias, dropout=0.1, rope_base=777.0, pad_id=3
    )
    model = shake(MaskedLanguageModel(config))
    folder = save_pretrained(model, tmp_path / "saved")
    again = load_pretrained(folder)
    assert again.config == config
    theirs = opened(transformers.AutoModelForMaskedLM, folder)
    with torch.no_grad():
        expected = model(batch[0])
        assert torch.equal(again(batch[0]), expected)
        torch.testing.assert_close(theirs(batch[0]).logits, expected, **CLOSE)


@pytest.mark.parametrize("windows", [(3, 0, 3), (0, 0, 1), (5, 5, 5)])
def test_layers_with_a_window_see_what_those_of_transformers_see(windows, batch, tmp_path):
    torch.manual_seed(3)
    config = EncoderConfig.modern(VOCAB, hidden_size=48, num_layers=3, windows=windows)
    model = shake(MaskedLanguageModel(config))
    folder = save_pretrained(model, tmp_path / "saved")
    assert load_pretrained(folder).config == config
    theirs = opened(transformers.AutoModelForMaskedLM, folder)
    input_ids, mask = batch
    with torch.no_grad():
        for seen in (None, mask):
            real = torch.ones_like(mask) if seen is None else mask
            expected = model(input_ids, attention_mask=seen)
            logits = theirs(input_ids, attention_mask=seen).logits
            torch.testing.assert_close(logits[real.bool()], expected[real.bool()], **CLOSE)


@pytest.mark.parametrize(("family", "windows"), [("modern", (2, 3, 0)), ("bert", (2, 2, 0))])
def test_windows_that_transformers_does_not_know_are_not_saved(family, windows, tmp_path):
    shape = {"hidden_size": 48, "num_layers": 3, "windows": windows}
    model = MaskedLanguageModel(getattr(EncoderConfig, family)(VOCAB, **shape))
    with pytest.raises(CheckpointError, match="transformers has"):
        save_pretrained(model, tmp_path / "saved")


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_transformers_opens_our_classifier(family, pooling, batch, tmp_path):
    torch.manual_seed(4)
    encoder = Encoder(getattr(EncoderConfig, family)(VOCAB, hidden_size=48, max_length=LENGTH))
    model = shake(SequenceClassifier(encoder, 5, pooling, dropout=0.2))
    if (family, pooling) == ("bert", "mean"):
        with pytest.raises(CheckpointError, match="pooling='cls'"):
            save_pretrained(model, tmp_path / "saved")
        assert not list(tmp_path.iterdir())
        return
    folder = save_pretrained(model, tmp_path / "saved")
    theirs = opened(transformers.AutoModelForSequenceClassification, folder)
    assert type(theirs) is MODELS[family][1]
    again = load_pretrained(folder, task="classification")
    assert (again.num_labels, again.pooling, again.dropout) == (5, pooling, 0.2)
    input_ids, mask = batch
    with torch.no_grad():
        expected = model(input_ids, mask)
        assert torch.equal(again(input_ids, mask), expected)
        torch.testing.assert_close(theirs(input_ids, attention_mask=mask).logits, expected, **CLOSE)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (TokenClassifier, transformers.AutoModelForTokenClassification),
        (SpanPointer, transformers.AutoModelForQuestionAnswering),
    ],
)
def test_transformers_opens_what_labels_and_what_points(head, kind, family, batch, tmp_path):
    torch.manual_seed(4)
    encoder = Encoder(getattr(EncoderConfig, family)(VOCAB, hidden_size=48, max_length=LENGTH))
    labels = {"num_labels": 7} if head is TokenClassifier else {}
    model = shake(head(encoder, dropout=0.2, **labels))
    folder = save_pretrained(model, tmp_path / "saved")
    theirs = opened(kind, folder)
    task = "token_classification" if head is TokenClassifier else "question_answering"
    again = load_pretrained(folder, task=task)
    assert (type(again), again.num_labels, again.dropout) == (head, model.num_labels, 0.2)
    input_ids, mask = batch
    with torch.no_grad():
        expected = model(input_ids, mask)
        assert torch.equal(again(input_ids, mask), expected)
        found = theirs(input_ids, attention_mask=mask)
    both = found.logits if labels else torch.stack([found.start_logits, found.end_logits], -1)
    torch.testing.assert_close(both[mask.bool()], expected[mask.bool()], **CLOSE)


def test_transformers_opens_our_encoder(ours, batch, family, tmp_path):
    folder = save_pretrained(ours.encoder, tmp_path / "saved")
    theirs = transformers.AutoModel.from_pretrained(folder).eval()
    input_ids, mask = batch
    with torch.no_grad():
        expected = ours.encoder(input_ids, mask)
        states = theirs(input_ids, attention_mask=mask).last_hidden_state
        again = load_pretrained(folder, task="encoder")(input_ids, mask)
    torch.testing.assert_close(states[mask.bool()], expected[mask.bool()], **CLOSE)
    assert torch.equal(again, expected)


def test_we_open_a_masked_language_model_of_transformers(theirs, batch):
    model, folder = theirs
    ours = load_pretrained(folder)
    input_ids, mask = batch
    with torch.no_grad():
        expected = model(input_ids, attention_mask=mask).logits
        logits = ours(input_ids, attention_mask=mask)
    torch.testing.assert_close(logits[mask.bool()], expected[mask.bool()], **CLOSE)


def test_we_open_a_classifier_of_transformers(family, batch, tmp_path):
    torch.manual_seed(8)
    model = MODELS[family][1](THEIRS[family])
    shake(model).save_pretrained(tmp_path)
    ours = load_pretrained(tmp_path, task="classification")
    input_ids, mask = batch
    with torch.no_grad():
        expected = model(input_ids, attention_mask=mask).logits
        torch.testing.assert_close(ours(input_ids, mask), expected, **CLOSE)


def test_a_trained_model_is_the_same_in_transformers(tokenizer, tmp_path):
    """Not a random one: a few steps of training, and the tokenizer beside it."""
    torch.manual_seed(1)
    config = EncoderConfig.modern(len(tokenizer), hidden_size=32, num_layers=2, num_heads=2)
    model = MaskedLanguageModel(config)
    rows = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    ids, mask = rows["input_ids"], rows["attention_mask"]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    positions = torch.full((len(ids), 1), 3)
    hidden = ids.scatter(1, positions, tokenizer.mask_token_id)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(
            model(hidden, positions, mask).flatten(0, 1), ids.gather(1, positions).flatten()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    folder = save_pretrained(model.eval(), tmp_path / "trained", tokenizer)
    assert loss.item() < 1

    theirs = opened(transformers.AutoModelForMaskedLM, folder)
    words = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    batch = words(SENTENCES, padding=True, return_tensors="pt")
    assert torch.equal(batch["input_ids"], ids)
    with torch.no_grad():
        logits = theirs(hidden, attention_mask=mask).logits
        torch.testing.assert_close(
            logits[mask.bool()], model(hidden, attention_mask=mask)[mask.bool()], **CLOSE
        )

    fill = transformers.pipeline("fill-mask", model=str(folder), tokenizer=str(folder))
    best = fill(f"the second {tokenizer.mask_token} was poor")[0]
    assert best["token_str"] == "film"


def test_fill_mask_answers_for_both_families(family, tokenizer, tmp_path):
    torch.manual_seed(2)
    model = MaskedLanguageModel(getattr(EncoderConfig, family)(len(tokenizer), hidden_size=32))
    folder = save_pretrained(model, tmp_path / "saved", tokenizer)
    fill = transformers.pipeline("fill-mask", model=str(folder))
    answers = fill("the film was [MASK]", top_k=3)
    assert len(answers) == 3 and answers[0]["score"] >= answers[1]["score"] > 0
    assert load_tokenizer(folder)("the film")["input_ids"] == tokenizer("the film")["input_ids"]


def test_half_precision_weights_are_computed_with_in_float32(ours, batch, tmp_path):
    whole = save_pretrained(ours, tmp_path / "whole")
    half = save_pretrained(ours, tmp_path / "half", dtype=torch.float16)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (whole, half)]
    assert sizes[1] < 0.55 * sizes[0]
    assert json.loads((half / "config.json").read_text())["dtype"] == "float32"
    theirs, again = opened(transformers.AutoModelForMaskedLM, half), load_pretrained(half)
    assert {p.dtype for p in theirs.parameters()} == {torch.float32}
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    with torch.no_grad():
        torch.testing.assert_close(theirs(batch[0]).logits, again(batch[0]), **CLOSE)
        torch.testing.assert_close(again(batch[0]), ours(batch[0]), atol=0.02, rtol=0)


def test_weights_too_large_for_half_precision_are_refused(ours, tmp_path):
    with torch.no_grad():
        ours.decoder.bias[3] = 1e6
    with pytest.raises(CheckpointError, match="decoder.bias"):
        save_pretrained(ours, tmp_path / "saved", dtype=torch.float16)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_folder(ours, tmp_path):
    folder = save_pretrained(ours, tmp_path / "saved")
    before = (folder / "model.safetensors").read_bytes()

    class Broken:
        cls_token_id = sep_token_id = 1

        def save_pretrained(self, folder):
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        save_pretrained(ours, folder, Broken())
    assert (folder / "model.safetensors").read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["saved"]


def test_saving_twice_gives_the_same_bytes(ours, tmp_path):
    folders = [save_pretrained(ours, tmp_path / name) for name in "ab"]
    for name in ("config.json", "model.safetensors"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_loading_leaves_the_random_numbers_alone(ours, tmp_path):
    folder = save_pretrained(ours, tmp_path / "saved")
    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    load_pretrained(folder)
    assert torch.equal(torch.rand(3), expected)


def test_dropout_can_be_switched_off_on_loading(theirs, family):
    _, folder = theirs
    entries = json.loads((folder / "config.json").read_text())
    name = {"bert": "hidden_dropout_prob", "modern": "mlp_dropout"}[family]
    (folder / "config.json").write_text(json.dumps(entries | {name: 0.3}))
    assert load_pretrained(folder).config.dropout == 0.3
    assert load_pretrained(folder, dropout=0.0).config.dropout == 0.0


def test_the_first_names_of_norms_are_understood(theirs, batch, family):
    if family != "bert":
        return
    model, folder = theirs
    path = folder / "model.safetensors"
    old = {
        name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): value
        for name, value in load_file(path).items()
    }
    save_file(old, path)
    with torch.no_grad():
        expected = model(batch[0]).logits
        torch.testing.assert_close(load_pretrained(folder)(batch[0]), expected, **CLOSE)


def edit(folder, **changes):
    """Change entries of a saved config.json."""
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def saved(ours, tmp_path):
    return save_pretrained(ours, tmp_path / "saved")


LAYERS = ["sliding_attention", "full_attention", "full_attention"]
TURNS = {"full_attention": {"rope_type": "default", "rope_theta": 1.6e5},
         "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}  # fmt: skip
SLIDING = {"layer_types": LAYERS, "rope_parameters": TURNS}
YARN = {"full_attention": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}}


@pytest.mark.parametrize(
    ("only", "changes", "says"),
    [
        ("", {"model_type": "gpt2"}, "gpt2"),
        ("", {"hidden_size": 96}, "another configuration"),
        ("", {"hidden_size": 47}, "47"),
        ("", {"num_hidden_layers": 4, "layer_types": ["full_attention"] * 4}, "lacks"),
        ("", {"vocab_size": "many"}, "config.json"),
        ("bert", {"hidden_act": "relu"}, "relu"),
        ("bert", {"position_embedding_type": "relative_key"}, "relative_key"),
        ("bert", {"is_decoder": True}, "decoder"),
        ("modern", SLIDING, "sliding"),
        ("modern", {"rope_parameters": YARN}, "yarn"),
        ("modern", {"hidden_activation": "silu"}, "silu"),
        ("modern", {"norm_bias": True}, "some parts only"),
        ("modern", {"decoder_bias": False}, "bias"),
    ],
)
def test_other_configurations_get_one_sentence(saved, family, only, changes, says):
    if only not in ("", family):
        return
    edit(saved, **changes)
    with pytest.raises(CheckpointError, match=says) as caught:
        load_pretrained(saved)
    assert "\n" not in str(caught.value)


def test_damaged_folders_get_one_sentence(saved, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_pretrained(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="config.json"):
        load_pretrained(tmp_path)
    with pytest.raises(ValueError, match="task"):
        load_pretrained(saved, task="translation")
    with pytest.raises(CheckpointError, match="another task"):
        load_pretrained(saved, task="classification")
    with pytest.raises(FileNotFoundError, match="tokenizer"):
        load_tokenizer(saved)
    (saved / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match="tokenizer"):
        load_tokenizer(saved)
    whole = (saved / "model.safetensors").read_bytes()
    (saved / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match="cut short"):
        load_pretrained(saved)
    (saved / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="pickle"):
        load_pretrained(saved)
    for content in ("not json", "[]", "{}"):
        (saved / "config.json").write_text(content)
        with pytest.raises(CheckpointError, match="config.json"):
            load_pretrained(saved)


def test_an_encoder_cannot_pass_for_a_language_model(minilm):
    with pytest.raises(CheckpointError, match="task='encoder'"):
        load_pretrained(minilm[0])


def test_what_cannot_be_saved_gets_one_sentence(ours, tmp_path):
    with pytest.raises(TypeError, match="Linear"):
        save_pretrained(torch.nn.Linear(2, 2), tmp_path / "x")
    with pytest.raises(TypeError, match="tokenizer"):
        save_pretrained(ours, tmp_path / "x", tokenizer="bert-base-uncased")
    with pytest.raises(TypeError, match="int8"):
        save_pretrained(ours, tmp_path / "x", dtype=torch.int8)
    mixed = EncoderConfig.bert(50, hidden_size=16, norm="pre")
    with pytest.raises(CheckpointError, match="mixture"):
        save_pretrained(Encoder(mixed), tmp_path / "x")
    assert not list(tmp_path.iterdir())
