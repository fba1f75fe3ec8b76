"""The sizes that both sides of the race share."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from course_utils.model.encoder import EncoderConfig

TOLERANCE = 0.02  # parameters outside the embeddings may differ by so much in the same-shape class


@dataclass(frozen=True)
class Shape:
    """A size of model, vocabulary and row. `mlp_size` is that of the 2018 block.

    >>> S1.bert().mlp_size, S1.modern().mlp_size
    (512, 352)
    """

    name: str
    num_layers: int
    hidden_size: int
    num_heads: int
    mlp_size: int
    vocab_size: int
    length: int = 128

    def _common(self) -> dict:
        return {
            "hidden_size": self.hidden_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "max_length": self.length,
        }

    def bert(self, **choices) -> EncoderConfig:
        """The encoder of 2018 in this size."""
        choices = {**self._common(), "mlp_size": self.mlp_size, **choices}
        return EncoderConfig.bert(self.vocab_size, **choices)

    def modern(self, **choices) -> EncoderConfig:
        """The modern encoder in this size: its gated MLP is narrower, the parameters are as many.

        The width of the MLP is the library's default, which for S1 and S2 keeps the parameters
        outside the embeddings within `TOLERANCE` of the 2018 encoder's.
        """
        return EncoderConfig.modern(self.vocab_size, **{**self._common(), **choices})


S1 = Shape("S1", 4, 128, 2, 512, 4096)  # the headline
S2 = Shape("S2", 4, 256, 4, 1024, 8192)  # the record run
SHAPES = {shape.name: shape for shape in (S1, S2)}


def shape_named(name: str) -> Shape:
    """The shape of this name, or a ValueError, of which argparse makes a sentence."""
    if name not in SHAPES:
        raise ValueError(name)
    return SHAPES[name]


def non_embedding(model: nn.Module) -> int:
    """How many numbers a model learns outside its tables of tokens, positions and segments.

    A decoder that is tied to the embeddings is one of those tables.

    >>> from course_utils.model.heads import MaskedLanguageModel
    >>> tiny = EncoderConfig.modern(100, hidden_size=32, num_layers=1, num_heads=2, mlp_size=32)
    >>> non_embedding(MaskedLanguageModel(tiny))     # 4D² + 3·D·32 + D², four norms, V biases
    8420
    """
    tables = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    return sum(weight.numel() for weight in model.parameters() if id(weight) not in tables)


def same_class(ours: int, theirs: int) -> bool:
    """Whether two counts of parameters lie close enough for the same-shape class.

    >>> same_class(820_480, 810_112), same_class(900_000, 810_112)
    (True, False)
    """
    return abs(ours - theirs) <= TOLERANCE * theirs
