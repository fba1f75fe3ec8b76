"""Lesson 06, section 6.8: one small training run, and eight ways to break it without an error.

A run is put together from seven pieces, the short functions of `pieces`. An exhibit replaces one of
them by a version as it has been published, and changes nothing else.

The text is the course's generated language, with rows of different lengths, so that there is
padding. Here its words have the ids from 0 on, the commonest first, and the special tokens stand
behind them, as in many a published tokenizer. What no model can beat is known exactly.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.lesson_06 import pieces as p
from course_utils.model.encoder import EncoderConfig
from course_utils.model.heads import MaskedLanguageModel
from course_utils.text.toy_language import SPECIAL_TOKENS, ToyLanguage

VOCABULARY, SPECIAL = 64, len(SPECIAL_TOKENS)
PAD, MASK = VOCABULARY - SPECIAL, VOCABULARY - 1  # 59 and 63; words are 0 … 58
LENGTH, BATCH, STEPS, WARMUP, RATE = 12, 32, 240, 20, 1e-2
STEPS_PER_EPOCH = 80  # 2,560 rows of training text in batches of 32


@dataclass(frozen=True)
class Pieces:
    """What a run is put together from; the defaults are healthy."""

    start: Callable = p.start
    batch_at: Callable = p.batch_at
    hide: Callable = p.hide
    visible: Callable = p.visible
    word_loss: Callable = p.word_loss
    rate_factor: Callable = p.rate_factor
    update: Callable = p.update


HEALTHY = Pieces()


@dataclass(frozen=True)
class Exhibit:
    """A broken piece; the number and text of its plaque; what one sees in its curves."""

    pieces: Pieces
    number: int
    plaque: str
    signature: str


EXHIBITS = {
    "A": Exhibit(
        replace(HEALTHY, word_loss=p.word_loss_one_word_missing),
        4,
        "`ignore_index` is a word of the language",
        "the judge stands clearly above the training loss from the first steps on, since it asks "
        "for a word that training never mentions",
    ),
    "B": Exhibit(
        replace(HEALTHY, visible=p.visible_with_a_bug),
        2,
        "the padding mask is inverted",
        "all that is left is to know how common each word is: both curves stop on the unigram line",
    ),
    "C": Exhibit(
        replace(HEALTHY, update=p.update_with_a_bug),
        3,
        "nobody clears the gradients",
        "old gradients drive the weights on when they should turn: both curves swing and do not "
        "get below the unigram line",
    ),
    "D": Exhibit(
        replace(HEALTHY, rate_factor=p.rate_factor_with_a_bug),
        1,
        "the warm-up counts epochs instead of steps",
        "the healthy curve runs in slow motion, and is still falling at the end",
    ),
    "E": Exhibit(
        replace(HEALTHY, batch_at=p.batch_at_with_a_bug),
        3,
        "every step draws the same batch",
        "the training loss sinks below the optimum step by step, as one batch is learned by heart, "
        "and the judge's loss turns round and rises",
    ),
    "F": Exhibit(
        replace(HEALTHY, start=p.start_with_a_bug),
        4,
        "tied embeddings begin with deviation 1",
        "the loss of step 0 lies far above ln V, and comes down to the healthy curve",
    ),
    "G": Exhibit(
        replace(HEALTHY, word_loss=p.word_loss_softmax_twice),
        2,
        "the loss gets probabilities and applies a second softmax",
        "the training loss cannot leave the neighbourhood of ln V, while the judge sees a model "
        "that is surer and surer of wrong words",
    ),
    "H": Exhibit(
        replace(HEALTHY, hide=p.hide_with_a_bug),
        1,
        "the labels are taken after the words were hidden",
        "the answer to every question is [MASK]: the training loss is zero within some thirty "
        "steps, and the judge's loss explodes at once",
    ),
}


@dataclass
class Curves:
    """What a run writes down: its own training loss at every step, and the judge's now and then."""

    training: list[float] = field(default_factory=list)
    judged_at: list[int] = field(default_factory=list)
    judged: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)


