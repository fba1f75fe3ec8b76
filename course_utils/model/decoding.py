"""From guesses to text: how the next token is chosen, again and again.

A model is given here as a function `write(ids, cache) -> logits`: ids (B, L) are the tokens that
are not in the cache yet, logits (B, L, V).  A `CausalLanguageModel` is one as it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .decoder import Cache

Write = Callable[[Tensor, Cache | None], Tensor]
Choose = Callable[[Tensor], Tensor]
Edit = Callable[[Tensor, Tensor], Tensor]


def greedy(logits: Tensor) -> Tensor:
    """The likeliest token of each row: (B, V) → (B,).

    >>> greedy(torch.tensor([[0.1, 0.7, 0.2]]))
    tensor([1])
    """
    return logits.argmax(-1)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """All but the k likeliest tokens at −∞ (Fan et al. 2018, section 5.2): (B, V) → (B, V).

    >>> keep_top_k(torch.tensor([[1.0, 3.0, 2.0]]), 2)
    tensor([[-inf, 3., 2.]])
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}: something has to be left to draw from")
    kth = logits.topk(min(k, logits.size(-1))).values[..., -1:]  # (B, 1)
    return logits.masked_fill(logits < kth, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """The nucleus (Holtzman et al. 2020): the fewest likeliest tokens that have p together.

    The others go to −∞.  The likeliest one always stays: a token is dropped only when those
    *before* it already have p.

    >>> keep_top_p(torch.tensor([[0.5, 0.3, 0.2]]).log(), 0.7).exp()
    tensor([[0.5000, 0.3000, 0.0000]])
    """
    if not 0 < p <= 1:
        raise ValueError(f"p must lie in (0, 1], not {p}")
    ordered, order = logits.sort(-1, descending=True)
    shares = ordered.softmax(-1)
    before = shares.cumsum(-1) - shares  # what the likelier tokens have together
    dropped = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -torch.inf)


