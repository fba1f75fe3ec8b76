"""Lesson 12, sections 12.2 and 12.3: labels that mean nothing, and heads that say nothing."""

import torch
from torch import Tensor

from course_utils.evaluation import probing
from course_utils.exercises.exercise import case, coding
from course_utils.exercises.sandbox import global_dice

control = coding(
    "12.2",
    title="Labels that mean nothing",
    difficulty=3,
    minutes=8,
    given="the ids of the words of a text, a number of classes, and a seed",
    reference=probing.control_labels,
    task="""Labels that mean nothing: each word of the vocabulary gets one class at random.

    words is int64 of any shape; the labels are int64 of the same shape, each class equally likely.
    A word has the same label wherever it stands.  One seed gives one labelling, another seed
    another, and the global random numbers are left alone.
    """,
    hints=[
        "A table with one entry for each word id: draw it once, then look every word up in it.",
        "`torch.Generator().manual_seed(seed)`, `torch.randint(num_classes, (n,), generator=...)` "
        "with n one more than the largest id, and `table[words]`.",
    ],
    why="Whoever predicts these labels has learned by heart which word has which, since there is "
    "nothing else in them. So they measure how much a probe can learn by itself.",
    then="how well can a probe do on words that it has never seen?",
)


@control.cases
def control_cases(draw):
    yield case(torch.tensor([3, 8, 3, 3, 5]), 3, draw.size(0, 99))
    yield case(draw.integers(0, 900, 40, 100), 3 + draw.size(0, 2), draw.size(0, 99))
    yield case(draw.integers(0, 700, 3000), 2, draw.size(0, 99))


@control.observe
def described(control_labels, words, num_classes, seed):
    before = global_dice()
    labels = control_labels(words, num_classes, seed)
    if labels.shape != words.shape:
        return {"shape": tuple(labels.shape)}
    again = control_labels(words, num_classes, seed)
    others = [control_labels(words, num_classes, seed + i) for i in range(1, 13)]
    pairs = set(zip(words.flatten().tolist(), labels.flatten().tolist(), strict=True))
    kinds = len(set(words.flatten().tolist()))
    many = kinds > 500
    counts = torch.bincount(torch.tensor([label for _, label in pairs]), minlength=num_classes)
    rare = counts.min().item() / kinds * num_classes
    return {
        "shape": tuple(labels.shape),
        "int64": labels.dtype == torch.int64,
        "one label for each kind of word": len(pairs) == kinds,
        "inside the classes": bool((labels >= 0).all() and (labels < num_classes).all()),
        "every class about equally often": not many or rare > 0.6,
        "the same seed again": bool(labels.equal(again)),
        "another seed, another labelling": any(not labels.equal(other) for other in others),
        "neighbouring ids have unrelated labels": not many or unrelated(pairs, num_classes),
        "global random numbers left alone": global_dice() == before,
    }


def unrelated(pairs, num_classes):
    """Whether a word's label says nothing about the next word's, as far as a share can tell."""
    table = dict(pairs)
    both = [(table[w], table[w + 1]) for w in table if w + 1 in table]
    steps = [sum((b - a) % num_classes == k for a, b in both) for k in range(num_classes)]
    return max(steps) / len(both) < 1.35 / num_classes


@control.oracle
def as_defined(words, num_classes, seed):
    return {
        "shape": tuple(words.shape),
        "int64": True,
        "one label for each kind of word": True,
        "inside the classes": True,
        "every class about equally often": True,
        "the same seed again": True,
        "another seed, another labelling": True,
        "neighbouring ids have unrelated labels": True,
        "global random numbers left alone": True,
    }


@control.wrong("every place has its own label: that cannot even be learned by heart", "12.2")
def drawn_for_each_place(words, num_classes, seed):
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes, words.shape, generator=dice)


@control.wrong("that is a rule, not chance: a probe may find it in the vectors", "12.2")
def remainder_of_the_id(words, num_classes, seed):
    return (words + seed) % num_classes


@control.wrong("the seed is never used: every control is the same one", "12.2")
def forgot_the_seed(words, num_classes, seed):
    dice = torch.Generator().manual_seed(0)
    return torch.randint(num_classes, (int(words.max()) + 1,), generator=dice)[words]


@control.wrong("you seed the global generator: everybody's random numbers start anew", "12.2")
def seeded_globally(words, num_classes, seed):
    torch.manual_seed(seed)
    return torch.randint(num_classes, (int(words.max()) + 1,))[words]


