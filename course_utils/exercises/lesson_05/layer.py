"""Lesson 05, section 5.7: the encoder layer, whole (the stretch task)."""

import torch
from torch import nn

from course_utils.exercises.exercise import case, coding
from course_utils.model import encoder
from course_utils.model.encoder import EncoderConfig

whole = coding(
    "05.10",
    title="An encoder layer of either family",
    difficulty=5,
    minutes=20,
    given="attention, MLP and two norms, made by `__init__`, and the method `drop`",
    reference=encoder.EncoderLayer,
    keep=("__init__", "drop"),
    tolerance=1e-4,  # the oracle turns in float32, whatever the input
    task="""Attention, then the MLP, each beside a residual path: (B, L, D) → (B, L, D).

    `self.post` says where the norms stand: after each sum (2018), or before each sublayer
    (modern).  Mask and rotary tables go to the attention.  What a sublayer gives is dropped out
    (`self.drop`) before it is added.
    """,
    hints=[
        "Write the 2018 order first: two lines, each of the form norm(x + sublayer(x)).",
        "Modern: x + sublayer(norm(x)). What is added is the x from *before* the norm.",
        "`self.drop(self.attention(x, mask, rotary))` and `self.drop(self.mlp(x))` are what is "
        "added; each has a norm of its own.",
    ],
    why="A layer only ever adds to what came in. Post-norm norms the sum, so the stream is "
    "rescaled at every step; pre-norm norms what a sublayer reads, and the stream itself runs "
    "from the embeddings to the last layer untouched.",
    then="stack 64 of them and print the size of the stream after each.",
)


