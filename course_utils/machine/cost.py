"""What a model will cost before it is built: parameters, memory and arithmetic.

A configuration is anything with the fields of `course_utils.model.encoder.EncoderConfig`.
"""

from dataclasses import asdict, dataclass

from .device import pick_device, trains_on_plain_products

FLOAT = 4  # bytes of a float32


def parameter_table(config) -> dict[str, int]:
    """Parameters of a masked language model, by part; `count_parameters` is their sum.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> parameter_table(EncoderConfig.modern(8192, hidden_size=256, num_layers=4, num_heads=4))
    {'embeddings': 2097408, 'layers': 3114752, 'final_norm': 256, 'head': 73984}
    """
    _configured(config)
    d, f = config.hidden_size, config.mlp_size
    bias = int(config.bias)
    norm = d * (1 + bias)
    up = f * (2 if config.mlp == "gated" else 1)
    matrices = 3 * d * d + d * d + d * up + f * d
    biases = bias * (3 * d + d + up + d)
    layers = config.num_layers * (matrices + biases + 2 * norm)
    embeddings = config.vocab_size * d + config.type_vocab_size * d + norm
    embeddings += config.max_length * d if config.positions == "learned" else 0
    head = d * d + bias * d + norm + config.vocab_size
    head += 0 if config.tie_embeddings else config.vocab_size * d
    pre = config.norm == "pre"
    return {
        "embeddings": embeddings,
        "layers": layers - (norm if pre else 0),  # the first pre-norm layer starts without a norm
        "final_norm": norm if pre else 0,
        "head": head,
    }


def count_parameters(config) -> int:
    """How many numbers a masked language model of this configuration learns."""
    return sum(parameter_table(config).values())


def training_flops(config, tokens: int, masked_tokens: int, length: int = 128) -> float:
    """Floating-point operations of training on `tokens`, in rows of `length`, of which
    `masked_tokens` are predicted.

    Each weight costs one multiplication and one addition for each token, three times (forward,
    and twice backward): 6 a weight and token (Kaplan et al. 2020, section 2.1). The attention's
    two products add 12 · layers · D · L a token. The output layer works on masked tokens only.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> f"{training_flops(EncoderConfig.modern(8192), 8192, 2432):.2e}"
    '1.97e+11'
    """
    _configured(config)
    _positive(tokens=tokens, masked_tokens=masked_tokens, length=length)
    d = config.hidden_size
    products = 3 if config.mlp == "gated" else 2
    block = config.num_layers * (4 * d * d + products * d * config.mlp_size)
    attention = 12 * tokens * config.num_layers * d * length
    return 6.0 * tokens * block + attention + 6.0 * masked_tokens * (d * config.vocab_size + d * d)


@dataclass(frozen=True)
class Memory:
    """Bytes that training holds at its peak, by what they are for."""

    weights: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of it, in bytes."""
        return sum(asdict(self).values())


def training_memory(
    config, batch_size: int, length: int, masked_per_row: int, optimizer: str = "muon"
) -> Memory:
    """Memory of a float32 training step on this machine's device, in bytes.

    Activations are what the forward pass keeps for the backward pass; where attention trains on
    plain products, its weights are among them, L numbers for each head and token. AdamW keeps two
    numbers a weight, Muon one for each weight of an inner matrix.

    >>> from course_utils.model.encoder import EncoderConfig
    >>> round(training_memory(EncoderConfig.modern(8192), 32, 128, 38).total / 1e6)
    469
    """
    _configured(config)
    _positive(batch_size=batch_size, length=length, masked_per_row=masked_per_row)
    if optimizer not in ("adamw", "muon"):
        raise ValueError(f"optimizer must be 'adamw' or 'muon', not {optimizer!r}.")
    count = count_parameters(config)
    d, f = config.hidden_size, config.mlp_size
    gated = config.mlp == "gated"
    matrices = config.num_layers * (4 * d * d + (3 if gated else 2) * d * f) + d * d
    kept = 2 * count - (matrices if optimizer == "muon" else 0)
    token = KEPT_WIDTHS[config.norm] * d + (4 if gated else 2) * f
    if trains_on_plain_products(pick_device(), length):
        token += config.num_heads * length
        # Queries and keys that were turned are kept as copies. The kernel keeps the product that
        # they came from as well, for the values in it; plain products copy the values out of it.
        token -= 2 * d if config.positions == "rope" else 0
    tokens, masked = batch_size * length, batch_size * masked_per_row
    activations = tokens * (config.num_layers * token + 2 * d)
    activations += masked * (4 * d + config.vocab_size)
    return Memory(FLOAT * count, FLOAT * count, FLOAT * kept, FLOAT * activations)


# Vectors of width D that a layer keeps for each token, besides those of the MLP: the inputs of
# its two norms and of its linear layers, the queries, keys, values and the attention's output.
KEPT_WIDTHS = {"pre": 10, "post": 8}


def _configured(config) -> None:
    if not hasattr(config, "hidden_size"):
        raise TypeError(f"config must be an EncoderConfig, not {type(config).__name__}.")


def _positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) or number < 1:
            raise ValueError(f"{name} must be a whole number ≥ 1, not {number!r}.")
