"""Lesson 11, sections 11.4: a cache that forgets how far the text has come; a writer, whole."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding
from course_utils.model.attention import apply_rotary
from course_utils.model.decoding import generate


def extend_keys(new: Tensor, keys: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn new keys by their positions and put them behind the old ones, which are turned already.

    new (B, H, n, d), keys (B, H, past, d): (B, H, past + n, d).  cos and sin are (M, d), a row for
    each position from 0 on; `apply_rotary(x, cos, sin)` wants as many rows as x has.
    """
    past, n = keys.size(-2), new.size(-2)
    turned = apply_rotary(new, cos[past : past + n], sin[past : past + n])
    return torch.cat([keys, turned], dim=-2)


def extend_keys_with_a_bug(new: Tensor, keys: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn new keys by their positions and put them behind the old ones, which are turned already.

    new (B, H, n, d), keys (B, H, past, d): (B, H, past + n, d).  cos and sin are (M, d), a row for
    each position from 0 on; `apply_rotary(x, cos, sin)` wants as many rows as x has.
    """
    n = new.size(-2)
    turned = apply_rotary(new, cos[:n], sin[:n])
    return torch.cat([keys, turned], dim=-2)


keys = coding(
    "11.5",
    title="A cache without a clock",
    difficulty=3,
    minutes=5,
    given="a cache with which the first token comes out right and all others a little wrong",
    reference=extend_keys,
    buggy=extend_keys_with_a_bug,
    hints=[
        "Ten tokens are in the cache. At which position does the next one stand, and by which row "
        "of cos is it turned here?",
        "The new tokens stand at past … past + n − 1.",
    ],
    why="Each new token was turned as if it stood at the beginning. Nothing crashes, and the text "
    "even reads well for a while: only the comparison with a run without the cache tells.",
    then="why is the prompt itself, the first call, right in any case?",
)


@keys.cases
def key_cases(draw):
    for batch, heads, past, n, width in (
        (1, 1, 1, 1, 2),
        (2, 3, draw.size(2, 5), 1, 4),
        (1, 2, 3, 2, 6),
    ):
        angles = torch.outer(torch.arange(9), torch.arange(1, width // 2 + 1)) / 3
        angles = torch.cat([angles, angles], -1)
        new, old = draw.normal(batch, heads, n, width), draw.normal(batch, heads, past, width)
        yield case(new, old, angles.cos().to(new.dtype), angles.sin().to(new.dtype))


@keys.oracle
def with_complex_numbers(new, keys, cos, sin):
    """A turn is a product with cos + i·sin."""
    half, past = new.size(-1) // 2, keys.size(-2)
    pairs = torch.complex(new[..., :half], new[..., half:])
    turn = torch.complex(cos, sin)[past : past + new.size(-2), :half]
    turned = pairs * turn
    return torch.cat([keys, torch.cat([turned.real, turned.imag], -1)], dim=-2)


@keys.wrong("one too far: the first new token stands at position past, not past + 1", "11.4")
def one_too_far(new, keys, cos, sin):
    past, n = keys.size(-2), new.size(-2)
    return torch.cat([keys, apply_rotary(new, cos[past + 1 :][:n], sin[past + 1 :][:n])], dim=-2)


@keys.wrong("the old keys are turned a second time: they were turned when they came in", "11.4")
def turned_again(new, keys, cos, sin):
    both = torch.cat([keys, new], dim=-2)
    return apply_rotary(both, cos[: both.size(-2)], sin[: both.size(-2)])


@keys.wrong("the new keys have to stand behind the old ones", "11.4")
def in_front(new, keys, cos, sin):
    past, n = keys.size(-2), new.size(-2)
    turned = apply_rotary(new, cos[past : past + n], sin[past : past + n])
    return torch.cat([turned, keys], dim=-2)


@keys.wrong("the new keys are not turned at all", "11.4")
def not_turned(new, keys, cos, sin):
    return torch.cat([keys, new], dim=-2)


@keys.alternative
def turned_together_from_zero(new, keys, cos, sin):
    both = torch.cat([torch.zeros_like(keys), new], dim=-2)
    return torch.cat([keys, torch.zeros_like(new)], dim=-2) + apply_rotary(
        both, cos[: both.size(-2)], sin[: both.size(-2)]
    )


@keys.alternative
def token_by_token(new, keys, cos, sin):
    for token in new.split(1, dim=-2):
        place = keys.size(-2)
        turned = apply_rotary(token, cos[place : place + 1], sin[place : place + 1])
        keys = torch.cat([keys, turned], dim=-2)
    return keys


def continue_text(write: Callable, prompt: Tensor, steps: int, end_id: int, cache) -> Tensor:
    """Continue prompt (B, L) greedily by at most `steps` tokens: (B, L + n), the prompt included.

    `write(ids, cache)` gives logits (B, l, V) for ids (B, l), and puts those ids into the cache:
    show it every token once.  A row that has written `end_id` goes on with `end_id` only; stop as
    soon as every row has.
    """
    ids, new = prompt, prompt
    ended = torch.zeros(len(prompt), dtype=torch.bool)
    for _ in range(steps):
        chosen = write(new, cache)[:, -1].argmax(-1)
        chosen = torch.where(ended, end_id, chosen)
        ended = ended | (chosen == end_id)
        new = chosen[:, None]
        ids = torch.cat([ids, new], dim=1)
        if ended.all():
            break
    return ids


writer = coding(
    "11.11",
    title="A writer, whole",
    difficulty=5,
    minutes=20,
    given="a model as a function `write(ids, cache)`, and an empty cache for it",
    reference=continue_text,
    hints=[
        "Two tables: `ids`, all of the text, and `new`, what the model has not seen yet. At first "
        "both are the prompt.",
        "The guess for the next token is the last row of the logits. After choosing, only the "
        "chosen column is new.",
        "`ended` remembers which rows are finished; torch.where(ended, end_id, chosen) keeps them "
        "silent.",
    ],
    why="Three lines that everybody gets wrong once: the whole text is shown to a model that "
    "remembers it already; a finished row goes on writing; the loop goes on when all is said.",
    then="give it the lesson's `writer` and a `Cache()`, and compare with `decoding.generate`.",
)


class Echo:
    """A small model that depends on every token it was shown, and how often."""

    def __init__(self, table: Tensor, mix: Tensor):
        self.table, self.mix, self.shown = table, mix, 0

    def __call__(self, ids: Tensor, cache: list) -> Tensor:
        self.shown += ids.size(1)
        out = []
        for place in range(ids.size(1)):
            cache.append(ids[:, place])
            weights = self.mix[torch.arange(len(cache)) % len(self.mix)].flip(0)
            seen = torch.stack([self.table[column] for column in cache], 1)  # (B, n, V)
            out.append((seen * weights[:, None]).sum(1))
        return torch.stack(out, 1)


@writer.cases
def writer_cases(draw):
    for rows, length, steps in ((1, 2, 3), (2, 3, draw.size(5, 8)), (3, 1, 12), (2, 2, 9)):
        while True:  # until the first row ends at once and would have gone on, and no other ends
            vocab = draw.size(5, 7)
            table, mix = draw.normal(vocab, vocab), draw.normal(5)
            prompt = draw.integers(0, vocab, rows, length)
            free = continue_text(Echo(table, mix), prompt, 2, -1, [])[:, length:]
            end_id = free[0, 0].item()
            if free[0, 1] != end_id and (free[1:, 0] != end_id).all():
                break
        yield case(table, mix, prompt, steps, end_id)


@writer.observe
def written(continue_text, table, mix, prompt, steps, end_id):
    model = Echo(table, mix)
    text = continue_text(model, prompt, steps, end_id, [])
    # the last token may be shown as well, although nothing is chosen after it
    return {"text": text, "tokens shown twice": max(0, model.shown - text.size(1))}


@writer.oracle
def without_a_cache(table, mix, prompt, steps, end_id):
    """Every row by itself, read anew from the start for each token."""
    rows, longest = [], 0
    for text in prompt.tolist():
        start = len(text)
        while len(text) < start + steps and end_id not in text[start:]:
            text.append(Echo(table, mix)(torch.tensor([text]), [])[0, -1].argmax().item())
        rows.append(text)
        longest = max(longest, len(text))
    text = torch.tensor([row + [end_id] * (longest - len(row)) for row in rows])
    return {"text": text, "tokens shown twice": 0}


writer.wrong_edit(
    "showed_everything_again",
    old="write(new, cache)",
    new="write(ids, cache)",
    message="the model gets the whole text again, although the cache holds it: it reads "
    "everything twice",
    section="11.4",
)
writer.wrong_edit(
    "first_row_of_the_logits",
    old="[:, -1].argmax",
    new="[:, 0].argmax",
    message="that is the guess after the *first* token of the prompt; the last one counts",
    section="11.3",
)
writer.wrong_edit(
    "went_on_after_the_end",
    old="        chosen = torch.where(ended, end_id, chosen)\n",
    new="",
    message="a row that has ended goes on writing: the others are not finished yet, but it is",
    section="11.3",
)
writer.wrong_edit(
    "never_stopped",
    old="        if ended.all():\n            break\n",
    new="",
    message="right text, but it goes on filling when every row has ended",
    section="11.3",
)
writer.wrong_edit(
    "stopped_at_the_first_end",
    old="ended.all()",
    new="ended.any()",
    message="it stops when the first row has ended; the others had more to say",
    section="11.3",
)
writer.wrong_edit(
    "without_the_prompt",
    old="    return ids",
    new="    return ids[:, prompt.size(1) :]",
    message="right, but the prompt is to be returned as well",
    section="11.3",
)


@writer.alternative
def the_librarys(write, prompt, steps, end_id, cache):
    return generate(lambda ids, _: write(ids, cache), prompt, steps, end_id=end_id)


@writer.alternative
def with_columns(write, prompt, steps, end_id, cache):
    columns, logits = [prompt], write(prompt, cache)
    over = [False] * len(prompt)
    for step in range(steps):
        best = logits[:, -1].max(-1).indices.tolist()
        best = [end_id if done else token for done, token in zip(over, best, strict=True)]
        over = [done or token == end_id for done, token in zip(over, best, strict=True)]
        columns.append(torch.tensor(best)[:, None])
        if all(over) or step == steps - 1:
            break
        logits = write(columns[-1], cache)
    return torch.cat(columns, 1)
