"""Lesson 07, section 7.2: two silent bugs of the masking machine, mended."""

import numpy as np
import torch
from torch import Tensor

from course_utils.exercises.exercise import case, coding


def write_over(
    tokens: Tensor, drawn: Tensor, mask_id: int, shares: tuple, generator: torch.Generator
) -> Tensor:
    """What is written where tokens were hidden: mask_id, a random token, or the token itself.

    `tokens` and `drawn` (the random tokens, to be used where one is due) are (N,).  `shares` says
    how often each of the three should happen; (0.8, 0.1, 0.1) in BERT.
    """
    mask_share, random_share, _ = shares
    dice = torch.rand(tokens.shape, generator=generator)
    written = torch.where(dice < mask_share + random_share, drawn, tokens)
    return torch.where(dice < mask_share, mask_id, written)


def write_over_with_a_bug(
    tokens: Tensor, drawn: Tensor, mask_id: int, shares: tuple, generator: torch.Generator
) -> Tensor:
    """What is written where tokens were hidden: mask_id, a random token, or the token itself.

    `tokens` and `drawn` (the random tokens, to be used where one is due) are (N,).  `shares` says
    how often each of the three should happen; (0.8, 0.1, 0.1) in BERT.
    """
    _, random_share, same_share = shares
    is_random = torch.rand(tokens.shape, generator=generator) < random_share
    is_same = torch.rand(tokens.shape, generator=generator) < same_share
    written = torch.where(is_random, drawn, mask_id)
    return torch.where(is_same, tokens, written)


writing = coding(
    "07.4",
    title="81/9/10",
    difficulty=3,
    minutes=6,
    given="a function that was published like this; counted, its shares are 81 % [MASK], 9 % "
    "random and 10 % unchanged instead of 80, 10 and 10",
    reference=write_over,
    buggy=write_over_with_a_bug,
    tolerance=0.03,
    hints=[
        "Two coins are tossed for each token. What happens to a token for which both say yes?",
        "Three outcomes that exclude each other need one die, not two coins.",
        "`dice < mask_share`, then `dice < mask_share + random_share`, else: one `torch.rand` and "
        "two thresholds.",
    ],
    why="Independent coins overlap: of the 10 % that should become random, a tenth is then set "
    "back to unchanged, and what neither coin claims is 0.9 · 0.9 = 81 %. One die cannot overlap.",
    then="how many tokens would you have to count to notice the difference by eye?",
)


@writing.cases
def writing_cases(draw):
    for shares, mask_id in (((0.8, 0.1, 0.1), 4), ((0.4, 0.35, 0.25), 7), ((0.2, 0.3, 0.5), 0)):
        n = 40_001 + 2 * draw.size(0, 50)
        tokens, drawn = draw.integers(10, 500, n), draw.integers(500, 900, n)
        yield case(tokens, drawn, mask_id, shares, torch.Generator().manual_seed(draw.seed))


@writing.observe
def what_was_written(write_over, tokens, drawn, mask_id, shares, generator):
    written = write_over(tokens, drawn, mask_id, shares, generator)
    kinds = torch.stack([written == mask_id, written == drawn, written == tokens])
    return {"[MASK], random, unchanged": kinds.double().mean(1), "number": len(written)}


@writing.oracle
def a_die_in_numpy(tokens, drawn, mask_id, shares, generator):
    die = np.random.default_rng(generator.initial_seed())
    counts = die.multinomial(100 * len(tokens), shares)
    return {"[MASK], random, unchanged": counts / counts.sum(), "number": len(tokens)}


@writing.holds("the same generator writes the same again")
def writing_repeats(answer, tokens, drawn, mask_id, shares, generator):
    twin = torch.Generator().set_state(generator.get_state())
    again = answer(tokens, drawn, mask_id, shares, twin)
    return torch.equal(answer(tokens, drawn, mask_id, shares, generator), again)


@writing.wrong("now the random coin wins where both say yes: the unchanged ones are too few", "7.2")
def the_other_coin_wins(tokens, drawn, mask_id, shares, generator):
    is_random = torch.rand(tokens.shape, generator=generator) < shares[1]
    is_same = torch.rand(tokens.shape, generator=generator) < shares[2]
    written = torch.where(is_same, tokens, mask_id)
    return torch.where(is_random, drawn, written)


@writing.wrong("one die, but the thresholds must add up: mask_share, then mask + random", "7.2")
def thresholds_not_added(tokens, drawn, mask_id, shares, generator):
    dice = torch.rand(tokens.shape, generator=generator)
    written = torch.where(dice < shares[1], drawn, tokens)
    return torch.where((dice >= shares[1]) & (dice < shares[0]), mask_id, written)


@writing.wrong(
    "of those that are left, random / (random + unchanged) become random, not the share of all",
    "7.2",
)
def half_of_what_is_left(tokens, drawn, mask_id, shares, generator):
    masked = torch.rand(tokens.shape, generator=generator) < shares[0]
    coin = torch.rand(tokens.shape, generator=generator) < shares[1]
    return torch.where(masked, mask_id, torch.where(coin, drawn, tokens))


@writing.wrong("one die decides for all tokens: they are masked all or none", "7.2")
def one_throw_for_all(tokens, drawn, mask_id, shares, generator):
    dice = torch.rand(1, generator=generator)
    written = torch.where(dice < shares[0] + shares[1], drawn, tokens)
    return torch.where(dice < shares[0], mask_id, written)


@writing.wrong("the shares of random and unchanged are swapped", "7.2")
def swapped_shares(tokens, drawn, mask_id, shares, generator):
    dice = torch.rand(tokens.shape, generator=generator)
    written = torch.where(dice < shares[0] + shares[2], drawn, tokens)
    return torch.where(dice < shares[0], mask_id, written)


