"""Lesson 07, section 7.2: the whole masking machine."""

import torch

from course_utils.exercises.exercise import case, coding
from course_utils.exercises.lesson_07.material import library_masks, text_like
from course_utils.text.masking import IGNORE, Corruption, mask_tokens

machine = coding(
    "07.6",
    title="The masking machine, whole",
    difficulty=4,
    minutes=15,
    given="`corruption` with its rate, shares, mask_id, `ordinary_ids` (what may be drawn) and "
    "`is_special` (a table, True at special ids)",
    reference=mask_tokens,
    task="""Hide tokens of `input_ids` (B, L), which is left as it is.

    Every ordinary token is chosen with probability `corruption.rate`.  Of the chosen, a share
    `mask_share` becomes `mask_id`, a share `random_share` a random ordinary token, and the rest
    stays as it is.  Returns (corrupted, labels), both (B, L) int64: labels hold the original id
    at the chosen places and IGNORE elsewhere.
    """,
    tolerance=0.07,
    hints=[
        "Choose first (07.2), then take the labels (07.3), then write: three separate steps.",
        "One die for each token decides what is written: below mask_share, between mask_share and "
        "mask_share + random_share, or above.",
        "`corruption.ordinary_ids[torch.randint(len(corruption.ordinary_ids), shape, "
        "generator=generator)]` draws random ordinary tokens; `torch.where` puts it all together.",
    ],
    why="The choice, the key and the writing do not know of each other, and one die with three "
    "outcomes makes the three shares add up. (`_corrupt`, the die itself, stands in "
    "text/masking.py: below mask_share it writes mask_id, below mask_share + random_share an "
    "ordinary token, else it leaves the token.)",
    then="compare its shares with those of transformers' DataCollatorForLanguageModeling.",
)


@machine.cases
def machine_cases(draw):
    for rate, mask_share, random_share, special in (
        (0.4, 0.8, 0.1, (0, 1, 2, 3, 4)),
        (0.6, 0.4, 0.35, (4, 8)),
    ):
        corruption = Corruption(4, 1000, special, rate, mask_share, random_share)
        ids = text_like(draw, 400 + 2 * draw.size(0, 20), 101, special, 1000)
        yield case(ids, corruption, torch.Generator().manual_seed(draw.seed))


@machine.observe
def what_was_written(mask_tokens, input_ids, corruption, generator):
    before = input_ids.clone()
    return account(before, corruption, *mask_tokens(input_ids, corruption, generator))


def account(ids, corruption, corrupted, labels):
    chosen, special = labels != IGNORE, corruption.is_special[ids]
    written, original = corrupted[chosen], ids[chosen]
    masked, same = written == corruption.mask_id, written == original
    shares = torch.stack([masked, same, ~masked & ~same]).double().mean(1)
    return {
        "special tokens chosen": int((chosen & special).sum()),
        "share chosen": (chosen & ~special).sum() / (~special).sum(),
        "labels are the originals": bool((labels[chosen] == original).all()),
        "[MASK], unchanged, random": shares,
        "the rest is untouched": bool((corrupted == ids)[~chosen].all()),
    }


@machine.oracle
def the_collator(input_ids, corruption, generator):
    special, rate = tuple(corruption.special_ids), corruption.rate
    shares = corruption.mask_share, corruption.random_share
    return account(
        input_ids, corruption, *library_masks(input_ids, special, rate, *shares, vocab_size=1000)
    )


@machine.holds("no special token but [MASK] is ever written")
def draws_ordinary_tokens(answer, input_ids, corruption, generator):
    corrupted, labels = answer(input_ids, corruption, generator)
    written = corrupted[labels != IGNORE]
    return not corruption.is_special[written[written != corruption.mask_id]].any()


@machine.holds("random tokens come from the whole vocabulary, evenly")
def draws_evenly(answer, input_ids, corruption, generator):
    corrupted, labels = answer(input_ids, corruption, generator)
    random = corrupted[(labels != IGNORE) & (corrupted != labels)]
    random = random[random != corruption.mask_id]
    counts = torch.bincount(random, minlength=corruption.vocab_size)[corruption.ordinary_ids]
    thirds = torch.stack([part.sum() for part in counts.tensor_split(3)]) / counts.sum()
    return bool((thirds - 1 / 3).abs().max() < 0.05)


