"""The pretraining command, from text to a folder that `transformers` opens."""

import json
from dataclasses import replace

import pytest
import torch
from datasets import Dataset, DatasetDict
from transformers import AutoModelForMaskedLM, AutoTokenizer, pipeline

from course_utils.evaluation.language import masked_loss
from course_utils.model import interop
from course_utils.text import corpora
from course_utils.text.masking import Corruption
from course_utils.text.word_vectors import word_vectors
from course_utils.training import pretraining
from course_utils.training.loop import TrainConfig
from course_utils.training.pretraining import Recipe, batches, main, prepare, pretrain

TINY = Recipe(
    TrainConfig(steps=30, lr=1e-2, warmup=3, eval_every=10, save_every=10),
    vocab_size=150, hidden_size=32, num_layers=1, num_heads=2, mlp_size=32, length=32,
    batch_size=8, counted=True, snapshots=(10,),
)  # fmt: skip
SENTENCES = [
    f"the {a} film was {b} and the {c} cast was {b} too."
    for a in ("old", "new", "long", "short")
    for b in ("fine", "bad", "warm", "cold", "slow")
    for c in ("young", "whole", "main")
] * 3  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    table = Dataset.from_dict({"text": SENTENCES})
    tables = DatasetDict(train=table, validation=table.select(range(60)))
    monkeypatch.setattr(corpora, "load", lambda name: tables)
    monkeypatch.setitem(pretraining.RECIPES, "lesson", TINY)


def test_a_run_on_another_text_or_recipe_is_refused(tiny, monkeypatch, tmp_path):
    command = ["--recipe", "lesson", "--out", str(tmp_path / "bert")]
    main(command)
    other = Dataset.from_dict({"text": [one.replace("film", "play") for one in SENTENCES]})
    tables = DatasetDict(train=other, validation=other.select(range(60)))
    monkeypatch.setattr(corpora, "load", lambda name: tables)
    with pytest.raises(ValueError, match="another text"):
        main(command)
    corpus, run = prepare(TINY), tmp_path / "other"
    given = corpus.rows, corpus.frozen, corpus.tokenizer
    pretrain(TINY.model(corpus.rows), *given, TINY, run=run, progress=False)
    with pytest.raises(ValueError, match="another recipe"):
        pretrain(TINY.model(corpus.rows), *given, replace(TINY, rate=0.2), run=run, progress=False)


def test_from_text_to_transformers(tiny, tmp_path, capsys):
    out = tmp_path / "bert"
    main(["--recipe", "lesson", "--out", str(out)])
    log = json.loads((out / "log.json").read_text())
    assert log["evaluations"][-1]["loss"] < log["evaluations"][0]["loss"]
    assert log["ladder"]["uniform"] > log["ladder"]["unigram"] > log["ladder"]["bigram"]
    assert "below the unigram line" in capsys.readouterr().out
    card = (out / "README.md").read_text()
    assert f"**{log['evaluations'][-1]['loss']:.3f}**" in card and "--recipe lesson" in card
    assert "began as counts" in card
    assert AutoTokenizer.from_pretrained(out).mask_token == "[MASK]"
    theirs = AutoModelForMaskedLM.from_pretrained(out).eval()
    assert theirs.dtype == torch.float32  # though the file holds float16
    ours = interop.load_pretrained(out)
    corpus = prepare(TINY)
    ids = corpus.frozen.input_ids[:4]
    assert (theirs(ids).logits - ours(ids)).abs().max() < 1e-4
    assert masked_loss(ours, corpus.frozen) == pytest.approx(
        log["evaluations"][-1]["loss"], abs=0.01
    )
    guesses = pipeline("fill-mask", model=str(out))("the old film was [MASK].")
    assert len(guesses) == 5
    assert "step 10 of 30" in (tmp_path / "bert-step-10" / "README.md").read_text()
    early = interop.load_pretrained(tmp_path / "bert-step-10")
    assert masked_loss(early, corpus.frozen) > masked_loss(ours, corpus.frozen)


