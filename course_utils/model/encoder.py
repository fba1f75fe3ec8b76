"""One small encoder that is the 2018 BERT or its modern descendant.

Five choices tell them apart: where the norms stand, how positions enter, the kind of MLP,
biases, and segment embeddings.  Devlin et al. (2018), "BERT", section 3 and appendix A;
Warner et al. (2024), "ModernBERT", section 2.1.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import MultiHeadAttention, padding_mask, rotary_table, window_mask
from .checks import check_inputs


@dataclass(frozen=True)
class EncoderConfig:
    """The shape of an encoder.  `bert` and `modern` fill in the choices of the two families.

    >>> EncoderConfig.bert(8192).norm, EncoderConfig.modern(8192).norm
    ('post', 'pre')
    """

    vocab_size: int
    hidden_size: int = 256
    num_layers: int = 4
    num_heads: int = 4
    mlp_size: int = 1024
    max_length: int = 512
    norm: str = "pre"  # "post": after each residual sum, as in 2018; "pre": before each sublayer
    positions: str = "rope"  # "learned": a vector per position; "rope": rotated queries and keys
    mlp: str = "gated"  # "gelu": up, gelu, down; "gated": gelu(up) * gate, down
    bias: bool = False
    type_vocab_size: int = 0  # how many kinds of segment; 0 = no such embedding
    tie_embeddings: bool = True
    dropout: float = 0.0
    norm_eps: float = 1e-5
    rope_base: float = 10_000.0
    windows: tuple[int, ...] = ()  # how far each layer looks to either side; 0 or none: everywhere
    pad_id: int = 0

    def __post_init__(self):
        sizes = ("vocab_size", "hidden_size", "num_layers", "num_heads", "mlp_size", "max_length")
        for name in sizes:
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number ≥ 1, not {getattr(self, name)!r}")
        if not isinstance(self.type_vocab_size, int) or self.type_vocab_size < 0:
            raise ValueError(f"type_vocab_size must be 0 or more, not {self.type_vocab_size!r}")
        if self.hidden_size % self.num_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is not a multiple of num_heads {self.num_heads}"
            )
        for name, choices in (
            ("norm", ("post", "pre")),
            ("positions", ("learned", "rope")),
            ("mlp", ("gelu", "gated")),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, not {getattr(self, name)!r}")
        if self.positions == "rope" and (self.hidden_size // self.num_heads) % 2:
            raise ValueError(
                f"rotary positions need an even head width, and {self.hidden_size} / "
                f"{self.num_heads} is odd"
            )
        if not isinstance(self.windows, (tuple, list)):
            raise TypeError(f"windows must be a tuple of whole numbers, not {self.windows!r}")
        windows = tuple(self.windows) if any(self.windows) else ()  # one way to say "everywhere"
        object.__setattr__(self, "windows", windows)
        wrong = [w for w in self.windows if not isinstance(w, int) or w < 0]
        if wrong or len(self.windows) not in (0, self.num_layers):
            raise ValueError(
                f"windows must be a whole number ≥ 0 for each of the {self.num_layers} layers, "
                f"not {self.windows}"
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must lie in [0, 1), not {self.dropout!r}")
        if not 0 <= self.pad_id < self.vocab_size:
            raise ValueError(f"pad_id {self.pad_id} lies outside a vocabulary of {self.vocab_size}")

    @classmethod
    def bert(cls, vocab_size: int, **choices) -> EncoderConfig:
        """The encoder of 2018; the MLP is four times as wide as the model unless told."""
        choices.setdefault("mlp_size", 4 * choices.get("hidden_size", 256))
        family = {"norm": "post", "positions": "learned", "mlp": "gelu", "bias": True}
        return cls(vocab_size, **{**family, "type_vocab_size": 2, "norm_eps": 1e-12, **choices})

    @classmethod
    def modern(cls, vocab_size: int, **choices) -> EncoderConfig:
        """ModernBERT; every layer looks everywhere unless `windows` says how far.

        A gated MLP has three matrices instead of two, so it is 8/3 as wide as the model
        unless told (to a multiple of 32), which keeps the number of parameters.
        """
        choices.setdefault("mlp_size", max(32, round(choices.get("hidden_size", 256) / 12) * 32))
        family = {"norm": "pre", "positions": "rope", "mlp": "gated", "bias": False}
        return cls(vocab_size, **{**family, "type_vocab_size": 0, "norm_eps": 1e-5, **choices})

    def window(self, layer: int) -> int:
        """How many tokens to either side a layer sees; 0 means all of them."""
        return self.windows[layer] if self.windows else 0

    def to_dict(self) -> dict:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> EncoderConfig:
        """The inverse of `to_dict`."""
        if not isinstance(values, dict):
            raise TypeError(f"a configuration is a dict of entries, not {type(values).__name__}")
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            raise ValueError(f"this is no encoder configuration: unknown entries {unknown}")
        return cls(**values)


class MLP(nn.Module):
    """Widen, bend, narrow: (B, L, D) → (B, L, D).  Gated: Shazeer (2020), "GLU Variants"."""

    def __init__(self, config: EncoderConfig):
        super().__init__()
        self.gated = config.mlp == "gated"
        width = config.mlp_size * (2 if self.gated else 1)
        self.up = nn.Linear(config.hidden_size, width, bias=config.bias)
        self.down = nn.Linear(config.mlp_size, config.hidden_size, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.gated:
            x, gate = self.up(x).chunk(2, dim=-1)  # (B, L, mlp_size) each
            return self.down(F.gelu(x) * gate)
        return self.down(F.gelu(self.up(x)))


class EncoderLayer(nn.Module):
    """Attention, then the MLP, each beside a residual path: (B, L, D) → (B, L, D)."""

    def __init__(self, config: EncoderConfig, first: bool = False):
        super().__init__()
        self.post, self.dropout = config.norm == "post", config.dropout
        # The pre-norm family has just normed the embeddings when the first layer starts.
        self.attention_norm = layer_norm(config) if self.post or not first else nn.Identity()
        self.attention = MultiHeadAttention(
            config.hidden_size, config.num_heads, bias=config.bias, dropout=config.dropout
        )
        self.mlp_norm = layer_norm(config)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, mask: Tensor | None, rotary) -> Tensor:
        if self.post:
            x = self.attention_norm(x + self.drop(self.attention(x, mask, rotary)))
            return self.mlp_norm(x + self.drop(self.mlp(x)))
        x = x + self.drop(self.attention(self.attention_norm(x), mask, rotary))
        return x + self.drop(self.mlp(self.mlp_norm(x)))

    def drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class Encoder(nn.Module):
    """Token ids (B, L) → one vector for each token, (B, L, D), that has seen all the others.

    >>> encoder = Encoder(EncoderConfig.modern(100, hidden_size=32, num_layers=2, num_heads=2))
    >>> encoder(torch.tensor([[2, 17, 4, 3]])).shape
    torch.Size([1, 4, 32])
    """

    def __init__(self, config: EncoderConfig):
        super().__init__()
        if not isinstance(config, EncoderConfig):
            raise TypeError(f"config must be an EncoderConfig, not {type(config).__name__}")
        self.config = config
        width = config.hidden_size
        self.tokens = nn.Embedding(config.vocab_size, width)
        if config.positions == "learned":
            self.positions = nn.Embedding(config.max_length, width)
        else:
            cos, sin = rotary_table(config.max_length, width // config.num_heads, config.rope_base)
            self.register_buffer("cos", cos, persistent=False)
            self.register_buffer("sin", sin, persistent=False)
        if config.type_vocab_size:
            self.types = nn.Embedding(config.type_vocab_size, width)
        self.embedding_norm = layer_norm(config)
        self.layers = nn.ModuleList(
            EncoderLayer(config, first=i == 0) for i in range(config.num_layers)
        )
        self.final_norm = layer_norm(config) if config.norm == "pre" else nn.Identity()
        initialise(self, config)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        return_all: bool = False,
    ) -> Tensor | list[Tensor]:
        """Hidden states (B, L, D); with `return_all`, the embeddings and every layer's output.

        `attention_mask` is (B, L) with 1 = real token; `token_type_ids` (B, L) picks segments.
        As in `transformers`, the last of all states is the one after the final norm.
        """
        x, mask, rotary = self.embed(input_ids, attention_mask, token_type_ids)
        states = [x]
        for number, layer in enumerate(self.layers):
            x = layer(x, self.seen(number, mask, x), rotary)
            states.append(x)
        states[-1] = self.final_norm(x)
        return states if return_all else states[-1]

    @torch.no_grad()
    def attention_maps(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> list:
        """The weights of every layer, (B, H, L, L) each: row i is what position i looks at."""
        x, mask, rotary = self.embed(input_ids, attention_mask)
        maps = []
        for number, layer in enumerate(self.layers):
            own, normed = self.seen(number, mask, x), x if layer.post else layer.attention_norm(x)
            maps.append(layer.attention.weights(normed, own, rotary))
            x = layer(x, own, rotary)
        return maps

    def seen(self, number: int, mask: Tensor | None, x: Tensor) -> Tensor | None:
        """The mask of one layer for x (B, L, D): the padding, and what lies outside its window."""
        window = self.config.window(number)
        if not window:
            return mask
        near = window_mask(x.size(1), window, x.device)  # (L, L)
        return near if mask is None else near & mask

    def embed(self, input_ids, attention_mask=None, token_type_ids=None):
        """What goes into the first layer (B, L, D), its mask, and the rotary tables."""
        check_inputs(self.config, input_ids, attention_mask, token_type_ids)
        length = input_ids.size(1)
        x = self.tokens(input_ids)  # (B, L, D)
        if self.config.type_vocab_size:
            x = x + (self.types.weight[0] if token_type_ids is None else self.types(token_type_ids))
        rotary = None
        if self.config.positions == "learned":
            x = x + self.positions.weight[:length]
        else:
            rotary = self.cos[:length], self.sin[:length]  # (L, d) each
        x = self.embedding_norm(x)
        if self.config.dropout:
            x = F.dropout(x, self.config.dropout, self.training)
        return x, None if attention_mask is None else padding_mask(attention_mask), rotary


def layer_norm(config: EncoderConfig) -> nn.LayerNorm:
    return nn.LayerNorm(config.hidden_size, eps=config.norm_eps, bias=config.bias)


def initialise(module: nn.Module, config: EncoderConfig, std: float = 0.02) -> None:
    """Normal weights of standard deviation 0.02, zero biases, as in both families.

    In the modern one the matrices that write into the residual stream start smaller, so that
    the stream does not grow with the number of layers (GPT-2 report, section 2.3).
    """
    small = std / math.sqrt(2 * config.num_layers) if config.norm == "pre" else std
    for name, part in module.named_modules():
        if isinstance(part, (nn.Linear, nn.Embedding)):
            writes = name.endswith(("attention.out", "mlp.down"))
            nn.init.normal_(part.weight, std=small if writes else std)
        if isinstance(part, nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)
