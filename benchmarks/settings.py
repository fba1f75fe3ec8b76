"""Who races, and how: every choice of a run in one flat, hashable record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
CHOICES = {
    "model": ("bert", "jina", "modernbert", "lean", "modern"),
    "attention": ("sdpa", "eager"),
    "optimizer": ("adamw", "muon"),
    "schedule": ("linear", "cosine", "constant"),
}

YOUNGER = ("windows", "momentum", "beta1", "counted", "layers")  # than the first logs


@dataclass(frozen=True)
class Settings:
    """All that a run depends on besides its shape, seed and number of steps.

    model: "bert", "jina" and "modernbert" are those of `transformers`; "jina" is the block of 2018
    with rotary positions. "lean" is the same block in our encoder, "modern" our modern one.
    library: trained by `course_utils.training.loop`, with its own AdamW or Muon and its choice of
    number type; otherwise by a plain loop with PyTorch's fused AdamW.
    sparse: the prediction head works on the masked places only.
    coin: each token is hidden by its own coin, as the data collator of `transformers` does it;
    otherwise every row hides the same number.
    warmup: share of the steps. rate, mask_share, random_share: as in `masking.Corruption`.
    unigram_bias, zero_outputs: how the weights start, see `models.start_well`.
    windows: of our models only, as in `EncoderConfig`.
    momentum, beta1: Muon's and AdamW's in the library's loop.
    counted: our embeddings begin as counts of neighbours, `pretraining.start_from_counts`.
    layers: how many, in the open class; 0: as many as the shape has.
    """

    name: str
    model: str
    library: bool = False
    sparse: bool = False
    attention: str = "sdpa"
    dropout: float = 0.0
    bf16: bool = True
    compile: bool = False
    optimizer: str = "adamw"
    lr: float = 1e-3
    batch_size: int = 32
    warmup: float = 0.05
    schedule: str = "linear"
    weight_decay: float = 0.01
    beta2: float = 0.98
    rate: float = 0.15
    mask_share: float = 0.8
    random_share: float = 0.1
    coin: bool = False
    unigram_bias: bool = False
    zero_outputs: bool = False
    windows: tuple[int, ...] = ()
    momentum: float = 0.95
    beta1: float = 0.9
    counted: bool = False
    layers: int = 0

    def __post_init__(self):
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                value = getattr(self, field)
                raise ValueError(f"{field} must be one of {choices}, not {value!r}.")
        object.__setattr__(self, "windows", tuple(self.windows))  # JSON has lists
        if (self.windows or self.layers) and not self.ours:
            raise ValueError("Only our own models have windows or layers of their own here.")
        if not 0 <= self.warmup < 1:
            raise ValueError(f"warmup is a share of the steps, in [0, 1), not {self.warmup}.")
        if self.counted and not self.ours:
            raise ValueError("Only our own models start from counts here.")
        if self.optimizer == "muon" and not self.library:
            raise ValueError("Muon belongs to the library's loop: set library=True.")
        if self.library and (not self.ours or not self.sparse or self.coin):
            raise ValueError(
                "The library's loop trains our own models, on the masked places only, with the "
                "same number of them in each row."
            )

    @property
    def ours(self) -> bool:
        """Whether the model is one of this library."""
        return self.model in ("lean", "modern")

    def to_dict(self) -> dict:
        """Plain values, ready for JSON; the younger choices only where they were made."""
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in YOUNGER or value != getattr(Settings, name)
        }


# The masked-LM example script of `transformers` as it comes: TrainingArguments' defaults (fused
# AdamW, β₂ 0.999, no decay, no warm-up, linear schedule, fp32), the configuration's dropout.
B0 = Settings(
    "b0", "bert", dropout=0.1, bf16=False, lr=5e-5, batch_size=8, warmup=0.0, weight_decay=0.0,
    beta2=0.999, coin=True,
)  # fmt: skip
# Where the sweeps start; what they choose replaces these, see `tuned`.
B1 = Settings("b1", "bert", attention="eager", compile=True, batch_size=16)
B1R = replace(B1, name="b1r", model="jina", batch_size=32)
B2 = Settings("b2", "modernbert", sparse=True)
OPPONENT = "b1r"  # whose loss is the target: B1 itself never leaves the unigram plateau


def ours() -> Settings:
    """The library's own recipe, that of `course-bert`, with three changes that suit a short run.

    Lower layers see a neighbour to either side only, 40 % of the tokens are hidden, and the
    optimizers remember fewer gradients.

    >>> ours().optimizer, ours().windows, ours().rate, ours().momentum, ours().counted
    ('muon', (1, 1, 1, 0), 0.4, 0.85, True)
    """
    from course_utils.training.pretraining import RECIPES

    recipe = RECIPES["course-bert"]
    training = recipe.train
    return Settings(
        "ours", "modern", library=True, sparse=True, compile=training.compile,
        optimizer=training.optimizer, lr=training.lr, batch_size=recipe.batch_size,
        warmup=round(training.warmup / training.steps, 3), schedule=training.schedule,
        weight_decay=training.weight_decay, rate=0.4, mask_share=recipe.mask_share,
        random_share=recipe.random_share, windows=(1, 1, 1, 0), momentum=0.85, beta1=0.7,
        counted=recipe.counted,
    )  # fmt: skip


def open_class(shape_name: str, results: Path = RESULTS) -> Settings:
    """Ours with a single layer that sees two neighbours to either side, else as its sweep tuned it.

    >>> open_class("S2").layers, open_class("S2").windows
    (1, (2,))
    """
    return replace(tuned("ours", shape_name, results)[0], name="open", layers=1, windows=(2,))


def starting(name: str) -> Settings:
    """The settings of a contestant before any sweep.

    Raises:
        ValueError: there is no such contestant.
    """
    if name == "ours":
        return ours()
    known = {"b0": B0, "b1": B1, "b1r": B1R, "b2": B2}
    if name not in known:
        raise ValueError(f"Unknown contestant {name!r}: choose b0, b1, b1r, b2 or ours.")
    return known[name]


def sweep_file(name: str, shape_name: str, results: Path = RESULTS) -> Path:
    """Where the sweep of a contestant keeps what it found."""
    return results / f"sweep-{shape_name}-{name}.json"


def tuned(name: str, shape_name: str, results: Path = RESULTS) -> tuple[Settings, int]:
    """The settings that a contestant's sweep chose and the number of its trials.

    Without a sweep: the starting settings and 0, and no result may be called tuned.
    """
    path = sweep_file(name, shape_name, results)
    if not path.is_file():
        return starting(name), 0
    found = json.loads(path.read_text(encoding="utf-8"))
    return replace(starting(name), **found["chosen"]), len(found["trials"])