@machine.holds("the same generator hides the same tokens again")
def machine_repeats(answer, input_ids, corruption, generator):
    twin = torch.Generator().set_state(generator.get_state())
    first, again = (answer(input_ids, corruption, one) for one in (generator, twin))
    return all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


machine.wrong_edit(
    "special_tokens_chosen",
    old="    chosen &= ~corruption.is_special[input_ids]\n",
    new="",
    message="special tokens are chosen too: leave them out (`corruption.is_special`)",
    section="7.2",
)
machine.wrong_edit(
    "labels_are_the_whole_text",
    old="torch.where(chosen, input_ids, IGNORE)",
    new="input_ids.clone()",
    message="every token is asked for: outside the chosen places the label is IGNORE",
    section="7.2",
)
machine.wrong_edit(
    "everything_is_overwritten",
    old="torch.where(chosen, _corrupt(input_ids, corruption, generator), input_ids)",
    new="_corrupt(input_ids, corruption, generator)",
    message="tokens that were not chosen are written over too",
    section="7.2",
)


@machine.wrong("the labels are taken after masking: the answer to [MASK] is then [MASK]", "7.2")
def labels_taken_too_late(input_ids, corruption, generator):
    corrupted, labels = mask_tokens(input_ids, corruption, generator)
    return corrupted, torch.where(labels != IGNORE, corrupted, IGNORE)


@machine.wrong("the share of random tokens and the share of unchanged ones are swapped", "7.2")
def swapped_shares(input_ids, corruption, generator):
    c, shape = corruption, input_ids.shape
    chosen = (torch.rand(shape, generator=generator) < c.rate) & ~c.is_special[input_ids]
    dice = torch.rand(shape, generator=generator)
    drawn = c.ordinary_ids[torch.randint(len(c.ordinary_ids), shape, generator=generator)]
    changed = torch.where(dice < 1 - c.random_share, torch.tensor(c.mask_id), input_ids)
    other = (dice >= c.mask_share) & (dice < 1 - c.random_share)
    changed = torch.where(other, drawn, changed)
    return torch.where(chosen, changed, input_ids), torch.where(chosen, input_ids, IGNORE)


@machine.wrong("every chosen token becomes [MASK]; some become random, some stay", "7.2")
def always_the_mask(input_ids, corruption, generator):
    chosen = torch.rand(input_ids.shape, generator=generator) < corruption.rate
    chosen &= ~corruption.is_special[input_ids]
    labels = torch.where(chosen, input_ids, IGNORE)
    return input_ids.masked_fill(chosen, corruption.mask_id), labels


@machine.wrong("the text that you were given has changed: work on a copy", "7.2")
def in_place(input_ids, corruption, generator):
    corrupted, labels = mask_tokens(input_ids, corruption, generator)
    return input_ids.copy_(corrupted), labels


@machine.alternative
def with_multinomial(ids, c, generator):
    chosen = torch.bernoulli(torch.full(ids.shape, c.rate), generator=generator).bool()
    chosen[c.is_special[ids]] = False
    shares = torch.tensor([c.mask_share, c.random_share, 1 - c.mask_share - c.random_share])
    fate = torch.multinomial(shares.clamp(min=0), ids.numel(), True, generator=generator)
    fate = fate.view(ids.shape)
    drawn = c.ordinary_ids[torch.randint(len(c.ordinary_ids), ids.shape, generator=generator)]
    corrupted = ids.clone()
    corrupted[chosen & (fate == 0)] = c.mask_id
    corrupted[chosen & (fate == 1)] = drawn[chosen & (fate == 1)]
    return corrupted, ids.masked_fill(~chosen, -100)


@machine.alternative
def chosen_tokens_only(input_ids, corruption, generator):
    places = (~corruption.is_special[input_ids]).nonzero()
    lucky = torch.rand(len(places), generator=generator) < corruption.rate
    rows, columns = places[lucky].T
    corrupted, labels = input_ids.clone(), torch.full_like(input_ids, IGNORE)
    labels[rows, columns] = input_ids[rows, columns]
    dice = torch.rand(len(rows), generator=generator)
    hide = dice < corruption.mask_share
    swap = ~hide & (dice < corruption.mask_share + corruption.random_share)
    corrupted[rows[hide], columns[hide]] = corruption.mask_id
    pool = corruption.ordinary_ids
    drawn = pool[torch.randint(len(pool), (int(swap.sum()),), generator=generator)]
    corrupted[rows[swap], columns[swap]] = drawn
    return corrupted, labels
