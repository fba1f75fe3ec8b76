"""Pretraining a BERT with the masked-language-model objective: the recipes and the command.

    python -m course_utils.training.pretraining --recipe course-bert --out build/course-bert
"""

import argparse
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils import machine
from course_utils.evaluation.language import masked_scores
from course_utils.model import interop
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text import corpora, folders, masking, ngrams
from course_utils.text.tokenization import train_tokenizer
from course_utils.text.word_vectors import word_vectors
from course_utils.training import cards
from course_utils.training.loop import History, TrainConfig, train

COMMAND = "python -m course_utils.training.pretraining"
FROZEN_SHARE = 0.15  # of the places in each validation row


@dataclass(frozen=True)
class Recipe:
    """Everything that a pretraining run depends on, besides its text."""

    train: TrainConfig
    vocab_size: int = 8192
    hidden_size: int = 256
    num_layers: int = 4
    num_heads: int = 4
    mlp_size: int = 704
    length: int = 128
    batch_size: int = 64
    rate: float = 0.3
    mask_share: float = 0.8
    random_share: float = 0.1
    windows: tuple[int, ...] = ()  # how far each layer looks, as in `EncoderConfig`
    counted: bool = False  # whether the embeddings begin as counts of neighbours, not at random
    snapshots: tuple[int, ...] = ()  # steps after which the model is saved as well

    def __post_init__(self):
        every, steps = self.train.eval_every, self.train.steps
        if not all(every and 0 < step < steps and step % every == 0 for step in self.snapshots):
            raise ValueError(
                f"snapshots {self.snapshots} must be steps below {steps} that are evaluated, "
                f"which is every {every} steps."
            )

    @property
    def config(self) -> EncoderConfig:
        """The shape of the model."""
        return EncoderConfig.modern(
            self.vocab_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            mlp_size=self.mlp_size,
            windows=self.windows,
        )

    def model(self, rows: Tensor | None = None) -> MaskedLanguageModel:
        """A freshly initialised model; the same for the same ``train.seed``.

        rows: (N, L) int64, the training rows, in which a ``counted`` recipe counts neighbours.

        Raises:
            ValueError: the recipe counts, and there are no rows.
        """
        if self.counted and rows is None:
            raise ValueError("The embeddings begin as counts: give model() the training rows.")
        machine.seed_everything(self.train.seed)
        model = MaskedLanguageModel(self.config)
        if self.counted:
            start_from_counts(model, rows)
        return model


RECIPES = {
    "lesson": Recipe(
        TrainConfig(steps=250, lr=8e-3, weight_decay=0.1, warmup=20, eval_every=25),
        vocab_size=2048, hidden_size=128, num_layers=3, num_heads=2, mlp_size=352, length=64,
        mask_share=1.0, random_share=0.0, windows=(1, 1, 0), counted=True,
    ),
    "course-bert": Recipe(
        TrainConfig(
            steps=9000, lr=4e-3, weight_decay=0.1, warmup=100, compile=True, eval_every=250,
            save_every=250,
        ),
        batch_size=32, counted=True, snapshots=(500, 2500),
    ),
}  # fmt: skip


@torch.no_grad()
def start_from_counts(model: MaskedLanguageModel, rows: Tensor) -> None:
    """Let the embeddings begin as the ``word_vectors`` of ``rows``, (N, L) int64."""
    table = model.encoder.tokens.weight
    table.copy_(word_vectors(rows, *table.shape))


def mlm_loss(model: nn.Module, batch: masking.MaskedBatch) -> Tensor:
    """Summed cross-entropy in nats at the masked places of ``batch``; a scalar tensor."""
    logits = model(batch.input_ids, positions=batch.positions)  # (B, M, V)
    return F.cross_entropy(
        logits.flatten(0, 1).float(), batch.targets.flatten(),
        ignore_index=masking.IGNORE, reduction="sum",
    )


def batches(
    rows: Tensor, batch_size: int, corruption: masking.Corruption, seed: int
) -> Callable[[int], masking.MaskedBatch]:
    """The batch of every step, as a function of the step alone.

    rows: (N, L) int64. Each epoch goes through the rows in a new order, and each visit hides
    other tokens. The last, short batch of an epoch is dropped.

    >>> rows = torch.randint(5, 10, (6, 8))
    >>> corruption = masking.Corruption(4, 10, (0, 1, 2, 3, 4))
    >>> at = batches(rows, 2, corruption, seed=0)
    >>> bool((at(5).input_ids == at(5).input_ids).all())
    True
    """
    per_epoch = len(rows) // batch_size
    if batch_size < 1 or per_epoch == 0:
        raise ValueError(f"{len(rows)} rows do not fill one batch of {batch_size}.")
    orders: dict[int, Tensor] = {}

    def at(step: int) -> masking.MaskedBatch:
        epoch, place = divmod(step, per_epoch)
        if epoch not in orders:
            orders.clear()
            shuffler = torch.Generator().manual_seed(seed * 7919 + epoch)
            orders[epoch] = torch.randperm(len(rows), generator=shuffler)
        chosen = orders[epoch][place * batch_size : (place + 1) * batch_size]
        dice = torch.Generator().manual_seed(seed * 1_000_003 + step)
        return masking.mask_rows(rows[chosen], corruption, dice)

    return at