@writing.alternative
def with_multinomial(tokens, drawn, mask_id, shares, generator):
    fate = torch.multinomial(torch.tensor(shares), len(tokens), True, generator=generator)
    choices = torch.stack([torch.full_like(tokens, mask_id), drawn, tokens])
    return choices.gather(0, fate[None])[0]


@writing.alternative
def a_second_coin_for_the_rest(tokens, drawn, mask_id, shares, generator):
    written = tokens.clone()
    masked = torch.rand(tokens.shape, generator=generator) < shares[0]
    share_of_rest = shares[1] / (shares[1] + shares[2])
    random = ~masked & (torch.rand(tokens.shape, generator=generator) < share_of_rest)
    written[masked] = mask_id
    written[random] = drawn[random]
    return written


def random_words(
    count: int, vocab_size: int, special_ids: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Draw `count` random replacements, int64 (count,): ordinary ids only, all equally likely."""
    ordinary = torch.tensor([i for i in range(vocab_size) if i not in special_ids])
    return ordinary[torch.randint(len(ordinary), (count,), generator=generator)]


def random_words_with_a_bug(
    count: int, vocab_size: int, special_ids: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    """Draw `count` random replacements, int64 (count,): ordinary ids only, all equally likely."""
    return torch.randint(vocab_size, (count,), generator=generator)


drawing = coding(
    "07.5",
    title="A random word that is no word",
    difficulty=2,
    minutes=5,
    given="a function that sometimes draws [PAD] or [CLS] as a “random word”. In our vocabulary "
    "the special ids are 0 to 4; in that of the first BERT they are 0, 100, 101, 102 and 103",
    reference=random_words,
    buggy=random_words_with_a_bug,
    tolerance=0.15,
    hints=[
        "Make a list of all ids that may be drawn. How long is it?",
        "Draw *places* in that list, and look up the ids that stand there.",
    ],
    why="A drawn [PAD] is a token that the model elsewhere learns to overlook, a drawn [MASK] says "
    "“guess me” where the answer is not asked for. It happens rarely, so nobody notices.",
    then="look how transformers' own DataCollatorForLanguageModeling draws them.",
)


@drawing.cases
def drawing_cases(draw):
    for vocab_size, special in ((9, (0, 1, 2, 3, 4)), (23, (0, 10, 11, 12, 13)), (12, (3, 11))):
        count = 20_001 + 2 * draw.size(0, 50)
        yield case(count, vocab_size, special, torch.Generator().manual_seed(draw.seed))


@drawing.observe
def histogram(random_words, count, vocab_size, special_ids, generator):
    words = random_words(count, vocab_size, special_ids, generator)
    shares = torch.bincount(words, minlength=vocab_size).double() / len(words)
    drawn = torch.isin(torch.tensor(special_ids), words).sum()
    return {"special ids drawn": int(drawn), "number": len(words), "share of each id": shares}


@drawing.oracle
def a_choice_in_numpy(count, vocab_size, special_ids, generator):
    ordinary = np.setdiff1d(np.arange(vocab_size), special_ids)
    words = np.random.default_rng(generator.initial_seed()).choice(ordinary, 50 * count)
    shares = np.bincount(words, minlength=vocab_size) / len(words)
    return {"special ids drawn": 0, "number": count, "share of each id": shares}


@drawing.holds("the same generator draws the same words again")
def drawing_repeats(answer, count, vocab_size, special_ids, generator):
    twin = torch.Generator().set_state(generator.get_state())
    again = answer(count, vocab_size, special_ids, twin)
    return torch.equal(answer(count, vocab_size, special_ids, generator), again)


@drawing.holds("as many words come back as were asked for")
def drawn_in_full(answer, count, vocab_size, special_ids, generator):
    return answer(count, vocab_size, special_ids, generator).shape == (count,)


@drawing.wrong("right for our vocabulary, where the special ids are 0 to 4; not for others", "7.2")
def from_five_upwards(count, vocab_size, special_ids, generator):
    return torch.randint(5, vocab_size, (count,), generator=generator)


@drawing.wrong("as many ids as there are special ones are left out, but they are not those", "7.2")
def the_first_ids_left_out(count, vocab_size, special_ids, generator):
    return torch.randint(len(special_ids), vocab_size, (count,), generator=generator)


@drawing.wrong("every special draw becomes one and the same word, which is now too common", "7.2")
def always_the_same_substitute(count, vocab_size, special_ids, generator):
    words = torch.randint(vocab_size, (count,), generator=generator)
    ordinary = next(i for i in range(vocab_size) if i not in special_ids)
    words[torch.isin(words, torch.tensor(special_ids))] = ordinary
    return words


@drawing.wrong("special draws are thrown away, so fewer than `count` words come back", "7.2")
def thrown_away(count, vocab_size, special_ids, generator):
    words = torch.randint(vocab_size, (count,), generator=generator)
    return words[~torch.isin(words, torch.tensor(special_ids))]


@drawing.wrong("these are places in the list of ordinary ids, not the ids themselves", "7.2")
def places_instead_of_ids(count, vocab_size, special_ids, generator):
    return torch.randint(vocab_size - len(special_ids), (count,), generator=generator)


@drawing.alternative
def with_weights(count, vocab_size, special_ids, generator):
    weights = torch.ones(vocab_size)
    weights[list(special_ids)] = 0
    return torch.multinomial(weights, count, replacement=True, generator=generator)


@drawing.alternative
def drawn_again(count, vocab_size, special_ids, generator):
    special = torch.tensor(special_ids)
    words = torch.randint(vocab_size, (count,), generator=generator)
    while (bad := torch.isin(words, special)).any():
        words[bad] = torch.randint(vocab_size, (int(bad.sum()),), generator=generator)
    return words
