"""Bad input: for each public function of the library a typed exception of one sentence.

The table has a row for each way to go wrong; the last test sees to it that no function is missing.
"""

import ast
import json
import re
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

from course_utils import files, machine
from course_utils.evaluation import (
    attribution,
    baselines,
    bias,
    calibration,
    explorer,
    imbalance,
    language,
    leaderboard,
    plots,
    probing,
    scaling,
    secrets,
    significance,
    tasks,
    thread,
)
from course_utils.evaluation import pointing as scores
from course_utils.evaluation import translation as judging
from course_utils.machine import cost, device, doctor, energy
from course_utils.model import (
    attention,
    decoder,
    decoder_interop,
    decoding,
    families,
    heads,
    interop,
    quantization,
)
from course_utils.model.encoder import Encoder, EncoderConfig
from course_utils.text import (
    augmentation,
    balance,
    bias_probes,
    bpe,
    cleaning,
    corpora,
    datasheets,
    fetching,
    folders,
    hidden_markov,
    masking,
    minhash,
    ngrams,
    reading,
    spans,
    splitting,
    subwords,
    tables,
    tokenization,
    toy_language,
    weights,
    word_vectors,
    wordpiece,
)
from course_utils.text.fetch_errors import DataError
from course_utils.training import (
    budgets,
    cards,
    checkpoints,
    finetuning,
    interventions,
    loop,
    optim,
    pointing,
    pretraining,
    replicas,
    writing,
)
from course_utils.training import translation as pairing

SHAPE = EncoderConfig.modern(40, hidden_size=16, num_layers=1, num_heads=2, max_length=12)

OTHER = EncoderConfig.modern(40, hidden_size=32, num_layers=1, num_heads=2, max_length=12)

IDS = torch.tensor([[2, 7, 8, 3]])

NOISE = masking.Corruption(4, 40, range(5))

DICE = torch.Generator()

FROZEN = masking.frozen_masks(IDS, 1, mask_id=4, vocab_size=40, special_ids=range(5))

ELSEWHERE = masking.MaskedBatch(IDS, IDS[:, :1] * 0 + 1, IDS[:, :1] * 0 + 99)

NOTHING = masking.MaskedBatch(IDS, IDS[:, :1] * 0, IDS[:, :1] * 0 - 100)

RECIPE = pretraining.Recipe(loop.TrainConfig(steps=1), vocab_size=40, batch_size=64)


@cache
def model():
    return heads.MaskedLanguageModel(SHAPE)


@cache
def sorter():
    return heads.SequenceClassifier(Encoder(SHAPE), 2)


@cache
def words():
    return tokenization.train_tokenizer(["a film"], 160)


@cache
def axes():
    return plt.subplots()[1]


def saved(folder, change=None, cut=False):
    """A saved checkpoint, with an entry of its configuration changed or its weights cut short."""
    interop.save_pretrained(model(), folder / "model")
    path = folder / "model" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | (change or {})))
    if cut:
        path = folder / "model" / "model.safetensors"
        path.write_bytes(path.read_bytes()[:-9])
    return folder / "model"


def trained(folder, shape):
    """A training run's checkpoint of one model, read into another."""
    first, second = heads.MaskedLanguageModel(SHAPE), heads.MaskedLanguageModel(shape)
    checkpoints.save(folder, 1, first, optim.build_optimizers(first, 0.1), {})
    return checkpoints.load(folder, second, optim.build_optimizers(second, 0.1))


def write(path, content):
    path.write_text(content)
    return path


def step(**choices):
    """One step of training with these settings on a batch of one row."""
    config = loop.TrainConfig(**{"steps": 1, "optimizer": "adamw"} | choices)
    twin = heads.MaskedLanguageModel(SHAPE)
    return loop.train(twin, lambda _: FROZEN, choices.pop("loss", pretraining.mlm_loss), config)


V, T, F = ValueError, TypeError, FileNotFoundError


@cache
def tagger():
    return heads.TokenClassifier(Encoder(SHAPE), 2)


OLD = EncoderConfig.bert(40, hidden_size=16, num_layers=1, num_heads=2, max_length=12)


@cache
def writer():
    return decoder.CausalLanguageModel(SHAPE).eval()


RUNS = [1, 1, 1, 4, 4, 9], [1, 4, 9, 1, 4, 1], [9, 8, 7, 7, 6, 6]  # sizes, tokens, losses

LAW = scaling.ScalingLaw(2.0, 0.0, 0.5, 1.0, 0.5)

