"""Lesson 05, section 5.5: an output layer whose weights only seem to be tied."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.exercises.exercise import case, coding


class WordScores(nn.Module):
    """Scores every word with the table that also embeds it: (..., D) → (..., V).

    The weights are tied (Press and Wolf 2017): whatever one end learns, the other end knows.
    """

    def __init__(self, tokens: nn.Embedding):
        super().__init__()
        self.decoder = nn.Linear(tokens.embedding_dim, tokens.num_embeddings, bias=False)
        self.decoder.weight = tokens.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(x)


class WordScoresWithABug(nn.Module):
    """Scores every word with the table that also embeds it: (..., D) → (..., V).

    The weights are tied (Press and Wolf 2017): whatever one end learns, the other end knows.
    """

    def __init__(self, tokens: nn.Embedding):
        super().__init__()
        self.decoder = nn.Linear(tokens.embedding_dim, tokens.num_embeddings, bias=False)
        self.decoder.weight.data.copy_(tokens.weight.data)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(x)


tied = coding(
    "05.6",
    title="The knot that was not tied",
    difficulty=3,
    minutes=6,
    given="an output layer that gives the right scores, until the first step of training",
    reference=WordScores,
    buggy=WordScoresWithABug,
    hints=[
        "Compare the two tables before and after one step of an optimizer.",
        "Equal numbers are not one number: `copy_` makes a second table with the same content.",
        "Assign the parameter itself: `self.decoder.weight = tokens.weight`.",
    ],
    why="Assigning the Parameter makes two modules own one tensor: its gradient is the sum of what "
    "both ends want, and it is counted once. A copy agrees only until the first step.",
    then="how many parameters does the knot save for V = 8,192 and D = 256?",
)


@tied.cases
def tied_cases(draw):
    for words, width, length in ((4, 3, 3), (7, 5, draw.size(4, 9))):
        ids, targets = draw.integers(0, words, 2, length), draw.integers(0, words, 2, length)
        yield case(draw.normal(words, width), ids, targets)


@tied.observe
def after_one_step(WordScores, table, ids, targets):
    tokens = nn.Embedding.from_pretrained(table.clone(), freeze=False)
    scores = WordScores(tokens)
    before = scores(tokens(ids))
    learned = list(dict.fromkeys([*tokens.parameters(), *scores.parameters()]))
    F.cross_entropy(before.flatten(0, 1), targets.flatten()).backward()
    with torch.no_grad():
        for one in learned:  # one step of SGD with a rate of 1
            one -= 0 if one.grad is None else one.grad
    return {
        "before the step": before,
        "numbers learned": sum(one.numel() for one in learned),
        "table after the step": tokens.weight,
        "scores after the step": scores(tokens(ids)),
    }


@tied.oracle
def one_leaf(table, ids, targets):
    """One tensor in PyTorch's functions, used at both ends."""

    def scores(table):
        return F.linear(F.embedding(ids, table), table)

    table.requires_grad_()
    before = scores(table)
    F.cross_entropy(before.flatten(0, 1), targets.flatten()).backward()
    after = (table - table.grad).detach()
    return {
        "before the step": before,
        "numbers learned": table.numel(),
        "table after the step": after,
        "scores after the step": scores(after),
    }


tied.wrong_edit(
    "two_parameters_in_one_memory",
    old="self.decoder.weight = tokens.weight",
    new="self.decoder.weight = nn.Parameter(tokens.weight.data)",
    message="one memory but two parameters: the optimizer will keep two accounts of it and step "
    "twice",
    section="5.5",
)
tied.wrong_edit(
    "still_a_copy",
    old="self.decoder.weight = tokens.weight",
    new="self.decoder.weight = nn.Parameter(tokens.weight.detach().clone(), requires_grad=False)",
    message="a frozen copy: the output end can never learn what the input end learns",
    section="5.5",
)
tied.wrong_edit(
    "tied_the_other_way_round",
    old="self.decoder.weight = tokens.weight",
    new="tokens.weight = self.decoder.weight",
    message="tied, but the other way round: the embeddings were replaced by fresh random numbers",
    section="5.5",
)
tied.wrong_edit(
    "untied_altogether",
    old="        self.decoder.weight = tokens.weight\n",
    new="",
    message="the output layer has a random table of its own; nothing ties it to the embeddings",
    section="5.5",
)


@tied.wrong("the table is used at the output, but detached: the output end teaches nothing", "5.5")
class Detached(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.tokens = tokens

    def forward(self, x):
        return F.linear(x, self.tokens.weight.detach())


@tied.alternative
class KeepsTheModule(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.tokens = tokens

    def forward(self, x):
        return x @ self.tokens.weight.T


@tied.alternative
class RegistersTheParameter(nn.Module):
    def __init__(self, tokens):
        super().__init__()
        self.table = tokens.weight

    def forward(self, x):
        return F.linear(x, self.table)