class Museum:
    """The text of all runs, its ladder, and `run`.

    >>> museum = Museum()
    >>> curves = museum.run(steps=2)
    >>> len(curves.training), curves.judged_at
    (2, [0, 2])
    """

    def __init__(self, seed: int = 1):
        self.language = ToyLanguage(vocab_size=VOCABULARY, topics_per_word=1)
        dice = torch.Generator().manual_seed(seed)
        self.rows = self._padded(STEPS_PER_EPOCH * BATCH, dice)
        self.held_out = self._padded(256, dice)
        text = self.held_out != PAD
        self.asked = (torch.rand(text.shape, generator=dice) < 0.25) & text
        self.truth = self.held_out[self.asked]  # (M,)

    def _padded(self, count: int, dice: torch.Generator) -> Tensor:
        """Rows of 8 to 11 words, filled up to 12 places."""
        words = self.language.sample(count, LENGTH, dice) - SPECIAL
        lengths = torch.randint(8, LENGTH, (count, 1), generator=dice)
        return words.masked_fill(torch.arange(LENGTH) >= lengths, PAD)

    def ladder(self) -> dict[str, float]:
        """The rungs on the judge's own questions: a blind guess, common words, the best possible.

        Padding tells nothing, so for the optimum it is hidden like a masked word.
        """
        unseen = self.asked | (self.held_out == PAD)
        theirs = (self.held_out + SPECIAL) % VOCABULARY  # the ids of the language itself
        states = self.language.posterior(theirs, unseen)[self.asked]  # (M, S)
        emission = self.language.emission.roll(-SPECIAL, dims=1)
        best = (states @ emission).gather(1, self.truth[:, None]).log().mean()
        common = (self.language.start @ emission)[self.truth].log().mean()
        return {
            "uniform": math.log(VOCABULARY),
            "unigram": -float(common),
            "optimum": -float(best),
        }

    @torch.no_grad()
    def judge(self, model: nn.Module, pieces: Pieces = HEALTHY) -> float:
        """Held-out loss, always on the same questions and by an honest loss."""
        inputs = self.held_out.masked_fill(self.asked, MASK)
        logits = model(inputs, attention_mask=pieces.visible(self.held_out, PAD))
        return float(F.cross_entropy(logits[self.asked], self.truth))

    def run(
        self, pieces: Pieces = HEALTHY, seed: int = 0, steps: int = STEPS, rate: float = RATE
    ) -> Curves:
        """Train a small encoder on the generated language with these pieces."""
        torch.manual_seed(seed)
        config = EncoderConfig.modern(
            VOCABULARY, hidden_size=32, num_layers=1, num_heads=2, mlp_size=64
        )
        model, curves = MaskedLanguageModel(config), Curves()
        pieces.start(model)
        optimizer = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.98))
        for step in range(steps):
            if step % 10 == 0:
                curves.judged_at.append(step)
                curves.judged.append(self.judge(model, pieces))
            ids, chosen = pieces.batch_at(self.rows, BATCH, PAD, step, seed)
            seen = pieces.visible(ids, PAD)
            inputs, labels = pieces.hide(ids.clone(), chosen, MASK)
            logits = model(inputs, attention_mask=seen)  # (B, L, V)
            loss = pieces.word_loss(logits.flatten(0, 1), labels.flatten())
            factor = pieces.rate_factor(step, steps, min(WARMUP, steps), STEPS_PER_EPOCH)
            optimizer.param_groups[0]["lr"] = rate * factor
            pieces.update(optimizer, loss)
            curves.training.append(loss.item())
            curves.gradient.append(gradient_norm(model))
        curves.judged_at.append(steps)
        curves.judged.append(self.judge(model, pieces))
        return curves


def gradient_norm(model: nn.Module) -> float:
    """The length of all gradients together, as one vector."""
    squares = [w.grad.square().sum() for w in model.parameters() if w.grad is not None]
    return float(torch.stack(squares).sum().sqrt())