CASES = {
    "machine": [
        ("cost.training_flops", lambda _: cost.training_flops(SHAPE, 0, 1), V, "tokens"),
        ("cost.training_flops", lambda _: cost.training_flops(SHAPE, 1.5, 1), V, "whole number"),
        ("cost.training_flops", lambda _: cost.training_flops({}, 1, 1), T, "EncoderConfig"),
        ("cost.count_parameters", lambda _: cost.count_parameters("bert"), T, "EncoderConfig"),
        ("cost.parameter_table", lambda _: cost.parameter_table(8192), T, "EncoderConfig"),
        ("cost.training_memory", lambda _: cost.training_memory(SHAPE, 1, 1, 1, "sgd"), V, "adamw"),
        ("cost.training_memory", lambda _: cost.training_memory(SHAPE, 0, 1, 1), V, "batch_size"),
        ("cost.training_memory", lambda _: cost.training_memory(None, 1, 1, 1), T, "EncoderConfig"),
        ("device.bf16_is_native", lambda _: device.bf16_is_native("gpu"), V, "no device"),
        ("device.autocast_dtype", lambda _: device.autocast_dtype("gpu"), V, "no device"),
        ("device.settle_bf16", lambda _: device.settle_bf16("yes"), T, "True, False or None"),
        ("device.autocast_dtype", lambda _: device.autocast_dtype(None), T, "A device"),
        ("device.as_device", lambda _: device.as_device(0), T, "A device must"),
        ("device.synchronize", lambda _: device.synchronize("gpu:0"), V, "no device"),
        (
            "device.product_seconds",
            lambda _: device.product_seconds(torch.ones(2, 3), torch.ones(2, 3)),
            V,
            "multiplied",
        ),
        (
            "device.trains_on_plain_products",
            lambda _: device.trains_on_plain_products("gpu", 8),
            V,
            "no device",
        ),
        ("device.seed_everything", lambda _: machine.seed_everything("0"), T, "whole number"),
        ("device.seed_everything", lambda _: machine.seed_everything(-1), V, "between"),
        ("device.matmul_peak", lambda _: machine.matmul_peak(torch.int64), T, "floating"),
        ("device.matmul_peak", lambda _: machine.matmul_peak(size=0), V, "at least 1"),
        ("device.matmul_peak", lambda _: machine.matmul_peak(size=2, device="gpu"), V, "no device"),
        ("doctor.problems", lambda _: doctor.problems({}), V, "diagnose"),
        ("doctor.describe", lambda _: doctor.describe({}), V, "diagnose"),
        ("energy.footprint", lambda _: energy.footprint(-1, 10, 400), V, "not be negative"),
    ],
    "text": [
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding([("a", "bc")]), V, "not made"),
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding.train([], 300), V, "no text"),
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding.train("a", 300), T, "one string"),
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding.train(["a"], 9), V, "larger"),
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding([]).encode(7), T, "must be a str"),
        ("bpe.BytePairEncoding", lambda _: bpe.BytePairEncoding([]).decode([999]), V, "no token"),
        ("cleaning.clean_text", lambda _: cleaning.clean_text(b"a"), T, "needs a str"),
        ("cleaning.duplicate_key", lambda _: cleaning.duplicate_key(None), T, "needs a str"),
        ("cleaning.deduplicate", lambda _: cleaning.deduplicate("a"), T, "sequence of str"),
        ("cleaning.near_duplicates", lambda _: cleaning.near_duplicates(["a"], run=0), V, "run"),
        ("cleaning.near_duplicates", lambda _: cleaning.near_duplicates([1]), T, "sequence of str"),
        ("corpora.load", lambda _: corpora.load("imbd"), V, "choose one of"),
        ("corpora.load", lambda _: corpora.load("imdb", "web"), V, "choose 'package'"),
        ("corpora.load", lambda _: corpora.load(["imdb"]), V, "Unknown corpus"),
        ("corpora.fetch", lambda _: corpora.fetch("imdb"), T, "list of names"),
        ("corpora.fetch", lambda _: corpora.fetch(["imbd"]), V, "Unknown name"),
        ("datasheets.counts", lambda _: datasheets.counts("imbd"), V, "choose one of"),
        ("fetching.package_file", lambda _: fetching.package_file("torch"), V, "Unknown package"),
        ("fetching.read_member", lambda _: fetching.read_member("torch", "a"), V, "Unknown"),
        ("fetching.read_member", lambda _: fetching.read_member("hsg", "no"), DataError, "no read"),
        ("fetching.check_space", lambda p: fetching.check_space(p, 2**80, "x"), DataError, "free"),
        ("hidden_markov.stationary", lambda _: hidden_markov.stationary([[2.0]]), V, "sum to 1"),
        ("hidden_markov.draw", lambda _: hidden_markov.draw(torch.ones(2, 3), IDS), V, "(N, K)"),
        (
            "hidden_markov.forward_backward",
            lambda _: hidden_markov.forward_backward(*map(torch.ones, (2, 2, 2))),
            V,
            "(N, L, S)",
        ),
        (
            "hidden_markov.HiddenMarkovModel",
            lambda _: hidden_markov.HiddenMarkovModel([[0.9]], [[1.0]]),
            V,
            "sums to 1",
        ),
        ("toy_language.ToyLanguage", lambda _: toy_language.ToyLanguage(4, 6), V, "at least 7"),
        ("toy_language.uncover", lambda _: toy_language.uncover(IDS), T, "MaskedBatch"),
        ("toy_language.uncover", lambda _: toy_language.uncover(NOTHING), V, "Nothing"),
        ("masking.Corruption", lambda _: masking.Corruption(4, 40, range(5), rate=2), V, "rate"),
        ("masking.Corruption", lambda _: masking.Corruption(9, 40, range(5)), V, "special_ids"),
        ("masking.Corruption", lambda _: masking.Corruption(4, 5, range(5)), V, "nothing but"),
        ("masking.pack", lambda _: masking.pack([[5]], 2, 2, 3), V, "at least 3"),
        ("masking.pack", lambda _: masking.pack([], 8, 2, 3), V, "do not fill"),
        ("masking.pack", lambda _: masking.pack(["a film"], 4, 2, 3), T, "token ids"),
        ("masking.mask_tokens", lambda _: masking.mask_tokens(IDS.float(), NOISE, DICE), T, "int"),
        ("masking.mask_tokens", lambda _: masking.mask_tokens(IDS + 40, NOISE, DICE), V, "0 … 39"),
        ("masking.mask_tokens", lambda _: masking.mask_tokens(IDS, 0.15, DICE), T, "Corruption"),
        ("masking.mask_rows", lambda _: masking.mask_rows(IDS[0], NOISE, DICE), V, "(B, L)"),
        ("masking.mask_rows", lambda _: masking.mask_rows(IDS, NOISE, 0), T, "Generator"),
        (
            "masking.frozen_masks",
            lambda _: masking.frozen_masks(IDS, 9, mask_id=4, vocab_size=40, special_ids=range(5)),
            V,
            "per_row",
        ),
        ("ngrams.NgramModel", lambda _: ngrams.NgramModel(0, 9), V, "order"),
        ("ngrams.NgramModel", lambda _: ngrams.NgramModel(1, 9).fit([[9]]), V, "outside"),
        ("ngrams.NgramModel", lambda _: ngrams.NgramModel(1, 9).fit([]), V, "empty"),
        ("ngrams.unigram_loss", lambda _: ngrams.unigram_loss([0.5], [0], 9), T, "integer"),
        ("ngrams.loss_ladder", lambda _: ngrams.loss_ladder(IDS, ELSEWHERE, 40), V, "outside"),
        ("ngrams.loss_ladder", lambda _: ngrams.loss_ladder(IDS, IDS, 40), T, "MaskedBatch"),
        ("splitting.digest", lambda _: splitting.digest(7), T, "str"),
        ("splitting.split_of", lambda _: splitting.split_of("00", 0.5, 0.5), V, "shares"),
        ("splitting.families", lambda _: splitting.families("a film"), T, "sequence of str"),
        ("subwords.require_text", lambda _: subwords.require_text(b"a"), T, "must be a str"),
        ("subwords.require_texts", lambda _: subwords.require_texts([" "]), V, "no text"),
        ("subwords.require_vocab_size", lambda _: subwords.require_vocab_size(5, 9), V, "larger"),
        ("subwords.token_names", lambda _: subwords.token_names([7], ["a"]), V, "no token"),
        ("tables.content_hash", lambda _: tables.content_hash([]), T, "Dataset"),
        ("tokenization.train_tokenizer", lambda _: tokenization.train_tokenizer([], 99), V, "text"),
        (
            "tokenization.train_tokenizer",
            lambda _: tokenization.train_tokenizer(["a"], 9),
            V,
            "larger vocabulary",
        ),
        (
            "tokenization.train_tokenizer",
            lambda _: tokenization.train_tokenizer(["a"], 160, "words"),
            V,
            "only 'wordpiece'",
        ),
        ("tokenization.pad_batch", lambda _: tokenization.pad_batch([1, 2], 0), T, "[row]"),
        ("weights.minilm_folder", lambda _: weights.minilm_folder("web"), V, "Unknown source"),
        ("word_vectors.word_vectors", lambda _: word_vectors.word_vectors(IDS, 50, 51), V, "size"),
        (
            "word_vectors.neighbour_information",
            lambda _: word_vectors.neighbour_information(IDS.float(), 50),
            V,
            "whole numbers",
        ),
        ("wordpiece.WordPiece", lambda _: wordpiece.WordPiece(["a"]), V, "missing"),
        (
            "wordpiece.WordPiece",
            lambda p: wordpiece.WordPiece.from_vocab_file(p / "no.txt"),
            F,
            "no vocabulary file",
        ),
        ("wordpiece.WordPiece", lambda _: wordpiece.WordPiece.train(["é"], 5), V, "larger"),
        ("cleaning.mask_personal", lambda _: cleaning.mask_personal(7), T, "needs a str"),
        ("minhash.shingles", lambda _: minhash.shingles(b"a"), T, "needs a str"),
        ("minhash.shingles", lambda _: minhash.shingles("a", run=0), V, "at least 1 word"),
        ("minhash.signatures", lambda _: minhash.signatures([{"a"}], 0), V, "at least 1 number"),
        ("minhash.signatures", lambda _: minhash.signatures([{"a"}, set()]), V, "Set 1 is empty"),
        ("minhash.candidates", lambda _: minhash.candidates(IDS.numpy(), 5), V, "into 5 bands"),
        ("minhash.candidates", lambda _: minhash.candidates(IDS[0].numpy(), 2), V, "(N, size)"),
        ("minhash.similar_pairs", lambda _: minhash.similar_pairs("a"), T, "sequence of str"),
        ("minhash.similar_pairs", lambda _: minhash.similar_pairs([7]), T, "needs a str"),
        ("minhash.similar_pairs", lambda _: minhash.similar_pairs(["a"], 0), V, "threshold"),
        ("augmentation.drop_words", lambda _: augmentation.drop_words("a", 1), V, "rate"),
        ("reading.load_reading", lambda _: reading.load_reading("squad"), V, "Unknown name"),
        ("reading.delivered", lambda _: reading.delivered("squad"), V, "Unknown name"),
        ("spans.align_labels", lambda _: spans.align_labels([None, 1], [0]), V, "word 1"),
        ("spans.bio_entities", lambda _: spans.bio_entities(["O", "X"]), V, "A tag is"),
        ("spans.windows", lambda _: spans.windows(9, 4, 4), V, "overlap < size"),
        (
            "spans.best_span",
            lambda _: spans.best_span(torch.zeros(2), torch.zeros(3), 1),
            V,
            "scores (L,)",
        ),
        (
            "spans.question_windows",
            lambda _: spans.question_windows(words(), ["who?"], [], 24, 5),
            V,
            "1 questions but 0",
        ),
        ("balance.swap_gendered", lambda _: balance.swap_gendered(["he"]), T, "text must be a str"),
        (
            "balance.telling_sentences",
            lambda _: balance.telling_sentences("He ran."),
            T,
            "list of str",
        ),
        ("balance.count_pronouns", lambda _: balance.count_pronouns(["he"]), T, "must be a str"),
        ("balance.rebalanced", lambda _: balance.rebalanced("he", 0.5), T, "list of str"),
        ("balance.rebalanced", lambda _: balance.rebalanced(["he"], 50), V, "0 … 1"),
        ("bias_probes.load_probes", lambda _: bias_probes.load_probes("crows"), V, "choose one of"),
        ("folders.plain_markdown", lambda _: folders.plain_markdown(b"a"), T, "needs a str"),
        ("folders.paragraphs", lambda _: folders.paragraphs(None), T, "needs a str"),
        ("folders.blocks", lambda _: folders.blocks([9], 0), V, "words >= 1"),
        ("folders.blocks", lambda _: folders.blocks([-1]), V, "not negative"),
        ("folders.read_folder", lambda p: folders.read_folder(p / "no"), F, "no folder"),
        ("folders.read_folder", lambda p: folders.read_folder(p), DataError, "no .txt"),
        (
            "folders.read_folder",
            lambda p: folders.read_folder(write(p / "a.txt", "a")),
            V,
            "is a file",
        ),
        ("folders.from_folder", lambda p: folders.from_folder(p, 1.0), V, "between 0 and 1"),
        ("folders.from_folder", lambda p: folders.from_folder(p / "no"), F, "no folder"),
        ("folders.course_folder", lambda p: folders.course_folder(p, -1), V, "0 or more"),
    ],
    "model": [
        ("attention.attention_scores", lambda _: attention.attention_scores([1.0], IDS), T, "tens"),
        (
            "attention.attention_scores",
            lambda _: attention.attention_scores(torch.ones(2, 3), torch.ones(2, 4)),
            V,
            "equal widths",
        ),
        ("attention.padding_mask", lambda _: attention.padding_mask(IDS[0]), V, "(B, L)"),
        ("attention.padding_mask", lambda _: attention.padding_mask([[1, 0]]), T, "tensor"),
        ("attention.causal_mask", lambda _: attention.causal_mask(-1), V, "length"),
        ("attention.window_mask", lambda _: attention.window_mask(0, 1), V, "length"),
        ("attention.window_mask", lambda _: attention.window_mask(4, -1), V, "window"),
        (
            "attention.masked_softmax",
            lambda _: attention.masked_softmax(torch.ones(2, 3), torch.ones(2, 3)),
            T,
            "boolean",
        ),
        (
            "attention.masked_softmax",
            lambda _: attention.masked_softmax(torch.ones(2, 3), torch.ones(4) > 0),
            V,
            "does not fit",
        ),
        (
            "attention.attention",
            lambda _: attention.attention(*map(torch.ones, ((2, 3), (4, 3), (5, 3)))),
            V,
            "values",
        ),
        (
            "attention.split_heads",
            lambda _: attention.split_heads(torch.ones(1, 2, 5), 2),
            V,
            "cut",
        ),
        ("attention.split_heads", lambda _: attention.split_heads(torch.ones(1, 2, 4), 0), V, "0"),
        ("attention.merge_heads", lambda _: attention.merge_heads(torch.ones(2, 3)), V, "(B, H"),
        ("attention.rotary_table", lambda _: attention.rotary_table(4, 3), V, "odd"),
        (
            "attention.apply_rotary",
            lambda _: attention.apply_rotary(torch.ones(5, 4), *attention.rotary_table(3, 4)),
            V,
            "(L, d)",
        ),
        ("attention.MultiHeadAttention", lambda _: attention.MultiHeadAttention(8, 3), V, "heads"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig(40, num_layers=0), V, "whole number"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig(40, norm="none"), V, "norm must be"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig(40, windows=(4, 0)), V, "the 4 layers"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig(40, windows=4), T, "windows"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig.from_dict({"depth": 3}), V, "unknown"),
        ("encoder.EncoderConfig", lambda _: EncoderConfig.from_dict([]), T, "dict"),
        ("encoder.Encoder", lambda _: Encoder({"vocab_size": 9}), T, "EncoderConfig"),
        ("encoder.Encoder", lambda _: model().encoder(IDS.float()), T, "whole numbers"),
        ("encoder.Encoder", lambda _: model().encoder(IDS + 40), V, "outside"),
        ("encoder.Encoder", lambda _: model().encoder(IDS[:, :0]), V, "non-empty"),
        ("encoder.Encoder", lambda _: model().encoder(IDS.repeat(1, 4)), V, "max_length"),
        ("encoder.Encoder", lambda _: model().encoder(IDS, IDS[:, 1:]), V, "attention_mask"),
        ("encoder.Encoder", lambda _: model().encoder(IDS, [[1, 1, 1, 0]]), T, "attention_mask"),
        ("heads.MaskedLanguageModel", lambda _: heads.MaskedLanguageModel(8192), T, "EncoderConf"),
        ("heads.MaskedLanguageModel", lambda _: model()(IDS, IDS + 9), V, "outside"),
        ("heads.pick", lambda _: heads.pick(torch.ones(1, 4, 2), IDS.float()), T, "whole numbers"),
        ("heads.SequenceClassifier", lambda _: heads.SequenceClassifier(Encoder(SHAPE), 0), V, "≥"),
        ("heads.SequenceClassifier", lambda _: heads.SequenceClassifier(SHAPE, 2), T, "Encoder"),
        (
            "families.family_of",
            lambda _: families.family_of(EncoderConfig(9, bias=True, norm="post", mlp="gated")),
            V,
            "mixture",
        ),
        ("interop.save_pretrained", lambda p: interop.save_pretrained(IDS, p / "m"), T, "only an"),
        (
            "interop.save_pretrained",
            lambda p: interop.save_pretrained(decoder.CausalLanguageModel(SHAPE), p / "m"),
            T,
            "save_causal",
        ),
        (
            "interop.save_pretrained",
            lambda p: interop.save_pretrained(model(), p / "m", 7),
            T,
            "tok",
        ),
        ("interop.load_pretrained", lambda p: interop.load_pretrained(p / "no"), F, "no folder"),
        ("interop.load_pretrained", lambda p: interop.load_pretrained(p), F, "no checkpoint"),
        ("interop.load_pretrained", lambda p: interop.load_pretrained(p, "story"), V, "task"),
        (
            "interop.load_pretrained",
            lambda p: interop.load_pretrained(saved(p, cut=True)),
            interop.CheckpointError,
            "cut short",
        ),
        (
            "interop.load_pretrained",
            lambda p: interop.load_pretrained(saved(p, {"hidden_size": 32})),
            interop.CheckpointError,
            "another configuration",
        ),
        (
            "interop.load_pretrained",
            lambda p: interop.load_pretrained(saved(p, {"model_type": "gpt2"})),
            interop.CheckpointError,
            "gpt2",
        ),
        (
            "interop.load_pretrained",
            lambda p: interop.load_pretrained(saved(p), "classification"),
            interop.CheckpointError,
            "another task",
        ),
        ("interop.load_tokenizer", lambda p: interop.load_tokenizer(p), F, "no tokenizer"),
        (
            "interop.load_tokenizer",
            lambda p: interop.load_tokenizer(write(p / "tokenizer.json", "{").parent),
            interop.CheckpointError,
            "cannot be read",
        ),
        ("heads.TokenClassifier", lambda _: heads.TokenClassifier(Encoder(SHAPE), 0), V, "≥"),
        ("heads.TokenClassifier", lambda _: heads.TokenClassifier(SHAPE, 2), T, "Encoder"),
        ("heads.SpanPointer", lambda _: heads.SpanPointer(SHAPE), T, "Encoder"),
        ("decoder.step_mask", lambda _: decoder.step_mask(0), V, "at least 1"),
        ("decoder.CausalLanguageModel", lambda _: decoder.CausalLanguageModel("bert"), T, "config"),
        ("decoder.CausalLanguageModel", lambda _: decoder.CausalLanguageModel(OLD), V, "modern"),
        ("decoder.CausalLanguageModel", lambda _: writer()(IDS.repeat(1, 4)), V, "max_length"),
        ("decoder.CausalLanguageModel", lambda _: writer()(IDS.float()), T, "whole numbers"),
        ("decoder.made_causal", lambda _: decoder.made_causal("bert"), T, "MaskedLanguageModel"),
        ("decoder.Translator", lambda _: decoder.Translator(None), T, "EncoderConfig"),
        ("decoder.Translator", lambda _: decoder.Translator(OLD), V, "modern"),
        ("decoder.Translator", lambda _: decoder.Translator(SHAPE)(IDS, IDS + 90), V, "vocabulary"),
        (
            "decoder_interop.to_causal_transformers",
            lambda _: decoder_interop.to_causal_transformers(model()),
            T,
            "CausalLanguageModel",
        ),
        (
            "decoder_interop.save_causal",
            lambda p: decoder_interop.save_causal(model(), p),
            T,
            "CausalLanguageModel",
        ),
        (
            "decoder_interop.save_translator",
            lambda p: decoder_interop.save_translator(model(), p / "x"),
            T,
            "Translator",
        ),
        (
            "decoder_interop.load_translator",
            lambda p: decoder_interop.load_translator(saved(p)),
            interop.CheckpointError,
            "holds no",
        ),
        (
            "decoder_interop.load_translator",
            lambda p: decoder_interop.load_translator(p / "none"),
            F,
            "no folder",
        ),
        ("decoding.keep_top_k", lambda _: decoding.keep_top_k(torch.ones(1, 3), 0), V, "least 1"),
        ("decoding.keep_top_p", lambda _: decoding.keep_top_p(torch.ones(1, 3), 0), V, "(0, 1]"),
        ("decoding.sampler", lambda _: decoding.sampler(DICE, 0), V, "greedy"),
        (
            "decoding.penalise_repeats",
            lambda _: decoding.penalise_repeats(torch.ones(1, 9), IDS, 0),
            V,
            "above 0",
        ),
        (
            "decoding.forbid_repeats",
            lambda _: decoding.forbid_repeats(torch.ones(1, 9), IDS, 0),
            V,
            "at least 1",
        ),
        ("decoding.generate", lambda _: decoding.generate(writer(), IDS[0], 3), V, "(B, L)"),
        ("decoding.generate", lambda _: decoding.generate(writer(), IDS, 0), V, "at least 1"),
        ("decoding.generate", lambda _: decoding.generate(writer(), IDS, 99), V, "max_length"),
        (
            "decoding.extend_beams",
            lambda _: decoding.extend_beams(torch.ones(2), torch.ones(3, 4), 2),
            V,
            "(K, V)",
        ),
        (
            "decoding.beam_search",
            lambda _: decoding.beam_search(writer(), IDS.repeat(2, 1), 2, 3, 3),
            V,
            "one prompt",
        ),
        (
            "decoding.beam_search",
            lambda _: decoding.beam_search(writer(), IDS, 0, 3, 3),
            V,
            "at least 1",
        ),
        (
            "decoding.mask_predict",
            lambda _: decoding.mask_predict(model(), IDS, 4, 0),
            V,
            "at least 1",
        ),
        ("quantization.quantize_rows", lambda _: quantization.quantize_rows(IDS), T, "floating"),
        (
            "quantization.quantize_rows",
            lambda _: quantization.quantize_rows(torch.ones(3)),
            V,
            "matrix",
        ),
        (
            "quantization.quantize_rows",
            lambda _: quantization.quantize_rows(torch.ones(3, 3), 1),
            V,
            "bits",
        ),
        (
            "quantization.quantize_rows",
            lambda _: quantization.quantize_rows(torch.ones(3, 3) / 0),
            V,
            "finite",
        ),
        ("quantization.QuantizedLinear", lambda _: quantization.QuantizedLinear(IDS), T, "Linear"),
        (
            "quantization.QuantizedEmbedding",
            lambda _: quantization.QuantizedEmbedding(torch.nn.Linear(2, 2)),
            T,
            "Embedding",
        ),
        ("quantization.quantize_model", lambda _: quantization.quantize_model(IDS), T, "Module"),
        (
            "quantization.quantize_model",
            lambda _: quantization.quantize_model(torch.nn.ReLU()),
            V,
            "no linear layer",
        ),
        ("quantization.weight_bytes", lambda _: quantization.weight_bytes(None), T, "Module"),
        (
            "interop.save_pretrained",
            lambda p: interop.save_pretrained(model(), p / "m", labels=["a"]),
            V,
            "a classifier of 1",
        ),
    ],
    "evaluation": [
        ("baselines.tfidf_classifier", lambda _: baselines.tfidf_classifier([], []), V, "no texts"),
        ("language.masked_loss", lambda _: language.masked_loss("bert", FROZEN), T, "nn.Module"),
        ("language.masked_loss", lambda _: language.masked_loss(model(), IDS), T, "MaskedBatch"),
        ("language.masked_loss", lambda _: language.masked_loss(model(), NOTHING), V, "no token"),
        ("language.masked_loss", lambda _: language.masked_loss(model(), ELSEWHERE), V, "outside"),
        ("language.masked_top1", lambda _: language.masked_top1(model(), FROZEN, 0), V, "batch"),
        (
            "language.masked_scores",
            lambda _: language.masked_scores(model(), NOTHING),
            V,
            "no token",
        ),
        (
            "language.masked_log_probabilities",
            lambda _: language.masked_log_probabilities(model(), IDS[0], [9], 4),
            V,
            "0 ... 3",
        ),
        (
            "language.pseudo_log_likelihood",
            lambda _: language.pseudo_log_likelihood(model(), [2, 7], 4),
            T,
            "int64",
        ),
        ("language.bits_per_byte", lambda _: language.bits_per_byte(1.0, 0, 1), V, "positive"),
        ("plots.band", lambda _: plots.band(axes(), [1], [1.0]), V, "(R, N)"),
        ("plots.ladder", lambda _: plots.ladder(axes(), {}), V, "at least one"),
        ("plots.attention_map", lambda _: plots.attention_map(axes(), IDS, []), V, "(L, L)"),
        ("plots.show", lambda _: plots.show(axes().figure, None), T, "str"),
        ("tasks.accuracy", lambda _: tasks.accuracy([1], [0.5]), T, "whole-number"),
        ("tasks.f1", lambda _: tasks.f1([0], [0]), V, "neither"),
        ("tasks.macro_f1", lambda _: tasks.macro_f1([0], [0, 1]), V, "1 true labels"),
        ("tasks.mean_interval", lambda _: tasks.mean_interval([1.0]), V, "at least two"),
        ("tasks.paired_difference", lambda _: tasks.paired_difference([1, 2], "ab"), T, "numbers"),
        ("calibration.reliability", lambda _: calibration.reliability([1], [2.0]), V, "logits"),
        (
            "calibration.expected_calibration_error",
            lambda _: calibration.expected_calibration_error([2], [0.5]),
            V,
            "0 and 1",
        ),
        (
            "calibration.fit_temperature",
            lambda _: calibration.fit_temperature(torch.ones(2, 2), IDS),
            V,
            "(N, C)",
        ),
        (
            "calibration.with_temperature",
            lambda _: calibration.with_temperature(torch.ones(1, 2), 0),
            V,
            "above 0",
        ),
        ("imbalance.class_weights", lambda _: imbalance.class_weights([0, 2]), V, "No label is 1"),
        ("imbalance.focal_loss", lambda _: imbalance.focal_loss(IDS, IDS), V, "(N, C)"),
        ("imbalance.at_share", lambda _: imbalance.at_share([0, 1], 2), V, "strictly"),
        ("imbalance.precision_at", lambda _: imbalance.precision_at(0, 0, 0), V, "no alarm"),
        (
            "imbalance.expected_cost",
            lambda _: imbalance.expected_cost([0, 1], [0.5], 0.5, 1, 1),
            V,
            "2 numbers",
        ),
        (
            "imbalance.best_threshold",
            lambda _: imbalance.best_threshold([0, 1], [0, 1], -1, 1),
            V,
            "0 or more",
        ),
        ("significance.wilson_interval", lambda _: significance.wilson_interval(2, 1), V, "hits"),
        ("significance.bootstrap", lambda _: significance.bootstrap(max, [1]), V, "two texts"),
        ("significance.mcnemar", lambda _: significance.mcnemar([0.5], [1]), T, "0 or 1"),
        (
            "significance.sign_flip_test",
            lambda _: significance.sign_flip_test([1], [1]),
            V,
            "2 to 16",
        ),
        ("baselines.Gazetteer", lambda _: baselines.Gazetteer([["a"]], [[]]), V, "equal lengths"),
        (
            "baselines.likeliest_sentence",
            lambda _: baselines.likeliest_sentence("who?", " "),
            V,
            "no sentence",
        ),
        ("pointing.entity_scores", lambda _: scores.entity_scores([["O"]], [[]]), V, "equally"),
        ("pointing.token_accuracy", lambda _: scores.token_accuracy([], []), V, "equally many"),
        ("pointing.normalised", lambda _: scores.normalised(None), T, "must be a str"),
        ("pointing.exact_match", lambda _: scores.exact_match(1, "1"), T, "must be a str"),
        ("pointing.answer_f1", lambda _: scores.answer_f1("1", None), T, "must be a str"),
        (
            "translation.clipped_matches",
            lambda _: judging.clipped_matches("a", "a", 0),
            V,
            "n must",
        ),
        ("translation.bleu", lambda _: judging.bleu([["a"]], []), V, "1 hypotheses for 0"),
        ("translation.Dictionary", lambda _: judging.Dictionary([]), V, "at least one pair"),
        ("translation.nearest", lambda _: judging.nearest([], ["a"]), V, "at least one known"),
        (
            "attribution.attention_rollout",
            lambda _: attribution.attention_rollout([]),
            V,
            "one tensor (B, H, L, L)",
        ),
        (
            "attribution.integrated_gradients",
            lambda _: attribution.integrated_gradients(torch.sum, torch.ones(2), torch.ones(3)),
            V,
            "same shape",
        ),
        (
            "attribution.embedding_score",
            lambda _: attribution.embedding_score(sorter(), IDS[0], 2),
            V,
            "0 … 1",
        ),
        (
            "attribution.leave_one_out",
            lambda _: attribution.leave_one_out(torch.sum, IDS, 4),
            V,
            "one text",
        ),
        (
            "attribution.deletion_curve",
            lambda _: attribution.deletion_curve(torch.sum, IDS[0], torch.ones(3), 4),
            V,
            "one number for each",
        ),
        ("bias.word_ids", lambda _: bias.word_ids(words(), "film"), T, "list of str"),
        (
            "bias.preferences",
            lambda _: bias.preferences(model(), words(), ["a [MASK]"], ["film"], []),
            V,
            "each sentence needs one",
        ),
        (
            "bias.preferences",
            lambda _: bias.preferences(model(), words(), ["a film"], ["film"], ["film"]),
            V,
            "one [MASK]",
        ),
        ("bias.leanings", lambda _: bias.leanings(model(), words(), ["a"], ["{}"]), V, "no single"),
        ("secrets.canary", lambda _: secrets.canary(words(), "anna", "4 8"), V, "digits"),
        (
            "secrets.code_exposure",
            lambda _: secrets.code_exposure(model(), words(), "anna", "code"),
            V,
            "digits",
        ),
        ("bias.share_interval", lambda _: bias.share_interval(3, 2), V, "hits must lie"),
        ("bias.clustered_interval", lambda _: bias.clustered_interval([1], ["a"]), V, "two kinds"),
        ("bias.exposure", lambda _: bias.exposure(torch.ones(3), 3), V, "place in it"),
        (
            "probing.control_labels",
            lambda _: probing.control_labels(torch.ones(2), 2),
            T,
            "int64",
        ),
        ("probing.control_labels", lambda _: probing.control_labels(IDS, 1), V, "at least 2"),
        (
            "probing.linear_probe",
            lambda _: probing.linear_probe(torch.ones(2, 3), torch.ones(3, 1), torch.ones(2, 3)),
            V,
            "must be (N, D)",
        ),
        (
            "probing.explained",
            lambda _: probing.explained(torch.ones(2, 1), torch.ones(2, 1)),
            V,
            "no variance",
        ),
        (
            "probing.silenced",
            lambda _: probing.silenced(model(), {1: [0]}).__enter__(),
            V,
            "no layer 1",
        ),
        ("scaling.fit_law", lambda _: scaling.fit_law(["a"], [1], [1]), T, "parameters must"),
        ("scaling.fit_law", lambda _: scaling.fit_law([1], [-1], [1]), V, "tokens must"),
        ("scaling.fit_law", lambda _: scaling.fit_law([1, 2], [1], [1]), V, "each run has"),
        ("scaling.fit_law", lambda _: scaling.fit_law([1, 2], [1, 2], [3, 2]), V, "cannot carry"),
        ("scaling.fit_law", lambda _: scaling.fit_law([1] * 6, *RUNS[1:]), V, "two sizes"),
        ("scaling.possible_laws", lambda _: scaling.possible_laws(*RUNS, draws=1), V, "draws"),
        (
            "scaling.predict_loss",
            lambda _: scaling.predict_loss(*RUNS, 9, 9, confidence=95),
            V,
            "confidence",
        ),
        ("scaling.compute_optimal", lambda _: scaling.compute_optimal(LAW, 1e9), V, "no valley"),
        ("scaling.compute_optimal", lambda _: scaling.compute_optimal(LAW, 0), V, "flops"),
        ("scaling.compute_optimal", lambda _: scaling.compute_optimal(0.5, 1e9), T, "ScalingLaw"),
        ("explorer.guesses", lambda _: explorer.guesses([0.0], ["a"]), T, "tensor"),
        ("explorer.guesses", lambda _: explorer.guesses(torch.ones(2, 2), ["a", "b"]), V, "(2,)"),
        ("explorer.guesses", lambda _: explorer.guesses(torch.ones(2), ["a", "b"], 3), V, "1 … 2"),
        ("explorer.view", lambda _: explorer.view("bert", words(), "a film"), T, "masked model"),
        ("explorer.view", lambda _: explorer.view(model(), words(), 7), T, "must be a str"),
        ("explorer.view", lambda _: explorer.view(model(), words(), " "), V, "no word"),
        ("explorer.view", lambda _: explorer.view(model(), words(), "a " * 99), V, "shorten it"),
        (
            "explorer.view",
            lambda _: explorer.view(sorter(), words(), "[MASK]", labels=["one"]),
            V,
            "1 labels for 2",
        ),
        ("explorer.weights", lambda _: explorer.weights({}), V, "a view"),
        ("explorer.sharpest", lambda _: explorer.sharpest(None), V, "a view"),
        ("explorer.embed", lambda _: explorer.embed({1, 2}), T, "not JSON serializable"),
        ("explorer.page", lambda _: explorer.page([], "Empty"), V, "at least one view"),
        ("explorer.write", lambda p: explorer.write(p / "page", [], "Empty"), V, ".html"),
        ("leaderboard.Entry", lambda _: leaderboard.Entry(" ", 1.0, 1.0, "m"), V, "a name"),
        ("leaderboard.Entry", lambda _: leaderboard.Entry("me", "1", 1.0, "m"), T, "number"),
        ("leaderboard.fingerprint", lambda _: leaderboard.fingerprint(IDS), T, "MaskedBatch"),
        ("leaderboard.rank", lambda _: leaderboard.rank([], "m", 0), V, "above 0"),
        ("leaderboard.read", lambda p: leaderboard.read(write(p / "a", "no")), V, "delete it"),
        ("leaderboard.enter", lambda p: leaderboard.enter({}, p / "a"), T, "holds entries"),
        (
            "leaderboard.race_report",
            lambda p: leaderboard.race_report(write(p / "a", "no")),
            V,
            "no result",
        ),
        (
            "leaderboard.race_plateau",
            lambda p: leaderboard.race_plateau(path=write(p / "a", "no")),
            V,
            "no result",
        ),
        (
            "leaderboard.race_ladder",
            lambda p: leaderboard.race_ladder(path=write(p / "a", "no")),
            V,
            "no result",
        ),
        ("thread.draw", lambda _: thread.draw({}, {}, [], "a film", []), V, "a sentence with"),
        ("thread.draw", lambda _: thread.draw({}, {}, [], "[MASK]", [("a", 1.0)]), V, "its ladder"),
    ],
    "training": [
        ("checkpoints.load", lambda p: trained(p, OTHER), V, "another model"),
        ("loop.TrainConfig", lambda _: loop.TrainConfig(steps=0), V, "at least 1"),
        ("loop.TrainConfig", lambda _: loop.TrainConfig(steps="9"), T, "whole number"),
        ("loop.TrainConfig", lambda _: loop.TrainConfig(steps=9, clip=0), V, "clip"),
        ("loop.train", lambda _: step(accumulate=2), V, "cannot be shared"),
        ("loop.train", lambda _: step(lr=-1.0), V, "lr"),
        ("optim.AdamW", lambda _: optim.AdamW([IDS.float()], -1), V, "lr"),
        ("optim.Muon", lambda _: optim.Muon([torch.ones(3)], 0.1), V, "matrices"),
        ("optim.orthogonalize", lambda _: optim.orthogonalize(torch.ones(3)), V, "matrix"),
        ("optim.schedule", lambda _: optim.schedule(9, 9), V, "step"),
        ("optim.schedule", lambda _: optim.schedule(0, 9, kind="step"), V, "kind"),
        (
            "optim.build_optimizers",
            lambda _: optim.build_optimizers(model(), 0.1, 0, "sgd"),
            V,
            "k",
        ),
        ("pretraining.batches", lambda _: pretraining.batches(IDS, 2, NOISE, 0), V, "do not fill"),
        (
            "pretraining.encode",
            lambda _: pretraining.encode(words(), "a film", 8),
            T,
            "list of str",
        ),
        ("pretraining.encode", lambda _: pretraining.encode(words(), [""], 8), V, "do not fill"),
        (
            "pretraining.start_from_counts",
            lambda _: pretraining.start_from_counts(model(), IDS.float()),
            V,
            "whole numbers",
        ),
        (
            "pretraining.pretrain",
            lambda _: pretraining.pretrain(model(), IDS, FROZEN, words(), RECIPE),
            V,
            "do not fill",
        ),
        ("finetuning.FinetuneConfig", lambda _: finetuning.FinetuneConfig(epochs=0), V, "epochs"),
        ("finetuning.classifier_from", lambda _: finetuning.classifier_from(IDS, 2), T, "Expected"),
        (
            "finetuning.finetune",
            lambda _: finetuning.finetune(sorter(), words(), ["a"], [2]),
            V,
            "0",
        ),
        (
            "finetuning.finetune",
            lambda _: finetuning.finetune(sorter(), words(), [], []),
            V,
            "no te",
        ),
        ("finetuning.predict", lambda _: finetuning.predict(sorter(), words(), "a"), T, "list"),
        (
            "finetuning.features",
            lambda _: finetuning.features(sorter().encoder, words(), []),
            V,
            "no texts",
        ),
        ("pointing.pointer_from", lambda _: pointing.pointer_from(IDS), T, "pretrained encoder"),
        ("pointing.encode_words", lambda _: pointing.encode_words(words(), ["a"]), T, "of words"),
        ("pointing.encode_words", lambda _: pointing.encode_words(words(), []), V, "no rows"),
        (
            "pointing.finetune_tagger",
            lambda _: pointing.finetune_tagger(tagger(), words(), [["a"]], [["B-x"]], ["O", "B-y"]),
            V,
            "unknown: ['B-x']",
        ),
        (
            "pointing.predict_tags",
            lambda _: pointing.predict_tags(tagger(), words(), [], ["O", "B-y"]),
            V,
            "no rows",
        ),
        (
            "pointing.finetune_pointer",
            lambda _: pointing.finetune_pointer(tagger(), words(), []),
            V,
            "no questions",
        ),
        (
            "pointing.find_answers",
            lambda _: pointing.find_answers(tagger(), words(), []),
            V,
            "no questions",
        ),
        (
            "translation.next_token_loss",
            lambda _: pairing.next_token_loss(torch.ones(1, 3, 9), IDS),
            V,
            "(B, L, V)",
        ),
        (
            "translation.both_directions",
            lambda _: pairing.both_directions(words(), ["a"], []),
            V,
            "no pairs",
        ),
        (
            "translation.translate",
            lambda _: pairing.translate(decoder.Translator(SHAPE), words(), []),
            V,
            "at least one",
        ),
        ("writing.text_batches", lambda _: writing.text_batches(IDS, 2, 0), V, "do not fill"),
        (
            "translation.pair_batches",
            lambda _: pairing.pair_batches([([2, 3], [2, 3])], 2, 0),
            V,
            "do not fill",
        ),
        ("translation.new_translator", lambda _: pairing.new_translator(0), V, "vocab_size"),
        (
            "interventions.continued",
            lambda _: interventions.continued(model(), words(), IDS),
            V,
            "at least one batch",
        ),
        ("interventions.plant", lambda _: interventions.plant(IDS, [IDS[0]], [1]), V, "do not fit"),
        ("budgets.shaped", lambda _: budgets.shaped(2, 30), V, "multiple of 8"),
        ("budgets.shaped", lambda _: budgets.shaped(0, 32), V, "layers"),
        ("budgets.flops_per_token", lambda _: budgets.flops_per_token(SHAPE), T, "Recipe"),
        ("budgets.working_parameters", lambda _: budgets.working_parameters(1), T, "Recipe"),
        ("budgets.recipe_for", lambda _: budgets.recipe_for(2, 32, 1e3), V, "one step"),
        ("replicas.launch", lambda _: replicas.launch(0), V, "processes"),
        ("replicas.launch", lambda _: replicas.launch(2, batch_size=1), V, "cannot be shared"),
        ("replicas.launch", lambda _: replicas.launch(2, steps=1), V, "2 steps"),
        ("cards.own_text", lambda _: cards.own_text(" "), V, "needs the name"),
        (
            "cards.make_log",
            lambda _: cards.make_log(None, {}, None, 1, "", about={"author": "me"}),
            V,
            "no place for",
        ),
    ],
}