def encode(tokenizer, texts: list[str], length: int) -> Tensor:
    """Tokenise and pack ``texts`` into (N, length) rows."""
    if isinstance(texts, str):
        raise TypeError("texts must be a list of str.")
    pieces = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
    return masking.pack(pieces, length, tokenizer.cls_token_id, tokenizer.sep_token_id)


def freeze(tokenizer, rows: Tensor, limit: int = 512, seed: int = 0) -> masking.MaskedBatch:
    """Frozen evaluation masks on at most ``limit`` evenly spaced rows."""
    spaced = rows[:: max(1, len(rows) // limit)][:limit]
    return masking.frozen_masks(
        spaced, round(FROZEN_SHARE * rows.size(1)), seed=seed, mask_id=tokenizer.mask_token_id,
        vocab_size=len(tokenizer), special_ids=tuple(sorted(tokenizer.all_special_ids)),
    )


def pretrain(
    model: nn.Module,
    rows: Tensor,
    frozen: masking.MaskedBatch,
    tokenizer,
    recipe: Recipe,
    run: Path | None = None,
    on_step: Callable[[int, nn.Module], None] | None = None,
    progress: bool = True,
) -> History:
    """Train ``model`` on packed ``rows``; evaluate on ``frozen`` as the recipe says.

    A run that lies in ``run`` is resumed if it had the same rows and recipe, else a ValueError.
    """
    corruption = masking.Corruption.of(
        tokenizer, rate=recipe.rate, mask_share=recipe.mask_share, random_share=recipe.random_share
    )
    told = json.dumps(asdict(recipe), sort_keys=True).encode() + rows.cpu().numpy().tobytes()
    return train(
        model,
        batches(rows, recipe.batch_size, corruption, recipe.train.seed),
        mlm_loss,
        recipe.train,
        evaluate=lambda m: masked_scores(m, frozen),
        run=run,
        on_step=on_step,
        progress=progress,
        given=hashlib.sha256(told).hexdigest(),
    )


@dataclass(frozen=True)
class Corpus:
    """Text made ready: the tokenizer, packed training rows, frozen masks, the loss ladder."""

    tokenizer: object
    rows: Tensor
    frozen: masking.MaskedBatch
    ladder: dict[str, float]


def prepare(recipe: Recipe, text=None, tokenizer=None) -> Corpus:
    """Text, tokenised by a vocabulary of its own and packed for ``recipe``.

    text: a ``DatasetDict`` with train and validation, such as ``folders.from_folder`` gives; None
    means the film reviews. tokenizer: one that is there already, to go on with its model.
    """
    text = corpora.load("film_reviews") if text is None else text
    tokenizer = tokenizer or train_tokenizer(text["train"]["text"], recipe.vocab_size)
    rows = encode(tokenizer, text["train"]["text"], recipe.length)
    frozen = freeze(tokenizer, encode(tokenizer, text["validation"]["text"], recipe.length))
    ladder = ngrams.loss_ladder(rows, frozen, len(tokenizer), tokenizer.all_special_ids)
    return Corpus(tokenizer, rows, frozen, ladder)


def main(arguments: list[str] | None = None) -> None:
    """The command line: prepare, train (or resume), evaluate, save for ``transformers``."""
    parser = argparse.ArgumentParser(description="Pretrain a BERT on film reviews or on your text.")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="lesson")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--text", type=Path, help="a folder of your own .txt and .md files")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    recipe = RECIPES[args.recipe]
    recipe = replace(recipe, train=replace(recipe.train, seed=args.seed))
    leads = os.environ.get("RANK", "0") == "0"

    corpus = prepare(recipe, args.text and folders.from_folder(args.text))
    if leads:
        rungs = ", ".join(f"{name} {nats:.2f}" for name, nats in corpus.ladder.items())
        print(f"{len(corpus.rows):,} rows of {recipe.length} tokens; ladder in nats: {rungs}")
    model = recipe.model(corpus.rows)

    early = {step: args.out.with_name(f"{args.out.name}-step-{step}") for step in recipe.snapshots}

    def snapshot(step: int, trained: nn.Module) -> None:
        if step in early:
            interop.save_pretrained(trained, early[step], corpus.tokenizer, dtype=torch.float16)

    history = pretrain(
        model, corpus.rows, corpus.frozen, corpus.tokenizer, recipe,
        run=args.out.with_name(f"{args.out.name}-run"), on_step=snapshot,
    )
    if leads:
        interop.save_pretrained(model, args.out, corpus.tokenizer, dtype=torch.float16)
        command = f"{COMMAND} --recipe {args.recipe} --seed {args.seed} --out {args.out.name}"
        about = None
        if args.text:
            command += f" --text {args.text.name}"
            about = cards.own_text(args.text.name)
        log = cards.make_log(recipe, corpus.ladder, history, len(corpus.rows), command, about)
        parameters = machine.count_parameters(model.config)
        cards.write(args.out, log, parameters)
        for step, folder in early.items():
            cards.write(folder, log, parameters, step)
        final = history.evaluations[-1]
        print(
            f"{history.seconds:.0f} s; frozen-mask loss {final['loss']:.3f} nats, "
            f"{corpus.ladder['unigram'] - final['loss']:.2f} below the unigram line; "
            f"top-1 {final['top1']:.1%}; saved to {args.out}"
        )


if __name__ == "__main__":
    main()
