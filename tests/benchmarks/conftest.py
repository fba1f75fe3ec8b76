"""A race of toys: a tiny shape, a tiny race file, settings that train in a moment."""

from dataclasses import replace

import pytest

from benchmarks import racefile
from benchmarks.settings import B1R, Settings
from benchmarks.shapes import Shape
from course_utils.text import ngrams
from course_utils.text.tokenization import train_tokenizer
from course_utils.training.pretraining import Corpus, encode, freeze

TINY = Shape("tiny", 1, 32, 2, 64, 150, length=32)
SENTENCES = [
    f"the {a} film was {b} and the {c} cast was {b} too."
    for a in ("old", "new", "long", "short")
    for b in ("fine", "bad", "warm", "cold", "slow")
    for c in ("young", "whole", "main")
] * 4  # fmt: skip


@pytest.fixture(scope="session")
def shape() -> Shape:
    return TINY


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """The folder of race files, with that of the tiny shape in it."""
    tokenizer = train_tokenizer(SENTENCES, TINY.vocab_size)
    rows = encode(tokenizer, SENTENCES, TINY.length)
    frozen = freeze(tokenizer, encode(tokenizer, SENTENCES[:60], TINY.length))
    ladder = ngrams.loss_ladder(rows, frozen, len(tokenizer), tokenizer.all_special_ids)
    folder = tmp_path_factory.mktemp("files")
    racefile.write(folder / "tiny", Corpus(tokenizer, rows, frozen, ladder), SENTENCES[:60])
    return folder


@pytest.fixture
def race(files):
    return racefile.load(files / "tiny")


@pytest.fixture
def theirs() -> Settings:
    return replace(B1R, batch_size=8, bf16=False, compile=False)


@pytest.fixture
def ours() -> Settings:
    return Settings(
        "ours", "modern", library=True, sparse=True, optimizer="muon", lr=1e-2, batch_size=8,
        rate=0.3, mask_share=1.0, random_share=0.0,
    )  # fmt: skip