@control.wrong("drawn in order, without the text: look every word up in the table", "12.2")
def forgot_to_look_up(words, num_classes, seed):
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes, (len(words.unique()),), generator=dice)[: words.numel()]


@control.wrong("the last class never comes: randint leaves its upper end out already", "12.2")
def one_class_short(words, num_classes, seed):
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes - 1, (int(words.max()) + 1,), generator=dice)[words]


@control.alternative
def with_randint(words, num_classes, seed):
    dice = torch.Generator().manual_seed(seed)
    return torch.randint(num_classes, (int(words.max()) + 1,), generator=dice)[words]


@control.alternative
def by_kinds(words, num_classes, seed):
    kinds, places = words.unique(return_inverse=True)
    dice = torch.Generator().manual_seed(seed + 1)
    return (torch.rand(len(kinds), generator=dice) * num_classes).long()[places]


def silence(mixed: Tensor, heads: list[int], num_heads: int) -> Tensor:
    """The heads' outputs, side by side (B, L, H·d), with those of `heads` set to zero.

    `mixed` itself is left as it was; `heads` may be empty.
    """
    parts = mixed.unflatten(-1, (num_heads, -1)).clone()  # (B, L, H, d)
    parts[..., heads, :] = 0
    return parts.flatten(-2)


silent = coding(
    "12.3",
    title="A head falls silent",
    difficulty=2,
    minutes=6,
    given="what H heads have to say, side by side, before the output matrix mixes it",
    reference=silence,
    hints=[
        "Each head owns d = D/H neighbouring numbers of the last axis.",
        "`unflatten(-1, (num_heads, -1))` makes an axis of heads; `flatten(-2)` undoes it.",
    ],
    why="Heads lie side by side: head h owns the numbers from h·d to (h+1)·d. The clone keeps the "
    "caller's tensor as it was, which somebody may still need.",
    then="is a mean over many texts a fairer thing to put in its place than zero?",
)


@silent.cases
def silent_cases(draw):
    yield case(draw.normal(1, 2, 6), [1], 3)
    yield case(draw.normal(2, draw.size(3, 5), 20), [0, 3], 4)
    yield case(draw.normal(3, 4, 12), [], 2)
    yield case(draw.normal(4, 3, 8).transpose(0, 1), [1, 0], 2)


@silent.oracle
def by_slices(mixed, heads, num_heads):
    width, answer = mixed.size(-1) // num_heads, mixed.clone()
    for head in heads:
        answer[:, :, head * width : (head + 1) * width] = 0
    return answer


@silent.wrong("that is the other way round: the named heads speak and the rest are silent", "12.3")
def silenced_the_others(mixed, heads, num_heads):
    parts = torch.zeros_like(mixed).unflatten(-1, (num_heads, -1))
    parts[..., heads, :] = mixed.unflatten(-1, (num_heads, -1))[..., heads, :]
    return parts.flatten(-2)


@silent.wrong("a head is d numbers wide; you silenced one number each", "12.3")
def one_number_each(mixed, heads, num_heads):
    answer = mixed.clone()
    answer[..., heads] = 0
    return answer


@silent.wrong("heads are not interleaved: d neighbouring numbers belong together", "12.3")
def interleaved(mixed, heads, num_heads):
    parts = mixed.unflatten(-1, (-1, num_heads)).clone()
    parts[..., heads] = 0
    return parts.flatten(-2)


@silent.wrong("right numbers, but the caller's tensor was changed: work on a clone", "12.3")
def changed_the_argument(mixed, heads, num_heads):
    width = mixed.size(-1) // num_heads
    for head in heads:
        mixed[..., head * width : (head + 1) * width] = 0
    return mixed


@silent.wrong("you silenced places of the text; the heads are in the last axis", "12.3")
def silenced_places(mixed, heads, num_heads):
    answer = mixed.clone()
    answer[:, [head for head in heads if head < mixed.size(1)]] = 0
    return answer


@silent.alternative
def by_a_mask(mixed, heads, num_heads):
    keep = torch.ones(num_heads, dtype=mixed.dtype)
    keep[heads] = 0
    return mixed * keep.repeat_interleave(mixed.size(-1) // num_heads)


@silent.alternative
def by_masked_fill(mixed, heads, num_heads):
    owner = torch.arange(mixed.size(-1)) // (mixed.size(-1) // num_heads)
    return mixed.masked_fill(torch.isin(owner, torch.tensor(heads, dtype=torch.long)), 0)
