"""The blocks of the encoder, made causal: a model that continues a text, and one that translates.

Nothing is new but the mask, a second attention that looks into another text, and a notebook of
keys and values, so that no token is computed twice.  Vaswani et al. (2017), sections 3.1 and 3.2.3;
Radford et al. (2018), "GPT".  Axis letters as in `attention`; S is the length of the source text.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import (
    MultiHeadAttention,
    _fast_attention,
    attention_scores,
    masked_softmax,
    merge_heads,
    padding_mask,
    split_heads,
)
from .checks import check_ids, check_inputs
from .encoder import Encoder, EncoderConfig, EncoderLayer, initialise, layer_norm
from .heads import MaskedLanguageModel


def step_mask(new: int, past: int = 0, device: torch.device | str | None = None) -> Tensor:
    """Who may look at whom when `new` tokens follow `past` ones: (new, past + new), boolean.

    The last row sees everything, and each row above it one token less.

    >>> step_mask(2, past=1).int()
    tensor([[1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    if new < 1 or past < 0:
        raise ValueError(f"there must be at least 1 new token and no less than 0 past: {new, past}")
    mask = torch.ones(new, past + new, dtype=torch.bool, device=device)
    return mask.tril(diagonal=past)  # row i sees columns 0 … past + i


class Cache:
    """The keys and values of all tokens so far, for every layer: each (B, H, L, d).

    A causal token never looks ahead, so what it was turned into does not change when the text
    grows: compute it once, keep it, and give the model only what is new.
    """

    def __init__(self):
        self.layers: list[tuple[Tensor, Tensor]] = []

    @property
    def length(self) -> int:
        """How many tokens are in it."""
        return self.layers[0][0].size(-2) if self.layers else 0

    def extend(self, index: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put new keys and values behind the old ones of layer `index`; returns all of them."""
        if index == len(self.layers):
            self.layers.append((k, v))
        else:
            old_k, old_v = self.layers[index]
            self.layers[index] = torch.cat([old_k, k], dim=-2), torch.cat([old_v, v], dim=-2)
        return self.layers[index]

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order: beams are dropped and doubled so."""
        self.layers = [(k[rows], v[rows]) for k, v in self.layers]

    def size(self) -> int:
        """How many bytes it takes."""
        return sum(k.nbytes + v.nbytes for k, v in self.layers)


def causal_attention(
    attention: MultiHeadAttention,
    x: Tensor,
    rotary,
    cache: Cache | None,
    index: int,
    window: int = 0,
) -> Tensor:
    """Self-attention of layer `index` that never looks ahead, nor further back than `window`
    tokens unless it is 0: (B, L, D) → (B, L, D)."""
    q, k, v = attention.project(x, rotary)
    past = 0
    if cache is not None:
        k, v = cache.extend(index, k, v)  # (B, H, past + L, d)
        past = k.size(-2) - q.size(-2)
    dropout = attention.dropout if attention.training else 0.0
    mask = step_mask(q.size(-2), past, x.device)
    mask = mask.triu(past - window) if window else mask
    return attention.out(merge_heads(_fast_attention(q, k, v, attn_mask=mask, dropout_p=dropout)))


def embed_from(encoder: Encoder, input_ids: Tensor, past: int):
    """Embeddings of tokens that stand behind `past` others, (B, L, D), and their rotary tables."""
    check_inputs(encoder.config, input_ids)
    end = past + input_ids.size(1)
    if end > encoder.config.max_length:
        raise ValueError(
            f"a text of {end} tokens is longer than this model's max_length of "
            f"{encoder.config.max_length}: write less, or start from a shorter text"
        )
    x = encoder.embedding_norm(encoder.tokens(input_ids))  # (B, L, D)
    x = F.dropout(x, encoder.config.dropout, encoder.training)
    return x, (encoder.cos[past:end], encoder.sin[past:end])


class CausalLanguageModel(MaskedLanguageModel):
    """A masked language model with one thing changed: nobody may look ahead.

    The weights are those of `MaskedLanguageModel`, name for name, so a pretrained BERT's fit; only
    now position i has to guess token i + 1, which it has not seen.

    >>> config = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2)
    >>> model = CausalLanguageModel(config)
    >>> a, b = model(torch.tensor([[2, 17, 4]])), model(torch.tensor([[2, 17, 99]]))
    >>> torch.equal(a[:, :2], b[:, :2])                    # the third token changes nothing before
    True
    """

    def __init__(self, config: EncoderConfig):
        if isinstance(config, EncoderConfig):
            require_modern(config)
        super().__init__(config)

    def forward(self, input_ids: Tensor, cache: Cache | None = None) -> Tensor:
        """Logits (B, L, V): row i guesses what follows token i.

        With a `cache`, `input_ids` are only the tokens that are not in it yet; it is extended.
        """
        x, rotary = embed_from(self.encoder, input_ids, cache.length if cache is not None else 0)
        for index, layer in enumerate(self.encoder.layers):
            seen = layer.attention_norm(x)
            window = self.config.window(index)
            heard = causal_attention(layer.attention, seen, rotary, cache, index, window)
            x = x + layer.drop(heard)
            x = x + layer.drop(layer.mlp(layer.mlp_norm(x)))
        return self.decoder(self.head(self.encoder.final_norm(x)))  # (B, L, V)


def made_causal(model: MaskedLanguageModel) -> CausalLanguageModel:
    """The same weights behind the other mask; the given model stays as it is.

    >>> shape = EncoderConfig.modern(60, hidden_size=32, num_layers=1, num_heads=2)
    >>> bert = MaskedLanguageModel(shape)
    >>> made_causal(bert).state_dict().keys() == bert.state_dict().keys()
    True
    """
    if not isinstance(model, MaskedLanguageModel):
        raise TypeError(f"Expected a MaskedLanguageModel, not {type(model).__name__}.")
    with torch.random.fork_rng(devices=[]):
        causal = CausalLanguageModel(model.config)
    causal.load_state_dict(model.state_dict())
    return causal.train(model.training)


class CrossAttention(nn.Module):
    """Queries from the text that is written, keys and values from the text that is read."""

    def __init__(self, hidden_size: int, num_heads: int, bias: bool = False):
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(hidden_size, hidden_size, bias=bias)
        self.kv = nn.Linear(hidden_size, 2 * hidden_size, bias=bias)
        self.out = nn.Linear(hidden_size, hidden_size, bias=bias)

    def read(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of a source text's states (B, S, D): each (B, H, S, d)."""
        k, v = self.kv(memory).chunk(2, dim=-1)
        return split_heads(k, self.num_heads), split_heads(v, self.num_heads)

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """x (B, L, D) looks into memory (B, S, D), where mask (B, 1, 1, S) allows: (B, L, D)."""
        k, v = self.read(memory)
        q = split_heads(self.q(x), self.num_heads)  # (B, H, L, d)
        return self.out(merge_heads(_fast_attention(q, k, v, attn_mask=mask)))

    def weights(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """Where each written token looks in the source: (B, H, L, S)."""
        q = split_heads(self.q(x), self.num_heads)
        return masked_softmax(attention_scores(q, self.read(memory)[0]), mask)


class DecoderLayer(EncoderLayer):
    """An encoder's layer, causal, with a look into the source between its two halves."""

    def __init__(self, config: EncoderConfig, first: bool = False):
        super().__init__(config, first)
        self.cross_norm = layer_norm(config)
        self.cross = CrossAttention(config.hidden_size, config.num_heads, config.bias)

    def forward(self, x, memory, mask, rotary, cache: Cache | None = None, index: int = 0):
        seen = self.attention_norm(x)
        x = x + self.drop(causal_attention(self.attention, seen, rotary, cache, index))
        x = x + self.drop(self.cross(self.cross_norm(x), memory, mask))
        return x + self.drop(self.mlp(self.mlp_norm(x)))


class Translator(nn.Module):
    """An encoder that reads, a decoder that writes (Vaswani et al. 2017, figure 1).

    One embedding table serves the reader, the writer and the last layer (their section 3.4), so
    both languages share one vocabulary.

    >>> model = Translator(EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2))
    >>> model(torch.tensor([[2, 17, 4, 3]]), torch.tensor([[2, 50, 51]])).shape
    torch.Size([1, 3, 100])
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        if not isinstance(config, EncoderConfig):
            raise TypeError(f"config must be an EncoderConfig, not {type(config).__name__}")
        require_modern(config)
        if config.windows:
            raise ValueError("a translator's layers look everywhere: leave out windows")
        self.config = config
        self.layers = nn.ModuleList(DecoderLayer(config, i == 0) for i in range(config.num_layers))
        self.final_norm = layer_norm(config)
        initialise(self, config)
        self.encoder = Encoder(config)
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def forward(self, source: Tensor, target: Tensor, source_mask: Tensor | None = None) -> Tensor:
        """Logits (B, L, V) for the token after each of target (B, L), given source (B, S)."""
        return self.write(target, self.encoder(source, source_mask), source_mask)

    def write(
        self,
        target: Tensor,
        memory: Tensor,
        source_mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """The decoder alone: logits (B, L, V) from the source's states, memory (B, S, D)."""
        x = self.hidden(target, memory, source_mask, cache)[-1]
        return F.linear(self.final_norm(x), self.encoder.tokens.weight, self.bias)

    def hidden(self, target, memory, source_mask=None, cache: Cache | None = None) -> list[Tensor]:
        """What goes into the first layer, and what comes out of each: (B, L, D)."""
        check_ids("target", target, self.config.vocab_size, "a vocabulary of")
        x, rotary = embed_from(self.encoder, target, cache.length if cache is not None else 0)
        mask = None if source_mask is None else padding_mask(source_mask)
        states = [x]
        for index, layer in enumerate(self.layers):
            states.append(layer(states[-1], memory, mask, rotary, cache, index))
        return states

    @torch.no_grad()
    def alignment(self, source: Tensor, target: Tensor, source_mask: Tensor | None = None) -> list:
        """Where each token of target (B, L) looks in source (B, S): (B, H, L, S) a layer."""
        memory = self.encoder(source, source_mask)
        x, rotary = embed_from(self.encoder, target, 0)
        mask = None if source_mask is None else padding_mask(source_mask)
        maps = []
        for layer in self.layers:
            seen = x + causal_attention(layer.attention, layer.attention_norm(x), rotary, None, 0)
            maps.append(layer.cross.weights(layer.cross_norm(seen), memory, mask))
            x = layer(x, memory, mask, rotary)
        return maps


def require_modern(config: EncoderConfig) -> None:
    """Raise unless the configuration is of the modern family: norms first, rotary positions."""
    if config.norm != "pre" or config.positions != "rope" or config.type_vocab_size:
        raise ValueError(
            "our decoders are built on the modern family only (norms first, rotary positions, no "
            "segments): use EncoderConfig.modern"
        )
