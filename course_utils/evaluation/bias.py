"""What a masked model prefers where the grammar leaves it a choice, and how sure we are of it.

A preference is a difference of two log-probabilities at one masked place, in nats: the form that
Kurita et al. (2019), "Measuring Bias in Contextualized Word Representations", and Nangia et al.
(2020), "CrowS-Pairs", build on. It is a property of a model on a list of sentences; whether it
does harm is a question about people, which no function here answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from .language import _judged
from .tasks import Interval

MASK = "[MASK]"


def word_ids(tokenizer, words: Sequence[str]) -> list[int | None]:
    """The token of each word, or None for a word that takes several pieces or is unknown.

    >>> from course_utils.text.tokenization import train_tokenizer
    >>> word_ids(train_tokenizer(["he or she"], 160), ["he", "xylophones"])[1] is None
    True
    """
    if isinstance(words, str):
        raise TypeError("words must be a list of str.")
    pieces = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
    alone = [ids[0] if len(ids) == 1 else None for ids in pieces]
    return [None if token == tokenizer.unk_token_id else token for token in alone]


def preferences(
    model: nn.Module,
    tokenizer,
    sentences: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    batch_size: int = 64,
) -> Tensor:
    """ln p(first) − ln p(second) at the [MASK] of each of N sentences, in nats: float32 (N,).

    `first` and `second` are N words, each a single token. Zero means that the model does not
    care; ln 2 = 0.69 means that it finds the first twice as likely. All three lists are equally
    long. Raises ValueError for lists of different lengths, a sentence without exactly one
    [MASK], or a word that is no single token of the tokenizer's.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> from course_utils.model.heads import MaskedLanguageModel
    >>> from course_utils.text.tokenization import train_tokenizer
    >>> tokenizer = train_tokenizer(["he was here, she was here"], 160)
    >>> shape = EncoderConfig.modern(len(tokenizer), hidden_size=16, num_layers=1, num_heads=2)
    >>> model = MaskedLanguageModel(shape)
    >>> preferences(model, tokenizer, ["[MASK] was here"], ["was"], ["was"])
    tensor([0.])
    """
    if not len(sentences) == len(first) == len(second) or not len(sentences):
        raise ValueError(
            f"There are {len(sentences)} sentences, {len(first)} first and {len(second)} second "
            "words: each sentence needs one of each."
        )
    choices = word_ids(tokenizer, first), word_ids(tokenizer, second)
    for words, ids in zip((first, second), choices, strict=True):
        if None in ids:
            raise ValueError(f"The word {words[ids.index(None)]!r} is no single known token.")
    for sentence in sentences:
        if sentence.count(MASK) != 1:
            raise ValueError(f"There must be one {MASK} in a sentence, not as in {sentence!r}.")
    pairs = torch.tensor(choices).T  # (N, 2)
    found = torch.zeros(len(sentences))
    by_length = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))  # little padding
    with _judged(model) as device:
        for start in range(0, len(sentences), batch_size):
            rows = by_length[start : start + batch_size]
            texts = [sentences[i] for i in rows]
            batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
            holes = batch["input_ids"] == tokenizer.mask_token_id
            if not (holes.sum(1) == 1).all():
                cut = texts[int((holes.sum(1) != 1).nonzero()[0])]
                raise ValueError(f"The {MASK} lies behind the end of what is read: {cut[:60]!r} …")
            place = holes.long().argmax(1, keepdim=True)
            logits = model(
                batch["input_ids"].to(device),
                positions=place.to(device),
                attention_mask=batch["attention_mask"].to(device),
            )
            scores = logits[:, 0].float().cpu().gather(1, pairs[rows])
            found[rows] = scores[:, 0] - scores[:, 1]  # the softmax's denominator cancels
    return found


def leanings(
    model: nn.Module,
    tokenizer,
    people: Sequence[str],
    templates: Sequence[str],
    words: tuple[str, str] = ("she", "he"),
) -> Tensor:
    """The mean preference for the first word beside each person, in nats: float32 (N,).

    Each template has a `{}` for the person and a [MASK] for the word. A person may take several
    tokens, since only the two words are scored. Errors as in `preferences`.
    """
    sentences = [template.format(person) for person in people for template in templates]
    first, second = ([word] * len(sentences) for word in words)
    scores = preferences(model, tokenizer, sentences, first, second)
    return scores.view(len(people), len(templates)).mean(1)


def share_interval(hits: int, total: int, confidence: float = 0.95) -> Interval:
    """The share of `hits` among `total` independent cases and Wilson's interval for it.

    Wilson (1927): unlike share ± 1.96 standard errors it stays within 0 … 1, and it does not
    shrink to nothing when all cases agree. Raises ValueError for counts that do not fit or a
    confidence outside (0, 1).

    >>> print(share_interval(8, 10))
    0.800 (0.490 … 0.943)
    """
    if total < 1 or not 0 <= hits <= total:
        raise ValueError(f"hits must lie in 0 … total and total be positive: {hits}, {total}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence!r}.")
    z2 = float(stats.norm.ppf((1 + confidence) / 2)) ** 2
    share = hits / total
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    reach = math.sqrt(z2 * (share * (1 - share) / total + z2 / (4 * total**2))) / (1 + z2 / total)
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach))


def clustered_interval(
    values: Sequence[float], kinds: Sequence, confidence: float = 0.95, draws: int = 2000
) -> Interval:
    """The mean of `values` (N,) and a bootstrap interval for cases that come in kinds (N,).

    Cases of one kind are not independent: a hundred sentences that all compare the same two
    words are hardly more than one opinion about these words. So whole kinds are drawn, with
    replacement, `draws` times (Efron and Tibshirani 1993, section 8.4), always with the same
    random numbers. Raises ValueError for lists of different lengths or fewer than two kinds.

    >>> print(clustered_interval([1, 1, 1, 0, 0, 0], ["a", "a", "a", "b", "b", "b"]))
    0.500 (0.000 … 1.000)
    """
    if len(values) != len(kinds):
        raise ValueError(f"There are {len(values)} values but {len(kinds)} kinds.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie strictly between 0 and 1, not {confidence!r}.")
    values = np.asarray(values, dtype=np.float64)
    places = np.unique(np.asarray(kinds), return_inverse=True)[1]
    sums, sizes = np.bincount(places, values), np.bincount(places)
    if len(sizes) < 2:
        raise ValueError("There must be at least two kinds: one alone has no spread.")
    drawn = np.random.default_rng(0).integers(0, len(sizes), (draws, len(sizes)))
    means = sums[drawn].sum(1) / sizes[drawn].sum(1)
    tail = (1 - confidence) / 2
    return Interval(float(values.mean()), *map(float, np.quantile(means, [tail, 1 - tail])))


def exposure(scores: Tensor, secret: int) -> float:
    """How far a secret sticks out among all that it could have been, in bits.

    log₂ N − log₂ rank (Carlini et al. 2019, "The Secret Sharer", section 4.2). `scores` (N,) is
    how likely the model finds each of N candidates, `secret` the place of the true one. Rank 1
    gives log₂ N bits: the model gives it away at the first guess. A secret that it never saw
    lands on any rank alike, and has 1.44 bits on average. Equals share the better rank less
    than fairly: they count as being ahead of the secret.

    Raises ValueError for scores that are no vector, or a place outside it.

    >>> exposure(torch.tensor([0.1, 0.7, 0.2, 0.0]), secret=1)
    2.0
    >>> exposure(torch.zeros(8), secret=3)            # a model that cannot tell them apart
    0.0
    """
    scores = torch.as_tensor(scores)
    if scores.dim() != 1 or not 0 <= secret < len(scores):
        raise ValueError(
            f"scores must be a vector (N,) and secret a place in it, not "
            f"{tuple(scores.shape)} and {secret}."
        )
    rank = int((scores >= scores[secret]).sum())
    return math.log2(len(scores)) - math.log2(rank)