def sampler(
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Choose:
    """A way to choose: divide by the temperature, cut the tail off, then draw.

    >>> sampler(torch.Generator().manual_seed(0), top_k=1)(torch.tensor([[0.1, 0.7, 0.2]]))
    tensor([1])
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, not {temperature}; use greedy for 0")

    def draw(logits: Tensor) -> Tensor:
        logits = logits / temperature
        if top_k is not None:
            logits = keep_top_k(logits, top_k)
        if top_p is not None:
            logits = keep_top_p(logits, top_p)
        return torch.multinomial(logits.softmax(-1), 1, generator=generator).squeeze(-1)

    return draw


def penalise_repeats(logits: Tensor, ids: Tensor, penalty: float) -> Tensor:
    """Make tokens that stand in ids (B, L) less likely (Keskar et al. 2019, section 4.1).

    Positive logits (B, V) are divided by the penalty, negative ones multiplied.

    >>> penalise_repeats(torch.tensor([[2.0, -2.0, 2.0]]), torch.tensor([[0, 1]]), 2.0)
    tensor([[ 1., -4.,  2.]])
    """
    if not penalty > 0:
        raise ValueError(f"the penalty must be above 0, not {penalty}")
    used = logits.gather(-1, ids)
    return logits.scatter(-1, ids, torch.where(used > 0, used / penalty, used * penalty))


def forbid_repeats(logits: Tensor, ids: Tensor, n: int) -> Tensor:
    """Forbid every token that would complete a run of n tokens that stands in ids (B, L) already.

    Paulus et al. (2018), section 2.5.

    >>> forbid_repeats(torch.zeros(1, 4), torch.tensor([[2, 3, 2]]), n=2)
    tensor([[0., 0., 0., -inf]])
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    logits = logits.clone()
    for row, text in enumerate(ids.tolist()):
        now = text[len(text) - n + 1 :]
        for start in range(len(text) - n + 1):
            if text[start : start + n - 1] == now:
                logits[row, text[start + n - 1]] = -torch.inf
    return logits


@torch.inference_mode()
def generate(
    write: Write,
    prompt: Tensor,
    steps: int,
    choose: Choose = greedy,
    end_id: int | None = None,
    edit: Edit | None = None,
    cached: bool = True,
) -> Tensor:
    """Continue prompt (B, L) by up to `steps` tokens: (B, L + n), the prompt included.

    A row that has written `end_id` is filled with `end_id`; when all have, writing stops.
    `edit(logits, ids)` changes the logits (B, V) before the choice.  Without the cache, the whole
    text is read anew for every token: the same result, slower.

    >>> count = lambda ids, cache: torch.nn.functional.one_hot((ids + 1) % 5, 5).float()
    >>> generate(count, torch.tensor([[1, 2]]), steps=3)
    tensor([[1, 2, 3, 4, 0]])
    """
    if not isinstance(prompt, Tensor) or prompt.dim() != 2 or not prompt.numel():
        raise ValueError("a prompt is a (B, L) table of ids with at least one token in each row")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, not {steps}")
    cache = Cache() if cached else None
    ids, new = prompt, prompt
    ended = torch.zeros(len(prompt), dtype=torch.bool, device=prompt.device)
    for _ in range(steps):
        logits = write(new if cached else ids, cache)[:, -1].float()  # (B, V)
        chosen = choose(logits if edit is None else edit(logits, ids))
        if end_id is not None:
            chosen = torch.where(ended, end_id, chosen)
            ended = ended | (chosen == end_id)
        new = chosen.unsqueeze(-1)
        ids = torch.cat([ids, new], dim=-1)
        if ended.all():
            break
    return ids


@dataclass(frozen=True)
class Hypothesis:
    """A finished text of a beam search: its tokens without the prompt, and what they cost."""

    ids: list[int]
    log_probability: float  # summed over all its tokens, the end included
    score: float  # log_probability / lengthᵃ


def extend_beams(scores: Tensor, log_probabilities: Tensor, count: int) -> tuple[Tensor, ...]:
    """The best `count` ways to go on: their scores, which beam each continues, and its token.

    scores (K,) are the beams' own, log_probabilities (K, V) those of the next token; all that is
    returned is (count,), the best first.

    >>> table = torch.tensor([[0.6, 0.4], [0.9, 0.1]]).log()
    >>> scores, beams, tokens = extend_beams(torch.tensor([0.5, 0.5]).log(), table, 2)
    >>> scores.exp(), beams.tolist(), tokens.tolist()
    (tensor([0.4500, 0.3000]), [1, 0], [0, 0])
    """
    if scores.shape != log_probabilities.shape[:1]:
        raise ValueError(
            f"{tuple(scores.shape)} scores do not fit log-probabilities of shape "
            f"{tuple(log_probabilities.shape)}: one row of (K, V) for each beam"
        )
    total = scores.unsqueeze(-1) + log_probabilities  # (K, V)
    best, places = total.flatten().topk(min(count, total.numel()))
    return best, places // total.size(-1), places % total.size(-1)


@torch.inference_mode()
def beam_search(
    write: Write,
    prompt: Tensor,
    width: int,
    steps: int,
    end_id: int,
    length_power: float = 1.0,
) -> list[Hypothesis]:
    """The `width` best continuations of one prompt (1, L) that a beam search finds, best first.

    A text is judged by its log-probability divided by its length to the power `length_power` (Wu et
    al. 2016, section 7): with 0, short texts win.  One that has not ended after `steps` counts.

    >>> chain = torch.tensor([[0.0, 0.6, 0.4], [0.5, 0.0, 0.5], [0.9, 0.1, 0.0]]).log()
    >>> write = lambda ids, cache: chain[ids]
    >>> [h.ids for h in beam_search(write, torch.tensor([[0]]), 2, steps=3, end_id=0)]
    [[1, 2, 0], [2, 0]]
    """
    if prompt.dim() != 2 or len(prompt) != 1:
        raise ValueError(f"a beam search continues one prompt (1, L), not {tuple(prompt.shape)}")
    if width < 1 or steps < 1:
        raise ValueError(f"width and steps must be at least 1, not {width} and {steps}")
    cache, start = Cache(), prompt.size(1)
    ids, scores, new = prompt, torch.zeros(1, device=prompt.device), prompt
    finished: list[Hypothesis] = []
    for step in range(1, steps + 1):
        guesses = write(new, cache)[:, -1].float().log_softmax(-1)  # (K, V)
        best, beams, tokens = extend_beams(scores, guesses, 2 * width)
        going = []
        for rank, (value, beam, token) in enumerate(
            zip(best.tolist(), beams.tolist(), tokens.tolist(), strict=True)
        ):
            text = [*ids[beam, start:].tolist(), token]
            if value == -torch.inf:
                continue
            if token == end_id or step == steps:
                if rank < width:
                    finished.append(Hypothesis(text, value, value / len(text) ** length_power))
            elif len(going) < width:
                going.append(rank)
        finished = sorted(finished, key=lambda one: -one.score)[:width]
        longest = steps if length_power > 0 else step
        if not going or (
            len(finished) == width
            and finished[-1].score >= best[going[0]].item() / longest**length_power
        ):
            break  # no beam could enter the list any more, were it to go on for nothing
        rows = beams[going]
        ids = torch.cat([ids[rows], tokens[going].unsqueeze(-1)], dim=-1)
        scores, new = best[going], ids[:, -1:]
        cache.select(rows)
    return finished


@torch.inference_mode()
def mask_predict(
    guess: Callable[[Tensor], Tensor], input_ids: Tensor, mask_id: int, rounds: int
) -> Tensor:
    """Fill the masks of input_ids (B, L) in `rounds` rounds (Ghazvininejad et al. 2019, 3.1).

    `guess` maps (B, L) to logits (B, L, V), as a masked language model does.  All masks are filled
    at once; then the least certain of them are hidden again and filled anew, each round fewer:
    after round t of T, ⌊N·(T − t)/T⌋ of a row's N.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> from course_utils.model.heads import MaskedLanguageModel
    >>> shape = EncoderConfig.modern(60, hidden_size=32, num_layers=1, num_heads=2)
    >>> bert = MaskedLanguageModel(shape)
    >>> filled = mask_predict(bert, torch.tensor([[2, 9, 4, 4, 3]]), mask_id=4, rounds=2)
    >>> filled[0, [0, 1, 4]].tolist(), bool((filled == 4).any())
    ([2, 9, 3], False)
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    open_ = input_ids == mask_id  # (B, L) what is ours to fill
    hidden, ids = open_, input_ids
    sure = torch.ones_like(ids, dtype=torch.float32)  # of what was given, for ever
    for done in range(1, rounds + 1):
        logits = guess(ids.masked_fill(hidden, mask_id)).float()
        logits[..., mask_id] = -torch.inf  # a mask is no answer
        chance, token = logits.softmax(-1).max(-1)  # (B, L)
        ids, sure = torch.where(hidden, token, ids), torch.where(hidden, chance, sure)
        count = open_.sum(-1, keepdim=True) * (rounds - done) // rounds  # (B, 1)
        rank = sure.masked_fill(~open_, torch.inf).argsort(-1).argsort(-1)
        hidden = open_ & (rank < count)
    return ids
