"""What is put on top of an encoder: heads that guess words, sort texts, label tokens and point."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .checks import check_ids
from .encoder import Encoder, EncoderConfig, initialise, layer_norm


class PredictionHead(nn.Module):
    """Dense, gelu, norm (BERT, appendix A; ModernBERT's `head`): (..., D) → (..., D)."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size, bias=config.bias)
        self.norm = layer_norm(config)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(F.gelu(self.dense(x)))


class MaskedLanguageModel(nn.Module):
    """Guesses hidden tokens (Devlin et al. 2018, section 3.1, task 1).

    The decoder is the embedding table itself, used backwards (Press & Wolf 2017), plus a bias
    for each word; `tie_embeddings=False` gives it a table of its own.

    >>> config = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> model = MaskedLanguageModel(config)
    >>> ids = torch.tensor([[2, 17, 4, 3]])
    >>> model(ids).shape, model(ids, positions=torch.tensor([[2]])).shape
    (torch.Size([1, 4, 100]), torch.Size([1, 1, 100]))
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        if not isinstance(config, EncoderConfig):
            raise TypeError(f"config must be an EncoderConfig, not {type(config).__name__}")
        self.config = config
        self.head = PredictionHead(config)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        initialise(self, config)
        self.encoder = Encoder(config)
        if config.tie_embeddings:
            self.decoder.weight = self.encoder.tokens.weight

    def forward(
        self,
        input_ids: Tensor,
        positions: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Logits (B, L, V), or (B, M, V) at the `positions` (B, M) that are asked for.

        The last product, D × V for every token, is the largest of a small model, and only
        the masked tokens are scored: asking for those alone saves most of it.
        """
        hidden = self.encoder(input_ids, attention_mask)  # (B, L, D)
        if positions is not None:
            hidden = pick(hidden, positions)  # (B, M, D)
        return self.decoder(self.head(hidden))  # (B, M, V) or (B, L, V)


def pick(hidden: Tensor, positions: Tensor) -> Tensor:
    """The rows of hidden (B, L, D) that stand at positions (B, M): (B, M, D)."""
    if not torch.compiler.is_compiling():
        check_ids("positions", positions, hidden.size(1), "rows of length")
        if positions.size(0) != hidden.size(0):
            raise ValueError(
                f"positions are for {positions.size(0)} rows, but the batch has {hidden.size(0)}"
            )
    index = positions.long().unsqueeze(-1).expand(-1, -1, hidden.size(-1))  # (B, M, D)
    return hidden.gather(1, index)


class SequenceClassifier(nn.Module):
    """One decision for each text, from the mean of its tokens' vectors or from its first one.

    Modern encoders put `PredictionHead` between pooling and decision, the 2018 one a dense
    layer with tanh: these are `transformers`' ModernBertForSequenceClassification and
    (with pooling="cls") BertForSequenceClassification.

    >>> config = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> SequenceClassifier(Encoder(config), num_labels=2)(torch.tensor([[2, 17, 3]])).shape
    torch.Size([1, 2])
    """

    def __init__(
        self, encoder: Encoder, num_labels: int, pooling: str = "mean", dropout: float = 0.0
    ):
        super().__init__()
        if not isinstance(encoder, Encoder):
            raise TypeError(f"a classifier stands on an Encoder, not {type(encoder).__name__}")
        if pooling not in ("mean", "cls"):
            raise ValueError(f"pooling must be 'mean' or 'cls', not {pooling!r}")
        if not isinstance(num_labels, int) or num_labels < 1:
            raise ValueError(f"num_labels must be a whole number ≥ 1, not {num_labels!r}")
        config = self.config = encoder.config
        self.num_labels, self.pooling, self.dropout = num_labels, pooling, dropout
        if config.norm == "pre":
            self.head = PredictionHead(config)
        else:
            self.head = nn.Sequential(nn.Linear(config.hidden_size, config.hidden_size), nn.Tanh())
        self.classifier = nn.Linear(config.hidden_size, num_labels)
        initialise(self, config)
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Logits (B, C)."""
        hidden = self.encoder(input_ids, attention_mask)  # (B, L, D)
        pooled = self.head(self.pool(hidden, attention_mask))  # (B, D)
        return self.classifier(F.dropout(pooled, self.dropout, self.training))

    def pool(self, hidden: Tensor, attention_mask: Tensor | None) -> Tensor:
        """(B, L, D) → (B, D); padding counts for nothing in the mean."""
        if self.pooling == "cls":
            return hidden[:, 0]
        if attention_mask is None:
            return hidden.mean(1)
        keep = attention_mask.to(hidden.dtype).unsqueeze(-1)  # (B, L, 1)
        return (hidden * keep).sum(1) / keep.sum(1).clamp(min=1)


class TokenClassifier(nn.Module):
    """One decision for each token: (B, L) ids → (B, L, C) logits.

    Modern encoders put `PredictionHead` in between, the 2018 one nothing: these are
    `transformers`' ModernBertForTokenClassification and BertForTokenClassification.

    >>> config = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> TokenClassifier(Encoder(config), num_labels=3)(torch.tensor([[2, 17, 3]])).shape
    torch.Size([1, 3, 3])
    """

    def __init__(self, encoder: Encoder, num_labels: int, dropout: float = 0.0):
        super().__init__()
        if not isinstance(encoder, Encoder):
            raise TypeError(f"a classifier stands on an Encoder, not {type(encoder).__name__}")
        if not isinstance(num_labels, int) or num_labels < 1:
            raise ValueError(f"num_labels must be a whole number ≥ 1, not {num_labels!r}")
        config = self.config = encoder.config
        self.num_labels, self.dropout = num_labels, dropout
        self.head = PredictionHead(config) if config.norm == "pre" else nn.Identity()
        self.classifier = nn.Linear(config.hidden_size, num_labels)
        initialise(self, config)
        self.encoder = encoder

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Logits (B, L, C)."""
        hidden = self.head(self.encoder(input_ids, attention_mask))  # (B, L, D)
        return self.classifier(F.dropout(hidden, self.dropout, self.training))


class SpanPointer(TokenClassifier):
    """Two decisions for each token: does an answer start here, does it end here?

    Its two columns of logits are read downwards: a softmax over the L places, not over the two
    (Devlin et al. 2018, section 4.2). `transformers` calls it …ForQuestionAnswering.

    >>> config = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> SpanPointer(Encoder(config))(torch.tensor([[2, 17, 3]])).shape
    torch.Size([1, 3, 2])
    """

    def __init__(self, encoder: Encoder, dropout: float = 0.0):
        super().__init__(encoder, 2, dropout)