def test_a_folder_of_ones_own_is_read_instead(monkeypatch, tmp_path):
    monkeypatch.setitem(pretraining.RECIPES, "lesson", replace(TINY, snapshots=()))
    monkeypatch.setattr(corpora, "load", lambda name: pytest.fail(f"{name} was asked for"))
    home, out = tmp_path / "diary", tmp_path / "bert"
    home.mkdir()
    for number in range(40):  # no two files share wording
        words = " ".join(f"w{number}x{place}" for place in range(40))
        (home / f"{number:02d}.txt").write_text(f"Page {number} says {words}.")
    main(["--recipe", "lesson", "--text", str(home), "--out", str(out)])
    card = (out / "README.md").read_text()
    assert "on the folder `diary`" in card and "--out bert --text diary" in card
    assert str(tmp_path) not in card
    assert json.loads((out / "log.json").read_text())["about"]["text"] == "the folder `diary`"
    with pytest.raises(FileNotFoundError, match="no folder"):
        main(["--text", str(tmp_path / "none"), "--out", str(out)])


def test_the_lines_give_special_tokens_no_share(tiny):
    corpus = prepare(TINY)
    words = corpus.rows[~torch.isin(corpus.rows, torch.tensor(corpus.tokenizer.all_special_ids))]
    common = words.bincount(minlength=len(corpus.tokenizer)).double()
    told = -(common / common.sum()).log()[corpus.frozen.targets].mean().item()
    assert corpus.ladder["unigram"] == pytest.approx(told, abs=0.02)  # it counts one more of each


def test_a_tokenizer_that_is_there_is_taken(tiny):
    first = prepare(TINY)
    again = prepare(TINY, corpora.load("film_reviews"), first.tokenizer)
    assert again.tokenizer is first.tokenizer and torch.equal(again.rows, first.rows)


def test_the_same_seed_gives_the_same_model(tiny):
    corpus = prepare(TINY)
    trained = []
    for seed in (0, 0, 1):
        recipe = replace(TINY, train=replace(TINY.train, seed=seed, save_every=0))
        model = recipe.model(corpus.rows)
        pretrain(model, corpus.rows, corpus.frozen, corpus.tokenizer, recipe, progress=False)
        trained.append(model.decoder.weight.detach())
    assert torch.equal(trained[0], trained[1])
    assert not torch.equal(trained[0], trained[2])


def test_embeddings_begin_as_counts_of_the_training_rows(tiny):
    rows = prepare(TINY).rows
    counted, plain = TINY, replace(TINY, counted=False)
    with pytest.raises(ValueError, match=r"give model\(\) the training rows"):
        counted.model()
    one, same, fresh = counted.model(rows), counted.model(rows), plain.model(rows)
    table = one.encoder.tokens.weight
    assert torch.equal(table, same.encoder.tokens.weight) and table.requires_grad
    assert torch.equal(one.head.dense.weight, fresh.head.dense.weight)  # the rest is as ever
    torch.manual_seed(7)  # of the decomposition: it may turn the axes' signs, and nothing else
    vectors = word_vectors(rows, *table.shape)
    assert torch.allclose(table @ table.T, vectors @ vectors.T, atol=0.02)
    assert torch.equal(fresh.encoder.tokens.weight, plain.model().encoder.tokens.weight)


def test_an_epoch_visits_every_row_once_and_masks_anew():
    rows = torch.arange(5, 45).repeat_interleave(8).view(40, 8)  # row i holds i + 5 only
    at = batches(rows, 8, Corruption(4, 45, (0, 1, 2, 3, 4), rate=0.3), seed=3)
    seen = [at(step).targets[:, 0] for step in range(10)]
    assert sorted(torch.cat(seen[:5]).tolist()) == sorted(torch.cat(seen[5:]).tolist())
    assert len(set(torch.cat(seen[:5]).tolist())) == 40
    assert torch.cat(seen[:5]).tolist() != torch.cat(seen[5:]).tolist()


def test_too_little_text_is_told():
    with pytest.raises(ValueError, match="3 rows do not fill one batch of 8"):
        batches(torch.ones(3, 8, dtype=torch.int64), 8, None, 0)


def test_a_snapshot_that_nobody_evaluates_is_refused_before_the_run():
    with pytest.raises(ValueError, match=r"snapshots \(15,\) must be steps below 30"):
        replace(TINY, snapshots=(15,))