@whole.cases
def layer_cases(draw):
    for norm, batch, length, width, heads, first in (
        ("post", 1, 3, 4, 1, False),
        ("pre", 1, 3, 4, 1, False),
        ("post", 3, draw.size(4, 8), 12, 2, True),
        ("pre", 2, draw.size(4, 8), 12, 2, False),
        ("pre", 2, 5, 18, 3, True),
    ):
        family = EncoderConfig.bert if norm == "post" else EncoderConfig.modern
        config = family(
            10, hidden_size=width, num_layers=2, num_heads=heads, mlp_size=14, norm_eps=1e-5
        )
        shapes = encoder.EncoderLayer(config, first).state_dict()
        weights = {name: draw.normal(*one.shape) for name, one in shapes.items()}
        mask = draw.mask(batch, 1, 1, length)
        mask[..., 0], mask[..., -1] = True, False
        angles = draw.uniform(length, width // heads // 2).repeat(1, 2)
        rotary = (angles.cos(), angles.sin()) if norm == "pre" else None
        yield case(config, draw.normal(batch, length, width), weights, mask, rotary, first)


@whole.observe
def layered(EncoderLayer, config, x, weights, mask, rotary, first):
    layers = [EncoderLayer(config, first).to(x.dtype).eval() for _ in range(2)]
    for layer in layers:
        layer.load_state_dict(weights)
    layers[1].drop = torch.zeros_like
    output, silent = (layer(x, mask, rotary) for layer in layers)
    return {"output": output, "output when all is dropped": silent}


@whole.oracle
def libraries(config, x, weights, mask, rotary, first):
    """2018: torch.nn.TransformerEncoderLayer. Modern: ModernBERT's layer in `transformers`."""
    layer, names = torch_layer(config) if config.norm == "post" else modern_bert(config, first)
    state = {}
    for ours, value in weights.items():
        part, _, kind = ours.rpartition(".")
        theirs = names[part]
        state[f"{theirs}_{kind}" if theirs.endswith("in_proj") else f"{theirs}.{kind}"] = value
    layer.to(x.dtype).load_state_dict(state)
    silent = x  # all that the sublayers give is dropped: what is left are norms of the stream
    with torch.no_grad():
        if config.norm == "post":
            out = layer.train()(x, src_key_padding_mask=~mask[:, 0, 0])  # no dropout: p is 0
            silent = layer.norm2(layer.norm1(x))
        else:
            cos, sin = rotary
            out = layer.eval()(
                x, attention_mask=mask, position_embeddings=(cos[None].to(x), sin[None].to(x))
            )
    out = out[0] if isinstance(out, tuple) else out
    return {"output": out, "output when all is dropped": silent}


def torch_layer(config):
    layer = nn.TransformerEncoderLayer(
        config.hidden_size,
        config.num_heads,
        config.mlp_size,
        dropout=0.0,
        activation="gelu",
        batch_first=True,
        norm_first=False,
    )
    names = {"attention.qkv": "self_attn.in_proj", "attention.out": "self_attn.out_proj"}
    names |= {"mlp.up": "linear1", "mlp.down": "linear2"}
    return layer, names | {"attention_norm": "norm1", "mlp_norm": "norm2"}


def modern_bert(config, first):
    from transformers import ModernBertConfig  # slow to import: only for those who come this far
    from transformers.models.modernbert.modeling_modernbert import ModernBertEncoderLayer

    theirs = ModernBertConfig(
        hidden_size=config.hidden_size,
        num_attention_heads=config.num_heads,
        intermediate_size=config.mlp_size,
        num_hidden_layers=2,
        layer_types=["full_attention"] * 2,
        norm_eps=config.norm_eps,
    )
    theirs._attn_implementation = "sdpa"
    names = {"attention.qkv": "attn.Wqkv", "attention.out": "attn.Wo", "mlp.up": "mlp.Wi"}
    names |= {"mlp.down": "mlp.Wo", "attention_norm": "attn_norm", "mlp_norm": "mlp_norm"}
    return ModernBertEncoderLayer(theirs, layer_idx=0 if first else 1), names


class Variant(encoder.EncoderLayer):
    """A layer whose order of things is given by `pre` and `post_norm`."""

    def forward(self, x, mask, rotary):
        return (self.post_norm if self.post else self.pre)(x, mask, rotary)

    def post_norm(self, x, mask, rotary):
        x = self.attention_norm(x + self.drop(self.attention(x, mask, rotary)))
        return self.mlp_norm(x + self.drop(self.mlp(x)))

    def pre(self, x, mask, rotary):
        x = x + self.drop(self.attention(self.attention_norm(x), mask, rotary))
        return x + self.drop(self.mlp(self.mlp_norm(x)))


@whole.wrong("always norms before: `self.post` asks for the order of 2018", "5.4")
class AlwaysPre(Variant):
    post_norm = Variant.pre


@whole.wrong("always norms after: without `self.post` the modern order is asked for", "5.4")
class AlwaysPost(Variant):
    pre = Variant.post_norm


@whole.wrong("the sublayer's output replaces the stream; it should be added to it", "5.4")
class NoResidual(Variant):
    def post_norm(self, x, mask, rotary):
        x = self.attention_norm(self.drop(self.attention(x, mask, rotary)))
        return self.mlp_norm(self.drop(self.mlp(x)))

    def pre(self, x, mask, rotary):
        x = self.drop(self.attention(self.attention_norm(x), mask, rotary))
        return self.drop(self.mlp(self.mlp_norm(x)))


@whole.wrong("you add to the normed x; the residual path carries the x from before the norm", "5.4")
class AddedToTheNormed(Variant):
    def pre(self, x, mask, rotary):
        x = self.attention_norm(x)
        x = self.mlp_norm(x + self.drop(self.attention(x, mask, rotary)))
        return x + self.drop(self.mlp(x))


@whole.wrong("the MLP reads what came into the layer, not what the attention added to it", "5.7")
class SideBySide(Variant):
    def pre(self, x, mask, rotary):
        heard = self.drop(self.attention(self.attention_norm(x), mask, rotary))
        return x + heard + self.drop(self.mlp(self.mlp_norm(x)))


@whole.wrong("the mask never reaches the attention: padding is read", "5.7")
class ForgotTheMask(Variant):
    def forward(self, x, mask, rotary):
        return super().forward(x, None, rotary)


@whole.wrong("the rotary tables never reach the attention: the layer cannot tell the order", "5.7")
class ForgotTheRotaryTables(Variant):
    def forward(self, x, mask, rotary):
        return super().forward(x, mask, None)


@whole.alternative
class StepByStep(encoder.EncoderLayer):
    def forward(self, x, mask, rotary):
        steps = [(self.attention_norm, lambda y: self.attention(y, mask, rotary))]
        steps.append((self.mlp_norm, self.mlp))
        for norm, sublayer in steps:
            if self.post:
                x = norm(x + self.drop(sublayer(x)))
            else:
                x = x + self.drop(sublayer(norm(x)))
        return x


@whole.wrong("what a sublayer gives is never dropped out: `self.drop` is not called", "5.7")
class WithoutDropout(Variant):
    def post_norm(self, x, mask, rotary):
        x = self.attention_norm(x + self.attention(x, mask, rotary))
        return self.mlp_norm(x + self.mlp(x))

    def pre(self, x, mask, rotary):
        x = x + self.attention(self.attention_norm(x), mask, rotary)
        return x + self.mlp(self.mlp_norm(x))


@whole.wrong("the stream is dropped out with it; only what a sublayer gives should be", "5.7")
class DroppedTheSum(Variant):
    def post_norm(self, x, mask, rotary):
        x = self.attention_norm(self.drop(x + self.attention(x, mask, rotary)))
        return self.mlp_norm(self.drop(x + self.mlp(x)))

    def pre(self, x, mask, rotary):
        x = self.drop(x + self.attention(self.attention_norm(x), mask, rotary))
        return self.drop(x + self.mlp(self.mlp_norm(x)))


@whole.alternative
class InTwoLines(Variant):
    pass
