"""Lesson 07: what several graders need, rows to mask and the library that masks them."""

from functools import lru_cache

import torch
from transformers import BertTokenizerFast, DataCollatorForLanguageModeling

BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def text_like(draw, rows, length, special_ids, vocab_size):
    """Rows of ordinary ids with special ones strewn in, (rows, length)."""
    ordinary = torch.tensor([i for i in range(vocab_size) if i not in special_ids])
    ids = ordinary[draw.integers(0, len(ordinary), rows, length)]
    special = torch.tensor(special_ids)[draw.integers(0, len(special_ids), rows, length)]
    return torch.where(draw.mask(rows, length, share=0.2), special, ids)


@lru_cache
def library_tokenizer(vocab_size):
    vocabulary = {name: i for i, name in enumerate(BERT)}
    vocabulary |= {f"word{i}": i for i in range(len(BERT), vocab_size)}
    return BertTokenizerFast(vocab=vocabulary)


def library_masks(ids, special_ids, rate, mask_share=0.8, random_share=0.1, vocab_size=1000):
    """What `transformers` makes of the same rows: (corrupted, labels)."""
    collator = DataCollatorForLanguageModeling(
        library_tokenizer(vocab_size),
        mlm_probability=rate,
        mask_replace_prob=mask_share,
        random_replace_prob=random_share,
    )
    special = torch.isin(ids, torch.tensor(special_ids))
    return collator.torch_mask_tokens(ids.clone(), special)