ROWS = [(room, *case) for room, cases in CASES.items() for case in cases]


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [case[2:] for case in ROWS],
    ids=[f"{room}.{name}" for room, name, *_ in ROWS],
)
def test_bad_input_gets_one_sentence_of_the_right_type(call, error, says, tmp_path):
    with pytest.raises(error, match=re.escape(says)) as caught:
        call(tmp_path)
    assert type(caught.value) is error or error is ValueError
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 15


# Public functions without a row, and why.
EXEMPT = {
    "takes no input, or only a bool": (
        "device.pick_device device.at_scale doctor.diagnose bpe.byte_names fetching.sources "
        "fetching.wheelhouse parallel.load_pairs plots.style parallel.team "
        "cards.describe_machine device.keep_freed_memory energy.energy_meter thread.collected"
    ),
    "holds what others have checked": (
        "cost.Memory subwords.Encoding masking.MaskedBatch tasks.Interval pretraining.Recipe "
        "pretraining.Corpus loop.Batch loop.History finetuning.LabelledBatch parallel.Team "
        "calibration.Reliability spans.Entity spans.Window pointing.Found pointing.Answer "
        "decoder.Cache decoding.Hypothesis translation.PairBatch writing.TextBatch "
        "scaling.ScalingLaw replicas.Measured"
    ),
    "is an error, or makes its sentence": (
        "fetch_errors.DataError fetch_errors.explain fetch_errors.wrong_hash "
        "fetch_errors.full_disk fetch_errors.tidy_errors checkpoint_files.CheckpointError "
        "checkpoint_files.brief families.require checks.check_inputs checks.check_ids "
        "checks.as_array "
        "checks.whole_labels checks.labels_and_chances checks.text_weights"
    ),
    "is a part of one that has rows, which checks for it": (
        "corpora.member_key corpora.package_rows fetching.is_verified fetching.locked "
        "splitting.distinct_rows splitting.joined subwords.merge_pair subwords.learn_merges "
        "subwords.split_special wordpiece.is_ideograph wordpiece.is_punctuation "
        "wordpiece.stands_alone wordpiece.tidy_character wordpiece.tidy wordpiece.split_words "
        "wordpiece.longest_match encoder.MLP encoder.EncoderLayer encoder.layer_norm "
        "encoder.initialise families.their_names families.to_transformers "
        "families.from_transformers heads.PredictionHead interop.task_of "
        "interop.own_parameters interop.describe checkpoint_files.existing "
        "checkpoint_files.read_config checkpoint_files.read_weights interop.build interop.gather "
        "tokenization.join_pair "
        "loop.gradients pretraining.mlm_loss pretraining.freeze pretraining.prepare "
        "finetuning.classification_loss finetuning.masked_mean finetuning.pad_rows "
        "checkpoints.save cards.write preparing.prepared minhash.jaccard minhash.fingerprint "
        "finetuning.batches pointing.tag_loss pointing.span_loss spans.token_span "
        "reading.first_answer reading.find_loosely baselines.sentences_of decoding.greedy "
        "decoder.causal_attention decoder.embed_from decoder.CrossAttention "
        "decoder.DecoderLayer decoder.require_modern translation.translation_loss "
        "translation.mean_loss translation.writer_for writing.writing_loss "
        "writing.mean_writing_loss bias_probes.count_delivered replicas.measure replicas.main"
    ),
    "has its bad input tested beside it": (
        "tables.make_table tables.save tables.load twins.hub_rows twins.hub_file "
        "pretraining.main finetuning.few_labels"
    ),
}


def public(room):
    """module.name of every function and class of a room that is not called _something."""
    for path in sorted((Path(files.__file__).parent / room).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
                yield f"{path.stem}.{node.name}"


@pytest.mark.parametrize("room", CASES)
def test_no_public_function_is_missing(room):
    told = {name for name, *_ in CASES[room]} | {n for why in EXEMPT.values() for n in why.split()}
    assert sorted(set(public(room)) - told) == []
